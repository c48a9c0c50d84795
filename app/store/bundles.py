"""Which households a bundle of trails is about: one case of each, by area, gate and time."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import and_, func, or_, select

from app.store.lists import VILLAGE_DIGITS, Scope, _needs_household, _of_household, _within, visible
from app.tables import CaseRow, Household, JournalRow, SealLeaf, db
from workflows.model import area_root

MAIN = "household_case"
COLUMNS = (CaseRow.number, CaseRow.subject, CaseRow.definition, CaseRow.opened_at)
Rows = Sequence[Any]


def cases_in(scope: Scope, area: str, *, gate: str = "", since: str = "", until: str = "") -> list[str]:
    """Return one visible case of each household of an area, by number: the newest about its identification, if any.

    With ``gate``, ``since`` or ``until`` (UTC texts, the end exclusive): of those of which an entry was made then.
    """
    inside = and_(visible(scope, CaseRow), _within(CaseRow, area_root(area)))
    query = select(*COLUMNS).where(inside)
    acted = select(CaseRow.subject).where(inside, _acted(gate, since, until).exists())
    if _needs_household(scope) or len(area_root(area)) > VILLAGE_DIGITS:
        query, acted = query.join(Household, _of_household()), acted.join(Household, _of_household())
    rows = db.session.execute(query).all()
    if gate or since or until:
        those = set(db.session.scalars(acted))
        rows = [row for row in rows if row.subject in those]
    return _one_a_household(rows)


def cases_of_kind(scope: Scope, area: str, definition: str, purposes: Iterable[str]) -> list[str]:
    """Return the newest visible case of a definition (and of some purposes) of each household of an area, by number."""
    query = select(*COLUMNS).where(visible(scope, CaseRow), _within(CaseRow, area_root(area)))
    query = query.where(CaseRow.definition == definition)
    wanted = sorted(purposes)
    query = query.where(CaseRow.purpose.in_(wanted)) if wanted else query
    if _needs_household(scope) or len(area_root(area)) > VILLAGE_DIGITS:
        query = query.join(Household, _of_household())
    return _one_a_household(db.session.execute(query))


def trails_of(households: Iterable[str]) -> list[str]:
    """Return the case by which a bundle prints each of some households, by number."""
    subjects = sorted(f"household:{number}" for number in households)
    counties = sorted({subject.removeprefix("household:")[:6] for subject in subjects})
    query = select(*COLUMNS).where(CaseRow.county.in_(counties), CaseRow.subject.in_(subjects))
    return _one_a_household(db.session.execute(query))


def counties() -> list[str]:
    """Return the counties that have cases."""
    return sorted(db.session.scalars(select(CaseRow.county).distinct()))


def _acted(gate: str, since: str, until: str) -> Any:
    query = select(JournalRow.seq).where(JournalRow.county == CaseRow.county, JournalRow.case == CaseRow.number)
    query = query.where(JournalRow.at >= since) if since else query
    query = query.where(JournalRow.at < until) if until else query
    # In canonical JSON no text that somebody wrote can look like this: its quotation marks are escaped.
    return query.where(JournalRow.text.contains(f'"gate":"{gate}"', autoescape=True)) if gate else query


def cases_named(scope: Scope, numbers: Iterable[str]) -> set[str]:
    """Return which of some case numbers a person may see."""
    wanted, found = sorted(set(numbers)), set[str]()
    for start in range(0, len(wanted), 500):
        query = select(CaseRow.number).join(Household, _of_household()).where(visible(scope))
        found |= set(db.session.scalars(query.where(CaseRow.number.in_(wanted[start : start + 500]))))
    return found


def _one_a_household(rows: Iterable[Any]) -> list[str]:
    best: dict[str, tuple[bool, str, str]] = {}
    for number, subject, definition, opened in rows:
        known = (definition == MAIN, opened, number)
        best[subject] = max(best.get(subject, known), known)
    return sorted(number for _, _, number in best.values())


def changed_since(county: str, at: str, case: str, until: str, size: int) -> Rows:
    """Return (time, number) of the next cases of a county that moved after a time and a number, in that order."""
    later = or_(CaseRow.updated_at > at, and_(CaseRow.updated_at == at, CaseRow.number > case))
    query = select(CaseRow.updated_at, CaseRow.number).where(
        CaseRow.county == county, later, CaseRow.updated_at <= until
    )
    return db.session.execute(query.order_by(CaseRow.updated_at, CaseRow.number).limit(size)).all()


def sealed_since(county: str, leaf: int, size: int) -> Rows:
    """Return (place, case) of the next leaves of a county's log."""
    query = select(SealLeaf.seq, SealLeaf.case).where(SealLeaf.county == county, SealLeaf.seq > leaf)
    return db.session.execute(query.order_by(SealLeaf.seq).limit(size)).all()


def last_leaf(county: str) -> int:
    """Return the place of a county's newest leaf, 0 without one."""
    return int(db.session.scalar(select(func.max(SealLeaf.seq)).where(SealLeaf.county == county)) or 0)
