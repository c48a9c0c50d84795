"""Reads for lists: desk, search, boards, notices, totals. Each takes the scope of the person who looks."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select, tuple_, union
from sqlalchemy.orm import aliased

from app.tables import (
    AccessRow,
    Appointment,
    Area,
    CaseRow,
    DeadlineRow,
    EvidenceFile,
    EvidenceUse,
    Household,
    Member,
    User,
    Wait,
    db,
)
from workflows.clock import local_date, utc_text
from workflows.model import LEVEL_DIGITS, ROLE_LEVELS, Office, area_prefix, area_root

Rows = Sequence[Any]  # rows of several columns: their types differ from query to query
Query = Any  # a SELECT of columns that are added step by step
HOUSEHOLD_ROLES = frozenset(role for role, level in ROLE_LEVELS.items() if level != "prefecture") - {"admin", "system"}
COUNTED = 5_000  # more rows of a list than these are not counted on a page: "5000+"
LATE_MODES = ("lapse", "recurring")
COUNTY_DIGITS, TOWNSHIP_DIGITS, VILLAGE_DIGITS = (LEVEL_DIGITS[level] for level in ("county", "township", "village"))
Township = aliased(Area)
Village = aliased(Area)


@dataclass(frozen=True)
class Scope:
    """What a person may see: the offices held and the number of the account (0 sees nothing by assignment)."""

    offices: tuple[Office, ...]
    user_id: int


@dataclass(frozen=True)
class Page:
    """Which rows to give: those after a key (the sort columns of the last row seen), at most so many."""

    after: tuple[str, ...] = ()
    size: int = 25


# --- scope ---
def visible(scope: Scope, model: Any = Household) -> ColumnElement[bool]:
    """The condition on rows that a person may see, of households or of theirs; nothing unless an office says so.

    Rows of other tables are told by their own columns, whose indexes keep the order of a list; only what these don't
    know (a grid, a helper's assignment) asks the household, which the caller joins then (``_needs_household``).
    """
    counties = sorted({office.area[:6] for office in scope.offices})
    offices = or_(false(), *(_visible_by(office, scope.user_id, model) for office in scope.offices))
    return and_(model.county.in_(counties), offices)


def _visible_by(office: Office, user_id: int, model: Any) -> ColumnElement[bool]:
    if office.role not in HOUSEHOLD_ROLES:
        return false()
    inside = _within(model, _reach(office))
    return and_(inside, Household.number.in_(_helped(_account(office, user_id)))) if office.role == "helper" else inside


def _account(office: Office, user_id: int) -> int:
    """Return the account whose assignments an office sees: a substitute sees the absent person's."""
    return int(office.behalf.id[1:]) if office.behalf else user_id


def _reach(office: Office) -> str:
    """Return the leading digits of what an office covers, narrowed by a token; empty when the two share nothing."""
    wide, narrow = sorted((area_prefix(office.area, office.level), office.within), key=len)
    return narrow if narrow.startswith(wide) else ""


def _within(model: Any, prefix: str) -> ColumnElement[bool]:
    """The condition on rows of an area, by its leading digits: equality, as it keeps the order that an index has."""
    inside: ColumnElement[bool] = model.county == prefix[:6]
    if len(prefix) == TOWNSHIP_DIGITS:
        return and_(inside, model.township == f"{prefix}000")
    if len(prefix) >= VILLAGE_DIGITS:
        inside = and_(inside, model.village == prefix[:VILLAGE_DIGITS])
    return and_(inside, Household.area.startswith(prefix)) if len(prefix) > VILLAGE_DIGITS else inside


def _needs_household(scope: Scope) -> bool:
    return any(office.role == "helper" or len(_reach(office)) > VILLAGE_DIGITS for office in scope.offices)


def _helped(user_id: int) -> Query:
    """Numbers of the households whose present helper is this account."""
    joined = and_(CaseRow.county == Wait.county, CaseRow.number == Wait.case)
    return (
        select(func.substr(CaseRow.subject, 11))
        .join(Wait, joined)
        .where(Wait.role == "helper", Wait.user_id == user_id, CaseRow.definition == "assist")
    )


def _of_household() -> ColumnElement[bool]:
    return and_(Household.county == CaseRow.county, Household.number == func.substr(CaseRow.subject, 11))


def _after(columns: Sequence[Any], page: Page) -> ColumnElement[bool]:
    """The condition on rows after the page's key; a key of another list is none: the first page."""
    fits = len(page.after) == len(columns)
    return tuple_(*columns) > tuple_(*(page.after if fits else [""] * len(columns)))


# --- desk ---
def _soonest(scope: Scope, between: tuple[str, str], size: int, key: tuple[str, ...] = ()) -> Query:
    """The first so many cases that wait for one of the person's offices, once each: source of rows and counts alike.

    Each office has a walk of its own along an index, which ends as soon as there are enough.
    """
    walks = [select(_walk(office, scope.user_id, between, size, key).subquery()) for office in scope.offices]
    together: Query = union(*walks) if walks else _waits().where(false())
    found = together.subquery()
    return select(found).order_by(found.c.due_at, found.c.case).limit(size)


def _waits() -> Query:
    return select(Wait.county, Wait.case, Wait.due_at)


def _walk(office: Office, user_id: int, between: tuple[str, str], size: int, key: tuple[str, ...]) -> Query:
    query = _waits().where(_waits_for(office, user_id), _behind(between[0], key), Wait.due_at <= between[1])
    if len(office.within if office.role == "helper" else _reach(office)) > VILLAGE_DIGITS:
        query = query.join(CaseRow, and_(CaseRow.county == Wait.county, CaseRow.number == Wait.case))
        query = query.join(Household, _of_household())
    return query.order_by(Wait.due_at, Wait.case).limit(size)


def _behind(low: str, key: tuple[str, ...]) -> ColumnElement[bool]:
    """The condition on what waits after a time and after a page's key: of the two the one that begins later, alone.

    SQLite would begin at whichever of the two comes first, and walk through all that lies before the page.
    """
    fits = len(key) == len((Wait.due_at, Wait.case))
    return tuple_(Wait.due_at, Wait.case) > tuple_(*key) if fits and key[0] > low else Wait.due_at > low


def _waits_for(office: Office, user_id: int) -> ColumnElement[bool]:
    if office.role not in HOUSEHOLD_ROLES:
        return false()
    if office.role == "helper":
        mine = and_(Wait.role == office.role, Wait.user_id == _account(office, user_id))
        return and_(mine, _within(Wait, office.within)) if office.within else mine
    return and_(Wait.role == office.role, _within(Wait, _reach(office)))


def desk_counts(scope: Scope, bands: Iterable[tuple[str, str]]) -> list[int]:
    """Count what waits with due times after the first and up to the second text of each band, up to ``COUNTED`` + 1."""
    numbers = [_counted(_soonest(scope, band, COUNTED + 1)) for band in bands]
    return [int(number) for number in db.session.execute(select(*numbers)).one()]


def _counted(query: Query) -> Any:
    return select(func.count()).select_from(query.subquery()).scalar_subquery()


def desk_rows(scope: Scope, page: Page, between: tuple[str, str]) -> Rows:
    """Return what waits, soonest first, with due times after the first and up to the second text."""
    rows = _soonest(scope, between, page.size + 1, page.after).subquery()
    query = (
        select(rows.c.due_at, CaseRow, Household, Village.name.label("village_name"))
        .join(CaseRow, and_(CaseRow.county == rows.c.county, CaseRow.number == rows.c.case))
        .join(Household, _of_household())
        .outerjoin(Village, Village.code == Household.village)
    )
    return db.session.execute(query.order_by(rows.c.due_at, rows.c.case)).all()


# --- households ---
def search_households(scope: Scope, words: str, area: str, page: Page) -> Rows:
    """Return households by beginning of the head's name or the number, or by national number, inside an area."""
    query = select(Household, Village.name.label("village_name"), Township.name.label("township_name"))
    query = query.outerjoin(Village, Village.code == Household.village)
    query = query.outerjoin(Township, Township.code == Household.township)
    query = query.where(visible(scope), _after([Household.county, Household.number], page))
    if words:
        named = Household.head_name.startswith(words, autoescape=True)
        numbered = Household.number.startswith(words.upper(), autoescape=True)
        query = query.where(or_(named, numbered, Household.national_number == words))
    if area:
        query = query.where(_inside(area))
    return db.session.execute(query.order_by(Household.county, Household.number).limit(page.size + 1)).all()


def _inside(area: str, model: Any = Household) -> ColumnElement[bool]:
    """The condition on rows inside an area of county level or below."""
    return _within(model, area_root(area))


def households_by_area(scope: Scope, parent: str) -> Rows:
    """Count visible households for each area directly inside an area of county or township level."""
    column = Household.village if parent[6:9].strip("0") else Household.township
    counted = select(column.label("code"), func.count().label("households")).where(visible(scope))
    counted = counted.where(column.in_(select(Area.code).where(Area.parent == parent)))
    found = counted.group_by(column).subquery()  # before names are joined: along an index, nothing is sorted
    query = select(Area.code, Area.name, found.c.households).join(found, found.c.code == Area.code)
    return db.session.execute(query.order_by(Area.code)).all()


def household(scope: Scope, county: str, number: str) -> Any:
    """Return a household with the names of village and township, if the person may see it."""
    query = select(Household, Village.name.label("village_name"), Township.name.label("township_name"))
    query = query.outerjoin(Village, Village.code == Household.village)
    query = query.outerjoin(Township, Township.code == Household.township)
    query = query.where(Household.county == county, Household.number == number, visible(scope))
    return db.session.execute(query).one_or_none()


def members(county: str, number: str) -> Sequence[Member]:
    """Return the members of a household in order."""
    query = select(Member).where(Member.county == county, Member.household == number).order_by(Member.position)
    return db.session.scalars(query).all()


def cases_of(county: str, numbers: Iterable[str]) -> Sequence[CaseRow]:
    """Return the cases of some households, in order of opening."""
    subjects = [f"household:{number}" for number in numbers]
    query = select(CaseRow).where(CaseRow.county == county, CaseRow.subject.in_(subjects))
    return db.session.scalars(query.order_by(CaseRow.subject, CaseRow.opened_at, CaseRow.number)).all()


def last_photo(county: str, number: str, kind: str) -> str | None:
    """Return the digest of a household's newest piece of evidence of a kind."""
    joined = and_(CaseRow.county == EvidenceUse.county, CaseRow.number == EvidenceUse.case)
    filed = and_(EvidenceFile.county == EvidenceUse.county, EvidenceFile.sha256 == EvidenceUse.sha256)
    query = select(EvidenceUse.sha256).join(CaseRow, joined).join(EvidenceFile, filed)
    query = query.where(EvidenceUse.county == county, CaseRow.subject == f"household:{number}")
    query = query.where(EvidenceUse.kind == kind, EvidenceFile.shown_mime.startswith("image/"))
    return db.session.scalar(query.order_by(EvidenceFile.uploaded_at.desc(), EvidenceUse.seq.desc()).limit(1))


def uploads_of(county: str, user: str, digests: Iterable[str]) -> Sequence[EvidenceFile]:
    """Return files that an account itself handed in."""
    query = select(EvidenceFile).where(EvidenceFile.county == county, EvidenceFile.uploaded_by == user)
    return db.session.scalars(query.where(EvidenceFile.sha256.in_(list(digests)))).all()


# --- areas and people ---
def area_names(codes: Iterable[str]) -> dict[str, str]:
    """Return the names of areas by code."""
    query = select(Area.code, Area.name).where(Area.code.in_(sorted(set(codes))))
    return dict(db.session.execute(query).all())


def people_in(roles: Iterable[str], areas: Iterable[str], now: datetime) -> Rows:
    """Return active holders of roles in some areas today: account, name, person, role, area."""
    today = local_date(now).isoformat()
    query = select(User.id, User.name, User.person, Appointment.role, Appointment.area)
    query = query.join(Appointment, Appointment.user_id == User.id).where(User.active.is_(True))
    query = query.where(Appointment.role.in_(list(roles)), Appointment.area.in_(list(areas)))
    query = query.where(Appointment.begins <= today, or_(Appointment.ends.is_(None), Appointment.ends > today))
    return db.session.execute(query.order_by(User.name, User.id)).all()


def accounts(counties: Iterable[str], page: Page) -> Rows:
    """Return accounts of some counties, by log-in name."""
    query = select(User).where(User.county.in_(list(counties)), User.username > (page.after[0] if page.after else ""))
    return db.session.execute(query.order_by(User.username).limit(page.size + 1)).all()


def user_names(numbers: Iterable[int]) -> dict[int, str]:
    """Return the names of accounts by number."""
    query = select(User.id, User.name).where(User.id.in_(sorted(set(numbers))))
    return dict(db.session.execute(query).all())


def parse_json(text: str) -> dict[str, Any]:
    """Return a stored JSON object."""
    return dict(json.loads(text))


def offices_by_user(users: Iterable[int], now: datetime) -> Rows:
    """Return (account, role, area, name of the area) of offices held today."""
    today = local_date(now).isoformat()
    query = select(Appointment.user_id, Appointment.role, Appointment.area, Area.name)
    query = query.outerjoin(Area, Area.code == Appointment.area).where(Appointment.user_id.in_(list(users)))
    query = query.where(Appointment.begins <= today, or_(Appointment.ends.is_(None), Appointment.ends > today))
    return db.session.execute(query.order_by(Appointment.id)).all()


# --- boards ---
def _late(scope: Scope, now: datetime, parent: str) -> Query:
    """Running periods that somebody should have met by now: the one source of the board's rows and counts."""
    query = select(DeadlineRow.county, DeadlineRow.case, DeadlineRow.kind, DeadlineRow.generation)
    places = _places(scope, parent)
    few = _are_small(places)
    query = query.where(_is_late(utc_text(now), by_case=few), visible(scope, DeadlineRow))
    query = query.where(_inside(parent, DeadlineRow)) if parent else query
    if few:
        late = _open_cases(places).where(CaseRow.due_at <= utc_text(now))
        query = query.where(DeadlineRow.case.in_(late))
    return query.join(CaseRow, _of_period()).join(Household, _of_household()) if _needs_household(scope) else query


def _is_late(before: str, *, by_case: bool = False) -> ColumnElement[bool]:
    """The condition on running periods that somebody should have met by a time."""
    late = and_(_runs(by_case=by_case), DeadlineRow.due_at <= before)
    return and_(late, DeadlineRow.mode.in_(LATE_MODES), DeadlineRow.bound == "max")


def _runs(*, by_case: bool) -> ColumnElement[bool]:
    """The condition on running periods; ``by_case`` says it so that no index knows it.

    Then the few periods of a case are read, where SQLite would walk through all that run in the county.
    """
    return func.coalesce(DeadlineRow.ended_how, "") == "" if by_case else DeadlineRow.ended_how.is_(None)


def _places(scope: Scope, area: str) -> list[str]:
    """Return the leading digits of the area asked for, or of all that a person's offices cover, down to villages."""
    return [area_root(area)] if area else [_reach(office)[:VILLAGE_DIGITS] for office in scope.offices]


def _are_small(places: Iterable[str]) -> bool:
    """Tell whether places lie below a county: then their cases are few enough to be asked one by one."""
    return all(len(place) > COUNTY_DIGITS for place in places)


def _of_period() -> ColumnElement[bool]:
    return and_(CaseRow.county == DeadlineRow.county, CaseRow.number == DeadlineRow.case)


def late_by_area(scope: Scope, now: datetime, parent: str) -> Rows:
    """Count overdue periods by township, or by village inside a township: code, name, number."""
    column = DeadlineRow.village if parent else DeadlineRow.township
    counted = _late(scope, now, parent).with_only_columns(column.label("code"), func.count().label("late"))
    found = counted.group_by(column).subquery()
    query = select(found.c.code, Area.name, found.c.late).outerjoin(Area, Area.code == found.c.code)
    return db.session.execute(query.order_by(found.c.late.desc(), found.c.code)).all()


def late_rows(scope: Scope, now: datetime, parent: str, page: Page) -> Rows:
    """Return overdue periods, the latest first, with case, household and names of village and township."""
    key = [DeadlineRow.due_at, DeadlineRow.case, DeadlineRow.kind]
    some = _late(scope, now, parent).where(_after(key, page)).order_by(*key).limit(page.size + 1).subquery()
    same = (DeadlineRow.county, DeadlineRow.case, DeadlineRow.kind, DeadlineRow.generation)
    query = select(
        DeadlineRow, CaseRow, Household, Village.name.label("village_name"), Township.name.label("township_name")
    )
    query = query.select_from(some).join(DeadlineRow, and_(*(column == some.c[column.key] for column in same)))
    query = query.join(CaseRow, _of_period()).join(Household, _of_household())
    query = query.outerjoin(Village, Village.code == Household.village)
    query = query.outerjoin(Township, Township.code == Household.township)
    return db.session.execute(query.order_by(*key)).all()


def notice_villages(scope: Scope, timer: str, village: str, page: Page) -> list[str]:
    """Return the villages, or the one asked for, in which a public notice runs."""
    places = _places(scope, village)
    query = select(DeadlineRow.village).where(_hangs(timer, places), visible(scope, DeadlineRow))
    query = query.where(_after([DeadlineRow.village], page))
    query = query.where(DeadlineRow.village == village) if village else query
    query = query.join(CaseRow, _of_period()).join(Household, _of_household()) if _needs_household(scope) else query
    return list(db.session.scalars(query.distinct().order_by(DeadlineRow.village).limit(page.size + 1)))


def notices(scope: Scope, timer: str, villages: Sequence[str]) -> Rows:
    """Return the public notices that run: the columns that may be shown in public, and the case's fields text."""
    query = select(
        Household.village,
        Village.name.label("village_name"),
        Township.name.label("township_name"),
        Household.group_name,
        Household.head_name,
        Household.member_count,
        CaseRow.purpose,
        CaseRow.number,
        CaseRow.fields,
        DeadlineRow.start_at,
        DeadlineRow.due_at,
    )
    query = query.select_from(DeadlineRow).join(CaseRow, _of_period()).join(Household, _of_household())
    query = query.outerjoin(Village, Village.code == Household.village)
    query = query.outerjoin(Township, Township.code == Household.township)
    query = query.where(_hangs(timer, villages), visible(scope))
    return db.session.execute(query.order_by(Household.village, CaseRow.purpose.desc(), CaseRow.number)).all()


def _hangs(timer: str, places: Sequence[str]) -> ColumnElement[bool]:
    """The condition on the running periods of a kind in some places."""
    few = _are_small(places)
    running = and_(DeadlineRow.kind == timer, _runs(by_case=few))
    return and_(running, DeadlineRow.case.in_(_open_cases(places))) if few else running


def _open_cases(places: Iterable[str]) -> Query:
    inside = or_(false(), *(_within(CaseRow, place) for place in places))
    return select(CaseRow.number).where(inside)


# --- auditors and totals ---
@dataclass(frozen=True)
class CaseFilter:
    """What an auditor looks for; empty texts ask for everything. ``late_before`` keeps overdue cases only."""

    definition: str = "household_case"
    state: str = ""
    township: str = ""
    late_before: str = ""


def _chosen(scope: Scope, wanted: CaseFilter) -> Query:
    query = select(CaseRow.county, CaseRow.number)
    query = query.where(visible(scope, CaseRow), CaseRow.definition == wanted.definition)
    query = query.where(CaseRow.state == wanted.state) if wanted.state else query
    query = query.where(CaseRow.township == wanted.township) if wanted.township else query
    if wanted.late_before:
        late = select(DeadlineRow.kind).where(_of_period(), _is_late(wanted.late_before, by_case=True))
        query = query.where(CaseRow.due_at <= wanted.late_before, late.exists())
    return query.join(Household, _of_household()) if _needs_household(scope) else query


def count_cases(scope: Scope, wanted: CaseFilter) -> int:
    """Count the cases that fit a filter, up to ``COUNTED`` + 1."""
    return int(db.session.scalar(select(_counted(_chosen(scope, wanted).limit(COUNTED + 1)))) or 0)


def find_cases(scope: Scope, wanted: CaseFilter, page: Page) -> Rows:
    """Return the cases that fit a filter, by county and number."""
    key = [CaseRow.county, CaseRow.number]
    some = _chosen(scope, wanted).where(_after(key, page)).order_by(*key).limit(page.size + 1).subquery()
    query = select(CaseRow, Household, Village.name.label("village_name")).select_from(some)
    query = query.join(CaseRow, and_(CaseRow.county == some.c.county, CaseRow.number == some.c.number))
    query = query.join(Household, _of_household()).outerjoin(Village, Village.code == Household.village)
    return db.session.execute(query.order_by(*key)).all()


def ledger_lines(county: str, before: int, kind: str, size: int) -> Sequence[AccessRow]:
    """Return lines of a county's access ledger, newest first, older than a number (0: from the newest)."""
    query = select(AccessRow).where(AccessRow.county == county)
    query = query.where(AccessRow.seq < before) if before else query
    query = query.where(AccessRow.text.contains(f'"kind":"{kind}"', autoescape=True)) if kind else query
    return db.session.scalars(query.order_by(AccessRow.seq.desc()).limit(size + 1)).all()


def totals_by_township(prefix: str) -> Rows:
    """Count open cases by county, township, definition and state below an area prefix; no household is named.

    A household that is gone counts too, unless it came back: the state that says so closes its case.
    """
    query = select(CaseRow.county, CaseRow.township, CaseRow.definition, CaseRow.state, func.count().label("cases"))
    later = aliased(CaseRow)
    mine = (later.county == CaseRow.county, later.subject == CaseRow.subject, later.definition == CaseRow.definition)
    is_gone = and_(
        CaseRow.definition == "monitor_status",
        CaseRow.closed.is_(True),
        ~exists().where(*mine, later.opened_at > CaseRow.opened_at),
    )
    query = query.where(CaseRow.county.startswith(prefix), or_(CaseRow.closed.is_(False), is_gone))
    return db.session.execute(query.group_by(CaseRow.county, CaseRow.township, CaseRow.definition, CaseRow.state)).all()


def late_by_township(prefix: str, now: datetime) -> Rows:
    """Count overdue periods by county and township below an area prefix."""
    query = select(DeadlineRow.county, DeadlineRow.township, func.count().label("late"))
    query = query.where(DeadlineRow.county.startswith(prefix), DeadlineRow.ended_how.is_(None))
    query = query.where(DeadlineRow.due_at <= utc_text(now), DeadlineRow.mode.in_(LATE_MODES))
    return db.session.execute(
        query.where(DeadlineRow.bound == "max").group_by(DeadlineRow.county, DeadlineRow.township)
    ).all()


def cases_by_number(scope: Scope, numbers: Iterable[str]) -> Rows:
    """Return the visible ones among some cases, with household and village."""
    query = select(CaseRow, Household, Village.name.label("village_name")).join(Household, _of_household())
    query = query.outerjoin(Village, Village.code == Household.village).where(visible(scope))
    return db.session.execute(query.where(CaseRow.number.in_(sorted(set(numbers))))).all()
