"""What a move does to the periods of its case: which end, which start, and when they fall due."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from workflows.clock import Recurring, due, local_date, next_period, parse_utc, period, utc_text
from workflows.definition import Timer
from workflows.guards import Context
from workflows.model import Clock, Deadline, EndedDeadline, Office
from workflows.policy import Limit


@dataclass(frozen=True)
class ClockChange:
    """The clocks of a case after a move, and what ended and started with it."""

    clocks: Mapping[str, Clock]
    generations: Mapping[str, int]
    started: tuple[Deadline, ...]
    ended: tuple[EndedDeadline, ...]


@dataclass(frozen=True)
class Turn:
    """What happened to the case, as far as periods care: action, from where to where, and whether it closes."""

    action: str
    source: str
    target: str
    closes: bool
    case: str
    office: Office
    values: Mapping[str, Any]
    fields: Mapping[str, Any]


def turn_clocks(context: Context, turn: Turn) -> ClockChange:
    """Return the periods after a move; a period's due date and clause are frozen when it starts."""
    clocks = dict(context.case.clocks) if context.case else {}
    generations = dict(context.fields.get("_generations", {}))
    started: list[Deadline] = []
    ended: list[EndedDeadline] = []
    timers = {timer.id: timer for timer in context.compiled.timers}
    for kind, clock in list(clocks.items()):
        how = _ending(context, turn, timers[kind], clock)
        if how:
            ended.append(EndedDeadline(turn.case, kind, clock.generation, how))
            del clocks[kind]
    for timer in timers.values():
        after = next((e for e in ended if e.kind == timer.id), None)
        renewed = after is not None and _renews(turn, timer)
        fresh = _starting(context, turn, timer, generations, renewed=renewed)
        if fresh is not None and timer.id not in clocks:
            generations[timer.id] = fresh.generation
            clocks[timer.id] = fresh
            started.append(Deadline(turn.case, fresh, mode_of(timer, fresh), timer.fires or None))
    return ClockChange(clocks, generations, tuple(started), tuple(ended))


def _ending(context: Context, turn: Turn, timer: Timer, clock: Clock) -> str:
    """Tell how a running period ends with this move, or an empty text when it runs on."""
    late = parse_utc(clock.due) <= context.now
    if turn.action in ("lapse", timer.fires or "lapse"):
        return _ending_by_clock(context, turn, timer, clock)
    if turn.action in timer.fulfilled_by and _fulfils(context, turn, timer, clock):
        return "late" if late else "met"
    leaves = bool(timer.runs_in) and turn.target not in timer.runs_in
    if leaves and (timer.fires or is_recurring(timer)):
        return "late" if late and not timer.fires else "cancelled"
    if turn.action in timer.ends_on or leaves or turn.closes:
        if clock.bound == "min":
            return "met" if late else "cancelled"
        answered = not turn.closes or turn.action in timer.ends_on
        return ("late" if late else "met") if answered else "cancelled"
    return ""


def _ending_by_clock(context: Context, turn: Turn, timer: Timer, clock: Clock) -> str:
    if turn.values.get("timer") != timer.id or turn.values.get("generation") != clock.generation:
        return ""
    if is_recurring(timer):
        return "late"
    return "fired" if timer.right or timer.fires else ""


def _fulfils(context: Context, turn: Turn, timer: Timer, clock: Clock) -> bool:
    """A duty of a period is done by the roles and modes that the pack accepts, once the period has begun."""
    today = context.today
    pack = context.compiled.pack
    right_mode = turn.values.get("visit_mode") in pack.parameter("visit_modes", today).value
    right_role = turn.office.role in pack.parameter("visit_roles", today).value
    begun = parse_utc(clock.start)
    in_period = turn.values.get("visit_on", "") >= local_date(begun).isoformat()
    return right_mode and right_role and in_period and context.now >= begun


def _renews(turn: Turn, timer: Timer) -> bool:
    """A duty of each period goes on with the next one as long as the case stays where it runs."""
    return not turn.closes and turn.target in timer.runs_in and bool(timer.fulfilled_by)


def _starting(
    context: Context, turn: Turn, timer: Timer, generations: Mapping[str, int], *, renewed: bool
) -> Clock | None:
    if turn.closes and turn.action not in timer.starts_on:
        return None
    inside = not timer.runs_in or turn.target in timer.runs_in
    enters = not timer.starts_on and inside and turn.source not in timer.runs_in
    if not renewed and not enters and not (turn.action in timer.starts_on and inside):
        return None
    if _is_done_beside(context, turn, timer) or (timer.unless_field and turn.fields.get(timer.unless_field)):
        return None
    limit = limit_of(context, timer)
    if limit is None:
        return None
    begin, end, provisional = _span(context, turn, timer, limit, renewed=renewed)
    return Clock(
        kind=timer.id,
        generation=generations.get(timer.id, 0) + 1,
        start=utc_text(begin),
        due=utc_text(end),
        bound=limit.bound,
        clause=limit.clause,
        provisional=provisional,
    )


def _is_done_beside(context: Context, turn: Turn, timer: Timer) -> bool:
    """Tell whether the step alongside that a timer belongs to has been done in this round."""
    done = turn.fields.get("_done", [])
    return any(s.timer == timer.id and s.id in done for s in context.compiled.alongside.values())


def _span(
    context: Context, turn: Turn, timer: Timer, limit: Limit, *, renewed: bool
) -> tuple[datetime, datetime, bool]:
    if isinstance(limit.duration, Recurring):
        return (*_period_span(context, timer, limit.duration, renewed=renewed), False)
    begin = context.now
    if timer.counted_from and turn.fields.get(timer.counted_from):
        begin = parse_utc(f"{turn.fields[timer.counted_from]}T04:00:00Z")
    end = due(limit.duration, begin, calendar=context.calendar)
    return begin, end.at, end.provisional


def _period_span(context: Context, timer: Timer, duration: Recurring, *, renewed: bool) -> tuple[datetime, datetime]:
    """The next period after the one just ended; at first the next full one, as a part of a month is no month."""
    if renewed and context.case:
        return next_period(duration, parse_utc(context.case.clocks[timer.id].due) - timedelta(seconds=1))
    begin, end = period(duration, context.now)
    return (begin, end) if begin == context.now else next_period(duration, context.now)


def limit_of(context: Context, timer: Timer) -> Limit | None:
    """Return the pack's limit for a timer on the day of the act."""
    return context.compiled.pack.limit(f"{context.compiled.definition.id}.{timer.id}", context.today)


def is_recurring(timer: Timer) -> bool:
    """Tell whether a timer is a duty of each period."""
    return bool(timer.fulfilled_by)


def mode_of(timer: Timer, clock: Clock) -> str:
    """Return what the scheduler does when the period has ended."""
    if timer.fires:
        return "fires"
    if timer.right:
        return "right"
    if is_recurring(timer):
        return "recurring"
    return "reached" if clock.bound == "min" else "lapse"
