"""Definitions: machines as data. Gates, steps, states, actions, timers, effects, fields of one workflow."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from workflows.journal import canonical, digest
from workflows.tables import BadTable, build, build_all, ensure_label, ensure_version, freeze

FORMAT = "fp-definition-v1"
Label = Mapping[str, str]
SIGN_MODES = ("one", "all", "any", "vote")
FIELD_TYPES = (
    "text", "choice", "choices", "money", "count", "date", "bool", "person",
    "case", "evidence_kind", "correctable_field", "corrected_value", "earlier_date", "period", "duration",
)  # fmt: skip
SPECIAL_SOURCES = ("@new", "@open", "@any", "@added", "@before_decision")
SPECIAL_TARGETS = ("@same", "@first_step", "@earlier_gate")
# Back to the state that an action with records = "came_from" left, or to the state named behind it for a new case.
CAME_FROM = "@came_from:"


@dataclass(frozen=True)
class Gate:
    """One of the fixed gates, in the order of the file."""

    id: str
    label: Label


@dataclass(frozen=True)
class Option:
    """One value of a choice."""

    id: str
    zh: str
    en: str
    developmental: bool = False


@dataclass(frozen=True)
class Field:
    """Something that a form records. Money is entered in yuan and kept in fen; personal values are committed to.

    ``purposes`` and ``sources`` (of the clue): it is asked for those only; empty means all. ``optional``: it may stay
    empty on every form. ``least`` is the smallest count. ``explains`` names a question whose answer asks for this text:
    a box ticked, or a no. ``never_decides``: it is recorded and shown, and no rule may build on it (receiving dibao,
    what somebody owns). ``section`` is the heading above it; ``clause`` or ``own`` say where it comes from.
    """

    id: str
    label: Label
    type: str
    personal: bool = False
    correctable: bool = False
    options: tuple[Option, ...] = ()
    most: int = 1
    negative: bool = False
    role: str = ""
    purposes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    optional: bool = False
    least: int = 0
    explains: str = ""
    never_decides: bool = False
    section: Label = field(default_factory=dict)
    clause: str = ""
    own: bool = False

    @cached_property
    def option_ids(self) -> tuple[str, ...]:
        """The ids of the options."""
        return tuple(option.id for option in self.options)


@dataclass(frozen=True)
class Step:
    """A state that waits for one action, which leads to the next step of the pack's order."""

    id: str
    gate: str
    state: str
    state_label: Label
    action: str
    label: Label
    roles: tuple[str, ...]
    required: bool = False
    sign: Mapping[str, Any] = field(default_factory=dict)
    fields: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    timer: str = ""
    guards: tuple[Mapping[str, Any], ...] = ()
    after: tuple[str, ...] = ()
    before: tuple[str, ...] = ()


@dataclass(frozen=True)
class State:
    """A state beside the steps; ``roles`` are those whom it waits for.

    ``pauses`` names the pack's parameter with the timers that stand still while a case is in it.
    """

    id: str
    label: Label
    closed: bool = False
    gate: str = ""
    roles: tuple[str, ...] = ()
    pauses: str = ""


@dataclass(frozen=True)
class Action:
    """An action beside the steps; ``who = "current"`` means those whom the present state waits for, ``by`` the roles
    that the pack's parameter of that name lists (``roles`` where it lists none).

    An ``opening`` one takes over what was decided before this system was used: only a roster's import may ask for it.
    An ``omissible`` one need not exist everywhere: a pack may omit it.
    """

    id: str
    label: Label
    sources: str | tuple[str, ...]
    target: str
    who: str = ""
    by: str = ""
    roles: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    sign: Mapping[str, Any] = field(default_factory=dict)
    guards: tuple[Mapping[str, Any], ...] = ()
    purposes: tuple[str, ...] = ()
    decides: bool = False
    internal: bool = False
    system: bool = False
    opening: bool = False
    omissible: bool = False
    records: str = ""
    counts: str = ""
    dates: str = ""
    sets: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Timer:
    """A period: it starts on actions or on entering ``runs_in``, and ends on actions or on leaving ``runs_in``.

    ``optional``: places need not give it a limit; where they give none it does not run.
    """

    id: str
    label: Label
    starts_on: tuple[str, ...] = ()
    ends_on: tuple[str, ...] = ()
    runs_in: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    counted_from: str = ""
    fires: str = ""
    right: bool = False
    fulfilled_by: tuple[str, ...] = ()
    unless_field: str = ""
    optional: bool = False


@dataclass(frozen=True)
class Effect:
    """What a move does to the subject's case of another definition: the first action that fits its state."""

    on: tuple[str, ...]
    definition: str
    action: tuple[str, ...]
    purposes: tuple[str, ...] = ()
    optional: bool = False


@dataclass(frozen=True)
class Definition:
    """One workflow as its file states it; ``text`` is its canonical JSON, ``digest`` the hash of that."""

    id: str
    code: str
    label: Label
    subject: str
    one_open: bool
    purposes: Mapping[str, Label]
    decided_by: str
    separate_hands: tuple[str, ...]
    helpers_step_aside: tuple[str, ...]
    gates: Mapping[str, Gate]
    steps: Mapping[str, Step]
    states: Mapping[str, State]
    actions: Mapping[str, Action]
    timers: Mapping[str, Timer]
    effects: tuple[Effect, ...]
    evidence: Mapping[str, Label]
    fields: Mapping[str, Field]
    text: str
    digest: str
    version: str = ""


