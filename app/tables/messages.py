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
    """A reminder in a person's list: word key with parameters, when it was due, sent and read."""

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
    __table_args__ = (
        UniqueConstraint("user_id", "key"),
        Index("ix_reminders_user", "user_id", "read_at", "id"),
    )


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


class MailAddress(Base):
    """Where an account wants to be written to, and how often: each reminder, one digest a morning, or none.

    ``asked_at`` is when a code was sent to it that its owner has not entered yet; ``bounce`` why it is no good.
    """

    __tablename__ = "mail_addresses"
    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    address: Mapped[str] = mapped_column(String(254))
    choice: Mapped[str] = mapped_column(String(8))
    asked_at: Mapped[str | None] = mapped_column(String(20))
    tries: Mapped[int] = mapped_column(Integer, default=0)
    confirmed_at: Mapped[str | None] = mapped_column(String(20))
    bounced_at: Mapped[str | None] = mapped_column(String(20))
    bounce: Mapped[str] = mapped_column(String(60), default="")


class Mail(Base):
    """A mail on its way: ``kind`` with ``ref`` makes it one a person; it tells of reminders ``first`` to ``last``.

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
    __table_args__ = (
        UniqueConstraint("user_id", "kind", "ref"),
        Index(
            "ix_mails_next",
            "next_at",
            sqlite_where=text("next_at IS NOT NULL"),
            postgresql_where=text("next_at IS NOT NULL"),
        ),
    )
