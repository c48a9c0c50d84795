"""The one decision function ``apply`` and the question ``allowed_actions``, both from the same guards."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from workflows.clock import local_date
from workflows.clocks import Turn, turn_clocks
from workflows.definition import CAME_FROM, Action, Effect, Step
from workflows.draft import (
    RECORDS,
    Draft,
    record_facts,
    record_income,
    record_signature,
    record_subject,
    record_values,
)
from workflows.entry import seal_move
from workflows.errors import (
    AlreadyOpen,
    BadValue,
    NotFound,
    Refused,
    Stale,
    UnknownAction,
    WrongState,
)
from workflows.guards import Context, ensure_standing, failed_conditions, signatures, weighs_conditions
from workflows.inputs import check_input, wanted_evidence, wanted_fields
from workflows.machine import NEW, REPEATED, Compiled
from workflows.messages import messages_of
from workflows.model import (
    Actor,
    Case,
    Command,
    Deadline,
    Dossier,
    EndedDeadline,
    Office,
    Outcome,
)
from workflows.pauses import act_of, ensure_any, periods_for
from workflows.periods import is_over
from workflows.registry import Rules


@dataclass(frozen=True)
class Allowed:
    """One action as the person sees it: allowed, or the reason why not; with the form to fill in.

    ``periods`` are the running periods that it may be done to, where it pauses, resumes or extends one.
    """

    action: str
    form: Step | Action
    refusal: Refused | None
    office: Office | None
    targets: tuple[str, ...]
    fields: tuple[str, ...]
    evidence: tuple[str, ...]
    warnings: tuple[str, ...]
    periods: tuple[str, ...] = ()

    @property
    def is_allowed(self) -> bool:
        """Tell whether the person may do it now."""
        return self.refusal is None


def apply(rules: Rules, dossier: Dossier, command: Command, actor: Actor, now: datetime) -> Outcome:
    """Decide one command: return all that it does, or raise a Refused; no clock is read and nothing is written."""
    context = context_for(rules, dossier, command, actor, now)
    case = context.case
    if case is not None and command.version is not None and command.version != case.seq:
        raise Stale(seen=command.version, present=case.seq)
    _ensure_asked_by(context, command)
    if isinstance(context.form, Action) and context.form.system:
        office, values = actor.offices[0], _due_period(context, command)
    else:
        office = _standing(context)
        context = replace(context, office=office)
        values = check_input(context, command)
    return _move(rules, context, command, office=office, values=values)


def _standing(context: Context) -> Office:
    office = ensure_standing(context)
    if act := act_of(context):
        ensure_any(context, act)
    return office


def context_for(rules: Rules, dossier: Dossier, command: Command, actor: Actor, now: datetime) -> Context:
    """Find the case, the machine it is pinned to and the form of the action."""
    case = dossier.by_number(command.case) if command.case else None
    if command.case and case is None:
        raise NotFound(case=command.case)
    compiled = rules.machine_of(case) if case else _machine_to_open(rules, dossier, command, now)
    form = compiled.step_of(command.action) or compiled.definition.actions.get(command.action)
    if form is None or command.action in compiled.omitted:
        raise UnknownAction(action=command.action)
    return Context(compiled, dossier, case, form, actor, now, rules.calendar_for(dossier.subject.county))


def _machine_to_open(rules: Rules, dossier: Dossier, command: Command, now: datetime) -> Compiled:
    definition = rules.definitions.get(command.definition)
    if definition is None:
        raise BadValue(field="definition", value=command.definition[:60])
    if command.purpose and command.purpose not in definition.purposes:
        raise BadValue(field="purpose", value=command.purpose[:60])
    return rules.current(definition.id, dossier.subject.area, command.purpose, local_date(now))


def _ensure_asked_by(context: Context, command: Command) -> None:
    form = context.form
    if not isinstance(form, Action):
        return
    if form.internal or (form.system and not context.actor.is_system) or (form.opening and not command.is_opening):
        raise UnknownAction(action=form.id)


def _due_period(context: Context, command: Command) -> dict[str, Any]:
    """A clock may act only on a period that runs, is due and was not noticed before."""
    timer, generation = command.data["timer"], command.data["generation"]
    clock = context.case.clocks.get(timer) if context.case else None
    lapsed = context.fields.get("_lapsed", {}).get(timer)
    acts = [t.fires or "lapse" for t in context.compiled.timers if t.id == timer]
    if clock is None or clock.generation != generation or lapsed == generation or command.action not in acts:
        raise WrongState(action=command.action, state=context.state)
    if not is_over(clock, context.now):
        raise WrongState(action=command.action, state=context.state)
    return {"timer": timer, "generation": generation, "due": clock.due}


def _move(rules: Rules, context: Context, command: Command, *, office: Office, values: Mapping[str, Any]) -> Outcome:
    number, seq = _place(context)
    draft = Draft(context, command, number, seq)
    completes = _completes(context, office)
    target = _target(context, command, completes=completes)
    if context.case is None:
        record_subject(draft, context)
    record_values(draft, context, values)
    record_income(draft, context, values)
    record_signature(draft, context, office, target=target, completes=completes)
    RECORDS[getattr(context.form, "records", "")](draft, context, values)
    record_facts(draft, context)
    turn = _turn(context, number, office, target=target, values=values, draft=draft, completes=completes)
    change = turn_clocks(context, turn)
    if dict(change.generations) != draft.fields.get("_generations", {}):
        draft.put("_generations", dict(change.generations))
    if list(change.held) != draft.fields.get("_held", []):
        draft.put("_held", list(change.held))
    first = seal_move(context, command, draft, turn=turn, change=change)
    outcome = Outcome((first,), change.started, change.ended, tuple(messages_of(context, first, turn, values)))
    return _with_effects(rules, context, command, outcome, office=office)


def _place(context: Context) -> tuple[str, int]:
    """Return number and sequence of the entry to make; a new case is numbered after its subject."""
    if context.case:
        return context.case.number, context.case.seq + 1
    definition = context.compiled.definition
    if definition.one_open and context.dossier.open_case(definition.id):
        raise AlreadyOpen(definition=definition.id)
    earlier = sum(1 for c in context.dossier.cases if c.definition == definition.id)
    return f"{context.dossier.subject.number}-{definition.code}{earlier + 1}", 1


def _completes(context: Context, office: Office) -> bool:
    mode = context.form.sign.get("mode", "one")
    given = signatures(context)
    if mode == "any":
        return len(given) + 1 >= int(context.form.sign.get("count", 1))
    if mode == "all":
        return {*(s["role"] for s in given), office.role} >= set(context.form.roles)
    return True


def _target(context: Context, command: Command, *, completes: bool) -> str:
    action = context.form.action if isinstance(context.form, Step) else context.form.id
    if not completes:
        return context.compiled.fire(action, context.state, context.state)
    targets = list(context.compiled.targets(action, context.state))
    if context.form.sign.get("mode") in REPEATED and len(targets) > 1:
        targets.remove(context.state)
    asked = command.data.get("target") or (targets[0] if len(targets) == 1 else None)
    chosen = targets[0] if [asked] == targets else _chosen(context, command)
    if chosen not in targets:
        if not targets:
            raise WrongState(action=action, state=context.state)
        raise BadValue(field="target", value=str(chosen))
    return context.compiled.fire(action, context.state, chosen)


def _chosen(context: Context, command: Command) -> str:
    if isinstance(context.form, Action) and context.form.target.startswith(CAME_FROM):
        return str(context.fields.get("_came_from") or context.form.target.removeprefix(CAME_FROM))
    return str(command.data.get("target", ""))


def _turn(
    context: Context,
    number: str,
    office: Office,
    *,
    target: str,
    values: Mapping[str, Any],
    draft: Draft,
    completes: bool,
) -> Turn:
    form = context.form
    return Turn(
        action=form.action if isinstance(form, Step) else form.id,
        source=context.state,
        target=target,
        closes=context.compiled.is_closed(target) and target != context.state,
        case=number,
        office=office,
        values=values,
        fields=draft.fields,
        completes=completes,
    )


def _with_effects(rules: Rules, context: Context, command: Command, outcome: Outcome, *, office: Office) -> Outcome:
    """Carry out what the move does to the subject's other cases, in the same command."""
    first = outcome.moves[0]
    if first.case.state == context.state and isinstance(context.form, Step):
        return outcome
    dossier = context.dossier.with_case(first.case)
    action = context.form.action if isinstance(context.form, Step) else context.form.id
    for effect in context.compiled.definition.effects:
        if action in effect.on and context.compiled.purpose in (effect.purposes or (context.compiled.purpose,)):
            follow = _follow(rules, replace(context, dossier=dossier), command, effect, office=office)
            if follow is None:
                continue
            dossier = _updated(dossier, follow)
            outcome = _joined(outcome, follow)
    return outcome


