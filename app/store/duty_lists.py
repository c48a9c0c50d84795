"""Reads of the ledger of duties: pages by state, counts, coverage, a household's last year. Each takes a scope."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, false, func, or_, select, tuple_
from sqlalchemy.orm import aliased

from app.store.duties import DONE, DROPPED, OPEN
from app.store.lists import Page, Rows, Scope
from app.tables import Area, CaseRow, DeadlineRow, DutyAct, DutyPeriod, DutyReport, Household, Member, Wait, db
from workflows.clock import utc_text
from workflows.model import LEVEL_DIGITS, Office, area_prefix, area_root

STATES = ("open", "missed", "done", "made_up", "dropped")
NEWEST_FIRST = ("done", "made_up", "dropped")
SEES_ALL = frozenset(
    {"village_cadre", "resident_team", "township_officer", "township_leader", "county_lead", "auditor"}
)
VISITS = ("visit_open", "visit_stable")
TOWNSHIP_DIGITS, VILLAGE_DIGITS = LEVEL_DIGITS["township"], LEVEL_DIGITS["village"]
Place = aliased(Area)
KEY = (DutyPeriod.due_at, DutyPeriod.duty, DutyPeriod.subject, DutyPeriod.begins)


@dataclass(frozen=True)
class Wanted:
    """What to list: one of STATES ("" for all), inside an area, of one duty, only what the reader reports."""

    state: str = ""
    area: str = ""
    duty: str = ""
    mine: bool = False


# --- who sees and who reports ---
def seen(scope: Scope) -> ColumnElement[bool]:
    """The condition on periods that a person may see; nothing unless an office says so."""
    return or_(false(), *(_seen_by(office, scope.user_id) for office in scope.offices))


def _seen_by(office: Office, user_id: int) -> ColumnElement[bool]:
    if office.role == "helper":
        return and_(_inside_reach(office), DutyPeriod.user_id == user_id)
    if office.role in SEES_ALL:
        return _inside_reach(office)
    # A department sees what is its own to report; of households it sees a part only.
    return reported_by(office, user_id) if office.role == "sector_dept" else false()


def reported(scope: Scope) -> ColumnElement[bool]:
    """The condition on periods that a person's offices report."""
    return or_(false(), *(reported_by(office, scope.user_id) for office in scope.offices))


def reported_by(office: Office, user_id: int) -> ColumnElement[bool]:
    """The condition on periods that one office reports; a helper's are those of the households helped."""
    named = and_(_inside_reach(office), DutyPeriod.roles.contains(f",{office.role},", autoescape=True))
    return and_(named, DutyPeriod.user_id == user_id) if office.role == "helper" else named


def _inside_reach(office: Office) -> ColumnElement[bool]:
    wide, narrow = sorted((area_prefix(office.area, office.level), office.within), key=len)
    return inside(narrow if narrow.startswith(wide) else "")


def inside(prefix: str) -> ColumnElement[bool]:
    """The condition on periods of an area, by its leading digits; a grid has no duties of its own."""
    here = DutyPeriod.county == prefix[:6]
    if len(prefix) == TOWNSHIP_DIGITS:
        return and_(here, DutyPeriod.township == f"{prefix}000")
    if len(prefix) == VILLAGE_DIGITS:
        return and_(here, DutyPeriod.village == prefix)
    return here if len(prefix) == LEVEL_DIGITS["county"] else false()


def _is(state: str, now: str) -> ColumnElement[bool]:
    """The condition on periods of one of STATES; what is late is told from the time, never stored."""
    return {
        "open": and_(DutyPeriod.state == OPEN, DutyPeriod.due_at > now),
        "missed": and_(DutyPeriod.state == OPEN, DutyPeriod.due_at <= now),
        "done": and_(DutyPeriod.state == DONE, DutyPeriod.settled_at < DutyPeriod.due_at),
        "made_up": and_(DutyPeriod.state == DONE, DutyPeriod.settled_at >= DutyPeriod.due_at),
        "dropped": DutyPeriod.state == DROPPED,
    }[state]


# --- lists ---
def periods(scope: Scope, wanted: Wanted, now: datetime, page: Page) -> Rows:
    """Return a page of periods with the names of household and area: what is due first, or what was due last."""
    back = wanted.state in NEWEST_FIRST
    query = _named(select(DutyPeriod)).where(*_wanted(scope, wanted, utc_text(now)))
    if len(page.after) == len(KEY):
        after = tuple_(*KEY) < tuple_(*page.after) if back else tuple_(*KEY) > tuple_(*page.after)
        query = query.where(after)
    order = [column.desc() for column in KEY] if back else list(KEY)
    return db.session.execute(query.order_by(*order).limit(page.size + 1)).all()


