"""Reads for auditors: which cases a sample is drawn from."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, tuple_

from app.store.lists import Scope, _inside, _needs_household, _of_household, visible
from app.tables import CaseRow, CommandRow, Household, JournalRow, db
from app.tables.texts import gate_key


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
    return list(db.session.scalars(_acted(query, scope, wanted)))


def _acted(query: Any, scope: Scope, wanted: Population) -> Any:
    """Of commands, whose rows are small; with a gate of the entries that an index finds by it and a command made."""
    if not (wanted.gate or wanted.since or wanted.until):
        return query
    acted: Any = JournalRow if wanted.gate else CommandRow
    times = [acted.at >= wanted.since] * bool(wanted.since) + [acted.at < wanted.until] * bool(wanted.until)
    counties = sorted({office.area[:6] for office in scope.offices})
    some = select(acted.county, acted.case).where(*times)
    if wanted.gate:
        key = gate_key(JournalRow.county, JournalRow.text)
        some = some.where(key.in_([f"{county} {wanted.gate}" for county in counties]), _commanded())
    else:
        some = some.where(CommandRow.county.in_(counties))
    return query.where(tuple_(CaseRow.county, CaseRow.number).in_(some))


def _commanded() -> Any:
    """That an entry came by a command: both have the same time, by which an index finds it."""
    same = (getattr(CommandRow, name) == getattr(JournalRow, name) for name in ("county", "at", "case", "seq"))
    return select(CommandRow.seq).where(*same).exists()
