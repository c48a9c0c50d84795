"""What all tests share: a database of each engine, and no silent skip."""

import hashlib
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule
from xdist.scheduler import LoadScopeScheduling

from app import disk
from app.services import people
from app.store import schema
from reports import verify
from reports.render import render_trail
from tests import postgres

ENGINES = ("sqlite", "postgresql")
ABOVE_THE_STORE = ("api", "browser", "cli", "web")
ONE_IN = (
    4  # of the tests above the store runs on PostgreSQL when time is short: there each takes twice as long (measured)
)
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
#: Files whose tests share what takes a minute to make: a demo of a year, a browser.
TOGETHER = ("tests/store/test_demo_year.py", "tests/browser/test_walk_browser.py")


class Shared(LoadScopeScheduling):  # type: ignore[misc]
    """Gives each worker test after test, and first of all those that belong together to one and the same.

    The groups of xdist 3.8 (`--dist loadgroup`) have no effect under pytest 9.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file in TOGETHER else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Shared:
    """Say who runs which test."""
    return Shared(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--short``: what `make test` runs; without it everything on both engines, as `make prove` does."""
    about = "no test marked `whole`; above the store each test on one of the engines, which its name decides"
    parser.addoption("--short", action="store_true", help=about)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out of a short run what it leaves out, by a rule that every worker comes to alike."""
    if not config.getoption("--short"):
        return
    left = {item for item in items if item.get_closest_marker("whole") or _is_of_other_engine(item)}
    config.hook.pytest_deselected(items=[item for item in items if item in left])
    items[:] = [item for item in items if item not in left]


def _is_of_other_engine(item: pytest.Item) -> bool:
    """Above the store the engine is hidden, so that a test in one half of them finds what it finds in the other."""
    params = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    engine = params.get("engine_name")
    is_above = item.path.parent.name in ABOVE_THE_STORE or item.get_closest_marker("above_store")
    if engine is None or not is_above:
        return False
    name = item.nodeid.replace(str(engine), "")
    chosen = hashlib.sha256(name.encode()).digest()[0] % ONE_IN == 0
    return bool(engine != ("postgresql" if chosen else "sqlite"))


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


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    """Argon2id at its least cost: a test makes some accounts, and a real hash takes 0.1 s (measured)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(people, "hasher", lambda: CHEAP)
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_the_disk() -> Iterator[None]:
    """No test cuts the power of the machine, so none waits for its disk; a killed process loses nothing by it.

    What an installation is told is in ``tests/test_engines.py``; the commands that tests start are not touched.
    """
    with pytest.MonkeyPatch.context() as patch, disk.without_waiting():
        patch.setattr(postgres, "SHARED", postgres.QUICK)
        yield


@pytest.fixture(scope="session", autouse=True)
def _routes_compiled_once() -> Iterator[None]:
    """Werkzeug writes and compiles two functions for each route; they are the same for each application of a test."""
    known: dict[tuple[str, ...], Any] = {}
    compiled = Rule._compile_builder

    def compiled_once(rule: Rule, append_unknown: bool = True) -> Any:
        key = (rule.rule, str(rule.host), str(rule.subdomain), str(rule.defaults), str(append_unknown))
        if key not in known:
            known[key] = compiled(rule, append_unknown)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "_compile_builder", compiled_once)
        yield


class Compiled(BytecodeCache):
    """Templates compiled once for all applications of a test process; in service each process has but one."""

    def __init__(self) -> None:
        self.known: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take what was compiled before, if it was compiled from the same text."""
        if bucket.key in self.known:
            bucket.bytecode_from_string(self.known[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it."""
        self.known[bucket.key] = bucket.bytecode_to_string()


@pytest.fixture(scope="session", autouse=True)
def _templates_compiled_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Flask, "jinja_options", {"bytecode_cache": Compiled()})
        yield


@pytest.fixture(scope="session", autouse=True)
def _set_again_once() -> Iterator[None]:
    """A check typesets a print again; the same words give the same bytes (tests/print), so once a process will do."""
    known: dict[tuple[object, ...], bytes] = {}

    def render_once(text: str, **given: Any) -> bytes:
        # The note of a print that is checked is in its file already: what is asked to sign ignores what it is given.
        key = (text, *((name, value("") if callable(value) else value) for name, value in sorted(given.items())))
        if key not in known:
            known[key] = render_trail(text, **given)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verify, "render_trail", render_once)
        yield


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


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database at the newest revision, to copy and not to open."""
    path = tmp_path_factory.mktemp("migrated") / "fangpin.db"
    schema.upgrade(f"sqlite:///{path}")
    return path


def _migrate(url: str) -> None:
    schema.upgrade(url)


@pytest.fixture
def migrated_url(engine_name: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The SQLAlchemy URL of a fresh database at the newest revision, a copy of one that was upgraded once."""
    if engine_name == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "fangpin.db")
        yield f"sqlite:///{tmp_path / 'fangpin.db'}"
        return
    url = postgres.new_database(postgres.ensure_template("migrated", _migrate))
    yield url
    postgres.drop_database(url)
