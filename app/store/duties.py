"""Periods of duties: made by one statement for many households, dropped where one leaves, marked by reminders."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Integer,
    String,
    Update,
    and_,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy import cast as as_type
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.orm import aliased

from app.office_hours import office_hours
from app.store.bulk import among
from app.store.statements import run, table
from app.store.transaction import engine_insert, insert_once, is_sqlite, present
from app.tables import Area, CaseRow, DutyPeriod, DutyRun, Household, JournalRow, KeptText, Wait, db
from workflows.clock import parse_utc, utc_text
from workflows.duties import GONE, Duty
from workflows.duty_periods import Span, needed, reminders
from workflows.ladder import DEFAULT_LADDER, Step
from workflows.policy import Pack

OPEN, DONE, DROPPED = "open", "done", "dropped"
ANY = ""
NAMES = (
    "county", "duty", "subject", "begins", "kind", "village", "township", "roles", "user_id", "pack", "clause", "bound",
    "needed", "done", "due_at", "provisional", "stage", "next_at", "state",
)  # fmt: skip


@dataclass(frozen=True)
class Making:
    """A period to be made: the county, the duty's row, the pack that holds it, and the span."""

    county: str
    duty: Duty
    pack: Pack
    span: Span

    @property
    def roles(self) -> str:
        """The roles that report, each between commas, so that one can be looked for."""
        return roles_text(self.duty)

    def values(self) -> dict[str, Any]:
        """Return the columns that are the same for every subject."""
        begins, due_at = utc_text(self.span.begins), utc_text(self.span.due)
        return {
            "duty": self.duty.id,
            "begins": begins,
            "kind": self.duty.subject,
            "roles": self.roles,
            "pack": self.pack.digest,
            "clause": self.duty.clause,
            "bound": self.duty.bound,
            "needed": needed(self.duty, self.span),
            "due_at": due_at,
            "provisional": self.span.provisional,
            "next_at": utc_text(reminders_of(self.county, self.pack, self.span)[0][1]),
        }


def reminders_of(county: str, pack: Pack | None, span: Span) -> list[tuple[Step, datetime]]:
    """Return when whom to remind of a period, by the ladder of its pack, in the county's office hours of today."""
    hours = office_hours(county)
    ladder = pack.ladder(span.first_day) if pack else DEFAULT_LADDER
    return reminders(span, ladder, calendar=hours.calendar, quiet=hours.quiet)


def roles_text(duty: Duty) -> str:
    """Return the roles that report a duty, each between commas."""
    return f",{','.join(duty.reporters)},"


# --- how far a county's duties were made ---
def run_of(county: str) -> DutyRun | None:
    """Return how far a county's duties were made, None before the first time."""
    return db.session.get(DutyRun, county, populate_existing=True)


def begin_run(county: str, now: datetime, through: str) -> None:
    """Note that a county's duties are kept from now on, made up to a day; who comes second does nothing."""
    db.session.execute(insert_once(DutyRun).values(county=county, since=utc_text(now), through=through))


def note_run(county: str, through: str) -> None:
    """Note up to which local day a county's periods were made; it never goes back."""
    query = update(DutyRun).where(DutyRun.county == county, DutyRun.through < through)
    db.session.execute(query.values(through=through).execution_options(synchronize_session=False))


def places(county: str) -> list[tuple[str, str]]:
    """Return (code, level) of the villages that have households on record, and of the areas around them, by code.

    Where nobody is on record nobody works with the system yet, and nothing is owed.
    """
    villages = set(db.session.scalars(select(Household.village).where(Household.county == county).distinct()))
    townships = {f"{village[:9]}000" for village in villages}
    above = {county.ljust(12, "0")} if villages else set()
    levels = {"county": above, "township": townships, "village": villages}
    return sorted((code, level) for level, codes in levels.items() for code in codes)


def keep_pack(pack: Pack) -> None:
    """Keep the text that periods are made from."""
    db.session.execute(insert_once(KeptText).values(digest=pack.digest, kind="pack", text=pack.text))


