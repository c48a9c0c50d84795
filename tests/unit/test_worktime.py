"""Office hours left: against a count minute by minute, and what must hold of any two moments."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.calendars import load_calendar
from workflows.clock import CHINA, local_date
from workflows.worktime import (
    DEFAULT_OFFICE_HOURS,
    Hours,
    day_length,
    is_office_hours,
    parse_office_hours,
    working_time_left,
)

CALENDAR = load_calendar()
USUAL = parse_office_hours(DEFAULT_OFFICE_HOURS)
START = datetime(2026, 9, 24, tzinfo=UTC)  # National Day of 2026 and its make-up days lie within the weeks after it
MOMENTS = st.integers(0, 30 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes))
HOURS = st.lists(st.integers(0, 24 * 60 - 1), min_size=2, max_size=6, unique=True).map(
    lambda edges: spans(sorted(edges)[: len(edges) // 2 * 2])
)


def spans(edges: list[int]) -> Hours:
    texts = [f"{edge // 60:02}:{edge % 60:02}" for edge in edges]
    return parse_office_hours([f"{a}-{b}" for a, b in zip(texts[::2], texts[1::2], strict=True)])


def counted(now: datetime, due: datetime, hours: Hours) -> timedelta:
    """Minute by minute."""
    step, found = timedelta(minutes=1), timedelta()
    while now < due:
        local = now.astimezone(CHINA)
        is_open = any(begin <= local.time() < end for begin, end in hours)
        found += step if is_open and CALENDAR.is_working_day(local_date(now)) else timedelta()
        now += step
    return found


@given(now=MOMENTS, span=st.integers(0, 4 * 24 * 60), hours=HOURS)
def test_it_is_what_counting_each_minute_gives(now: datetime, span: int, hours: Hours) -> None:
    due = now + timedelta(minutes=span)
    assert working_time_left(now, due, CALENDAR, hours) == counted(now, due, hours)


@given(moments=st.tuples(MOMENTS, MOMENTS, MOMENTS), hours=HOURS)
def test_parts_add_up_and_later_is_never_less(moments: tuple[datetime, ...], hours: Hours) -> None:
    a, b, c = moments

    def left(x: datetime, y: datetime) -> timedelta:
        return working_time_left(x, y, CALENDAR, hours)

    assert left(a, b) + left(b, c) == left(a, c)
    assert left(a, b) == -left(b, a)
    assert (left(a, b) <= left(a, c)) or b > c


@pytest.mark.parametrize(
    ("now", "due", "hours"),
    [
        ("2026-11-23 10:00", "2026-11-24 00:00", 6),
        ("2026-11-23 08:00", "2026-11-23 12:30", 3),
        ("2026-11-23 13:00", "2026-11-23 14:30", 0.5),
        ("2026-11-20 18:00", "2026-11-23 09:00", 0),  # a weekend
        ("2026-09-30 17:00", "2026-10-09 00:00", 8),  # National Day: an hour, and the whole 8 October
        ("2026-10-09 18:00", "2026-10-11 00:00", 7),  # Saturday 10 October is worked
        ("2026-11-24 09:00", "2026-11-23 17:00", -1),
    ],
)  # fmt: skip
def test_by_hand(now: str, due: str, hours: float) -> None:
    moments = [datetime.fromisoformat(text).replace(tzinfo=CHINA).astimezone(UTC) for text in (now, due)]
    assert working_time_left(moments[0], moments[1], CALENDAR, USUAL) == timedelta(hours=hours)
    assert day_length(USUAL) == timedelta(hours=7)


WRONG: list[object] = [
    [], ["9-12"], ["12:00-09:00"], ["09:00-12:00", "11:00-13:00"], ["09:00-24:00"], [9], "09:00-12:00",
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_no_list_of_hours(wrong: object) -> None:
    assert not is_office_hours(wrong)
