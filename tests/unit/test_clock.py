"""Durations and due dates against days counted by hand, and against a second implementation."""

import calendar as months
from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.clock_values import (
    CALENDAR,
    amounts,
    china,
    counted,
    durations,
    moments,
    recurrings,
    windows,
)
from workflows.clock import (
    CalendarDays,
    Due,
    Duration,
    Hours,
    Months,
    Recurring,
    Window,
    WorkingDays,
    due,
    local_date,
    local_midnight,
    next_period,
    parse_duration,
    parse_utc,
    period,
    utc_text,
    working_days_between,
)

# The second implementation: every working day in one sorted list, from the raw lists of the file.
WORKED = [
    day
    for day in (date(2000, 1, 1) + timedelta(days=step) for step in range(45 * 365))
    if (day.weekday() < 5 and day not in CALENDAR.holidays) or day in CALENDAR.workdays
]


def last_day(duration: Duration, start: str) -> str:
    """Give the last day as text, having checked that `at` is the midnight after it."""
    end = due(duration, china(start), calendar=CALENDAR)
    assert end.at == local_midnight(end.last_day + timedelta(days=1))
    assert end.at.tzinfo is UTC
    return end.last_day.isoformat()


class TestCalendarDays:
    def test_fifteen_days_of_the_whole_identification(self) -> None:
        end = due(CalendarDays(15), china("2026-11-22 10:00"), calendar=CALENDAR)
        assert end == Due(china("2026-12-08 00:00").astimezone(UTC), date(2026, 12, 7))

    @pytest.mark.parametrize(
        ("start", "last"),
        [
            ("2026-11-22 00:01", "2026-11-25"),
            ("2026-11-22 23:59", "2026-11-25"),
            ("2026-11-23 00:00", "2026-11-26"),
            ("2024-02-27 09:00", "2024-03-01"),
            ("2023-02-27 09:00", "2023-03-02"),
            ("2026-12-30 09:00", "2027-01-02"),
        ],
    )
    def test_three_days(self, start: str, last: str) -> None:
        assert last_day(CalendarDays(3), start) == last

    def test_a_holiday_at_the_end_does_not_move_it(self) -> None:
        assert last_day(CalendarDays(15), "2026-09-18 09:00") == "2026-10-03"

    def test_a_publicity_of_five_days_may_end_after_five_full_days(self) -> None:
        posted = china("2026-11-23 08:30")
        first_permitted = due(CalendarDays(5), posted, calendar=CALENDAR).at
        assert first_permitted == china("2026-11-29 00:00")
        assert first_permitted - posted > timedelta(days=5)

    def test_the_day_is_the_one_in_china_not_in_utc(self) -> None:
        # 17:00 UTC on the 22nd is 01:00 on the 23rd in China.
        start = datetime(2026, 11, 22, 17, tzinfo=UTC)
        assert due(CalendarDays(1), start, calendar=CALENDAR).last_day == date(2026, 11, 24)


