"""A person's list of reminders: a page, the counts, and what was read."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, func, select, update

from app.tables import Reminder, db
from workflows.clock import utc_text


def page_of(user_id: int, *, before: int | None = None, limit: int, unread: bool = False) -> Sequence[Reminder]:
    """Return a person's reminders, newest first, those older than ``before``."""
    query = select(Reminder).where(Reminder.user_id == user_id)
    query = query.where(Reminder.id < before) if before else query
    query = query.where(Reminder.read_at.is_(None)) if unread else query
    return db.session.scalars(query.order_by(Reminder.id.desc()).limit(limit)).all()


def count_of(user_id: int, *, unread: bool = False) -> int:
    """Count a person's reminders, or the unread ones."""
    query = select(func.count()).select_from(Reminder).where(Reminder.user_id == user_id)
    query = query.where(Reminder.read_at.is_(None)) if unread else query
    return int(db.session.scalar(query) or 0)


def mark_read(user_id: int, now: datetime, *, one: int | None = None, up_to: int | None = None) -> int:
    """Mark one reminder, or all up to the newest that the person saw; return how many were unread."""
    query = update(Reminder).where(Reminder.user_id == user_id, Reminder.read_at.is_(None))
    query = query.where(Reminder.id == one) if one is not None else query
    query = query.where(Reminder.id <= up_to) if up_to is not None else query
    changed = db.session.execute(query.values(read_at=utc_text(now)).execution_options(synchronize_session=False))
    return cast("CursorResult[Any]", changed).rowcount
