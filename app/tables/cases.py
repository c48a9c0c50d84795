"""Cases, their journal and what belongs to it. County leads every key."""

from sqlalchemy import BigInteger, Boolean, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Base
from app.tables.texts import band_of, gate_key, taken_of


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


Index("ix_journal_gate", gate_key(JournalRow.county, JournalRow.text), JournalRow.at, JournalRow.case)


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
    """A photo or scan: digest of the original bytes, digest and type of the re-encoded copy that is shown.

    Where and when it was taken (micro-degrees, UTC text), if the phone wrote it in: personal, so it is kept here alone.
    """

    __tablename__ = "evidence_files"
    county: Mapped[str] = mapped_column(String(6), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    bytes: Mapped[int] = mapped_column(BigInteger)
    mime: Mapped[str] = mapped_column(String(40))
    shown_sha256: Mapped[str] = mapped_column(String(64))
    shown_mime: Mapped[str] = mapped_column(String(40))
    uploaded_by: Mapped[str] = mapped_column(String(24))
    uploaded_at: Mapped[str] = mapped_column(String(20))
    latitude: Mapped[int | None] = mapped_column(Integer)
    longitude: Mapped[int | None] = mapped_column(Integer)
    taken_at: Mapped[str | None] = mapped_column(String(20))


# Photos of one person in a band of the map, from west to east: what lies near a photo is found in one or two bands.
Index(
    "ix_evidence_files_place",
    EvidenceFile.county,
    EvidenceFile.uploaded_by,
    band_of(EvidenceFile.latitude),
    EvidenceFile.longitude,
    sqlite_where=EvidenceFile.latitude.is_not(None),
    postgresql_where=EvidenceFile.latitude.is_not(None),
)


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
    __table_args__ = (Index("ix_commands_at", "county", "at", "case", "seq", "user"),)


Index("ix_commands_taken", CommandRow.county, taken_of(CommandRow.key, CommandRow.at))


class KeptText(Base):
    """The text of each definition and pack that a case was ever pinned to, by digest."""

    __tablename__ = "texts"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    text: Mapped[str] = mapped_column(Text)


class Counter(Base):
    """The last number given out, by county and kind."""

    __tablename__ = "counters"
    county: Mapped[str] = mapped_column(String(6), primary_key=True)
    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)
