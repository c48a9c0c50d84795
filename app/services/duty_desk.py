"""The ledger of duties as people see it: what is open, missed, done; coverage; a household's last year."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.services.cases import loaded_rules
from app.services.lists import Found, following_key, note_look, page_of, paged, scope_of
from app.store import duty_acts
from app.store import duty_lists as store
from app.store.duties import DONE, DROPPED
from app.store.duty_lists import Wanted
from app.store.transaction import reading
from app.tables import DutyAct, DutyPeriod
from workflows.clock import local_date, parse_utc, utc_text
from workflows.definition import Label
from workflows.duties import REPORT, Duty
from workflows.duty_periods import counts_days
from workflows.errors import NotFound
from workflows.model import Actor

YEAR = timedelta(days=366)
MOST_ALIKE = 200
NEAR = timedelta(days=2)


@dataclass(frozen=True)
class Done:
    """One thing that was done for a period; ``why`` says why it does not count, else empty."""

    act: str
    role: str
    mode: str
    on: str
    amount: int
    nil: bool
    why: str
    case: str
    note: str
    files: str
    at: str


@dataclass(frozen=True)
class Line:
    """A period in a list. ``status``: open, missed, done, made_up (done too late), dropped; times are UTC texts."""

    county: str
    duty: str
    label: Label
    subject: str
    kind: str
    name: str
    place: str
    village: str
    begins: str
    due_at: str
    provisional: bool
    needed: int
    done: int
    status: str
    settled_at: str
    roles: tuple[str, ...]
    modes: tuple[str, ...]
    acts: tuple[str, ...]
    clause: str
    counts_days: bool
    may_report: bool
    did: Sequence[Done] = ()

    @property
    def key(self) -> str:
        """The name of the period in addresses: county, duty, begin, subject."""
        return f"{self.duty}~{self.begins}~{self.subject}"


@dataclass(frozen=True)
class Covered:
    """How many of the subjects of a duty were reached in one period, such as a secretary's yearly rounds."""

    duty: str
    label: Label
    begins: str
    due_at: str
    subjects: int
    done: int


@dataclass(frozen=True)
class Ledger:
    """One page of the ledger with the numbers of what is open and missed, by duty, and how far rounds have come."""

    found: Found[Line]
    counts: Mapping[str, int]
    duties: Sequence[tuple[str, Label, int, int]]
    coverage: Sequence[Covered]
    visits: Mapping[str, int]


def ledger(actor: Actor, wanted: Wanted, after: str = "") -> Ledger:
    """Return the duties of a person's area that fit a filter; an auditor's look is written to the access ledger."""
    scope = scope_of(actor)
    with reading() as now:
        rows, more = paged(store.periods(scope, wanted, now, page_of(after)))
        lines = _lines(actor, rows, now)
        last = lines[-1] if lines else None
        following = following_key(more, last.due_at, last.duty, last.subject, last.begins) if last else ""
        counted = store.counts(scope, wanted, now)
        duties = [
            (r.duty, label_of(r.pack, r.duty, r[2]), int(r.running), int(r.missed))
            for r in store.by_duty(scope, wanted, now)
        ]
        covered = _coverage(scope, wanted.area, now)
        visits = store.visits_due(scope.user_id, now)
    if lines:
        note_look(actor, wanted.area or "duties", rows=len(lines))
    return Ledger(Found(lines, following, now), counted, duties, covered, visits)


def counts_of(actor: Actor) -> Mapping[str, int]:
    """Return how many duties that a person reports are open and missed, the helper's visits among them."""
    scope = scope_of(actor)
    with reading() as now:
        own, visits = store.counts(scope, Wanted(mine=True), now), store.visits_due(scope.user_id, now)
    return {state: own[state] + visits[state] for state in own}


def of_household(actor: Actor, county: str, number: str) -> list[Line]:
    """Return the duties of a household's last year, the helper's visits among them; the caller has asked who looks."""
    with reading() as now:
        since = utc_text(now - YEAR)
        lines = _lines(actor, store.of_household(county, number, since), now)
        lines += [_visit(row, number, now) for row in store.visits_of_household(county, number, since)]
    return sorted(lines, key=lambda line: (line.due_at, line.duty), reverse=True)


def one(actor: Actor, county: str, key: str) -> tuple[Line, list[Line]]:
    """Return a period, and those of the same duty and time that the person may report with it; NotFound."""
    parts = key.split("~")
    if len(parts) != 3:
        raise NotFound(duty=key[:60])
    duty, begins, subject = parts
    scope = scope_of(actor)
    with reading() as now:
        row = store.one(scope, county, duty, begins, subject)
        if row is None:
            raise NotFound(duty=key[:60])
        (line,) = _lines(actor, [row], now)
        others = _lines(actor, store.alike(scope, county, duty, begins, MOST_ALIKE), now)
    return line, [other for other in others if other.subject != subject]


