"""Cases and their journal: reading a household's dossier under lock, recording all that one command does."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any

import orjson
from sqlalchemy import Row, Select, select

from app.office_hours import office_hours
from app.store import calendars
from app.store.batch import PINS, Batch
from app.store.deadlines import ended_row, started_row
from app.store.duty_acts import Deed, follow
from app.store.outbox import message_rows
from app.store.receipts import ACTED
from app.store.statements import (
    CASE_COLUMNS,
    LOCK_ONE,
    LOCK_SEVERAL,
    READ_FOR_COMMAND,
    READ_ONE,
    READ_SEVERAL,
    SELECT_COMMANDS,
    run,
    run_text,
)
from app.store.transaction import insert_once, is_sqlite, moment_of, present
from app.store.webhooks import move_row
from app.tables import (
    DisclosureRow,
    Household,
    JournalRow,
    KeptText,
    Member,
    db,
)
from workflows.clock import NEVER, local_date, parse_utc, utc_text
from workflows.errors import NotFound
from workflows.journal import Disclosure, Sealed
from workflows.ladder import with_early
from workflows.model import Actor, Case, Clock, Command, Deadline, Dossier, Outcome, Subject
from workflows.periods import frozen_limit
from workflows.registry import Rules

_parsed = json.JSONDecoder().decode


def _as_json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def household_row(county: str, number: str) -> Household:
    """Return a household; raise NotFound."""
    row = db.session.get(Household, (county, number))
    if row is None:
        raise NotFound(household=number)
    return row


@dataclass(frozen=True)
class Earlier:
    """What a command did that was carried out under the same idempotency key."""

    digest: str
    case: str
    seq: int


@dataclass(frozen=True)
class Locked:
    """A household under lock: its dossier, the time of its latest entry (or empty), and the moment of reading.

    ``listens`` is false when the county has no webhook, so that nothing need be written for one.
    Its row is the one lock of all its cases: what a move does to several of them is one decision, and opening a case
    finds nothing else to lock. Every other command on it is kept waiting.
    """

    dossier: Dossier
    latest: str
    now: datetime
    earlier: Earlier | None = None
    listens: bool = True


def read_dossier(county: str, number: str) -> Dossier:
    """Return a household with all its cases, oldest first; raise NotFound when there is no such household."""
    return _found(_read(READ_ONE, county, k_number=number), number).dossier


def read_dossiers(county: str, numbers: Sequence[str]) -> list[Dossier]:
    """Return those of some households that there are, each with all its cases."""
    return [found.dossier for found in _read(READ_SEVERAL, county, k_numbers=numbers).values()]


def lock_dossier(county: str, number: str, key: str) -> Locked:
    """Return a household under lock, with what the command of a key did before, if it was carried out."""
    _lock(LOCK_ONE, county, k_number=number)
    return _found(_read(READ_FOR_COMMAND, county, k_number=number, k_key=key), number)


def lock_dossiers(county: str, numbers: Sequence[str]) -> dict[str, Locked]:
    """Return those of some households that there are, under lock."""
    _lock(LOCK_SEVERAL, county, k_numbers=numbers)
    return _read(READ_SEVERAL, county, k_numbers=numbers)


def _lock(statement: Select[Any], county: str, **which: object) -> None:
    """Wait for the lock before reading, as PostgreSQL would show what stood there before the wait; SQLite locks all."""
    if not is_sqlite():
        _run(statement, county, which)


def _read(statement: Select[Any], county: str, **which: object) -> dict[str, Locked]:
    rows = _run(statement, county, which)
    return {number: _locked(county, list(cases)) for number, cases in groupby(rows, itemgetter(0))}


def _run(statement: Select[Any], county: str, which: Mapping[str, object]) -> Sequence[Sequence[Any]]:
    values = {"k_county": county, **which}
    # What takes a list of numbers has no fixed text.
    return run(statement, values).all() if "k_numbers" in which else run_text(statement, values)


def _found(households: Mapping[str, Locked], number: str) -> Locked:
    if number not in households:
        raise NotFound(household=number)
    return households[number]


OF_HOUSEHOLD = 8
OF_CASE = OF_HOUSEHOLD + len(CASE_COLUMNS)


def _locked(county: str, rows: Sequence[Sequence[Any]]) -> Locked:
    """Rows hold the household's columns, those of a case (or nothing), and perhaps what a command did before."""
    number, area, name, kind, people, now, listens, stamp = rows[0][:OF_HOUSEHOLD]
    calendars.follow(stamp, present())
    subject = Subject(
        kind="household",
        number=number,
        county=county,
        area=area,
        name=name,
        household_kind=kind,
        people=frozenset((people or "").split(",")) - {""},
    )
    found = [row[OF_HOUSEHOLD:OF_CASE] for row in rows if row[OF_HOUSEHOLD] is not None]
    latest = max((row[-1] for row in found), default="")
    was = rows[0][OF_CASE:]
    earlier = Earlier(*was) if was and was[0] else None
    dossier = Dossier(subject, tuple(_case(row) for row in found))
    return Locked(dossier, latest, moment_of(now), earlier, bool(listens))


