"""Counting rules, pauses, texts of durations, and periods that carry their own limit."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.clock_values import CALENDAR, amounts, china, durations, moments
from workflows.clock import (
    LAST_MOVES,
    START_COUNTS,
    CalendarDays,
    Duration,
    Hours,
    Months,
    Recurring,
    Window,
    WorkingDays,
    due,
    duration_text,
    parse_duration_text,
    utc_text,
)
from workflows.model import Clock
from workflows.periods import counted_anew, end_of, is_over

START = china("2026-09-25 10:00")


def ends(duration: Duration, start: str, counting: str = "", *pauses: tuple[str, str], bound: str = "max") -> str:
    """The last local day, or the very minute where hours were counted."""
    told = [(utc_text(china(a)), utc_text(china(b))) for a, b in pauses]
    end = due(duration, china(start), calendar=CALENDAR, counting=counting, pauses=told, bound=bound)
    local = end.at.astimezone(START.tzinfo)
    return f"{local:%Y-%m-%d %H:%M}" if isinstance(duration, Hours) else end.last_day.isoformat()


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("36 hours", Hours(36)),
        ("1 hour", Hours(1)),
        ("15 calendar_days", CalendarDays(15)),
        ("10 working_days", WorkingDays(10)),
        ("10 Working  days", WorkingDays(10)),
        ("1 working day", WorkingDays(1)),
        ("1 months", Months(1)),
        ("recurring month", Recurring("month")),
        ("recurring month 2", Recurring("month", 2)),
        ("recurring month by 5", Recurring("month", 1, 5)),
        ("recurring month 2 by 5", Recurring("month", 2, 5)),
        ("window 03-01 03-31", Window((3, 1), (3, 31))),
    ],
)
def test_a_text_is_read(text: str, duration: Duration) -> None:
    assert parse_duration_text(text) == duration
    assert parse_duration_text(duration_text(duration)) == duration


@pytest.mark.parametrize(
    "text",
    [
        "10 working calendar days", "10 days", "10", "working_days", "10 hours 3 months", "10 hours or 2 working_days",
        "-1 hours", "1.5 months", "10 weeks", "recurring", "window 03-01", "",
    ],
)  # fmt: skip
def test_what_is_no_duration_of_one_kind_is_named_with_the_forms(text: str) -> None:
    with pytest.raises(ValueError, match="write one of these forms") as caught:
        parse_duration_text(text)
    assert repr(text) in str(caught.value)
    assert "10 working_days" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("0 hours", "amount = 0"),
        ("window 02-30 03-31", "02-30"),
        ("recurring decade", "decade"),
        ("recurring week by 5", "by_day = 5"),
    ],
)
def test_an_impossible_duration_is_named(text: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        parse_duration_text(text)


@given(durations)
def test_what_is_written_is_read_back(duration: Duration) -> None:
    assert parse_duration_text(duration_text(duration)) == duration


class TestLastDay:
    """Saturday 3 October 2026 lies in the National Day holiday of 1 to 7; Saturday 10 is worked for it."""

    @pytest.mark.parametrize(
        ("duration", "start", "stays", "moves"),
        [
            (CalendarDays(15), "2026-09-18 09:00", "2026-10-03", "2026-10-08"),
            (Months(1), "2026-09-04 09:00", "2026-10-04", "2026-10-08"),
            (CalendarDays(5), "2026-11-23 09:00", "2026-11-28", "2026-11-30"),
            (CalendarDays(15), "2026-09-25 09:00", "2026-10-10", "2026-10-10"),
            (Recurring("month", 1, 5), "2026-10-01 09:00", "2026-10-05", "2026-10-08"),
            (Recurring("month"), "2026-10-01 09:00", "2026-10-31", "2026-10-31"),
            (Window((10, 1), (10, 4)), "2026-09-18 09:00", "2026-10-04", "2026-10-04"),
        ],
    )
    def test_it_moves_behind_days_off(self, duration: Duration, start: str, stays: str, moves: str) -> None:
        assert (ends(duration, start), ends(duration, start, LAST_MOVES)) == (stays, moves)

    def test_a_minimum_neither_moves_nor_shortens(self) -> None:
        assert ends(CalendarDays(5), "2026-11-23 09:00", f"{START_COUNTS} {LAST_MOVES}", bound="min") == "2026-11-28"

    def test_hours_stay(self) -> None:
        assert ends(Hours(24), "2026-10-02 09:30", LAST_MOVES) == "2026-10-03 09:30"

    def test_beyond_the_notices_the_move_is_provisional(self) -> None:
        far = due(CalendarDays(15), china("2027-03-01 09:00"), calendar=CALENDAR, counting=LAST_MOVES)
        near = due(CalendarDays(15), china("2026-03-01 09:00"), calendar=CALENDAR, counting=LAST_MOVES)
        old = due(CalendarDays(15), china("2027-03-01 09:00"), calendar=CALENDAR)
        assert (far.provisional, near.provisional, old.provisional) == (True, False, False)

    def test_an_unknown_rule_is_named(self) -> None:
        with pytest.raises(ValueError, match="sometimes"):
            ends(CalendarDays(1), "2026-11-23 09:00", "sometimes")


class TestStartDay:
    @pytest.mark.parametrize(
        ("duration", "start", "last"),
        [
            (CalendarDays(5), "2026-11-23 09:00", "2026-11-27"),
            (WorkingDays(5), "2026-11-23 09:00", "2026-11-27"),
            (WorkingDays(5), "2026-11-22 09:00", "2026-11-27"),
            (Months(1), "2026-11-23 09:00", "2026-12-22"),
            (Months(1), "2026-03-01 09:00", "2026-03-31"),
            (Months(1), "2026-01-31 09:00", "2026-02-28"),
            (Months(1), "2024-01-31 09:00", "2024-02-29"),
            (Hours(5), "2026-11-23 09:00", "2026-11-23 14:00"),
        ],
    )
    def test_it_may_count(self, duration: Duration, start: str, last: str) -> None:
        assert ends(duration, start, START_COUNTS) == last


class TestPauses:
    """From Monday 23 November 2026, 10 working days end on Monday 7 December."""

    @pytest.mark.parametrize(
        ("pauses", "last"),
        [
            ([], "2026-12-07"),
            ([("2026-11-24 09:00", "2026-11-24 17:00")], "2026-12-07"),  # it runs again at the end of that day
            ([("2026-11-24 09:00", "2026-11-25 09:00")], "2026-12-08"),
            ([("2026-11-24 00:00", "2026-11-25 00:00")], "2026-12-08"),
            ([("2026-11-25 00:00", "2026-11-25 08:00")], "2026-12-07"),
            ([("2026-11-27 18:00", "2026-11-30 08:00")], "2026-12-08"),  # Friday's end, and a weekend that never counts
            ([("2026-11-23 10:00", "2026-11-24 08:00")], "2026-12-07"),  # only the day of the start
            ([("2026-12-04 18:00", "2026-12-10 08:00")], "2026-12-11"),
            ([("2026-11-24 09:00", "2026-11-25 09:00"), ("2026-11-26 09:00", "2026-11-27 09:00")], "2026-12-09"),
        ],
    )
    def test_working_days(self, pauses: list[tuple[str, str]], last: str) -> None:
        assert ends(WorkingDays(10), "2026-11-23 10:00", LAST_MOVES, *pauses) == last

    def test_resumed_on_a_makeup_workday(self) -> None:
        """Sunday 20 September and Saturday 10 October 2026 are worked for National Day."""
        pause = ("2026-09-18 15:00", "2026-09-20 09:00")
        assert ends(WorkingDays(2), "2026-09-17 10:00", "", pause) == "2026-09-21"
        assert ends(WorkingDays(2), "2026-09-30 10:00", "", ("2026-09-30 11:00", "2026-10-10 09:00")) == "2026-10-12"

    def test_months_end_as_many_days_later(self) -> None:
        pause = ("2026-12-01 09:00", "2026-12-08 09:00")
        assert ends(Months(1), "2026-11-23 10:00", "", pause) == "2026-12-30"

    def test_hours_leave_out_exactly_the_pause(self) -> None:
        pauses = [("2026-11-23 12:00", "2026-11-23 12:20"), ("2026-11-24 09:00", "2026-11-25 10:00")]
        assert ends(Hours(36), "2026-11-23 10:00", "", *pauses) == "2026-11-25 23:20"

    def test_an_end_that_moved_into_a_pause_moves_on(self) -> None:
        """Saturday 28 November would move to Monday 30, on which the period did not run."""
        pause = ("2026-11-30 09:00", "2026-12-02 09:00")
        assert ends(CalendarDays(5), "2026-11-23 10:00", LAST_MOVES, pause) == "2026-12-02"

    def test_of_a_minimum_only_whole_days_count(self) -> None:
        pause = ("2026-11-24 09:00", "2026-11-24 17:00")
        assert ends(CalendarDays(5), "2026-11-23 10:00", "", pause, bound="min") == "2026-11-29"

    @pytest.mark.parametrize(
        ("pause", "reason"),
        [
            (("2026-11-23T02:00:00Z", ""), "paused since"),
            (("2026-11-24T02:00:00Z", "2026-11-23T02:00:00Z"), "ends before"),
        ],
    )
    def test_a_pause_without_its_end_is_named(self, pause: tuple[str, str], reason: str) -> None:
        with pytest.raises(ValueError, match=reason):
            due(Hours(1), START, calendar=CALENDAR, pauses=[pause])

    @given(
        st.one_of(*(st.builds(kind, amounts) for kind in (Hours, CalendarDays, WorkingDays, Months))),
        moments,
        st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)),
        st.sampled_from(["max", "min"]),
    )
    def test_a_pause_never_brings_an_end_nearer(
        self, duration: Duration, start: datetime, pause: tuple[int, int], bound: str
    ) -> None:
        begin = start + timedelta(seconds=pause[0])
        told = [(utc_text(begin), utc_text(begin + timedelta(seconds=pause[1])))]
        plain = due(duration, start, calendar=CALENDAR, counting=LAST_MOVES, bound=bound).at
        assert due(duration, start, calendar=CALENDAR, counting=LAST_MOVES, pauses=told, bound=bound).at >= plain


def clock(**changes: object) -> Clock:
    """A period of ten working days from Monday 23 November 2026."""
    start = utc_text(china("2026-11-23 10:00"))
    made = Clock("plan", 1, start, "", "max", "S4 17", provisional=False, limit="10 working_days")
    return counted_anew(replace(made, **changes), CALENDAR)  # type: ignore[arg-type]


class TestClock:
    def test_one_of_before_keeps_its_bytes(self) -> None:
        old = {"kind": "plan", "generation": 1, "start": "2026-11-23T02:00:00Z", "due": "2026-12-04T16:00:00Z",
               "bound": "max", "clause": "", "provisional": False}  # fmt: skip
        assert Clock.read(old).as_json() == old

    def test_a_new_one_is_read_as_it_was_written(self) -> None:
        made = clock(pauses=(("2026-11-24T02:00:00Z", ""),), extended=("5 working_days",))
        body = made.as_json()
        assert (body["pauses"], body["extended"]) == ([["2026-11-24T02:00:00Z", ""]], ["5 working_days"])
        assert Clock.read(body) == made
        assert hash(made) == hash(Clock.read(body))

    def test_a_paused_one_is_never_over(self) -> None:
        paused = clock(pauses=(("2026-11-24T02:00:00Z", ""),))
        assert paused.due.startswith("9999")
        assert not is_over(paused, china("2040-01-01 00:00"))
        assert not is_over(replace(paused, due="2026-12-04T16:00:00Z"), china("2040-01-01 00:00"))
        assert is_over(clock(), china("2026-12-08 00:00"))
        assert not is_over(clock(), china("2026-12-07 23:59"))

    @pytest.mark.parametrize(
        ("limit", "extended", "counting", "last"),
        [
            ("10 working_days", ("5 working_days",), "", date(2026, 12, 14)),
            ("10 working_days", ("5 working_days", "1 working_days"), "", date(2026, 12, 15)),
            ("5 calendar_days", ("5 calendar_days",), "", date(2026, 12, 3)),
            (
                "5 calendar_days",
                ("5 calendar_days",),
                LAST_MOVES,
                date(2026, 12, 7),
            ),  # 28 → 30 November, 5 → 7 December
            ("5 calendar_days", ("5 calendar_days",), START_COUNTS, date(2026, 12, 2)),
            ("36 hours", ("12 hours",), "", date(2026, 11, 25)),
        ],
    )
    def test_an_extension_begins_where_the_end_was(
        self, limit: str, extended: tuple[str, ...], counting: str, last: date
    ) -> None:
        assert end_of(clock(limit=limit, extended=extended, counting=counting), CALENDAR).last_day == last
