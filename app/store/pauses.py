"""Pauses and extensions of deadlines, for those who look after them: which, since when, by which entry."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import and_, func, select, tuple_

from app.store.lists import Page, Rows, Scope, Township, Village, visible
from app.tables import CaseRow, DeadlineRow, Household, JournalRow, db

CHANGES = ("paused", "extended")


def changes(scope: Scope, page: Page) -> Rows:
    """Return the periods that a pause or an extension ended, the newest first, with case, household and places.

    A pause's own period begins where this one ends; its end is when that one ended.
    """
    key = [DeadlineRow.ended_at, DeadlineRow.case, DeadlineRow.kind, DeadlineRow.generation]
    query = select(
        DeadlineRow, CaseRow, Household, Village.name.label("village_name"), Township.name.label("township_name")
    )
    query = query.join(CaseRow, and_(CaseRow.county == DeadlineRow.county, CaseRow.number == DeadlineRow.case))
    of_household = and_(Household.county == CaseRow.county, Household.number == func.substr(CaseRow.subject, 11))
    query = query.join(Household, of_household).outerjoin(Village, Village.code == Household.village)
    query = query.outerjoin(Township, Township.code == Household.township)
    query = query.where(DeadlineRow.ended_how.in_(CHANGES), visible(scope, Household))
    if len(page.after) == len(key):
        place = (*page.after[:3], int(page.after[3]) if page.after[3].isdigit() else 0)
        query = query.where(tuple_(*key) < tuple_(*place))
    return db.session.execute(query.order_by(*(column.desc() for column in key)).limit(page.size + 1)).all()


def following(rows: Sequence[DeadlineRow]) -> dict[tuple[str, str, int], DeadlineRow]:
    """Return the periods that go on after some: by case, kind and generation of the one before."""
    keys = [(row.county, row.case, row.kind, row.generation + 1) for row in rows]
    columns = (DeadlineRow.county, DeadlineRow.case, DeadlineRow.kind, DeadlineRow.generation)
    found = db.session.scalars(select(DeadlineRow).where(tuple_(*columns).in_(keys))) if keys else ()
    return {(row.case, row.kind, row.generation - 1): row for row in found}


def entries_at(county_cases: Iterable[tuple[str, str, str]]) -> dict[tuple[str, str], list[Any]]:
    """Return the entries of some cases at some times: by case and time."""
    keys = list(county_cases)
    columns = (JournalRow.county, JournalRow.case, JournalRow.at)
    found: dict[tuple[str, str], list[Any]] = {}
    if keys:
        query = select(JournalRow.case, JournalRow.at, JournalRow.text).where(tuple_(*columns).in_(keys))
        for row in db.session.execute(query.order_by(JournalRow.seq)):
            found.setdefault((row.case, row.at), []).append(row.text)
    return found