KEYS = {
    "format", "version", "id", "code", "label", "subject", "one_open", "purposes", "decided_by", "separate_hands",
    "helpers_step_aside", "gates", "steps", "states", "actions", "timers", "effects", "evidence", "fields",
}  # fmt: skip


def read_definition(path: Path) -> Definition:
    """Read one definition file; raise BadTable with file and reason."""
    try:
        with path.open("rb") as file:
            tables = tomllib.load(file)
        return parse_definition(canonical(tables))
    except (tomllib.TOMLDecodeError, TypeError, BadTable) as error:
        raise BadTable(f"{path.name}: {error}") from error


def parse_definition(text: str) -> Definition:
    """Parse a definition from its canonical JSON text (as kept by digest); raise BadTable for mistakes."""
    tables = json.loads(text)
    _ensure_head(tables)
    fields = read_fields(tables.get("fields", {}))
    definition = Definition(
        id=tables["id"],
        code=tables["code"],
        label=tables["label"],
        subject=tables["subject"],
        one_open=tables["one_open"],
        purposes={p["id"]: {"zh": p["zh"], "en": p["en"]} for p in tables["purposes"]},
        decided_by=tables.get("decided_by", ""),
        separate_hands=freeze(tables["separate_hands"]),
        helpers_step_aside=freeze(tables["helpers_step_aside"]),
        gates=build_all(Gate, tables.get("gates", []), "gate"),
        steps=build_all(Step, tables.get("steps", []), "step"),
        states=build_all(State, tables.get("states", []), "state"),
        actions=build_all(Action, tables.get("actions", []), "action"),
        timers=build_all(Timer, tables.get("timers", []), "timer"),
        effects=tuple(build(Effect, e, "effect") for e in tables.get("effects", [])),
        evidence=tables.get("evidence", {}),
        fields=fields,
        text=text,
        digest=digest(text),
        version=tables.get("version", ""),
    )
    _ensure_names(definition)
    return definition


def _ensure_head(tables: Mapping[str, Any]) -> None:
    if tables.get("format") != FORMAT:
        raise BadTable(f"format must be {FORMAT}")
    unknown = tables.keys() - KEYS
    missing = {"id", "code", "label", "subject", "one_open", "purposes"} - tables.keys()
    if unknown or missing:
        raise BadTable(f"unknown keys {sorted(unknown)}, missing keys {sorted(missing)}")
    ensure_label(tables["label"], tables["id"])
    ensure_version(tables)


def read_fields(tables: Mapping[str, Any]) -> dict[str, Field]:
    """Read a table of fields; options may name another field whose options they share."""
    result: dict[str, Field] = {}
    for name, table in tables.items():
        options = table.get("options", [])
        shared = tables[options]["options"] if isinstance(options, str) else options
        built = tuple(build(Option, o, f"field {name} option") for o in shared)
        result[name] = build(Field, {**table, "id": name, "options": list(built)}, f"field {name}")
        ensure_label(result[name].label, f"field {name}")
        if result[name].type not in FIELD_TYPES:
            raise BadTable(f"field {name}: type must be one of {', '.join(FIELD_TYPES)}")
    return result


def ensure_form(form: Step | Action, fields: Mapping[str, Field], evidence: Mapping[str, Label]) -> None:
    """Raise BadTable when a step or action names a field, evidence kind or sign mode that does not exist."""
    where = f"{type(form).__name__.lower()} {form.id}"
    ensure_label(form.label, where)
    for name in (*form.fields, *form.optional):
        if name not in fields:
            raise BadTable(f"{where}: field {name!r} is not defined")
    for kind in form.evidence:
        if kind not in evidence and kind != "@any":
            raise BadTable(f"{where}: evidence kind {kind!r} is not defined")
    if form.sign.get("mode", "one") not in SIGN_MODES:
        raise BadTable(f"{where}: sign mode must be one of {', '.join(SIGN_MODES)}")


def _ensure_names(definition: Definition) -> None:
    states = {*definition.states, *(s.state for s in definition.steps.values())}
    for step in definition.steps.values():
        ensure_form(step, definition.fields, definition.evidence)
        if step.gate not in definition.gates:
            raise BadTable(f"step {step.id}: gate {step.gate!r} is not defined")
    for action in definition.actions.values():
        ensure_form(action, definition.fields, definition.evidence)
        _ensure_ends(action, states, definition)
    for timer in definition.timers.values():
        if timer.fires and timer.fires not in definition.actions:
            raise BadTable(f"timer {timer.id}: action {timer.fires!r} is not defined")


def _ensure_ends(action: Action, states: set[str], definition: Definition) -> None:
    sources = (action.sources,) if isinstance(action.sources, str) else action.sources
    for source in sources:
        if source not in states and source not in SPECIAL_SOURCES:
            raise BadTable(f"action {action.id}: from {source!r} is no state")
    target = action.target
    step = target.removeprefix("@step:")
    target = target.removeprefix(CAME_FROM)
    known = target in states or target in SPECIAL_TARGETS or (target != step and step in definition.steps)
    if not known:
        raise BadTable(f"action {action.id}: to {action.target!r} is no state")
