"""Inheritance of packs along the tree: nation, province, prefecture, county, township."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from workflows.journal import canonical
from workflows.limits import SELECTORS
from workflows.model import area_root

MERGED_BY: Mapping[str, Callable[[Mapping[str, Any]], object]] = {
    "sources": lambda row: row["id"],
    "sequences": lambda row: (row["definition"], tuple(row["purposes"])),
    "parameters": lambda row: row["id"],
    "conditions": lambda row: row["id"],
    "steps": lambda row: row["id"],
    "signatures": lambda row: row["step"],
    "omitted": lambda row: (row["definition"], row["action"]),
    "aside": lambda row: row["signed"],
    "duties": lambda row: row["id"],
    "targets": lambda row: row["id"],
}


def merge(parent: Mapping[str, Any], child: Mapping[str, Any]) -> dict[str, Any]:
    """Merge a child over its parent: rows of a list by their key (all rows of that key replaced), tables by key."""
    merged = {**parent, **child}
    merged.pop("extends", None)
    if "version" not in child:
        merged.pop("version", None)  # a parent's version says nothing of its child's text
    for name, key in MERGED_BY.items():
        own = {key(row) for row in child.get(name, [])}
        kept = [row for row in parent.get(name, []) if key(row) not in own]
        merged[name] = [*kept, *child.get(name, [])]
    merged["limits"] = _merged_limits(parent.get("limits", []), child.get("limits", []))
    for name in ("options", "asks"):
        merged[name] = _joined_tables(parent.get(name, {}), child.get(name, {}))
    for name in ("fields", "evidence", "requirements"):
        merged[name] = {**parent.get(name, {}), **child.get(name, {})}
    merged["terms"] = _merged_terms(parent.get("terms", {}), child)
    return {name: rows for name, rows in merged.items() if rows or name not in ADDED}


# Parts that came later: left out of the merged text while empty, so that packs without them keep their digest.
ADDED = ("signatures", "omitted", "aside", "options", "asks", "duties", "targets")


def _merged_limits(parent: Sequence[Mapping[str, Any]], child: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """A child's row for everybody replaces all rows of its timer, one for some the parent's row for the same."""
    for_all = {row["timer"] for row in child if not _selectors(row)}
    for_some = {(row["timer"], _selectors(row)) for row in child}
    kept = [row for row in parent if row["timer"] not in for_all and (row["timer"], _selectors(row)) not in for_some]
    return [*kept, *child]


def _merged_terms(parent: Mapping[str, Any], child: Mapping[str, Any]) -> dict[str, Any]:
    """A child's wordings are for its own area unless they name one, and replace the parent's for that area; those of a
    wider place stand behind and hold on days for which the child has none."""
    merged = dict(parent)
    for key, rows in child.get("terms", {}).items():
        own = [{**row, "area": row.get("area") or child["area"]} for row in rows]
        places = {area_root(row["area"]) for row in own}
        merged[key] = [*own, *(row for row in parent.get(key, []) if area_root(row.get("area", "")) not in places)]
    return merged


def _selectors(row: Mapping[str, Any]) -> str:
    chosen = {key: sorted(map(str, row[key])) for key in SELECTORS if isinstance(row.get(key), list) and row[key]}
    return canonical(chosen) if chosen else ""


def _joined_tables(parent: Mapping[str, Any], child: Mapping[str, Any]) -> dict[str, Any]:
    """Options and questions of a child stand behind its parent's."""
    joined = dict(parent)
    for name, rows in child.items():
        joined[name] = [*(row for row in parent.get(name, []) if row not in rows), *rows]
    return joined
