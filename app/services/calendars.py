"""The calendar of record: documents about working days proposed, looked through, put in force and withdrawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from app.services.calendar_runs import LOOK, MOVE, ROLES
from app.services.cases import loaded_rules
from app.services.moving import Run, as_run
from app.store import areas, ledger, rule_runs
from app.store import calendars as store
from app.store.transaction import reading, writing
from app.tables import CalendarRow
from workflows.calendar_file import BadCalendar, Document, Reader, document_of, read_document
from workflows.calendars import Calendar, DayKind, check_fits, composed
from workflows.clock import utc_text
from workflows.errors import BadDocument, BadValue, NotFound, WrongOffice
from workflows.journal import canonical, digest
from workflows.model import Actor
from workflows.notice_text import looks_like_notice, read_notice

LONGEST = 100_000  # characters of a document
CODE = 8


@dataclass(frozen=True)
class Record:
    """A document as people see it."""

    id: int
    document: Document
    state: str
    user: str
    created_at: str
    decided_by: str
    decided_at: str
    withdrawn_by: str
    withdrawn_at: str
    digest: str


def _record(row: CalendarRow) -> Record:
    names = ("id", "state", "user", "created_at", "decided_by", "withdrawn_by", "digest")
    told = {name: getattr(row, name) for name in names}
    return Record(
        document=store.document_of(row), decided_at=row.decided_at or "", withdrawn_at=row.withdrawn_at or "", **told
    )


# --- reading a file ---
def read(text: str, *, year: int = 0, file: str = "") -> Document:
    """Return the document of a text: our format, or a notice as it was published; raises BadDocument."""
    try:
        if looks_like_notice(text):
            return read_notice(text[:LONGEST], year=year, file=file)
        return read_document(text[:LONGEST], file=file)
    except BadCalendar as error:
        raise bad_document(error) from error


def bad_document(error: BadCalendar) -> BadDocument:
    """Return the refusal of a file; it carries the faults themselves, for who words them."""
    refused = BadDocument(reasons=str(error).splitlines())
    refused.faults, refused.file = error.faults, error.file
    return refused


def ensure_fits(document: Document, county: str = "") -> Calendar:
    """Return the calendar with a document over it; raises BadDocument when it does not fit what is in force."""
    rules = loaded_rules()
    try:
        return check_fits(rules.calendar_for(county or document.area), document)
    except BadCalendar as error:
        raise bad_document(error) from error


def closing(
    county: str, days: Sequence[str], *, zh: str, en: str, title: str, number: str, dated: str, reason: str
) -> Document:
    """Return the document of a county's own closing days; raises BadDocument with every mistake."""
    table = {
        "kind": "closing", "area": county, "title": title, "number": number, "date": dated, "reason": reason,
        "days": [{"zh": zh, "en": en, "off": list(days)}],
    }  # fmt: skip
    reader = Reader()
    document = document_of(table, reader)
    try:
        reader.ensure_sound()
    except BadCalendar as error:
        raise bad_document(error) from error
    return document


# --- who may ---
def may_change(actor: Actor, area: str) -> bool:
    """Tell whether a person may decide about a document for a place: a county's own, or one that is for it too."""
    return any(
        office.role in ROLES and office.area[:6].startswith(area) and not office.within.removeprefix(office.area[:6])
        for office in actor.offices
    )


def ensure_may(actor: Actor, area: str) -> None:
    """Raise WrongOffice unless a person may decide about a document for a place."""
    if not may_change(actor, area):
        raise WrongOffice(roles=list(ROLES))


# --- proposing, deciding ---
def propose(actor: Actor, document: Document) -> Record:
    """Keep a document as a proposal and ask for the preview of each county that it is for; raises Refused.

    The same document proposed again is the one that is there; its previews are made anew.
    """
    ensure_may(actor, document.area)
    with writing() as now:
        row = store.open_row_with(digest(canonical(document.as_table())))
        if row is not None and row.state == store.IN_FORCE:
            raise BadValue(field="in_force", value=str(row.id))
        ensure_fits(document)
        row = row or store.add(document, user=actor.id, now=now)
        _ask(LOOK, actor, row, store.IN_FORCE, now)
        return _record(row)


