"""Who is absent and who stands in, and why something fell late."""

from sqlalchemy import Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Base, BigKey


class Substitution(Base):
    """Somebody is absent from one office from a day to a day (exclusive), with or without a substitute.

    ``part`` is the code of the part of the office's area that it is for, empty for all. ``ended_at`` ends it early.
    """

    __tablename__ = "substitutions"
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    county: Mapped[str] = mapped_column(String(6))
    user_id: Mapped[int] = mapped_column(BigKey)
    substitute_id: Mapped[int | None] = mapped_column(BigKey)
    role: Mapped[str] = mapped_column(String(24))
    area: Mapped[str] = mapped_column(String(15))
    part: Mapped[str] = mapped_column(String(15), default="")
    begins: Mapped[str] = mapped_column(String(10))
    ends: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(Text)
    created_at: Mapped[str] = mapped_column(String(20))
    created_by: Mapped[str] = mapped_column(String(24))
    ended_at: Mapped[str | None] = mapped_column(String(20))
    ended_by: Mapped[str | None] = mapped_column(String(24))
    __table_args__ = (
        Index("ix_substitutions_user", "user_id", "ends"),
        Index("ix_substitutions_substitute", "substitute_id", "ends"),
        Index("ix_substitutions_county", "county", "id"),
    )


class LateReason(Base):
    """Why a period fell late, in the words of whoever answers for it; ``text`` may be erased, its digest stays."""

    __tablename__ = "late_reasons"
    county: Mapped[str] = mapped_column(String(6), primary_key=True)
    case: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(40), primary_key=True)
    generation: Mapped[int] = mapped_column(Integer, primary_key=True)
    serial: Mapped[int] = mapped_column(Integer, primary_key=True)
    user: Mapped[str] = mapped_column(String(24))
    at: Mapped[str] = mapped_column(String(20))
    salt: Mapped[str] = mapped_column(String(32))
    text: Mapped[str | None] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64))
