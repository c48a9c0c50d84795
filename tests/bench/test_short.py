"""The measurements in a size of seconds, so that `make bench` works when it is wanted."""

import pytest

from tests.bench import desk, papers
from tests.bench.__main__ import ENGINES, report

SMALL = (
    "moves=6",
    "rounds=1",
    "together=6",
    "clients=2",
    "cases=60",
    "households=20",
    "calls=4",
    "changed=5",
    "what_if=60",
    "live=5000",
    "due=30",
    "prints=2",
    "merged=3",
    "long=20",
    "papers=1",
)
ROWS = {
    "moves": 3,
    "desk": len(desk.PAGES),
    "roster": 1,
    "api": 1,
    "rules": 1,
    "sweep": 3,
    "simulate": 1,
    "prints": 6,
    "papers": 2 + papers.NOTO.exists(),
}
BOTH = ("moves", "desk", "rules", "sweep", "simulate")
# Long to start, and the same on both.
PROCESSES = (("roster", "postgresql"), ("api", "sqlite"), ("papers", "sqlite"), ("prints", "sqlite"))
LONG = [pytest.param(*one, marks=pytest.mark.whole) for one in PROCESSES]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("name", "engine"), [*((n, e) for n in BOTH for e in ENGINES), *LONG])
def test_each_table_has_its_rows(name: str, engine: str) -> None:
    table = report([name, engine, *SMALL]).splitlines()[4:]
    assert len(table) == 2 + ROWS[name], table
    assert len({line.count("|") for line in table}) == 1, table


def test_a_word_that_is_none_is_told() -> None:
    for word in ("none", "nothing=1"):
        with pytest.raises(SystemExit):
            report([word])