def look_again(actor: Actor, number: int) -> Record:
    """Ask for the previews of a proposal anew; raises Refused, also where it does not fit any more."""
    with writing() as now:
        row = _row(actor, number)
        if row.state != store.PROPOSED:
            raise BadValue(field="calendar", value=str(number))
        ensure_fits(store.document_of(row))
        _ask(LOOK, actor, row, store.IN_FORCE, now)
        return _record(row)


def ask_withdrawal(actor: Actor, number: int) -> Record:
    """Ask for the preview of a document going out of force; raises Refused, also where others build on it."""
    with writing() as now:
        row = _row(actor, number)
        if row.state != store.IN_FORCE:
            raise BadValue(field="calendar", value=str(number))
        _ensure_free(row)
        _ask(LOOK, actor, row, store.WITHDRAWN, now)
        return _record(row)


def drop(actor: Actor, number: int) -> Record:
    """Take a proposal back; it was never in force, so nothing moves."""
    with writing() as now:
        row = _row(actor, number)
        if row.state != store.PROPOSED:
            raise BadValue(field="calendar", value=str(number))
        store.note(number, state=store.WITHDRAWN, withdrawn_by=actor.id, withdrawn_at=utc_text(now))
        return _record(_row(actor, number))


def take_back(actor: Actor, number: int) -> Record:
    """Drop a proposal at once, or ask for the preview of a document going out of force."""
    if decision(actor, number).record.state == store.PROPOSED:
        return drop(actor, number)
    return ask_withdrawal(actor, number)


def decide(actor: Actor, number: int, code: str) -> list[Run]:
    """Put a proposed document in force, or one in force out of it, as its preview showed; return the runs that move.

    Raises WrongOffice, NotFound, BadDocument, or BadValue: the code is another one (the calendar has changed since),
    the preview has not ended, or cases of a county are being moved.
    """
    with writing() as now:
        stamp, row = store.lock(), _row(actor, number)
        how = next_of(row.state)
        if not how or code != code_of(row.digest, how, stamp):
            raise BadValue(field="code", value=code[:20])
        for county in _counties(row.area):
            if not _is_looked_through(county, number, how, stamp):
                raise BadValue(field="preview", value=county)
            if rule_runs.is_changing(county):
                raise BadValue(field="busy", value=county)
        _change(actor, row, how, now)
        store.note(number, changed=stamp + 1)
        return _ask(MOVE, actor, row, how, now)


def _change(actor: Actor, row: CalendarRow, how: str, now: datetime) -> None:
    if how == store.IN_FORCE:
        ensure_fits(store.document_of(row))
        store.note(row.id, state=how, decided_by=actor.id, decided_at=utc_text(now))
    else:
        _ensure_free(row)
        store.note(row.id, state=how, withdrawn_by=actor.id, withdrawn_at=utc_text(now))
    for county in _counties(row.area):
        detail = {"digest": row.digest, "state": how, "title": row.title, "number": row.number}
        ledger.append(county, user=actor.id, kind="calendar", subject=f"calendar:{row.id}", now=now, detail=detail)


def next_of(state: str) -> str:
    """Return what may become of a document: one that is proposed comes into force, one in force goes out of it."""
    return {store.PROPOSED: store.IN_FORCE, store.IN_FORCE: store.WITHDRAWN}.get(state, "")


def code_of(document: str, how: str, stamp: int) -> str:
    """Return what confirms that a document (its digest) changes a calendar of a state, and not another one."""
    return digest(canonical([document, how, stamp]))[:CODE]


def _ensure_free(row: CalendarRow) -> None:
    """What is left must fit together: no gap between years, no change of a year that is not covered any more."""
    rules, document = loaded_rules(), store.document_of(row)
    left = [replace(one, area="") for one in rules.documents if one != document]
    try:
        composed(rules.calendar, left, "")
    except BadCalendar as error:
        raise bad_document(error) from error


def _ask(kind: str, actor: Actor, row: CalendarRow, how: str, now: datetime) -> list[Run]:
    reason = " ".join(part for part in (row.title, row.number) if part)
    inputs = {"document": row.id, "how": how, "stamp": loaded_rules().calendar_stamp, "reason": reason}
    counties = _counties(row.area)
    return [as_run(rule_runs.add(one, kind=kind, user=actor.id, inputs=inputs, now=now)) for one in counties]