def household_of(case: str) -> str:
    """Return the number of the household that a case is numbered after (500241H0000001-C1)."""
    household, dash, _ = case.rpartition("-")
    if not dash:
        raise NotFound(case=case)
    return household


def case_of(row: Row[Any]) -> Case:
    """Return the case that a row holds."""
    return _case([getattr(row, name) for name in CASE_COLUMNS])


def _case(values: Sequence[Any]) -> Case:
    """Return the case of the columns CASE_COLUMNS, which stand in the order of its parts."""
    *plain, closed, fields, clocks, opened_at, _ = values
    return Case(*(*plain, bool(closed), _parsed(fields), dict(_clocks(clocks)), opened_at))


@lru_cache(maxsize=1024)
def _clocks(text: str) -> Mapping[str, Clock]:
    """Cases that were moved together have the very same periods."""
    return {kind: Clock.read(clock) for kind, clock in _parsed(text).items()}


def earlier_commands(county: str, keys: Sequence[str]) -> dict[str, Earlier]:
    """Return what the commands of some keys did, of those that were carried out."""
    rows = run(SELECT_COMMANDS, {"k_county": county, "k_keys": keys})
    return {row.key: Earlier(row.digest, row.case, row.seq) for row in rows}


@dataclass(frozen=True)
class Decided:
    """One command and all that it does; ``digest`` tells it from another one under the same key.

    What it tells people is kept back until ``tell_at``, if that is set.
    """

    outcome: Outcome
    command: Command
    actor: Actor
    dossier: Dossier
    digest: str
    now: datetime
    listens: bool = True
    tell_at: datetime | None = None


def record(rules: Rules, *decided: Decided) -> None:
    """Record everything that some commands do; the caller's transaction makes it all or nothing."""
    batch = Batch()
    for one in decided:
        _gather(rules, one, batch)
    _keep_texts(rules, [case for one in decided for case in _newly_pinned(one)], _fresh_calendars(rules, decided))
    batch.write()
    follow(rules, (Deed(one.outcome, one.command.data, one.dossier, one.actor.id, one.now) for one in decided))


def _newly_pinned(one: Decided) -> Iterator[Case]:
    """The cases that a command opens, or pins to other texts than before."""
    for move in one.outcome.moves:
        before, case = one.dossier.by_number(move.case.number), move.case
        if (
            before is None
            or before.policy_digest != case.policy_digest
            or before.definition_digest != case.definition_digest
        ):
            yield case


def pins_of(case: Case) -> dict[str, str]:
    """Return what says to which texts a case is pinned."""
    return {name: getattr(case, name) for name in PINS}


def _gather(rules: Rules, one: Decided, batch: Batch) -> None:
    outcome, command, at = one.outcome, one.command, utc_text(one.now)
    county, areas = one.dossier.subject.county, area_columns(one.dossier.subject.area)
    first = outcome.case
    answer = {"user": one.actor.id, "case": first.number, "seq": first.seq, "at": at}
    batch.add("commands", [{"county": county, "key": command.key, "digest": one.digest, **answer}])
    _gather_cases(rules, one, areas, at, batch)
    batch.add("entries", ({"county": county, "at": at, **vars(move.entry)} for move in outcome.moves))
    batch.add("disclosures", ({"county": county, **vars(d)} for move in outcome.moves for d in move.disclosures))
    handed_in = {"county": county, "case": first.number, "seq": first.seq}
    batch.add("evidence", ({**handed_in, "kind": item.kind, "sha256": item.sha256} for item in command.evidence))
    batch.add("ended", (ended_row(county, ended, at) for ended in outcome.ended))
    batch.add("started", _started(rules, outcome, {"county": county, **areas}, at))
    batch.add("answered", _answered(one, county, at))
    batch.add("messages", message_rows(county, outcome.messages, command.key, at, one.tell_at))
    if one.listens:
        batch.add("told", (move_row(county, move, at) for move in outcome.moves))


def _answered(one: Decided, county: str, at: str) -> list[dict[str, object]]:
    if one.actor.is_system:
        return []
    mine = {"county": county, "user_id": int(one.actor.id[1:]), "answered_at": at, "answer": ACTED}
    return [{**mine, "case": number} for number in dict.fromkeys(move.case.number for move in one.outcome.moves)]


