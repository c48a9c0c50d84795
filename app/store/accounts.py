"""Accounts as the command line lists them: with all their present offices."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select

from app.tables import Appointment, User, db
from workflows.clock import local_date


def has_any() -> bool:
    """Tell whether there is an account at all."""
    return db.session.scalar(select(User.id).limit(1)) is not None


def first_made() -> str | None:
    """Return when the first account was made, which is when the installation was set up."""
    return db.session.scalar(select(func.min(User.created_at)))


def all_users(county: str = "") -> Sequence[User]:
    """Return the accounts of a county (of all counties without one), by user name."""
    query = select(User).where(User.county == county) if county else select(User)
    return db.session.scalars(query.order_by(User.username)).all()


def offices_by_user(now: datetime) -> dict[int, list[tuple[str, str]]]:
    """Return the (role, area) of every office held today, by account."""
    today = local_date(now).isoformat()
    query: Any = select(Appointment.user_id, Appointment.role, Appointment.area).where(Appointment.begins <= today)
    query = query.where(or_(Appointment.ends.is_(None), Appointment.ends > today)).order_by(Appointment.id)
    found: dict[int, list[tuple[str, str]]] = {}
    for user_id, role, area in db.session.execute(query):
        found.setdefault(user_id, []).append((role, area))
    return found
