"""What ``fangpin check`` reads: everything in batches by key, so that a county of any size fits in memory."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import func, select

from app.store import append_only
from app.tables import (
    AccessRow,
    CaseRow,
    DeadlineRow,
    EvidenceFile,
    EvidenceUse,
    Household,
    JournalRow,
    LedgerHead,
    SealHead,
    SealLeaf,
    Wait,
    db,
)

Rows = Sequence[Any]


def counties() -> list[str]:
    """Return every county that has households, entries, an access ledger or a log of seals."""
    found: set[str] = set()
    for table in (Household, CaseRow, JournalRow, LedgerHead, AccessRow, EvidenceFile, SealHead):
        found.update(db.session.scalars(select(table.county).distinct()))
    return sorted(found)


def sizes(county: str) -> tuple[int, int, int, int]:
    """Return how many cases, lines of the access ledger, files and leaves of its log a county has."""
    cases, lines, files, leaves = (
        db.session.scalar(select(func.count()).select_from(table).where(table.county == county))
        for table in (CaseRow, AccessRow, EvidenceFile, SealLeaf)
    )
    return int(cases or 0), int(lines or 0), int(files or 0), int(leaves or 0)


def guard_faults() -> list[str]:
    """Return the guards of the append-only tables that are missing or changed."""
    return append_only.faults(db.session.connection())


def cases_after(county: str, after: str, size: int) -> Rows:
    """Return the next case rows by number."""
    query = select(*CaseRow.__table__.columns).where(CaseRow.county == county, CaseRow.number > after)
    return db.session.execute(query.order_by(CaseRow.number).limit(size)).all()


def entries_of(county: str, cases: Iterable[str]) -> Rows:
    """Return (case, seq, text, hash, at) of the entries of some cases, in order."""
    query = select(JournalRow.case, JournalRow.seq, JournalRow.text, JournalRow.hash, JournalRow.at)
    query = query.where(JournalRow.county == county, JournalRow.case.in_(list(cases)))
    return db.session.execute(query.order_by(JournalRow.case, JournalRow.seq)).all()


def cases_without_row(county: str, most: int) -> list[str]:
    """Return the numbers of cases that have entries and no row."""
    known = select(CaseRow.number).where(CaseRow.county == county, CaseRow.number == JournalRow.case).exists()
    query = select(JournalRow.case).where(JournalRow.county == county, ~known).distinct()
    return list(db.session.scalars(query.order_by(JournalRow.case).limit(most)))


def areas_of(county: str, households: Iterable[str]) -> dict[str, str]:
    """Return the area of each household, by number."""
    query = select(Household.number, Household.area)
    query = query.where(Household.county == county, Household.number.in_(list(households)))
    return {row.number: row.area for row in db.session.execute(query)}


def waits_of(county: str, cases: Iterable[str]) -> Rows:
    """Return the rows that say whom some cases wait for."""
    query = select(*Wait.__table__.columns).where(Wait.county == county, Wait.case.in_(list(cases)))
    return db.session.execute(query).all()


def deadlines_of(county: str, cases: Iterable[str]) -> Rows:
    """Return the rows of all periods of some cases, ended or not."""
    query = select(*DeadlineRow.__table__.columns)
    return db.session.execute(query.where(DeadlineRow.county == county, DeadlineRow.case.in_(list(cases)))).all()


def uses_of(county: str, cases: Iterable[str]) -> Rows:
    """Return (case, seq, kind, sha256) of the evidence of some cases."""
    query = select(EvidenceUse.case, EvidenceUse.seq, EvidenceUse.kind, EvidenceUse.sha256)
    return db.session.execute(query.where(EvidenceUse.county == county, EvidenceUse.case.in_(list(cases)))).all()


def files_with(county: str, digests: Iterable[str]) -> set[str]:
    """Return which of some digests are files that were taken in."""
    query = select(EvidenceFile.sha256).where(EvidenceFile.county == county)
    return set(db.session.scalars(query.where(EvidenceFile.sha256.in_(list(digests)))))


def copies_with(county: str, digests: Iterable[str]) -> set[str]:
    """Return which of some digests are shown copies of files that were taken in."""
    query = select(EvidenceFile.shown_sha256).where(EvidenceFile.county == county)
    return set(db.session.scalars(query.where(EvidenceFile.shown_sha256.in_(list(digests)))))


def files_after(county: str, after: str, size: int) -> Rows:
    """Return (sha256, shown_sha256) of the next files by digest."""
    query = select(EvidenceFile.sha256, EvidenceFile.shown_sha256)
    query = query.where(EvidenceFile.county == county, EvidenceFile.sha256 > after)
    return db.session.execute(query.order_by(EvidenceFile.sha256).limit(size)).all()


def ledger_head(county: str) -> tuple[int, str] | None:
    """Return length and head of a county's access ledger."""
    query = select(LedgerHead.seq, LedgerHead.head).where(LedgerHead.county == county)
    row = db.session.execute(query).one_or_none()
    return (int(row.seq), str(row.head)) if row else None


def ledger_after(county: str, after: int, last: int, size: int) -> Rows:
    """Return (seq, text, hash) of the next lines of the access ledger, up to a last one."""
    query = select(AccessRow.seq, AccessRow.text, AccessRow.hash)
    query = query.where(AccessRow.county == county, AccessRow.seq > after, AccessRow.seq <= last)
    return db.session.execute(query.order_by(AccessRow.seq).limit(size)).all()
