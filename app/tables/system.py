"""Ledger of access, settings, runs and heartbeats."""

from typing import Any

from sqlalchemy import BigInteger, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import JSON

from app.tables.base import Base, BigKey
from app.tables.texts import subject_key


class AccessRow(Base):
    """The access ledger: reads of personal data, prints, exports, refusals; a chain of its own for each county."""

    __tablename__ = "access_ledger"
    county: Mapped[str] = mapped_column(String(6), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    hash: Mapped[str] = mapped_column(String(64))
    at: Mapped[str] = mapped_column(String(20))


Index("ix_access_ledger_subject", subject_key(AccessRow.county, AccessRow.text), AccessRow.seq)


class LedgerHead(Base):
    """The present end of a county's access ledger; locked while an entry is added."""

    __tablename__ = "ledger_heads"
    county: Mapped[str] = mapped_column(String(6), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    head: Mapped[str] = mapped_column(String(64))


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


class Setting(Base):
    """A setting of the installation that lives with the data."""

    __tablename__ = "settings"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class CalendarRow(Base):
    """A document about working days: a notice of a year, an amendment, or a county's own closing days.

    ``area`` are the leading digits of the place that it is for, empty for the nation. state: proposed, in_force,
    withdrawn. ``changed`` counts over all rows when one came into force or out of it: the highest tells any process
    whether its calendar is the present one. ``text`` is canonical JSON and never changes.
    """

    __tablename__ = "calendars"
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    area: Mapped[str] = mapped_column(String(6), default="")
    kind: Mapped[str] = mapped_column(String(10))
    year: Mapped[int] = mapped_column(Integer, default=0)
    title: Mapped[str] = mapped_column(String(200))
    number: Mapped[str] = mapped_column(String(200))
    dated: Mapped[str] = mapped_column(String(10))
    text: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(10), default="proposed")
    user: Mapped[str] = mapped_column(String(24))
    created_at: Mapped[str] = mapped_column(String(20))
    decided_by: Mapped[str] = mapped_column(String(24), default="")
    decided_at: Mapped[str | None] = mapped_column(String(20))
    withdrawn_by: Mapped[str] = mapped_column(String(24), default="")
    withdrawn_at: Mapped[str | None] = mapped_column(String(20))
    changed: Mapped[int | None] = mapped_column(BigInteger)
    __table_args__ = (Index("ix_calendars_changed", "changed", unique=True),)


class RuleRun(Base):
    """A run over a county's cases with other rules: ``rehearse``, ``apply``, ``revert`` or ``simulate``.

    With another calendar: ``cal_look`` and ``calendar``.
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


APPEND_ONLY = ("journal", "access_ledger", "seal_leaves", "seal_nodes", "seal_checkpoints")
