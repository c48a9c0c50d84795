"""Seals: a log of leaves for each county, the tree over it, and its signed checkpoints. County leads every key."""

from sqlalchemy import BigInteger, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Base


class SealLeaf(Base):
    """A leaf of a county's log: the exact text (fp-leaf-v1) that stands for the head of a case; ``seq`` from 1.

    ``hash`` is that of the tree, SHA-256(00 ‖ text), in hex.
    """

    __tablename__ = "seal_leaves"
    county: Mapped[str] = mapped_column(String(6), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    case: Mapped[str] = mapped_column(String(32))
    entry: Mapped[int] = mapped_column(BigInteger)
    text: Mapped[str] = mapped_column(Text)
    hash: Mapped[str] = mapped_column(String(64))
    # Not by county first: PostgreSQL's guard would look by this one for the leaf before (forty times as slow).
    __table_args__ = (Index("ix_seal_leaves_case", "case", "county", "seq"),)


class SealNode(Base):
    """A node of the tree on a level that is a multiple of eight: ``level`` 1 stands over 256 leaves each."""

    __tablename__ = "seal_nodes"
    county: Mapped[str] = mapped_column(String(6), primary_key=True)
    level: Mapped[int] = mapped_column(Integer, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    hash: Mapped[str] = mapped_column(String(64))


class SealCheckpoint(Base):
    """A signed checkpoint as it was given out, with the public key that it was signed for."""

    __tablename__ = "seal_checkpoints"
    county: Mapped[str] = mapped_column(String(6), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    era: Mapped[int] = mapped_column(Integer)
    size: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[str] = mapped_column(String(20))
    key: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text)


class SealHead(Base):
    """The present end of a county's log; locked by whoever seals.

    ``epoch`` counts sealers: each takes the next one, and what a former one still wants to write is refused.
    ``held_until``: a sealer is at work until then at the latest; empty when none is. ``era`` counts logs of the
    county: a history that was taken up again after a fork is another log.
    """

    __tablename__ = "seal_heads"
    county: Mapped[str] = mapped_column(String(6), primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    checkpoints: Mapped[int] = mapped_column(BigInteger, default=0)
    era: Mapped[int] = mapped_column(Integer, default=1)
    epoch: Mapped[int] = mapped_column(BigInteger, default=0)
    held_until: Mapped[str] = mapped_column(String(20), default="")


class SealedCase(Base):
    """The newest leaf of a case: what its head is compared with, so that late commits are found whatever their time."""

    __tablename__ = "sealed_cases"
    county: Mapped[str] = mapped_column(String(6), primary_key=True)
    case: Mapped[str] = mapped_column(String(32), primary_key=True)
    entry: Mapped[int] = mapped_column(BigInteger)
    head: Mapped[str] = mapped_column(String(64))
    leaf: Mapped[int] = mapped_column(BigInteger)
