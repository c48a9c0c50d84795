"""Lists: desk, search, household page, boards, the auditor's list, totals. Each shows only what the person may see."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar, cast

from app.runtime import runtime
from app.services.rights import only_audits, seeing_offices
from app.store import cases as case_store
from app.store import ledger
from app.store import lists as store
from app.store.transaction import reading, writing
from app.tables import CaseRow, DeadlineRow, Household
from workflows.clock import local_date, local_midnight, utc_text
from workflows.errors import NotAllowed, NotFound
from workflows.model import Actor, Case, Evidence, area_prefix, area_root

SIZE = 25
FIRST, LAST = "", case_store.NEVER
BANDS = ("late", "today", "week", "later")
T = TypeVar("T")


@dataclass(frozen=True)
class Found(Generic[T]):
    """One page of a list, the key of the next page (empty at the end), and the moment it was read."""

    rows: Sequence[T]
    following: str
    now: datetime


@dataclass(frozen=True)
class House:
    """A household as lists show it: no number of identity, telephone or bank."""

    county: str
    number: str
    national_number: str
    head_name: str
    kind: str
    member_count: int
    area: str
    village: str
    township: str
    group: str
    village_name: str
    township_name: str


@dataclass(frozen=True)
class CaseLine:
    """A case in a list with its household; ``due_at`` is the earliest maximum, an exclusive UTC text, or empty."""

    case: Case
    house: House
    due_at: str


@dataclass(frozen=True)
class LateLine:
    """An overdue period in a list: its kind, exclusive due time and generation."""

    case: Case
    house: House
    timer: str
    due_at: str
    provisional: bool


@dataclass(frozen=True)
class Person:
    """One member of a household; the identity number is masked."""

    name: str
    relation: str
    sex: str
    born: str
    id_masked: str


@dataclass(frozen=True)
class AreaCount:
    """An area with a number of households or overdue periods."""

    code: str
    name: str
    count: int


@dataclass(frozen=True)
class HouseholdPage:
    """A household with its members and all its cases, oldest first."""

    house: House
    phone: str
    members: Sequence[Person]
    cases: Sequence[Case]
    now: datetime


def scope_of(actor: Actor) -> store.Scope:
    """Return what an actor sees in lists: offices that see households, and households helped."""
    offices = (*seeing_offices(actor), *(o for o in actor.offices if o.role == "helper"))
    return store.Scope(offices, int(actor.id[1:]) if actor.id[1:].isdigit() else 0)


def _paged(rows: Sequence[Any], size: int = SIZE) -> tuple[Sequence[Any], bool]:
    return rows[:size], len(rows) > size


def _page(after: str, size: int = SIZE) -> store.Page:
    return store.Page(tuple(after.split("~")) if after else (), size)


def _following(more: bool, *parts: str) -> str:
    return "~".join(parts) if more else ""


def _house(row: Household, village: str | None, township: str | None = "") -> House:
    return House(
        county=row.county,
        number=row.number,
        national_number=row.national_number or "",
        head_name=row.head_name,
        kind=row.kind,
        member_count=row.member_count,
        area=row.area,
        village=row.village,
        township=row.township,
        group=row.group_name,
        village_name=village or row.village,
        township_name=township or "",
    )


def _case(row: CaseRow) -> Case:
    return case_store.case_of(cast(Any, row))


def load_texts(cases: Iterable[Case]) -> None:
    """Load the kept texts that some cases are pinned to, inside the caller's transaction; one query at most."""
    rules = runtime().rules
    wanted = {d for c in cases for d in (c.definition_digest, c.policy_digest)}
    missing = [digest for digest in wanted if not rules.knows(digest)]
    for kept in case_store.kept_texts(missing) if missing else ():
        rules.add_text(kept.kind, kept.text)


def _note_look(actor: Actor, subject: str, **detail: object) -> None:
    """Write an auditor's look at personal data into the access ledger of each county audited."""
    if not only_audits(actor):
        return
    with writing() as now:
        for county in sorted({o.area[:6] for o in actor.offices if o.role == "auditor"}):
            ledger.append(county, user=actor.id, kind="list_read", subject=subject, now=now, detail=detail)


