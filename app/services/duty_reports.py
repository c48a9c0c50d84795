"""Reports on duties, and warnings that were received: a line of the county's access ledger with all that follows."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from app.services.cases import ensure_evidence_is_own, loaded_rules, own_key
from app.services.duty_desk import reporting_office
from app.services.lists import scope_of
from app.store import areas, duty_acts, ledger
from app.store import duties as store
from app.store import duty_lists as lists
from app.store.statements import run
from app.store.transaction import insert_once, reading, writing
from app.tables import DutyPeriod, DutyReport
from workflows.clock import local_date, parse_utc, utc_text
from workflows.duties import REPORT, WARNING, Duty, in_force
from workflows.duty_periods import Act, counts_days, span_from, why_not
from workflows.errors import AlreadySigned, BadValue, KeyReused, MissingField, NotFound, OwnHousehold, WrongOffice
from workflows.journal import canonical, digest
from workflows.model import Actor, Evidence

MOST_DAYS, LONGEST_NOTE, MOST_SUBJECTS = 31, 2_000, 200
LONGEST_AGO = timedelta(days=366)
REGISTER = ("village_cadre", "township_officer", "township_leader", "sector_dept", "county_lead")
LEVELS = ("village", "township")


@dataclass(frozen=True)
class Report:
    """What a person reports of some subjects of one duty and period: the day, the way, how many days of work.

    ``nil``: it was done and nothing was found (零报告). The note is kept beside the ledger; only its digest is sealed.
    """

    duty: str
    begins: str
    subjects: tuple[str, ...]
    on: date
    mode: str = ""
    amount: int = 1
    nil: bool = False
    note: str = ""
    files: tuple[Evidence, ...] = field(default=())


@dataclass(frozen=True)
class Taken:
    """The answer to a report: the line of the ledger, how many periods it concerns, whether it was there before."""

    seq: int
    count: int
    repeated: bool


def report(actor: Actor, county: str, said: Report, *, key: str) -> Taken:
    """Take in a report; raises Refused, and then nothing has changed.

    NotFound for what the person may not see, WrongOffice for what another one reports, AlreadySigned for what is done,
    BadValue (field on, mode, amount, note, subjects), OwnHousehold, MissingEvidence, KeyReused.
    """
    asked = [actor.id, said.duty, said.begins, list(said.subjects), said.on.isoformat(), said.mode, said.amount]
    fingerprint = digest(canonical([*asked, said.nil, said.note, [item.sha256 for item in said.files]]))
    with writing() as now:
        earlier = _earlier(actor, county, key, fingerprint)
        if earlier:
            return earlier
        _ensure_plain(said, local_date(now))
        ensure_evidence_is_own(actor, county, said.files)
        rows = _locked(actor, county, said)
        roles = [_ensure_counts(actor, row, said) for row in rows]
        salt = secrets.token_hex(16)
        seq = _seal(actor, county, said, roles[0], sealed_note(said.note, salt), now)
        for row, role in zip(rows, roles, strict=True):
            _note(actor, row, role, said, salt, seq, now)
        duty_acts.note_answers(rows, actor.id, now)
        _keep(county, own_key(actor, key), fingerprint, Taken(seq, len(rows), repeated=False), now)
        return Taken(seq, len(rows), repeated=False)


def _earlier(actor: Actor, county: str, key: str, fingerprint: str) -> Taken | None:
    row = lists.report_by_key(county, own_key(actor, key))
    if row is None:
        return None
    if row.digest != fingerprint:
        raise KeyReused(key=key)
    return Taken(row.seq, row.count, repeated=True)


def _keep(county: str, key: str, fingerprint: str, taken: Taken, now: datetime) -> None:
    values = {"digest": fingerprint, "seq": taken.seq, "count": taken.count, "at": utc_text(now)}
    run(insert_once(DutyReport), {"county": county, "key": key, **values})


def _ensure_plain(said: Report, today: date) -> None:
    if not 1 <= said.amount <= MOST_DAYS:
        raise BadValue(field="amount", value=str(said.amount))
    if len(said.note) > LONGEST_NOTE:
        raise BadValue(field="note", value="")
    if said.on > today:
        raise BadValue(field="on", value=said.on.isoformat())
    if not 1 <= len(set(said.subjects)) <= MOST_SUBJECTS:
        raise BadValue(field="subjects", value="")


def _locked(actor: Actor, county: str, said: Report) -> Sequence[DutyPeriod]:
    rows = lists.locked(scope_of(actor), county, said.duty, said.begins, said.subjects)
    missing = set(said.subjects) - {row.subject for row in rows}
    if missing:
        raise NotFound(duty=f"{said.duty}~{said.begins}~{min(missing)}")
    return rows


def _ensure_counts(actor: Actor, row: DutyPeriod, said: Report) -> str:
    """Return the role by which the person reports; raise Refused unless the report counts for the period."""
    duty = _duty(row)
    role = reporting_office(actor, row)
    if not role:
        raise WrongOffice(roles=[name for name in row.roles.split(",") if name])
    if row.state != store.OPEN:
        raise AlreadySigned(step=said.duty)
    if row.kind == "household" and lists.lives_there(row.county, row.subject, actor.person):
        raise OwnHousehold()
    if duty.modes and not said.mode:
        raise MissingField(field="mode")
    if said.amount > 1 and not counts_days(duty):
        raise BadValue(field="amount", value=str(said.amount))
    why = why_not(duty, Act(REPORT, role, said.mode, said.on), parse_utc(row.begins), duty_acts.last_day(row))
    if why:
        raise BadValue(field={"day": "on"}.get(why, why), value="")
    return role


def _duty(row: DutyPeriod) -> Duty:
    duty_acts.ensure_packs(loaded_rules(), [row.pack])
    duty = duty_acts.duty_of(loaded_rules(), row)
    if duty is None:
        raise NotFound(duty=row.duty)
    return duty


def sealed_note(note: str, salt: str) -> str:
    """Return what of a note is sealed: a digest, or nothing where there is none."""
    return digest(f"{salt}|duty|{note}") if note else ""


def _seal(actor: Actor, county: str, said: Report, role: str, note: str, now: datetime) -> int:
    """Seal the report: what was said of which subjects, by which role; no word of the note."""
    subjects = sorted(set(said.subjects))
    detail = {
        "duty": said.duty,
        "begins": said.begins,
        "subjects": subjects,
        "role": role,
        "mode": said.mode,
        "on": said.on.isoformat(),
        "amount": said.amount,
        "nil": said.nil,
        "note": note,
        "files": sorted(item.sha256 for item in said.files),
    }
    return ledger.append(county, user=actor.id, kind="duty", subject=subjects[0], now=now, detail=detail)


def _note(actor: Actor, row: DutyPeriod, role: str, said: Report, salt: str, seq: int, now: datetime) -> None:
    told = {"user": actor.id, "role": role, "mode": said.mode, "on_day": said.on.isoformat(), "nil": said.nil}
    kept = {"note": said.note, "salt": salt, "files": canonical(sorted(item.sha256 for item in said.files))}
    duty_acts.add_act(row, now, act=REPORT, case="", seq=seq, amount=said.amount, **told, **kept)
    duty_acts.advance(row, said.amount, now)


# --- warnings ---
def register_warning(actor: Actor, area: str, on: date, *, note: str = "", key: str) -> Taken:
    """Note that a warning was received for a village or township: its duties run from that day on.

    Raises NotFound (no such area, or a foreign one), WrongOffice, BadValue (on, note, area: no duty begins so there).
    """
    county = area[:6]
    fingerprint = digest(canonical([actor.id, WARNING, area, on.isoformat(), note]))
    with writing() as now:
        earlier = _earlier(actor, county, key, fingerprint)
        if earlier:
            return earlier
        _ensure_registers(actor, area)
        today = local_date(now)
        if not today - LONGEST_AGO <= on <= today:
            raise BadValue(field="on", value=on.isoformat())
        if len(note) > LONGEST_NOTE:
            raise BadValue(field="note", value="")
        begun, salt = _begin(area, on), secrets.token_hex(16)
        detail = {"on": on.isoformat(), "note": sealed_note(note, salt), "duties": sorted(row.duty for row in begun)}
        seq = ledger.append(county, user=actor.id, kind="duty_begun", subject=area, now=now, detail=detail)
        told = {"user": actor.id, "role": _role_over(actor, area), "mode": "", "on_day": on.isoformat()}
        for row in begun:
            duty_acts.add_act(row, now, act=WARNING, case="", seq=seq, amount=0, note=note, salt=salt, **told)
        _keep(county, own_key(actor, key), fingerprint, Taken(seq, len(begun), repeated=False), now)
        return Taken(seq, len(begun), repeated=False)


def _ensure_registers(actor: Actor, area: str) -> None:
    found = areas.find(area)
    if found is None or found.level not in LEVELS or not any(o.covers(area) for o in actor.offices):
        raise NotFound(area=area)
    if not _registers(actor, area):
        raise WrongOffice(roles=list(REGISTER))


def registers(actor: Actor) -> bool:
    """Tell whether a person may note a warning that was received."""
    return any(o.role in REGISTER for o in actor.offices)


def places_of(actor: Actor) -> list[tuple[str, str]]:
    """Return (code, name) of the townships and villages for which a person may note a warning."""
    counties = sorted({o.area[:6] for o in actor.offices if o.role in REGISTER})
    with reading():
        named = {c: row for county in counties for c, row in areas.names_down_to_villages(county).items()}
    return [(code, name) for code, name, _ in sorted(named.values()) if code[6:].strip("0") and _registers(actor, code)]


def _registers(actor: Actor, area: str) -> bool:
    return any(o.role in REGISTER and o.covers(area) for o in actor.offices)


def _role_over(actor: Actor, area: str) -> str:
    return next(o.role for o in actor.offices if o.role in REGISTER and o.covers(area))


def _begin(area: str, on: date) -> list[DutyPeriod]:
    rules = loaded_rules()
    pack = rules.pack_at(area, on)
    rows = [row for row in in_force(pack.duties, on) if row.is_run and WARNING in row.events] if pack else []
    if pack is None or not rows:
        raise BadValue(field="area", value=area)
    store.keep_pack(pack)
    begun = []
    for duty in rows:
        # At noon, as the day of the start does not count; a second warning of the day a second later.
        nth = lists.begun_on(area[:6], duty.id, area, on.isoformat())
        begins = parse_utc(f"{on.isoformat()}T04:00:00Z") + timedelta(seconds=nth)
        span = span_from(duty, begins, calendar=rules.calendar_for(area[:6]))
        store.make_one(area, area, store.Making(area[:6], duty, pack, span))
        begun.append(store.period(area[:6], duty.id, area, utc_text(begins)))
    return begun
