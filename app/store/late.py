"""Reads for overdue views: what is late or due soon by area and place of work, what fell late by month, and reasons.

Late is asked of ``due_at`` and the moment each time: nothing here depends on a job that should have passed by.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select, tuple_, update

from app.store import lists
from app.store.lists import LATE_MODES, Page, Rows, Scope, Township, Village, visible
from app.tables import Area, CaseRow, DeadlineRow, Household, LateReason, db
from workflows.clock import utc_text

Query = Any
PINNED = (CaseRow.definition, CaseRow.definition_digest, CaseRow.policy_digest, CaseRow.purpose, CaseRow.state)
Place = tuple[str, str, str, str, str]  # where a case stands: definition, its digest, the pack's, purpose, state


@dataclass(frozen=True)
class Wanted:
    """Which periods: due after ``after`` and up to ``until`` (UTC texts), in an area, in some places of work.

    ``places`` None asks for all. ``ended`` asks for those too that ended late (what fell late in a month).
    """

    after: str
    until: str
    area: str = ""
    places: Collection[Place] | None = None
    ended: bool = False


def _chosen(scope: Scope, wanted: Wanted) -> Query:
    """The periods asked for: the one source of counts and rows."""
    places = lists._places(scope, wanted.area)
    few = lists._are_small(places) and not wanted.ended
    query = select(DeadlineRow.county).join(CaseRow, lists._of_period())
    query = query.where(_is_asked(wanted, by_case=few), visible(scope, DeadlineRow))
    query = query.where(lists._inside(wanted.area, DeadlineRow)) if wanted.area else query
    if few:
        # A village's or township's cases are few: they are asked one by one, where the county's periods are many.
        query = query.where(DeadlineRow.case.in_(lists._open_cases(places).where(CaseRow.due_at <= wanted.until)))
    if wanted.places is not None:
        query = query.where(tuple_(*PINNED).in_(sorted(wanted.places)))
    return query.join(Household, lists._of_household()) if lists._needs_household(scope) else query


def _is_asked(wanted: Wanted, *, by_case: bool) -> ColumnElement[bool]:
    fits = and_(DeadlineRow.due_at > wanted.after, DeadlineRow.due_at <= wanted.until)
    fits = and_(fits, DeadlineRow.mode.in_(LATE_MODES), DeadlineRow.bound == "max")
    if wanted.ended:
        return and_(fits, or_(DeadlineRow.ended_how.is_(None), DeadlineRow.ended_how == "late"))
    return and_(fits, lists._runs(by_case=by_case))


def column_of(scope: Scope, area: str) -> Any:
    """Return the column by which a board tells areas apart: villages inside one township, else townships."""
    places = lists._places(scope, area)
    inside = bool(places) and all(len(place) >= lists.TOWNSHIP_DIGITS for place in places)
    return DeadlineRow.village if inside else DeadlineRow.township


def cells(scope: Scope, wanted: Wanted, edges: Sequence[str]) -> Rows:
    """Count periods by area and place of work, in bands that end at some UTC texts; with the earliest due time.

    Columns: code, the five of ``Place``, one count a band, due.
    """
    column = column_of(scope, wanted.area)
    befores = ("", *edges[:-1])
    bands = (
        func.sum(case((and_(DeadlineRow.due_at > low, DeadlineRow.due_at <= high), 1), else_=0))
        for low, high in zip(befores, edges, strict=True)
    )
    counted = (bands_.label(f"band{number}") for number, bands_ in enumerate(bands))
    query = _chosen(scope, wanted).with_only_columns(
        column.label("code"), *PINNED, *counted, func.min(DeadlineRow.due_at).label("due")
    )
    return db.session.execute(query.group_by(column, *PINNED)).all()


def places(scope: Scope, area: str) -> list[Place]:
    """Return where a person's open cases stand; read from the cases alone, as their periods are many more."""
    query = select(*PINNED).where(visible(scope, CaseRow), CaseRow.closed.is_(False))
    query = query.where(lists._inside(area, CaseRow)) if area else query
    query = query.join(Household, lists._of_household()) if lists._needs_household(scope) else query
    return [(*row,) for row in db.session.execute(query.distinct())]


