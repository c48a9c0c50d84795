"""What became of reminders: when and by which channel each came, was read, answered and went up."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, or_, select, update

from app.tables import Household, Reminder, ReminderDelivery, User, db
from workflows.clock import utc_text

ACTED, REASON = "acted", "reason"
STATES = ("unread", "unanswered", "escalated", "answered")


@dataclass(frozen=True)
class Wanted:
    """Which receipts to list; empty: all. ``state`` is one of ``STATES``."""

    state: str = ""
    word: str = ""
    township: str = ""


def note_answer(county: str, case: str, user_id: int, how: str, now: datetime) -> int:
    """Note that a person answered what they were reminded of in a case; return how many reminders that is."""
    query = update(Reminder).where(Reminder.county == county, Reminder.case == case, Reminder.user_id == user_id)
    query = query.where(Reminder.answered_at.is_(None)).values(answered_at=utc_text(now), answer=how)
    return int(db.session.execute(query.execution_options(synchronize_session=False)).rowcount)  # type: ignore[attr-defined]


def note_answers(user_id: int, keys: Collection[str], now: datetime) -> None:
    """Note that a person did what reminders were of; each key begins those of one thing."""
    those = or_(*(Reminder.key.startswith(f"{key}:", autoescape=True) for key in sorted(keys)))
    query = update(Reminder).where(Reminder.user_id == user_id, Reminder.answered_at.is_(None), those)
    query = query.values(answered_at=utc_text(now), answer=ACTED)
    db.session.execute(query.execution_options(synchronize_session=False))


def note_escalated(county: str, case: str, period: str, above: Collection[int], now: datetime) -> None:
    """Note at the unanswered reminders of a period that it has gone up ; ``period`` begins their keys."""
    mine = Reminder.key.startswith(f"{period}:", autoescape=True)
    query = update(Reminder).where(Reminder.county == county, Reminder.case == case, mine)
    query = query.where(Reminder.escalated_at.is_(None), Reminder.answered_at.is_(None))
    query = query.where(Reminder.user_id.not_in(sorted(above))) if above else query
    db.session.execute(query.values(escalated_at=utc_text(now)).execution_options(synchronize_session=False))


def of_case(county: str, case: str, *, limit: int) -> Sequence[Any]:
    """Return a case's reminders with their owners' names, newest first."""
    query = select(Reminder, User.name).join(User, User.id == Reminder.user_id)
    query = query.where(Reminder.county == county, Reminder.case == case)
    return db.session.execute(query.order_by(Reminder.id.desc()).limit(limit)).all()


def listed(counties: Sequence[str], wanted: Wanted, *, before: int | None, limit: int) -> Sequence[Any]:
    """Return the reminders of some counties with owner and household, newest first, those older than ``before``."""
    numbers = (Household.county == Reminder.county) & Reminder.case.startswith(Household.number + "-")
    query: Any = select(Reminder, User.name, Household.township, Household.head_name)
    query = query.join(User, User.id == Reminder.user_id)
    query = query.outerjoin(Household, numbers).where(Reminder.county.in_(list(counties)))
    query = _narrowed(query, wanted)
    query = query.where(Reminder.id < before) if before else query
    return db.session.execute(query.order_by(Reminder.id.desc()).limit(limit)).all()


def _narrowed(query: Select[Any], wanted: Wanted) -> Select[Any]:
    states = {
        "unread": Reminder.read_at.is_(None),
        "unanswered": Reminder.answered_at.is_(None),
        "escalated": Reminder.escalated_at.is_not(None),
        "answered": Reminder.answered_at.is_not(None),
    }
    query = query.where(states[wanted.state]) if wanted.state in states else query
    query = query.where(Reminder.word == wanted.word) if wanted.word else query
    return query.where(Household.township == wanted.township) if wanted.township else query


def deliveries(reminders: Iterable[int]) -> Mapping[int, list[tuple[str, str]]]:
    """Return by reminder which channels brought it, and when."""
    found: dict[int, list[tuple[str, str]]] = {}
    query = select(ReminderDelivery).where(ReminderDelivery.reminder_id.in_(list(reminders)))
    for row in db.session.scalars(query.order_by(ReminderDelivery.at, ReminderDelivery.channel)):
        found.setdefault(int(row.reminder_id), []).append((row.channel, row.at))
    return found
