"""The entries of a trail, their shape checked, with personal values put in where they were
disclosed."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from reports.labels import Labels, labels_of, last_day, local_time
from reports.trail import Chain, MalformedTrail, Trail
from workflows.journal import COMMITMENT, digest, is_commitment
from workflows.recount import ACTION as RECOUNT
from workflows.repin import ACTION as CHANGE_RULES
from workflows.variants import FULL

STRINGS = ("county", "case", "definition", "policy", "subject", "at", "action", "source", "target")
LISTS = ("evidence", "clauses")
ACTOR = ("id", "name", "office", "role")
BEHALF = ("id", "name", "person")
STARTED = ("kind", "start", "due", "bound")
ENDED = ("kind", "due", "how")
COUNTED_BY = ("limit", "calendar", "counting")
HEX64 = re.compile(r"[0-9a-f]{64}")


class Erased:
    """Stands where a personal value was committed to and is not disclosed (any more)."""


ERASED = Erased()


@dataclass(frozen=True)
class Entry:
    """One entry as the print needs it: parsed body, hash of its exact text, labels of its texts, names of areas."""

    body: Mapping[str, Any]
    seq: int
    hash: str
    labels: Labels
    values: Mapping[str, str]
    places: Mapping[str, str] = field(default_factory=dict)
    variant: str = FULL

    @property
    def is_system(self) -> bool:
        """Tell whether the system itself acted (clock, import)."""
        return bool(self.body["actor"]["id"] == "system")

    @property
    def is_lapse(self) -> bool:
        """Tell whether this entry notes a period that went by."""
        return bool(self.body["action"] == "lapse")

    @property
    def is_upkeep(self) -> bool:
        """Tell whether this entry moves the case to other rules or another calendar: no act at its gate."""
        return self.body["action"] in (CHANGE_RULES, RECOUNT)

    def reveal(self, value: object) -> object:
        """Return the personal value behind a commitment, ERASED when it is not disclosed, or
        the value itself."""
        if not is_commitment(value):
            return value
        found = self.values.get(str(value[COMMITMENT])) if isinstance(value, Mapping) else None
        return ERASED if found is None else found


def entries_of(trail: Trail, chain: Chain) -> list[Entry]:
    """Return a chain's entries in order; raise MalformedTrail with the place for a shape that
    cannot be printed."""
    values = {item.commitment()[COMMITMENT]: item.value for item in trail.disclosures}
    find = labels_of(trail)
    result, area = [], trail.county
    for seq, text in enumerate(chain.entries, start=1):
        body = _parsed(text, f"{chain.case} #{seq}")
        area = _area_after(body, area)
        result.append(Entry(body, seq, digest(text), find(body, area), values, variant=trail.variant))
    return result


def _area_after(body: Mapping[str, Any], area: str) -> str:
    """The household's area once an entry is made: its words are those of that place."""
    change = body["changes"].get("area")
    return str(change["after"]) if change and isinstance(change["after"], str) else area


def places_of(bodies: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the names of areas by code, as the entries themselves name the offices of those who acted."""
    actors = [body["actor"] for body in bodies]
    return {a["office"]: a["office_name"] for a in actors if isinstance(a.get("office_name"), str) and a["office_name"]}


def _parsed(text: str, where: str) -> dict[str, Any]:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedTrail("entry", where) from error
    _require(isinstance(body, dict), where)
    _require(body.get("behalf") is None or isinstance(body["behalf"], str | dict), where)
    if isinstance(body.get("behalf"), dict):
        _require_strings(body["behalf"], BEHALF, where)
    _require(all(isinstance(body.get(key), str) for key in STRINGS), where)
    _require(all(isinstance(body.get(key), list) for key in LISTS), where)
    _require(all(isinstance(clause, str) for clause in body["clauses"]), where)
    _require("gate" in body and (body["gate"] is None or isinstance(body["gate"], str)), where)
    _require_strings(body.get("actor"), ACTOR, where)
    for item in body["evidence"]:
        _require_strings(item, ("kind", "sha256"), where)
        _require(bool(HEX64.fullmatch(item["sha256"])) and type(item.get("bytes")) is int, where)
    _require_changes(body.get("changes"), where)
    _require_deadlines(body.get("deadlines"), where)
    _require_time(body["at"], where)
    return dict(body)


def _require(held: bool, where: str) -> None:
    if not held:
        raise MalformedTrail("entry", where)


def _require_strings(body: Any, keys: tuple[str, ...], where: str) -> None:
    _require(isinstance(body, dict) and all(isinstance(body.get(key), str) for key in keys), where)


def _require_changes(changes: Any, where: str) -> None:
    _require(isinstance(changes, dict), where)
    for change in changes.values():
        _require(isinstance(change, dict) and set(change) == {"before", "after"}, where)


def _require_deadlines(deadlines: Any, where: str) -> None:
    _require(isinstance(deadlines, dict), where)
    for name, keys in (("started", STARTED), ("ended", ENDED)):
        _require(isinstance(deadlines.get(name), list), where)
        for item in deadlines[name]:
            _require_strings(item, keys, where)
            _require(type(item.get("generation")) is int, where)
            _require_time(item["due"], where)
            _require_time(item.get("start", item["due"]), where)
            _require_counting(item, where)


def _require_counting(item: Mapping[str, Any], where: str) -> None:
    """What the end of a period follows from; entries of before it was noted have nothing of it."""
    _require(all(isinstance(item.get(key, ""), str) for key in COUNTED_BY), where)
    extended, pauses = item.get("extended", []), item.get("pauses", [])
    _require(isinstance(extended, list) and all(isinstance(text, str) for text in extended), where)
    _require(isinstance(pauses, list), where)
    for pause in pauses:
        _require(isinstance(pause, list) and len(pause) == len(("from", "to")), where)
        _require(all(isinstance(text, str) for text in pause), where)
        for text in filter(None, pause):
            _require_time(text, where)


def _require_time(text: str, where: str) -> None:
    try:
        last_day(text), local_time(text)
    except (ValueError, OverflowError) as error:
        raise MalformedTrail("entry", where) from error
