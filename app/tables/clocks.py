"""Running periods."""

from typing import Any

from sqlalchemy import Boolean, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import JSON

from app.tables.base import Base


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
