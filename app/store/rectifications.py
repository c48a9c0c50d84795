"""Reads of open rectification items: a page of them, soonest due first, and how many there are by township."""

from typing import Any

from sqlalchemy import ColumnElement, and_, func, select

from app.store.lists import Page, Query, Rows, Scope, Village, _after, _inside, _needs_household, _of_household, visible
from app.tables import Area, CaseRow, Household, db

DEFINITION = "rectification"
LAST = "9999-12-31T23:59:59Z"  # of an item without a running period
DUE: ColumnElement[str] = func.coalesce(CaseRow.due_at, LAST)


def _open(scope: Scope, area: str, *columns: Any) -> Query:
    query = select(*columns).where(visible(scope, CaseRow), CaseRow.definition == DEFINITION, CaseRow.closed.is_(False))
    query = query.where(_inside(area, CaseRow)) if area else query
    return query.join(Household, _of_household()) if _needs_household(scope) else query


def rows(scope: Scope, area: str, state: str, late_before: str, page: Page) -> Rows:
    """Return (due, CaseRow, Household, village_name) of open items, soonest due first, then by number."""
    key = [DUE, CaseRow.number]
    some = _open(scope, area, CaseRow.county, CaseRow.number, DUE.label("due"))
    some = some.where(CaseRow.state == state) if state else some
    some = some.where(CaseRow.due_at <= late_before) if late_before else some
    found = some.where(_after(key, page)).order_by(*key).limit(page.size + 1).subquery()
    query = select(found.c.due, CaseRow, Household, Village.name.label("village_name")).select_from(found)
    query = query.join(CaseRow, and_(CaseRow.county == found.c.county, CaseRow.number == found.c.number))
    query = query.join(Household, _of_household()).outerjoin(Village, Village.code == Household.village)
    return db.session.execute(query.order_by(found.c.due, found.c.number)).all()


def by_township(scope: Scope, late_before: str) -> Rows:
    """Return (code, name, open, late) of the townships that have open items."""
    late = func.count().filter(CaseRow.due_at <= late_before)
    counted = _open(scope, "", CaseRow.township.label("code"), func.count().label("open"), late.label("late"))
    found = counted.group_by(CaseRow.township).subquery()
    query = select(found.c.code, Area.name, found.c.open, found.c.late).outerjoin(Area, Area.code == found.c.code)
    return db.session.execute(query.order_by(found.c.code)).all()
