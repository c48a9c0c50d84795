"""Messages to deliver after commit: written with the command, delivered apart; and the reminders they become."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, not_, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.store.statements import INSERT_MESSAGE, run
from app.store.transaction import insert_once
from app.tables import OutboxRow, Reminder, db
from workflows.clock import utc_text
from workflows.model import Message

SHORTEST_DELAY, MOST_DOUBLINGS = timedelta(seconds=30), 10


def add_messages(county: str, messages: Iterable[Message], command_key: str, now: datetime) -> None:
    """Leave messages in the outbox."""
    rows = message_rows(county, messages, command_key, utc_text(now))
    if rows:
        run(INSERT_MESSAGE, rows)


def add_keyed(messages: Iterable[tuple[str, Message]], county: str, now: datetime) -> None:
    """Leave messages of a county in the outbox, each under a key of its own."""
    at = utc_text(now)
    rows = [row for key, message in messages for row in message_rows(county, [message], key, at)]
    if rows:
        run(INSERT_MESSAGE, rows)


def add_once(key: str, message: Message, county: str, now: datetime) -> None:
    """Leave a message in the outbox unless there is one under its key."""
    run(insert_once(OutboxRow), message_rows(county, [message], key, utc_text(now)))


def message_rows(
    county: str, messages: Iterable[Message], command_key: str, at: str, tell_at: datetime | None = None
) -> list[dict[str, object]]:
    """Return messages as rows, kept back until ``tell_at``; the keys make each of them one, however often tried."""
    made = {"county": county, "created_at": at, "tries": 0, "wait_until": utc_text(tell_at) if tell_at else None}
    return [{**made, "key": f"{county}:{command_key}:{index}", "body": _body(m)} for index, m in enumerate(messages)]


def _body(message: Message) -> dict[str, object]:
    return {
        "case": message.case,
        "word": message.key,
        "roles": list(message.roles),
        "person": message.person,
        "params": dict(message.params),
        **({"area": message.area} if message.area else {}),
    }


@dataclass(frozen=True)
class Sendable:
    """A message as it waits in the outbox."""

    id: int
    county: str
    key: str
    message: Message


def waiting_ids(now: datetime, *, limit: int) -> list[int]:
    """Return the messages to be delivered now, oldest first; one that failed waits for its time."""
    query = select(OutboxRow.id).where(*_is_waiting(now)).order_by(OutboxRow.id).limit(limit)
    return list(db.session.scalars(query))


def claimed(ids: Sequence[int], now: datetime) -> dict[int, Sendable]:
    """Lock messages that wait, in their order; what was delivered or somebody else is delivering is left out."""
    rows = db.session.execute(
        select(OutboxRow.id, OutboxRow.county, OutboxRow.key, OutboxRow.body)
        .where(OutboxRow.id.in_(ids), *_is_waiting(now))
        .order_by(OutboxRow.id)
        .with_for_update(skip_locked=True)
    )
    return {row.id: Sendable(row.id, row.county, row.key, _message(row.body)) for row in rows}


def _message(body: Mapping[str, Any]) -> Message:
    return Message(
        case=body["case"],
        key=body["word"],
        roles=tuple(body["roles"]),
        person=body["person"],
        params=body["params"],
        area=body.get("area", ""),
    )


def _is_waiting(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """A failed message's note begins with the time of its next try."""
    at, retry_at = utc_text(now), func.substr(OutboxRow.trouble, 1, 20)
    is_held = OutboxRow.wait_until > at
    return (
        OutboxRow.delivered_at.is_(None),
        or_(OutboxRow.trouble.is_(None), retry_at <= at),
        or_(OutboxRow.wait_until.is_(None), not_(is_held)),
    )


def mark_delivered(ids: Sequence[int], now: datetime, *, note: str | None = None) -> None:
    """Note that messages have become reminders; ``note`` says when nobody was there to be told."""
    if ids:
        _set(ids, delivered_at=utc_text(now), trouble=note, tries=OutboxRow.tries + 1)


def put_off(message_id: int, what: str, now: datetime) -> None:
    """Note why a message could not be delivered; each try doubles the wait, up to eight hours."""
    tries = db.session.scalar(select(OutboxRow.tries).where(OutboxRow.id == message_id)) or 0
    retry_at = now + SHORTEST_DELAY * 2 ** min(tries, MOST_DOUBLINGS)
    _set([message_id], tries=tries + 1, trouble=f"{utc_text(retry_at)} {what}"[:300])


def _set(ids: Sequence[int], **values: object) -> None:
    query = update(OutboxRow).where(OutboxRow.id.in_(ids), OutboxRow.delivered_at.is_(None))
    db.session.execute(query.values(**values).execution_options(synchronize_session=False))


def undelivered(*, failed: bool = False) -> int:
    """Count the messages that wait, or only those among them that failed."""
    query = select(func.count()).select_from(OutboxRow).where(OutboxRow.delivered_at.is_(None))
    query = query.where(OutboxRow.trouble.is_not(None)) if failed else query
    return int(db.session.scalar(query) or 0)


def oldest_waiting() -> str | None:
    """Return when the oldest message that waits was left."""
    return db.session.scalar(select(func.min(OutboxRow.created_at)).where(OutboxRow.delivered_at.is_(None)))


@dataclass(frozen=True)
class Told:
    """A message and the accounts that are told of it."""

    sendable: Sendable
    accounts: set[int]


def add_reminders(told: Iterable[Told], now: datetime) -> None:
    """Put messages into people's lists, once for each person however often it is tried."""
    rows = [
        {
            "county": one.sendable.county,
            "user_id": account,
            "key": one.sendable.key,
            "word": one.sendable.message.key,
            "case": one.sendable.message.case,
            "params": dict(one.sendable.message.params),
            "sent_at": utc_text(now),
        }
        for one in told
        for account in sorted(one.accounts)
    ]
    if rows:
        dialect = sqlite if db.engine.dialect.name == "sqlite" else postgresql
        db.session.execute(dialect.insert(Reminder).on_conflict_do_nothing(), rows)
