"""My reminders: the list newest first, marking them read; and what became of everybody's: the receipts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.services.lists import note_look
from app.services.rights import ensure_visible, only_audits
from app.store import cases, receipts
from app.store import reminders as store
from app.store.receipts import Wanted
from app.store.transaction import reading, writing
from app.tables import Reminder
from workflows.errors import NotAllowed
from workflows.model import Actor

PAGE, RECEIPTS = 20, 50
MOST_OF_CASE = 100


@dataclass(frozen=True)
class Item:
    """One reminder: ``word`` is its key in the terms (message.<word>), times are RFC 3339 UTC."""

    id: int
    word: str
    case: str
    params: Mapping[str, Any]
    sent_at: str
    is_read: bool


@dataclass(frozen=True)
class Page:
    """A page of reminders; ``before`` asks for the next one (None at the end)."""

    items: Sequence[Item]
    before: int | None
    total: int
    unread: int


def list_reminders(actor: Actor, *, before: int | None = None, unread: bool = False, size: int = PAGE) -> Page:
    """Return a page of a person's own reminders with the counts, all of one snapshot."""
    user_id = _account(actor)
    with reading():
        rows = store.page_of(user_id, before=before, limit=size + 1, unread=unread)
        return Page(
            items=tuple(_item(row) for row in rows[:size]),
            before=rows[size - 1].id if len(rows) > size else None,
            total=store.count_of(user_id, unread=unread),
            unread=store.count_of(user_id, unread=True),
        )


def unread_count(actor: Actor) -> int:
    """Return how many reminders a person has not read."""
    with reading():
        return store.count_of(_account(actor), unread=True)


def mark_read(actor: Actor, *, reminder: int) -> int:
    """Mark one of the person's own reminders read; return 1, or 0 when it was read or is not theirs."""
    with writing() as now:
        return store.mark_read(_account(actor), now, one=reminder)


def mark_all_read(actor: Actor, *, newest: int) -> int:
    """Mark all up to the newest that the page showed: one that came since stays unread."""
    with writing() as now:
        return store.mark_read(_account(actor), now, up_to=newest)


# --- what became of them ---
@dataclass(frozen=True)
class Receipt:
    """What became of one reminder: whose it is, what it told, and when; empty for what has not happened.

    ``by`` are the channels beside the app that brought it, with their times; ``answer`` is acted or reason.
    """

    id: int
    name: str
    word: str
    case: str
    params: Mapping[str, Any]
    sent_at: str
    by: Sequence[tuple[str, str]]
    read_at: str
    answered_at: str
    answer: str
    escalated_at: str
    township: str = ""
    head_name: str = ""


@dataclass(frozen=True)
class Receipts:
    """A page of receipts, newest first; ``before`` asks for the next one (None at the end)."""

    rows: Sequence[Receipt]
    before: int | None
    now: datetime


LOOK_AT_RECEIPTS = ("auditor", "county_lead")


def of_case(actor: Actor, case: str) -> Sequence[Receipt]:
    """Return who was reminded in a case, newest first; raises NotFound for a case that the person does not see."""
    with reading():
        dossier = cases.read_dossier(case[:6], cases.household_of(case))
        ensure_visible(actor, dossier)
    return in_case(case)


def in_case(case: str) -> Sequence[Receipt]:
    """Return the same where the caller has made sure that the reader sees the case."""
    with reading():
        return _receipts(receipts.of_case(case[:6], case, limit=MOST_OF_CASE))


def ledger_of(actor: Actor, wanted: Wanted, *, before: int | None = None, size: int = RECEIPTS) -> Receipts:
    """Return the receipts of an auditor's or the county office's counties; an auditor's look is written down.

    Raises NotAllowed for anybody else.
    """
    counties = sorted({o.area[:6] for o in actor.offices if o.role in LOOK_AT_RECEIPTS and not o.within[6:].strip("0")})
    if not counties:
        raise NotAllowed(page="receipts")
    with reading() as now:
        rows = receipts.listed(counties, wanted, before=before, limit=size + 1)
        found = _receipts(rows[:size])
    if only_audits(actor):
        note_look(actor, "receipts", rows=len(found))
    return Receipts(found, found[-1].id if len(rows) > size else None, now)


def note_answer(user_id: int, case: str, kind: str, now: datetime) -> int:
    """Note, in the caller's transaction, that a person gave a reason (``kind``) for what they were reminded of.

    Return how many reminders that answers. What they do in the case itself is noted with the move.
    """
    return receipts.note_answer(case[:6], case, user_id, kind[:8], now)


def _receipts(rows: Sequence[Any]) -> Sequence[Receipt]:
    brought = receipts.deliveries(row.Reminder.id for row in rows)
    return [_receipt(row, brought.get(int(row.Reminder.id), ())) for row in rows]


def _receipt(row: Any, by: Sequence[tuple[str, str]]) -> Receipt:
    one: Reminder = row.Reminder
    times = {name: getattr(one, name) or "" for name in ("read_at", "answered_at", "answer", "escalated_at")}
    place = {"township": row.township or "", "head_name": row.head_name or ""} if len(row) > 2 else {}
    return Receipt(
        id=int(one.id), name=row.name, word=one.word, case=one.case, params=one.params, sent_at=one.sent_at, by=by,
        **times, **place,
    )  # fmt: skip


def _account(actor: Actor) -> int:
    return int(actor.id.removeprefix("u"))


def _item(row: Reminder) -> Item:
    return Item(
        id=row.id,
        word=row.word,
        case=row.case,
        params=row.params,
        sent_at=row.sent_at,
        is_read=row.read_at is not None,
    )
