"""What stands in a pack and a definition besides the machine: labels, clauses, and who reads a rule."""

from collections.abc import Callable, Iterator, Mapping

from workflows.definition import Action, Definition, Label, Step
from workflows.guards import WEIGHING
from workflows.income import MEMBERS
from workflows.income import PARAMETERS as INCOME
from workflows.model import ROLE_LEVELS
from workflows.pauses import ACTS
from workflows.policy import Pack, named_rules
from workflows.prove.findings import Finding
from workflows.terms import load_terms

Definitions = Mapping[str, Definition]
Form = Step | Action


def _forms(definitions: Definitions, pack: Pack | None = None) -> list[Form]:
    """All forms of some definitions, and the steps that a pack adds."""
    found: list[Form] = [*pack.steps.values()] if pack else []
    for definition in definitions.values():
        found += [*definition.steps.values(), *definition.actions.values()]
    return found


def check_texts(pack: Pack, definitions: Definitions) -> Iterator[Finding]:
    """Missing labels, clauses without a place, and rules that nothing reads."""
    for definition in definitions.values():
        yield from _labels(definition)
        yield from _effects(definition, definitions)
    yield from _pack_labels(pack)
    yield from _clauses(pack)
    yield from _unread(pack, definitions)


def _term(definition: str, kind: str, name: str) -> Finding:
    return Finding("term_missing", definition, key=(kind, name), params={"kind": kind, "id": name})


def _is_told(label: Label) -> bool:
    return bool(label.get("zh", "").strip() and label.get("en", "").strip())


def _labels(definition: Definition) -> Iterator[Finding]:
    labels: list[tuple[str, str, Label]] = [("definition", definition.id, definition.label)]
    labels += [("purpose", name, label) for name, label in definition.purposes.items()]
    labels += [("gate", gate.id, gate.label) for gate in definition.gates.values()]
    labels += [("state", step.state, step.state_label) for step in definition.steps.values()]
    labels += [("state", state.id, state.label) for state in definition.states.values()]
    labels += [("timer", timer.id, timer.label) for timer in definition.timers.values()]
    labels += [("evidence", kind, label) for kind, label in definition.evidence.items()]
    labels += [
        ("option", f"{f.id}.{o.id}", {"zh": o.zh, "en": o.en}) for f in definition.fields.values() for o in f.options
    ]
    yield from (_term(definition.id, kind, name) for kind, name, label in labels if not _is_told(label))
    roles = {role for form in _forms({definition.id: definition}) for role in form.roles}
    roles |= {role for state in definition.states.values() for role in state.roles}
    for role in sorted(roles):
        if role not in ROLE_LEVELS or f"role.{role}" not in load_terms():
            yield _term(definition.id, "role", role)


def _pack_labels(pack: Pack) -> Iterator[Finding]:
    for field in pack.fields.values():
        for option in field.options:
            if not _is_told({"zh": option.zh, "en": option.en}):
                yield _term("", "option", f"{field.id}.{option.id}")
    for source in pack.sources.values():
        if not source.title.strip():
            yield _term("", "source", source.id)
    for key, variants in pack.terms.items():
        for variant in variants:
            if not all(text.strip() for text in variant.labels.values()):
                yield _term("", "term", key)


def _clauses(pack: Pack) -> Iterator[Finding]:
    """A rule names its source and the place in it, or says openly that it is our own."""
    for named, rule in named_rules(pack):
        kind, _, name = named.partition(" ")
        if not rule.own and len(rule.clause.split()) < 2:
            yield Finding("clause_missing", key=(kind, name), params={"id": name, "clause": rule.clause})


def _effects(definition: Definition, definitions: Definitions) -> Iterator[Finding]:
    """An effect names acts that exist, on both sides."""
    for effect in definition.effects:
        other = definitions.get(effect.definition)
        known = other.actions if other else {}
        wrong = [name for name in effect.action if name not in known]
        wrong += [name for name in effect.on if name not in definition.actions
                  and name not in {s.action for s in definition.steps.values()}]  # fmt: skip
        for name in wrong:
            params = {"action": f"{effect.definition}.{name}" if name in effect.action else f"{definition.id}.{name}"}
            yield Finding("effect_broken", definition.id, key=("effect", name), params=params)