def _coverage(scope: Any, area: str, now: datetime) -> list[Covered]:
    named = {row.id for pack in loaded_rules().packs.values() for row in pack.duties if row.coverage}
    rows = store.coverage(scope, named, area, utc_text(now - YEAR)) if named else []
    found: dict[str, Covered] = {}
    for row in rows:
        label = label_of(row.pack, row.duty, row.begins)
        one = Covered(row.duty, label, row.begins, row.due_at, int(row.subjects), int(row.done))
        found.setdefault(row.duty, one)
    return list(found.values())


# --- lines ---
def _lines(actor: Actor, rows: Sequence[Any], now: datetime) -> list[Line]:
    duty_acts.ensure_packs(loaded_rules(), {row.DutyPeriod.pack for row in rows})
    did: dict[tuple[str, str, str], list[DutyAct]] = {}
    for county in {row.DutyPeriod.county for row in rows}:
        subjects = [row.DutyPeriod.subject for row in rows if row.DutyPeriod.county == county]
        did |= store.acts_of(county, subjects)
    return [_line(actor, row, did, now) for row in rows]


def _line(actor: Actor, row: Any, did: Mapping[tuple[str, str, str], Sequence[DutyAct]], now: datetime) -> Line:
    period: DutyPeriod = row.DutyPeriod
    duty = duty_acts.duty_of(loaded_rules(), period)
    acts = did.get((period.duty, period.subject, period.begins), ())
    return Line(
        county=period.county,
        duty=period.duty,
        label=duty.label if duty else _plain(period.duty),
        subject=period.subject,
        kind=period.kind,
        name=row.head_name or row.place_name or period.subject,
        place=row.place_name or "",
        village=period.village,
        begins=period.begins,
        due_at=period.due_at,
        provisional=period.provisional,
        needed=period.needed,
        done=period.done,
        status=status_of(period, now),
        settled_at=period.settled_at or "",
        roles=tuple(role for role in period.roles.split(",") if role),
        modes=duty.modes if duty else (),
        acts=duty.acts if duty else (REPORT,),
        clause=period.clause,
        counts_days=counts_days(duty) if duty else False,
        may_report=may_report(actor, period, duty),
        did=[_did(act) for act in acts],
    )


def _did(act: DutyAct) -> Done:
    return Done(
        act.act, act.role, act.mode, act.on_day, act.amount, act.nil, act.why, act.case, act.note, act.files, act.at
    )


def status_of(period: DutyPeriod, now: datetime) -> str:
    """Return how a period stands at a moment: what is late is told from the time."""
    if period.state == DONE:
        return "made_up" if (period.settled_at or "") >= period.due_at else "done"
    if period.state == DROPPED:
        return "dropped"
    return "missed" if period.due_at <= utc_text(now) else "open"


def reporting_office(actor: Actor, period: DutyPeriod) -> str:
    """Return the role by which a person reports a period, empty for none."""
    place = period.village or period.township or period.county.ljust(12, "0")
    for office in actor.offices:
        own = office.role != "helper" or f"u{period.user_id}" == actor.account_in(office)
        named = f",{office.role}," in period.roles
        if named and own and _reaches(office, period, place):
            return office.role
    return ""


def _reaches(office: Any, period: DutyPeriod, place: str) -> bool:
    """A county's or township's own duty is for offices of that level or above."""
    return bool(office.covers(place)) and office.area[:6] == period.county


def may_report(actor: Actor, period: DutyPeriod, duty: Duty | None) -> bool:
    """Tell whether a person may report a period now."""
    takes = duty is not None and REPORT in duty.acts
    return takes and period.state not in (DONE, DROPPED) and bool(reporting_office(actor, period))


def label_of(pack: str, duty: str, begins: str) -> Label:
    """Return what a duty is called in the pack that a period was made from."""
    rules = loaded_rules()
    duty_acts.ensure_packs(rules, [pack])
    known = rules.pack_of(pack)
    row = known.duty(duty, local_date(parse_utc(begins))) if known else None
    return row.label if row else _plain(duty)


def _plain(duty: str) -> Label:
    return {"zh": duty, "en": duty}


def _visit(row: Any, number: str, now: datetime) -> Line:
    """A period of the helper's visits, which a timer of the case keeps, as the ledger shows it."""
    states = {"met": "done", "late": "missed", "cancelled": "dropped", "": "open"}
    status = states.get(row.ended_how or "", "dropped")
    if status == "open" and row.due_at <= utc_text(now):
        status = "missed"
    timer = loaded_rules().definitions["assist"].timers[row.kind]
    return Line(
        county=row.county, duty=row.kind, label=timer.label, subject=number, kind="household", name="", place="",
        village=row.village, begins=row.start_at, due_at=row.due_at, provisional=row.provisional, needed=1,
        done=int(status == "done"), status=status, settled_at=row.ended_at or "", roles=("helper",), modes=("home",),
        acts=("assist.record_visit",), clause=row.clause, counts_days=False, may_report=False,
    )  # fmt: skip
