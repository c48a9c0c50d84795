"""The tables. County leads every key; times are RFC 3339 UTC texts, which sort and compare the same on both engines."""

from typing import Any

from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session
from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    Engine,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry
from sqlalchemy.types import JSON

BigKey = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """Base of all tables."""

    registry = registry(type_annotation_map={str: String(200), dict[str, Any]: JSON, list[Any]: JSON})


class JoiningSession(Session):
    """Inside a writing transaction the session takes part in it instead of having one of its own.

    Most moves never need the session, and its own way to a transaction costs more than a move's reading (measured).
    """

    joined: Connection | None = None

    def get_bind(self, *args: Any, **more: Any) -> Engine | Connection:
        """Return the connection of the writing transaction, if one is open."""
        return self.joined or super().get_bind(*args, **more)


db = SQLAlchemy(model_class=Base, session_options={"class_": JoiningSession})


class Area(Base):
    """An administrative area: 12-digit code, 15 for a grid; level from province to grid."""

    __tablename__ = "areas"
    code: Mapped[str] = mapped_column(String(15), primary_key=True)
    name: Mapped[str]
    level: Mapped[str] = mapped_column(String(12))
    parent: Mapped[str | None] = mapped_column(String(15), index=True)
    county: Mapped[str] = mapped_column(String(6), index=True)


class User(Base):
    """An account. ``person`` is the key of the human being behind it, the same for all accounts of one person."""

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(64))
    person: Mapped[str] = mapped_column(String(64), index=True)
    county: Mapped[str] = mapped_column(String(6), index=True)
    password_hash: Mapped[str]
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    lang: Mapped[str] = mapped_column(String(2), default="zh")
    created_at: Mapped[str] = mapped_column(String(20))


class Appointment(Base):
    """An office that a person holds between two days (end exclusive, empty while it lasts)."""

    __tablename__ = "appointments"
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    user_id: Mapped[int] = mapped_column(BigKey, index=True)
    role: Mapped[str] = mapped_column(String(24))
    area: Mapped[str] = mapped_column(String(15))
    begins: Mapped[str] = mapped_column(String(10))
    ends: Mapped[str | None] = mapped_column(String(10))
    __table_args__ = (Index("ix_appointments_role_area", "role", "area"),)


class LoginSession(Base):
    """A log-in that lives on the server and dies with the account; the cookie holds only a random token."""

    __tablename__ = "login_sessions"
    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(BigKey, index=True)
    created_at: Mapped[str] = mapped_column(String(20))
    seen_at: Mapped[str] = mapped_column(String(20))
    expires_at: Mapped[str] = mapped_column(String(20))
    source: Mapped[str] = mapped_column(String(64))


class LoginFailure(Base):
    """A failed log-in, counted for the account and for the source that it came from."""

    __tablename__ = "login_failures"
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    username: Mapped[str] = mapped_column(String(64))
    source: Mapped[str] = mapped_column(String(64))
    at: Mapped[str] = mapped_column(String(20))
    __table_args__ = (
        Index("ix_login_failures_username", "username", "at"),
        Index("ix_login_failures_source", "source", "at"),
    )


class Household(Base):
    """A household; ``kind`` stands apart from its status. Roster columns are in ``details`` (money in fen)."""

    __tablename__ = "households"
    county: Mapped[str] = mapped_column(String(6), primary_key=True)
    number: Mapped[str] = mapped_column(String(24), primary_key=True)
    national_number: Mapped[str | None] = mapped_column(String(40))
    area: Mapped[str] = mapped_column(String(15))
    village: Mapped[str] = mapped_column(String(12))
    township: Mapped[str] = mapped_column(String(12))
    group_name: Mapped[str] = mapped_column(String(60), default="")
    head_name: Mapped[str] = mapped_column(String(60))
    head_key: Mapped[str] = mapped_column(String(64))
    member_count: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String(16))
    phone: Mapped[str] = mapped_column(String(40), default="")
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[str] = mapped_column(String(20))
    __table_args__ = (
        UniqueConstraint("county", "national_number"),
        UniqueConstraint("county", "head_key"),
        Index("ix_households_village", "county", "village", "number"),
        Index("ix_households_township", "county", "township", "number"),
        Index("ix_households_head", "county", "head_name"),
    )


