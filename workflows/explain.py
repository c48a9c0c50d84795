"""Why a period ends when it ends: each day on the way, whether it counts, and for what reason."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

from workflows.calendars import Calendar, DayKind
from workflows.clock import (
    LAST_MOVES,
    START_COUNTS,
    Counted,
    Due,
    Duration,
    Hours,
    Pauses,
    Recurring,
    Window,
    WorkingDays,
    due,
    local_date,
    parse_duration_text,
    parse_utc,
    unmoved,
    utc_text,
    window_begins,
)
from workflows.model import Clock
from workflows.periods import links_of

Why = Literal["start_day", "calendar_day", "clock_hours", "in_window", "outside_window", "paused"] | DayKind
Words = Mapping[str, str]

_ONE_DAY = timedelta(days=1)
_ONE_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class DayStep:
    """One local day on the way to a due date, whether it counts, and why.

    ``moved``: it lies behind the last day that was counted, as that was off. ``name`` is what the calendar calls it
    (zh, en): a festival, a closing. ``pause`` is the place of the pause that takes it out, -1 for none.
    """

    date: date
    counted: bool
    why: Why
    moved: bool = False
    name: Words | None = None
    pause: int = -1


@dataclass(frozen=True)
class Stretch:
    """A part of a period counted in hours, from and to in UTC; ``runs``: it counts."""

    begin: datetime
    end: datetime
    runs: bool


@dataclass(frozen=True)
class Link:
    """The limit itself, or one extension: its duration's text, where it begins, its days and its end.

    ``end`` is None while the period is paused: the days are those until now.
    """

    text: str
    start: datetime
    steps: tuple[DayStep, ...]
    stretches: tuple[Stretch, ...]
    end: Due | None

    @property
    def counted(self) -> int:
        """How many of its days count."""
        return sum(step.counted for step in self.steps)


@dataclass(frozen=True)
class Explanation:
    """A period with all that its end follows from."""

    clock: Clock
    calendar: Calendar
    links: tuple[Link, ...]

    @property
    def starts_counted(self) -> bool:
        """Tell whether the day of the start is the first one."""
        return START_COUNTS in self.clock.counting.split()

    @property
    def last_moves(self) -> bool:
        """Tell whether a last day that is off moves."""
        return LAST_MOVES in self.clock.counting.split()

    @property
    def agrees(self) -> bool:
        """Tell whether the explanation ends where the period does; else it was made with another calendar."""
        end = self.links[-1].end
        return self.clock.is_paused if end is None else utc_text(end.at) == self.clock.due


def explain_clock(clock: Clock, calendar: Calendar, now: datetime) -> Explanation:
    """Explain a period that carries its limit; a paused one is told until now. ValueError where it carries none."""
    if not clock.limit:
        raise ValueError(f"{clock.kind}: the limit that this period was made from is not known")
    if clock.is_paused:
        return Explanation(clock, calendar, tuple(_until_now(clock, calendar, now)))
    return Explanation(clock, calendar, tuple(_links(clock, calendar)))


def _links(clock: Clock, calendar: Calendar) -> Iterator[Link]:
    texts = (clock.limit, *clock.extended)
    start, counting = parse_utc(clock.start), clock.counting
    for text, end in zip(texts, links_of(clock, calendar), strict=True):
        duration = parse_duration_text(text)
        steps = explain(duration, start, calendar=calendar, counting=counting, pauses=clock.pauses, bound=clock.bound)
        is_first = start == parse_utc(clock.start)
        stretches = _stretches(start, end.at, clock.pauses) if isinstance(duration, Hours) else ()
        yield Link(text, start, tuple(steps if is_first else steps[1:]), stretches, end)
        start = end.at if isinstance(duration, Hours) else end.at - _ONE_SECOND
        counting = LAST_MOVES if LAST_MOVES in counting else ""


def _until_now(clock: Clock, calendar: Calendar, now: datetime) -> Iterator[Link]:
    """What has been counted until now: as if the pause ended now, cut off today."""
    today = local_date(now)
    going = replace(clock, pauses=(*clock.pauses[:-1], (clock.pauses[-1][0], max(clock.pauses[-1][0], utc_text(now)))))
    for link in _links(going, calendar):
        steps = tuple(replace(s, counted=False, why="paused", pause=len(clock.pauses) - 1) if s.date == today else s
                      for s in link.steps if s.date <= today)  # fmt: skip
        if link.steps and link.steps[0].date > today:
            return
        stretches = tuple(s for s in link.stretches if s.begin < now)
        yield replace(link, steps=steps, stretches=stretches, end=None)


def explain(
    duration: Duration,
    start: datetime,
    *,
    calendar: Calendar,
    counting: str = "",
    pauses: Pauses = (),
    bound: str = "max",
) -> list[DayStep]:
    """Walk from the day of the start to the last day that `due` gives, and say what each day is."""
    told = tuple(pauses)
    rule = Counted.by(calendar, counting, told, bound)
    last = due(duration, start, calendar=calendar, counting=counting, pauses=told, bound=bound).last_day
    found = _Walk(duration, local_date(start), unmoved(duration, start, rule), rule)
    return [found.step(day) for day in _days(local_date(start), last)]


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=step) for step in range((last - first).days + 1))


@dataclass(frozen=True)
class _Walk:
    duration: Duration
    first: date
    unmoved: date
    rule: Counted

    def step(self, day: date) -> DayStep:
        calendar, moved = self.rule.calendar, day > self.unmoved
        why, pause = self._why(day, moved=moved)
        counts = not moved and self._counts(day, why)
        return DayStep(day, counts, why, moved, calendar.name_of(day), pause)

    def _why(self, day: date, *, moved: bool) -> tuple[Why, int]:
        own = self._whole(day)
        if own:
            return own, -1
        if day == self.first and not self.rule.start_counts:
            return "start_day", -1
        pause = self.rule.pause_of(day)
        if pause >= 0:
            return "paused", pause
        by_kind = moved or isinstance(self.duration, WorkingDays)
        return (self.rule.calendar.day_kind(day) if by_kind else "calendar_day"), -1

    def _whole(self, day: date) -> Why | None:
        """What a day is for durations that count no days."""
        match self.duration:
            case Hours():
                return "clock_hours"
            case Recurring():
                return None if day > self.unmoved else "calendar_day"
            case Window():
                return "in_window" if day >= window_begins(self.duration, self.first) else "outside_window"
        return None

    def _counts(self, day: date, why: Why) -> bool:
        if why in ("start_day", "paused", "outside_window"):
            return False
        return not isinstance(self.duration, WorkingDays) or self.rule.calendar.is_working_day(day)


def _stretches(start: datetime, end: datetime, pauses: Pauses) -> tuple[Stretch, ...]:
    found, at = [], start
    for paused, resumed in Counted.by_pauses(pauses):
        if resumed > start and paused < end:
            begin = max(paused, at)
            found += [Stretch(at, begin, runs=True)] if begin > at else []
            found.append(Stretch(begin, resumed, runs=False))
            at = resumed
    return (*found, Stretch(at, end, runs=True)) if end > at else tuple(found)
