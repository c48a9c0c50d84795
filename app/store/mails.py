"""Addresses of accounts on each channel, and the mails and messages on their way to them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import BigInteger, ColumnElement, CursorResult, String, delete, func, literal, null, or_, select, update
from sqlalchemy import cast as sql_cast

from app.store.outbox import Told
from app.store.transaction import insert_once
from app.tables import Appointment, ChannelAddress, Mail, Reminder, ReminderDelivery, User, db
from workflows.clock import local_date, utc_text

EACH, DIGEST, NONE = "each", "digest", "none"
REMINDER, CODE, TEST, SEAL = "reminder", "code", "test", "seal"  # kinds beside DIGEST
WAITING, SENT, DROPPED, FAILED, BOUNCED, DEAD = "waiting", "sent", "dropped", "failed", "bounced", "dead"
GATHERED = "in one with others"
STUCK = (FAILED, BOUNCED, DEAD)
MAIL, WECOM, DINGTALK, SMS = "mail", "wecom", "dingtalk", "sms"
MARKS = {MAIL: "", WECOM: "/w", DINGTALK: "/d", SMS: "/s"}
# Longer than any one round takes: whoever claimed a mail and died is followed by another.
LEASE = timedelta(minutes=5)
# A digest goes back two weeks at most, the longest holidays and some days.
DIGEST_BACK = timedelta(days=14)
# What is younger may have a smaller number than one that is committed already, and would be passed over for ever.
SETTLED = timedelta(minutes=1)
KEPT = timedelta(days=90)
COLUMNS = (
    "user_id", "kind", "ref", "first", "last", "state", "tries", "created_at", "next_at", "answer", "channel",
)  # fmt: skip


# --- addresses ---
def address_of(user_id: int, channel: str = MAIL) -> ChannelAddress | None:
    """Return an account's address on a channel as it stands."""
    return db.session.get(ChannelAddress, (user_id, channel), populate_existing=True)


def put_address(user_id: int, address: str, choice: str, channel: str = MAIL) -> ChannelAddress:
    """Record an address, or change it; who changes it must confirm the new one."""
    row = address_of(user_id, channel)
    if row is None:
        row = ChannelAddress(user_id=user_id, channel=channel, address=address, choice=choice, tries=0, bounce="")
        db.session.add(row)
    elif row.address != address:
        row.address, row.asked_at, row.confirmed_at, row.bounced_at, row.bounce = address, None, None, None, ""
    row.choice = choice
    return row


def remove_address(user_id: int, channel: str = MAIL) -> None:
    """Forget an address."""
    db.session.execute(delete(ChannelAddress).where(*_at(user_id, channel)))


def _at(user_id: int, channel: str) -> tuple[ColumnElement[bool], ...]:
    return ChannelAddress.user_id == user_id, ChannelAddress.channel == channel


def addresses_of(usernames: Iterable[str], channel: str = MAIL) -> Mapping[str, ChannelAddress]:
    """Return the addresses of some accounts on a channel by user name; one query."""
    query = select(User.username, ChannelAddress).join(User, User.id == ChannelAddress.user_id)
    wanted = User.username.in_(list(usernames)), ChannelAddress.channel == channel
    rows = db.session.execute(query.where(*wanted))
    return {username: row for username, row in rows}  # noqa: C416 - rows are no pairs to mypy


def accounts_at(address: str) -> list[int]:
    """Return the accounts that a mail address belongs to; letters large or small are the same mailbox everywhere."""
    query = select(ChannelAddress.user_id).where(func.lower(ChannelAddress.address) == address.lower())
    return list(db.session.scalars(query.where(ChannelAddress.channel == MAIL)))


def mark_bounced(user_id: int, why: str, now: datetime, channel: str = MAIL) -> None:
    """Note that an address is no good; nothing more goes there until it is confirmed anew."""
    query = update(ChannelAddress).where(*_at(user_id, channel))
    values = {"bounced_at": utc_text(now), "bounce": why[:60], "asked_at": None}
    db.session.execute(query.values(**values).execution_options(synchronize_session=False))


def is_usable(row: ChannelAddress) -> bool:
    """Tell whether an address is confirmed and good."""
    return row.confirmed_at is not None and row.bounced_at is None


