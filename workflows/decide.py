"""The one decision function ``apply`` and the question ``allowed_actions``, both from the same guards."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from workflows.clock import local_date, parse_utc, utc_text
from workflows.clocks import ClockChange, Turn, turn_clocks
from workflows.definition import Action, Effect, Step
from workflows.errors import (
    AlreadyOpen,
    BadValue,
    NotFound,
    Refused,
    Stale,
    UnknownAction,
    WrongState,
)
from workflows.guards import Context, ensure_standing, failed_conditions, signatures
from workflows.inputs import check_input, check_value, wanted_evidence, wanted_fields
from workflows.journal import GENESIS, Disclosure, canonical, commit, derive_salt, seal
from workflows.machine import NEW, REPEATED, Compiled
from workflows.model import (
    Actor,
    Case,
    Command,
    Deadline,
    Dossier,
    EndedDeadline,
    Message,
    Move,
    Office,
    Outcome,
)
from workflows.registry import Rules

SUPERIORS = {
    "grid": "village_cadre",
    "village": "township_leader",
    "township": "county_lead",
    "county": "county_lead",
}


@dataclass(frozen=True)
class Allowed:
    """One action as the person sees it: allowed, or the reason why not; with the form to fill in."""

    action: str
    form: Step | Action
    refusal: Refused | None
    office: Office | None
    targets: tuple[str, ...]
    fields: tuple[str, ...]
    evidence: tuple[str, ...]
    warnings: tuple[str, ...]

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
    _ensure_asked_by(context, actor)
    if isinstance(context.form, Action) and context.form.system:
        office, values = actor.offices[0], _due_period(context, command)
    else:
        office = ensure_standing(context)
        values = check_input(context, command)
    return _move(rules, context, command, office=office, values=values)


def context_for(rules: Rules, dossier: Dossier, command: Command, actor: Actor, now: datetime) -> Context:
    """Find the case, the machine it is pinned to and the form of the action."""
    case = dossier.by_number(command.case) if command.case else None
    if command.case and case is None:
        raise NotFound(case=command.case)
    compiled = rules.machine_of(case) if case else _machine_to_open(rules, dossier, command, now)
    form = compiled.step_of(command.action) or compiled.definition.actions.get(command.action)
    if form is None:
        raise UnknownAction(action=command.action)
    return Context(compiled, dossier, case, form, actor, now, rules.calendar)


def _machine_to_open(rules: Rules, dossier: Dossier, command: Command, now: datetime) -> Compiled:
    definition = rules.definitions.get(command.definition)
    if definition is None:
        raise BadValue(field="definition", value=command.definition[:60])
    if command.purpose and command.purpose not in definition.purposes:
        raise BadValue(field="purpose", value=command.purpose[:60])
    return rules.current(definition.id, dossier.subject.area, command.purpose, local_date(now))


def _ensure_asked_by(context: Context, actor: Actor) -> None:
    form = context.form
    if isinstance(form, Action) and (form.internal or (form.system and not actor.is_system)):
        raise UnknownAction(action=form.id)


def _due_period(context: Context, command: Command) -> dict[str, Any]:
    """A clock may act only on a period that runs, is due and was not noticed before."""
    timer, generation = command.data["timer"], command.data["generation"]
    clock = context.case.clocks.get(timer) if context.case else None
    lapsed = context.fields.get("_lapsed", {}).get(timer)
    acts = [t.fires or "lapse" for t in context.compiled.timers if t.id == timer]
    if clock is None or clock.generation != generation or lapsed == generation or command.action not in acts:
        raise WrongState(action=command.action, state=context.state)
    if parse_utc(clock.due) > context.now:
        raise WrongState(action=command.action, state=context.state)
    return {"timer": timer, "generation": generation, "due": clock.due}


class Draft:
    """The fields of a case while one entry is being made; notes each change and each personal value."""

    def __init__(self, context: Context, command: Command, number: str, seq: int) -> None:
        self.fields: dict[str, Any] = dict(context.fields)
        self.changes: dict[str, Any] = {}
        self.disclosures: list[Disclosure] = []
        self._seed, self._number, self._seq = command.salt_seed, number, seq

    def put(self, name: str, value: Any, *, personal: bool = False) -> None:
        """Set a field; a personal value is replaced by its commitment and disclosed apart."""
        if personal:
            value = self._committed(name, value if isinstance(value, str) else canonical(value))
        before = self.changes[name]["before"] if name in self.changes else self.fields.get(name)
        self.changes[name] = {"before": before, "after": value}
        self.fields[name] = value

    def _committed(self, name: str, text: str) -> dict[str, str]:
        salt = derive_salt(self._seed, self._number, self._seq, name)
        self.disclosures.append(Disclosure(self._number, self._seq, name, salt, text))
        return commit(salt, name, text)


def _move(rules: Rules, context: Context, command: Command, *, office: Office, values: Mapping[str, Any]) -> Outcome:
    number, seq = _place(context)
    draft = Draft(context, command, number, seq)
    completes = _completes(context, office)
    target = _target(context, command, completes=completes)
    if context.case is None:
        _record_subject(draft, context)
    _record_values(draft, context, values)
    _record_signature(draft, context, office, target=target, completes=completes)
    RECORDS[getattr(context.form, "records", "")](draft, context, values)
    _record_facts(draft, context)
    turn = _turn(context, number, office, target=target, values=values, draft=draft)
    change = turn_clocks(context, turn)
    if dict(change.generations) != draft.fields.get("_generations", {}):
        draft.put("_generations", dict(change.generations))
    first = _seal(context, command, draft, turn=turn, change=change)
    outcome = Outcome((first,), change.started, change.ended, tuple(_messages(context, first, turn, values)))
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
    if isinstance(context.form, Action) and context.form.target == "@came_from":
        return str(context.fields["_came_from"])
    return str(command.data.get("target", ""))


def _record_subject(draft: Draft, context: Context) -> None:
    subject = context.dossier.subject
    draft.put("area", subject.area)
    draft.put("household_kind", subject.household_kind)
    draft.put("head_name", subject.name, personal=True)


def _record_values(draft: Draft, context: Context, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        spec = context.compiled.fields.get(name)
        if spec and spec.type != "corrected_value":
            draft.put(name, value, personal=spec.personal)
            if spec.correctable:
                draft.put("_provenance", {**draft.fields.get("_provenance", {}), name: _place(context)[1]})


def _record_signature(draft: Draft, context: Context, office: Office, *, target: str, completes: bool) -> None:
    form = context.form
    gate = context.signed_gate
    if context.decides and gate:
        hands = {**draft.fields.get("_hands", {})}
        hands[gate] = sorted({*hands.get(gate, []), context.actor.person})
        if hands != draft.fields.get("_hands"):
            draft.put("_hands", hands)
    if form.sign.get("mode") in REPEATED and not completes:
        mine = {"person": context.actor.person, "id": context.actor.id, "role": office.role}
        given = {**draft.fields.get("_signatures", {}), form.id: [*signatures(context), mine]}
        draft.put("_signatures", given)
    elif draft.fields.get("_signatures") and (completes and target != context.state):
        draft.put("_signatures", {})
    _record_done(draft, context, target)


def _record_done(draft: Draft, context: Context, target: str) -> None:
    """Steps alongside are done until the case returns to an earlier gate."""
    form = context.form
    if isinstance(form, Step) and form.id in context.compiled.alongside:
        draft.put("_done", [*draft.fields.get("_done", []), form.id])
    elif isinstance(form, Action) and form.target == "@earlier_gate" and draft.fields.get("_done"):
        draft.put("_done", [])


def _record_facts(draft: Draft, context: Context) -> None:
    """Counters, dates and flags that a definition hangs on an action, and the warnings that the person overrode."""
    form = context.form
    if isinstance(form, Action):
        if form.counts:
            draft.put(form.counts, draft.fields.get(form.counts, 0) + 1)
        if form.dates:
            draft.put(form.dates, local_date(context.now).isoformat())
        for name, value in form.sets.items():
            draft.put(name, value)
    if any(spec["guard"] == "elimination_conditions" for spec in form.guards):
        if context.compiled.purpose == "eliminate":
            draft.put("warnings", [c.id for c in failed_conditions(context) if c.effect == "warn"])


def _record_recusal(draft: Draft, context: Context, values: Mapping[str, Any]) -> None:
    item = {"person": context.actor.person, "id": context.actor.id, "name": context.actor.name}
    draft.put("_recused", [*draft.fields.get("_recused", []), item])


def _record_correction(draft: Draft, context: Context, values: Mapping[str, Any]) -> None:
    """A correcting entry: the field's new value beside the old one, and the entry that had recorded it."""
    name = values["corrected_field"]
    spec = context.compiled.fields[name]
    value = check_value(spec, values["corrected_value"], context)
    draft.put("corrected_entry", draft.fields["_provenance"][name])
    draft.put(name, value, personal=spec.personal)


