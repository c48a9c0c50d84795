"""What differs between two versions of rules: rule by rule, with the clause that stands behind it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workflows.definition import Definition
from workflows.guards import WEIGHING
from workflows.machine import Compiled
from workflows.policy import Pack

Rows = Sequence[Any]


@dataclass(frozen=True)
class Change:
    """One rule that differs. ``before`` and ``after`` are its rows on either side, empty where there are none.

    ``part`` names the part of the pack or definition, ``key`` the rule in it (a timer, an action, a purpose).
    """

    part: str
    key: str
    before: tuple[Any, ...]
    after: tuple[Any, ...]

    @property
    def clause(self) -> str:
        """The clause of the newer side, of the older one where the rule is gone; empty for a default of ours."""
        rows = self.after or self.before
        return next((row.clause for row in rows if getattr(row, "clause", "")), "")


# The parts of a pack, each with the key of a row; rows of one key are one rule with its dates and selectors.
PARTS: Mapping[str, Callable[[Any], str]] = {
    "sequences": lambda row: f"{row.definition}.{'+'.join(row.purposes)}",
    "limits": lambda row: row.timer,
    "parameters": lambda row: row.id,
    "conditions": lambda row: row.id,
    "signatures": lambda row: row.step,
    "omitted": lambda row: f"{row.definition}.{row.action}",
    "aside": lambda row: row.signed,
    "duties": lambda row: row.id,
    "targets": lambda row: row.id,
}
TABLES = ("steps", "fields", "evidence", "requirements", "options", "asks", "terms")
DEFINITION_TABLES = ("gates", "steps", "states", "actions", "timers", "fields", "evidence")


def compare_packs(old: Pack, new: Pack) -> tuple[Change, ...]:
    """Return every rule that differs between two packs, in the order of the parts."""
    return tuple(_pack_changes(old, new))


def compare_definitions(old: Definition, new: Definition) -> tuple[Change, ...]:
    """Return every part of a definition that differs between two versions."""
    found = [
        change for part in DEFINITION_TABLES for change in _of_tables(part, getattr(old, part), getattr(new, part))
    ]
    if old.effects != new.effects:
        found.append(Change("effects", old.id, old.effects, new.effects))
    return tuple(found)


def _pack_changes(old: Pack, new: Pack) -> Iterator[Change]:
    for part, key in PARTS.items():
        yield from _of_rows(part, getattr(old, part), getattr(new, part), key)
    for part in TABLES:
        yield from _of_tables(part, getattr(old, part), getattr(new, part))


def _of_rows(part: str, old: Rows, new: Rows, key: Callable[[Any], str]) -> Iterator[Change]:
    for name in dict.fromkeys([*map(key, old), *map(key, new)]):
        before, after = (tuple(row for row in rows if key(row) == name) for rows in (old, new))
        if before != after:
            yield Change(part, name, before, after)


def _of_tables(part: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for name in dict.fromkeys([*old, *new]):
        if old.get(name) != new.get(name):
            yield Change(part, name, *((table[name],) if name in table else () for table in (old, new)))


def concerning(changes: Sequence[Change], old: Compiled, new: Compiled) -> tuple[Change, ...]:
    """Return those changes that a case of one definition and purpose can ever meet."""
    return tuple(change for change in changes if _concerns(change, old) or _concerns(change, new))


def _concerns(change: Change, compiled: Compiled) -> bool:
    definition = compiled.definition.id
    if change.part in ("duties", "targets"):
        return False  # no case reads them
    if change.part == "limits":
        return change.key.partition(".")[0] == definition
    if change.part in ("sequences", "omitted"):
        rows = (*change.before, *change.after)
        return any(
            r.definition == definition and compiled.purpose in getattr(r, "purposes", (compiled.purpose,)) for r in rows
        )
    steps = {step.id for step in (*compiled.order, *compiled.alongside.values())}
    if change.part in ("steps", "signatures", "requirements", "asks"):
        return change.key in steps
    if change.part == "aside":
        return change.key in compiled.definition.gates
    if change.part in ("fields", "options"):
        return change.key in compiled.fields
    if change.part == "evidence":
        return change.key in compiled.evidence
    return change.part != "conditions" or _asks_conditions(change, compiled)


def _asks_conditions(change: Change, compiled: Compiled) -> bool:
    """Tell whether a condition is one of this purpose, and some act looks at the conditions of coming in or leaving."""
    purpose = compiled.purpose
    specs = [spec for form in compiled.forms for spec in form.guards if spec["guard"] in WEIGHING]
    is_asked = any(purpose in row.purposes for row in (*change.before, *change.after))
    return is_asked and any(purpose in spec.get("purposes", (purpose,)) for spec in specs)