def _usable(*choices: str) -> ColumnElement[bool]:
    wanted = ChannelAddress.confirmed_at.is_not(None) & ChannelAddress.bounced_at.is_(None)
    return wanted & ChannelAddress.choice.in_(choices)


# --- putting mails into the queue ---
def add_for_reminders(told: Sequence[Told], now: datetime, *, channels: Iterable[str], is_urgent: bool) -> None:
    """Queue each reminder of some messages, on each channel, for those who want each; urgent ones for all."""
    accounts = {account for one in told for account in one.accounts}  # the index of keys begins with the account
    those = Reminder.user_id.in_(sorted(accounts)), Reminder.key.in_([one.sendable.key for one in told])
    for channel in channels:
        ref = sql_cast(Reminder.id, String) + MARKS[channel]
        found = _new(Reminder.user_id, REMINDER, ref, Reminder.id, Reminder.id, now, channel)
        query = found.join(ChannelAddress, ChannelAddress.user_id == Reminder.user_id)
        wanted = _usable(EACH, DIGEST) if is_urgent else _usable(EACH)
        query = query.where(*those, wanted, ChannelAddress.channel == channel)
        db.session.execute(insert_once(Mail).from_select(list(COLUMNS), query))


def add_digests(day: str, now: datetime, channel: str) -> int:
    """Queue a day's digest on a channel for all who want one there; return how many.

    It is to tell of unread reminders that nothing told of on this channel, and of work that is due. Who wants each at
    once gets one only for what came in quiet hours.
    """
    of_whom = (Mail.user_id == ChannelAddress.user_id, Mail.channel == channel)
    told = select(func.coalesce(func.max(Mail.last), 0)).where(*of_whom, Mail.kind == DIGEST)
    at_once = select(Mail.id).where(*of_whom, Mail.kind == REMINDER, Mail.first == Reminder.id).exists()
    fresh = (
        (Reminder.user_id == ChannelAddress.user_id)
        & Reminder.read_at.is_(None)
        & Reminder.sent_at.between(utc_text(now - DIGEST_BACK), utc_text(now - SETTLED))
        & (Reminder.id > told.correlate(ChannelAddress).scalar_subquery())
        & ~at_once.correlate(ChannelAddress, Reminder)
    )
    ref = literal(day + MARKS[channel])
    columns = ChannelAddress.user_id, DIGEST, ref, func.min(Reminder.id), func.max(Reminder.id)
    found = _new(*columns, now, channel).select_from(ChannelAddress).outerjoin(Reminder, fresh)
    query = found.join(User, User.id == ChannelAddress.user_id).where(
        _usable(EACH, DIGEST), ChannelAddress.channel == channel, User.active.is_(True)
    )
    query = query.group_by(ChannelAddress.user_id, ChannelAddress.choice)
    query = query.having(or_(ChannelAddress.choice == DIGEST, func.count(Reminder.id) > 0))
    done = db.session.execute(insert_once(Mail).from_select(list(COLUMNS), query))
    return cast("CursorResult[Any]", done).rowcount


def add_for_seal(county: str, seq: int, roles: Iterable[str], now: datetime) -> None:
    """Queue one mail with a checkpoint for each holder of some roles in its county who wants mails at all."""
    today = local_date(now).isoformat()
    none = sql_cast(null(), BigInteger)
    found = _new(ChannelAddress.user_id, SEAL, literal(f"{county}:{seq}"), none, none, now, MAIL).distinct()
    query = found.join(User, User.id == ChannelAddress.user_id)
    query = query.join(Appointment, Appointment.user_id == User.id)
    query = query.where(_usable(EACH, DIGEST), ChannelAddress.channel == MAIL, User.active.is_(True))
    query = query.where(Appointment.role.in_(list(roles)), Appointment.area.startswith(county, autoescape=True))
    query = query.where(Appointment.begins <= today, or_(Appointment.ends.is_(None), Appointment.ends > today))
    db.session.execute(insert_once(Mail).from_select(list(COLUMNS), query))


