"""The ladder of reminders: what may stand in it, and that its steps come on working mornings, one a day, in order."""

from datetime import datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.calendars import load_calendar
from workflows.clock import CHINA, at_percent, local_date, parse_utc
from workflows.ladder import (
    DEFAULT_LADDER,
    END,
    Quiet,
    Step,
    is_ladder,
    next_morning,
    office_time,
    parse_ladder,
    plan,
    with_early,
)

CALENDAR, QUIET = load_calendar(), Quiet()
STEPS = parse_ladder(DEFAULT_LADDER)


def china(text: str) -> datetime:
    """A moment in China."""
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)


def told(start: str, due: str, quiet: Quiet | None = QUIET) -> list[str]:
    """The plan in local times, as somebody would write it."""
    found = plan(china(start), china(due), STEPS, calendar=CALENDAR, quiet=quiet)
    return [f"{step.percent} {step.whom} {at.astimezone(CHINA):%m-%d %H:%M}" for step, at in found]


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        (["60 owner"], "at 100"),
        (["100 superior"], "at 100"),
        (["80 owner", "60 owner", "100 owner"], "order"),
        (["20 owner", "40 owner", "60 owner", "100 owner"], "at most 2"),
        (["60 owner", "60 owner", "100 owner"], "different percents"),
        (["60 superior", "100 owner"], "to the owner"),
        (["100 owner", "120 county", "150 superior"], "in this order"),
        (["100 owner", "120 county", "150 county"], "at most once"),
        (["100 owner", "0 county"], "percent from 1"),
        (["100 owner", "1e2 county"], "percent from 1"),
        (["100 owner", "0120 county"], "percent from 1"),
        (["100 owner", "120 mayor"], "superior, county, urge"),
        (["100"], "superior, county, urge"),
    ],
)
def test_a_mistake_is_named(texts: list[str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_ladder(texts)
    assert not is_ladder(texts)


def test_what_a_ladder_is() -> None:
    assert is_ladder(DEFAULT_LADDER)
    assert is_ladder(["100 owner"])
    for wrong in ("100 owner", [100], None, [["100 owner"]]):
        assert not is_ladder(wrong)


def test_a_limits_own_percents_replace_the_early_steps_only() -> None:
    late = DEFAULT_LADDER[2:]
    assert with_early(DEFAULT_LADDER, None) == DEFAULT_LADDER
    assert with_early(DEFAULT_LADDER, ()) == late
    assert with_early(DEFAULT_LADDER, (90, 50, 70, 100, 0)) == ("70 owner", "90 owner", *late)


def test_national_day_by_hand() -> None:
    """From 22 September to 10 October 2026 (a Saturday that is worked): nobody is told on 1-7 October."""
    assert told("2026-09-22 00:00", "2026-10-11 00:00") == [
        "60 owner 10-08 08:30",  # 3 October 09:36 is a holiday
        "80 owner 10-09 08:30",  # 7 October 04:48 is one too, and the 8th is taken
        "100 owner 10-12 08:30",  # the Saturday ends at midnight, the Sunday is off
        "120 superior 10-14 19:12",
        "200 county 10-30 08:30",  # at midnight of the 30th
        "200 urge 11-02 08:30",  # on a day of its own, past the weekend
    ]


def test_around_the_clock_every_step_has_its_own_time() -> None:
    assert told("2026-10-01 00:00", "2026-10-02 00:00", None) == [
        "60 owner 10-01 14:24", "80 owner 10-01 19:12", "100 owner 10-02 00:00", "120 superior 10-02 04:48",
        "200 county 10-03 00:00", "200 urge 10-03 00:00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("moment", "first"),
    [
        ("2026-10-12 08:00", "2026-10-12 08:00"),
        ("2026-10-12 07:59", "2026-10-12 08:30"),
        ("2026-10-12 20:59", "2026-10-12 20:59"),
        ("2026-10-12 21:00", "2026-10-13 08:30"),
        ("2026-10-10 12:00", "2026-10-10 12:00"),  # a Saturday that is worked
        ("2026-10-11 12:00", "2026-10-12 08:30"),
        ("2026-02-14 22:00", "2026-02-24 08:30"),  # a worked Saturday's evening, then the Spring Festival
    ],
)
def test_when_somebody_may_be_reminded(moment: str, first: str) -> None:
    assert office_time(china(moment), CALENDAR, QUIET) == china(first)


def test_hours_within_one_day_may_be_quiet_too() -> None:
    noon = Quiet(time(12), time(14), time(8, 30))
    assert office_time(china("2026-10-12 13:00"), CALENDAR, noon) == china("2026-10-13 08:30")
    assert office_time(china("2026-10-12 23:00"), CALENDAR, noon) == china("2026-10-12 23:00")


@given(
    start=st.integers(0, 60 * 24 * 365).map(lambda m: china("2026-01-01 00:00") + timedelta(minutes=m)),
    length=st.integers(1, 60 * 24 * 200).map(lambda m: timedelta(minutes=m)),
    early=st.lists(st.integers(1, 99), max_size=2, unique=True),
    late=st.lists(st.integers(101, 400), min_size=3, max_size=3).map(sorted),
)
def test_steps_come_on_working_days_one_a_day_and_never_too_early(
    start: datetime, length: timedelta, early: list[int], late: list[int]
) -> None:
    texts = [*(f"{p} owner" for p in sorted(early)), "100 owner"]
    texts += [f"{p} {whom}" for p, whom in zip(late, ("superior", "county", "urge"), strict=True)]
    steps, due = parse_ladder(texts), start + length
    found = plan(start, due, steps, calendar=CALENDAR, quiet=QUIET)
    days = [local_date(at) for _, at in found]
    assert all(a < b for a, b in pairwise(days))
    assert [step for step, _ in found if step.percent >= END] == [step for step in steps if step.percent >= END]
    for step, at in found:
        assert at >= at_percent(start, due, percent=step.percent)
        assert step.percent >= END or at < due
        assert CALENDAR.is_working_day(local_date(at))
        assert not QUIET.holds(at.astimezone(CHINA).time())
    left_out = set(steps) - {step for step, _ in found}
    assert all(step.percent < END for step in left_out)


def test_the_next_morning_is_another_day() -> None:
    moment = parse_utc("2026-10-12T00:00:00Z")
    assert next_morning(moment, CALENDAR, QUIET) == china("2026-10-13 08:30")
    assert Step(100, "owner") in STEPS
