"""One running period: made from a limit, over or not, and its end by its own limit, pauses and extensions."""

from dataclasses import replace
from datetime import date, datetime, timedelta

from workflows.calendars import Calendar
from workflows.clock import (
    LAST_MOVES,
    NEVER,
    START_COUNTS,
    Due,
    Duration,
    Hours,
    Recurring,
    Window,
    WorkingDays,
    due,
    duration_text,
    local_date,
    parse_duration_text,
    parse_utc,
    period,
    utc_text,
)
from workflows.limits import Limit
from workflows.machine import Compiled
from workflows.model import Clock
from workflows.policy import Pack

_ONE_SECOND = timedelta(seconds=1)


def is_over(clock: Clock, now: datetime) -> bool:
    """Tell whether a period has ended by itself; the one question that everything asks. A paused one never has."""
    return not clock.is_paused and parse_utc(clock.due) <= now


def counting_of(pack: Pack, duration: Duration, bound: str, on: date) -> str:
    """Return how a period that begins on a day is counted: by the pack's rule, as far as it says anything about it.

    Hours, windows and whole calendar periods end where they end; working days never end on a day off; a minimum never
    moves nor shortens. Packs kept from before these rules had neither.
    """
    if bound == "min" or isinstance(duration, Hours | Window) or _is_whole(duration):
        return ""
    start = not isinstance(duration, Recurring) and pack.flag("count_start_day", on, default=False)
    rest = pack.given("last_day_on_rest", on)
    moves = not isinstance(duration, WorkingDays) and rest is not None and rest.value == "moves"
    return " ".join([START_COUNTS] * start + [LAST_MOVES] * moves)


def _is_whole(duration: Duration) -> bool:
    return isinstance(duration, Recurring) and not duration.by_day


def limit_due(pack: Pack, limit: Limit, start: datetime, *, calendar: Calendar, on: date) -> Due:
    """Return when a limit that begins now ends, by the pack's counting rule of a day."""
    counting = counting_of(pack, limit.duration, limit.bound, on)
    return due(limit.duration, start, calendar=calendar, counting=counting, bound=limit.bound)


def new_clock(
    kind: str, generation: int, limit: Limit, start: datetime, *, pack: Pack, calendar: Calendar, on: date
) -> Clock:
    """Return a period that begins at a moment, with all that its end follows from."""
    clock = Clock(
        kind=kind,
        generation=generation,
        start=utc_text(start),
        due="",
        bound=limit.bound,
        clause=limit.clause,
        provisional=False,
        limit=duration_text(limit.duration),
        counting=counting_of(pack, limit.duration, limit.bound, on),
    )
    return counted_anew(clock, calendar)


def counted_anew(clock: Clock, calendar: Calendar) -> Clock:
    """Return a period that carries its limit with the end that a calendar gives it; a paused one has none."""
    if clock.is_paused:
        return replace(clock, due=NEVER, provisional=False, calendar=calendar.digest)
    end = end_of(clock, calendar)
    return replace(clock, due=utc_text(end.at), provisional=end.provisional, calendar=calendar.digest)


def end_of(clock: Clock, calendar: Calendar) -> Due:
    """Return the end of a period from its own limit: each extension begins where the one before it ended."""
    links = links_of(clock, calendar)
    return replace(links[-1], provisional=any(link.provisional for link in links))


def links_of(clock: Clock, calendar: Calendar) -> list[Due]:
    """Return the end of the limit itself, and the end after each extension; pauses must have ended."""
    duration, start, counting = parse_duration_text(clock.limit), parse_utc(clock.start), clock.counting
    found = [_due(clock, duration, start, calendar, counting)]
    for text in clock.extended:
        duration = parse_duration_text(text)
        start = found[-1].at if isinstance(duration, Hours) else found[-1].at - _ONE_SECOND
        # The day after the last one is the first of the extension, whatever becomes of the day of the start.
        found.append(_due(clock, duration, start, calendar, LAST_MOVES if LAST_MOVES in counting else ""))
    return found


def _due(clock: Clock, duration: Duration, start: datetime, calendar: Calendar, counting: str) -> Due:
    return due(duration, start, calendar=calendar, counting=counting, pauses=clock.pauses, bound=clock.bound)


def frozen_limit(compiled: Compiled, clock: Clock, calendar: Calendar) -> Limit | None:
    """Return the row of the pack that a running period was made from: same clause, bound and, if possible, length.

    The household may have changed since; the period keeps what it was made from, its own limit above all.
    """
    rows = compiled.pack.limits_of(f"{compiled.definition.id}.{clock.kind}")
    same = [x for x in rows if (x.clause, x.bound) == (clock.clause, clock.bound)]
    day = local_date(parse_utc(clock.start))
    found = max(same, key=lambda x: (_gives(x, clock, calendar), x.begins <= day < x.ends, x.begins), default=None)
    own = parse_duration_text(clock.limit) if clock.limit else None
    return replace(found, duration=own) if found and own and found.duration != own else found


def _gives(limit: Limit, clock: Clock, calendar: Calendar) -> bool:
    """Periods of before limits were noted tell by their end, which was counted by the rule of before."""
    if clock.limit:
        return duration_text(limit.duration) == clock.limit
    start = parse_utc(clock.start)
    if isinstance(limit.duration, Recurring):
        return utc_text(period(limit.duration, start)[1]) == clock.due
    return utc_text(due(limit.duration, start, calendar=calendar).at) == clock.due


def with_limit(compiled: Compiled, clock: Clock, calendar: Calendar) -> Clock:
    """Return a period that carries its limit, also one of before, if a row of the pack gives its end."""
    found = None if clock.limit else frozen_limit(compiled, clock, calendar)
    fits = found is not None and _gives(found, clock, calendar)
    return replace(clock, limit=duration_text(found.duration)) if found and fits else clock
