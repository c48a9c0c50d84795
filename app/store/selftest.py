"""The row of the weekly self-test: a period of no case, by which a message goes the whole way from clock to list."""

from datetime import datetime

from sqlalchemy import delete, func, insert, select, update

from app.store.deadlines import Key
from app.tables import DeadlineRow, Reminder, db
from workflows.clock import utc_text

SELF_TEST = "self_test"
PREFIX = "SELFTEST-"


def key_of(county: str, week: str) -> Key:
    """Return the key of a week's test."""
    return Key(county, f"{PREFIX}{week}", SELF_TEST, 1)


def start(key: Key, now: datetime, due: datetime) -> None:
    """Set a week's test running in the place of the one before."""
    db.session.execute(delete(DeadlineRow).where(DeadlineRow.county == key.county, DeadlineRow.kind == SELF_TEST))
    times = {"start_at": utc_text(now), "due_at": utc_text(due), "next_at": utc_text(due)}
    place = {"village": "", "township": ""}
    frozen = {"mode": "test", "bound": "max", "clause": "", "provisional": False, "warn": [], "stage": 0}
    db.session.execute(insert(DeadlineRow).values(**vars(key), **times, **place, **frozen))


def due_of(key: Key) -> str | None:
    """Return when a week's test fell due, or None where it was not set running."""
    query = select(DeadlineRow.due_at).where(DeadlineRow.county == key.county, DeadlineRow.case == key.case)
    return db.session.scalar(query.where(DeadlineRow.kind == SELF_TEST))


def take(key: Key, now: datetime) -> str | None:
    """End a test that is due and return when it was; None when somebody else has it, or had it."""
    row = (DeadlineRow.county == key.county, DeadlineRow.case == key.case, DeadlineRow.kind == SELF_TEST)
    due = db.session.scalar(
        select(DeadlineRow.due_at)
        .where(*row, DeadlineRow.ended_how.is_(None), DeadlineRow.next_at <= utc_text(now))
        .with_for_update(skip_locked=True)
    )
    if due is not None:
        ended = {"ended_how": "fired", "ended_at": utc_text(now), "next_at": None, "noticed_at": utc_text(now)}
        db.session.execute(update(DeadlineRow).where(*row).values(**ended))
    return due


def arrived(county: str, week: str) -> str | None:
    """Return when the first of the administrators had the message of a week's test in the list, or None."""
    key = f"{county}:{key_of(county, week)}:0"
    return db.session.scalar(select(func.min(Reminder.sent_at)).where(Reminder.key == key))
