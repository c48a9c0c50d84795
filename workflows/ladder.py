"""The ladder of reminders: who is told how far into a limit, and on which working morning what must wait is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal, cast, get_args

from workflows.calendars import Calendar
from workflows.clock import CHINA, at_percent, local_date

Whom = Literal["owner", "superior", "county", "urge"]

# What holds where a pack (one kept from before the parameter was known, too) says nothing; domain notes, section 5.
DEFAULT_LADDER = ("60 owner", "80 owner", "100 owner", "120 superior", "200 county", "200 urge")
END = 100
MOST_EARLY = 2  # before the end: who is told more often reads none of it
MOST_PERCENT = 1000
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Step:
    """Whom to tell when so many percent of a limit are used; ``urge`` puts the case on the county's list for 督办."""

    percent: int
    whom: Whom


@dataclass(frozen=True)
class Quiet:
    """Local hours in which nobody is reminded, and the time at which what waited is told on the next working day."""

    begins: time = time(21)
    ends: time = time(8)
    morning: time = time(8, 30)

    def holds(self, at: time) -> bool:
        """Tell whether a time of the day is quiet; the hours may run over midnight."""
        if self.begins <= self.ends:
            return self.begins <= at < self.ends
        return at >= self.begins or at < self.ends


def parse_ladder(texts: Sequence[str]) -> tuple[Step, ...]:
    """Read steps such as "120 superior"; raise ValueError that names the mistake.

    They stand in order of their percents; before the end at most two, all to the owner; "100 owner" is always there, as
    who is late is told so; superior, county and urge follow it in this order, each at most once.
    """
    return _parsed(tuple(texts))


@lru_cache(maxsize=256)
def _parsed(texts: tuple[str, ...]) -> tuple[Step, ...]:
    steps = tuple(_step(text) for text in texts)
    if list(steps) != sorted(steps, key=lambda step: (step.percent, get_args(Whom).index(step.whom))):
        raise ValueError("steps must stand in order of their percents, then owner, superior, county, urge")
    early, end = [s for s in steps if s.percent < END], [s for s in steps if s.percent == END]
    late = [s.whom for s in steps if s.percent > END]
    if len(early) > MOST_EARLY or len({s.percent for s in early}) < len(early) or {s.whom for s in early} - {"owner"}:
        raise ValueError(f"before 100 at most {MOST_EARLY} steps, of different percents, all to the owner")
    if end != [Step(END, "owner")]:
        raise ValueError('at 100 there is one step, "100 owner"')
    if late != [whom for whom in get_args(Whom)[1:] if whom in late]:
        raise ValueError("after 100 superior, county and urge, in this order and each at most once")
    return steps


def _step(text: str) -> Step:
    percent, _, whom = text.partition(" ")
    is_number = percent.isascii() and percent.isdigit() and len(percent) <= 4 and str(int(percent)) == percent
    if not is_number or not 1 <= int(percent) <= MOST_PERCENT or whom not in get_args(Whom):
        raise ValueError(f"{text!r}: must be a percent from 1 to {MOST_PERCENT} and one of {', '.join(get_args(Whom))}")
    return Step(int(percent), cast("Whom", whom))


def is_ladder(value: object) -> bool:
    """Tell whether a pack's value is a ladder."""
    if not isinstance(value, list | tuple) or not all(isinstance(text, str) for text in value):
        return False
    try:
        parse_ladder(value)
    except ValueError:
        return False
    return True


def with_early(texts: Sequence[str], percents: Sequence[int] | None) -> tuple[str, ...]:
    """Return a ladder whose early steps are a limit's own ``warn`` percents, where the limit gives any."""
    if percents is None:
        return tuple(texts)
    early = sorted({p for p in percents if 0 < p < END})[-MOST_EARLY:]
    return (*(f"{p} owner" for p in early), *(text for text in texts if _step(text).percent >= END))


def office_time(moment: datetime, calendar: Calendar, quiet: Quiet | None) -> datetime:
    """Return when somebody may be reminded: this moment, or the next working day's morning (UTC).

    Without quiet hours any moment will do.
    """
    if quiet is None:
        return moment
    local = moment.astimezone(CHINA)
    if calendar.is_working_day(local.date()):
        if not quiet.holds(local.time()):
            return moment
        if local.time() < quiet.morning:
            return _at(local.date(), quiet.morning)
    return next_morning(moment, calendar, quiet)


def next_morning(moment: datetime, calendar: Calendar, quiet: Quiet) -> datetime:
    """Return the morning of the first working day after a moment's local day (UTC)."""
    day = local_date(moment) + _ONE_DAY
    while not calendar.is_working_day(day):
        day += _ONE_DAY
    return _at(day, quiet.morning)


def _at(day: date, at: time) -> datetime:
    return datetime.combine(day, at, tzinfo=CHINA).astimezone(UTC)


def plan(
    start: datetime, due: datetime, steps: Sequence[Step], *, calendar: Calendar, quiet: Quiet | None
) -> list[tuple[Step, datetime]]:
    """Return when each step of a limit is to be told (UTC), in order of time.

    None falls on a rest day or in quiet hours, and no two on one local day: such a one waits for a working morning.
    An early step that would so be told at or after the end is left out, as the end says more.
    """
    told: list[tuple[Step, datetime]] = []
    for step in steps:
        at = at_percent(start, due, percent=step.percent)
        if quiet is not None:
            at = _after(told[-1][1] if told else None, office_time(at, calendar, quiet), calendar, quiet)
        if step.percent >= END or at < due:
            told.append((step, at))
    return told


def _after(before: datetime | None, at: datetime, calendar: Calendar, quiet: Quiet) -> datetime:
    if before is None or local_date(at) > local_date(before):
        return at
    return next_morning(before, calendar, quiet)
