"""What moves of cases do to a household's duties: acts that count, periods that end, periods that an event begins."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import and_, select

from app.store import duties, receipts
from app.store.bulk import among
from app.store.statements import run
from app.store.transaction import insert_once
from app.tables import CaseRow, DutyAct, DutyPeriod, Household, JournalRow, KeptText, db
from workflows.clock import local_date, parse_utc, utc_text
from workflows.duties import Duty, in_force
from workflows.duty_periods import Act, span_from, why_not
from workflows.model import Dossier, Outcome
from workflows.registry import Rules

STATUS, ASSIST = "monitor_status", "assist"
TOLD = ("mode", "day")  # why an act of the right person does not count: worth keeping


@dataclass(frozen=True)
class Deed:
    """What one command did to a household, as the duties see it; ``user`` acted, in his own name."""

    outcome: Outcome
    data: Mapping[str, Any]
    dossier: Dossier
    user: str
    now: datetime

    @property
    def household(self) -> str:
        """The household's number."""
        return self.dossier.subject.number


def follow(rules: Rules, deeds: Iterable[Deed]) -> None:
    """Bring the duties up to date with some commands, in the transaction that recorded them."""
    for deed in deeds:
        names = {f"{move.case.definition}.{move.body['action']}" for move in deed.outcome.moves}
        _follow_status(rules, deed)
        _follow_helper(deed)
        if names & rules.acts_of_duties():
            _begin(rules, deed, names)
            _count(rules, deed)


def _follow_status(rules: Rules, deed: Deed) -> None:
    moves = [move for move in deed.outcome.moves if move.case.definition == STATUS]
    if any(move.body["source"] != move.body["target"] for move in moves):
        drop_left(rules, deed.dossier.subject.county, [deed.household], deed.now)


def _follow_helper(deed: Deed) -> None:
    for move in deed.outcome.moves:
        if move.case.definition == ASSIST and "helper" in move.body["changes"]:
            account = str(move.case.fields.get("helper", {}).get("id", "u0"))
            duties.set_helper(move.case.county, deed.household, int(account[1:]))


# --- leaving ---
def drop_left(rules: Rules, county: str, households: Sequence[str], now: datetime) -> int:
    """Drop the open periods of households that no longer come under a duty before it is due; return how many.

    What was due before the household left stays: it was missed.
    """
    rows = [row for row in duties.open_rows(county, households) if row.kind == "household"]
    if not rows:
        return 0
    ensure_packs(rules, {row.pack for row in rows})
    stays, kinds = _stays(county, {row.subject for row in rows}), _kinds(county, households)
    gone = [row for row in rows if _has_left(duty_of(rules, row), row, stays[row.subject], kinds[row.subject])]
    for row in gone:
        duties.settle(row, duties.DROPPED, now)
    db.session.flush()
    return len(gone)


def _has_left(duty: Duty | None, row: DutyPeriod, stays: Sequence[tuple[str, str]], kind: str) -> bool:
    """A household that was never watched can only have become of another kind. What an event began stays owed."""
    if duty is None or duty.events:
        return False
    if not stays:
        return not duty.concerns("none", kind)
    return any(row.begins < at < row.due_at and not duty.concerns(state, kind) for at, state in stays)


