"""The income sheet: which months count, income per head in whole fen, and where it lies to the line.

The line is a reference (domain notes, section 3): nothing here refuses, approves or chooses a category.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from workflows.policy import Pack, Parameter

SHEET, PER_HEAD, MEMBERS = "income_sheet", "income_per_head", "income_members"
JUDGEMENT = "judgement"
BASES = ("net", "disposable")
COUNTED = ("registered", "resident", "shared")
# The parameters of a sheet; a pack sets all of them or, as packs kept from before they were known, none.
PARAMETERS = (
    "income_window", "income_basis", "income_counted", "income_adds", "income_takes", "income_beside", "income_near",
)  # fmt: skip
MONTHS_BEFORE = re.compile(r"([1-9][0-9]?) months")
YEAR_FROM = re.compile(r"year from ([0-9]{2})-([0-9]{2})")
BELOW, NEAR, ABOVE = "below", "near", "above"
ONCE_POOR = "former_poor"


@dataclass(frozen=True)
class Window:
    """The days whose income counts, both included."""

    first: date
    last: date


def window(rule: str, on: date) -> Window:
    """Return the accounting window for a day: "12 months" are the whole months before the month of that day,
    "year from 10-01" is the last such year that had ended before it. Raise ValueError for any other rule.
    """
    if found := MONTHS_BEFORE.fullmatch(rule):
        first = on.replace(day=1)
        return Window(_months_before(first, int(found[1])), first - timedelta(days=1))
    if found := YEAR_FROM.fullmatch(rule):
        begins = date(on.year, int(found[1]), int(found[2]))
        begins = begins if begins <= on else begins.replace(year=on.year - 1)
        return Window(begins.replace(year=begins.year - 1), begins - timedelta(days=1))
    raise ValueError(f"{rule!r} is no accounting window")


def is_window(value: object) -> bool:
    """Tell whether a value is a rule for a window; a year may begin on any day that each year has."""
    try:
        return isinstance(value, str) and bool(window(value, date(2025, 1, 1)))
    except ValueError:
        return False


def _months_before(first: date, count: int) -> date:
    months = first.year * 12 + first.month - 1 - count
    return date(months // 12, months % 12 + 1, 1)


@dataclass(frozen=True)
class IncomeRule:
    """All parameters of a sheet as they hold on one day."""

    on: date
    parameters: Mapping[str, Parameter]

    def value(self, name: str) -> Any:
        """The value of one of them."""
        return self.parameters[name].value

    @property
    def window(self) -> Window:
        """The days whose income counts."""
        return window(self.value("income_window"), self.on)


def rule_of(pack: Pack, on: date) -> IncomeRule | None:
    """Return the pack's rule for sheets on a day; None where the pack knows no sheet (packs kept from before)."""
    found = {name: pack.given(name, on) for name in (*PARAMETERS, "income_line", "income_line_included")}
    kept = {name: row for name, row in found.items() if row is not None}
    return IncomeRule(on, kept) if len(kept) == len(found) else None


def has_sheet(pack: Pack) -> bool:
    """Tell whether a pack has the system count income per head, instead of people typing it."""
    return any(row.id == PARAMETERS[0] for row in pack.parameters)


def sheet_fields(pack: Pack, *, beside: bool = False) -> tuple[str, ...]:
    """Return the fields that enter a sheet of this pack on some day, in their order; also those shown beside it."""
    if not has_sheet(pack):
        return ()
    parts = ("income_adds", "income_takes", *(("income_beside",) if beside else ()))
    lists = [row.value for part in parts for row in pack.parameters if row.id == part]
    return tuple(dict.fromkeys((MEMBERS, *(name for names in lists for name in names))))


def frame(rule: IncomeRule) -> dict[str, Any]:
    """Return what a sheet says before a figure stands in it: window, basis, line, each with its clause ("": ours)."""
    days = rule.window
    line = rule.parameters["income_line"]
    return {
        "from": days.first.isoformat(),
        "to": days.last.isoformat(),
        "basis": rule.value("income_basis"),
        "counted": rule.value("income_counted"),
        "line": line.value,
        "line_included": rule.value("income_line_included"),
        "near": rule.value("income_near"),
        "clauses": {name: "" if row.own else row.clause for name, row in sorted(rule.parameters.items())},
    }


def fill(rule: IncomeRule, values: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return the whole sheet of a household from fields in fen; a field that was left empty counts as nothing."""
    parts = {part: _amounts(rule.value(f"income_{part}"), values) for part in ("adds", "takes", "beside")}
    return _counted({**frame(rule), **parts, "members": values[MEMBERS]}, kind)


def _amounts(names: list[str], values: Mapping[str, Any]) -> dict[str, int]:
    return {name: int(values.get(name) or 0) for name in names}


def recount(sheet: Mapping[str, Any], values: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return a sheet with corrected figures, under the very window, basis and line that it was made with."""
    parts = {part: {name: int(values.get(name) or 0) for name in sheet[part]} for part in ("adds", "takes", "beside")}
    return _counted({**sheet, **parts, "members": values[MEMBERS]}, kind)


def is_part(sheet: Mapping[str, Any], name: str) -> bool:
    """Tell whether a field's value stands in a sheet."""
    return name == MEMBERS or any(name in sheet[part] for part in ("adds", "takes", "beside"))


def _counted(sheet: dict[str, Any], kind: str) -> dict[str, Any]:
    total = sum(sheet["adds"].values()) - sum(sheet["takes"].values())
    per_head = total // sheet["members"]  # whole fen, rounded down: also for a loss
    inside = is_inside(per_head, sheet["line"], included=sheet["line_included"])
    return {
        **sheet,
        "total": total,
        "per_head": per_head,
        "inside": inside,
        "position": position(per_head, sheet["line"], near=sheet["near"]),
        "suggested": suggested(kind, inside=inside),
    }


def is_inside(per_head: int, line: int, *, included: bool) -> bool:
    """Tell whether income per head (fen a year) lies inside the range that is watched."""
    return per_head < line or (included and per_head == line)


def position(per_head: int, line: int, *, near: int) -> str:
    """Return below, near or above: near is at most so many percent of the line away from it, on either side."""
    if abs(per_head - line) * 100 <= near * line:
        return NEAR
    return BELOW if per_head < line else ABOVE


def suggested(kind: str, *, inside: bool) -> str:
    """Return the category that kind of household and line point to (W1); a person judges all circumstances together."""
    if not inside:
        return "sudden_hardship"
    return "unstable_alleviated" if kind == ONCE_POOR else "marginal_vulnerable"
