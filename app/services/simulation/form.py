"""The form of a simulation: every choice with its present value, what was typed, and what of it was wrong."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any

from app.labels import Speech, money
from app.services.cases import loaded_rules
from app.services.simulation.figures import said, timer_name
from app.services.simulation.people import read_offices
from app.services.simulation.wishes import (
    ACTS,
    LIMIT,
    LINE,
    NUMBERS,
    ROLES,
    STAFF,
    VISITS,
    limits_in_force,
    written,
)
from workflows.clock import Recurring, duration_table
from workflows.limits import Limit

UNIT = "unit"
UNITS = ("calendar_days", "working_days", "months", "hours")
EVERY = ("week", "month", "quarter", "half_year", "year")


def ask_of(typed: Mapping[str, str]) -> dict[str, str]:
    """Return what was typed as a simulation takes it: a limit's amount together with its unit."""
    found = {}
    for key, text in typed.items():
        part, _, name = key.partition(".")
        if part == LIMIT and text.strip():
            found[key] = f"{text.strip()} {typed.get(f'{UNIT}.{name}', '')}".strip()
        elif part not in (LIMIT, UNIT):
            found[key] = text
    return found


def typed_of(inputs: Mapping[str, Any]) -> dict[str, str]:
    """Return the inputs of a simulation as they were typed."""
    found = {LINE: str(inputs[LINE]), **{name: str(inputs[name]) for name in NUMBERS}}
    for name, table in inputs[LIMIT].items():
        found[f"{LIMIT}.{name}"] = str(table.get("amount", table.get("times", 1)))
        found[f"{UNIT}.{name}"] = str(table.get("every", table["unit"]))
    for part in (STAFF, ACTS, VISITS):
        found.update({f"{part}.{role}": str(value) for role, value in inputs[part].items()})
    return found


def form_of(words: Speech, county: str, typed: Mapping[str, str], wrong: Mapping[str, str]) -> dict[str, Any]:
    """Return the form's fields in groups."""
    rules, on = loaded_rules(), words.day
    pack = rules.pack_for(f"{county}000000", on)
    line = words.say("simulate.line_now", line=money(pack.parameter("income_line", on).value))
    limits = limits_in_force(pack, rules.definitions, on)
    problems = {key: problem(words, key) for key in wrong}
    return {
        "pack": words.pick(pack.label, pack.id),
        "line": _field(words, LINE, words.say("simulate.line"), typed, problems, now=line),
        "limits": [_limit(words, name, limit, typed, problems) for name, limit in limits.items()],
        "roles": _roles(words, county, on, typed, problems),
        "numbers": [
            {**_field(words, name, words.say(f"simulate.number.{name}"), typed, problems, default=str(default)),
             "least": least, "most": most}
            for name, (default, least, most) in NUMBERS.items()
        ],
        "unknown": [text for key, text in problems.items() if not _is_known(key, limits)],
    }  # fmt: skip


def _is_known(key: str, limits: Mapping[str, Limit]) -> bool:
    part, _, name = key.partition(".")
    return key == LINE or key in NUMBERS or (part == LIMIT and name in limits) or (part != LIMIT and name in ROLES)


def _field(
    words: Speech, key: str, label: str, typed: Mapping[str, str], problems: Mapping[str, str], *, now: str = "",
    default: str = "",
) -> dict[str, Any]:  # fmt: skip
    value = typed.get(key, default)
    return {"key": key, "label": label, "value": value, "now": now, "problem": problems.get(key, "")}


def _limit(
    words: Speech, name: str, limit: Limit, typed: Mapping[str, str], problems: Mapping[str, str]
) -> dict[str, Any]:
    table = duration_table(limit.duration)
    is_visit = isinstance(limit.duration, Recurring)
    units = EVERY if is_visit else UNITS
    chosen = typed.get(f"{UNIT}.{name}", str(table.get("every", table["unit"])))
    shown = _field(words, f"{LIMIT}.{name}", timer_name(words, name), typed, problems,
                   now=words.say("simulate.now", value=_present(words, limit)))  # fmt: skip
    options = [(unit, words.say(f"simulate.unit_{unit}"), unit == chosen) for unit in units]
    return {**shown, "unit": f"{UNIT}.{name}", "units": options, "written": written(limit.duration)}


def _present(words: Speech, limit: Limit) -> str:
    bound = "" if isinstance(limit.duration, Recurring) else words.say(f"bound.{limit.bound}")
    gap = "" if words.lang == "zh" or not bound else " "
    return f"{bound}{gap}{said(words, duration_table(limit.duration))}"


def _roles(
    words: Speech, county: str, on: date, typed: Mapping[str, str], problems: Mapping[str, str]
) -> list[dict[str, Any]]:
    present, assumed = Counter[str](), Counter[str]()
    for office in read_offices(county, tuple(ROLES), on):
        present[office.role] += office.people
        assumed[office.role] += office.people if office.is_assumed else 0
    rows = []
    for role, pace in ROLES.items():
        key = "staff_assumed" if assumed[role] else "staff_now"
        defaults = {STAFF: "", ACTS: str(pace[0]), VISITS: str(pace[1])}
        rows.append({
            "label": words.role(role),
            "now": words.say(f"simulate.{key}", people=present[role], assumed=assumed[role]),
            "fields": [
                _field(words, f"{part}.{role}", words.say(f"simulate.{part}_label"), typed, problems, default=default)
                for part, default in defaults.items()
            ],
        })  # fmt: skip
    return rows


def problem(words: Speech, key: str) -> str:
    """Return what a wrong entry must be."""
    part = key.partition(".")[0]
    if key == LINE or part == LIMIT:
        return words.say(f"simulate.wrong_{part}")
    if key in NUMBERS:
        _, least, most = NUMBERS[key]
        return words.say("simulate.wrong_number", least=least, most=most)
    if part in (STAFF, ACTS, VISITS):
        return words.say("simulate.wrong_number", least=0, most=9999)
    return words.say("simulate.wrong_unknown", key=key)
