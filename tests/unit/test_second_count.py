"""Ends as ``workflows.clock`` gives them, against a second calculation and against tables worked by hand."""

import random
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.prove.counting import CALENDAR, first_end, prove
from tests.unit.clock_values import china
from tests.unit.second_count import Second, any_case
from workflows.clock import CHINA, due, parse_duration_text, utc_text

SECOND = Second()
ROWS = tomllib.loads((Path(__file__).parent / "ends_by_hand.toml").read_text(encoding="utf-8"))["end"]


@given(st.integers(0, 2**48))
def test_two_calculations_agree(seed: int) -> None:
    case = any_case(random.Random(seed), SECOND)
    assert first_end(case) == SECOND.end(case)


def test_they_agree_on_thousands_and_a_difference_would_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert prove(cases=2_000, seed=1).startswith("2000 random periods")
    monkeypatch.setattr("tests.unit.second_count.DAY", 86_399)
    with pytest.raises(AssertionError, match="case 0 of seed 1"):
        prove(cases=1, seed=1)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['limit']} from {row['start']} {row['why'][:30]}")
def test_ends_by_hand(row: dict[str, Any]) -> None:
    end = due(
        parse_duration_text(row["limit"]),
        china(row["start"]),
        calendar=CALENDAR,
        counting=row.get("counting", ""),
        pauses=[(utc_text(china(a)), utc_text(china(b))) for a, b in row.get("pauses", ())],
        bound=row.get("bound", "max"),
    )
    found = f"{end.at.astimezone(CHINA):%Y-%m-%d %H:%M}" if "hours" in row["limit"] else end.last_day.isoformat()
    assert (found, end.provisional) == (row["last"], row.get("provisional", False))
