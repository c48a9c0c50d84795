"""Running periods of cases, and the ledger of duties."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import JSON

from app.tables.base import Base, BigKey


class DeadlineRow(Base):
    """A running period for the sweep: ``next_at`` is when something is to be done, ``stage`` how far it has gone.

    stage: 0 nothing yet, 1 and 2 warned, 3 lapsed, 4 told to the superior, 5 to the county, 6 listed for formal urging.
    Frozen when it started; ``warn`` is its ladder (``workflows.ladder``).
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


class DutyPeriod(Base):
    """One period of a duty for one household or area (12 digits); what it asks stands in the kept pack by digest.

    state: open, done, dropped (the household left before it was due). Late and missed are not stored: they follow from
    ``due_at`` and ``settled_at``. ``roles`` are those who report, each between commas; ``user_id`` the helper, or 0.
    """

    __tablename__ = "duty_periods"
    county: Mapped[str] = mapped_column(String(6), primary_key=True)
    duty: Mapped[str] = mapped_column(String(40), primary_key=True)
    subject: Mapped[str] = mapped_column(String(24), primary_key=True)
    begins: Mapped[str] = mapped_column(String(20), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    village: Mapped[str] = mapped_column(String(12))
    township: Mapped[str] = mapped_column(String(12))
    roles: Mapped[str] = mapped_column(String(200))
    user_id: Mapped[int] = mapped_column(BigInteger, default=0)
    pack: Mapped[str] = mapped_column(String(64))
    clause: Mapped[str] = mapped_column(String(80))
    bound: Mapped[str] = mapped_column(String(3))
    needed: Mapped[int] = mapped_column(Integer)
    done: Mapped[int] = mapped_column(Integer, default=0)
    due_at: Mapped[str] = mapped_column(String(20))
    provisional: Mapped[bool] = mapped_column(Boolean, default=False)
    stage: Mapped[int] = mapped_column(Integer, default=0)
    next_at: Mapped[str | None] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(8), default="open")
    settled_at: Mapped[str | None] = mapped_column(String(20))
    trouble: Mapped[str | None] = mapped_column(String(300))
    __table_args__ = (
        Index(
            "ix_duty_periods_next",
            "next_at",
            sqlite_where=text("next_at IS NOT NULL"),
            postgresql_where=text("next_at IS NOT NULL"),
        ),
        # Of whom a group of periods reminds, without a look at all the others that are due.
        Index(
            "ix_duty_periods_group",
            "county",
            "duty",
            "village",
            "user_id",
            "begins",
            sqlite_where=text("next_at IS NOT NULL"),
            postgresql_where=text("next_at IS NOT NULL"),
        ),
        Index("ix_duty_periods_county", "county", "state", "due_at"),
        Index("ix_duty_periods_township", "county", "township", "state", "due_at"),
        Index("ix_duty_periods_village", "county", "village", "state", "due_at"),
        Index("ix_duty_periods_subject", "county", "subject", "state", "due_at"),
        Index("ix_duty_periods_user", "user_id", "state", "due_at"),
    )


class DutyAct(Base):
    """What was done for a period: an entry of the household's case, or a report (a line of the access ledger).

    ``why`` says why it does not count (mode, day), else empty. Of the note only the digest is sealed.
    """

    __tablename__ = "duty_acts"
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    county: Mapped[str] = mapped_column(String(6))
    duty: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(24))
    begins: Mapped[str] = mapped_column(String(20))
    act: Mapped[str] = mapped_column(String(60))
    user: Mapped[str] = mapped_column(String(24))
    role: Mapped[str] = mapped_column(String(24))
    mode: Mapped[str] = mapped_column(String(12))
    on_day: Mapped[str] = mapped_column(String(10))
    amount: Mapped[int] = mapped_column(Integer)
    nil: Mapped[bool] = mapped_column(Boolean)
    why: Mapped[str] = mapped_column(String(8))
    case: Mapped[str] = mapped_column(String(32))
    seq: Mapped[int] = mapped_column(BigInteger)
    note: Mapped[str] = mapped_column(Text)
    salt: Mapped[str] = mapped_column(String(32))
    files: Mapped[str] = mapped_column(Text)
    at: Mapped[str] = mapped_column(String(20))
    __table_args__ = (
        UniqueConstraint("county", "case", "seq", "duty", "subject", "begins"),
        Index("ix_duty_acts_period", "county", "subject", "duty", "begins"),
    )


class DutyRun(Base):
    """How far a county's duties were made: from the day on which it began to keep them, up to a local day."""

    __tablename__ = "duty_runs"
    county: Mapped[str] = mapped_column(String(6), primary_key=True)
    since: Mapped[str] = mapped_column(String(20))
    through: Mapped[str] = mapped_column(String(10))


class DutyReport(Base):
    """A report or registration that was taken in, by its idempotency key: the same key again gets the same answer."""

    __tablename__ = "duty_reports"
    county: Mapped[str] = mapped_column(String(6), primary_key=True)
    key: Mapped[str] = mapped_column(String(90), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    seq: Mapped[int] = mapped_column(BigInteger)
    count: Mapped[int] = mapped_column(Integer)
    at: Mapped[str] = mapped_column(String(20))