def _record_refusal(draft: Draft, context: Context, values: Mapping[str, Any]) -> None:
    """Who refused, and at which gate: an appeal goes to other hands, also when a clerical step was the place."""
    draft.put("_refused_by", {**draft.fields.get("_refused_by", {}), context.actor.person: context.gate})


def _record_helper(draft: Draft, context: Context, values: Mapping[str, Any]) -> None:
    person = values["helper"]["person"]
    draft.put("_helpers", sorted({*draft.fields.get("_helpers", []), person}))


def _record_measure(draft: Draft, context: Context, values: Mapping[str, Any]) -> None:
    options = {option.id: option for option in context.compiled.fields["measure_kind"].options}
    if options[values["measure_kind"]].developmental:
        draft.put("developmental_measures", draft.fields.get("developmental_measures", 0) + 1)


def _record_lapse(draft: Draft, context: Context, values: Mapping[str, Any]) -> None:
    lapsed = {"kind": values["timer"], "generation": values["generation"], "due": values["due"]}
    draft.put("lapsed", lapsed)
    draft.put("_lapsed", {**draft.fields.get("_lapsed", {}), values["timer"]: values["generation"]})


def _record_came_from(draft: Draft, context: Context, values: Mapping[str, Any]) -> None:
    draft.put("_came_from", "none" if context.state == NEW else context.state)


