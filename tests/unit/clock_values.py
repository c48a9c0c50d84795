"""Values for the clock tests: the shipped calendar, local times, strategies for durations."""

from datetime import date, datetime, timedelta

from hypothesis import strategies as st

from workflows.calendars import load_calendar
from workflows.clock import (
    CHINA,
    CalendarDays,
    Hours,
    Months,
    Recurring,
    Window,
    WorkingDays,
)

CALENDAR = load_calendar()
MINUTES_TO_2036 = 32 * 366 * 24 * 60


def china(text: str) -> datetime:
    """Read a local time such as "2026-11-22 10:00"."""
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)


moments = st.integers(0, MINUTES_TO_2036).map(lambda minutes: china("2004-01-01 00:00") + timedelta(minutes=minutes))
amounts = st.integers(1, 90)
recurrings = st.builds(Recurring, st.sampled_from(["week", "month", "quarter", "half_year", "year"]), amounts)
month_days = st.dates(date(2024, 1, 1), date(2024, 12, 31)).map(lambda day: (day.month, day.day))
windows = st.builds(Window, month_days, month_days)
counted = st.one_of(*(st.builds(kind, amounts) for kind in (CalendarDays, WorkingDays, Months)))
durations = st.one_of(st.builds(Hours, amounts), counted, windows, recurrings)