def _named(query: Any) -> Any:
    """Add what a period's subject is called: the head's name of a household, or the area's."""
    home = and_(Household.county == DutyPeriod.county, Household.number == DutyPeriod.subject)
    where = case((DutyPeriod.kind == "township", DutyPeriod.township), else_=DutyPeriod.village)
    place = case((DutyPeriod.kind == "county", DutyPeriod.subject), else_=where)
    query = query.add_columns(Household.head_name, Place.name.label("place_name"))
    return query.outerjoin(Household, home).outerjoin(Place, Place.code == place)


def _wanted(scope: Scope, wanted: Wanted, now: str) -> list[ColumnElement[bool]]:
    found = [reported(scope) if wanted.mine else seen(scope)]
    found += [_is(wanted.state, now)] if wanted.state else []
    found += [inside(area_root(wanted.area))] if wanted.area else []
    return found + ([DutyPeriod.duty == wanted.duty] if wanted.duty else [])


def counts(scope: Scope, wanted: Wanted, now: datetime) -> dict[str, int]:
    """Return how many periods are open and missed of what is asked for; what is closed is not counted."""
    both = (func.sum(case((_is(state, utc_text(now)), 1), else_=0)) for state in ("open", "missed"))
    asked = Wanted("", wanted.area, wanted.duty, wanted.mine)
    query = select(*both).where(DutyPeriod.state == OPEN, *_wanted(scope, asked, utc_text(now)))
    found = db.session.execute(query).one()
    return {"open": int(found[0] or 0), "missed": int(found[1] or 0)}


def by_duty(scope: Scope, wanted: Wanted, now: datetime) -> Rows:
    """Return (duty, pack, begins, open, missed) of what is open, by duty."""
    asked = Wanted("", wanted.area, "", wanted.mine)
    both = (
        func.sum(case((_is(state, utc_text(now)), 1), else_=0)).label(name)
        for state, name in (("open", "running"), ("missed", "missed"))
    )
    query = select(DutyPeriod.duty, func.max(DutyPeriod.pack).label("pack"), func.max(DutyPeriod.begins), *both)
    query = query.where(DutyPeriod.state == OPEN, *_wanted(scope, asked, utc_text(now)))
    return db.session.execute(query.group_by(DutyPeriod.duty).order_by(DutyPeriod.duty)).all()


def coverage(scope: Scope, duties: Iterable[str], area: str, since: str) -> Rows:
    """Return (duty, pack, begins, due, subjects, done) of the periods of some duties that begin at a time or after."""
    query = select(
        DutyPeriod.duty,
        func.max(DutyPeriod.pack).label("pack"),
        DutyPeriod.begins,
        func.max(DutyPeriod.due_at).label("due_at"),
        func.count().label("subjects"),
        func.sum(case((DutyPeriod.state == DONE, 1), else_=0)).label("done"),
    ).where(DutyPeriod.duty.in_(list(duties)), DutyPeriod.state != DROPPED, DutyPeriod.begins >= since, seen(scope))
    query = query.where(inside(area_root(area))) if area else query
    return db.session.execute(
        query.group_by(DutyPeriod.duty, DutyPeriod.begins).order_by(DutyPeriod.begins.desc(), DutyPeriod.duty)
    ).all()


def of_household(county: str, number: str, since: str) -> Rows:
    """Return a household's periods that were due since a time, the latest first; the caller has asked who looks."""
    query = _named(select(DutyPeriod)).where(DutyPeriod.county == county, DutyPeriod.subject == number)
    query = query.where(DutyPeriod.due_at >= since).order_by(DutyPeriod.due_at.desc(), DutyPeriod.duty)
    return db.session.execute(query).all()


def visits_of_household(county: str, number: str, since: str) -> Sequence[DeadlineRow]:
    """Return a household's periods of the helper's visits, which timers of its case keep, the latest first."""
    joined = and_(CaseRow.county == DeadlineRow.county, CaseRow.number == DeadlineRow.case)
    query = select(DeadlineRow).join(CaseRow, joined).where(DeadlineRow.kind.in_(VISITS), DeadlineRow.due_at >= since)
    query = query.where(CaseRow.county == county, CaseRow.subject == f"household:{number}")
    return db.session.scalars(query.order_by(DeadlineRow.due_at.desc())).all()