class TestWorkingDays:
    @pytest.mark.parametrize(
        ("start", "amount", "last"),
        [
            # A plain fortnight: 23-27 November, 30 November to 4 December.
            ("2026-11-20 10:00", 10, "2026-12-04"),
            # From a Saturday the count begins on Monday.
            ("2026-11-21 10:00", 1, "2026-11-23"),
            ("2026-11-20 00:01", 1, "2026-11-23"),
            ("2026-11-20 23:59", 1, "2026-11-23"),
            # National Day 2025: Sunday 09-28 worked, 10-01 to 10-08 off, Saturday 10-11 worked.
            ("2025-09-26 10:00", 1, "2025-09-28"),
            ("2025-09-26 10:00", 3, "2025-09-30"),
            ("2025-09-26 10:00", 4, "2025-10-09"),
            ("2025-09-26 10:00", 6, "2025-10-11"),
            ("2025-09-26 10:00", 7, "2025-10-13"),
            # National Day 2026: Sunday 09-20 worked, 09-25 and 10-01 to 10-07 off, 10-10 worked.
            ("2026-09-18 10:00", 10, "2026-10-09"),
            ("2026-09-18 10:00", 11, "2026-10-10"),
            ("2026-09-18 10:00", 12, "2026-10-12"),
            ("2026-10-01 10:00", 1, "2026-10-08"),
            # Spring Festival 2026: 02-15 to 02-23 off, Saturdays 02-14 and 02-28 worked.
            ("2026-02-12 10:00", 2, "2026-02-14"),
            ("2026-02-12 10:00", 3, "2026-02-24"),
            ("2026-02-12 10:00", 10, "2026-03-04"),
            # New Year 2026: 01-01 and 01-02 off, Sunday 01-04 worked.
            ("2025-12-30 10:00", 2, "2026-01-04"),
            ("2025-12-30 10:00", 3, "2026-01-05"),
            # New Year 2019 and 2007 took their make-up days from the old year.
            ("2018-12-27 10:00", 2, "2018-12-29"),
            ("2018-12-27 10:00", 3, "2019-01-02"),
            ("2006-12-28 10:00", 3, "2006-12-31"),
            ("2006-12-28 10:00", 4, "2007-01-04"),
            # Leap day 2024, a Thursday.
            ("2024-02-28 10:00", 1, "2024-02-29"),
        ],
    )
    def test_counted_by_hand(self, start: str, amount: int, last: str) -> None:
        assert last_day(WorkingDays(amount), start) == last
        assert not due(WorkingDays(amount), china(start), calendar=CALENDAR).provisional

    @pytest.mark.parametrize(
        ("start", "amount", "last", "provisional"),
        [
            ("2026-12-20 10:00", 6, "2026-12-28", False),
            # The notice for 2027 may still change 29 to 31 December.
            ("2026-12-20 10:00", 7, "2026-12-29", True),
            # Weekends only: New Year's Day counts, so that the date can only move later.
            ("2026-12-20 10:00", 10, "2027-01-01", True),
            ("2026-12-20 10:00", 11, "2027-01-04", True),
            ("2030-06-07 10:00", 1, "2030-06-10", True),
            ("2003-12-30 10:00", 1, "2003-12-31", True),
            ("2003-12-30 10:00", 2, "2004-01-02", True),
            ("2003-12-31 10:00", 1, "2004-01-02", False),
        ],
    )
    def test_beyond_the_notices_it_is_provisional(self, start: str, amount: int, last: str, provisional: bool) -> None:
        assert last_day(WorkingDays(amount), start) == last
        assert due(WorkingDays(amount), china(start), calendar=CALENDAR).provisional is provisional

    def test_only_working_days_can_be_provisional(self) -> None:
        start = china("2031-05-05 10:00")
        for duration in (Hours(5), CalendarDays(5), Months(5), Recurring("month")):
            assert not due(duration, start, calendar=CALENDAR).provisional

    @given(amounts, moments)
    def test_a_second_implementation_agrees(self, amount: int, start: datetime) -> None:
        position = bisect_right(WORKED, start.date()) + amount - 1
        assert due(WorkingDays(amount), start, calendar=CALENDAR).last_day == WORKED[position]

    @given(amounts, moments)
    def test_it_fits_the_count_between(self, amount: int, start: datetime) -> None:
        end = due(WorkingDays(amount), start, calendar=CALENDAR)
        assert CALENDAR.is_working_day(end.last_day)
        assert working_days_between(start.date(), end.last_day, calendar=CALENDAR) == amount

    @given(amounts, moments)
    def test_never_earlier_than_calendar_days(self, amount: int, start: datetime) -> None:
        working = due(WorkingDays(amount), start, calendar=CALENDAR)
        assert working.at >= due(CalendarDays(amount), start, calendar=CALENDAR).at


