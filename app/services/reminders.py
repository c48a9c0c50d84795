"""My reminders: the list newest first, how many are unread, marking them read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.store import reminders as store
from app.store.transaction import reading, writing
from app.tables import Reminder
from workflows.model import Actor

PAGE = 20


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
