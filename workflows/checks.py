"""Checks of packs and definitions against each other: what a file names must exist, before any case relies on it."""

import re
from collections.abc import Callable, Collection, Mapping
from fractions import Fraction
from typing import Any

from workflows.clock import parse_duration
from workflows.definition import Action, Definition, Field, Step
from workflows.guards import CONDITIONS, GUARDS
from workflows.model import ROLE_LEVELS
from workflows.policy import Condition, Pack, Parameter
from workflows.tables import BadTable, ensure_label

Definitions = Mapping[str, Definition]
GUARD_KEYS: Mapping[str, set[str]] = {
    "minimum_elapsed": {"timer"},
    "still_running": {"timer"},
    "status_in": {"states"},
    "once": {"field"},
    "nothing_open": {"definition"},
}
SIGN_KEYS = {"mode", "result", "count"}
RESULTS = ("passes", "fails")
VOTES = {"votes_due", "votes_present", "votes_for", "votes_against", "votes_abstain"}


def ensure(true: object, where: str, reason: str) -> None:
    """Raise BadTable with place and reason unless something is true."""
    if not true:
        raise BadTable(f"{where}: {reason}")


def ensure_known(name: object, known: Collection[Any], where: str, what: str) -> None:
    """Raise BadTable unless a name is among the known ones."""
    if name not in known:
        names = ", ".join(sorted(map(str, known)))
        raise BadTable(f"{where}: {what} {name!r} is not known; known are {names}")


def check_definition(definition: Definition) -> None:
    """Check the forms of a definition; raise BadTable for the first mistake."""
    forms: tuple[Step | Action, ...] = (*definition.steps.values(), *definition.actions.values())
    for form in forms:
        check_form(form, definition, f"{definition.id}, {form.id}")
    for field in definition.fields.values():
        check_field(field, definition.purposes, definition.id)


def check_form(form: Step | Action, definition: Definition, where: str) -> None:
    """Roles, signatures, guards and optional fields of a step or action."""
    for role in form.roles:
        ensure_known(role, ROLE_LEVELS, where, "role")
    for name in form.optional:
        ensure(name in form.fields, where, f"optional field {name!r} is not among its fields")
    mode, count = form.sign.get("mode", "one"), form.sign.get("count", 1)
    ensure(form.sign.keys() <= SIGN_KEYS, where, f"sign knows {', '.join(sorted(SIGN_KEYS))}")
    ensure(type(count) is int and count >= 1, where, f"sign count {count!r} must be 1 or more")
    ensure(form.sign.get("result", "passes") in RESULTS, where, "sign result must be passes or fails")
    ensure(mode == "vote" or "result" not in form.sign, where, "only a vote has a result")
    ensure(mode != "any" or "count" in form.sign, where, "sign mode any needs a count")
    ensure(mode != "vote" or set(form.fields) >= VOTES, where, f"a vote needs {sorted(VOTES)}")
    for spec in form.guards:
        _check_guard(spec, definition, where)


def _check_guard(spec: Mapping[str, Any], definition: Definition, where: str) -> None:
    name = spec.get("guard")
    ensure_known(name, GUARDS, where, "guard")
    wanted = GUARD_KEYS.get(str(name), set())
    keys = spec.keys() - {"guard", "purposes"}
    ensure(keys == wanted, where, f"guard {name} needs {sorted(wanted)}, not {sorted(keys)}")
    if "timer" in spec:
        ensure_known(spec["timer"], definition.timers, where, "timer")
    for purpose in spec.get("purposes", ()):
        ensure_known(purpose, definition.purposes, where, "purpose")


def check_field(field: Field, purposes: Collection[str], where: str) -> None:
    """A choice needs something to choose from, and a purpose must be known."""
    if field.type in ("choice", "choices"):
        ensure(field.options, f"{where}, field {field.id}", "a choice needs options")
    for purpose in field.purposes:
        ensure_known(purpose, purposes, f"{where}, field {field.id}", "purpose")


def check_pack(pack: Pack, definitions: Definitions) -> None:
    """Check that everything a pack names exists; raise BadTable with place and reason for the first mistake."""
    where = f"pack {pack.id}"
    ensure(re.fullmatch(r"([0-9]{6}|[0-9]{9}|[0-9]{12})?", pack.area), where,
           f"area {pack.area!r} must be a code of 6, 9 or 12 digits, or empty")  # fmt: skip
    for check in (_check_sequences, _check_limits, _check_parameters, _check_conditions, _check_parts):
        check(pack, definitions, where)
    for step in pack.steps.values():
        _check_step(step, pack, definitions, f"{where}, step {step.id}")


def _check_sequences(pack: Pack, definitions: Definitions, where: str) -> None:
    for order in pack.sequences:
        ensure_known(order.definition, definitions, f"{where}, sequence", "definition")
        for purpose in order.purposes:
            known = definitions[order.definition].purposes
            ensure_known(purpose, known, f"{where}, sequence", "purpose")
        source = order.clause.split(" ")[0]
        ensure(not source or source in pack.sources, f"{where}, sequence",
               f"clause {order.clause!r} names no source")  # fmt: skip


