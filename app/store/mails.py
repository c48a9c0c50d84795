"""E-mail addresses of accounts, and the mails on their way to them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, String, delete, func, literal, select, update
from sqlalchemy import cast as sql_cast

from app.store.transaction import insert_once
from app.tables import Mail, MailAddress, Reminder, User, db
from workflows.clock import utc_text

EACH, DIGEST, NONE = "each", "digest", "none"
REMINDER, CODE, TEST = "reminder", "code", "test"  # kinds beside DIGEST
WAITING, SENT, DROPPED, FAILED, BOUNCED, DEAD = "waiting", "sent", "dropped", "failed", "bounced", "dead"
STUCK = (FAILED, BOUNCED, DEAD)
# Longer than any one round takes: whoever claimed a mail and died is followed by another.
LEASE = timedelta(minutes=5)
# A digest goes back two weeks at most, the longest holidays and some days.
DIGEST_BACK = timedelta(days=14)
# What is younger may have a smaller number than one that is committed already, and would be passed over for ever.
SETTLED = timedelta(minutes=1)
KEPT = timedelta(days=90)
COLUMNS = ("user_id", "kind", "ref", "first", "last", "state", "tries", "created_at", "next_at", "answer")


# --- addresses ---
def address_of(user_id: int) -> MailAddress | None:
    """Return an account's address as it stands."""
    return db.session.get(MailAddress, user_id, populate_existing=True)


def put_address(user_id: int, address: str, choice: str) -> MailAddress:
    """Record an address, or change it; who changes it must confirm the new one."""
    row = address_of(user_id)
    if row is None:
        row = MailAddress(user_id=user_id, address=address, choice=choice, tries=0, bounce="")
        db.session.add(row)
    elif row.address != address:
        row.address, row.asked_at, row.confirmed_at, row.bounced_at, row.bounce = address, None, None, None, ""
    row.choice = choice
    return row


def remove_address(user_id: int) -> None:
    """Forget an address."""
    db.session.execute(delete(MailAddress).where(MailAddress.user_id == user_id))


def addresses_of(usernames: Iterable[str]) -> Mapping[str, MailAddress]:
    """Return the addresses of some accounts by user name; one query."""
    query = select(User.username, MailAddress).join(User, User.id == MailAddress.user_id)
    rows = db.session.execute(query.where(User.username.in_(list(usernames))))
    return {username: row for username, row in rows}  # noqa: C416 - rows are no pairs to mypy


def accounts_at(address: str) -> list[int]:
    """Return the accounts that an address belongs to; letters large or small are the same mailbox everywhere."""
    query = select(MailAddress.user_id).where(func.lower(MailAddress.address) == address.lower())
    return list(db.session.scalars(query))


def mark_bounced(user_id: int, why: str, now: datetime) -> None:
    """Note that an address is no good; nothing more goes there until it is confirmed anew."""
    query = update(MailAddress).where(MailAddress.user_id == user_id)
    values = {"bounced_at": utc_text(now), "bounce": why[:60], "asked_at": None}
    db.session.execute(query.values(**values).execution_options(synchronize_session=False))


def is_usable(row: MailAddress) -> bool:
    """Tell whether an address is confirmed and good."""
    return row.confirmed_at is not None and row.bounced_at is None


def _usable(choice: str) -> ColumnElement[bool]:
    wanted = MailAddress.confirmed_at.is_not(None) & MailAddress.bounced_at.is_(None)
    return wanted & (MailAddress.choice == choice)


# --- putting mails into the queue ---
def add_for_reminders(key: str, accounts: Iterable[int], now: datetime) -> None:
    """Queue a mail for each reminder of a message whose owner wants each at once; one statement for all."""
    found = _new(Reminder.user_id, REMINDER, sql_cast(Reminder.id, String), Reminder.id, Reminder.id, now)
    query = found.join(MailAddress, MailAddress.user_id == Reminder.user_id)
    query = query.where(Reminder.key == key, Reminder.user_id.in_(sorted(accounts)), _usable(EACH))
    db.session.execute(insert_once(Mail).from_select(list(COLUMNS), query))


def add_digests(day: str, now: datetime) -> int:
    """Queue a day's digest for all who want one and have unread reminders that none told of; return how many."""
    told = select(func.coalesce(func.max(Mail.last), 0)).where(Mail.user_id == MailAddress.user_id, Mail.kind == DIGEST)
    found = _new(MailAddress.user_id, DIGEST, literal(day), func.min(Reminder.id), func.max(Reminder.id), now).join(
        Reminder, Reminder.user_id == MailAddress.user_id
    )
    query = found.join(User, User.id == MailAddress.user_id).where(
        _usable(DIGEST),
        User.active.is_(True),
        Reminder.read_at.is_(None),
        Reminder.sent_at.between(utc_text(now - DIGEST_BACK), utc_text(now - SETTLED)),
        Reminder.id > told.correlate(MailAddress).scalar_subquery(),
    )
    done = db.session.execute(insert_once(Mail).from_select(list(COLUMNS), query.group_by(MailAddress.user_id)))
    return cast("CursorResult[Any]", done).rowcount