# --- my desk -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Desk:
    """What waits for a person: one page of it, and the numbers by time left that belong to the whole list."""

    found: Found[CaseLine]
    late: int
    today: int
    week: int
    later: int

    @property
    def total(self) -> int:
        """How many cases wait in all."""
        return self.late + self.today + self.week + self.later


def desk(actor: Actor, *, band: str = "", after: str = "") -> Desk:
    """Return what waits for a person, soonest first; ``band`` keeps one of BANDS, its count equals its rows."""
    scope = store.Scope(actor.offices, scope_of(actor).user_id)
    with reading() as now:
        edges = _edges(now)
        counts = store.desk_counts(scope, edges)
        rows, more = _paged(store.desk_rows(scope, _page(after), _between(band, edges)))
        lines = [CaseLine(_case(r.CaseRow), _house(r.Household, r.village_name), _due(r.due_at)) for r in rows]
        load_texts(line.case for line in lines)
        following = _following(more, rows[-1].due_at, rows[-1].CaseRow.number) if rows else ""
    return Desk(Found(lines, following, now), *counts)


def _due(text: str) -> str:
    return "" if text == case_store.NEVER else text


def _edges(now: datetime) -> tuple[str, str, str]:
    """Now, the end of today and the end of this week (Sunday), in China."""
    today = local_date(now)
    sunday = today + timedelta(days=6 - today.weekday())
    evenings = (local_midnight(day + timedelta(days=1)) for day in (today, sunday))
    return (utc_text(now), *map(utc_text, evenings))  # type: ignore[return-value]


def _between(band: str, edges: tuple[str, str, str]) -> tuple[str, str]:
    bounds = dict(zip(BANDS, zip((FIRST, *edges), (*edges, LAST), strict=True), strict=True))
    return bounds.get(band, (FIRST, LAST))


# --- households --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Search:
    """What a search found, or the areas to choose from; ``path`` names the areas above, outermost first."""

    found: Found[tuple[House, str]]
    path: Sequence[tuple[str, str]]
    inside: Sequence[AreaCount]


def search(actor: Actor, *, words: str = "", area: str = "", after: str = "") -> Search:
    """Find households by name or number, or browse the areas; rows come with the household's monitoring state."""
    scope = scope_of(actor)
    area = area or home_area(actor)
    with reading() as now:
        path = _path(area)
        areas = _areas_inside(scope, area) if not words else []
        listed = bool(words) or not areas
        raw = store.search_households(scope, words, area, _page(after)) if listed else []
        rows, more = _paged(raw)
        houses = [_house(r.Household, r.village_name, r.township_name) for r in rows]
        states = _states(houses)
        load_texts(states.values())
        following = _following(more, houses[-1].county, houses[-1].number) if houses else ""
        lines = [(h, _state_text(states.get((h.county, h.number)))) for h in houses]
    if houses:
        _note_look(actor, area, words=bool(words), rows=len(houses))
    return Search(Found(lines, following, now), path, areas)


def _states(houses: Sequence[House]) -> dict[tuple[str, str], Case]:
    counties = sorted({h.county for h in houses})
    found = (_case(r) for c in counties for r in store.cases_of(c, [h.number for h in houses if h.county == c]))
    return {(c.county, c.subject.partition(":")[2]): c for c in found if c.definition == "monitor_status"}


def _state_text(case: Case | None) -> str:
    return case.state if case else "none"


def home_area(actor: Actor) -> str:
    """Return the area from which a person's browsing starts: the widest one held, a helper's is the county."""
    areas = sorted((o.area[:12] for o in scope_of(actor).offices), key=lambda a: (len(area_root(a)), a))
    return areas[0] if areas else ""


def _path(area: str) -> list[tuple[str, str]]:
    if not area:
        return []
    levels = ("province", "prefecture", "county", "township", "village")
    codes = list(dict.fromkeys(area_prefix(area, level).ljust(12, "0") for level in levels))
    names = store.area_names(codes)
    return [(code, names[code]) for code in codes if code in names]


def _areas_inside(scope: store.Scope, area: str) -> list[AreaCount]:
    if not area or area[9:].strip("0"):
        return []
    rows = store.households_by_area(scope, area)
    return [AreaCount(r.code, r.name, r.households) for r in rows]