def _check_limits(pack: Pack, definitions: Definitions, where: str) -> None:
    timers = {f"{d.id}.{t}" for d in definitions.values() for t in d.timers}
    for limit in pack.limits:
        ensure_known(limit.timer, timers, f"{where}, limit", "timer")
    for timer in sorted(_minimums(pack, definitions)):
        rows = [x for x in pack.limits if x.timer == timer]
        ensure(all(x.bound == "min" for x in rows), f"{where}, limit {timer}", "bound must be min")
        days = {pack.effective, *(x.ends for x in rows if pack.effective < x.ends)}
        open_days = [day for day in days if day.year < 9999 and not pack.limit(timer, day)]
        ensure(not open_days, f"{where}, limit {timer}", f"no minimum is set on {open_days}")


def _minimums(pack: Pack, definitions: Definitions) -> set[str]:
    """The timers that a guard needs as a minimum; without a limit the guard would let everything pass."""
    return {
        f"{definition.id}.{spec['timer']}"
        for definition in definitions.values()
        for form in (*definition.steps.values(), *pack.steps.values())
        for spec in form.guards
        if spec.get("guard") == "minimum_elapsed" and spec.get("timer") in definition.timers
    }


def _is_share(value: object) -> bool:
    try:
        return isinstance(value, str) and 0 < Fraction(value) <= 1
    except (ValueError, ZeroDivisionError):
        return False


def _check_parameters(pack: Pack, definitions: Definitions, where: str) -> None:
    steps = {name for d in definitions.values() for name in (*d.steps, *d.gates)} | set(pack.steps)
    modes = definitions["assist"].fields["visit_mode"].option_ids if "assist" in definitions else ()
    kinds: Mapping[str, tuple[Callable[[Any], bool], str]] = {
        "review_present": (_is_share, 'a share such as "2/3"'),
        "review_passes": (_is_share, 'a share such as "1/2"'),
        "helper_steps_aside": (lambda v: _is_list_of(v, steps), "a list of steps"),
        "visit_modes": (lambda v: _is_list_of(v, modes), "a list of modes of visit"),
        "visit_roles": (lambda v: _is_list_of(v, ROLE_LEVELS), "a list of roles"),
        "income_line": (lambda v: type(v) is int and v >= 0, "an amount in fen"),
    }
    for row in pack.parameters:
        _check_parameter(row, kinds, f"{where}, parameter {row.id}")
    for name in kinds:
        found = any(p.id == name and p.begins <= pack.effective < p.ends for p in pack.parameters)
        ensure(found, where, f"parameter {name!r} is not set on {pack.effective}")


def _check_parameter(row: Parameter, kinds: Mapping[str, tuple[Callable[[Any], bool], str]], where: str) -> None:
    ensure_known(row.id, kinds, where, "parameter")
    fits, wanted = kinds[row.id]
    ensure(fits(row.value), where, f"value {row.value!r} must be {wanted}")


def _is_list_of(value: object, known: Collection[str]) -> bool:
    return isinstance(value, list | tuple) and all(item in known for item in value)


def _check_conditions(pack: Pack, definitions: Definitions, where: str) -> None:
    fields = set(pack.fields).union(*(d.fields for d in definitions.values()))
    for row in pack.conditions:
        place = f"{where}, condition {row.id}"
        ensure_known(row.test, CONDITIONS, place, "test")
        ensure_label(row.label, place)
        _check_needs(row, definitions, fields, place)


def _check_needs(row: Condition, definitions: Definitions, fields: set[str], where: str) -> None:
    needs = row.needs
    if row.test == "included_for":
        try:
            parse_duration(needs)
        except ValueError as error:
            raise BadTable(f"{where}: {error}") from error
    elif row.test == "counted":
        ensure(needs.keys() == {"definition", "field", "least"}, where, "needs definition, field, least")
        ensure_known(needs["definition"], definitions, where, "definition")
        ensure(type(needs["least"]) is int, where, "least must be a whole number")
    elif row.test == "fields_true":
        ensure(needs.keys() == {"fields"} and needs["fields"], where, "needs fields")
        for name in needs["fields"]:
            ensure_known(name, fields, where, "field")
    else:
        ensure(not needs, where, f"test {row.test} needs nothing")


def _check_parts(pack: Pack, definitions: Definitions, where: str) -> None:
    for kind, label in pack.evidence.items():
        ensure_label(label, f"{where}, evidence {kind}")
    purposes = {name for d in definitions.values() for name in d.purposes}
    for name, field in pack.fields.items():
        check_field(field, purposes, where)
        taken = [d.id for d in definitions.values() if name in d.fields]
        ensure(not taken, where, f"field {name!r} stands in definition {taken} already")
    steps = {name for d in definitions.values() for name in d.steps} | set(pack.steps)
    for name in pack.requirements:
        ensure_known(name, steps, f"{where}, requirements", "step")


def _check_step(step: Step, pack: Pack, definitions: Definitions, where: str) -> None:
    home = next((d for d in definitions.values() if step.gate in d.gates), None)
    if home is None:
        raise BadTable(f"{where}: gate {step.gate!r} is not defined")
    check_form(step, home, where)
    ensure(step.roles, where, "roles are missing")
    ensure_label(step.state_label, where)
    if step.timer:
        ensure_known(step.timer, home.timers, where, "timer")
    library = {**home.steps, **pack.steps}
    for name in (*step.after, *step.before):
        ensure_known(name, library, where, "step")
    others = [s for s in library.values() if s.id != step.id]
    states = {*home.states, *(s.state for s in others)}
    actions = {*home.actions, *(s.action for s in others)}
    ensure(step.state not in states, where, f"state {step.state!r} stands elsewhere already")
    ensure(step.action not in actions, where, f"action {step.action!r} stands elsewhere already")
