"""Households and their members."""

from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import JSON

from app.tables.base import Base


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
