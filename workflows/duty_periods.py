"""Periods of duties: which have begun, when each is due, how much it takes, and what an act counts for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from math import ceil

from workflows.calendars import Calendar
from workflows.clock import (
    Recurring,
    Window,
    due,
    local_date,
    local_midnight,
    next_period,
    period,
)
from workflows.duties import REPORT, Duty
from workflows.ladder import Quiet, Step, parse_ladder, plan

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Span:
    """One period of a duty: from ``begins`` on, its last act before ``due`` (both UTC, the end exclusive)."""

    begins: datetime
    due: datetime
    provisional: bool = False

    @property
    def first_day(self) -> date:
        """The local day on which it begins."""
        return local_date(self.begins)

    @property
    def last_day(self) -> date:
        """The local day on which it may still be done."""
        return local_date(self.due - timedelta(seconds=1))


def spans_begun(duty: Duty, after: date, upto: date, *, calendar: Calendar) -> Iterator[Span]:
    """Yield the periods whose first day lies after a day and not after another, while the row is in force.

    A duty of no period has none: an event begins it.
    """
    if not duty.is_recurring:
        return
    day = after + ONE_DAY
    while day <= upto:
        begins = _first_day(duty, day)
        if begins > upto:
            return
        if duty.begins <= begins < duty.ends:
            yield span_from(duty, local_midnight(begins), calendar=calendar)
        day = begins + ONE_DAY


def span_from(duty: Duty, begins: datetime, *, calendar: Calendar) -> Span:
    """Return the period that begins at a moment.

    A last day of the month that offices do not work moves to the next one that they do (Civil Code art. 203); a whole
    period or window ends with its last day whatever that is.
    """
    if isinstance(duty.duration, Recurring):
        if duty.duration.by_day:
            return _moved(begins, local_date(begins).replace(day=duty.duration.by_day), calendar)
        return Span(begins, period(duty.duration, begins)[1])
    end = due(duty.duration, begins, calendar=calendar)
    return Span(begins, end.at, end.provisional)


def _moved(begins: datetime, last: date, calendar: Calendar) -> Span:
    provisional = not calendar.is_covered(last)
    while not calendar.is_working_day(last):
        last += ONE_DAY
    return Span(begins, local_midnight(last + ONE_DAY), provisional)


def _first_day(duty: Duty, day: date) -> date:
    """The first day of the first period or window that begins on a day or after it."""
    moment = local_midnight(day)
    if isinstance(duty.duration, Recurring):
        begins, _ = period(duty.duration, moment)
        return day if begins == moment else local_date(next_period(duty.duration, moment)[0])
    assert isinstance(duty.duration, Window)  # noqa: S101 - narrows the type
    first = _window_first(duty.duration, day.year)
    return first if first >= day else _window_first(duty.duration, day.year + 1)


def _window_first(window: Window, year: int) -> date:
    """The first day of a year's window; 29 February stands for the last day of February."""
    month, number = window.start
    return date(year, 3, 1) - ONE_DAY if (month, number) == (2, 29) else date(year, month, number)


def needed(duty: Duty, span: Span) -> int:
    """Return how many acts, or days of work, a period takes: its times, or its share of the days, rounded up."""
    if not isinstance(duty.duration, Recurring):
        return 1
    if duty.share:
        after = period(duty.duration, span.begins)[1]
        return ceil((local_date(after) - span.first_day).days * Fraction(duty.share))
    return duty.duration.times


def counts_days(duty: Duty) -> bool:
    """Tell whether a report of it says on how many days there was work."""
    return bool(duty.counts or duty.share)


@dataclass(frozen=True)
class Act:
    """Something that was done: an action of a case (``assist.record_visit``) or ``report``; mode may be empty."""

    name: str
    role: str
    mode: str
    on: date


def why_not(duty: Duty, act: Act, begins: datetime, last_day: date) -> str:
    """Return why an act does not count for a period: act, role, mode, day; an empty text when it does.

    An act of a case counts for the period in which it was done, however late it is written down. A report may tell of
    something done too late: it settles the period, which stays late.
    """
    if act.name not in duty.acts:
        return "act"
    if act.role not in duty.reporters:
        return "role"
    if duty.modes and act.mode not in duty.modes:
        return "mode"
    too_late = act.on > last_day and act.name != REPORT
    return "day" if act.on < local_date(begins) or too_late else ""


def reminders(
    span: Span, ladder: Sequence[str], *, calendar: Calendar, quiet: Quiet | None
) -> list[tuple[Step, datetime]]:
    """Return when whom to remind of a period, in order of time: the steps of the ladder, but for the formal urging.

    That is for one case; late duties stand on the monthly list of a place.
    """
    steps = [step for step in parse_ladder(ladder) if step.whom != "urge"]
    return plan(span.begins, span.due, steps, calendar=calendar, quiet=quiet)