# --- making ---
def make_for_households(county: str, township: str, villages: Sequence[str], makings: Sequence[Making]) -> int:
    """Make the periods of a township's households that came under each duty when it began; return how many.

    All of them begin at one moment. ``villages``: only there (none named: everywhere). Whose state was another one at
    that moment, as the journal has it, gets none, nor does a household that was not known yet.
    """
    begins = utc_text(makings[0].span.begins)
    houses = _households(county, township, villages, begins)
    rows, whom = _rows_of(makings), _whom_of(makings)
    fits = and_(
        or_(whom.c.status == ANY, whom.c.status == houses.c.status),
        or_(whom.c.kind == ANY, whom.c.kind == houses.c.kind),
    )
    helped = case((rows.c.roles.contains(",helper,"), houses.c.helper), else_=0)
    query = (
        select(*_chosen(rows, literal(county), houses.c.number, houses.c.village, houses.c.township, helped))
        .select_from(houses.join(whom, fits).join(rows, rows.c.duty == whom.c.duty))
        .where(houses.c.status != GONE)
        .distinct()
    )
    return _insert(query)


def make_for_areas(county: str, level: str, codes: Sequence[str], makings: Sequence[Making]) -> int:
    """Make the periods of some areas of one level (village, township, county); return how many."""
    rows = _rows_of(makings)
    village = Area.code if level == "village" else literal("")
    township = Area.code if level == "township" else func.substr(Area.code, 1, 9).concat("000")
    above = literal("") if level == "county" else township
    query = (
        select(*_chosen(rows, literal(county), Area.code, village, above, literal(0)))
        .join_from(Area, rows, true())
        .where(Area.county == county, Area.level == level, Area.code.in_(codes))
    )
    return _insert(query)


def make_one(subject: str, area: str, making: Making) -> None:
    """Make the one period that an event begins, of a household or an area (12 or 15 digits)."""
    values = {**making.values(), "county": making.county, "subject": subject, "user_id": 0}
    values |= {"village": area[:12] if area[9:12] != "000" else "", "township": f"{area[:9]}000"}
    if making.duty.subject != "household":
        values["kind"] = "village" if values["village"] else "township"
    db.session.execute(insert_once(DutyPeriod).values(**values, done=0, stage=0, state=OPEN))


def period(county: str, duty: str, subject: str, begins: str) -> DutyPeriod:
    """Return a period that was just made."""
    return db.session.get_one(DutyPeriod, (county, duty, subject, begins))


def _insert(query: Any) -> int:
    """SQLite's driver counts the rows of no statement that begins with WITH."""
    statement = engine_insert(DutyPeriod).from_select(list(NAMES), query).on_conflict_do_nothing()
    made = present().execute(statement.execution_options(preserve_rowcount=True)).rowcount
    return int(db.session.scalar(select(func.changes())) or 0) if is_sqlite() else made


def _chosen(rows: CTE, county: Any, subject: Any, village: Any, township: Any, user: Any) -> list[Any]:
    of = rows.c
    columns = [
        county, of.duty, subject, of.begins, of.kind, village, township, of.roles, user, of.pack, of.clause, of.bound,
        of.needed, literal(0), of.due_at, of.provisional, literal(0), of.next_at, literal(OPEN),
    ]  # fmt: skip
    return [column.label(name) for column, name in zip(columns, NAMES, strict=True)]


def _rows_of(makings: Sequence[Making]) -> CTE:
    """The periods to make as rows of a query."""
    selects = [select(*(_literal(v).label(name) for name, v in one.values().items())) for one in makings]
    return union_all(*selects).cte("wanted")


