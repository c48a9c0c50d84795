"""Lists: desk, search, household page, boards, the auditor's list, totals. Each shows only what the person may see."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar, cast

from app.runtime import runtime
from app.services import department
from app.services.rights import only_audits, seeing_offices
from app.store import cases as case_store
from app.store import ledger
from app.store import lists as store
from app.store.transaction import reading, writing
from app.tables import CaseRow, Household
from workflows.clock import NEVER, local_date, local_midnight, utc_text
from workflows.errors import NotFound
from workflows.model import LEVEL_DIGITS, Actor, Case, Evidence, area_prefix, area_root

SIZE = 25
MOST = store.COUNTED
COUNTY_DIGITS = LEVEL_DIGITS["county"]
FIRST, LAST = "", NEVER
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
    """A case in a list with its household; ``due_at`` is the earliest maximum, an exclusive UTC text, or empty.

    ``behalf`` names the absent person for whom it waits for the reader, empty for the reader's own work.
    """

    case: Case
    house: House
    due_at: str
    behalf: str = ""


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
    """A household with its members and all its cases, oldest first; not ``is_whole`` when a department looks."""

    house: House
    phone: str
    members: Sequence[Person]
    cases: Sequence[Case]
    now: datetime
    is_whole: bool = True


def scope_of(actor: Actor) -> store.Scope:
    """Return what an actor sees in lists: offices that see households, and households helped."""
    offices = (*seeing_offices(actor), *(o for o in actor.offices if o.role == "helper"))
    return store.Scope(offices, int(actor.id[1:]) if actor.id[1:].isdigit() else 0)


def paged(rows: Sequence[Any], size: int = SIZE) -> tuple[Sequence[Any], bool]:
    """Return the rows of one page, and whether there are more."""
    return rows[:size], len(rows) > size


def page_of(after: str, size: int = SIZE) -> store.Page:
    """Return the page after a key as addresses carry it."""
    return store.Page(tuple(after.split("~")) if after else (), size)


def following_key(more: bool, *parts: str) -> str:
    """Return the key of the next page as addresses carry it, empty at the end of a list."""
    return "~".join(parts) if more else ""


def house_of(row: Household, village: str | None, township: str | None = "") -> House:
    """Return what lists show of a household; the caller\'s transaction is open."""
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


def case_of(row: CaseRow) -> Case:
    """Return the case of a row."""
    return case_store.case_of(cast("Any", row))


def load_texts(cases: Iterable[Case]) -> None:
    """Load the kept texts that some cases are pinned to, inside the caller's transaction; one query at most."""
    rules = runtime().rules
    wanted = {d for c in cases for d in (c.definition_digest, c.policy_digest)}
    missing = [digest for digest in wanted if not rules.knows(digest)]
    for kept in case_store.kept_texts(missing) if missing else ():
        rules.add_text(kept.kind, kept.text)


def note_look(actor: Actor, subject: str, **detail: object) -> None:
    """Write an auditor's look at personal data into the access ledger of each county audited."""
    if not only_audits(actor):
        return
    with writing() as now:
        for county in sorted({o.area[:6] for o in actor.offices if o.role == "auditor"}):
            ledger.append(county, user=actor.id, kind="list_read", subject=subject, now=now, detail=detail)


# --- my desk ---
@dataclass(frozen=True)
class Desk:
    """What waits for a person: one page of it, and the numbers by time left that belong to the whole list.

    No more than ``MOST`` of a band are counted; ``more_than`` names the bands that hold more.
    """

    found: Found[CaseLine]
    late: int
    today: int
    week: int
    later: int
    more_than: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """How many cases wait in all, as far as they were counted."""
        return self.late + self.today + self.week + self.later


def desk(actor: Actor, *, band: str = "", after: str = "") -> Desk:
    """Return what waits for a person, soonest first; ``band`` keeps one of BANDS, its count equals its rows."""
    scope = store.Scope(actor.offices, scope_of(actor).user_id)
    with reading() as now:
        bounds = _bounds(now)
        counts = store.desk_counts(scope, bounds.values())
        rows, more = paged(store.desk_rows(scope, page_of(after), bounds.get(band, (FIRST, LAST))))
        lines = [CaseLine(case_of(r.CaseRow), house_of(r.Household, r.village_name), _due(r.due_at)) for r in rows]
        load_texts(line.case for line in lines)
        lines = [replace(line, behalf=for_whom(actor, line.case, line.house.area)) for line in lines]
        following = following_key(more, rows[-1].due_at, rows[-1].CaseRow.number) if rows else ""
    more_than = tuple(name for name, count in zip(BANDS, counts, strict=True) if count > MOST)
    late, due_today, due_soon, later = (min(count, MOST) for count in counts)
    return Desk(Found(lines, following, now), late, due_today, due_soon, later, more_than)


