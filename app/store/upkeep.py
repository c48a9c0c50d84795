"""Upkeep: heartbeats of the scheduler's jobs, and rows that have had their day."""

from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from app.tables import Heartbeat, LoginFailure, LoginSession, db
from workflows.clock import utc_text

FAILURES_KEPT = timedelta(days=1)


def note_beat(name: str, detail: str, now: datetime) -> None:
    """Note that a job has run to its end, and what it did."""
    dialect = sqlite if db.engine.dialect.name == "sqlite" else postgresql
    values = {"at": utc_text(now), "detail": detail[:300]}
    query = dialect.insert(Heartbeat).values(name=name, **values)
    db.session.execute(query.on_conflict_do_update(index_elements=["name"], set_=values))


def beats() -> dict[str, tuple[str, str]]:
    """Return the last run of each job, by name: (when, what it did)."""
    rows = db.session.execute(select(Heartbeat.name, Heartbeat.at, Heartbeat.detail))
    return {name: (at, detail) for name, at, detail in rows}


def forget_sessions(now: datetime) -> int:
    """Remove log-ins that have expired; return how many."""
    gone = db.session.execute(delete(LoginSession).where(LoginSession.expires_at <= utc_text(now)))
    return cast("CursorResult[Any]", gone).rowcount


def forget_failures(now: datetime) -> int:
    """Remove failed log-ins older than a day: throttling looks back minutes; return how many."""
    old = utc_text(now - FAILURES_KEPT)
    gone = db.session.execute(delete(LoginFailure).where(LoginFailure.at < old))
    return cast("CursorResult[Any]", gone).rowcount