def _new(user_id: Any, kind: str, ref: Any, first: Any, last: Any, now: datetime, channel: str) -> Any:
    at, nothing = literal(utc_text(now)), literal("")
    head = (user_id, literal(kind), ref, first, last, literal(WAITING), literal(0), at)
    return select(*head, at.label("next_at"), nothing, literal(channel).label("to_channel"))


def add_one(user_id: int, kind: str, ref: str, now: datetime, channel: str = MAIL) -> int:
    """Queue one mail that tells of no reminder, once for its reference; return its number."""
    at, own = utc_text(now), ref + MARKS[channel]
    row = {"user_id": user_id, "kind": kind, "ref": own, "state": WAITING, "tries": 0, "answer": "", "channel": channel}
    db.session.execute(insert_once(Mail), [{**row, "created_at": at, "next_at": at}])
    query = select(Mail.id).where(Mail.user_id == user_id, Mail.kind == kind, Mail.ref == own)
    return int(db.session.scalars(query).one())


def gather(number: int, user_id: int, channel: str, now: datetime, *, most: int) -> int | None:
    """Make one digest of the single reminders that wait for a person on a channel; None when they are few.

    After an outage none gets twenty messages for what one can say.
    """
    waiting = (
        Mail.user_id == user_id, Mail.channel == channel, Mail.kind == REMINDER, Mail.state == WAITING, Mail.tries == 0
    )  # fmt: skip
    first, last, count = db.session.execute(
        select(func.min(Mail.first), func.max(Mail.last), func.count()).where(*waiting)
    ).one()
    if count <= most:
        return None
    gone = {"state": DROPPED, "next_at": None, "answer": GATHERED}
    db.session.execute(update(Mail).where(*waiting).values(**gone).execution_options(synchronize_session=False))
    one = add_one(user_id, DIGEST, str(number), now, channel)
    note(one, first=first, last=last)
    return one


def count_since(user_id: int, kind: str, since: datetime, channel: str = MAIL) -> int:
    """Count an account's mails of a kind on a channel since a time."""
    query = select(func.count()).select_from(Mail).where(Mail.user_id == user_id, Mail.kind == kind)
    query = query.where(Mail.channel == channel)
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
    county: str = ""
    channel: str = MAIL


def due(now: datetime, *, limit: int, channel: str = MAIL) -> list[int]:
    """Return the mails to send now on a channel, those that waited longest first."""
    query = select(Mail.id).where(Mail.next_at <= utc_text(now), Mail.channel == channel)
    query = query.order_by(Mail.next_at, Mail.id).limit(limit)
    return list(db.session.scalars(query))


def claimed(number: int, now: datetime) -> Due | None:
    """Take a mail for a while, so that no other process sends it beside this one; None when it is not due."""
    query = update(Mail).where(Mail.id == number, Mail.next_at <= utc_text(now))
    done = db.session.execute(query.values(next_at=utc_text(now + LEASE)).execution_options(synchronize_session=False))
    if cast("CursorResult[Any]", done).rowcount != 1:
        return None
    query_due = select(Mail, User).join(User, User.id == Mail.user_id).where(Mail.id == number)
    mail, user = db.session.execute(query_due).one()
    at = address_of(mail.user_id, mail.channel)
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
        county=user.county,
        channel=mail.channel,
    )


def note(number: int, **values: object) -> None:
    """Note what became of a mail; ``next_at`` is when to try again, None when it is done."""
    query = update(Mail).where(Mail.id == number)
    db.session.execute(query.values(**values).execution_options(synchronize_session=False))


def note_delivered(due: Due, now: datetime) -> None:
    """Note at each reminder that a message told of which channel brought it, and when."""
    if due.first is None or due.last is None:
        return
    found = select(Reminder.id, literal(due.channel), literal(utc_text(now))).where(
        Reminder.user_id == due.user_id, Reminder.read_at.is_(None), Reminder.id.between(due.first, due.last)
    )
    db.session.execute(insert_once(ReminderDelivery).from_select(["reminder_id", "channel", "at"], found))


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
    query = select(Mail, User.username, ChannelAddress.address).join(User, User.id == Mail.user_id)
    here = (ChannelAddress.user_id == Mail.user_id) & (ChannelAddress.channel == Mail.channel)
    query = query.outerjoin(ChannelAddress, here).where(Mail.state.in_(states))
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