def _counties(area: str) -> list[str]:
    """The counties of this installation that a document is for."""
    return [one.code[:6] for one in areas.counties() if one.code.startswith(area)]


def _is_looked_through(county: str, number: int, how: str, stamp: int) -> bool:
    run = rule_runs.latest(county, LOOK, number)
    told = run.inputs if run else {}
    return bool(run and run.state == rule_runs.DONE and (told["how"], told["stamp"]) == (how, stamp))


def _seen(actor: Actor, number: int) -> CalendarRow:
    """Return a document; one that is for no county of one's own answers like none at all."""
    row = store.row_of(number)
    if row is None or not any(office.area[:6].startswith(row.area) for office in actor.offices):
        raise NotFound(calendar=str(number))
    return row


def _row(actor: Actor, number: int) -> CalendarRow:
    """Return a document about which a person may decide; raises NotFound or WrongOffice."""
    row = _seen(actor, number)
    ensure_may(actor, row.area)
    return row


# --- looking ---
def number_of(document: Document) -> int:
    """Return the number of a document that is proposed or in force, 0 when it is not there."""
    with reading():
        row = store.open_row_with(digest(canonical(document.as_table())))
        return row.id if row else 0


def records(county: str = "") -> list[Record]:
    """Return the documents for a county or the nation, the latest first; without a county all of them."""
    with reading():
        rows = store.rows()
        return [_record(row) for row in rows if county.startswith(row.area) or not county]


def may_look(actor: Actor, county: str) -> bool:
    """Tell whether a person sees what a county's own documents and runs say."""
    return any(office.area[:6] == county for office in actor.offices)


@dataclass(frozen=True)
class Decision:
    """What somebody is about to decide about a document: what becomes of it, its runs, and the code once they ended."""

    record: Record
    how: str
    looks: tuple[Run, ...]
    moves: tuple[Run, ...]
    code: str


def decision(actor: Actor, number: int) -> Decision:
    """Return a document with its latest previews and what moved; the code only when every preview is of today."""
    with reading():
        row = _seen(actor, number)
        stamp, counties = loaded_rules().calendar_stamp, _counties(row.area)
        own = [county for county in counties if may_look(actor, county)]
        looks = [rule_runs.latest(county, LOOK, number) for county in own]
        moves = [rule_runs.latest(county, MOVE, number) for county in own]
        asked = next_of(row.state)
        is_told = bool(asked) and all(_is_looked_through(county, number, asked, stamp) for county in counties)
        code = code_of(row.digest, asked, stamp) if is_told and may_change(actor, row.area) else ""
        return Decision(
            _record(row), asked, tuple(as_run(run) for run in looks if run), tuple(as_run(run) for run in moves if run),
            code,
        )  # fmt: skip


@dataclass(frozen=True)
class Day:
    """A day that is not as its weekday says, or that belongs to a festival."""

    date: date
    kind: DayKind
    name: Mapping[str, str]


def special_days(calendar: Calendar, year: int) -> list[Day]:
    """Return the days of a year that have a name or are not as their weekday says."""
    days = (date(year, 1, 1) + timedelta(days=n) for n in range(366))
    found = []
    for day in days:
        name = calendar.name_of(day)
        if day.year == year and name is not None:
            found.append(Day(day, calendar.day_kind(day), name))
    return found


def county_of(actor: Actor, asked: str) -> str:
    """Return the county that is asked for among a person's own, by default the first; raises NotFound."""
    own = sorted({office.area[:6] for office in actor.offices})
    if asked and asked not in own:
        raise NotFound(county=asked)
    return asked or next(iter(own), "")


def calendar_for(county: str) -> Calendar:
    """Return the calendar of a county as it is now."""
    with reading():
        return loaded_rules().calendar_for(county)


def working_days(calendar: Calendar, year: int) -> int:
    """Return how many days of a year are worked."""
    days = (date(year, 1, 1) + timedelta(days=n) for n in range(366))
    return sum(day.year == year and calendar.is_working_day(day) for day in days)
