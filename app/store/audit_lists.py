"""Reads for auditors: which cases a sample is drawn from."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, select

from app.store.lists import Scope, _inside, _needs_household, _of_household, visible
from app.tables import CaseRow, CommandRow, Household, JournalRow, db

GATE = '"gate":"{gate}"'


@dataclass(frozen=True)
class Population:
    """Which cases: of a definition, in an area (12 digits, or empty), with an entry at a gate, and in a time.

    ``since`` and ``until`` are UTC texts (from, up to and without); empty: any time. Without a gate any act of a
    person or clock on the case counts.
    """

    definition: str
    area: str = ""
    gate: str = ""
    since: str = ""
    until: str = ""


def population(scope: Scope, wanted: Population) -> list[str]:
    """Return the numbers of the cases that fit; in no order."""
    query = select(CaseRow.number).where(visible(scope, CaseRow), CaseRow.definition == wanted.definition)
    query = query.where(_inside(wanted.area, CaseRow)) if wanted.area else query
    query = query.join(Household, _of_household()) if _needs_household(scope) else query
    return list(db.session.scalars(_acted(query, wanted)))


def _acted(query: Any, wanted: Population) -> Any:
    """Of commands first, whose rows are small; the entry's text is asked only where a gate is."""
    if not (wanted.gate or wanted.since or wanted.until):
        return query
    of_case = and_(CommandRow.county == CaseRow.county, CommandRow.case == CaseRow.number)
    times = [CommandRow.at >= wanted.since] * bool(wanted.since) + [CommandRow.at < wanted.until] * bool(wanted.until)
    query = query.join(CommandRow, and_(of_case, *times))
    if wanted.gate:
        entry = (CommandRow.county, CommandRow.case, CommandRow.seq)
        key = (JournalRow.county, JournalRow.case, JournalRow.seq)
        query = query.join(JournalRow, and_(*(a == b for a, b in zip(entry, key, strict=True))))
        query = query.where(JournalRow.text.contains(GATE.format(gate=wanted.gate), autoescape=True))
    return query.distinct()
