"""Packs: law as dated data with its clause. A child pack inherits from its parent and overrides by id."""

import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

from workflows.clock import Duration, parse_duration
from workflows.definition import Field, Label, Step, read_fields
from workflows.journal import canonical, digest
from workflows.tables import BadTable, build, build_all, ensure_label
from workflows.terms import Variant, parse_variant

FORMAT = "fp-pack-v1"
BOUNDS = ("max", "min")
KEYS = {
    "format", "id", "area", "extends", "label", "effective", "sources", "sequences", "limits", "parameters",
    "conditions", "steps", "fields", "evidence", "requirements", "terms",
}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """A document that the pack's rules come from."""

    id: str
    title: str
    number: str = ""
    date: str = ""


@dataclass(frozen=True)
class StepOrder:
    """The order of steps for one purpose; ``alongside`` names steps done while another one waits."""

    definition: str
    purposes: tuple[str, ...]
    steps: tuple[str, ...]
    alongside: Mapping[str, str] = field(default_factory=dict)
    clause: str = ""


@dataclass(frozen=True)
class Limit:
    """How long a timer runs, from a date on; ``own`` marks a default of ours that no source states."""

    timer: str
    duration: Duration
    bound: str
    clause: str
    begins: date
    ends: date
    own: bool
    warn: tuple[int, ...]


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
    """A condition of a decision; ``effect`` bar refuses, warn is only shown and recorded."""

    id: str
    test: str
    effect: str
    label: Label
    clause: str = ""
    own: bool = False
    needs: Mapping[str, Any] = field(default_factory=dict)


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
    text: str
    digest: str

    def limit(self, timer: str, on: date) -> Limit | None:
        """Return the limit of ``definition.timer`` on a day, or None where the pack sets none."""
        fitting = [x for x in self._limits_by_timer.get(timer, ()) if x.begins <= on < x.ends]
        return max(fitting, key=lambda x: x.begins, default=None)

    @cached_property
    def _limits_by_timer(self) -> Mapping[str, list[Limit]]:
        return {name: [x for x in self.limits if x.timer == name] for name in {x.timer for x in self.limits}}

    def parameter(self, name: str, on: date) -> Parameter:
        """Return a parameter on a day; raise KeyError when the pack sets none."""
        fitting = [p for p in self.parameters if p.id == name and p.begins <= on < p.ends]
        if not fitting:
            raise KeyError(f"pack {self.id} sets no parameter {name} on {on}")
        return max(fitting, key=lambda p: p.begins)

    def fraction(self, name: str, on: date) -> Fraction:
        """Return a parameter such as "2/3" as a fraction."""
        return Fraction(str(self.parameter(name, on).value))

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
    except (tomllib.TOMLDecodeError, TypeError, BadTable) as error:
        raise BadTable(f"{path.name}: {error}") from error
    return tables


def _ensure_head(tables: Mapping[str, Any]) -> None:
    if tables.get("format") != FORMAT:
        raise BadTable(f"format must be {FORMAT}")
    unknown = tables.keys() - KEYS
    missing = {"id", "area", "label", "effective"} - tables.keys()
    if unknown or missing:
        raise BadTable(f"unknown keys {sorted(unknown)}, missing keys {sorted(missing)}")


ROW_KEYS = {
    "sources": ("id",), "sequences": ("definition", "purposes", "steps"), "limits": ("timer",),
    "parameters": ("id",), "conditions": ("id",), "steps": ("id",),
}  # fmt: skip


