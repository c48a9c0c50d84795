"""Explained days, parsed durations, warnings, time left, local days and UTC texts."""

import re
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.clock_values import CALENDAR, china, durations, moments
from workflows.clock import (
    CalendarDays,
    Duration,
    Hours,
    Months,
    Recurring,
    TimeLeft,
    Window,
    WorkingDays,
    at_percent,
    due,
    duration_table,
    local_date,
    local_midnight,
    parse_duration,
    parse_utc,
    time_left,
    utc_text,
)
from workflows.explain import DayStep, explain


class TestExplain:
    def test_over_national_day(self) -> None:
        steps = explain(WorkingDays(5), china("2025-09-26 10:00"), calendar=CALENDAR)
        assert [(f"{step.date:%m-%d}", step.counted, step.why) for step in steps] == [
            ("09-26", False, "start_day"),
            ("09-27", False, "weekend"),
            ("09-28", True, "makeup_workday"),
            ("09-29", True, "working_day"),
            ("09-30", True, "working_day"),
            ("10-01", False, "holiday"),
            ("10-02", False, "holiday"),
            ("10-03", False, "holiday"),
            ("10-04", False, "weekend"),
            ("10-05", False, "weekend"),
            ("10-06", False, "holiday"),
            ("10-07", False, "holiday"),
            ("10-08", False, "holiday"),
            ("10-09", True, "working_day"),
            ("10-10", True, "working_day"),
        ]

    def test_a_provisional_end(self) -> None:
        steps = explain(WorkingDays(2), china("2026-12-31 10:00"), calendar=CALENDAR)
        assert [(step.counted, step.why) for step in steps] == [
            (False, "start_day"),
            (True, "provisional_working_day"),
            (False, "provisional_rest_day"),
            (False, "provisional_rest_day"),
            (True, "provisional_working_day"),
        ]

    @pytest.mark.parametrize(
        ("duration", "steps"),
        [
            (CalendarDays(1), [(30, False, "start_day"), (1, True, "calendar_day")]),
            (Hours(20), [(30, True, "clock_hours"), (1, True, "clock_hours")]),
            (Recurring("month"), [(30, True, "calendar_day")]),
            (Window((11, 1), (11, 30)), [(30, True, "in_window")]),
            (Window((12, 1), (12, 1)), [(30, False, "outside_window"), (1, True, "in_window")]),
        ],
    )
    def test_the_other_units(self, duration: Duration, steps: list[tuple[int, bool, str]]) -> None:
        found = explain(duration, china("2026-11-30 10:00"), calendar=CALENDAR)
        assert [(step.date.day, step.counted, step.why) for step in found] == steps

    @settings(max_examples=60)
    @given(durations, moments)
    def test_it_agrees_with_due(self, duration: Duration, start: datetime) -> None:
        steps = explain(duration, start, calendar=CALENDAR)
        end = due(duration, start, calendar=CALENDAR)
        assert (steps[0].date, steps[-1].date) == (local_date(start), end.last_day)
        assert steps[-1].counted
        assert any(step.why.startswith("provisional") for step in steps) == end.provisional
        assert counted_days(steps) == expected_days(duration, steps)


def counted_days(steps: list[DayStep]) -> int:
    return sum(step.counted for step in steps)


def expected_days(duration: Duration, steps: list[DayStep]) -> int:
    match duration:
        case CalendarDays(amount) | WorkingDays(amount):
            return amount
        case Months():
            return len(steps) - 1
        case Window():
            return sum(step.why == "in_window" for step in steps)
    return len(steps)


class TestParts:
    def test_warnings_on_the_way_to_ten_days(self) -> None:
        start, end = china("2026-11-01 00:00"), china("2026-11-11 00:00")
        shown = {percent: at_percent(start, end, percent=percent) for percent in (60, 80, 100, 200)}
        assert shown == {
            60: china("2026-11-07 00:00"),
            80: china("2026-11-09 00:00"),
            100: end,
            200: china("2026-11-21 00:00"),
        }

    @given(durations, moments)
    def test_a_hundred_percent_is_the_due_instant(self, duration: Duration, start: datetime) -> None:
        end = due(duration, start, calendar=CALENDAR).at
        assert at_percent(start, end, percent=100) == end
        assert at_percent(start, end, percent=60) <= at_percent(start, end, percent=80) <= end

    @pytest.mark.parametrize(
        ("now", "left"),
        [
            ("2026-12-04 10:00", TimeLeft(3, 86, is_late=False)),
            ("2026-12-06 23:59", TimeLeft(1, 24, is_late=False)),
            ("2026-12-07 00:00", TimeLeft(0, 24, is_late=False)),
            ("2026-12-07 23:59", TimeLeft(0, 0, is_late=False)),
            ("2026-12-08 00:00", TimeLeft(1, 0, is_late=True)),
            ("2026-12-09 10:00", TimeLeft(2, 34, is_late=True)),
        ],
    )
    def test_time_left_until_the_end_of_7_december(self, now: str, left: TimeLeft) -> None:
        assert time_left(china(now), china("2026-12-08 00:00")) == left

    def test_hours_late_on_the_same_day(self) -> None:
        end = china("2026-12-08 10:00")
        assert time_left(china("2026-12-08 15:30"), end) == TimeLeft(0, 5, is_late=True)