def for_whom(actor: Actor, case: Case, area: str) -> str:
    """Return the name of the absent person for whom a case waits for the actor; empty when it waits for his own office.

    The texts that the case is pinned to are loaded.
    """
    if len(actor.own_offices) == len(actor.offices):
        return ""
    roles, helper = runtime().rules.machine_of(case).waits_for(case.state), case.fields.get("helper", {}).get("id")
    able = (o for o in actor.offices if o.role in roles and o.covers(area))
    found = [o.behalf for o in able if o.role != "helper" or actor.account_in(o) == helper]
    return "" if None in found or not found else found[0].name if found[0] else ""


def _due(text: str) -> str:
    return "" if text == NEVER else text


def _bounds(now: datetime) -> dict[str, tuple[str, str]]:
    """Return the due times of each band, after the first and up to the second: today and this week end in China."""
    today = local_date(now)
    sunday = today + timedelta(days=6 - today.weekday())
    evenings = (local_midnight(day + timedelta(days=1)) for day in (today, sunday))
    edges = (utc_text(now), *map(utc_text, evenings))
    return dict(zip(BANDS, zip((FIRST, *edges), (*edges, LAST), strict=True), strict=True))


# --- households ---
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
        path = path_of(area)
        areas = areas_inside(scope, area) if not words else []
        listed = bool(words) or not areas
        raw = store.search_households(scope, words, area, page_of(after)) if listed else []
        rows, more = paged(raw)
        houses = [house_of(r.Household, r.village_name, r.township_name) for r in rows]
        states = _states(houses)
        load_texts(states.values())
        following = following_key(more, houses[-1].county, houses[-1].number) if houses else ""
        lines = [(h, _state_text(states.get((h.county, h.number)))) for h in houses]
    if houses:
        note_look(actor, area, words=bool(words), rows=len(houses))
    return Search(Found(lines, following, now), path, areas)


def _states(houses: Sequence[House]) -> dict[tuple[str, str], Case]:
    counties = sorted({h.county for h in houses})
    found = (case_of(r) for c in counties for r in store.cases_of(c, [h.number for h in houses if h.county == c]))
    return {(c.county, c.subject.partition(":")[2]): c for c in found if c.definition == "monitor_status"}


def _state_text(case: Case | None) -> str:
    return case.state if case else "none"


def home_area(actor: Actor) -> str:
    """Return the area from which a person's browsing starts: the widest one held, a helper's is the county.

    Of two beside each other in one county, as a substitute holds them, it is the least that holds both.
    """
    areas = sorted((o.area[:12] for o in scope_of(actor).offices), key=lambda a: (len(area_root(a)), a))
    widest = len(area_root(areas[0])) if areas else 0
    steps = [d for d in LEVEL_DIGITS.values() if COUNTY_DIGITS <= d <= widest]
    digits = max((d for d in steps if len({area[:d] for area in areas}) == 1), default=0)
    return areas[0][:digits].ljust(12, "0") if digits else areas[0] if areas else ""


def path_of(area: str) -> list[tuple[str, str]]:
    """Return (code, name) of an area and of all above it, outermost first."""
    if not area:
        return []
    levels = ("province", "prefecture", "county", "township", "village")
    codes = list(dict.fromkeys(area_prefix(area, level).ljust(12, "0") for level in levels))
    names = store.area_names(codes)
    return [(code, names[code]) for code in codes if code in names]


def areas_inside(scope: store.Scope, area: str) -> list[AreaCount]:
    """Return the areas directly inside one, with the number of visible households."""
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
        house = house_of(row.Household, row.village_name, row.township_name)
        whole = _sees_whole(actor, county, number)
        phone = row.Household.phone if whole else ""
        members = store.members(county, number) if whole else ()
        people = [Person(m.name, m.relation, m.sex, m.born, m.id_masked) for m in members]
        cases = [case_of(c) for c in store.cases_of(county, [number])]
        load_texts(cases)
    note_look(actor, number, page="household")
    return HouseholdPage(house, phone, people, cases, now, whole)


def _sees_whole(actor: Actor, county: str, number: str) -> bool:
    narrow = department.may_be_narrow(actor)
    return not narrow or department.sees_whole(actor, case_store.read_dossier(county, number))


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


def case_lines(actor: Actor, numbers: Iterable[str]) -> dict[str, CaseLine]:
    """Return those of some cases that the person may see, by number; one query."""
    with reading():
        rows = store.cases_by_number(scope_of(actor), numbers)
        lines = [
            CaseLine(case_of(r.CaseRow), house_of(r.Household, r.village_name), r.CaseRow.due_at or "") for r in rows
        ]
        load_texts(line.case for line in lines)
    return {line.case.number: line for line in lines}
