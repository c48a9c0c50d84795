"""What a move does to the periods of its case: which end, which start, and when they fall due."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from workflows.calendars import Calendar
from workflows.clock import (
    Recurring,
    due,
    duration_text,
    local_date,
    next_period,
    parse_duration_text,
    parse_utc,
    period,
    utc_text,
)
from workflows.definition import Timer
from workflows.guards import Context
from workflows.limits import Facts, Limit
from workflows.machine import Compiled
from workflows.model import Clock, Deadline, EndedDeadline, Office
from workflows.periods import is_over, new_clock


@dataclass(frozen=True)
class ClockChange:
    """The clocks of a case after a move, and what ended and started with it."""

    clocks: Mapping[str, Clock]
    generations: Mapping[str, int]
    started: tuple[Deadline, ...]
    ended: tuple[EndedDeadline, ...]


@dataclass(frozen=True)
class Turn:
    """What happened to the case, as far as periods care: action, from where to where, and whether it closes.

    Where further people must sign first (``completes`` is false) nothing has happened yet to any period.
    """

    action: str
    source: str
    target: str
    closes: bool
    case: str
    office: Office
    values: Mapping[str, Any]
    fields: Mapping[str, Any]
    completes: bool = True


def turn_clocks(context: Context, turn: Turn) -> ClockChange:
    """Return the periods after a move; a period's due date and clause are frozen when it starts."""
    clocks = dict(context.case.clocks) if context.case else {}
    generations = dict(context.fields.get("_generations", {}))
    if not turn.completes:
        return ClockChange(clocks, generations, (), ())
    started: list[Deadline] = []
    ended: list[EndedDeadline] = []
    timers = context.compiled.timers_by_id
    for kind, clock in list(clocks.items()):
        how = _ending(context, turn, timers[kind], clock)
        if how:
            ended.append(EndedDeadline(turn.case, kind, clock.generation, how))
            del clocks[kind]
    over = {one.kind for one in ended}
    for timer in timers.values():
        if timer.id in clocks:
            continue
        renewed = timer.id in over and _renews(turn, timer)
        fresh = _starting(context, turn, timer, generations, renewed=renewed)
        if fresh is not None:
            generations[timer.id] = fresh.generation
            clocks[timer.id] = fresh
            started.append(Deadline(turn.case, fresh, mode_of(timer, fresh), timer.fires or None))
    return ClockChange(clocks, generations, tuple(started), tuple(ended))


def _ending(context: Context, turn: Turn, timer: Timer, clock: Clock) -> str:
    """Tell how a running period ends with this move, or an empty text when it runs on."""
    late = is_over(clock, context.now)
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
    limit = frozen_limit(context.compiled, clock, context.calendar)
    modes = limit.modes if limit and limit.modes else pack.parameter("visit_modes", today).value
    roles = limit.roles if limit and limit.roles else pack.parameter("visit_roles", today).value
    right_mode, right_role = turn.values.get("visit_mode") in modes, turn.office.role in roles
    begun = parse_utc(clock.start)
    in_period = turn.values.get("visit_on", "") >= local_date(begun).isoformat()
    return right_mode and right_role and in_period and context.now >= begun


def _renews(turn: Turn, timer: Timer) -> bool:
    """A duty of each period goes on with the next one as long as the case stays where it runs."""
    return not turn.closes and turn.target in timer.runs_in and bool(timer.fulfilled_by)


def _starting(
    context: Context, turn: Turn, timer: Timer, generations: Mapping[str, int], *, renewed: bool
) -> Clock | None:
    starts = turn.action in timer.starts_on
    if turn.closes and not starts:
        return None
    inside = not timer.runs_in or turn.target in timer.runs_in
    enters = not timer.starts_on and inside and turn.source not in timer.runs_in
    if not renewed and not enters and not (starts and inside):
        return None
    if _is_done_beside(context, turn, timer) or (timer.unless_field and turn.fields.get(timer.unless_field)):
        return None
    limit = limit_of(context, turn, timer)
    if limit is None:
        return None
    begin = _begin(context, turn, timer, limit, renewed=renewed)
    pack, generation = context.compiled.pack, generations.get(timer.id, 0) + 1
    return new_clock(timer.id, generation, limit, begin, pack=pack, calendar=context.calendar, on=context.today)


def _is_done_beside(context: Context, turn: Turn, timer: Timer) -> bool:
    """Tell whether the step alongside that a timer belongs to has been done in this round."""
    done = turn.fields.get("_done", [])
    return any(s.timer == timer.id and s.id in done for s in context.compiled.alongside.values())


def _begin(context: Context, turn: Turn, timer: Timer, limit: Limit, *, renewed: bool) -> datetime:
    if isinstance(limit.duration, Recurring):
        return _period_begin(context, timer, limit.duration, renewed=renewed)
    if timer.counted_from and turn.fields.get(timer.counted_from):
        return parse_utc(f"{turn.fields[timer.counted_from]}T04:00:00Z")
    return context.now


def _period_begin(context: Context, timer: Timer, duration: Recurring, *, renewed: bool) -> datetime:
    """The next period after the one just ended; at first the next full one, as a part of a month is no month."""
    if renewed and context.case:
        return next_period(duration, parse_utc(context.case.clocks[timer.id].due) - timedelta(seconds=1))[0]
    begin, _ = period(duration, context.now)
    return begin if begin == context.now else next_period(duration, context.now)[0]


def limit_of(context: Context, turn: Turn, timer: Timer) -> Limit | None:
    """Return the pack's limit for a timer on the day of the act, for this household as it stands now."""
    name = f"{context.compiled.definition.id}.{timer.id}"
    return context.compiled.pack.limit(name, context.today, facts_of(context, turn))


def facts_of(context: Context, turn: Turn) -> Facts:
    """What limits may depend on; the status is that before this move's effects, the source that of the latest clue."""
    dossier = context.dossier
    status, gates = dossier.latest("monitor_status"), dossier.latest("household_case")
    is_status = context.compiled.definition.id == "monitor_status"
    known = turn.fields.get("clue_source") or (gates.fields.get("clue_source") if gates else "")
    return Facts(
        purpose=context.compiled.purpose,
        kind=dossier.subject.household_kind,
        status=turn.target if is_status else (status.state if status else "none"),
        source=str(known or ""),
    )


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