class Member(Base):
    """A member of a household. The ID number is kept encrypted, found by a keyed hash, shown masked."""

    __tablename__ = "members"
    county: Mapped[str] = mapped_column(String(6), primary_key=True)
    household: Mapped[str] = mapped_column(String(24), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    relation: Mapped[str] = mapped_column(String(20))
    sex: Mapped[str] = mapped_column(String(8), default="")
    born: Mapped[str] = mapped_column(String(10), default="")
    id_key: Mapped[str] = mapped_column(String(64))
    id_masked: Mapped[str] = mapped_column(String(24))
    id_cipher: Mapped[str] = mapped_column(String(200))
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    __table_args__ = (
        UniqueConstraint("county", "id_key"),
        ForeignKeyConstraint(["county", "household"], ["households.county", "households.number"]),
    )


class CaseRow(Base):
    """A case as it stands; every column follows from its entries (replay), the area columns from its household."""

    __tablename__ = "cases"
    county: Mapped[str] = mapped_column(String(6), primary_key=True)
    number: Mapped[str] = mapped_column(String(32), primary_key=True)
    definition: Mapped[str] = mapped_column(String(40))
    definition_digest: Mapped[str] = mapped_column(String(64))
    policy: Mapped[str] = mapped_column(String(60))
    policy_digest: Mapped[str] = mapped_column(String(64))
    purpose: Mapped[str] = mapped_column(String(20))
    subject: Mapped[str] = mapped_column(String(40))
    village: Mapped[str] = mapped_column(String(12))
    township: Mapped[str] = mapped_column(String(12))
    state: Mapped[str] = mapped_column(String(40))
    seq: Mapped[int] = mapped_column(Integer)
    head: Mapped[str] = mapped_column(String(64))
    closed: Mapped[bool] = mapped_column(Boolean)
    fields: Mapped[str] = mapped_column(Text)
    clocks: Mapped[str] = mapped_column(Text)
    due_at: Mapped[str | None] = mapped_column(String(20))
    opened_at: Mapped[str] = mapped_column(String(20))
    updated_at: Mapped[str] = mapped_column(String(20))
    __table_args__ = (
        Index(
            "ux_cases_one_open",
            "county",
            "definition",
            "subject",
            unique=True,
            sqlite_where=text("closed = 0"),
            postgresql_where=text("closed = false"),
        ),
        Index("ix_cases_subject", "county", "subject"),
        Index("ix_cases_county", "county", "definition", "state", "due_at", "number"),
        Index("ix_cases_township", "county", "township", "definition", "state", "due_at", "number"),
        Index("ix_cases_village", "county", "village", "definition", "state", "due_at", "number"),
    )


class Wait(Base):
    """Whom an open case waits for: one row a role (or the one helper, by account), with the earliest due time."""

    __tablename__ = "waits"
    county: Mapped[str] = mapped_column(String(6), primary_key=True)
    case: Mapped[str] = mapped_column(String(32), primary_key=True)
    role: Mapped[str] = mapped_column(String(24), primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInteger, default=0)
    village: Mapped[str] = mapped_column(String(12))
    township: Mapped[str] = mapped_column(String(12))
    due_at: Mapped[str] = mapped_column(String(20))
    __table_args__ = (
        Index("ix_waits_county", "county", "role", "due_at", "case"),
        Index("ix_waits_township", "county", "township", "role", "due_at", "case"),
        Index("ix_waits_village", "county", "village", "role", "due_at", "case"),
        Index("ix_waits_user", "user_id", "due_at", "case"),
    )


class JournalRow(Base):
    """A sealed entry: the exact text that was hashed. The database itself refuses to change or delete it."""

    __tablename__ = "journal"
    county: Mapped[str] = mapped_column(String(6), primary_key=True)
    case: Mapped[str] = mapped_column(String(32), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    hash: Mapped[str] = mapped_column(String(64))
    at: Mapped[str] = mapped_column(String(20))


class DisclosureRow(Base):
    """A personal value with its salt, to which an entry is committed; may be erased without breaking the chain."""

    __tablename__ = "disclosures"
    county: Mapped[str] = mapped_column(String(6), primary_key=True)
    case: Mapped[str] = mapped_column(String(32), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)
    field: Mapped[str] = mapped_column(String(40), primary_key=True)
    salt: Mapped[str] = mapped_column(String(32))
    value: Mapped[str] = mapped_column(Text)


class EvidenceFile(Base):
    """A photo or scan: digest of the original bytes, digest and type of the re-encoded copy that is shown."""

    __tablename__ = "evidence_files"
    county: Mapped[str] = mapped_column(String(6), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    bytes: Mapped[int] = mapped_column(BigInteger)
    mime: Mapped[str] = mapped_column(String(40))
    shown_sha256: Mapped[str] = mapped_column(String(64))
    shown_mime: Mapped[str] = mapped_column(String(40))
    uploaded_by: Mapped[str] = mapped_column(String(24))
    uploaded_at: Mapped[str] = mapped_column(String(20))


class EvidenceUse(Base):
    """Where a file serves as evidence: the entry that sealed its digest, and its kind."""

    __tablename__ = "evidence_uses"
    county: Mapped[str] = mapped_column(String(6), primary_key=True)
    case: Mapped[str] = mapped_column(String(32), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[str] = mapped_column(String(40), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    __table_args__ = (Index("ix_evidence_uses_file", "county", "sha256"),)


class CommandRow(Base):
    """A command that was carried out, by its idempotency key: the same key again gets the same answer."""

    __tablename__ = "commands"
    county: Mapped[str] = mapped_column(String(6), primary_key=True)
    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    user: Mapped[str] = mapped_column(String(24))
    case: Mapped[str] = mapped_column(String(32))
    seq: Mapped[int] = mapped_column(Integer)
    at: Mapped[str] = mapped_column(String(20))


class DeadlineRow(Base):
    """A running period for the sweep: ``next_at`` is when something is to be done, ``stage`` how far it has gone.

    stage: 0 nothing yet, 1 and 2 warned, 3 lapsed, 4 escalated to the county. Frozen when it started.
    """

    __tablename__ = "deadlines"
    county: Mapped[str] = mapped_column(String(6), primary_key=True)
    case: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(40), primary_key=True)
    generation: Mapped[int] = mapped_column(Integer, primary_key=True)
    mode: Mapped[str] = mapped_column(String(12))
    fires: Mapped[str | None] = mapped_column(String(40))
    start_at: Mapped[str] = mapped_column(String(20))
    due_at: Mapped[str] = mapped_column(String(20))
    bound: Mapped[str] = mapped_column(String(3))
    clause: Mapped[str] = mapped_column(String(80))
    provisional: Mapped[bool] = mapped_column(Boolean)
    warn: Mapped[list[Any]] = mapped_column(JSON, default=list)
    village: Mapped[str] = mapped_column(String(12))
    township: Mapped[str] = mapped_column(String(12))
    stage: Mapped[int] = mapped_column(Integer, default=0)
    next_at: Mapped[str | None] = mapped_column(String(20))
    noticed_at: Mapped[str | None] = mapped_column(String(20))
    ended_how: Mapped[str | None] = mapped_column(String(12))
    ended_at: Mapped[str | None] = mapped_column(String(20))
    trouble: Mapped[str | None] = mapped_column(String(300))
    __table_args__ = (
        Index(
            "ix_deadlines_next",
            "next_at",
            sqlite_where=text("next_at IS NOT NULL"),
            postgresql_where=text("next_at IS NOT NULL"),
        ),
        Index("ix_deadlines_open", "county", "ended_how", "due_at"),
    )


class OutboxRow(Base):
    """A message to deliver after commit; ``key`` makes it one, however often it is tried."""

    __tablename__ = "outbox"
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    county: Mapped[str] = mapped_column(String(6))
    key: Mapped[str] = mapped_column(String(160), unique=True)
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[str] = mapped_column(String(20))
    delivered_at: Mapped[str | None] = mapped_column(String(20))
    tries: Mapped[int] = mapped_column(Integer, default=0)
    trouble: Mapped[str | None] = mapped_column(String(300))
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


class AccessRow(Base):
    """The access ledger: reads of personal data, prints, exports, refusals; a chain of its own for each county."""

    __tablename__ = "access_ledger"
    county: Mapped[str] = mapped_column(String(6), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    hash: Mapped[str] = mapped_column(String(64))
    at: Mapped[str] = mapped_column(String(20))


class LedgerHead(Base):
    """The present end of a county's access ledger; locked while an entry is added."""

    __tablename__ = "ledger_heads"
    county: Mapped[str] = mapped_column(String(6), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    head: Mapped[str] = mapped_column(String(64))


class ApiToken(Base):
    """A token of the API: acts for one account, narrowed by scopes and area; only its hash is kept."""

    __tablename__ = "api_tokens"
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(BigKey, index=True)
    name: Mapped[str] = mapped_column(String(60))
    scopes: Mapped[str] = mapped_column(String(400))
    area: Mapped[str] = mapped_column(String(15))
    created_at: Mapped[str] = mapped_column(String(20))
    created_by: Mapped[str] = mapped_column(String(24))
    expires_at: Mapped[str] = mapped_column(String(20))
    used_at: Mapped[str | None] = mapped_column(String(20))
    ended_at: Mapped[str | None] = mapped_column(String(20))
    ended_by: Mapped[str | None] = mapped_column(String(24))


class ApiCommand(Base):
    """A command of the API that is no case's: its key, and its answer once there is one (never a secret)."""

    __tablename__ = "api_commands"
    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    at: Mapped[str] = mapped_column(String(20))
    status: Mapped[int | None] = mapped_column(Integer)
    body: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (Index("ix_api_commands_at", "at"),)


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


class Counter(Base):
    """The last number given out, by county and kind."""

    __tablename__ = "counters"
    county: Mapped[str] = mapped_column(String(6), primary_key=True)
    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)


class KeptText(Base):
    """The text of each definition and pack that a case was ever pinned to, by digest."""

    __tablename__ = "texts"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    text: Mapped[str] = mapped_column(Text)


class Setting(Base):
    """A setting of the installation that lives with the data."""

    __tablename__ = "settings"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class RuleRun(Base):
    """A run over a county's cases with other rules: ``rehearse``, ``apply``, ``revert`` or ``simulate``.

    state: waiting, running, done, failed. ``inputs`` say with what (packs' texts, seed), ``result`` what came of it.
    """

    __tablename__ = "rule_runs"
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    county: Mapped[str] = mapped_column(String(6))
    kind: Mapped[str] = mapped_column(String(12))
    state: Mapped[str] = mapped_column(String(8), default="waiting")
    user: Mapped[str] = mapped_column(String(24))
    inputs: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    total: Mapped[int] = mapped_column(Integer, default=0)
    done: Mapped[int] = mapped_column(Integer, default=0)
    result: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    trouble: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[str] = mapped_column(String(20))
    ended_at: Mapped[str | None] = mapped_column(String(20))
    __table_args__ = (Index("ix_rule_runs_county", "county", "id"),)


class Heartbeat(Base):
    """When a scheduler job last ran to its end, and what it did."""

    __tablename__ = "heartbeats"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    at: Mapped[str] = mapped_column(String(20))
    detail: Mapped[str] = mapped_column(String(300), default="")


APPEND_ONLY = ("journal", "access_ledger")
