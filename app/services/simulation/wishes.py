"""What is asked of a simulation: read from texts as people type them, stored with the run, put into a pack."""

import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from app.services.simulation.plan import WALKED
from workflows.clock import Duration, Recurring, Window, duration_table, parse_duration
from workflows.definition import Definition, Timer
from workflows.journal import canonical
from workflows.limits import Limit
from workflows.policy import Pack, parse_pack

LINE, LIMIT, STAFF, ACTS, VISITS = "line", "limit", "staff", "acts", "visits"
#: Roles that act on cases, with the acts and visits that a person manages on a working day: our own defaults.
ROLES: Mapping[str, tuple[int, int]] = {
    "village_cadre": (4, 2),
    "resident_team": (4, 3),
    "township_officer": (8, 2),
    "township_leader": (8, 1),
    "county_lead": (20, 1),
    "sector_dept": (20, 1),
    "helper": (4, 3),
}
#: In per cent of households or cases (months, seed: plain numbers), each with its least and most; our own defaults.
NUMBERS: Mapping[str, tuple[int, int, int]] = {
    "apply": (2, 0, 100),
    "uptake": (100, 0, 100),
    "leave": (10, 0, 100),
    "refused": (10, 0, 100),
    "returned": (5, 0, 100),
    "months": (12, 1, 24),
    "seed": (1, 0, 999_999_999),
}
MOST_PEOPLE, MOST_YUAN, MOST_LESS = 9_999, 1_000_000, -99
YUAN = re.compile(r"\d{1,7}(\.\d{1,2})?")
PERCENT = re.compile(r"[+-]\d{1,3}(\.\d{1,2})?%")
PLACE = re.compile(r"\d{6}(\d{3}|\d{6})?")
OLD_KEYS = ("unit", "amount", "every", "times", "start", "end")
Inputs = Mapping[str, Any]


def judge(
    texts: Mapping[str, str], pack: Pack, definitions: Mapping[str, Definition], on: date
) -> tuple[Inputs, dict[str, str]]:
    """Return the inputs as they are stored, and what was typed wrong, by its key; an empty text asks for no change.

    Keys: ``line``, ``limit.<timer>`` ("3 working_days", "2 month"), ``staff.<role>`` or ``staff.<role>@<township>``,
    ``acts.<role>``, ``visits.<role>``, and the ``NUMBERS``.
    """
    known = limits_in_force(pack, definitions, on)
    inputs: dict[str, Any] = {LINE: "", LIMIT: {}, STAFF: {}, ACTS: {}, VISITS: {}, "on": on.isoformat()}
    inputs.update({name: default for name, (default, _, _) in NUMBERS.items()})
    wrong: dict[str, str] = {}
    for key, typed in texts.items():
        text = typed.strip()
        if text:
            try:
                _read(inputs, key, text, known)
            except (ValueError, KeyError):
                wrong[key] = typed
    return inputs, wrong


def _read(inputs: dict[str, Any], key: str, text: str, known: Mapping[str, Limit]) -> None:
    part, _, name = key.partition(".")
    if key == LINE:
        inputs[LINE] = _line(text)
    elif part == LIMIT:
        inputs[LIMIT][name] = _limit(known[name], text)
    elif part in (STAFF, ACTS, VISITS):
        role, _, place = name.partition("@")
        if place and (part != STAFF or not PLACE.fullmatch(place)):
            raise ValueError(place)
        _ = ROLES[role]
        found = _whole(text, 0, MOST_PEOPLE)
        if part == STAFF or found != pace_of({part: {}}, part, role):
            inputs[part][f"{role}@{place.ljust(12, '0')}" if place else role] = found
    else:
        _, least, most = NUMBERS[key]
        inputs[key] = _whole(text, least, most)


