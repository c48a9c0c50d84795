"""Working time: how many office hours are left until something is due, or have passed since. No clock is read."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

from workflows.calendars import Calendar
from workflows.clock import CHINA, local_date

Hours = tuple[tuple[time, time], ...]
# Our own: no source states when offices are open. Packs say otherwise by their parameter ``office_hours``.
DEFAULT_OFFICE_HOURS = ("09:00-12:00", "14:00-18:00")
SPAN = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])")


def parse_office_hours(texts: Sequence[object]) -> Hours:
    """Read spans such as "09:00-12:00", in order and apart from each other; ValueError names what is wrong."""
    spans = []
    for text in texts:
        found = SPAN.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            raise ValueError(f"{text!r} is no span of hours like 09:00-12:00")
        begin, begin_minute, end, end_minute = map(int, found.groups())
        spans.append((time(begin, begin_minute), time(end, end_minute)))
    edges = [edge for span in spans for edge in span]
    if not edges or any(later <= earlier for earlier, later in pairwise(edges)):
        raise ValueError("spans of hours must follow each other and not be empty")
    return tuple(spans)


def is_office_hours(value: object) -> bool:
    """Tell whether a value is a list of spans of hours."""
    try:
        parse_office_hours(value if isinstance(value, list | tuple) else ())
    except ValueError:
        return False
    return True


def working_time_left(now: datetime, due: datetime, calendar: Calendar, hours: Hours) -> timedelta:
    """Return the office hours from ``now`` to ``due`` (aware, exclusive), negative once it is late.

    Only working days of the calendar count, make-up days among them; on days off and at night nothing runs.
    """
    if due < now:
        return -working_time_left(due, now, calendar, hours)
    first, last = local_date(now), local_date(due)
    if first == last:
        return _within(first, now, due, calendar, hours)
    begun = _within(first, now, _midnight_after(first), calendar, hours)
    ending = _within(last, _midnight_after(last - timedelta(days=1)), due, calendar, hours)
    between = (first + timedelta(days=step) for step in range(1, (last - first).days))
    return begun + sum(map(calendar.is_working_day, between)) * day_length(hours) + ending


def day_length(hours: Hours) -> timedelta:
    """Return the office hours of one working day."""
    return sum((_on(date.min, end) - _on(date.min, begin) for begin, end in hours), timedelta())


def _within(day: date, start: datetime, end: datetime, calendar: Calendar, hours: Hours) -> timedelta:
    """The office hours of one local day between two moments."""
    if not calendar.is_working_day(day):
        return timedelta()
    spans = ((max(_at(day, begin), start), min(_at(day, stop), end)) for begin, stop in hours)
    return sum((stop - begin for begin, stop in spans if stop > begin), timedelta())


def _at(day: date, moment: time) -> datetime:
    return datetime.combine(day, moment, tzinfo=CHINA).astimezone(UTC)


def _on(day: date, moment: time) -> datetime:
    return datetime.combine(day, moment)


def _midnight_after(day: date) -> datetime:
    return _at(day + timedelta(days=1), time())
