"""Periods in the abstract: what ``workflows.clocks`` does to them, without dates."""

from dataclasses import dataclass

from workflows.definition import Action, Step, Timer
from workflows.machine import Compiled
from workflows.prove.parts import (
    CASE,
    FIRES,
    FULL,
    LOOSE,
    MAX,
    NOTICE,
    NOTICE_STEP,
    NOTICE_TIMER,
    OPEN,
    POSTED,
    RUN,
    Part,
)


@dataclass(frozen=True)
class Turn:
    """A move as far as periods care. ``bounds``: for each timer with a limit its bound."""

    action: str
    source: str
    target: str
    closes: bool
    timer: str = ""


def guarded_timers(compiled: Compiled, guard: str) -> frozenset[str]:
    """Return the timers that a guard of this machine reads."""
    forms: tuple[Step | Action, ...] = (
        *compiled.order,
        *compiled.alongside.values(),
        *compiled.definition.actions.values(),
    )
    return frozenset(str(spec["timer"]) for form in forms for spec in form.guards if spec["guard"] == guard)


def turn_clocks(
    compiled: Compiled, bounds: dict[str, str], part: Part | None, after: Part, turn: Turn
) -> tuple[frozenset[tuple[str, str]], tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Return the periods after a move, those that started, and those that ended and how."""
    kept: dict[str, str] = {}
    ended: list[tuple[str, str]] = []
    timers = {timer.id: timer for timer in compiled.timers}
    for name, phase in part.clocks if part else ():
        how = _ending(turn, timers[name], phase)
        if how:
            ended.append((name, how))
        else:
            kept[name] = phase
    started = []
    renewed = {name for name, _ in ended}
    for timer in compiled.timers:
        if timer.id not in kept and _starts(compiled, bounds, after, turn, timer, renewed=timer.id in renewed):
            kept[timer.id] = _first_phase(compiled, timer, bounds[timer.id], after)
            started.append(timer.id)
    return frozenset(kept.items()), tuple(started), tuple(ended)


def _ending(turn: Turn, timer: Timer, phase: str) -> str:
    if turn.action in ("lapse", timer.fires or "lapse"):
        return "fired" if turn.timer == timer.id else ""
    if turn.action in timer.fulfilled_by:
        return "met"
    leaves = bool(timer.runs_in) and turn.target not in timer.runs_in
    if leaves and (timer.fires or timer.fulfilled_by):
        return "cancelled"
    if turn.action in timer.ends_on or leaves or turn.closes:
        if phase in (RUN, LOOSE):
            return "cancelled"
        return "met" if not turn.closes or turn.action in timer.ends_on else "cancelled"
    return ""


def _starts(
    compiled: Compiled, bounds: dict[str, str], after: Part, turn: Turn, timer: Timer, *, renewed: bool
) -> bool:
    if timer.id not in bounds or (turn.closes and turn.action not in timer.starts_on):
        return False
    inside = not timer.runs_in or turn.target in timer.runs_in
    enters = not timer.starts_on and inside and turn.source not in timer.runs_in
    again = renewed and not turn.closes and turn.target in timer.runs_in and bool(timer.fulfilled_by)
    if not again and not enters and not (turn.action in timer.starts_on and inside):
        return False
    if any(s.timer == timer.id and s.id in after.done for s in compiled.alongside.values()):
        return False
    return not (timer.unless_field and after.count(timer.unless_field))


def _first_phase(compiled: Compiled, timer: Timer, bound: str, after: Part) -> str:
    if timer.fires:
        return FIRES
    if timer.right or timer.id in guarded_timers(compiled, "still_running"):
        return OPEN
    if bound != "min":
        return MAX
    # A notice that is to hang so long must hang when its period begins.
    is_loose = compiled.definition.id == CASE and timer.id == NOTICE_TIMER and POSTED not in after.passed
    return LOOSE if is_loose else RUN


def passed_after(
    compiled: Compiled, part: Part | None, form: Step | Action, target: str, done: frozenset[str]
) -> frozenset[str]:
    """Return the steps done and not undone; the token NOTICE says that the notice hung for its whole minimum."""
    passed = part.passed if part else frozenset[str]()
    if isinstance(form, Step):
        hung = form.id == NOTICE_STEP and part is not None and part.phase(NOTICE_TIMER) == FULL
        passed |= {form.id, NOTICE} if hung else {form.id}
    here = compiled.step_at(target)
    order = [step.id for step in compiled.order]
    # Going back to a step asks for it and for all that follow it anew.
    kept = set(order[: order.index(here.id)] if here else order) | done
    kept |= {NOTICE} if NOTICE_STEP in kept else set()
    return frozenset(passed & kept)


def waits(part: Part) -> list[tuple[str, str]]:
    """Return the periods of a case whose end changes what may be done."""
    return [(name, phase) for name, phase in part.clocks if phase in (RUN, LOOSE, OPEN, FIRES)]