def _whole(text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise ValueError(text)
    return int(text)


def _line(text: str) -> str:
    plain = text.replace(",", "").replace("，", "").replace("％", "%")
    if PERCENT.fullmatch(plain) and float(plain[:-1]) >= MOST_LESS:
        return plain
    if not YUAN.fullmatch(plain) or not 0 < float(plain) <= MOST_YUAN:
        raise ValueError(text)
    return plain


def _limit(present: Limit, text: str) -> dict[str, Any]:
    """A limit keeps its nature: a duty of each period stays one, days do not become a duty."""
    table = _table(text)
    length = parse_duration(table)
    if isinstance(length, Recurring) != isinstance(present.duration, Recurring) or isinstance(length, Window):
        raise ValueError(text)
    return duration_table(length)


def _table(text: str) -> dict[str, Any]:
    amount, _, unit = text.partition(" ")
    if not amount.isdigit():
        return {"unit": "recurring", "every": text}
    if unit in ("week", "month", "quarter", "half_year", "year"):
        return {"unit": "recurring", "every": unit, "times": int(amount)}
    return {"unit": unit, "amount": int(amount)}


def written(length: Duration) -> str:
    """Return a duration as it is typed: "3 working_days", "1 month"."""
    table = duration_table(length)
    if isinstance(length, Recurring):
        return f"{length.times} {length.every}"
    return f"{table.get('amount', '')} {table['unit']}".strip()


def limits_in_force(pack: Pack, definitions: Mapping[str, Definition], on: date) -> dict[str, Limit]:
    """Return the limits of a pack that a simulation can change, the widest row of each timer, in the order of gates."""
    names = [f"{d.id}.{t.id}" for d in _gates_first(definitions) for t in d.timers.values() if _is_walked(d, t)]
    found: dict[str, Limit] = {}
    for name in names:
        rows = [row for row in pack.limits_of(name) if row.begins <= on < row.ends]
        plain = [row for row in rows if not isinstance(row.duration, Window)]
        if plain:
            found[name] = min(plain, key=lambda row: len(row.selectors))
    return found


def _is_walked(definition: Definition, timer: Timer) -> bool:
    """Objections, appeals and fast track are not simulated: to change their periods would change nothing."""
    walked = {*WALKED, *(step.action for step in definition.steps.values())}
    return not timer.right and (not timer.starts_on or bool(walked & set(timer.starts_on)))


def _gates_first(definitions: Mapping[str, Definition]) -> list[Definition]:
    return sorted(definitions.values(), key=lambda d: (not d.gates, d.id))


def changed(pack: Pack, inputs: Inputs, on: date) -> Pack:
    """Return the pack with the line and limits that are asked for; the same pack when neither is."""
    if not inputs[LINE] and not inputs[LIMIT]:
        return pack
    tables = json.loads(pack.text)
    tables["limits"] = [_new_row(row, inputs[LIMIT], on) for row in tables.get("limits", [])]
    if inputs[LINE]:
        line = new_line(pack.parameter("income_line", on).value, inputs[LINE])
        tables["parameters"] = [_new_line(row, line, on) for row in tables.get("parameters", [])]
    return parse_pack(canonical(tables))


def _new_row(row: dict[str, Any], limits: Mapping[str, dict[str, Any]], on: date) -> dict[str, Any]:
    if row["timer"] not in limits or row.get("unit") == "window" or row.get("to", "9999") <= on.isoformat():
        return row
    return {**{k: v for k, v in row.items() if k not in OLD_KEYS}, **limits[row["timer"]]}


def _new_line(row: dict[str, Any], line: int, on: date) -> dict[str, Any]:
    is_old = row.get("to", "9999") <= on.isoformat()
    return row if row["id"] != "income_line" or is_old else {**row, "value": line}


def new_line(present: int, asked: str) -> int:
    """Return the line that is asked for, in fen, from yuan or from per cent of the present one."""
    if asked.endswith("%"):
        return round(present * (100 + float(asked[:-1])) / 100)
    return round(float(asked) * 100)


def people_of(inputs: Inputs, role: str, place: str, present: int) -> int:
    """Return how many people of a role work in a place: as asked there, as asked everywhere, or as they are."""
    staff: Mapping[str, int] = inputs[STAFF]
    return staff.get(f"{role}@{place}", staff.get(role, present))


def pace_of(inputs: Inputs, part: str, role: str) -> int:
    """Return how many acts or visits a person of a role manages on a working day."""
    return int(inputs[part].get(role, ROLES[role][0 if part == ACTS else 1]))


def unchanged(inputs: Inputs) -> Inputs:
    """Return the same inputs without what is to be tried out: the baseline beside which a result stands."""
    return {**inputs, LINE: "", LIMIT: {}, STAFF: {}, ACTS: {}, VISITS: {}}
