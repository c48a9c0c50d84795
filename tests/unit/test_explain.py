"""Explanations of periods: they end where the period ends, count what it counts, and say why in words."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.clock_values import CALENDAR, amounts, china, moments
from workflows.clock import (
    COUNTINGS,
    LAST_MOVES,
    CalendarDays,
    Duration,
    Hours,
    Months,
    WorkingDays,
    duration_text,
    utc_text,
)
from workflows.explain import Explanation, explain_clock
from workflows.explain_words import Words, end_text, link_title, pause_texts, rule_lines, run_text, runs, weeks
from workflows.model import Clock
from workflows.periods import counted_anew
from workflows.policy import Pack
from workflows.registry import load_rules
from workflows.terms import load_terms

NOW = china("2026-11-25 09:00")


def clock(limit: str, start: str, **changes: object) -> Clock:
    """A period of so long from a local time on."""
    made = Clock("verify", 1, utc_text(china(start)), "", "max", "CC 203", provisional=False, limit=limit)
    return counted_anew(replace(made, **changes), CALENDAR)  # type: ignore[arg-type]


def words(lang: str = "zh") -> Words:
    """Words without a case; a clause stands as it is."""

    def say(key: str, **params: Any) -> str:
        return load_terms().text(key, lang, **params)

    return Words(say, lang, str)


def told(found: Explanation, lang: str = "zh") -> list[str]:
    """All days of an explanation in words."""
    lines, number = [], 0
    for link in found.links:
        lines += [run_text(run, words(lang)) for run in runs(link, words(lang), number)]
        number += link.counted
    return lines


def test_each_day_over_mid_autumn_and_national_day() -> None:
    found = explain_clock(clock("10 working_days", "2026-09-25 10:00"), CALENDAR, NOW)
    assert told(found, "en") == [
        "09-25 Fri, day of the start: not counted",
        "09-26 Sat to 09-27 Sun, Mid-Autumn Festival, weekend: not counted",
        "09-28 Mon to 09-30 Wed, working day: days 1 to 3",
        "10-01 Thu to 10-02 Fri, National Day, public holiday: not counted",
        "10-03 Sat to 10-04 Sun, National Day, weekend: not counted",
        "10-05 Mon to 10-07 Wed, National Day, public holiday: not counted",
        "10-08 Thu to 10-09 Fri, working day: days 4 to 5",
        "10-10 Sat, National Day, make-up workday: day 6",
        "10-11 Sun, weekend: not counted",
        "10-12 Mon to 10-15 Thu, working day: days 7 to 10",
    ]
    assert end_text(found, words()) == "最后一日：2026-10-15（24时止）"


def test_a_last_day_that_moves_and_an_extension_behind_it() -> None:
    made = clock("15 calendar_days", "2026-09-16 10:00", counting=LAST_MOVES, extended=("5 calendar_days",))
    found = explain_clock(made, CALENDAR, NOW)
    assert told(found)[-4:] == [
        "10月8日周四　工作日：顺延至此日",
        "10月9日周五　自然日：计第16日",
        "10月10日周六　国庆节，自然日：计第17日",
        "10月11日周日至10月13日周二　自然日：计第18至20日",
    ]
    assert any(line.endswith("末日休息，顺延") for line in told(found))
    assert link_title(found, 1, words()) == "第1次延长：5个自然日"


def test_a_pause_stands_with_its_ground_and_one_that_lasts_has_no_end() -> None:
    pause = (utc_text(china("2026-09-18 15:00")), utc_text(china("2026-09-20 09:00")))
    found = explain_clock(clock("2 working_days", "2026-09-17 10:00", pauses=(pause,)), CALENDAR, NOW)
    assert told(found, "en")[1:3] == [
        "09-18 Fri to 09-19 Sat, paused: not counted",
        "09-20 Sun, National Day, make-up workday: day 1",
    ]
    assert pause_texts(found, lambda at: f"@{at}", words("en")) == [f"2026-09-18 15:00 to 2026-09-20 09:00@{pause[0]}"]
    lasting = clock("5 working_days", "2026-11-20 10:00", pauses=((utc_text(china("2026-11-24 15:00")), ""),))
    found = explain_clock(lasting, CALENDAR, NOW)
    assert end_text(found, words("en")) == "paused since 2026-11-24 15:00; it does not end before it is resumed"
    assert [(s.date.day, s.counted, s.why) for s in found.links[0].steps] == [
        (20, False, "start_day"), (21, False, "weekend"), (22, False, "weekend"), (23, True, "working_day"),
        (24, False, "paused"), (25, False, "paused"),
    ]  # fmt: skip
    assert found.agrees


def test_hours_are_told_in_stretches() -> None:
    pause = (utc_text(china("2026-10-09 18:00")), utc_text(china("2026-10-10 08:00")))
    link = explain_clock(clock("24 hours", "2026-10-09 12:00", pauses=(pause,)), CALENDAR, NOW).links[0]
    assert [(s.runs, (s.end - s.begin) // timedelta(hours=1)) for s in link.stretches] == [
        (True, 6), (False, 14), (True, 18),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("limit", "changes", "said"),
    [
        ("10 working_days", {}, "The day of the start is not counted; the first day is the next one (CC 201)"),
        ("10 calendar_days", {"counting": LAST_MOVES}, "A last day that is off moves to the next working day (CC 203)"),
        ("10 calendar_days", {}, "A last day that is off stays the last one (CC 203)"),
        ("5 calendar_days", {"bound": "min"}, "It is a minimum: neither days off nor pauses shorten it"),
        ("5 hours", {}, "Hours run on without a break, days off included"),
        ("recurring month", {}, "It ends with the last day of the calendar period"),
        ("window 11-01 11-30", {}, "It ends with the last day of the window"),
    ],
)
def test_the_rule_stands_with_its_clause(limit: str, changes: dict[str, str], said: str) -> None:
    found = explain_clock(clock(limit, "2026-11-01 00:00", **changes), CALENDAR, NOW)
    assert said in rule_lines(found, national(), date(2026, 11, 1), words("en"))


def national() -> Pack:
    """The pack of the nation."""
    return load_rules().packs["national"]


def test_what_began_before_limits_were_noted_is_not_guessed() -> None:
    with pytest.raises(ValueError, match="verify"):
        explain_clock(replace(clock("5 hours", "2026-11-01 00:00"), limit=""), CALENDAR, NOW)


def test_another_calendar_is_told_apart() -> None:
    other = replace(CALENDAR, holidays=CALENDAR.holidays - {date(2026, 10, 7)}, years=(), names={})
    assert not explain_clock(clock("10 working_days", "2026-09-25 10:00"), other, NOW).agrees


def test_a_long_strip_leaves_out_its_middle() -> None:
    link = explain_clock(clock("6 months", "2026-01-15 10:00"), CALENDAR, NOW).links[0]
    rows = weeks(link, words())
    assert [row is None for row in rows] == [False] * 3 + [True] + [False] * 3
    short = weeks(explain_clock(clock("10 working_days", "2026-09-25 10:00"), CALENDAR, NOW).links[0], words())
    marks = [cell.mark for row in short if row for cell in row if cell]
    assert (len(marks), marks.count("on"), marks[-1]) == (21, 9, "last")


MAKE: tuple[Callable[[int], Duration], ...] = (Hours, CalendarDays, WorkingDays, Months)


@given(
    st.sampled_from(MAKE),
    amounts,
    moments,
    st.sampled_from(COUNTINGS),
    st.sampled_from(["max", "min"]),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), max_size=3),
    st.integers(0, 2),
)
def test_it_ends_where_the_period_ends_and_counts_what_it_counts(
    make: Callable[[int], Duration], amount: int, start: datetime, counting: str, bound: str,
    gaps: list[tuple[int, int]], extensions: int,
) -> None:  # fmt: skip
    limit, pauses, at = duration_text(make(amount)), [], start
    for before, long in gaps:
        begin = at + timedelta(seconds=before)
        at = begin + timedelta(seconds=long)
        pauses.append((utc_text(begin), utc_text(at)))
    made = Clock("x", 1, utc_text(start), "", bound, "", provisional=False, limit=limit, counting=counting,
                 pauses=tuple(pauses), extended=(limit,) * extensions)  # fmt: skip
    made = counted_anew(made, CALENDAR)
    found = explain_clock(made, CALENDAR, NOW)
    assert found.agrees
    assert len(found.links) == 1 + extensions
    if make in (CalendarDays, WorkingDays):
        assert [link.counted for link in found.links] == [amount] * (1 + extensions)
    days = [step.date for link in found.links for step in link.steps]
    if make is not Hours:
        assert days == [days[0] + timedelta(days=n) for n in range(len(days))]
