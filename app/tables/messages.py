"""What is told: the outbox, reminders, mails, webhooks."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import JSON

from app.tables.base import Base, BigKey


class OutboxRow(Base):
    """A message to deliver after commit; ``key`` makes it one, however often it is tried.

    ``wait_until`` keeps it back: nobody is told on a rest day that they are late.
    """

    __tablename__ = "outbox"
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    county: Mapped[str] = mapped_column(String(6))
    key: Mapped[str] = mapped_column(String(160), unique=True)
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[str] = mapped_column(String(20))
    delivered_at: Mapped[str | None] = mapped_column(String(20))
    tries: Mapped[int] = mapped_column(Integer, default=0)
    trouble: Mapped[str | None] = mapped_column(String(300))
    wait_until: Mapped[str | None] = mapped_column(String(20))
    __table_args__ = (
        Index(
            "ix_outbox_open",
            "id",
            sqlite_where=text("delivered_at IS NULL"),
            postgresql_where=text("delivered_at IS NULL"),
        ),
    )


class Reminder(Base):
    """A reminder in a person's list: word key with parameters, when it was sent, read, answered and went up.

    ``answer`` is acted (the person did something in the case) or reason (why it is late); both are what ``answered_at``
    means. The channels that brought it stand in ``ReminderDelivery``.
    """

    __tablename__ = "reminders"
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    county: Mapped[str] = mapped_column(String(6))
    user_id: Mapped[int] = mapped_column(BigInteger)
    key: Mapped[str] = mapped_column(String(160))
    word: Mapped[str] = mapped_column(String(40))
    case: Mapped[str] = mapped_column(String(32))
    params: Mapped[dict[str, Any]] = mapped_column(JSON)
    sent_at: Mapped[str] = mapped_column(String(20))
    read_at: Mapped[str | None] = mapped_column(String(20))
    answered_at: Mapped[str | None] = mapped_column(String(20))
    answer: Mapped[str | None] = mapped_column(String(8))
    escalated_at: Mapped[str | None] = mapped_column(String(20))
    __table_args__ = (
        UniqueConstraint("user_id", "key"),
        Index("ix_reminders_user", "user_id", "read_at", "id"),
        Index("ix_reminders_case", "county", "case", "user_id"),
    )


class ReminderDelivery(Base):
    """That a channel (mail, wecom, dingtalk, sms) took a message that told of a reminder, alone or among others."""

    __tablename__ = "reminder_deliveries"
    reminder_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    channel: Mapped[str] = mapped_column(String(8), primary_key=True)
    at: Mapped[str] = mapped_column(String(20))


class Nudge(Base):
    """That somebody pressed a case by hand (催办): once a day for each person and case."""

    __tablename__ = "nudges"
    county: Mapped[str] = mapped_column(String(6), primary_key=True)
    case: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    at: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(String(200), default="")


class Urging(Base):
    """A letter of formal urging (督办函) about one late period, numbered by year; ``facts`` is what it says.

    ``answer_by`` is exclusive, RFC 3339 UTC.
    """

    __tablename__ = "urgings"
    county: Mapped[str] = mapped_column(String(6), primary_key=True)
    year: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    case: Mapped[str] = mapped_column(String(32))
    kind: Mapped[str] = mapped_column(String(40))
    generation: Mapped[int] = mapped_column(Integer)
    due_at: Mapped[str] = mapped_column(String(20))
    area: Mapped[str] = mapped_column(String(12))
    mark: Mapped[str] = mapped_column(String(20))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    issued_at: Mapped[str] = mapped_column(String(20))
    issued_by: Mapped[str] = mapped_column(String(24))
    answer_by: Mapped[str] = mapped_column(String(20))
    answered_at: Mapped[str | None] = mapped_column(String(20))
    answered_by: Mapped[str | None] = mapped_column(String(24))
    answer: Mapped[str] = mapped_column(String(1000), default="")
    __table_args__ = (Index("ix_urgings_case", "county", "case", "kind", "generation"),)


class Webhook(Base):
    """Where another system wants to be told of events in an area; the secret that signs is kept encrypted."""

    __tablename__ = "webhooks"
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    county: Mapped[str] = mapped_column(String(6))
    area: Mapped[str] = mapped_column(String(15))
    url: Mapped[str] = mapped_column(String(500))
    events: Mapped[str] = mapped_column(String(400))
    secret_cipher: Mapped[str] = mapped_column(String(200))
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    created_at: Mapped[str] = mapped_column(String(20))
    created_by: Mapped[str] = mapped_column(String(24))
    __table_args__ = (Index("ix_webhooks_county", "county", "active"),)


class WebhookDelivery(Base):
    """One event on its way to one webhook; ``event`` is the outbox key. state: waiting, delivered or dead."""

    __tablename__ = "webhook_deliveries"
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    webhook_id: Mapped[int] = mapped_column(BigInteger)
    event: Mapped[str] = mapped_column(String(160))
    body: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    tries: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[str] = mapped_column(String(20))
    next_at: Mapped[str | None] = mapped_column(String(20))
    last_status: Mapped[str] = mapped_column(String(60), default="")
    last_at: Mapped[str | None] = mapped_column(String(20))
    __table_args__ = (
        UniqueConstraint("webhook_id", "event"),
        Index(
            "ix_webhook_deliveries_next",
            "next_at",
            sqlite_where=text("next_at IS NOT NULL"),
            postgresql_where=text("next_at IS NOT NULL"),
        ),
    )


class ChannelAddress(Base):
    """Where an account wants to be told by a channel, and how often: each reminder, one digest a morning, or none.

    ``asked_at`` is when a code was sent to it that its owner has not entered yet; ``bounce`` why it is no good.
    """

    __tablename__ = "channel_addresses"
    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    channel: Mapped[str] = mapped_column(String(8), primary_key=True)
    address: Mapped[str] = mapped_column(String(254))
    choice: Mapped[str] = mapped_column(String(8))
    asked_at: Mapped[str | None] = mapped_column(String(20))
    tries: Mapped[int] = mapped_column(Integer, default=0)
    confirmed_at: Mapped[str | None] = mapped_column(String(20))
    bounced_at: Mapped[str | None] = mapped_column(String(20))
    bounce: Mapped[str] = mapped_column(String(60), default="")


class Mail(Base):
    """A mail on its way, or a message of another channel: ``kind`` with ``ref`` makes it one a person.

    It tells of reminders ``first`` to ``last``. ``ref`` ends with the channel's mark where that is not mail.

    state: waiting, sent, dropped (needed no more), failed (refused), bounced (no such address), dead (tried too long).
    """

    __tablename__ = "mails"
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(8))
    ref: Mapped[str] = mapped_column(String(24))
    first: Mapped[int | None] = mapped_column(BigInteger)
    last: Mapped[int | None] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(8), default="waiting")
    tries: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[str] = mapped_column(String(20))
    next_at: Mapped[str | None] = mapped_column(String(20))
    sent_at: Mapped[str | None] = mapped_column(String(20))
    answer: Mapped[str] = mapped_column(String(120), default="")
    channel: Mapped[str] = mapped_column(String(8), default="mail", server_default="mail")
    __table_args__ = (
        UniqueConstraint("user_id", "kind", "ref"),
        Index(
            "ix_mails_next",
            "next_at",
            sqlite_where=text("next_at IS NOT NULL"),
            postgresql_where=text("next_at IS NOT NULL"),
        ),
    )
