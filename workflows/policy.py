"""Packs: law as dated data with its clause. A child pack inherits from its parent and overrides by id."""

import json
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

from workflows.calendars import KNOWN as CALENDARS
from workflows.clock import parse_duration
from workflows.definition import Action, Field, Label, Option, Step, read_fields
from workflows.duties import Duty, Target, in_force, read_duty, read_target
from workflows.journal import canonical, digest
from workflows.ladder import DEFAULT_LADDER
from workflows.limits import SELECTORS, Facts, Limit, most_specific
from workflows.tables import (
    BadTable,
    Mistakes,
    build,
    build_all,
    dates_of,
    day_of,
    ensure_label,
    ensure_version,
    freeze,
)
from workflows.terms import Variant, parse_variant
from workflows.worktime import DEFAULT_OFFICE_HOURS, Hours, parse_office_hours

FORMAT = "fp-pack-v1"
BOUNDS = ("max", "min")
KEYS = {
    "format", "version", "id", "area", "extends", "label", "effective", "sources", "sequences", "limits", "parameters",
    "conditions", "steps", "fields", "evidence", "requirements", "terms", "signatures", "omitted", "aside", "options",
    "asks", "duties", "targets",
}  # fmt: skip
ANYONE = Facts()


@dataclass(frozen=True)
class Source:
    """A document that the pack's rules come from."""

    id: str
    title: str
    number: str = ""
    date: str = ""


@dataclass(frozen=True)
class StepOrder:
    """The order of steps for one purpose; ``alongside`` names steps done while another one waits.

    ``own`` names the steps whose place here is our default: the clause says nothing about them.
    """

    definition: str
    purposes: tuple[str, ...]
    steps: tuple[str, ...]
    alongside: Mapping[str, str] = field(default_factory=dict)
    clause: str = ""
    own: tuple[str, ...] = ()


@dataclass(frozen=True)
class Signature:
    """Who signs a step here, and how many: verifiers, the township stations that sign jointly, the review's body."""

    step: str
    purposes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    mode: str = ""
    count: int = 0
    body: Label = field(default_factory=dict)
    clause: str = ""
    own: bool = False


@dataclass(frozen=True)
class Omission:
    """An action of a definition that this place does not have (fast track, appeal)."""

    definition: str
    action: str
    clause: str = ""
    own: bool = False


@dataclass(frozen=True)
class Aside:
    """Who signed one gate of a case steps aside at others."""

    signed: str
    at: tuple[str, ...]
    clause: str = ""
    own: bool = False


@dataclass(frozen=True)
class Parameter:
    """A dated value with its clause; the value is an integer, string, boolean or list of strings."""

    id: str
    value: Any
    clause: str
    begins: date
    ends: date
    own: bool