class TestMonths:
    @pytest.mark.parametrize(
        ("start", "amount", "last"),
        [
            ("2026-11-22 10:00", 6, "2027-05-22"),
            ("2026-08-31 10:00", 6, "2027-02-28"),
            ("2023-08-31 10:00", 6, "2024-02-29"),
            ("2024-02-29 10:00", 12, "2025-02-28"),
            ("2026-01-31 10:00", 1, "2026-02-28"),
            ("2026-02-28 10:00", 1, "2026-03-28"),
            ("2026-12-31 23:59", 2, "2027-02-28"),
            ("2026-11-30 10:00", 1, "2026-12-30"),
            ("2026-11-30 10:00", 13, "2027-12-30"),
        ],
    )
    def test_counted_by_hand(self, start: str, amount: int, last: str) -> None:
        assert last_day(Months(amount), start) == last

    @given(amounts, moments)
    def test_a_second_implementation_agrees(self, amount: int, start: datetime) -> None:
        year, month = start.year, start.month
        for _ in range(amount):
            year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        day = min(start.day, months.monthrange(year, month)[1])
        assert due(Months(amount), start, calendar=CALENDAR).last_day == date(year, month, day)


class TestHours:
    def test_the_instant_is_exact(self) -> None:
        end = due(Hours(48), china("2026-09-30 17:20"), calendar=CALENDAR)
        assert end == Due(china("2026-10-02 17:20").astimezone(UTC), date(2026, 10, 2))

    def test_an_end_at_midnight_belongs_to_the_day_before(self) -> None:
        end = due(Hours(1), china("2026-11-22 23:00"), calendar=CALENDAR)
        assert end.at == local_midnight(date(2026, 11, 23))
        assert end.last_day == date(2026, 11, 22)

    def test_parts_of_a_second_are_dropped(self) -> None:
        start = china("2026-11-22 10:00") + timedelta(microseconds=999_999)
        assert due(Hours(1), start, calendar=CALENDAR).at == china("2026-11-22 11:00")


class TestWindow:
    @pytest.mark.parametrize(
        ("start", "last"),
        [
            ("2026-02-10 10:00", "2026-03-31"),
            ("2026-03-01 00:01", "2026-03-31"),
            ("2026-03-31 23:59", "2026-03-31"),
            ("2026-04-01 00:00", "2027-03-31"),
        ],
    )
    def test_the_march_campaign(self, start: str, last: str) -> None:
        assert last_day(Window((3, 1), (3, 31)), start) == last

    @pytest.mark.parametrize(
        ("start", "last"),
        [
            ("2026-10-10 10:00", "2027-02-15"),
            ("2026-12-31 10:00", "2027-02-15"),
            ("2027-01-01 10:00", "2027-02-15"),
            ("2027-02-15 10:00", "2027-02-15"),
            ("2027-02-16 10:00", "2028-02-15"),
        ],
    )
    def test_a_window_over_new_year(self, start: str, last: str) -> None:
        assert last_day(Window((11, 15), (2, 15)), start) == last

    def test_29_february_is_the_end_of_february(self) -> None:
        window = Window((2, 1), (2, 29))
        assert last_day(window, "2024-02-10 10:00") == "2024-02-29"
        assert last_day(window, "2026-02-10 10:00") == "2026-02-28"
        assert last_day(window, "2024-03-01 10:00") == "2025-02-28"

    @given(windows, moments)
    def test_a_second_implementation_agrees(self, window: Window, start: datetime) -> None:
        day = start.date()
        while not is_end(day, window.end):
            day += timedelta(days=1)
        assert due(window, start, calendar=CALENDAR).last_day == day


def is_end(day: date, end: tuple[int, int]) -> bool:
    if end == (2, 29):
        return day.month == 2 and (day + timedelta(days=1)).month == 3
    return (day.month, day.day) == end