def _record_nothing(draft: Draft, context: Context, values: Mapping[str, Any]) -> None:
    """Most actions record no more than their form."""


RECORDS = {
    "": _record_nothing,
    "recusal": _record_recusal,
    "correction": _record_correction,
    "refusal": _record_refusal,
    "helper": _record_helper,
    "measure": _record_measure,
    "lapse": _record_lapse,
    "came_from": _record_came_from,
}


def _turn(
    context: Context,
    number: str,
    office: Office,
    *,
    target: str,
    values: Mapping[str, Any],
    draft: Draft,
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
    )


def _seal(context: Context, command: Command, draft: Draft, *, turn: Turn, change: ClockChange) -> Move:
    definition, pack = context.compiled.definition, context.compiled.pack
    subject = context.dossier.subject
    seq = _place(context)[1]
    body = {
        "county": subject.county,
        "case": turn.case,
        "seq": seq,
        "prev": context.case.head if context.case else GENESIS,
        "definition": f"{definition.id}:{definition.digest}",
        "policy": f"{pack.id}:{pack.digest}",
        "purpose": context.compiled.purpose,
        "subject": f"{subject.kind}:{subject.number}",
        "at": utc_text(context.now),
        "actor": _actor_body(context, turn.office),
        "behalf": context.actor.behalf,
        "action": turn.action,
        "gate": context.gate,
        "source": "" if turn.source == NEW else turn.source,
        "target": turn.target,
        "closed": context.compiled.is_closed(turn.target),
        "changes": draft.changes,
        "evidence": [item.as_json() for item in command.evidence],
        "clauses": _clauses(context, change),
        "deadlines": _deadlines_body(context, change),
        "command": command.key,
    }
    sealed = seal(body)
    case = Case(
        county=subject.county,
        number=turn.case,
        definition=definition.id,
        definition_digest=definition.digest,
        policy=pack.id,
        policy_digest=pack.digest,
        purpose=context.compiled.purpose,
        subject=f"{subject.kind}:{subject.number}",
        state=turn.target,
        seq=seq,
        head=sealed.hash,
        closed=context.compiled.is_closed(turn.target),
        fields=draft.fields,
        clocks=change.clocks,
        opened_at=context.case.opened_at if context.case else utc_text(context.now),
    )
    return Move(case, sealed, tuple(draft.disclosures))


