"""Periods of duties: which have begun, when they are due, what counts; against plain enumeration by days."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import rules
from workflows.clock import local_date, local_midnight
from workflows.duties import Duty, read_duty
from workflows.duty_periods import Act, Span, needed, reminders, spans_begun, why_not
from workflows.ladder import DEFAULT_LADDER, Quiet

CALENDAR = rules().calendar
DAY = timedelta(days=1)
LABEL = {"zh": "试", "en": "Test"}
YEARLY = {"unit": "recurring", "every": "year"}


def first_days(row: dict[str, object], day: date) -> bool:
    """The oracle: whether a period of a row begins on a day, told from the day alone."""
    if row.get("unit") == "window":
        return f"{day:%m-%d}" == row["start"]
    starts = {"month": {*range(1, 13)}, "quarter": {1, 4, 7, 10}, "half_year": {1, 7}, "year": {1}}
    if row["every"] == "week":
        return day.weekday() == 0
    return day.day == 1 and day.month in starts[str(row["every"])]


ROWS = st.sampled_from(
    [{"every": every} for every in ("week", "month", "quarter", "half_year", "year")]
    + [{"every": "month", "by_day": day} for day in (1, 5, 28)]
    + [{"unit": "window", "start": "03-01", "end": "03-31"}, {"unit": "window", "start": "10-01", "end": "02-15"}]
)
DAYS = st.dates(date(2004, 1, 2), date(2026, 11, 30))


@given(ROWS, DAYS, st.integers(0, 500))
def test_each_period_begins_once_whatever_stretches_of_days_are_asked_for(
    row: dict[str, object], after: date, count: int
) -> None:
    one = _duty(row)
    upto = after + count * DAY
    expected = [day for n in range(1, count + 1) if first_days({"every": "", **row}, day := after + n * DAY)]
    whole = [span.first_day for span in spans_begun(one, after, upto, calendar=CALENDAR)]
    assert whole == expected
    middle = after + count // 2 * DAY
    parts = [*spans_begun(one, after, middle, calendar=CALENDAR), *spans_begun(one, middle, upto, calendar=CALENDAR)]
    assert [span.first_day for span in parts] == expected


def _duty(row: dict[str, object]) -> Duty:
    base = {"id": "x", "label": LABEL, "by": ["village_cadre"], "bound": "max", "own": True, "subject": "village"}
    return read_duty({**base, **({} if "unit" in row else {"unit": "recurring"}), **row})


@given(st.dates(date(2005, 1, 1), date(2026, 10, 31)), st.integers(1, 28))
def test_a_last_day_of_the_month_moves_to_a_working_day_and_never_back(day: date, by_day: int) -> None:
    first = day.replace(day=1)
    (span,) = spans_begun(_duty({"every": "month", "by_day": by_day}), first - DAY, first, calendar=CALENDAR)
    assert span.last_day >= first.replace(day=by_day)
    assert CALENDAR.is_working_day(span.last_day)
    between = (first.replace(day=by_day) + n * DAY for n in range((span.last_day - first.replace(day=by_day)).days))
    assert not any(CALENDAR.is_working_day(passed) for passed in between)


@given(st.dates(date(2005, 1, 1), date(2026, 10, 31)))
def test_a_whole_period_ends_with_its_days(day: date) -> None:
    first = day.replace(day=1)
    (span,) = spans_begun(_duty({"every": "month"}), first - DAY, first, calendar=CALENDAR)
    assert (span.last_day + DAY).day == 1
    assert span.begins == local_midnight(first)


@pytest.mark.parametrize(
    ("row", "first", "takes"),
    [
        ({"every": "month", "times": 2}, date(2026, 2, 1), 2),
        ({"every": "month", "share": "2/3"}, date(2026, 2, 1), 19),
        ({"every": "month", "share": "2/3"}, date(2026, 3, 1), 21),
        ({"every": "month", "times": 20, "counts": "calendar_days"}, date(2026, 2, 1), 20),
        ({"unit": "window", "start": "03-01", "end": "03-31"}, date(2026, 3, 1), 1),
    ],
)
def test_how_much_a_period_takes(row: dict[str, object], first: date, takes: int) -> None:
    one = _duty(row)
    (span,) = spans_begun(one, first - DAY, first, calendar=CALENDAR)
    assert needed(one, span) == takes


def test_the_rows_of_a_day_hold_for_the_periods_that_begin_then() -> None:
    one = _duty({"every": "month", "from": "2026-03-01", "to": "2026-05-01"})
    found = [s.first_day.month for s in spans_begun(one, date(2025, 12, 31), date(2026, 12, 31), calendar=CALENDAR)]
    assert found == [3, 4]


APRIL = Span(local_midnight(date(2026, 4, 1)), local_midnight(date(2026, 5, 1)))


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (Act("assist.record_visit", "village_cadre", "home", date(2026, 4, 1)), ""),
        (Act("assist.record_visit", "village_cadre", "home", date(2026, 4, 30)), ""),
        (Act("assist.record_visit", "village_cadre", "home", date(2026, 3, 31)), "day"),
        (Act("assist.record_visit", "village_cadre", "home", date(2026, 5, 1)), "day"),
        (Act("report", "village_cadre", "home", date(2026, 5, 1)), ""),
        (Act("report", "village_cadre", "home", date(2026, 3, 31)), "day"),
        (Act("report", "village_cadre", "phone", date(2026, 4, 2)), "mode"),
        (Act("report", "helper", "home", date(2026, 4, 2)), "role"),
        (Act("assist.record_plan", "village_cadre", "home", date(2026, 4, 2)), "act"),
    ],
)
def test_what_counts(act: Act, why: str) -> None:
    one = _duty({
        "subject": "household", "every": "month", "acts": ["assist.record_visit", "report"], "modes": ["home"],
    })  # fmt: skip
    assert why_not(one, act, APRIL.begins, APRIL.last_day) == why


def test_who_reports() -> None:
    assert _duty({"every": "month"}).reporters == ("village_cadre",)
    lead = read_duty({
        "id": "x", "label": LABEL, "by": ["office.lead"], "bound": "max", "own": True, "subject": "county",
        "unit": "recurring", "every": "month",
    })  # fmt: skip
    assert lead.reporters == ("county_lead",)
    nobody = {
        "id": "x",
        "label": LABEL,
        "who": LABEL,
        "bound": "max",
        "own": True,
        "unit": "recurring",
        "every": "year",
    }
    assert read_duty({**nobody, "subject": "village"}).reporters == ("village_cadre",)
    assert read_duty({**nobody, "subject": "township"}).reporters == ("township_officer",)
    assert read_duty({**nobody, "subject": "county"}).reporters == ("county_lead",)
    assert read_duty({**nobody, "subject": "village", "reported_by": ["township_officer"]}).reporters == (
        "township_officer",
    )


def test_for_whom_it_is() -> None:
    one = _duty({
        "subject": "household", "every": "month",
        "households": [{"statuses": ["none"], "kinds": ["former_poor"]}, {"statuses": ["eliminated_stable"]}],
    })  # fmt: skip
    asked = [
        ("none", "former_poor"),
        ("none", "ordinary"),
        ("eliminated_stable", "ordinary"),
        ("active", "former_poor"),
    ]
    assert [one.concerns(status, kind) for status, kind in asked] == [True, False, True, False]
    assert not _duty({"subject": "household", "every": "month"}).concerns("closed_natural", "former_poor")


@given(st.dates(date(2005, 1, 1), date(2026, 6, 1)), st.integers(1, 120))
def test_reminders_go_up_the_ladder_on_working_mornings(first: date, days: int) -> None:
    span = Span(local_midnight(first), local_midnight(first + days * DAY))
    plan = reminders(span, DEFAULT_LADDER, calendar=CALENDAR, quiet=Quiet())
    told = [step.whom for step, _ in plan]
    assert told == sorted(told, key=("owner", "superior", "county").index)
    assert [step.percent for step, _ in plan][-3:] == [100, 120, 200]
    assert all(CALENDAR.is_working_day(local_date(at)) for _, at in plan)
    assert all(at < span.due for step, at in plan if step.percent < 100)
