"""Formal urging (督办): what is twice overdue, the letter to the township with its number, and the recorded answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.office_hours import office_hours
from app.services.cases import ensure_rules, loaded_rules
from app.services.lists import House, case_of, house_of, load_texts, note_look
from app.services.rights import only_audits
from app.store import cases, ledger, urging
from app.store.deadlines import ESCALATED
from app.store.lists import area_names, user_names
from app.store.outbox import add_messages
from app.store.transaction import reading, writing
from app.tables import DeadlineRow, Urging
from workflows.clock import WorkingDays, at_percent, due, local_date, parse_utc, utc_text
from workflows.errors import BadValue, NotAllowed, NotFound, UrgedAlready
from workflows.model import Actor, Case, Message
from workflows.policy import Pack

ISSUERS = ("county_lead",)
ANSWERERS = ("township_leader", "township_officer")
READERS = (*ISSUERS, *ANSWERERS, "auditor")
DEFAULT_DAYS, DEFAULT_MARK = 5, "县防返贫办督"
LONGEST_ANSWER = 1000
MOST = 1000  # late periods that are looked through for those twice overdue
TWICE = 200


@dataclass(frozen=True)
class Candidate:
    """A period that is twice overdue, or that the ladder has brought to the county."""

    case: Case
    house: House
    kind: str
    start: str
    due: str


@dataclass(frozen=True)
class Letter:
    """A letter as lists and the sheet show it; ``facts`` holds what it said when it was issued."""

    county: str
    year: int
    number: int
    mark: str
    case: str
    kind: str
    due: str
    area: str
    area_name: str
    county_name: str
    village_name: str
    issued_at: str
    issuer: str
    answer_by: str
    answered_at: str
    answerer: str
    answer: str
    facts: dict[str, Any]

    @property
    def full_number(self) -> str:
        """The number as such letters bear it: 县防返贫办督〔2026〕3号."""
        return f"{self.mark}〔{self.year}〕{self.number}号"

    def is_late(self, now: datetime) -> bool:
        """Tell whether its answer is overdue."""
        return not self.answered_at and parse_utc(self.answer_by) <= now


@dataclass(frozen=True)
class Page:
    """What the county may urge, and the letters that a person may see; one snapshot."""

    candidates: Sequence[Candidate]
    letters: Sequence[Letter]
    now: datetime


def counties_of(actor: Actor, roles: Sequence[str] = READERS) -> list[str]:
    """Return the counties in which a person holds one of some offices; raise NotAllowed for none."""
    found = sorted({o.area[:6] for o in actor.offices if o.role in roles})
    if not found:
        raise NotAllowed(page="urgings")
    return found


def overview(actor: Actor) -> Page:
    """Return what may be urged (to the county's office) and the letters: all to county and auditors, else the own."""
    counties = counties_of(actor)
    county_wide = [o.area[:6] for o in actor.offices if o.role in (*ISSUERS, "auditor") and not o.within[6:].strip("0")]
    issuing = sorted({o.area[:6] for o in actor.offices if o.role in ISSUERS and not o.within[6:].strip("0")})
    with reading() as now:
        rows = [row for county in issuing for row in _candidates(county, now)]
        letters = list(urging.urgings(county_wide)) if county_wide else []
        own = {o.area for o in actor.offices if o.role in ANSWERERS and o.covers(o.area)} if not letters else set()
        letters += [row for area in sorted(own) for row in urging.urgings(counties, area=area)]
        shown = _letters(letters)
    if only_audits(actor):
        note_look(actor, "urgings", rows=len(shown))
    return Page(rows, shown, now)


def _candidates(county: str, now: datetime) -> list[Candidate]:
    rows = [row for row in urging.late_periods(county, now, limit=MOST) if _is_twice_late(row.DeadlineRow, now)]
    places = area_names({code for row in rows for code in (row.Household.village, row.Household.township)})
    found = [_candidate(row, places) for row in rows]
    load_texts(one.case for one in found)
    return found


def _is_twice_late(row: DeadlineRow, now: datetime) -> bool:
    """Computed, not only as the sweep left it: right even if no job has touched the row."""
    at = at_percent(parse_utc(row.start_at), parse_utc(row.due_at), percent=TWICE)
    return row.stage >= ESCALATED or at <= now


def _candidate(row: Any, places: Mapping[str, str]) -> Candidate:
    period: DeadlineRow = row.DeadlineRow
    house = house_of(row.Household, places.get(row.Household.village), places.get(row.Household.township))
    return Candidate(case_of(row.CaseRow), house, period.kind, period.start_at, period.due_at)


def letters_of(case: str) -> Sequence[Letter]:
    """Return the letters about a case, newest first; the caller has made sure that the reader sees it."""
    with reading():
        return _letters(urging.urgings([case[:6]], case=case))


def letter(actor: Actor, county: str, year: int, number: int) -> Letter:
    """Return one letter; NotFound unless it is there for this person."""
    with reading():
        return _letters([_own(actor, county, year, number)])[0]


def _own(actor: Actor, county: str, year: int, number: int, roles: Sequence[str] = READERS) -> Urging:
    row = urging.urging(county, year, number) if 0 < year < 10_000 and 0 < number < 10**9 else None
    mine = [o for o in actor.offices if o.role in roles]
    if row is None or not any(o.covers(row.area) or (o.covers(f"{row.county:0<12}") and not o.within) for o in mine):
        raise NotFound(urging=number)
    return row


def issue(actor: Actor, *, case: str, kind: str) -> Letter:
    """Issue a letter about a late period to the household's township, numbered by the year.

    Raises NotAllowed, NotFound (no such case, or no such period that is twice overdue) or UrgedAlready.
    """
    county = case[:6]
    if county not in counties_of(actor, ISSUERS) or any(o.within[6:].strip("0") for o in actor.offices):
        raise NotFound(case=case)
    with writing() as now:
        household = cases.household_of(case)
        dossier = cases.lock_dossier(county, household, "").dossier
        ensure_rules(loaded_rules(), dossier)
        found = next((c for c in _candidates(county, now) if (c.case.number, c.kind) == (case, kind)), None)
        if found is None and urging.is_open(county, case, kind):
            raise UrgedAlready(case=case)
        if found is None:
            raise NotFound(case=case)
        row = _row(actor, found, now)
        urging.add(row)
        _tell(actor, row, now)
        return _letters([row])[0]


def _row(actor: Actor, found: Candidate, now: datetime) -> Urging:
    case, today = found.case, local_date(now)
    machine = loaded_rules().machine_of(case)
    calendar = office_hours(case.county).calendar
    answer_by = due(WorkingDays(_number(machine.pack, now)), now, calendar=calendar).at
    clock = case.clocks[found.kind]
    mark = machine.pack.given("urging_mark", today)
    facts = {
        "household": found.house.number,
        "village": found.house.village,
        "state": case.state,
        "definition": case.definition,
        "policy": case.policy_digest,
        "clause": clock.clause,
        "start": found.start,
    }
    return Urging(
        county=case.county,
        year=today.year,
        number=urging.next_number(case.county, today.year),
        case=case.number,
        kind=found.kind,
        generation=clock.generation,
        due_at=found.due,
        area=found.house.township,
        mark=str(mark.value) if mark else DEFAULT_MARK,
        facts=facts,
        issued_at=utc_text(now),
        issued_by=actor.id,
        answer_by=utc_text(answer_by),
        answer="",
    )


def _number(pack: Pack, now: datetime) -> int:
    found = pack.given("urging_days", local_date(now))
    return int(found.value) if found else DEFAULT_DAYS


def _tell(actor: Actor, row: Urging, now: datetime) -> None:
    roles = loaded_rules().machine_of(_case(row)).waits_for(_case(row).state)
    params = {"timer": row.kind, "due": row.due_at}
    told = Message(row.case, "urged", roles=tuple(dict.fromkeys((*ANSWERERS, *roles))), params=params)
    add_messages(row.county, [told], f"u:{row.year}:{row.number}", now)
    detail = {"number": f"{row.year}/{row.number}", "timer": row.kind, "to": row.area}
    ledger.append(row.county, user=actor.id, kind="urging_issued", subject=row.case, now=now, detail=detail)


def _case(row: Urging) -> Case:
    found = cases.read_dossier(row.county, cases.household_of(row.case)).by_number(row.case)
    if found is None:
        raise NotFound(case=row.case)
    return found


def answer(actor: Actor, county: str, year: int, number: int, *, text: str) -> Letter:
    """Record the answer to a letter; raises NotFound, NotAllowed (answered before) or BadValue (answer)."""
    text = text.strip()
    if not text or len(text) > LONGEST_ANSWER:
        raise BadValue(field="answer", value="")
    with writing() as now:
        row = _own(actor, county, year, number, (*ANSWERERS, *ISSUERS))
        if row.answered_at:
            raise NotAllowed(page="urgings")
        row.answered_at, row.answered_by, row.answer = utc_text(now), actor.id, text
        detail = {"number": f"{row.year}/{row.number}"}
        ledger.append(county, user=actor.id, kind="urging_answered", subject=row.case, now=now, detail=detail)
        return _letters([row])[0]


def note_print(actor: Actor, found: Letter) -> None:
    """Write down that a letter was printed."""
    with writing() as now:
        detail = {"number": f"{found.year}/{found.number}"}
        ledger.append(found.county, user=actor.id, kind="urging_printed", subject=found.case, now=now, detail=detail)


def _letters(rows: Sequence[Urging]) -> list[Letter]:
    codes = {code for row in rows for code in (row.area, f"{row.county:0<12}", row.facts["village"])}
    areas = area_names(codes)
    people = user_names({int(who[1:]) for row in rows for who in (row.issued_by, row.answered_by) if who})
    return [_letter(row, areas, people) for row in rows]


def _letter(row: Urging, areas: Any, people: Any) -> Letter:
    return Letter(
        county=row.county,
        year=row.year,
        number=row.number,
        mark=row.mark,
        case=row.case,
        kind=row.kind,
        due=row.due_at,
        area=row.area,
        area_name=areas.get(row.area, row.area),
        county_name=areas.get(f"{row.county:0<12}", row.county),
        village_name=areas.get(row.facts["village"], row.facts["village"]),
        issued_at=row.issued_at,
        issuer=people.get(int(row.issued_by[1:]), row.issued_by),
        answer_by=row.answer_by,
        answered_at=row.answered_at or "",
        answerer=people.get(int(row.answered_by[1:]), row.answered_by) if row.answered_by else "",
        answer=row.answer,
        facts=dict(row.facts),
    )