def visits_due(user_id: int, now: datetime) -> dict[str, int]:
    """Return how many visits of a helper to the households helped are open and overdue, by the timers."""
    mine = and_(Wait.county == DeadlineRow.county, Wait.case == DeadlineRow.case)
    late = DeadlineRow.due_at <= utc_text(now)
    query = select(func.count(), func.sum(case((late, 1), else_=0))).select_from(DeadlineRow).join(Wait, mine)
    query = query.where(Wait.role == "helper", Wait.user_id == user_id, DeadlineRow.ended_how.is_(None))
    total, overdue = db.session.execute(query.where(DeadlineRow.kind.in_(VISITS))).one()
    return {"open": int(total or 0) - int(overdue or 0), "missed": int(overdue or 0)}


def acts_of(county: str, subjects: Iterable[str]) -> dict[tuple[str, str, str], list[DutyAct]]:
    """Return what was done for the periods of some subjects, by (duty, subject, begins), oldest first."""
    query = select(DutyAct).where(DutyAct.county == county, DutyAct.subject.in_(sorted(set(subjects))))
    found: dict[tuple[str, str, str], list[DutyAct]] = {}
    for act in db.session.scalars(query.order_by(DutyAct.id)):
        found.setdefault((act.duty, act.subject, act.begins), []).append(act)
    return found


# --- one period ---
def locked(scope: Scope, county: str, duty: str, begins: str, subjects: Iterable[str]) -> Sequence[DutyPeriod]:
    """Return periods of one duty and time under lock, those that the person may see, in the order of their subjects."""
    return db.session.scalars(_of(county, duty, begins).where(
        DutyPeriod.subject.in_(sorted(set(subjects))), seen(scope)
    ).order_by(DutyPeriod.subject).with_for_update()).all()  # fmt: skip


def _of(county: str, duty: str, begins: str) -> Any:
    return select(DutyPeriod).where(DutyPeriod.county == county, DutyPeriod.duty == duty, DutyPeriod.begins == begins)


def one(scope: Scope, county: str, duty: str, begins: str, subject: str) -> Any:
    """Return a period with the names of its subject, if the person may see it."""
    query = _named(_of(county, duty, begins)).where(DutyPeriod.subject == subject, seen(scope))
    return db.session.execute(query).one_or_none()


def alike(scope: Scope, county: str, duty: str, begins: str, limit: int) -> Rows:
    """Return the open periods of one duty and time that the person reports, so that they are reported at once."""
    query = _named(_of(county, duty, begins)).where(DutyPeriod.state == OPEN, reported(scope))
    return db.session.execute(query.order_by(DutyPeriod.village, DutyPeriod.subject).limit(limit)).all()


def open_since(counties: Sequence[str], since: str) -> Sequence[DutyPeriod]:
    """Return the open periods of some counties that end after a time, those of one duty and time together."""
    query = select(DutyPeriod).where(DutyPeriod.county.in_(counties), DutyPeriod.state == OPEN)
    query = query.where(DutyPeriod.due_at > since)
    return db.session.scalars(query.order_by(DutyPeriod.duty, DutyPeriod.begins, DutyPeriod.subject)).all()


def lives_there(county: str, household: str, person: str) -> bool:
    """Tell whether a person is a member of a household."""
    mine = and_(Member.county == county, Member.household == household, Member.id_key == person)
    return bool(db.session.scalar(select(exists().where(mine))))


def begun_on(county: str, duty: str, subject: str, day: str) -> int:
    """Count the periods of one duty and subject that were begun at noon of a day, and in the seconds after."""
    query = select(func.count()).select_from(DutyPeriod)
    query = query.where(DutyPeriod.county == county, DutyPeriod.duty == duty, DutyPeriod.subject == subject)
    return int(db.session.scalar(query.where(DutyPeriod.begins.startswith(f"{day}T04:"))) or 0)


def report_by_key(county: str, key: str) -> DutyReport | None:
    """Return the report that was taken in under a key."""
    return db.session.get(DutyReport, (county, key), populate_existing=True)


def file_is_shown(scope: Scope, county: str, sha256: str) -> bool:
    """Tell whether a file belongs to a report on a period that the person may see."""
    joined = and_(
        DutyAct.county == DutyPeriod.county, DutyAct.duty == DutyPeriod.duty,
        DutyAct.subject == DutyPeriod.subject, DutyAct.begins == DutyPeriod.begins,
    )  # fmt: skip
    held = and_(joined, DutyAct.county == county, DutyAct.files.contains(sha256, autoescape=True))
    return bool(db.session.scalar(select(exists().where(held, seen(scope)))))