def _gather_cases(rules: Rules, one: Decided, areas: dict[str, str], at: str, batch: Batch) -> None:
    """A case that a command moves more than once is written once, as it stands in the end."""
    outcome, pinned = one.outcome, {case.number for case in _newly_pinned(one)}
    firsts = {move.case.number: move.case.seq for move in reversed(outcome.moves)}
    for case in {move.case.number: move.case for move in outcome.moves}.values():
        before, waits = firsts[case.number] - 1, waits_of(rules, case, areas)
        batch.add("waits", waits)
        if not before:
            batch.add("opened", [case_values(case, areas, at)])
        else:
            key = {"county": case.county, "number": case.number, "before": before}
            row = {**key, **moving_values(case, areas, at)}
            batch.add(*(("repinned", [{**row, **pins_of(case)}]) if case.number in pinned else ("moved", [row])))
            kept = "".join(f",{wait['role']}," for wait in waits)
            batch.add("no_waits", [{"county": case.county, "case": case.number, "kept": kept}])


def _started(rules: Rules, outcome: Outcome, place: dict[str, str], at: str) -> Iterator[dict[str, object]]:
    for deadline in outcome.started:
        steps, hours = ladder_of(rules, outcome, deadline), office_hours(place["county"])
        yield started_row(deadline, steps, hours, at, **place)


def area_columns(area: str) -> dict[str, str]:
    """Return the village and township columns of an area (12 or 15 digits)."""
    return {"village": area[:12], "township": f"{area[:9]}000"}


def ladder_of(rules: Rules, outcome: Outcome, deadline: Deadline) -> tuple[str, ...]:
    """Return the ladder of a period, as the case's pack has it on the day of its start."""
    case = next(m.case for m in outcome.moves if m.case.number == deadline.case)
    machine, clock = rules.machine_of(case), deadline.clock
    limit = frozen_limit(machine, clock, rules.calendar_for(case.county))
    steps = machine.pack.ladder(local_date(parse_utc(clock.start)))
    return with_early(steps, limit.warn if limit else None)


def case_values(case: Case, areas: Mapping[str, str], at: str) -> dict[str, Any]:
    """Return the row of a case whose latest entry was sealed at a time."""
    return {**vars(case), **moving_values(case, areas, at)}


def moving_values(case: Case, areas: Mapping[str, str], at: str) -> dict[str, Any]:
    """Return the part of it that moves may change."""
    return {
        "state": case.state,
        "seq": case.seq,
        "head": case.head,
        "closed": case.closed,
        **areas,
        "fields": _as_json(case.fields),
        "clocks": _clocks_text(tuple(case.clocks.items())),
        "due_at": earliest_due(case),
        "updated_at": at,
    }


@lru_cache(maxsize=1024)
def _clocks_text(clocks: tuple[tuple[str, Clock], ...]) -> str:
    return _as_json({kind: clock.as_json() for kind, clock in clocks})


def earliest_due(case: Case) -> str | None:
    """Return when the first running maximum of a case falls due, or None; a paused one falls due never."""
    return min((c.due for c in case.clocks.values() if c.bound == "max" and not c.is_paused), default=None)


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


def _fresh_calendars(rules: Rules, decided: Iterable[Decided]) -> set[tuple[str, str]]:
    """The calendars that periods were started by, and that are not known to be kept yet: digest and text."""
    found = set()
    for one in decided:
        named = {d.clock.calendar for d in one.outcome.started} - rules.stored_calendars
        calendar = rules.calendar_for(one.dossier.subject.county) if named else None
        if calendar and calendar.digest in named:
            found.add((calendar.digest, calendar.text))
    return found


def _keep_texts(rules: Rules, opened: Iterable[Case], calendars: Iterable[tuple[str, str]]) -> None:
    """Keep the texts that new cases are pinned to and periods were counted by, so that they run and verify for ever."""
    machines = {(c.definition_digest, c.policy_digest): rules.machine_of(c) for c in opened}.values()
    pinned = {(m.definition.digest, "definition", m.definition.text) for m in machines}
    pinned |= {(m.pack.digest, "pack", m.pack.text) for m in machines}
    pinned |= {(digest, "calendar", text) for digest, text in calendars}
    wanted = [digest for digest, _, _ in pinned]
    known = set(db.session.scalars(select(KeptText.digest).where(KeptText.digest.in_(wanted)))) if wanted else set()
    for digest, kind, text in pinned:
        if digest not in known:
            db.session.execute(insert_once(KeptText).values(digest=digest, kind=kind, text=text))
    # Only what was read is known to be kept: an insert may yet be rolled back.
    rules.stored_calendars |= known & {digest for digest, kind, _ in pinned if kind == "calendar"}


def kept_texts(digests: Iterable[str]) -> list[KeptText]:
    """Return kept texts by digest."""
    return list(db.session.scalars(select(KeptText).where(KeptText.digest.in_(list(digests)))))


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
