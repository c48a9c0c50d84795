"""Messages to deliver after commit: written with the command, delivered apart; and the reminders they become."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, not_, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.store.statements import INSERT_MESSAGE, run
from app.tables import Appointment, Household, OutboxRow, Reminder, User, db
from workflows.clock import local_date, utc_text
from workflows.errors import NotFound
from workflows.model import LEVEL_DIGITS, ROLE_LEVELS, Message, Office

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


def claimed(message_id: int, now: datetime) -> Sendable | None:
    """Lock a message that waits; None when it was delivered or somebody else is delivering it."""
    row = db.session.execute(
        select(OutboxRow.county, OutboxRow.key, OutboxRow.body)
        .where(OutboxRow.id == message_id, *_is_waiting(now))
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if row is None:
        return None
    body = row.body
    message = Message(
        case=body["case"],
        key=body["word"],
        roles=tuple(body["roles"]),
        person=body["person"],
        params=body["params"],
        area=body.get("area", ""),
    )
    return Sendable(message_id, row.county, row.key, message)


def _is_waiting(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """A failed message's note begins with the time of its next try."""
    at, retry_at = utc_text(now), func.substr(OutboxRow.trouble, 1, 20)
    is_held = OutboxRow.wait_until > at
    return (
        OutboxRow.delivered_at.is_(None),
        or_(OutboxRow.trouble.is_(None), retry_at <= at),
        or_(OutboxRow.wait_until.is_(None), not_(is_held)),
    )


def mark_delivered(message_id: int, now: datetime, *, note: str | None = None) -> None:
    """Note that a message has become reminders; ``note`` says when nobody was there to be told."""
    _set(message_id, delivered_at=utc_text(now), trouble=note, tries=OutboxRow.tries + 1)


def put_off(message_id: int, what: str, now: datetime) -> None:
    """Note why a message could not be delivered; each try doubles the wait, up to eight hours."""
    tries = db.session.scalar(select(OutboxRow.tries).where(OutboxRow.id == message_id)) or 0
    retry_at = now + SHORTEST_DELAY * 2 ** min(tries, MOST_DOUBLINGS)
    _set(message_id, tries=tries + 1, trouble=f"{utc_text(retry_at)} {what}"[:300])


def _set(message_id: int, **values: object) -> None:
    query = update(OutboxRow).where(OutboxRow.id == message_id, OutboxRow.delivered_at.is_(None))
    db.session.execute(query.values(**values).execution_options(synchronize_session=False))


def undelivered(*, failed: bool = False) -> int:
    """Count the messages that wait, or only those among them that failed."""
    query = select(func.count()).select_from(OutboxRow).where(OutboxRow.delivered_at.is_(None))
    query = query.where(OutboxRow.trouble.is_not(None)) if failed else query
    return int(db.session.scalar(query) or 0)


def oldest_waiting() -> str | None:
    """Return when the oldest message that waits was left."""
    return db.session.scalar(select(func.min(OutboxRow.created_at)).where(OutboxRow.delivered_at.is_(None)))


def area_of(county: str, household: str) -> str:
    """Return the area code of a household; raise NotFound when there is no such household."""
    area = db.session.scalar(select(Household.area).where(Household.county == county, Household.number == household))
    if area is None:
        raise NotFound(household=household)
    return area


def holders_over(role: str, area: str, now: datetime) -> set[int]:
    """Return the active accounts that hold a role today over a household's area (12 or 15 digits)."""
    today = local_date(now).isoformat()
    # A grid member's office may be a whole village; what it covers is the office's own question.
    digits = LEVEL_DIGITS["village" if role == "grid_member" else ROLE_LEVELS[role]]
    rows = db.session.execute(
        select(User.id, Appointment.area)
        .join(Appointment, Appointment.user_id == User.id)
        .where(User.active.is_(True), Appointment.role == role)
        .where(Appointment.area.startswith(area[:digits], autoescape=True))
        .where(Appointment.begins <= today, or_(Appointment.ends.is_(None), Appointment.ends > today))
    )
    return {user for user, place in rows if Office(role, place).covers(area)}


def active_account(account: str) -> set[int]:
    """Return the number of an account such as "u7" if it is active, as a set of one or none."""
    number = int(account[1:])
    found = db.session.scalar(select(User.id).where(User.id == number, User.active.is_(True)))
    return set() if found is None else {found}


def add_reminders(sendable: Sendable, accounts: Iterable[int], now: datetime) -> None:
    """Put a message into people's lists, once for each person however often it is tried."""
    message = sendable.message
    rows = [
        {
            "county": sendable.county,
            "user_id": account,
            "key": sendable.key,
            "word": message.key,
            "case": message.case,
            "params": dict(message.params),
            "sent_at": utc_text(now),
        }
        for account in sorted(accounts)
    ]
    if rows:
        dialect = sqlite if db.engine.dialect.name == "sqlite" else postgresql
        db.session.execute(dialect.insert(Reminder).on_conflict_do_nothing(), rows)
