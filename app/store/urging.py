"""Cases pressed by hand (催办), and letters of formal urging (督办函)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, select, update

from app.store.transaction import insert_once
from app.tables import CaseRow, Counter, DeadlineRow, Household, Nudge, Urging, db
from workflows.clock import utc_text


# --- pressed by hand ---
def nudged_days(county: str, case: str, user_id: int, *, since: str) -> list[str]:
    """Return the days since one on which a person pressed a case."""
    mine = (Nudge.county == county, Nudge.case == case, Nudge.user_id == user_id, Nudge.day >= since)
    return list(db.session.scalars(select(Nudge.day).where(*mine).order_by(Nudge.day)))


def add_nudge(county: str, case: str, user_id: int, *, day: str, reason: str, now: datetime) -> bool:
    """Record that a person pressed a case on a day; tell whether it is the first time that day."""
    row = {"county": county, "case": case, "user_id": user_id, "day": day, "at": utc_text(now), "reason": reason}
    done = db.session.execute(insert_once(Nudge).values(**row))
    return bool(done.rowcount == 1)  # type: ignore[attr-defined]


def nudges_of(county: str, case: str) -> Sequence[Nudge]:
    """Return how a case was pressed, newest first."""
    query = select(Nudge).where(Nudge.county == county, Nudge.case == case)
    return db.session.scalars(query.order_by(Nudge.at.desc(), Nudge.user_id)).all()


def nudge_counts(cases: Iterable[str]) -> Mapping[str, int]:
    """Return how often some cases were pressed, those that were."""
    numbers = sorted(set(cases))
    query = select(Nudge.case, func.count()).where(Nudge.case.in_(numbers)).group_by(Nudge.case)
    query = query.where(Nudge.county.in_({number[:6] for number in numbers}))
    return {case: int(count) for case, count in db.session.execute(query)} if numbers else {}


# --- letters of formal urging ---
def late_periods(county: str, now: datetime, *, limit: int) -> Sequence[Any]:
    """Return a county's late periods that run on, latest first, with case, household and their urging if any."""
    same = and_(
        Urging.county == DeadlineRow.county,
        Urging.case == DeadlineRow.case,
        Urging.kind == DeadlineRow.kind,
        Urging.generation == DeadlineRow.generation,
    )
    query = select(DeadlineRow, CaseRow, Household).where(
        DeadlineRow.county == county,
        DeadlineRow.mode == "lapse",
        DeadlineRow.bound == "max",
        DeadlineRow.ended_how.is_(None),
        DeadlineRow.due_at <= utc_text(now),
        ~select(Urging.number).where(same, Urging.answered_at.is_(None)).exists(),
    )
    query = query.join(CaseRow, (CaseRow.county == DeadlineRow.county) & (CaseRow.number == DeadlineRow.case))
    subject = func.substr(CaseRow.subject, 11)
    query = query.join(Household, (Household.county == CaseRow.county) & (Household.number == subject))
    return db.session.execute(query.order_by(DeadlineRow.due_at, DeadlineRow.case).limit(limit)).all()


def next_number(county: str, year: int) -> int:
    """Return the next number of a year under lock, without a gap."""
    name = f"urging {year}"
    db.session.execute(insert_once(Counter).values(county=county, name=name, value=0))
    mine = (Counter.county == county, Counter.name == name)
    last = int(db.session.execute(select(Counter.value).where(*mine).with_for_update()).scalar_one())
    db.session.execute(update(Counter).where(*mine).values(value=last + 1))
    return last + 1


def is_open(county: str, case: str, kind: str) -> bool:
    """Tell whether a letter about this period waits for its answer."""
    mine = (Urging.county == county, Urging.case == case, Urging.kind == kind, Urging.answered_at.is_(None))
    return bool(db.session.scalar(select(func.count()).select_from(Urging).where(*mine)))


def add(row: Urging) -> None:
    """Record a letter."""
    db.session.add(row)
    db.session.flush()


def urging(county: str, year: int, number: int) -> Urging | None:
    """Return a letter, fresh from the database."""
    return db.session.get(Urging, (county, year, number), populate_existing=True)


def urgings(counties: Iterable[str], *, area: str = "", case: str = "", limit: int = 200) -> Sequence[Urging]:
    """Return letters, those that wait for an answer first, then the newest; of an area (township) or a case."""
    query = select(Urging).where(Urging.county.in_(sorted(set(counties))))
    query = query.where(Urging.area == area) if area else query
    query = query.where(Urging.case == case) if case else query
    order = (Urging.answered_at.is_not(None), Urging.year.desc(), Urging.number.desc())
    return db.session.scalars(query.order_by(*order).limit(limit)).all()
