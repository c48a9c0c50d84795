"""Evidence files: what was handed in, and where it serves as evidence."""

from sqlalchemy import distinct, func, select

from app.store.transaction import engine_insert
from app.tables import CaseRow, EvidenceFile, EvidenceUse, db


def add_file(**values: object) -> None:
    """Note a file by the digest of its original; the same file twice is one file, of who handed it in last.

    The place follows from the file: one that was kept before places were read gets its own when it comes again.
    """
    latest = {name: values[name] for name in ("uploaded_by", "uploaded_at", "latitude", "longitude", "taken_at")}
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


def uses_elsewhere(county: str, case: str) -> dict[str, tuple[int, int]]:
    """Return, of a case's files that serve more than once, how many households and kinds of evidence in all."""
    own = select(EvidenceUse.sha256).where(EvidenceUse.county == county, EvidenceUse.case == case)
    households, kinds = (func.count(distinct(column)) for column in (CaseRow.subject, EvidenceUse.kind))
    joined = (EvidenceUse.county == CaseRow.county) & (EvidenceUse.case == CaseRow.number)
    rows = db.session.execute(
        select(EvidenceUse.sha256, households, kinds)
        .join(CaseRow, joined)
        .where(EvidenceUse.county == county, EvidenceUse.sha256.in_(own))
        .group_by(EvidenceUse.sha256)
        .having((households > 1) | (kinds > 1))
    )
    return {sha256: (int(subjects), int(named)) for sha256, subjects, named in rows}