@dataclass(frozen=True)
class Condition:
    """A condition of a decision; ``effect`` bar refuses, warn is only shown and recorded.

    It is asked at elimination unless ``purposes`` says otherwise. ``modes`` limits it to a way in which the risk was
    eliminated (``natural``, ``assisted``), ``categories`` to households nominated under one; empty: all.
    """

    id: str
    test: str
    effect: str
    label: Label
    clause: str = ""
    own: bool = False
    needs: Mapping[str, Any] = field(default_factory=dict)
    modes: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ("eliminate",)
    categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pack:
    """One place's rules after inheritance; ``text`` is the canonical JSON of the merged pack, ``digest`` its hash."""

    id: str
    area: str
    label: Label
    effective: date
    sources: Mapping[str, Source]
    sequences: tuple[StepOrder, ...]
    limits: tuple[Limit, ...]
    parameters: tuple[Parameter, ...]
    conditions: tuple[Condition, ...]
    steps: Mapping[str, Step]
    fields: Mapping[str, Field]
    evidence: Mapping[str, Label]
    requirements: Mapping[str, tuple[str, ...]]
    terms: Mapping[str, tuple[Variant, ...]]
    signatures: tuple[Signature, ...]
    omitted: tuple[Omission, ...]
    aside: tuple[Aside, ...]
    options: Mapping[str, tuple[Option, ...]]
    asks: Mapping[str, tuple[str, ...]]
    duties: tuple[Duty, ...]
    targets: tuple[Target, ...]
    text: str
    digest: str
    version: str = ""

    @property
    def edition(self) -> str:
        """What people call this text: its version, or the day from which it holds. Only the digest decides."""
        return self.version or self.effective.isoformat()

    def limit(self, timer: str, on: date, facts: Facts = ANYONE) -> Limit | None:
        """Return the limit of ``definition.timer`` on a day for a household, or None where the pack sets none."""
        return most_specific(self.limits_of(timer), on, facts)

    def limits_of(self, timer: str) -> Sequence[Limit]:
        """Return all rows of ``definition.timer``, whatever day or household they are for."""
        return self._limits_by_timer.get(timer, ())

    @cached_property
    def _limits_by_timer(self) -> Mapping[str, list[Limit]]:
        return {name: [x for x in self.limits if x.timer == name] for name in {x.timer for x in self.limits}}

    def parameter(self, name: str, on: date) -> Parameter:
        """Return a parameter on a day; raise KeyError when the pack sets none."""
        found = self.given(name, on)
        if found is None:
            raise KeyError(f"pack {self.id} sets no parameter {name} on {on}")
        return found

    def given(self, name: str, on: date) -> Parameter | None:
        """Return a parameter on a day, or None when the pack sets none."""
        fitting = [p for p in self.parameters if p.id == name and p.begins <= on < p.ends]
        return max(fitting, key=lambda p: p.begins, default=None)

    def ladder(self, on: date) -> tuple[str, ...]:
        """Return the steps of reminding on a day; packs kept from before it was known have ours."""
        found = self.given("ladder", on)
        return tuple(found.value) if found else DEFAULT_LADDER

    def office_hours(self, on: date) -> Hours:
        """Return the hours in which offices work on a day; packs kept from before they were known have ours."""
        found = self.given("office_hours", on)
        return parse_office_hours(found.value if found else DEFAULT_OFFICE_HOURS)

    def flag(self, name: str, on: date, *, default: bool) -> bool:
        """Return a parameter that packs kept from before it was known do not set."""
        found = self.given(name, on)
        return bool(found.value) if found else default

    def fraction(self, name: str, on: date) -> Fraction:
        """Return a parameter such as "2/3" as a fraction."""
        return Fraction(str(self.parameter(name, on).value))

    def roles_of(self, form: Step | Action, on: date) -> tuple[str, ...]:
        """Return the roles of a form: those that a parameter of this pack names for it on a day, else its own."""
        named = self.given(form.by, on) if isinstance(form, Action) and form.by else None
        return tuple(named.value) if named else form.roles

    def duty(self, name: str, on: date) -> Duty | None:
        """Return a duty on a day, or None when the pack sets none."""
        return next((row for row in in_force(self.duties, on) if row.id == name), None)

    def target(self, name: str, on: date) -> Target | None:
        """Return a target on a day, or None when the pack sets none."""
        return next((row for row in in_force(self.targets, on) if row.id == name), None)

    def sequence(self, definition: str, purpose: str) -> StepOrder:
        """Return the order of steps for a purpose; raise BadTable when the pack has none."""
        for item in self.sequences:
            if item.definition == definition and purpose in item.purposes:
                return item
        raise BadTable(f"pack {self.id}: no sequence for {definition} {purpose}")


def read_tables(path: Path) -> dict[str, Any]:
    """Read a pack file as plain tables; raise BadTable with file and reason."""
    try:
        with path.open("rb") as file:
            tables: dict[str, Any] = json.loads(canonical(tomllib.load(file)))
        _ensure_head(tables)
        _ensure_rows(tables)
    except TypeError as error:
        hint = 'write days in quotes, as "2026-01-31", and amounts as whole numbers'
        raise BadTable(f"{path.name}: {error}; {hint}") from error
    except (tomllib.TOMLDecodeError, BadTable) as error:
        raise BadTable(f"{path.name}: {error}") from error
    return tables


