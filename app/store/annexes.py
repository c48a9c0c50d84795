"""What the annex of a trail holds: lines of the access ledger on some subjects, reminders of some cases."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import select

from app.store.bulk import among
from app.tables import AccessRow, Reminder, db
from app.tables.texts import subject_key


def lines_on(county: str, subjects: Collection[str], last: int) -> Sequence[Any]:
    """Return (seq, hash, text) of the lines on some subjects up to a number, in order, by their index."""
    keys = [f"{county} {subject}" for subject in subjects]
    query = select(AccessRow.seq, AccessRow.hash, AccessRow.text)
    query = query.where(among(subject_key(AccessRow.county, AccessRow.text), keys), AccessRow.seq <= last)
    return db.session.execute(query.order_by(AccessRow.seq)).all()


def reminders_of(county: str, cases: Collection[str], until: str, most: int) -> Sequence[Reminder]:
    """Return the newest reminders that some cases had sent up to a moment, in order."""
    query = select(Reminder).where(Reminder.county == county, among(Reminder.case, cases), Reminder.sent_at <= until)
    return db.session.scalars(query.order_by(Reminder.id.desc()).limit(most)).all()[::-1]