def _whom_of(makings: Sequence[Making]) -> CTE:
    """For whom each of them is, as rows (duty, status, kind) of which an empty one fits whatever there is."""
    rows = {
        (one.duty.id, status, kind)
        for one in makings
        for whom in (*one.duty.households, *(() if one.duty.households else (None,)))
        for status in ((whom.statuses if whom else ()) or (ANY,))
        for kind in ((whom.kinds if whom else ()) or (ANY,))
    }
    names = ("duty", "status", "kind")
    selects = [select(*(_literal(v).label(n) for n, v in zip(names, row, strict=True))) for row in sorted(rows)]
    return union_all(*selects).cte("whom")


def _literal(value: Any) -> ColumnElement[Any]:
    """A value as a column; PostgreSQL wants to know of which type a parameter in a list of rows is."""
    return literal(value) if isinstance(value, bool) else as_type(literal(value), _type_of(value))


def _type_of(value: object) -> Any:
    return Integer() if isinstance(value, int) else String()


def _households(county: str, township: str, villages: Sequence[str], begins: str) -> CTE:
    """The households of a township as they stood at a moment, each with its state of monitoring and present helper."""
    of = Household
    query = select(
        of.number, of.village, of.township, of.kind, _state_at(begins).label("status"), _helper().label("helper")
    ).where(of.county == county, of.township == township, of.created_at <= begins)
    query = query.where(of.village.in_(villages)) if villages else query
    # Materialized: else the state would be looked up anew for every row that it is compared with.
    return query.cte("houses").prefix_with("MATERIALIZED")


def _subject() -> ColumnElement[str]:
    return literal("household:").concat(Household.number)


def _state_at(begins: str) -> ColumnElement[str]:
    """The state of monitoring at a moment: where the latest entry up to it led."""
    status = aliased(CaseRow)
    entry = aliased(JournalRow)
    latest = (
        select(target_of(entry.text))
        .join(status, _belongs(entry, status))
        .where(status.county == Household.county, status.subject == _subject(), _is_a(status, "monitor_status"))
        .where(entry.at <= begins)
        .order_by(entry.at.desc(), entry.case.desc(), entry.seq.desc())
        .limit(1)
    )
    return func.coalesce(latest.scalar_subquery(), "none")


def _belongs(row: Any, case: Any) -> ColumnElement[bool]:
    """The condition that a row is a case's, said so that the case is found first: it is the household's one or two.

    Where the county is known to be the same, SQLite begins with all rows of the county, for each household anew.
    """
    county: ColumnElement[str] = func.coalesce(case.county, "")
    return and_(row.county == county, row.case == case.number)


def _is_a(row: Any, definition: str) -> ColumnElement[bool]:
    """The condition on the kind of a case, said so that no index knows it: the few cases of a household are read.

    SQLite would take the index by definition and walk through all of the county's, for each household anew.
    """
    kind: ColumnElement[str] = func.coalesce(row.definition, "")
    return kind == definition


def target_of(text: Any) -> ColumnElement[str]:
    """Where an entry led, read from its sealed text."""
    found: ColumnElement[str] = func.json_extract(text, "$.target")
    return found if is_sqlite() else as_type(text, JSON)["target"].as_string()


def _helper() -> ColumnElement[int]:
    assist = aliased(CaseRow)
    wait = aliased(Wait)
    own = (
        select(wait.user_id)
        .join(assist, _belongs(wait, assist))
        .where(assist.county == Household.county, assist.subject == _subject(), _is_a(assist, "assist"))
        .where(wait.role == "helper")
        .limit(1)
    )
    return func.coalesce(own.scalar_subquery(), 0)


# --- reminding ---
@dataclass(frozen=True)
class Group:
    """Open periods of one duty in one place of which the same people are reminded at once."""

    county: str
    duty: str
    pack: str
    kind: str
    village: str
    township: str
    roles: str
    user_id: int
    begins: str
    due_at: str
    stage: int

    @property
    def place(self) -> str:
        """The area in which it is, 12 digits."""
        return place_of(self)

    @property
    def span(self) -> Span:
        """From when to when they run."""
        return Span(parse_utc(self.begins), parse_utc(self.due_at))

    def __str__(self) -> str:
        """Return the key of its reminders, at most 120 characters."""
        return reminder_key(self)