def fallen(scope: Scope, wanted: Wanted, edges: Sequence[str]) -> Rows:
    """Count what fell late by area and month: code, number of the month (the bands between edges), count."""
    column = column_of(scope, wanted.area)
    steps = [(DeadlineRow.due_at <= edge, number) for number, edge in enumerate(edges[1:])]
    month = case(*steps, else_=len(edges)).label("month")
    found = _chosen(scope, wanted).with_only_columns(column.label("code"), month).subquery()
    query = select(found.c.code, found.c.month, func.count().label("count"))
    return db.session.execute(query.group_by(found.c.code, found.c.month)).all()


def count(scope: Scope, wanted: Wanted) -> int:
    """Count the periods asked for."""
    return int(db.session.scalar(_chosen(scope, wanted).with_only_columns(func.count())) or 0)


def rows(scope: Scope, wanted: Wanted, page: Page) -> Rows:
    """Return the periods asked for, the earliest due first, with case, household and names of village and township."""
    key = [DeadlineRow.due_at, DeadlineRow.case, DeadlineRow.kind, DeadlineRow.generation]
    same = (DeadlineRow.county, DeadlineRow.case, DeadlineRow.kind, DeadlineRow.generation)
    some = _chosen(scope, wanted).with_only_columns(*same).where(_after(key, page))
    found = some.order_by(*key).limit(page.size + 1).subquery()
    query = select(
        DeadlineRow, CaseRow, Household, Village.name.label("village_name"), Township.name.label("township_name")
    )
    query = query.select_from(found).join(DeadlineRow, and_(*(column == found.c[column.key] for column in same)))
    query = query.join(CaseRow, lists._of_period()).join(Household, lists._of_household())
    query = query.outerjoin(Village, Village.code == Household.village)
    query = query.outerjoin(Township, Township.code == Household.township)
    return db.session.execute(query.order_by(*key)).all()


def _after(key: Sequence[Any], page: Page) -> ColumnElement[bool]:
    """The condition on rows after a page's key, whose last part is the whole number of a generation."""
    if len(page.after) != len(key) or not page.after[-1].isdigit() or len(page.after[-1]) > 9:
        return and_(True)
    return tuple_(*key) > tuple_(*page.after[:-1], int(page.after[-1]))


def area_names(codes: Iterable[str]) -> dict[str, str]:
    """Return names of areas by code."""
    query = select(Area.code, Area.name).where(Area.code.in_(sorted(set(codes))))
    return dict(db.session.execute(query).all())


# --- reasons ---
Key = tuple[str, str, str, int]  # county, case, kind, generation


def period(key: Key) -> DeadlineRow | None:
    """Return a period."""
    return db.session.get(DeadlineRow, key)


def reasons(keys: Iterable[Key]) -> dict[Key, LateReason]:
    """Return the newest reason of each of some periods; one query."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    of = (LateReason.county, LateReason.case, LateReason.kind, LateReason.generation)
    cases = sorted({key[1] for key in wanted})
    query = select(LateReason).where(LateReason.county.in_({key[0] for key in wanted}), LateReason.case.in_(cases))
    found = db.session.scalars(query.order_by(*of, LateReason.serial)).all()
    newest = {(one.county, one.case, one.kind, one.generation): one for one in found}
    return {key: newest[key] for key in wanted if key in newest}


def reasons_of(key: Key) -> Sequence[LateReason]:
    """Return all reasons given for one period, oldest first."""
    county, number, kind, generation = key
    query = select(LateReason).where(LateReason.county == county, LateReason.case == number)
    query = query.where(LateReason.kind == kind, LateReason.generation == generation)
    return db.session.scalars(query.order_by(LateReason.serial)).all()


def add_reason(key: Key, *, user: str, text: str, salt: str, digest: str, now: datetime) -> None:
    """Record one more reason for a period; the caller holds the household's lock."""
    county, number, kind, generation = key
    serial = len(reasons_of(key)) + 1
    row = LateReason(
        county=county, case=number, kind=kind, generation=generation, serial=serial, user=user, at=utc_text(now),
        salt=salt, text=text, digest=digest,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()


def erase_reasons(key: Key) -> int:
    """Erase the words of all reasons of a period, their digests stay; return how many held any."""
    county, number, kind, generation = key
    held = [one for one in reasons_of(key) if one.text is not None]
    query = update(LateReason).where(LateReason.county == county, LateReason.case == number)
    query = query.where(LateReason.kind == kind, LateReason.generation == generation)
    db.session.execute(query.values(text=None, salt=""))
    return len(held)
