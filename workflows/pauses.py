"""Pausing, resuming and extending a running period: which may, by how much, and the period that follows.

Each act ends the period's generation and begins the next one with the same start. A right of the household is never
paused away, a minimum is never shortened, and what is a part of the calendar (a month, a quarter, a window) has
neither pause nor extension.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from workflows.clock import (
    CalendarDays,
    Duration,
    Hours,
    Months,
    WorkingDays,
    duration_table,
    duration_text,
    parse_duration_text,
    utc_text,
)
from workflows.definition import Timer
from workflows.errors import ExtensionBound, MixedDuration, NoPeriod, PeriodEnded, PeriodFixed, PeriodPaused, PeriodRuns
from workflows.guards import Context
from workflows.model import Clock
from workflows.periods import counted_anew, is_over, with_limit

PAUSE, RESUME, EXTEND = ACTS = ("pause", "resume", "extend")
HOW = {PAUSE: "paused", RESUME: "resumed", EXTEND: "extended"}
PERIOD, EXTRA = "period", "extra"
STRETCHED = (Hours, CalendarDays, WorkingDays, Months)
MOST_EXTENSIONS, LONGEST_PERCENT = 1, 100  # where a pack of before says nothing


def act_of(context: Context) -> str:
    """Return which of the acts a form is, or an empty text."""
    records = getattr(context.form, "records", "")
    return records if records in ACTS else ""


def periods_for(context: Context, act: str) -> tuple[str, ...]:
    """Return the running periods of a case to which an act may be done now."""
    clocks = context.case.clocks if context.case else {}
    return tuple(kind for kind in clocks if _refusal(context, act, kind) is None)


def ensure_any(context: Context, act: str) -> None:
    """Raise NoPeriod when no period of the case can be paused, resumed or extended."""
    if not periods_for(context, act):
        raise NoPeriod(act=act)


def ensure_period(context: Context, act: str, kind: str) -> None:
    """Raise the reason why a period may not be paused, resumed or extended."""
    refusal = _refusal(context, act, kind)
    if refusal is not None:
        raise refusal


Reason = PeriodEnded | PeriodFixed | PeriodPaused | PeriodRuns | ExtensionBound


def _refusal(context: Context, act: str, kind: str) -> Reason | None:
    clock = context.case.clocks.get(kind) if context.case else None
    if clock is None or is_over(clock, context.now):
        return PeriodEnded(timer=kind)
    if act == PAUSE and clock.is_paused:
        return PeriodPaused(timer=kind, since=clock.pauses[-1][0])
    if act == RESUME:
        return None if clock.is_paused else PeriodRuns(timer=kind)
    timer = context.compiled.timers_by_id[kind]
    if is_fixed(context, timer, clock, act):
        return PeriodFixed(timer=kind, act=act)
    return _extension_refusal(context, kind, clock, 1) if act == EXTEND else None


def is_fixed(context: Context, timer: Timer, clock: Clock, act: str) -> bool:
    """Tell whether a period can't be paused or extended by its nature."""
    duration = duration_of(context, clock)
    return not isinstance(duration, STRETCHED) or (act == PAUSE and timer.right)


def duration_of(context: Context, clock: Clock) -> Duration | None:
    """Return the limit of a running period, None where a period of before doesn't tell it."""
    text = with_limit(context.compiled, clock, context.calendar).limit
    return parse_duration_text(text) if text else None


def check_extra(context: Context, kind: str, text: str) -> str:
    """Return by how much a period is extended, as its canonical text.

    ValueError for no duration at all; MixedDuration for one of another kind than the limit's; ExtensionBound where the
    pack allows no further or no longer one.
    """
    extra, limit = parse_duration_text(text), duration_of(context, context.case.clocks[kind]) if context.case else None
    if not isinstance(limit, STRETCHED) or type(extra) is not type(limit):
        raise MixedDuration(timer=kind, limit=_unit(limit), given=_unit(extra))
    refusal = _extension_refusal(context, kind, context.case.clocks[kind], extra.amount) if context.case else None
    if refusal:
        raise refusal
    return duration_text(extra)


def _unit(duration: Duration | None) -> str:
    return str(duration_table(duration)["unit"]) if duration else ""


def _extension_refusal(context: Context, kind: str, clock: Clock, amount: int) -> ExtensionBound | None:
    """Tell why not: the period was extended often enough, or the extension is longer than the pack allows."""
    most = _number(context, "most_extensions", MOST_EXTENSIONS)
    percent = _number(context, "extension_percent", LONGEST_PERCENT)
    limit = duration_of(context, clock)
    longest = limit.amount * percent // 100 if isinstance(limit, STRETCHED) else 0
    allowed = len(clock.extended) < most and amount <= longest
    return None if allowed else ExtensionBound(timer=kind, most=most, longest=longest)


def _number(context: Context, name: str, default: int) -> int:
    found = context.compiled.pack.given(name, context.today)
    return int(found.value) if found else default


def acted(context: Context, act: str, values: Mapping[str, Any]) -> Clock:
    """Return the period that follows on the one that an act is done to."""
    clock = context.case.clocks[values[PERIOD]] if context.case else None
    if clock is None:
        raise PeriodEnded(timer=values[PERIOD])
    clock = with_limit(context.compiled, clock, context.calendar)
    if act == EXTEND:
        clock = replace(clock, extended=(*clock.extended, values[EXTRA]))
    return going_on(context, clock, act)


def going_on(context: Context, clock: Clock, act: str) -> Clock:
    """Return a period with a pause begun or ended now, counted anew, as its next generation."""
    now = utc_text(context.now)
    if act == PAUSE:
        clock = replace(clock, pauses=(*clock.pauses, (now, "")))
    elif act == RESUME:
        clock = replace(clock, pauses=(*clock.pauses[:-1], (clock.pauses[-1][0], now)))
    return counted_anew(replace(clock, generation=clock.generation + 1), context.calendar)


# --- states that hold periods (an objection) ---
def held_by(context: Context, state: str) -> tuple[str, ...]:
    """Return the timers that stand still while a case is in a state: those that the pack names for it."""
    spec = context.compiled.definition.states.get(state)
    named = context.compiled.pack.given(spec.pauses, context.today) if spec and spec.pauses else None
    return tuple(named.value) if named else ()


def to_hold(context: Context, clocks: Iterable[Clock], target: str) -> tuple[str, ...]:
    """Return the running periods that stand still from now on, because a case enters a state."""
    wanted = held_by(context, target) if target != context.state else ()
    timers = context.compiled.timers_by_id
    return tuple(
        clock.kind
        for clock in clocks
        if clock.kind in wanted
        and not clock.is_paused
        and not is_over(clock, context.now)
        and not is_fixed(context, timers[clock.kind], clock, PAUSE)
    )