def _ensure_head(tables: Mapping[str, Any]) -> None:
    if tables.get("format") != FORMAT:
        raise BadTable(f"format must be {FORMAT}")
    unknown = tables.keys() - KEYS
    missing = {"id", "area", "label", "effective"} - tables.keys()
    if unknown or missing:
        raise BadTable(f"unknown keys {sorted(unknown)}, missing keys {sorted(missing)}")
    for key in ("id", "area", "effective", "extends"):
        if not isinstance(tables.get(key, ""), str):
            raise BadTable(f"{key}: a text is needed, not {tables[key]!r}")
    if not isinstance(tables["label"], dict):
        raise BadTable(f"label: a table is needed, not {tables['label']!r}")
    ensure_version(tables)


ROW_KEYS = {
    "sources": ("id",), "sequences": ("definition", "purposes", "steps"), "limits": ("timer",),
    "parameters": ("id",), "conditions": ("id",), "steps": ("id",), "signatures": ("step",),
    "omitted": ("definition", "action"), "aside": ("signed", "at"), "duties": ("id",), "targets": ("id",),
}  # fmt: skip
TABLES = ("fields", "evidence", "requirements", "terms", "options", "asks")


def _ensure_rows(tables: Mapping[str, Any]) -> None:
    """Lists hold tables with the keys by which children override them; the other parts are tables."""
    for name, keys in ROW_KEYS.items():
        rows = tables.get(name, [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise BadTable(f"{name}: a list of tables is needed")
        for key, row in ((key, row) for row in rows for key in keys):
            if key not in row:
                raise BadTable(f"{name}: key {key!r} is missing in {row}")
    for name in TABLES:
        if not isinstance(tables.get(name, {}), dict):
            raise BadTable(f"{name}: a table is needed")
    for name, rows in tables.get("terms", {}).items():
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise BadTable(f"terms {name}: a list of wordings is needed")


def parse_pack(text: str) -> Pack:
    """Parse a merged pack from its canonical JSON text (as kept by digest); raise BadTable with all mistakes."""
    tables = json.loads(text)
    _ensure_head(tables)
    ensure_label(tables["label"], tables["id"])
    found = Mistakes()
    with found.noting():
        effective = day_of(tables["effective"], f"pack {tables['id']}, effective")
    parts: dict[str, Any] = {}
    for name, read in PARTS.items():
        parts[name] = found.each(read, tables.get(name, []))
    for name, whole in WHOLE.items():
        with found.noting():
            parts[name] = whole(tables.get(name, [] if name in ROW_KEYS else {}))
    found.ensure_none()
    return Pack(
        id=tables["id"], area=tables["area"], label=tables["label"], effective=effective, **parts,
        text=text, digest=digest(text), version=tables.get("version", ""),
    )  # fmt: skip


LISTS = (*SELECTORS, "roles", "modes")
LIMIT_KEYS = {"timer", "bound", "clause", "from", "to", "own", "warn", "calendar", *LISTS}


def _ensure_calendar(row: Mapping[str, Any], where: str) -> None:
    """A limit in working days may name its calendar; there is one, and a misspelt name would count by another."""
    if "calendar" not in row:
        return
    if row["calendar"] not in CALENDARS:
        raise BadTable(f"{where}, calendar: {row['calendar']!r} is unknown; known are {', '.join(CALENDARS)}")
    if row.get("unit") != "working_days":
        raise BadTable(f"{where}, calendar: only a limit in working_days counts by one")


def _limit(row: Mapping[str, Any]) -> Limit:
    where = f"limit {row.get('timer')}"
    if row.get("bound") not in BOUNDS:
        raise BadTable(f"{where}: bound must be max or min")
    try:
        duration = parse_duration({key: value for key, value in row.items() if key not in LIMIT_KEYS})
    except ValueError as error:
        raise BadTable(f"{where}: {error}") from error
    _ensure_calendar(row, where)
    begins, ends = dates_of(row, where)
    warn = row.get("warn")
    if warn is not None and (not isinstance(warn, list) or not all(type(percent) is int for percent in warn)):
        raise BadTable(f"{where}, warn: a list of percents is needed, not {warn!r}")
    lists = {key: _names(row[key], f"{where}, {key}") for key in LISTS if key in row}
    return Limit(
        row["timer"],
        duration,
        row["bound"],
        row.get("clause", ""),
        begins,
        ends,
        bool(row.get("own")),
        None if warn is None else tuple(warn),
        **lists,
    )


def _names(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
        raise BadTable(f"{where}: a list of names is needed, not {value!r}")
    return tuple(value)


PARAMETER_KEYS = {"id", "value", "clause", "from", "to", "own"}


def _parameter(row: Mapping[str, Any]) -> Parameter:
    if not {"id", "value"} <= row.keys() <= PARAMETER_KEYS:
        raise BadTable(f"parameter {row.get('id')}: needs id and value, knows {', '.join(sorted(PARAMETER_KEYS))}")
    begins, ends = dates_of(row, f"parameter {row['id']}")
    return Parameter(row["id"], row["value"], row.get("clause", ""), begins, ends, bool(row.get("own")))


def _options(tables: Mapping[str, Any]) -> dict[str, tuple[Option, ...]]:
    return {name: tuple(build(Option, row, f"options of {name}") for row in rows) for name, rows in tables.items()}


def _lists(tables: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {key: _names(names, key) for key, names in tables.items()}


def _wordings(tables: Mapping[str, Any]) -> dict[str, tuple[Variant, ...]]:
    try:
        return {key: tuple(parse_variant(v) for v in rows) for key, rows in tables.items()}
    except ValueError as error:
        raise BadTable(f"terms: {error}") from error


def _signature(row: Mapping[str, Any]) -> Signature:
    signature = build(Signature, row, f"signature {row['step']}")
    if signature.body:
        ensure_label(signature.body, f"signature {row['step']}, body")
    return signature


# Lists are read row by row, so that one mistake does not hide the next; the others as a whole.
PARTS: Mapping[str, Callable[[Mapping[str, Any]], object]] = {
    "sequences": lambda row: build(StepOrder, row, f"sequence {row['definition']}"),
    "limits": _limit,
    "parameters": _parameter,
    "signatures": _signature,
    "omitted": lambda row: build(Omission, row, f"omitted {row['action']}"),
    "aside": lambda row: build(Aside, row, f"aside {row['signed']}"),
    "duties": read_duty,
    "targets": read_target,
}
WHOLE: Mapping[str, Callable[[Any], object]] = {
    "sources": lambda rows: build_all(Source, rows, "source"),
    "conditions": lambda rows: tuple(build_all(Condition, rows, "condition").values()),
    "steps": lambda rows: build_all(Step, rows, "step"),
    "fields": read_fields,
    "evidence": freeze,
    "requirements": lambda table: {key: tuple(kinds) for key, kinds in table.items()},
    "terms": _wordings,
    "options": _options,
    "asks": _lists,
}


def ensure_clauses(pack: Pack) -> None:
    """Raise BadTable unless each rule names a source of the pack, or says openly that it is our own default."""
    found = Mistakes()
    for name, rule in named_rules(pack):
        source = str(rule.clause).split(" ")[0]
        if not rule.own and source not in pack.sources:
            found.note(f"pack {pack.id}, {name}: clause {rule.clause!r} names no source; or mark it own = true")
    for condition in pack.conditions:
        if condition.effect not in ("bar", "warn"):
            found.note(f"pack {pack.id}, condition {condition.id}: effect must be bar or warn")
    found.ensure_none()


Rule = Limit | Parameter | Condition | Signature | Omission | Aside | Duty | Target | Field


def named_rules(pack: Pack) -> Iterator[tuple[str, Rule]]:
    """Return every rule that needs a clause or ``own``, with the words that name it in a message."""
    yield from ((f"limit {row.timer}", row) for row in pack.limits)
    yield from ((f"parameter {row.id}", row) for row in pack.parameters)
    yield from ((f"condition {row.id}", row) for row in pack.conditions)
    yield from ((f"signature {row.step}", row) for row in pack.signatures)
    yield from ((f"omitted {row.action}", row) for row in pack.omitted)
    yield from ((f"aside {row.signed}", row) for row in pack.aside)
    yield from ((f"duty {row.id}", row) for row in pack.duties)
    yield from ((f"target {row.id}", row) for row in pack.targets)
    yield from ((f"field {row.id}", row) for row in pack.fields.values() if row.clause)
