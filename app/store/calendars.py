"""Documents about working days: their rows, and the present ones for the rules of this process."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from app.runtime import runtime
from app.tables import CalendarRow, KeptText, db
from workflows.calendar_file import Document, kept_document
from workflows.clock import utc_text
from workflows.journal import canonical, digest

# Which state of the calendar holds: read with the time and with every household, so that all count by days in force.
STAMP = select(func.coalesce(func.max(CalendarRow.changed), 0)).scalar_subquery()
PROPOSED, IN_FORCE, WITHDRAWN = "proposed", "in_force", "withdrawn"


def follow(stamp: int, connection: Connection) -> None:
    """Take over what came into force, or out of it, since this process last looked; inside the reader's transaction.

    Never back to an earlier state: an older snapshot in another thread must not undo what a command counts by.
    """
    rules = runtime().rules
    if stamp > rules.calendar_stamp:
        rules.use_documents(documents_in_force(connection), stamp=stamp)


def documents_in_force(connection: Connection) -> list[Document]:
    """Return the documents in force in the order in which they came into force."""
    query = select(CalendarRow.text).where(CalendarRow.state == IN_FORCE).order_by(CalendarRow.changed)
    return [kept_document(text) for text in connection.scalars(query)]


def document_of(row: CalendarRow) -> Document:
    """Return the document that a row holds."""
    return kept_document(row.text)


def add(document: Document, *, user: str, now: datetime) -> CalendarRow:
    """Add a document that somebody proposes."""
    text = canonical(document.as_table())
    row = CalendarRow(
        area=document.area, kind=document.kind, year=document.year, title=document.title, number=document.number,
        dated=document.date, text=text, digest=digest(text), user=user, created_at=utc_text(now),
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    return row


def row_of(number: int) -> CalendarRow | None:
    """Return a document by its number."""
    return db.session.get(CalendarRow, number)


def open_row_with(digest: str) -> CalendarRow | None:
    """Return the document of a digest that is proposed or in force."""
    query = select(CalendarRow).where(CalendarRow.digest == digest, CalendarRow.state != WITHDRAWN)
    return db.session.scalars(query.order_by(CalendarRow.id.desc()).limit(1)).first()


def rows(*, limit: int = 200) -> Sequence[CalendarRow]:
    """Return the documents, the latest first."""
    return db.session.scalars(select(CalendarRow).order_by(CalendarRow.id.desc()).limit(limit)).all()


def lock() -> int:
    """Wait for whoever changes the calendar, and return its present stamp."""
    db.session.execute(select(CalendarRow.id).order_by(CalendarRow.id).with_for_update()).all()
    return int(db.session.scalar(select(STAMP)) or 0)


def note(number: int, **values: Any) -> None:
    """Change a document's row: its state and who decided it, never its text."""
    db.session.execute(update(CalendarRow).where(CalendarRow.id == number).values(**values))


def texts() -> Iterable[tuple[str, str, str]]:
    """Every kept document and calendar as (what it is, digest, text), for the check."""
    for row in db.session.execute(select(CalendarRow.id, CalendarRow.digest, CalendarRow.text)):
        yield f"calendar {row.id}", row.digest, row.text
    for kept in db.session.scalars(select(KeptText).where(KeptText.kind == "calendar")):
        yield f"text {kept.digest[:12]}", kept.digest, kept.text
