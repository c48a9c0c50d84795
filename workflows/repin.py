"""Moving a running case to other rules: what stands in the way, what becomes of its periods, and the entry of it.

A case is pinned to its definition and pack; only this moves it. Where it stands, what was signed and recorded stay as
they are. A running period keeps its beginning and is counted anew by the rule of the day on which it began; one that
the new rules do not have ends; one that only they have begins with the change, so that nobody is late by a rule that
was not there.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from workflows.calendars import Calendar
from workflows.clock import Recurring, local_date, next_period, parse_utc
from workflows.clocks import ClockChange, Turn, mode_of
from workflows.definition import Action, Step
from workflows.draft import Draft
from workflows.entry import seal_move
from workflows.errors import CaseStuck
from workflows.guards import Context
from workflows.limits import Facts, Limit
from workflows.machine import Compiled
from workflows.model import Actor, Case, Clock, Command, Deadline, Dossier, EndedDeadline, Office, Outcome
from workflows.periods import counted_anew, counting_of, is_over, new_clock

ACTION = "change_rules"
NOTE = "rules_changed"
GONE, NO_WAY = "state_gone", "no_way_out"
Roles = tuple[str, ...]


@dataclass(frozen=True)
class Fit:
    """How cases that stand alike fit other rules.

    ``obstacle``: empty, ``state_gone`` or ``no_way_out``. ``skipped`` are steps that the new order has behind the case
    and nobody did; ``repeated`` those that were done and come again. ``work``: how many more signatures (fewer where
    negative) which roles give until the end.
    """

    obstacle: str
    skipped: tuple[str, ...]
    repeated: tuple[str, ...]
    work: Mapping[Roles, int]


@dataclass(frozen=True)
class Shift:
    """What becomes of one running period: None before where it begins, None after where it ends."""

    kind: str
    before: Clock | None
    after: Clock | None

    @property
    def moves(self) -> bool:
        """Tell whether the end is another one."""
        return not self.before or not self.after or self.before.due != self.after.due


def fit(old: Compiled, new: Compiled, state: str, done: Iterable[str]) -> Fit:
    """Return how cases in a state, with some steps alongside done, fit another machine."""
    if state not in new.states:
        return Fit(GONE, (), (), {})
    beside = frozenset(done)
    # What was done beside another step and now stands in the order comes again there.
    behind, coming = _behind(old, state) | beside, _behind(new, state) | (beside & new.alongside.keys())
    known = {step.id for step in _steps(old)}
    work = Counter(_work(new, state, beside))
    work.subtract(_work(old, state, beside))
    return Fit(
        obstacle="" if new.is_closed(state) or _leads_on(new, state) else NO_WAY,
        skipped=tuple(s.id for s in _steps(new) if s.id in coming and s.id not in behind),
        repeated=tuple(s.id for s in _steps(new) if s.id in behind and s.id not in coming and s.id in known),
        work={roles: count for roles, count in work.items() if count},
    )


def _steps(compiled: Compiled) -> tuple[Step, ...]:
    return (*compiled.order, *compiled.alongside.values())


def _place(compiled: Compiled, state: str) -> int:
    """Where a state stands in the order; a state of no step (an objection) stands at the first step of its gate."""
    gates = list(compiled.definition.gates)
    for place, step in enumerate(compiled.order):
        if step.state == state:
            return place
    gate = compiled.gate_of(state)
    if gate not in gates:
        return len(compiled.order)
    return next((p for p, s in enumerate(compiled.order) if gates.index(s.gate) >= gates.index(gate)), 0)


def _behind(compiled: Compiled, state: str) -> frozenset[str]:
    return frozenset(step.id for step in compiled.order[: _place(compiled, state)])


def _work(compiled: Compiled, state: str, beside: frozenset[str]) -> Iterator[Roles]:
    """Who signs what is left of the way, once for each signature."""
    if compiled.is_closed(state):
        return
    left = [*compiled.order[_place(compiled, state) :], *(s for s in compiled.alongside.values() if s.id not in beside)]
    for step in left:
        mode = step.sign.get("mode", "one")
        if mode == "all":
            yield from ((role,) for role in step.roles)
        else:
            yield from [step.roles] * (int(step.sign.get("count", 1)) if mode == "any" else 1)


def _leads_on(compiled: Compiled, state: str) -> bool:
    names = [form.action if isinstance(form, Step) else form.id for form in compiled.forms]
    return any(target != state for name in names for target in compiled.targets(name, state))


# --- periods ----------------------------------------------------------------------------------------------------------
def shifts(
    old: Compiled, new: Compiled, dossier: Dossier, case: Case, *, calendar: Calendar, now: datetime
) -> tuple[Shift, ...]:
    """Return what becomes of each running period that does not stay as it is."""
    facts = facts_of(new, dossier, case)
    timers = {timer.id: timer for timer in new.timers}
    found = []
    for kind, clock in case.clocks.items():
        timer = timers.get(kind)
        runs_on = timer and (not timer.runs_in or case.state in timer.runs_in)
        after = _counted_anew(old, new, clock, facts=facts, calendar=calendar, now=now) if runs_on else None
        if after != clock:
            found.append(Shift(kind, clock, after))
    return (*found, *_begun(old, new, case, facts=facts, calendar=calendar, now=now))


def facts_of(compiled: Compiled, dossier: Dossier, case: Case) -> Facts:
    """Return what limits may depend on for a running case, as ``clocks.facts_of`` for a move that changes no state."""
    status, gates = dossier.latest("monitor_status"), dossier.latest("household_case")
    known = case.fields.get("clue_source") or (gates.fields.get("clue_source") if gates else "")
    return Facts(
        purpose=compiled.purpose,
        kind=dossier.subject.household_kind,
        status=status.state if status else "none",
        source=str(known or ""),
    )


def _limit(compiled: Compiled, timer: str, on: datetime, facts: Facts) -> Limit | None:
    return compiled.pack.limit(f"{compiled.definition.id}.{timer}", local_date(on), facts)


def _counted_anew(
    old: Compiled, new: Compiled, clock: Clock, *, facts: Facts, calendar: Calendar, now: datetime
) -> Clock | None:
    """The period by the new rules: the same where the rule is the same, whatever the calendar has learnt since.

    A duty of each period keeps the present one; the next follows the new rule, as a part of a month is no month. Where
    the new rules begin later than the period, the rule of its day is the old one. What has ended by either rule has
    been told of, or will be, once.
    """
    start = parse_utc(clock.start)
    before, limit = (_limit(side, clock.kind, start, facts) for side in (old, new))
    if limit is None:
        return None if before and _limit(new, clock.kind, now, facts) is None else clock
    if isinstance(limit.duration, Recurring) or (limit == before and _counts_alike(old, new, limit, start)):
        return clock
    fresh = new_clock(
        clock.kind, clock.generation, limit, start, pack=new.pack, calendar=calendar, on=local_date(start)
    )
    made = counted_anew(replace(fresh, pauses=clock.pauses, extended=clock.extended), calendar)
    both_over = made.bound == clock.bound and is_over(made, now) and is_over(clock, now)
    return clock if both_over or made == clock else replace(made, generation=clock.generation + 1)


def _counts_alike(old: Compiled, new: Compiled, limit: Limit, start: datetime) -> bool:
    """Tell whether both packs count the days of a limit in the same way."""
    on = local_date(start)
    before, after = (counting_of(side.pack, limit.duration, limit.bound, on) for side in (old, new))
    return before == after


def _begun(
    old: Compiled, new: Compiled, case: Case, *, facts: Facts, calendar: Calendar, now: datetime
) -> Iterator[Shift]:
    """Periods of the state itself that only the new rules have there; what an act of before would have begun is past.

    A duty of each period begins with the next full one.
    """
    ran = {timer.id for timer in old.timers if case.state in timer.runs_in}
    done = case.fields.get("_done", [])
    over = {step.timer for step in new.alongside.values() if step.id in done}
    for timer in new.timers:
        inside = not timer.starts_on and case.state in timer.runs_in and timer.id not in over
        if not inside or timer.id in case.clocks or (timer.unless_field and case.fields.get(timer.unless_field)):
            continue
        is_new = timer.id not in ran or _limit(old, timer.id, now, facts) is None
        limit = _limit(new, timer.id, now, facts)
        if is_new and limit:
            generation = case.fields.get("_generations", {}).get(timer.id, 0) + 1
            begin = next_period(limit.duration, now)[0] if isinstance(limit.duration, Recurring) else now
            made = new_clock(timer.id, generation, limit, begin, pack=new.pack, calendar=calendar, on=local_date(now))
            yield Shift(timer.id, None, made)


# --- the entry --------------------------------------------------------------------------------------------------------
def repin(
    new: Compiled,
    old: Compiled,
    dossier: Dossier,
    case: Case,
    command: Command,
    *,
    actor: Actor,
    office: Office,
    calendar: Calendar,
    now: datetime,
    note: Mapping[str, Any],
) -> Outcome:
    """Move a case to another machine and seal that into its journal; raise CaseStuck when it has no place there.

    ``note`` says why and which rules differ; the pins of before are added to it, so that the way back is known.
    """
    fits = fit(old, new, case.state, case.fields.get("_done", []))
    if fits.obstacle:
        raise CaseStuck(case=case.number, state=case.state, reason=fits.obstacle)
    # Definitions of before do not know the act; it is the same everywhere, and a way back leads there too.
    form = new.definition.actions.get(ACTION) or old.definition.actions[ACTION]
    context = Context(new, dossier, case, form, actor, now, calendar)
    draft = Draft(context, command, case.number, case.seq + 1)
    draft.put(NOTE, {**note, "from": [case.definition_digest, case.policy_digest], "policy": case.policy})
    _keep_signatures(draft, new)
    change = _clock_change(new, case, shifts(old, new, dossier, case, calendar=calendar, now=now))
    if dict(change.generations) != draft.fields.get("_generations", {}):
        draft.put("_generations", dict(change.generations))
    turn = Turn(ACTION, case.state, case.state, False, case.number, office, {}, draft.fields)
    return Outcome((seal_move(context, command, draft, turn=turn, change=change),), change.started, change.ended)


def _keep_signatures(draft: Draft, new: Compiled) -> None:
    """Keep the signatures given so far that count under the new rules, but never all that a step needs.

    A change of rules completes no step: somebody signs last, even where those who signed would be enough by now.
    """
    given, forms = draft.fields.get("_signatures", {}), {form.id: form for form in new.forms}
    fitting = {name: _fitting(forms[name], rows) for name, rows in given.items() if name in forms}
    kept = {name: rows for name, rows in fitting.items() if rows}
    if kept != given:
        draft.put("_signatures", kept)


def _fitting(form: Step | Action, rows: Iterable[Mapping[str, str]]) -> list[Mapping[str, str]]:
    mode, fitting = form.sign.get("mode", "one"), [row for row in rows if row["role"] in form.roles]
    if mode == "any":
        return fitting[: int(form.sign.get("count", 1)) - 1]
    of_roles = list({row["role"]: row for row in reversed(fitting)}.values())[::-1]
    return of_roles[: len(form.roles) - 1] if mode == "all" else []


def _clock_change(new: Compiled, case: Case, found: Iterable[Shift]) -> ClockChange:
    clocks, generations = dict(case.clocks), dict(case.fields.get("_generations", {}))
    timers = {timer.id: timer for timer in new.timers}
    started, ended = [], []
    for shift in found:
        if shift.before:
            ended.append(EndedDeadline(case.number, shift.kind, shift.before.generation, "cancelled"))
            del clocks[shift.kind]
        if shift.after:
            clocks[shift.kind] = shift.after
            generations[shift.kind] = shift.after.generation
            timer = timers[shift.kind]
            started.append(Deadline(case.number, shift.after, mode_of(timer, shift.after), timer.fires or None))
    return ClockChange(clocks, generations, tuple(started), tuple(ended))