class TestRecurring:
    @pytest.mark.parametrize(
        ("every", "first", "after"),
        [
            ("week", "2026-11-16", "2026-11-23"),
            ("month", "2026-11-01", "2026-12-01"),
            ("quarter", "2026-10-01", "2027-01-01"),
            ("half_year", "2026-07-01", "2027-01-01"),
            ("year", "2026-01-01", "2027-01-01"),
        ],
    )
    def test_the_period_of_a_sunday_in_november(self, every: str, first: str, after: str) -> None:
        recurring = parse_duration({"unit": "recurring", "every": every})
        assert isinstance(recurring, Recurring)
        moment = china("2026-11-22 10:00")
        expected = china(f"{first} 00:00"), china(f"{after} 00:00")
        assert period(recurring, moment) == expected
        assert due(recurring, moment, calendar=CALENDAR).at == expected[1]

    def test_the_next_period(self) -> None:
        moment = china("2026-11-30 23:59")
        expected = china("2026-12-01 00:00"), china("2027-01-01 00:00")
        assert next_period(Recurring("month"), moment) == expected

    def test_a_week_may_belong_to_two_years(self) -> None:
        assert last_day(Recurring("week", 2), "2026-12-31 10:00") == "2027-01-03"

    @given(recurrings, moments)
    def test_periods_hold_the_moment_and_touch(self, recurring: Recurring, at: datetime) -> None:
        start, end = period(recurring, at)
        assert start <= at < end
        assert period(recurring, start) == period(recurring, end - timedelta(seconds=1))
        assert next_period(recurring, at)[0] == end
        assert due(recurring, at, calendar=CALENDAR).at == end


class TestEveryDuration:
    @given(durations, moments)
    def test_the_end_lies_behind_the_start_and_the_shown_day(self, duration: Duration, start: datetime) -> None:
        end = due(duration, start, calendar=CALENDAR)
        assert end.at > start
        assert local_date(end.at - timedelta(seconds=1)) == end.last_day

    @given(counted, moments)
    def test_every_counted_day_is_a_full_day(
        self, duration: CalendarDays | WorkingDays | Months, start: datetime
    ) -> None:
        # This is what lets the same date serve as a minimum.
        days = duration.amount * (28 if isinstance(duration, Months) else 1)
        assert due(duration, start, calendar=CALENDAR).at - start > timedelta(days=days)

    @given(counted, moments)
    def test_more_is_later(self, duration: CalendarDays | WorkingDays | Months, start: datetime) -> None:
        more = type(duration)(duration.amount + 1)
        end = due(duration, start, calendar=CALENDAR)
        assert due(more, start, calendar=CALENDAR).at > end.at

    @given(durations, moments, st.integers(0, 40_000_000))
    def test_a_later_start_never_ends_earlier(self, duration: Duration, start: datetime, seconds: int) -> None:
        later = start + timedelta(seconds=seconds)
        end = due(duration, start, calendar=CALENDAR)
        assert due(duration, later, calendar=CALENDAR).at >= end.at

    @given(counted, moments, st.integers(0, 24 * 60 - 1))
    def test_the_time_of_the_day_does_not_matter(self, duration: Duration, start: datetime, minutes: int) -> None:
        other = local_midnight(start.date()) + timedelta(minutes=minutes)
        end = due(duration, start, calendar=CALENDAR)
        assert due(duration, other, calendar=CALENDAR) == end

    @given(durations, moments)
    def test_it_is_the_same_from_the_text_in_the_journal(self, duration: Duration, start: datetime) -> None:
        again = parse_utc(utc_text(start))
        end = due(duration, start, calendar=CALENDAR)
        assert due(duration, again, calendar=CALENDAR) == end
        assert parse_utc(utc_text(end.at)) == end.at

    def test_a_start_without_time_zone_is_refused(self) -> None:
        naive = china("2026-11-22 10:00").replace(tzinfo=None)
        with pytest.raises(ValueError, match="must name its time zone"):
            due(CalendarDays(1), naive, calendar=CALENDAR)