def _actor_body(context: Context, office: Office) -> dict[str, str]:
    actor = context.actor
    return {
        "id": actor.id,
        "name": actor.name,
        "office": office.area,
        "person": actor.person,
        "role": office.role,
    }


def _clauses(context: Context, change: ClockChange) -> list[str]:
    compiled = context.compiled
    named = [d.clock.clause for d in change.started]
    if compiled.order and isinstance(context.form, Step):
        named.append(compiled.pack.sequence(compiled.definition.id, compiled.purpose).clause)
    for ended in change.ended:
        clock = context.case.clocks.get(ended.kind) if context.case else None
        named.append(clock.clause if clock else "")
    return sorted({clause for clause in named if clause})


def _deadlines_body(context: Context, change: ClockChange) -> dict[str, Any]:
    before = context.case.clocks if context.case else {}
    return {
        "started": [d.clock.as_json() for d in change.started],
        "ended": [
            {"kind": e.kind, "generation": e.generation, "due": before[e.kind].due, "how": e.how} for e in change.ended
        ],
    }


def _messages(context: Context, move: Move, turn: Turn, values: Mapping[str, Any]) -> Iterator[Message]:
    compiled, number = context.compiled, move.case.number
    waiting = compiled.waits_for(turn.target)
    if turn.target != turn.source and not move.case.closed and waiting:
        yield Message(number, "waiting", roles=waiting, params={"state": turn.target})
    if "substitute" in values:
        yield Message(number, "substitute", person=values["substitute"]["id"], params={"state": turn.target})
    if turn.action == "assign_helper" or turn.action == "change_helper":
        yield Message(number, "helper", person=values["helper"]["id"])
    if turn.action in ("lapse", "stabilise"):
        clock = context.case.clocks[values["timer"]] if context.case else None
        late = bool(clock and clock.bound == "max" and turn.action == "lapse")
        key = "overdue" if late else "period_ended"
        superiors = tuple(superior_of(role) for role in waiting) if late else ()
        params = {"timer": values["timer"], "due": values["due"]}
        yield Message(number, key, roles=tuple(dict.fromkeys((*waiting, *superiors))), params=params)


def superior_of(role: str) -> str:
    """Return the role that is told when this one is late (design: escalation to the next level)."""
    return SUPERIORS[Office(role, "0" * 12).level]


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
        else rules.current(effect.definition, dossier.subject.area, "", local_date(context.now))
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
    following = Context(compiled, dossier, related, form, context.actor, context.now, context.calendar)
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
    compiled = rules.machine_of(case)
    return [
        _allowed(Context(compiled, dossier, case, form, actor, now, rules.calendar))
        for form in _forms_at(compiled, case.state)
    ]


def _forms_at(compiled: Compiled, state: str) -> Iterator[Step | Action]:
    step = compiled.step_at(state)
    if step:
        yield step
    yield from (s for s in compiled.alongside.values() if compiled.targets(s.action, state))
    for action in compiled.definition.actions.values():
        if not action.internal and not action.system and compiled.targets(action.id, state):
            yield action


def _allowed(context: Context) -> Allowed:
    action = context.form.action if isinstance(context.form, Step) else context.form.id
    office, refusal = None, None
    try:
        office = ensure_standing(context)
    except Refused as reason:
        refusal = reason
    several = isinstance(context.form, Action) and context.form.target == "@earlier_gate"
    checked = any(spec["guard"] == "elimination_conditions" for spec in context.form.guards)
    warned = failed_conditions(context) if checked and context.compiled.purpose == "eliminate" else []
    return Allowed(
        action=action,
        form=context.form,
        refusal=refusal,
        office=office,
        targets=context.compiled.targets(action, context.state) if several else (),
        fields=wanted_fields(context),
        evidence=wanted_evidence(context),
        warnings=tuple(c.id for c in warned),
    )