# Which rules of a definition or pack look at a parameter. A parameter that is not here is read by nothing.
def _votes(pack: Pack, definitions: Definitions) -> bool:
    return any(form.sign.get("mode") == "vote" for form in _forms(definitions, pack))


def _gates(pack: Pack, definitions: Definitions) -> bool:
    return any(d.gates for d in definitions.values())


def _visits(pack: Pack, definitions: Definitions) -> bool:
    timers = [f"{d.id}.{t.id}" for d in definitions.values() for t in d.timers.values() if t.fulfilled_by]
    return any(limit.timer in timers for limit in pack.limits)


def _limits(pack: Pack, definitions: Definitions) -> bool:
    return bool(pack.limits)


def _pauses(pack: Pack, definitions: Definitions) -> bool:
    return any(getattr(form, "records", "") in ACTS for form in _forms(definitions))


def _held(pack: Pack, definitions: Definitions) -> bool:
    return any(state.pauses == "objection_pauses" for d in definitions.values() for state in d.states.values())


def _maxima(pack: Pack, definitions: Definitions) -> bool:
    return any(limit.bound == "max" for limit in pack.limits)


def _line(pack: Pack, definitions: Definitions) -> bool:
    compared = any(c.test in ("income_above_line", "income_inside_line") for c in pack.conditions)
    return _sheet(pack, definitions) or (bool(_purposes_asked(definitions, pack)) and compared)


def _sheet(pack: Pack, definitions: Definitions) -> bool:
    """The step that asks how many people share the income has the system count it."""
    return any(MEMBERS in names for names in pack.asks.values())


READERS: Mapping[str, Callable[[Pack, Definitions], bool]] = {
    "review_present": _votes,
    "review_passes": _votes,
    "helper_steps_aside": _gates,
    "visit_modes": _visits,
    "visit_roles": _visits,
    "ladder": _maxima,
    "office_hours": _maxima,
    "nudge_days": _gates,
    "document_marks": _gates,
    "urging_days": _maxima,
    "urging_mark": _maxima,
    "income_line": _line,
    "income_line_included": _line,
    "count_start_day": _limits,
    "last_day_on_rest": _limits,
    **dict.fromkeys(("pause_by", "extend_by", "most_extensions", "extension_percent", "pause_mark_days"), _pauses),
    "objection_pauses": _held,
    **dict.fromkeys(INCOME, _sheet),
}


def _purposes_asked(definitions: Definitions, pack: Pack) -> set[str]:
    """The purposes for which some form looks at the pack's conditions."""
    everything = {name for definition in definitions.values() for name in definition.purposes}
    guards = [spec for form in _forms(definitions, pack) for spec in form.guards if spec["guard"] in WEIGHING]
    return {str(name) for spec in guards for name in spec.get("purposes", everything)}


FED = ("fields_true", "fields_positive", "any_positive")


def _unread(pack: Pack, definitions: Definitions) -> Iterator[Finding]:
    for name in dict.fromkeys(row.id for row in pack.parameters):
        reader = READERS.get(name)
        if reader is None or not reader(pack, definitions):
            yield Finding("parameter_unread", key=("parameter", name), params={"id": name})
    asked = _purposes_asked(definitions, pack)
    unread = next((row for row in pack.conditions if not asked & set(row.purposes)), None)
    if unread:
        yield Finding("condition_unread", key=("condition", unread.id), params={"id": unread.id})
    recorded = {name for form in _forms(definitions, pack) for name in form.fields}
    recorded = recorded.union(*pack.asks.values())
    for row in pack.conditions:
        for name in row.needs.get("fields", ()) if row.test in FED else ():
            if name not in recorded:
                yield Finding("condition_unfed", key=("condition", row.id), params={"id": row.id, "field": name})