def household_page(actor: Actor, number: str) -> HouseholdPage:
    """Return a household with members and cases; NotFound outside the person's area. An auditor's look is noted."""
    county = number[:6]
    with reading() as now:
        row = store.household(scope_of(actor), county, number)
        if row is None:
            raise NotFound(household=number)
        house = _house(row.Household, row.village_name, row.township_name)
        phone = row.Household.phone
        people = [Person(m.name, m.relation, m.sex, m.born, m.id_masked) for m in store.members(county, number)]
        cases = [_case(c) for c in store.cases_of(county, [number])]
        load_texts(cases)
    _note_look(actor, number, page="household")
    return HouseholdPage(house, phone, people, cases, now)


def last_photo(county: str, household: str, kind: str = "visit_photo") -> str:
    """Return the digest of a household's newest photo of a kind, or an empty text; the caller has shown the case."""
    with reading():
        return store.last_photo(county, household, kind) or ""


def area_names(codes: Iterable[str]) -> dict[str, str]:
    """Return the names of areas by code."""
    with reading():
        return store.area_names(codes)


def candidates(roles: Iterable[str], area: str) -> list[tuple[str, str, str]]:
    """Return (account id, name, role) of active holders of roles whose office covers an area."""
    levels = ("county", "township", "village")
    areas = {area_prefix(area, level).ljust(12, "0") for level in levels} | {area}
    with reading() as now:
        rows = store.people_in(roles, areas, now)
        return list({(f"u{r.id}", r.role): (f"u{r.id}", r.name, r.role) for r in rows}.values())


def own_uploads(actor: Actor, county: str, wanted: Sequence[tuple[str, str]]) -> list[Evidence]:
    """Return evidence for (kind, digest) pairs that this account itself handed in before; others are left out."""
    with reading():
        files = {f.sha256: (f.bytes, f.mime) for f in store.uploads_of(county, actor.id, {d for _, d in wanted})}
    return [Evidence(kind, digest, *files[digest]) for kind, digest in wanted if digest in files]


# --- overdue board -----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Board:
    """Overdue periods, latest first, and their numbers by township or village; the numbers add up to the rows."""

    found: Found[LateLine]
    by_area: Sequence[AreaCount]
    path: Sequence[tuple[str, str]]

    @property
    def total(self) -> int:
        """How many periods are overdue in all."""
        return sum(item.count for item in self.by_area)


def overdue(actor: Actor, *, area: str = "", after: str = "") -> Board:
    """Return what is overdue in a person's area, or in a township or village of it."""
    scope = scope_of(actor)
    with reading() as now:
        groups = [AreaCount(r[0], r[1] or r[0], r.late) for r in store.late_by_area(scope, now, area)]
        rows, more = _paged(store.late_rows(scope, now, area, _page(after)))
        lines = [_late_line(r) for r in rows]
        load_texts(line.case for line in lines)
        last = rows[-1].DeadlineRow if rows else None
        following = _following(more, last.due_at, last.case, last.kind) if last else ""
        path = _path(area)
    if lines:
        _note_look(actor, area or "overdue", rows=len(lines))
    return Board(Found(lines, following, now), groups, path)


def _late_line(row: Any) -> LateLine:
    period: DeadlineRow = row.DeadlineRow
    house = _house(row.Household, row.village_name, row.township_name)
    return LateLine(_case(row.CaseRow), house, period.kind, period.due_at, period.provisional)


# --- auditors ----------------------------------------------------------------------------------------------------------
def audited_county(actor: Actor) -> str:
    """Return the county that a person audits; raise NotAllowed for anybody else."""
    counties = [o.area[:6] for o in actor.offices if o.role == "auditor"]
    if not counties:
        raise NotAllowed(page="audit")
    return counties[0]


@dataclass(frozen=True)
class Audit:
    """The auditor's list: one page of cases, how many there are, and the townships to choose from."""

    found: Found[CaseLine]
    total: int
    townships: Sequence[AreaCount]