def _stays(county: str, households: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
    """The states of monitoring of some households, by household: (from when, which), oldest first."""
    found: dict[str, list[tuple[str, str]]] = {number: [] for number in households}
    joined = and_(CaseRow.county == JournalRow.county, CaseRow.number == JournalRow.case)
    rows = db.session.execute(
        select(CaseRow.subject, JournalRow.at, duties.target_of(JournalRow.text).label("target"))
        .join(CaseRow, joined)
        .where(CaseRow.county == county, CaseRow.definition == STATUS)
        .where(among(CaseRow.subject, [f"household:{number}" for number in found]))
        .order_by(JournalRow.at, JournalRow.case, JournalRow.seq)
    )
    for subject, at, target in rows:
        found[subject.partition(":")[2]].append((at, target))
    return found


def _kinds(county: str, households: Sequence[str]) -> dict[str, str]:
    query = select(Household.number, Household.kind).where(
        Household.county == county, among(Household.number, households)
    )
    return {row.number: row.kind for row in db.session.execute(query)}


def moved_since(county: str, at: str) -> list[str]:
    """Return the households whose state of monitoring was written about since a moment."""
    query = select(CaseRow.subject).where(CaseRow.county == county, CaseRow.definition == STATUS)
    rows = db.session.scalars(query.where(CaseRow.updated_at >= at).distinct())
    return [subject.partition(":")[2] for subject in rows]


# --- beginning by an event ---
def _begin(rules: Rules, deed: Deed, names: set[str]) -> None:
    subject, today = deed.dossier.subject, local_date(deed.now)
    pack = rules.pack_at(subject.area, today)
    if pack is None:
        return
    for duty in in_force(pack.duties, today):
        if duty.is_run and names.intersection(duty.events) and _is_from(duty, deed):
            duties.keep_pack(pack)
            span = span_from(duty, deed.now, calendar=rules.calendar_for(subject.county))
            duties.make_one(deed.household, subject.area, duties.Making(subject.county, duty, pack, span))


def _is_from(duty: Duty, deed: Deed) -> bool:
    """Tell whether the clue behind an act came by one of the ways that a duty names."""
    case = deed.outcome.case
    return not duty.sources or case.fields.get("clue_source") in duty.sources


# --- counting ---
def _count(rules: Rules, deed: Deed) -> None:
    rows = duties.open_rows(deed.dossier.subject.county, [deed.household])
    ensure_packs(rules, {row.pack for row in rows})
    counted = []
    for name, office_role, case, seq in _acts(deed):
        act = Act(name, office_role, str(deed.data.get("visit_mode", "")), _day(deed))
        for row in rows:
            duty = duty_of(rules, row)
            if duty is not None and row.state == duties.OPEN and _note(row, duty, act, deed, case, seq):
                counted.append(row)
    db.session.flush()
    note_answers(counted, deed.user, deed.now)


def _acts(deed: Deed) -> Iterator[tuple[str, str, str, int]]:
    for move in deed.outcome.moves:
        name = f"{move.case.definition}.{move.body['action']}"
        yield name, str(move.body["actor"]["role"]), move.case.number, move.case.seq


def _day(deed: Deed) -> date:
    said = deed.data.get("visit_on")
    return date.fromisoformat(str(said)) if said else local_date(deed.now)


def _note(row: DutyPeriod, duty: Duty, act: Act, deed: Deed, case: str, seq: int) -> bool:
    """Note an act at a period; tell whether it counts there."""
    why = why_not(duty, act, parse_utc(row.begins), last_day(row))
    if why and why not in TOLD:
        return False
    values = {"act": act.name, "user": deed.user, "role": act.role, "mode": act.mode, "on_day": act.on.isoformat()}
    add_act(row, deed.now, **values, case=case, seq=seq, why=why)
    if not why:
        advance(row, 1, deed.now)
    return not why


def add_act(row: DutyPeriod, now: datetime, **values: Any) -> None:
    """Note what was done for a period, once for each entry or line of the ledger."""
    kept = {"amount": 1, "nil": False, "note": "", "salt": "", "files": "[]", "why": "", **values}
    key = {"county": row.county, "duty": row.duty, "subject": row.subject, "begins": row.begins}
    run(insert_once(DutyAct), {**key, **kept, "at": utc_text(now)})


def advance(row: DutyPeriod, amount: int, now: datetime) -> None:
    """Count acts or days for a period; it is done when there are enough."""
    row.done += amount
    if row.done >= row.needed:
        duties.settle(row, duties.DONE, now)


def note_answers(rows: Iterable[DutyPeriod], user: str, now: datetime) -> None:
    """Note at a person's reminders of some periods that something was done; of most nobody was reminded yet."""
    keys = {f"{row.county}:{duties.reminder_key(row)}" for row in rows if row.stage}
    if keys:
        receipts.note_answers(int(user[1:]), keys, now)


def last_day(row: DutyPeriod) -> date:
    """Return the local day on which a period may still be done."""
    return local_date(parse_utc(row.due_at) - timedelta(seconds=1))


# --- packs ---
def ensure_packs(rules: Rules, digests: Iterable[str]) -> None:
    """Load the kept texts of packs that are no longer among the files."""
    missing = [digest for digest in digests if not rules.knows(digest)]
    for kept in db.session.scalars(select(KeptText).where(KeptText.digest.in_(missing))) if missing else ():
        rules.add_text(kept.kind, kept.text)


def duty_of(rules: Rules, row: DutyPeriod) -> Duty | None:
    """Return the row of the pack that a period was made from."""
    pack = rules.pack_of(row.pack)
    return pack.duty(row.duty, local_date(parse_utc(row.begins))) if pack else None
