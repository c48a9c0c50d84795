"""Checks of packs and definitions against each other: what a file names must exist, before any case relies on it."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date
from fractions import Fraction
from itertools import combinations
from typing import Any

from workflows.clock import Recurring, parse_duration
from workflows.definition import Action, Definition, Field, Option, Step
from workflows.document_numbers import is_marks
from workflows.duties import Duty, Target
from workflows.duty_checks import check_duty_row
from workflows.guards import CONDITIONS, GUARDS
from workflows.income import BASES, COUNTED, PARAMETERS, is_window, sheet_fields
from workflows.ladder import DEFAULT_LADDER, is_ladder
from workflows.limits import Facts, Limit, clashes, since
from workflows.model import HOUSEHOLD_KINDS, ROLE_LEVELS
from workflows.policy import Aside, Condition, Omission, Pack, Parameter, Signature, StepOrder, ensure_clauses
from workflows.tables import BadTable, Mistakes, ensure_label
from workflows.wordings import check_terms
from workflows.worktime import is_office_hours

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
REST_DAYS = ("moves", "stays")
# Offices of township or county that answer for no decision: they neither pause nor extend.
NO_LEADERS = ("helper", "auditor", "admin", "system", "sector_dept")
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
    if field.section:
        ensure_label(field.section, f"{where}, field {field.id}, section")
    if field.type in ("choice", "choices"):
        ensure(field.options, f"{where}, field {field.id}", "a choice needs options")
    for purpose in field.purposes:
        ensure_known(purpose, purposes, f"{where}, field {field.id}", "purpose")


def check_pack(pack: Pack, definitions: Definitions) -> None:
    """Check that everything a pack names exists; raise BadTable with place and reason of every mistake, one a line."""
    where = f"pack {pack.id}"
    found = Mistakes()
    with found.noting():
        ensure(re.fullmatch(r"([0-9]{6}|[0-9]{9}|[0-9]{12})?", pack.area), where,
               f"area {pack.area!r} must be a code of 6, 9 or 12 digits, or empty")  # fmt: skip
    for rows, check in _row_checks(pack):
        for row in rows:
            with found.noting():
                check(row, pack, definitions, where)
    with found.noting():
        ensure_clauses(pack)
    for whole in (
        _check_minimums, _check_clashes, _check_parameters_set, _check_income, _check_evidence, check_terms
    ):  # fmt: skip
        with found.noting():
            whole(pack, definitions, where)
    found.ensure_none()


RowCheck = Callable[[Any, Pack, Definitions, str], None]


def _row_checks(pack: Pack) -> Iterator[tuple[Iterable[Any], RowCheck]]:
    """The parts of a pack, each with the check of one of its rows."""
    yield pack.sequences, _check_sequence
    yield pack.limits, _check_limit
    yield pack.parameters, _check_parameter
    yield pack.conditions, _check_condition
    yield pack.fields.values(), _check_added_field
    yield pack.requirements, _check_requirement
    yield pack.options.items(), _check_options
    yield pack.asks.items(), _check_asks
    yield pack.signatures, _check_signature
    yield pack.omitted, _check_omission
    yield pack.aside, _check_aside
    yield pack.duties, check_duty_row
    yield pack.steps.values(), _check_step


def _check_sequence(order: StepOrder, pack: Pack, definitions: Definitions, where: str) -> None:
    where = f"{where}, sequence"
    ensure_known(order.definition, definitions, where, "definition")
    for purpose in order.purposes:
        ensure_known(purpose, definitions[order.definition].purposes, where, "purpose")
    source = order.clause.split(" ")[0]
    ensure(not source or source in pack.sources, where, f"clause {order.clause!r} names no source")
    for step in order.own:
        ensure_known(step, (*order.steps, *order.alongside), f"{where}, own", "step")


def _check_limit(limit: Limit, pack: Pack, definitions: Definitions, where: str) -> None:
    where = f"{where}, limit {limit.timer}"
    timers = {f"{d.id}.{t}": t for d in definitions.values() for t in d.timers}
    ensure_known(limit.timer, timers, where, "timer")
    home = definitions[limit.timer.partition(".")[0]]
    known: Mapping[str, Collection[str]] = {
        "purposes": home.purposes,
        "kinds": HOUSEHOLD_KINDS,
        "statuses": definitions["monitor_status"].states if "monitor_status" in definitions else (),
        "sources": _options(pack, definitions, "household_case", "clue_source"),
        "roles": ROLE_LEVELS,
        "modes": _options(pack, definitions, "assist", "visit_mode"),
    }
    for key, names in known.items():
        for name in getattr(limit, key):
            ensure_known(name, names, f"{where}, {key}", key)
    is_duty = bool(home.timers[timers[limit.timer]].fulfilled_by)
    ensure(is_duty or not (limit.roles or limit.modes), where, "only a duty of each period has roles and modes")
    ensure(is_duty == isinstance(limit.duration, Recurring), where,
           f"unit must {'' if is_duty else 'not '}be recurring")  # fmt: skip
    is_whole = not (isinstance(limit.duration, Recurring) and limit.duration.by_day)
    ensure(is_whole, where, "by_day is for duties only: a timer ends with its period")


def _options(pack: Pack, definitions: Definitions, definition: str, field: str) -> tuple[str, ...]:
    """The values of a choice, those that the pack adds with them."""
    home = definitions.get(definition)
    own = home.fields[field].option_ids if home and field in home.fields else ()
    return (*own, *(option.id for option in pack.options.get(field, ())))


def _check_clashes(pack: Pack, definitions: Definitions, where: str) -> None:
    """Of the rows of one timer, parameter, duty or target it must be plain which one counts."""
    found = Mistakes()
    for timer in dict.fromkeys(limit.timer for limit in pack.limits):
        for reason in clashes(pack.limits_of(timer)):
            found.note(f"{where}, limit {timer}: {reason}")
    dated: Mapping[str, Iterable[Parameter | Duty | Target]] = {
        "parameter": pack.parameters, "duty": pack.duties, "target": pack.targets,
    }  # fmt: skip
    for kind, rows in dated.items():
        for one, other in combinations(sorted(rows, key=lambda row: row.begins), 2):
            if one.id == other.id and (one.begins == other.begins or other.begins < one.ends != date.max):
                found.note(f"{where}, {kind} {one.id}: two rows hold {since(other.begins)}")
    found.ensure_none()


def _check_minimums(pack: Pack, definitions: Definitions, where: str) -> None:
    for timer in sorted(_minimums(pack, definitions)):
        rows = pack.limits_of(timer)
        ensure(all(x.bound == "min" for x in rows), f"{where}, limit {timer}", "bound must be min")
        days = {pack.effective, *(x.ends for x in rows if pack.effective < x.ends)}
        for purpose in definitions[timer.partition(".")[0]].purposes:
            known = Facts(purpose=purpose)
            open_days = [str(day) for day in days if day.year < 9999 and not pack.limit(timer, day, known)]
            ensure(not open_days, f"{where}, limit {timer}", f"no minimum is set for {purpose} on {open_days}")


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


Kinds = Mapping[str, tuple[Callable[[Any], bool], str]]


def _parameter_kinds(pack: Pack, definitions: Definitions) -> Kinds:
    steps = {name for d in definitions.values() for name in (*d.steps, *d.gates)} | set(pack.steps)
    modes = _options(pack, definitions, "assist", "visit_mode")
    return {
        "review_present": (_is_share, 'a share such as "2/3"'),
        "review_passes": (_is_share, 'a share such as "1/2"'),
        "helper_steps_aside": (lambda v: _is_list_of(v, steps), "a list of steps"),
        "visit_modes": (lambda v: _is_list_of(v, modes), "a list of modes of visit"),
        "visit_roles": (lambda v: _is_list_of(v, ROLE_LEVELS), "a list of roles"),
        "income_line": (lambda v: type(v) is int and v >= 0, "an amount in fen"),
        "income_line_included": (lambda v: isinstance(v, bool), "true or false"),
        **_counting_kinds(definitions),
        "nudge_days": (lambda v: type(v) is int and 1 <= v <= 30, "a number of days from 1 to 30"),
        "urging_days": (lambda v: type(v) is int and 1 <= v <= 60, "a number of working days from 1 to 60"),
        "urging_mark": (lambda v: isinstance(v, str) and 1 <= len(v) <= 20, "a text of at most 20 characters"),
        "document_marks": (is_marks, 'a list of offices with their marks such as "county 秀防贫发"'),
        "ladder": (is_ladder, "a ladder such as " + ", ".join(f'"{text}"' for text in DEFAULT_LADDER)),
        "office_hours": (is_office_hours, 'spans of hours such as "09:00-12:00", one after the other'),
        **_income_kinds(pack, definitions),
    }


def _counting_kinds(definitions: Definitions) -> Kinds:
    """How days are counted (Civil Code 201, 203), and who pauses and extends; packs of before set none of it."""
    levels = [role for role, level in ROLE_LEVELS.items() if level in ("township", "county") and role not in NO_LEADERS]
    held = {timer for d in definitions.values() if any(s.pauses for s in d.states.values()) for timer in d.timers}
    leaders = (lambda v: bool(v) and _is_list_of(v, levels), "a list of roles of township or county that lead")
    return {
        "count_start_day": (lambda v: isinstance(v, bool), "true or false"),
        "last_day_on_rest": (lambda v: v in REST_DAYS, " or ".join(REST_DAYS)),
        "pause_by": leaders,
        "extend_by": leaders,
        "most_extensions": (lambda v: type(v) is int and 0 <= v <= 9, "a number from 0 to 9"),
        "extension_percent": (lambda v: type(v) is int and 1 <= v <= 100, "a percentage of the limit from 1 to 100"),
        "pause_mark_days": (lambda v: type(v) is int and 1 <= v <= 366, "a number of days from 1 to 366"),
        "objection_pauses": (lambda v: _is_list_of(v, held), "a list of timers of household_case"),
    }


def _income_kinds(pack: Pack, definitions: Definitions) -> Kinds:
    specs = {**{n: f for d in definitions.values() for n, f in d.fields.items()}, **pack.fields}
    money = {name for name, field in specs.items() if field.type == "money" and not field.personal}
    amounts = (lambda v: _is_list_of(v, money), "a list of fields of type money that are not personal")
    return {
        "income_window": (is_window, '"12 months" (before the month of the act) or "year from 10-01"'),
        "income_basis": (lambda v: v in BASES, " or ".join(BASES)),
        "income_counted": (lambda v: v in COUNTED, ", ".join(COUNTED)),
        "income_adds": amounts,
        "income_takes": amounts,
        "income_beside": amounts,
        "income_near": (lambda v: type(v) is int and 0 <= v <= 100, "a percentage of the line"),
    }


def _check_income(pack: Pack, definitions: Definitions, where: str) -> None:
    """A pack sets all parameters of the income sheet on every day, or none; one step asks for all of its figures."""
    rows = [row for row in pack.parameters if row.id in PARAMETERS]
    if not rows:
        return
    days = {pack.effective, *(row.ends for row in rows if pack.effective < row.ends < date.max)}
    for name in PARAMETERS:
        missing = [str(day) for day in sorted(days) if pack.given(name, day) is None]
        ensure(not missing, f"{where}, parameter {name}", f"an income sheet needs it, and it is not set on {missing}")
    wanted = set(sheet_fields(pack))
    asking = [step for step, names in pack.asks.items() if wanted & set(names)]
    ensure(len(asking) == 1 and wanted <= set(pack.asks[asking[0]]), f"{where}, asks",
           f"one step must ask for all figures of the income sheet: {sorted(wanted)}")  # fmt: skip


# What packs kept from before it was known do not set: the reader has a default.
DEFAULTED = {
    "count_start_day", "last_day_on_rest", "pause_by", "extend_by", "most_extensions", "extension_percent",
    "pause_mark_days", "objection_pauses", "ladder", "nudge_days", "office_hours", "urging_days", "urging_mark",
    "document_marks",
}  # fmt: skip


def _check_parameters_set(pack: Pack, definitions: Definitions, where: str) -> None:
    found = Mistakes()
    for name in _parameter_kinds(pack, definitions).keys() - set(PARAMETERS) - DEFAULTED:
        is_set = any(p.id == name and p.begins <= pack.effective < p.ends for p in pack.parameters)
        if not is_set:
            found.note(f"{where}, parameter {name}: parameter {name!r} is not set on {pack.effective}")
    found.ensure_none()


def _check_parameter(row: Parameter, pack: Pack, definitions: Definitions, where: str) -> None:
    where, kinds = f"{where}, parameter {row.id}", _parameter_kinds(pack, definitions)
    ensure_known(row.id, kinds, where, "parameter")
    fits, wanted = kinds[row.id]
    ensure(fits(row.value), where, f"value {row.value!r} must be {wanted}")


def _is_list_of(value: object, known: Collection[str]) -> bool:
    return isinstance(value, list | tuple) and all(item in known for item in value)


def _check_condition(row: Condition, pack: Pack, definitions: Definitions, where: str) -> None:
    fields = set(pack.fields).union(*(d.fields for d in definitions.values()))
    place = f"{where}, condition {row.id}"
    ensure_known(row.test, CONDITIONS, place, "test")
    ensure_label(row.label, place)
    for mode in row.modes:
        known = _options(pack, definitions, "household_case", "elimination_mode")
        ensure_known(mode, known, f"{place}, modes", "mode")
    purposes = {name for d in definitions.values() for name in d.purposes}
    for purpose in row.purposes:
        ensure_known(purpose, purposes, f"{place}, purposes", "purpose")
    for category in row.categories:
        known = _options(pack, definitions, "household_case", "category")
        ensure_known(category, known, f"{place}, categories", "category")
    _check_needs(row, definitions, fields, place)
    _check_ground(row, pack, place)


def _check_ground(row: Condition, pack: Pack, where: str) -> None:
    """The line is a reference, so that being above it bars nobody; some facts (dibao, assets) are no ground at all."""
    ensure(row.test != "income_inside_line" or row.effect == "warn", where, "the income line only ever warns")
    for name in row.needs.get("fields", ()):
        is_free = name in pack.fields and pack.fields[name].never_decides
        ensure(not is_free, where, f"field {name!r} is recorded and shown, and decides nothing")


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
    elif row.test == "household_kind":
        ensure(needs.keys() == {"kinds"} and needs["kinds"], where, "needs kinds")
        for name in needs["kinds"]:
            ensure_known(name, HOUSEHOLD_KINDS, where, "kind of household")
    elif row.test in ("fields_true", "fields_positive", "any_positive"):
        ensure(needs.keys() == {"fields"} and needs["fields"], where, "needs fields")
        for name in needs["fields"]:
            ensure_known(name, fields, where, "field")
    else:
        ensure(not needs, where, f"test {row.test} needs nothing")


def _check_evidence(pack: Pack, definitions: Definitions, where: str) -> None:
    for kind, label in pack.evidence.items():
        ensure_label(label, f"{where}, evidence {kind}")


def _check_added_field(field: Field, pack: Pack, definitions: Definitions, where: str) -> None:
    check_field(field, {name for d in definitions.values() for name in d.purposes}, where)
    taken = [d.id for d in definitions.values() if field.id in d.fields]
    ensure(not taken, where, f"field {field.id!r} stands in definition {taken} already")
    known = set(pack.fields).union(*(d.fields for d in definitions.values()))
    if field.explains:
        ensure_known(field.explains, known, f"{where}, field {field.id}", "field")
    for source in field.sources:
        sources = _options(pack, definitions, "household_case", "clue_source")
        ensure_known(source, sources, f"{where}, field {field.id}", "source")


def _check_requirement(step: str, pack: Pack, definitions: Definitions, where: str) -> None:
    ensure_known(step, _library(pack, definitions), f"{where}, requirements {step}", "step")


def _library(pack: Pack, definitions: Definitions) -> dict[str, Step]:
    return {**{name: step for d in definitions.values() for name, step in d.steps.items()}, **pack.steps}


def _check_asks(item: tuple[str, tuple[str, ...]], pack: Pack, definitions: Definitions, where: str) -> None:
    step, names = item
    ensure_known(step, _library(pack, definitions), f"{where}, asks {step}", "step")
    home = next(d for d in definitions.values() if _library(pack, definitions)[step].gate in d.gates)
    for name in names:
        ensure_known(name, {**home.fields, **pack.fields}, f"{where}, asks {step}", "field")


def _check_options(item: tuple[str, tuple[Option, ...]], pack: Pack, definitions: Definitions, where: str) -> None:
    name, added = item
    fields = [d.fields[name] for d in definitions.values() if name in d.fields]
    ensure(any(field.type in ("choice", "choices") for field in fields), f"{where}, options {name}",
           f"field {name!r} is no choice of a definition")  # fmt: skip
    ids = [option.id for field in fields[:1] for option in field.options] + [option.id for option in added]
    ensure(len(set(ids)) == len(ids), f"{where}, options {name}", "an option stands twice")
    for option in added:
        ensure(option.zh and option.en, f"{where}, options {name}", f"{option.id} needs zh and en")


def _check_signature(row: Signature, pack: Pack, definitions: Definitions, where: str) -> None:
    where = f"{where}, signature {row.step}"
    library = _library(pack, definitions)
    ensure_known(row.step, library, where, "step")
    step = library[row.step]
    for role in row.roles:
        ensure_known(role, ROLE_LEVELS, where, "role")
    for purpose in row.purposes:
        ensure_known(purpose, {name for d in definitions.values() for name in d.purposes}, where, "purpose")
    ensure(row.count >= 0, where, f"count {row.count} must be 1 or more")
    ensure(row.mode in ("", "one", "all", "any"), where, f"mode {row.mode!r} must be one, all or any")
    ensure(row.mode != "any" or row.count or step.sign.get("count"), where, "mode any needs a count")
    ensure(not row.count or row.mode in ("", "any"), where, "only mode any has a count")
    is_vote = step.sign.get("mode") == "vote"
    ensure(not is_vote or not (row.mode or row.count), where, "a vote is signed by the one who records it")
    _check_level(row, step, where)
    same = [x for x in pack.signatures if x.step == row.step and _share(x.purposes, row.purposes)]
    ensure(len(same) == 1, where, "stands twice for one purpose")


def _check_level(row: Signature, step: Step, where: str) -> None:
    """A gate stays with its level: others may sign with it, none without it."""
    levels = {ROLE_LEVELS[role] for role in step.roles if role in ROLE_LEVELS}
    kept = [ROLE_LEVELS[role] in levels for role in row.roles]
    enough = any(kept) if (row.mode or step.sign.get("mode")) == "all" else all(kept)
    ensure(not step.required or not row.roles or enough, where, f"a gate is signed at its own level: {sorted(levels)}")


def _share(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return not one or not other or bool(set(one) & set(other))


def _check_omission(row: Omission, pack: Pack, definitions: Definitions, where: str) -> None:
    where = f"{where}, omitted {row.action}"
    ensure_known(row.definition, definitions, where, "definition")
    omissible = [a.id for a in definitions[row.definition].actions.values() if a.omissible]
    ensure_known(row.action, omissible, where, "action that a place may omit")


def _check_aside(row: Aside, pack: Pack, definitions: Definitions, where: str) -> None:
    gates = {name for d in definitions.values() for name in d.gates}
    for name in (row.signed, *row.at):
        ensure_known(name, gates, f"{where}, aside {row.signed}", "gate")
    ensure(row.at and row.signed not in row.at, f"{where}, aside {row.signed}", "at must name other gates")


def _check_step(step: Step, pack: Pack, definitions: Definitions, where: str) -> None:
    where = f"{where}, step {step.id}"
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