def _follow(rules: Rules, context: Context, command: Command, effect: Effect, *, office: Office) -> Outcome | None:
    dossier = context.dossier
    related = dossier.open_case(effect.definition)
    compiled = (
        rules.machine_of(related)
        if related
        else rules.current(effect.definition, dossier.subject.area, "", context.today)
    )
    state = related.state if related else NEW
    action = next((a for a in effect.action if compiled.targets(a, state)), None)
    if action is None:
        if effect.optional:
            return None
        raise WrongState(action=effect.action[0], state=f"{effect.definition}.{state}")
    inner = replace(command, action=action, definition=effect.definition, case=related.number if related else None,
                    data={}, evidence=(), version=None)  # fmt: skip
    form = compiled.definition.actions[action]
    following = Context(compiled, dossier, related, form, context.actor, context.now, context.calendar, office)
    return _move(rules, following, inner, office=office, values={})


def _updated(dossier: Dossier, outcome: Outcome) -> Dossier:
    for move in outcome.moves:
        dossier = dossier.with_case(move.case)
    return dossier


def _joined(first: Outcome, second: Outcome) -> Outcome:
    started: tuple[Deadline, ...] = (*first.started, *second.started)
    ended: tuple[EndedDeadline, ...] = (*first.ended, *second.ended)
    return Outcome((*first.moves, *second.moves), started, ended, (*first.messages, *second.messages))