def _new(user_id: Any, kind: str, ref: Any, first: Any, last: Any, now: datetime) -> Any:
    at = literal(utc_text(now))
    return select(
        user_id, literal(kind), ref, first, last, literal(WAITING), literal(0), at, at.label("next_at"), literal("")
    )


def add_one(user_id: int, kind: str, ref: str, now: datetime) -> int:
    """Queue one mail that tells of no reminder, once for its reference; return its number."""
    at = utc_text(now)
    row = {"user_id": user_id, "kind": kind, "ref": ref, "state": WAITING, "tries": 0, "answer": ""}
    db.session.execute(insert_once(Mail), [{**row, "created_at": at, "next_at": at}])
    query = select(Mail.id).where(Mail.user_id == user_id, Mail.kind == kind, Mail.ref == ref)
    return int(db.session.scalars(query).one())


def count_since(user_id: int, kind: str, since: datetime) -> int:
    """Count an account's mails of a kind since a time."""
    query = select(func.count()).select_from(Mail).where(Mail.user_id == user_id, Mail.kind == kind)
    return int(db.session.scalar(query.where(Mail.created_at >= utc_text(since))) or 0)


# --- sending ---
@dataclass(frozen=True)
class Due:
    """A mail to send now: whose it is, what it tells of, and what may be known of its address."""

    id: int
    user_id: int
    kind: str
    ref: str
    first: int | None
    last: int | None
    tries: int
    username: str
    lang: str
    is_active: bool
    address: str
    is_usable: bool
    asked_at: str | None


def due(now: datetime, *, limit: int) -> list[int]:
    """Return the mails to send now, those that waited longest first."""
    query = select(Mail.id).where(Mail.next_at <= utc_text(now)).order_by(Mail.next_at, Mail.id).limit(limit)
    return list(db.session.scalars(query))


def claimed(number: int, now: datetime) -> Due | None:
    """Take a mail for a while, so that no other process sends it beside this one; None when it is not due."""
    query = update(Mail).where(Mail.id == number, Mail.next_at <= utc_text(now))
    done = db.session.execute(query.values(next_at=utc_text(now + LEASE)).execution_options(synchronize_session=False))
    if cast("CursorResult[Any]", done).rowcount != 1:
        return None
    query_due = select(Mail, User).join(User, User.id == Mail.user_id).where(Mail.id == number)
    mail, user = db.session.execute(query_due).one()
    at = address_of(mail.user_id)
    return Due(
        id=int(mail.id),
        user_id=int(mail.user_id),
        kind=mail.kind,
        ref=mail.ref,
        first=mail.first,
        last=mail.last,
        tries=mail.tries,
        username=user.username,
        lang=user.lang,
        is_active=bool(user.active),
        address=at.address if at else "",
        is_usable=at is not None and is_usable(at),
        asked_at=at.asked_at if at else None,
    )


def note(number: int, **values: object) -> None:
    """Note what became of a mail; ``next_at`` is when to try again, None when it is done."""
    query = update(Mail).where(Mail.id == number)
    db.session.execute(query.values(**values).execution_options(synchronize_session=False))


def unread(user_id: int, first: int, last: int) -> Sequence[Reminder]:
    """Return a person's reminders of a range that are still unread, oldest first."""
    query = select(Reminder).where(Reminder.user_id == user_id, Reminder.read_at.is_(None))
    return db.session.scalars(query.where(Reminder.id.between(first, last)).order_by(Reminder.id)).all()


# --- looking on ---
@dataclass(frozen=True)
class Line:
    """A mail as lists show it."""

    id: int
    username: str
    address: str
    kind: str
    state: str
    tries: int
    created_at: str
    next_at: str
    answer: str


def lines(states: Sequence[str], *, limit: int) -> list[Line]:
    """Return mails in some states, newest first."""
    query = select(Mail, User.username, MailAddress.address).join(User, User.id == Mail.user_id)
    query = query.outerjoin(MailAddress, MailAddress.user_id == Mail.user_id).where(Mail.state.in_(states))
    rows = db.session.execute(query.order_by(Mail.id.desc()).limit(limit))
    return [
        Line(int(m.id), name, at or "", m.kind, m.state, m.tries, m.created_at, m.next_at or "", m.answer)
        for m, name, at in rows
    ]


def by_id(number: int) -> Mail | None:
    """Return a mail."""
    return db.session.get(Mail, number, populate_existing=True)


def counts() -> dict[str, int]:
    """Return how many mails stand in each state."""
    rows = db.session.execute(select(Mail.state, func.count()).group_by(Mail.state))
    return {state: int(count) for state, count in rows}


def queue_again(now: datetime) -> int:
    """Send now what waits for its next try, what failed and what was given up; return how many."""
    query = update(Mail).where(Mail.state.in_((WAITING, FAILED, DEAD)))
    values = {"state": WAITING, "tries": 0, "next_at": utc_text(now)}
    done = db.session.execute(query.values(**values).execution_options(synchronize_session=False))
    return cast("CursorResult[Any]", done).rowcount


def forget(now: datetime) -> int:
    """Remove mails that are done and old; return how many."""
    old = Mail.created_at < utc_text(now - KEPT)
    gone = db.session.execute(delete(Mail).where(old, Mail.next_at.is_(None)))
    return cast("CursorResult[Any]", gone).rowcount