def audit(actor: Actor, wanted: store.CaseFilter, *, late: bool = False, after: str = "") -> Audit:
    """Return the cases of the auditor's county that fit a filter; the look is written to the access ledger."""
    county = audited_county(actor)
    scope = scope_of(actor)
    with reading() as now:
        before = utc_text(now) if late else ""
        chosen = store.CaseFilter(wanted.definition, wanted.state, wanted.township, before)
        total = store.count_cases(scope, chosen)
        rows, more = _paged(store.find_cases(scope, chosen, _page(after)))
        lines = [CaseLine(_case(r.CaseRow), _house(r.Household, r.village_name), r.CaseRow.due_at or "") for r in rows]
        load_texts(line.case for line in lines)
        following = _following(more, county, lines[-1].case.number) if lines else ""
        townships = _areas_inside(scope, county.ljust(12, "0"))
    _note_look(actor, "audit", rows=len(lines), state=wanted.state, township=wanted.township, late=late)
    return Audit(Found(lines, following, now), total, townships)


@dataclass(frozen=True)
class LedgerLine:
    """One line of the access ledger as its stored text has it, with the names of account and offices' areas."""

    seq: int
    at: str
    user: str
    kind: str
    subject: str
    detail: str
    hash: str


def access_ledger(actor: Actor, *, kind: str = "", before: int = 0) -> Found[LedgerLine]:
    """Return who looked at what in the auditor's county, newest first."""
    county = audited_county(actor)
    with reading() as now:
        rows, more = _paged(store.ledger_lines(county, before, kind, SIZE))
        names = store.user_names({_number(r.text) for r in rows})
        lines = [_ledger_line(r, names) for r in rows]
    return Found(lines, str(lines[-1].seq) if more else "", now)


def _number(text: str) -> int:
    user = str(store.parse_json(text)["user"])
    return int(user[1:]) if user[1:].isdigit() else 0


def _ledger_line(row: Any, names: dict[int, str]) -> LedgerLine:
    body = store.parse_json(row.text)
    user = names.get(_number(row.text), str(body["user"]))
    detail = "; ".join(
        f"{key}={value}" for key, value in sorted(dict(body["detail"]).items()) if value not in ("", False)
    )
    return LedgerLine(row.seq, row.at, user, body["kind"], body["subject"], detail, row.hash)


# --- totals for levels above the county --------------------------------------------------------------------------------
@dataclass(frozen=True)
class Total:
    """Numbers of one county or township, by monitoring state; ``open_cases`` run through the gates, ``late`` periods."""

    code: str
    name: str
    is_county: bool
    states: dict[str, int]
    open_cases: int
    late: int


def totals(actor: Actor) -> list[Total]:
    """Return numbers by county and township for a level above the county; no household stands in them."""
    prefixes = {area_root(o.area) for o in actor.offices if o.role == "upper_level"}
    if not prefixes:
        raise NotAllowed(page="totals")
    with reading() as now:
        counted = [r for prefix in sorted(prefixes) for r in store.totals_by_township(prefix)]
        late = [r for prefix in sorted(prefixes) for r in store.late_by_township(prefix, now)]
        codes = {r.county.ljust(12, "0") for r in (*counted, *late)} | {r.township for r in (*counted, *late)}
        names = store.area_names(codes)
    return [_total(code, names.get(code, code), counted, late) for code in sorted(codes)]


def _total(code: str, name: str, counted: Sequence[Any], late: Sequence[Any]) -> Total:
    is_county = not code[6:].strip("0")
    mine = [r for r in counted if (r.county == code[:6] if is_county else r.township == code)]
    behind = sum(r.late for r in late if (r.county == code[:6] if is_county else r.township == code))
    states: dict[str, int] = {}
    for row in mine:
        if row.definition == "monitor_status":
            states[row.state] = states.get(row.state, 0) + row.cases
    running = sum(r.cases for r in mine if r.definition == "household_case")
    return Total(code, name, is_county, states, running, behind)


def case_lines(actor: Actor, numbers: Iterable[str]) -> dict[str, CaseLine]:
    """Return those of some cases that the person may see, by number; one query."""
    with reading():
        rows = store.cases_by_number(scope_of(actor), numbers)
        lines = [CaseLine(_case(r.CaseRow), _house(r.Household, r.village_name), r.CaseRow.due_at or "") for r in rows]
        load_texts(line.case for line in lines)
    return {line.case.number: line for line in lines}
