"""Evidence files: what was handed in, and where it serves as evidence."""

from sqlalchemy import select

from app.store.transaction import engine_insert
from app.tables import CaseRow, EvidenceFile, EvidenceUse, db


def add_file(**values: object) -> None:
    """Note a file by the digest of its original; the same file twice is one file, of who handed it in last."""
    latest = {name: values[name] for name in ("uploaded_by", "uploaded_at")}
    statement = engine_insert(EvidenceFile).values(**values)
    db.session.execute(statement.on_conflict_do_update(index_elements=["county", "sha256"], set_=latest))


def file_row(county: str, sha256: str) -> EvidenceFile | None:
    """Return a file by the digest of its original."""
    return db.session.get(EvidenceFile, (county, sha256))


def households_using(county: str, sha256: str) -> list[str]:
    """Return the numbers of the households in whose cases a file serves as evidence."""
    subjects = db.session.scalars(
        select(CaseRow.subject)
        .join(
            EvidenceUse,
            (EvidenceUse.county == CaseRow.county) & (EvidenceUse.case == CaseRow.number),
        )
        .where(EvidenceUse.county == county, EvidenceUse.sha256 == sha256)
        .distinct()
    )
    return [subject.partition(":")[2] for subject in subjects]
