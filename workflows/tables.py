"""Reading TOML tables into frozen dataclasses: unknown, missing or ill-typed keys are named with their place."""

import dataclasses
import typing
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

T = TypeVar("T")
RENAMED = {"from": "sources", "to": "target"}


class BadTable(ValueError):
    """A definition or pack holds a mistake; the text says where and what."""


def freeze(value: Any) -> Any:
    """Return lists as tuples, all the way down, so that a loaded file can't be changed."""
    if isinstance(value, list):
        return tuple(freeze(item) for item in value)
    if isinstance(value, dict):
        return {key: freeze(item) for key, item in value.items()}
    return value


def build(cls: type[T], table: Mapping[str, Any], where: str) -> T:
    """Build a dataclass from a table; raise BadTable naming ``where`` for each kind of mistake."""
    fields = {f.name: f for f in dataclasses.fields(typing.cast("Any", cls))}
    values = {RENAMED.get(key, key): freeze(value) for key, value in table.items()}
    for key in values.keys() - fields.keys():
        raise BadTable(f"{where}: unknown key {key!r}; known are {', '.join(sorted(fields))}")
    for name, spec in fields.items():
        if name not in values and spec.default is dataclasses.MISSING and spec.default_factory is dataclasses.MISSING:
            raise BadTable(f"{where}: key {name!r} is missing")
    hints = typing.get_type_hints(cls)
    for name, value in values.items():
        _ensure_type(hints[name], value, f"{where}.{name}")
    return cls(**values)


def _ensure_type(hint: Any, value: Any, where: str) -> None:
    origin = typing.get_origin(hint)
    if origin is tuple and not isinstance(value, tuple):
        raise BadTable(f"{where}: a list is needed, not {value!r}")
    if origin in (Mapping, typing.get_origin(Mapping[str, str])) and not isinstance(value, Mapping):
        raise BadTable(f"{where}: a table is needed, not {value!r}")
    if hint in (str, int, bool) and type(value) is not hint:
        raise BadTable(f"{where}: {hint.__name__} is needed, not {value!r}")


def build_all(cls: type[T], tables: Sequence[Mapping[str, Any]], where: str) -> dict[str, T]:
    """Build a list of tables with ``id`` into a mapping by id; a repeated id is a mistake."""
    result: dict[str, T] = {}
    for table in tables:
        name = str(table.get("id", ""))
        if not name or name in result:
            raise BadTable(f"{where}: id {name!r} is missing or stands twice")
        result[name] = build(cls, table, f"{where} {name}")
    return result


def ensure_label(label: Mapping[str, str], where: str) -> None:
    """Raise BadTable unless a label stands in both languages."""
    if not label.get("zh") or not label.get("en"):
        raise BadTable(f"{where}: label needs zh and en")
