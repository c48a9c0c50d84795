"""What all tests share: a database of each engine, and no silent skip."""

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests import postgres

ENGINES = ("sqlite", "postgresql")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure that says why: what cannot run is not passed."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = call.excinfo.value if call.excinfo else "no reason given"
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and nothing may be skipped: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a whole module."""
    report = yield
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was skipped, and nothing may be: {report.longrepr}"
    return report


def pytest_sessionfinish() -> None:
    """Stop the server: exit handlers do not run in every test worker."""
    postgres.stop()


@pytest.fixture(params=ENGINES)
def engine_name(request: pytest.FixtureRequest) -> str:
    """The engine of this run of the test: sqlite or postgresql."""
    return str(request.param)


@pytest.fixture
def database_url(engine_name: str, tmp_path: Path) -> Iterator[str]:
    """The SQLAlchemy URL of a fresh, empty database; the test runs once for each engine."""
    if engine_name == "sqlite":
        yield f"sqlite:///{tmp_path / 'fangpin.db'}"
        return
    url = postgres.new_database()
    yield url
    postgres.drop_database(url)