def reminder_key(one: Group | DutyPeriod) -> str:
    """Return the key under which people are reminded of a period, the same for all of its group."""
    return f"d:{one.duty}:{place_of(one)}:{one.user_id}:{one.begins}"


def place_of(one: Group | DutyPeriod) -> str:
    """Return the area in which a period is, 12 digits."""
    return one.village or one.township or one.county.ljust(12, "0")


_GROUP = tuple(getattr(DutyPeriod, name) for name in Group.__dataclass_fields__)


def due_groups(now: datetime, *, limit: int) -> list[Group]:
    """Return groups of periods of which people are to be reminded now, the longest waiting first; locks none."""
    rows = db.session.execute(
        select(*_GROUP)
        .where(DutyPeriod.next_at <= utc_text(now))
        .group_by(*_GROUP)
        .order_by(func.min(DutyPeriod.next_at), DutyPeriod.duty, DutyPeriod.village, DutyPeriod.user_id)
        .limit(limit)
    )
    return [Group(*row) for row in rows]


def mark_group(group: Group, stage: int, next_at: datetime | None, now: datetime) -> int:
    """Note how far the reminders of a group have come; return how many periods it holds now, 0 for somebody else's."""
    noted = {"to_stage": stage, "to_next": utc_text(next_at) if next_at else None}
    return run(_mark_group(), {**_key(group), **noted, "at": utc_text(now)}).rowcount


def put_off_group(group: Group, what: str, now: datetime, again: datetime) -> None:
    """Note why people could not be reminded of a group, and try again later."""
    noted = {"to_trouble": f"{utc_text(now)} {what}"[:300], "to_next": utc_text(again)}
    run(_put_off_group(), {**_key(group), **noted, "at": utc_text(now)})


@cache
def _mark_group() -> Update:
    """Built once, as it runs for each group."""
    noted: dict[str, Any] = {"stage": bindparam("to_stage"), "next_at": bindparam("to_next"), "trouble": None}
    return update(table(DutyPeriod)).where(_in_group()).values(noted)


@cache
def _put_off_group() -> Update:
    noted: dict[str, Any] = {"trouble": bindparam("to_trouble"), "next_at": bindparam("to_next")}
    return update(table(DutyPeriod)).where(_in_group()).values(noted)


_SAME = tuple(name for name in Group.__dataclass_fields__ if name != "stage")


def _key(group: Group) -> dict[str, Any]:
    return {f"of_{name}": getattr(group, name) for name in _SAME}


def _in_group() -> ColumnElement[bool]:
    same = (getattr(DutyPeriod, name) == bindparam(f"of_{name}") for name in _SAME)
    return and_(*same, DutyPeriod.state == OPEN, DutyPeriod.next_at <= bindparam("at", type_=String))


def _update(where: ColumnElement[bool], values: dict[str, Any]) -> None:
    query = update(DutyPeriod).where(where).values(**values).execution_options(synchronize_session=False)
    db.session.execute(query)


def set_helper(county: str, household: str, user_id: int) -> None:
    """Let a household's open periods go on with its present helper."""
    mine = and_(DutyPeriod.county == county, DutyPeriod.subject == household, DutyPeriod.state == OPEN)
    _update(and_(mine, DutyPeriod.roles.contains(",helper,")), {"user_id": user_id})


def open_rows(county: str, subjects: Iterable[str]) -> Sequence[DutyPeriod]:
    """Return the open periods of some subjects under lock, in the order of their keys."""
    return db.session.scalars(
        select(DutyPeriod)
        .where(DutyPeriod.county == county, among(DutyPeriod.subject, subjects), DutyPeriod.state == OPEN)
        .order_by(DutyPeriod.duty, DutyPeriod.subject, DutyPeriod.begins)
        .with_for_update()
    ).all()


def settle(row: DutyPeriod, state: str, now: datetime) -> None:
    """Close a period as done or dropped."""
    row.state, row.settled_at, row.next_at = state, utc_text(now), None
