"""Counting running periods anew by another calendar: what moves, and the entry of it.

A period keeps its beginning, limit, counting rule, pauses and extensions; only the calendar is another one: the notice
for a new year, an amendment, a closing day of the county. Only periods that carry their limit can be counted anew.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from workflows.calendars import Calendar
from workflows.clocks import ClockChange, Turn, mode_of
from workflows.draft import Draft
from workflows.entry import seal_move
from workflows.errors import UnknownAction
from workflows.guards import Context
from workflows.machine import Compiled
from workflows.model import Actor, Case, Clock, Command, Deadline, Dossier, EndedDeadline, Office, Outcome
from workflows.periods import counted_anew, is_over

ACTION = "recount"
NOTE = "recounted"


@dataclass(frozen=True)
class Recounted:
    """One running period by the calendar that it was made with, and by another one."""

    kind: str
    before: Clock
    after: Clock

    @property
    def moves(self) -> bool:
        """Tell whether the end is another one; else it is only certain now, or no longer (暂定)."""
        return self.before.due != self.after.due

    def is_late_by_it(self, now: datetime) -> bool:
        """Tell whether somebody is late by the other calendar who is not late now."""
        return self.after.bound == "max" and is_over(self.after, now) and not is_over(self.before, now)


def shifts(case: Case, calendar: Calendar, now: datetime) -> tuple[Recounted, ...]:
    """Return the running periods of a case whose end is another one, or is certain now, by a calendar.

    A paused period is counted when it is resumed. One that has ended by both calendars stays as it is told. A minimum
    is never shortened: it keeps the later end.
    """
    anew = (Recounted(kind, clock, _anew(clock, calendar)) for kind, clock in case.clocks.items() if _is_counted(clock))
    return tuple(one for one in anew if _differs(one) and not (is_over(one.before, now) and is_over(one.after, now)))


def _is_counted(clock: Clock) -> bool:
    return bool(clock.limit) and not clock.is_paused


def _anew(clock: Clock, calendar: Calendar) -> Clock:
    made = counted_anew(clock, calendar)
    return clock if clock.bound == "min" and made.due < clock.due else made


def _differs(one: Recounted) -> bool:
    return one.moves or one.before.provisional != one.after.provisional


def can_recount(compiled: Compiled) -> bool:
    """Tell whether a definition knows the act; those kept from before do not, and their cases are left."""
    return ACTION in compiled.definition.actions


def recount(
    compiled: Compiled,
    dossier: Dossier,
    case: Case,
    command: Command,
    *,
    actor: Actor,
    office: Office,
    calendar: Calendar,
    now: datetime,
    note: Mapping[str, Any],
) -> Outcome | None:
    """Count a case's periods anew and seal that into its journal; None when nothing would change.

    ``note`` says why (``reason``, and what the caller knows besides); what moved and the calendar are added to it.
    Raises UnknownAction where the case's definition does not know the act.
    """
    if not can_recount(compiled):
        raise UnknownAction(action=ACTION)
    found = shifts(case, calendar, now)
    if not found:
        return None
    context = Context(compiled, dossier, case, compiled.definition.actions[ACTION], actor, now, calendar)
    draft = Draft(context, command, case.number, case.seq + 1)
    moved = [{"kind": one.kind, "from": one.before.due, "to": one.after.due} for one in found]
    draft.put(NOTE, {**note, "calendar": calendar.digest, "moved": moved})
    change = _clock_change(compiled, case, found)
    draft.put("_generations", dict(change.generations))
    turn = Turn(ACTION, case.state, case.state, False, case.number, office, {}, draft.fields)
    return Outcome((seal_move(context, command, draft, turn=turn, change=change),), change.started, change.ended)


def _clock_change(compiled: Compiled, case: Case, found: Iterable[Recounted]) -> ClockChange:
    clocks, generations = dict(case.clocks), dict(case.fields.get("_generations", {}))
    started, ended = [], []
    for one in found:
        after, timer = replace(one.after, generation=one.before.generation + 1), compiled.timers_by_id[one.kind]
        ended.append(EndedDeadline(case.number, one.kind, one.before.generation, "recounted"))
        started.append(Deadline(case.number, after, mode_of(timer, after), timer.fires or None))
        clocks[one.kind], generations[one.kind] = after, after.generation
    return ClockChange(clocks, generations, tuple(started), tuple(ended))
