"""The measurements in a size of seconds, so that `make bench` works when it is wanted."""

import pytest

from tests.bench.__main__ import ENGINES, report

SMALL = ("moves=6", "together=6", "clients=2", "cases=60", "households=20", "calls=4")
ROWS = {"moves": 3 * len(ENGINES), "desk": len(ENGINES), "roster": len(ENGINES), "api": len(ENGINES)}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ROWS)
def test_each_table_has_its_rows(name: str) -> None:
    table = report([name, *SMALL]).splitlines()[4:]
    assert len(table) == 2 + ROWS[name], table
    assert len({line.count("|") for line in table}) == 1, table


def test_a_word_that_is_none_is_told() -> None:
    for word in ("none", "nothing=1"):
        with pytest.raises(SystemExit):
            report([word])
