"""Cases and their journal: reading a household's dossier under lock, recording all that one command does."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, select

from app.store.deadlines import insert_started, mark_ended
from app.store.outbox import add_messages
from app.store.statements import (
    DELETE_WAITS,
    INSERT_CASE,
    INSERT_COMMAND,
    INSERT_DISCLOSURE,
    INSERT_ENTRY,
    INSERT_EVIDENCE,
    INSERT_WAIT,
    LOCK_HOUSEHOLD,
    SELECT_CASES,
    SELECT_COMMAND,
    SELECT_HOUSEHOLD,
    SELECT_PEOPLE,
    UPDATE_CASE,
    run,
)
from app.store.transaction import insert_once
from app.store.webhooks import add_moves
from app.tables import (
    DisclosureRow,
    Household,
    JournalRow,
    KeptText,
    Member,
    db,
)
from workflows.clock import local_date, parse_utc, utc_text
from workflows.errors import NotFound, Stale
from workflows.journal import Disclosure, Sealed
from workflows.model import Actor, Case, Clock, Command, Deadline, Dossier, Move, Outcome, Subject
from workflows.registry import Rules

NEVER = "9999-12-31T00:00:00Z"
DEFAULT_WARNINGS = (80,)


def household_row(county: str, number: str) -> Household:
    """Return a household; raise NotFound."""
    row = db.session.get(Household, (county, number))
    if row is None:
        raise NotFound(household=number)
    return row


def read_dossier(county: str, number: str) -> Dossier:
    """Return a household with all its cases, oldest first; raise NotFound when there is no such household."""
    return _read(county, number, SELECT_HOUSEHOLD)[0]


def lock_dossier(county: str, number: str) -> tuple[Dossier, str]:
    """Return a household's dossier and the time of its latest entry; every other command on it is kept waiting.

    The household's row is the one lock of all its cases: what a move does to several of them is one decision, and
    opening a case finds nothing else to lock.
    """
    return _read(county, number, LOCK_HOUSEHOLD)


def _read(county: str, number: str, household_by: Select[Any]) -> tuple[Dossier, str]:
    key = {"k_county": county, "k_number": number}
    household = run(household_by, key).one_or_none()
    if household is None:
        raise NotFound(household=number)
    subject = Subject(
        kind="household",
        number=number,
        county=county,
        area=household.area,
        name=household.head_name,
        household_kind=household.kind,
        people=frozenset(row.id_key for row in run(SELECT_PEOPLE, key)),
    )
    rows = run(SELECT_CASES, {"k_county": county, "k_subject": f"household:{number}"}).all()
    latest = max((row.updated_at for row in rows), default="")
    return Dossier(subject, tuple(case_of(row) for row in rows)), latest


def household_of(case: str) -> str:
    """Return the number of the household that a case is numbered after (500241H0000001-C1)."""
    household, dash, _ = case.rpartition("-")
    if not dash:
        raise NotFound(case=case)
    return household


def case_of(row: Row[Any]) -> Case:
    """Return the case that a row holds."""
    clocks = {kind: Clock(**clock) for kind, clock in json.loads(row.clocks).items()}
    return Case(
        county=row.county,
        number=row.number,
        definition=row.definition,
        definition_digest=row.definition_digest,
        policy=row.policy,
        policy_digest=row.policy_digest,
        purpose=row.purpose,
        subject=row.subject,
        state=row.state,
        seq=row.seq,
        head=row.head,
        closed=bool(row.closed),
        fields=json.loads(row.fields),
        clocks=clocks,
        opened_at=row.opened_at,
    )


def earlier_command(county: str, key: str) -> Row[Any] | None:
    """Return what a command with this idempotency key did before, if it was carried out."""
    found = run(SELECT_COMMAND, {"k_county": county, "k_key": key})
    return found.one_or_none()


def record(
    rules: Rules,
    outcome: Outcome,
    command: Command,
    actor: Actor,
    *,
    dossier: Dossier,
    digest: str,
    now: datetime,
) -> None:
    """Record everything that a command does; the caller's transaction makes it all or nothing."""
    county = dossier.subject.county
    areas = area_columns(dossier.subject.area)
    first = outcome.moves[0]
    answer = {"case": first.case.number, "seq": first.case.seq, "at": utc_text(now)}
    run(INSERT_COMMAND, {"county": county, "key": command.key, "digest": digest, "user": actor.id, **answer})
    for move in outcome.moves:
        _record_move(rules, move, areas, now)
    _record_evidence(county, first, command)
    mark_ended(county, outcome.ended, now)
    insert_started(
        county,
        outcome.started,
        **areas,
        warn=lambda deadline: warnings_of(rules, outcome, deadline),
    )
    add_messages(county, outcome.messages, command_key=command.key, now=now)
    add_moves(county, outcome.moves, now)


def area_columns(area: str) -> dict[str, str]:
    """Return the village and township columns of an area (12 or 15 digits)."""
    return {"village": area[:12], "township": f"{area[:9]}000"}


def warnings_of(rules: Rules, outcome: Outcome, deadline: Deadline) -> tuple[int, ...]:
    """Return the percents of a period at which its owner is warned, as the pack has them today."""
    case = next(m.case for m in outcome.moves if m.case.number == deadline.case)
    pack = rules.machine_of(case).pack
    limit = pack.limit(f"{case.definition}.{deadline.clock.kind}", local_date(parse_utc(deadline.clock.start)))
    return limit.warn if limit else DEFAULT_WARNINGS