def allowed_actions(rules: Rules, dossier: Dossier, case: Case, actor: Actor, now: datetime) -> list[Allowed]:
    """Return every action that starts from the present state: allowed, or the reason why not (standing only)."""
    compiled, calendar = rules.machine_of(case), rules.calendar_for(dossier.subject.county)
    return [
        _allowed(Context(compiled, dossier, case, form, actor, now, calendar))
        for form in _forms_at(compiled, case.state)
    ]


def _forms_at(compiled: Compiled, state: str) -> Iterator[Step | Action]:
    step = compiled.step_at(state)
    if step:
        yield step
    yield from (s for s in compiled.alongside.values() if compiled.targets(s.action, state))
    for action in compiled.definition.actions.values():
        if not action.internal and not action.system and not action.opening and compiled.targets(action.id, state):
            yield action


def _allowed(context: Context) -> Allowed:
    action = context.form.action if isinstance(context.form, Step) else context.form.id
    office, refusal = None, None
    try:
        office = _standing(context)
    except Refused as reason:
        refusal = reason
    several = isinstance(context.form, Action) and context.form.target == "@earlier_gate"
    warned = failed_conditions(context) if weighs_conditions(context) else []
    return Allowed(
        action=action,
        form=context.form,
        refusal=refusal,
        office=office,
        targets=context.compiled.targets(action, context.state) if several else (),
        fields=wanted_fields(context),
        evidence=wanted_evidence(context),
        warnings=tuple(c.id for c in warned),
        periods=periods_for(context, act) if (act := act_of(context)) else (),
    )
