"""What a move does to the periods of its case: which end, which start, and when they fall due."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from workflows.clock import (
    Recurring,
    local_date,
    next_period,
    parse_utc,
    period,
)
from workflows.definition import Timer
from workflows.guards import Context
from workflows.limits import Facts, Limit
from workflows.model import Clock, Deadline, EndedDeadline, Office
from workflows.pauses import HOW, PAUSE, PERIOD, RESUME, act_of, acted, going_on, to_hold
from workflows.periods import frozen_limit, is_over, new_clock, with_limit


@dataclass(frozen=True)
class ClockChange:
    """The clocks of a case after a move, what ended and started with it, and what its state makes stand still."""

    clocks: Mapping[str, Clock]
    generations: Mapping[str, int]
    started: tuple[Deadline, ...]
    ended: tuple[EndedDeadline, ...]
    held: tuple[str, ...] = ()


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
    before = dict(context.case.clocks) if context.case else {}
    generations, held = dict(context.fields.get("_generations", {})), tuple(context.fields.get("_held", ()))
    if not turn.completes:
        return ClockChange(before, generations, (), (), held)
    timers = context.compiled.timers_by_id
    over = {kind: how for kind, clock in before.items() if (how := _ending(context, turn, timers[kind], clock))}
    clocks = {kind: clock for kind, clock in before.items() if kind not in over}
    changed, held = _changed(context, turn, clocks, held)
    ended = {**over, **{kind: how for kind, (how, _) in changed.items()}}
    clocks |= {kind: clock for kind, (_, clock) in changed.items()}
    fresh = _begun(context, turn, clocks, over, generations)
    clocks |= fresh
    started = [clocks[kind] for kind in (*changed, *fresh)]
    return ClockChange(
        clocks,
        {**generations, **{clock.kind: clock.generation for clock in started}},
        tuple(Deadline(turn.case, x, mode_of(timers[x.kind], x), timers[x.kind].fires or None) for x in started),
        tuple(EndedDeadline(turn.case, kind, before[kind].generation, how) for kind, how in ended.items()),
        held,
    )


def _begun(
    context: Context, turn: Turn, clocks: Mapping[str, Clock], over: Collection[str], generations: Mapping[str, int]
) -> dict[str, Clock]:
    """The periods that a move starts."""
    found = {}
    for timer in context.compiled.timers:
        renewed = timer.id in over and _renews(turn, timer)
        if timer.id not in clocks and (fresh := _starting(context, turn, timer, generations, renewed=renewed)):
            found[timer.id] = fresh
    return found


def _changed(
    context: Context, turn: Turn, clocks: Mapping[str, Clock], held: tuple[str, ...]
) -> tuple[dict[str, tuple[str, Clock]], tuple[str, ...]]:
    """What somebody pauses, resumes or extends, or a state holds or lets go; and what the state holds from now on."""
    act = act_of(context)
    found = {turn.values[PERIOD]: (HOW[act], acted(context, act, turn.values))} if act else {}
    if turn.target == turn.source:
        return found, held
    for kind in held:
        if kind in clocks and clocks[kind].is_paused:
            found[kind] = (HOW[RESUME], going_on(context, clocks[kind], RESUME))
    holding = to_hold(context, clocks.values(), turn.target)
    for kind in holding:
        clock = with_limit(context.compiled, clocks[kind], context.calendar)
        found[kind] = (HOW[PAUSE], going_on(context, clock, PAUSE))
    return found, holding


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