def _record_move(rules: Rules, move: Move, areas: dict[str, str], now: datetime) -> None:
    case = move.case
    values = _case_values(case, areas, now)
    if case.seq == 1:
        _keep_texts(rules, case)
        run(INSERT_CASE, values)
    else:
        _update_case(case, values)
    _record_entry(move, now)
    _record_waits(rules, case, areas)


def _update_case(case: Case, values: dict[str, Any]) -> None:
    """Move the row on from the entry before; anything else means that somebody was here without the lock."""
    key = {"k_county": case.county, "k_number": case.number, "k_seq": case.seq - 1}
    if run(UPDATE_CASE, {**key, **values}).rowcount != 1:
        raise Stale(seen=case.seq - 1, present=case.seq)


def _case_values(case: Case, areas: dict[str, str], now: datetime) -> dict[str, Any]:
    values = {k: v for k, v in vars(case).items() if k not in ("fields", "clocks")}
    clocks = {kind: clock.as_json() for kind, clock in case.clocks.items()}
    return {
        **values,
        **areas,
        "fields": json.dumps(case.fields, ensure_ascii=False, sort_keys=True),
        "clocks": json.dumps(clocks, ensure_ascii=False, sort_keys=True),
        "due_at": earliest_due(case),
        "updated_at": utc_text(now),
    }


def earliest_due(case: Case) -> str | None:
    """Return when the first maximum of a case falls due, or None."""
    return min((c.due for c in case.clocks.values() if c.bound == "max"), default=None)


def _record_entry(move: Move, now: datetime) -> None:
    entry, county = move.entry, move.case.county
    run(INSERT_ENTRY, {"county": county, "at": utc_text(now), **vars(entry)})
    if move.disclosures:
        run(INSERT_DISCLOSURE, [{"county": county, **vars(item)} for item in move.disclosures])


def _record_waits(rules: Rules, case: Case, areas: dict[str, str]) -> None:
    run(DELETE_WAITS, {"k_county": case.county, "k_case": case.number})
    rows = waits_of(rules, case, areas)
    if rows:
        run(INSERT_WAIT, rows)


def waits_of(rules: Rules, case: Case, areas: dict[str, str]) -> list[dict[str, Any]]:
    """Return the rows that say whom a case waits for; follows from the case alone."""
    if case.closed:
        return []
    helper = case.fields.get("helper", {}).get("id", "u0")
    return [
        {
            "county": case.county,
            "case": case.number,
            "role": role,
            "user_id": int(helper[1:]) if role == "helper" else 0,
            "due_at": earliest_due(case) or NEVER,
            **areas,
        }
        for role in rules.machine_of(case).waits_for(case.state)
    ]


def _keep_texts(rules: Rules, case: Case) -> None:
    """Keep the texts that a new case is pinned to, so that it runs and verifies for ever."""
    wanted = {case.definition_digest, case.policy_digest}
    known = set(db.session.scalars(select(KeptText.digest).where(KeptText.digest.in_(wanted))))
    machine = rules.machine_of(case)
    for digest, kind, text in (
        (machine.definition.digest, "definition", machine.definition.text),
        (machine.pack.digest, "pack", machine.pack.text),
    ):
        if digest not in known:
            db.session.execute(insert_once(KeptText).values(digest=digest, kind=kind, text=text))


def kept_texts(digests: Iterable[str]) -> list[KeptText]:
    """Return kept texts by digest."""
    return list(db.session.scalars(select(KeptText).where(KeptText.digest.in_(list(digests)))))


def _record_evidence(county: str, first: Move, command: Command) -> None:
    rows = [
        {
            "county": county,
            "case": first.case.number,
            "seq": first.case.seq,
            "kind": item.kind,
            "sha256": item.sha256,
        }
        for item in command.evidence
    ]
    if rows:
        run(INSERT_EVIDENCE, rows)


def entries_of(county: str, case: str) -> list[Sealed]:
    """Return a case's entries in order, exactly as stored."""
    rows = db.session.execute(
        select(JournalRow.case, JournalRow.seq, JournalRow.text, JournalRow.hash)
        .where(JournalRow.county == county, JournalRow.case == case)
        .order_by(JournalRow.seq)
    )
    return [Sealed(*row) for row in rows]


def entries_of_all(county: str, cases: Iterable[str]) -> dict[str, list[Sealed]]:
    """Return the entries of several cases, by case, in one query."""
    numbers = list(cases)
    found: dict[str, list[Sealed]] = {number: [] for number in numbers}
    rows = db.session.execute(
        select(JournalRow.case, JournalRow.seq, JournalRow.text, JournalRow.hash)
        .where(JournalRow.county == county, JournalRow.case.in_(numbers))
        .order_by(JournalRow.case, JournalRow.seq)
    )
    for row in rows:
        found[row.case].append(Sealed(*row))
    return found


def disclosures_of(county: str, cases: Iterable[str]) -> list[Disclosure]:
    """Return the personal values of some cases that were not erased."""
    rows = db.session.execute(
        select(
            DisclosureRow.case,
            DisclosureRow.seq,
            DisclosureRow.field,
            DisclosureRow.salt,
            DisclosureRow.value,
        )
        .where(DisclosureRow.county == county, DisclosureRow.case.in_(list(cases)))
        .order_by(DisclosureRow.case, DisclosureRow.seq, DisclosureRow.field)
    )
    return [Disclosure(*row) for row in rows]


def members_of(county: str, household: str) -> Sequence[Member]:
    """Return a household's members, head first."""
    return db.session.scalars(
        select(Member).where(Member.county == county, Member.household == household).order_by(Member.position)
    ).all()