class TestLocalTime:
    def test_midnight_in_china_is_16_oclock_utc(self) -> None:
        assert local_midnight(date(2026, 11, 23)) == datetime(2026, 11, 22, 16, tzinfo=UTC)
        assert local_date(datetime(2026, 11, 22, 15, 59, 59, tzinfo=UTC)) == date(2026, 11, 22)
        assert local_date(datetime(2026, 11, 22, 16, tzinfo=UTC)) == date(2026, 11, 23)

    @given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
    def test_a_day_begins_at_its_midnight(self, day: date) -> None:
        assert local_date(local_midnight(day)) == day
        assert local_date(local_midnight(day) - timedelta(microseconds=1)) < day

    def test_text_is_utc_to_the_second(self) -> None:
        moment = datetime(2026, 11, 22, 16, 0, 0, 999, tzinfo=timezone(timedelta(hours=8)))
        assert utc_text(moment) == "2026-11-22T08:00:00Z"
        assert parse_utc("2026-11-22T08:00:00Z") == datetime(2026, 11, 22, 8, tzinfo=UTC)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "2026-11-22",
            "2026-11-22T08:00:00",
            "2026-11-22T08:00:00+08:00",
            "2026-11-22T08:00:00.5Z",
            "2026-11-22 08:00:00Z",
            "2026-11-22T08:00:00Z\n",
            "2026-02-30T08:00:00Z",
            "２０２６-11-22T08:00:00Z",
        ],
    )
    def test_any_other_text_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"."):
            parse_utc(text)


class TestParse:
    @pytest.mark.parametrize(
        ("table", "duration"),
        [
            ({"unit": "hours", "amount": 48}, Hours(48)),
            ({"unit": "calendar_days", "amount": 15}, CalendarDays(15)),
            ({"unit": "working_days", "amount": 10}, WorkingDays(10)),
            ({"unit": "months", "amount": 6}, Months(6)),
            ({"unit": "recurring", "every": "month", "times": 2}, Recurring("month", 2)),
            ({"unit": "recurring", "every": "quarter"}, Recurring("quarter", 1)),
            ({"unit": "window", "start": "03-01", "end": "03-31"}, Window((3, 1), (3, 31))),
        ],
    )
    def test_each_unit(self, table: dict[str, object], duration: Duration) -> None:
        assert parse_duration(table) == duration

    @given(durations)
    def test_what_is_written_is_read_back(self, duration: Duration) -> None:
        again = parse_duration(duration_table(duration))
        assert again == duration
        assert type(again) is type(duration)

    def test_units_never_compare_equal(self) -> None:
        assert len({Hours(5), CalendarDays(5), WorkingDays(5), Months(5)}) == 4

    @pytest.mark.parametrize(
        ("table", "sentence"),
        [
            ({}, "unit = None: must be one of hours, calendar_days"),
            ({"unit": "days", "amount": 3}, "unit = 'days': must be one of"),
            ({"unit": ["hours"], "amount": 3}, "unit = ['hours']: must be one of"),
            ({"unit": "hours"}, 'amount is missing beside unit = "hours"'),
            ({"unit": "hours", "amount": 0}, "amount = 0: must be a whole number from 1"),
            ({"unit": "hours", "amount": -3}, "amount = -3: must be"),
            ({"unit": "months", "amount": True}, "amount = True: must be"),
            ({"unit": "months", "amount": 1.0}, "amount = 1.0: must be"),
            ({"unit": "months", "amount": "6"}, "amount = '6': must be"),
            ({"unit": "working_days", "amount": 10_000}, "amount = 10000: must be"),
            ({"unit": "hours", "amount": 3, "bound": "max"}, "bound = 'max': unknown beside"),
            ({"unit": "recurring"}, 'every is missing beside unit = "recurring"'),
            ({"unit": "recurring", "every": "day"}, "every = 'day': must be one of week, month"),
            ({"unit": "recurring", "every": ["week"]}, "every = ['week']: must be one of"),
            ({"unit": "recurring", "every": "week", "times": 0}, "times = 0: must be"),
            ({"unit": "recurring", "every": "week", "amount": 1}, "amount = 1: unknown beside"),
            ({"unit": "window", "start": "03-01"}, 'end is missing beside unit = "window"'),
            ({"unit": "window", "start": "3-1", "end": "03-31"}, "start = '3-1': must be a text"),
            ({"unit": "window", "start": 301, "end": "03-31"}, "start = 301: must be a text"),
            ({"unit": "window", "start": "02-30", "end": "03-31"}, 'start = "02-30": there is no'),
            ({"unit": "window", "start": "03-01", "end": "13-01"}, 'end = "13-01": there is no'),
            ({"unit": "window", "start": "00-01", "end": "03-01"}, 'start = "00-01": there is no'),
            ({"unit": "window", "start": "03-00", "end": "03-01"}, 'start = "03-00": there is no'),
        ],
    )
    def test_a_mistake_names_key_and_value(self, table: dict[str, object], sentence: str) -> None:
        with pytest.raises(ValueError, match=re.escape(sentence)):
            parse_duration(table)