def _ensure_rows(tables: Mapping[str, Any]) -> None:
    """Lists hold tables with the keys by which children override them; the other parts are tables."""
    for name, keys in ROW_KEYS.items():
        rows = tables.get(name, [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise BadTable(f"{name}: a list of tables is needed")
        for key, row in ((key, row) for row in rows for key in keys):
            if key not in row:
                raise BadTable(f"{name}: key {key!r} is missing in {row}")
    for name in ("fields", "evidence", "requirements", "terms"):
        if not isinstance(tables.get(name, {}), dict):
            raise BadTable(f"{name}: a table is needed")
    for name, rows in tables.get("terms", {}).items():
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise BadTable(f"terms {name}: a list of wordings is needed")


MERGED_BY: Mapping[str, Callable[[Mapping[str, Any]], object]] = {
    "sources": lambda row: row["id"],
    "sequences": lambda row: (row["definition"], tuple(row["purposes"])),
    "limits": lambda row: row["timer"],
    "parameters": lambda row: row["id"],
    "conditions": lambda row: row["id"],
    "steps": lambda row: row["id"],
}


def merge(parent: Mapping[str, Any], child: Mapping[str, Any]) -> dict[str, Any]:
    """Merge a child over its parent: rows of a list by their key (all rows of that key replaced), tables by key."""
    merged = {**parent, **child}
    merged.pop("extends", None)
    for name, key in MERGED_BY.items():
        own = {key(row) for row in child.get(name, [])}
        kept = [row for row in parent.get(name, []) if key(row) not in own]
        merged[name] = [*kept, *child.get(name, [])]
    for name in ("fields", "evidence", "requirements", "terms"):
        merged[name] = {**parent.get(name, {}), **child.get(name, {})}
    return merged


def parse_pack(text: str) -> Pack:
    """Parse a merged pack from its canonical JSON text (as kept by digest); raise BadTable for mistakes."""
    tables = json.loads(text)
    _ensure_head(tables)
    ensure_label(tables["label"], tables["id"])
    pack = Pack(
        id=tables["id"],
        area=tables["area"],
        label=tables["label"],
        effective=_day(tables["effective"], f"pack {tables['id']}, effective"),
        sources=build_all(Source, tables.get("sources", []), "source"),
        sequences=tuple(build(StepOrder, row, "sequence") for row in tables.get("sequences", [])),
        limits=tuple(_limit(row) for row in tables.get("limits", [])),
        parameters=tuple(_parameter(row) for row in tables.get("parameters", [])),
        conditions=tuple(build_all(Condition, tables.get("conditions", []), "condition").values()),
        steps=build_all(Step, tables.get("steps", []), "step"),
        fields=read_fields(tables.get("fields", {})),
        evidence=tables.get("evidence", {}),
        requirements={key: tuple(kinds) for key, kinds in tables.get("requirements", {}).items()},
        terms={key: tuple(parse_variant(v) for v in rows) for key, rows in tables.get("terms", {}).items()},
        text=text,
        digest=digest(text),
    )
    _ensure_clauses(pack)
    return pack


def _day(text: object, where: str) -> date:
    try:
        return date.fromisoformat(str(text))
    except ValueError as error:
        raise BadTable(f"{where}: {text!r} is no day like 2026-01-31") from error


def _dates(row: Mapping[str, Any], where: str) -> tuple[date, date]:
    begins = _day(row["from"], f"{where}, from") if "from" in row else date.min
    ends = _day(row["to"], f"{where}, to") if "to" in row else date.max
    if begins >= ends:
        raise BadTable(f"{where}: from must lie before to")
    return begins, ends


LIMIT_KEYS = {"timer", "bound", "clause", "from", "to", "own", "warn"}


def _limit(row: Mapping[str, Any]) -> Limit:
    where = f"limit {row.get('timer')}"
    if row.get("bound") not in BOUNDS:
        raise BadTable(f"{where}: bound must be max or min")
    try:
        duration = parse_duration({key: value for key, value in row.items() if key not in LIMIT_KEYS})
    except ValueError as error:
        raise BadTable(f"{where}: {error}") from error
    begins, ends = _dates(row, where)
    warn: Sequence[int] = row.get("warn", [80])
    return Limit(
        row["timer"],
        duration,
        row["bound"],
        row.get("clause", ""),
        begins,
        ends,
        bool(row.get("own")),
        tuple(warn),
    )


PARAMETER_KEYS = {"id", "value", "clause", "from", "to", "own"}


def _parameter(row: Mapping[str, Any]) -> Parameter:
    if not {"id", "value"} <= row.keys() <= PARAMETER_KEYS:
        raise BadTable(f"parameter {row.get('id')}: needs id and value, knows {', '.join(sorted(PARAMETER_KEYS))}")
    begins, ends = _dates(row, f"parameter {row['id']}")
    return Parameter(row["id"], row["value"], row.get("clause", ""), begins, ends, bool(row.get("own")))


def _ensure_clauses(pack: Pack) -> None:
    """Each rule names a source of the pack, or says openly that it is our own default."""
    rules: tuple[Limit | Parameter | Condition, ...] = (
        *pack.limits,
        *pack.parameters,
        *pack.conditions,
    )
    for rule in rules:
        name = rule.timer if isinstance(rule, Limit) else rule.id
        source = rule.clause.split(" ")[0]
        if not rule.own and source not in pack.sources:
            raise BadTable(f"pack {pack.id}, {name}: clause {rule.clause!r} names no source; or mark it own = true")
    for condition in pack.conditions:
        if condition.effect not in ("bar", "warn"):
            raise BadTable(f"pack {pack.id}, condition {condition.id}: effect must be bar or warn")
