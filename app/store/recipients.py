"""Who is over a household or holds an account: asked once for a whole batch of messages."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import and_, func, or_, select

from app.tables import Appointment, Household, User, db
from workflows.clock import local_date
from workflows.model import LEVEL_DIGITS, ROLE_LEVELS, area_prefix

Holders = Mapping[tuple[str, str], set[int]]


def areas_of(county: str, households: Iterable[str]) -> dict[str, str]:
    """Return the area codes of those of some households that there are."""
    query = select(Household.number, Household.area).where(Household.county == county)
    return {number: area for number, area in db.session.execute(query.where(Household.number.in_(sorted(households))))}  # noqa: C416


def active(accounts: Iterable[str]) -> set[str]:
    """Return those of some accounts such as "u7" that are active."""
    numbers = sorted({int(account[1:]) for account in accounts})
    if not numbers:
        return set()
    return {f"u{one}" for one in db.session.scalars(select(User.id).where(User.id.in_(numbers), User.active.is_(True)))}


def digits_of(role: str) -> tuple[int, ...]:
    """Return how many leading digits of a place name the areas whose office it is; a grid's may be a whole village."""
    own = LEVEL_DIGITS[ROLE_LEVELS[role]]
    return (LEVEL_DIGITS["village"], own) if role == "grid_member" else (own,)


def holders(wanted: Iterable[tuple[str, str]], now: datetime) -> Holders:
    """Return, for roles each over a place (12 or 15 digits), the active accounts that hold them today.

    They stand under role and leading digits of their office's area: all that ``over`` needs, by one query.
    """
    codes: dict[str, set[str]] = {}
    for role, place in wanted:
        codes.setdefault(role, set()).add(place[: digits_of(role)[0]])
    if not codes:
        return {}
    today = local_date(now).isoformat()
    there = [
        and_(Appointment.role == role, func.substr(Appointment.area, 1, digits_of(role)[0]).in_(sorted(prefixes)))
        for role, prefixes in sorted(codes.items())
    ]
    rows = db.session.execute(
        select(User.id, Appointment.role, Appointment.area)
        .join(Appointment, Appointment.user_id == User.id)
        .where(User.active.is_(True), or_(*there))
        .where(Appointment.begins <= today, or_(Appointment.ends.is_(None), Appointment.ends > today))
    )
    found: dict[tuple[str, str], set[int]] = {}
    for user, role, area in rows:
        found.setdefault((role, area_prefix(area, ROLE_LEVELS[role])), set()).add(user)
    return found


def over(found: Holders, role: str, place: str) -> set[int]:
    """Return who of them holds a role over a place."""
    return set().union(*(found.get((role, place[:digits]), set()) for digits in digits_of(role)))
