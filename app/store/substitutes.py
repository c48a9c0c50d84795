"""Who is absent, and who stands in."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, exists, func, or_, select
from sqlalchemy.orm import aliased

from app.tables import Appointment, Area, Substitution, User, db
from workflows.clock import local_date, utc_text
from workflows.model import Office, area_root
from workflows.substitutes import KINDS

Query = Any
Rows = Sequence[Any]


@cache
def in_force() -> Query:
    """Select what holds on the day given as ``today``, joined with the absent person.

    The office is still held, by accounts that are still active.

    The substitute must still hold an own office that may stand in for it (``workflows/substitutes.py``).
    """
    today: Any = bindparam("today")
    held = and_(
        Appointment.user_id == Substitution.user_id,
        Appointment.role == Substitution.role,
        Appointment.area == Substitution.area,
        _lasts(Appointment, today),
    )
    query = select(Substitution).join(User, User.id == Substitution.user_id)
    query = query.where(Substitution.ended_at.is_(None), Substitution.begins <= today, Substitution.ends > today)
    return query.where(User.active.is_(True), exists().where(held), _is_fit(today))


def _lasts(model: Any, today: Any) -> ColumnElement[bool]:
    return and_(model.begins <= today, or_(model.ends.is_(None), model.ends > today))


def _is_fit(today: Any) -> ColumnElement[bool]:
    own, account = aliased(Appointment), aliased(User)
    kinds = or_(*(and_(Substitution.role.in_(kind), own.role.in_(kind)) for kind in KINDS))
    same_county = func.substr(own.area, 1, 6) == func.substr(Substitution.area, 1, 6)
    held = and_(own.user_id == Substitution.substitute_id, _lasts(own, today), kinds, same_county)
    active = and_(account.id == Substitution.substitute_id, account.active.is_(True))
    return and_(exists().where(held), exists().where(active))


def standing_in(users: Collection[int], roles: Iterable[str], now: datetime) -> Sequence[Substitution]:
    """Return the absences of today of some accounts in some roles for which somebody stands in."""
    if not users:
        return ()
    query = in_force().where(Substitution.user_id.in_(sorted(users)), Substitution.role.in_(sorted(roles)))
    query = query.where(Substitution.substitute_id.is_not(None))
    return db.session.scalars(query, {"today": local_date(now).isoformat()}).all()


def office_of(row: Substitution) -> Office:
    """Return the office that somebody is absent from, narrowed to the part that the row is for."""
    return Office(row.role, row.area, within=area_root(row.part) if row.part else "")


def add(row: Substitution) -> int:
    """Record an absence and return its number."""
    db.session.add(row)
    db.session.flush()
    return int(row.id)


def by_id(number: int) -> Substitution | None:
    """Return an absence by its number."""
    return db.session.get(Substitution, number)


def lock(users: Iterable[int]) -> None:
    """Lock accounts, so that what is asked of their absences stays true until the transaction ends."""
    query = select(User.id).where(User.id.in_(sorted(set(users)))).order_by(User.id).with_for_update()
    db.session.execute(query).all()


def between(users: Iterable[int], begins: str, ends: str) -> Sequence[Substitution]:
    """Return the absences that touch some days in which one of some accounts is absent or stands in."""
    wanted = sorted(set(users))
    query = select(Substitution).where(Substitution.ended_at.is_(None))
    query = query.where(Substitution.begins < ends, Substitution.ends > begins)
    query = query.where(or_(Substitution.user_id.in_(wanted), Substitution.substitute_id.in_(wanted)))
    return db.session.scalars(query.order_by(Substitution.id)).all()


def end(row: Substitution, by: str, now: datetime) -> None:
    """End an absence as of now."""
    row.ended_at, row.ended_by = utc_text(now), by


def page(*, user_id: int = 0, places: Iterable[tuple[str, Iterable[str]]] = (), before: int | None, limit: int) -> Rows:
    """Return absences with the names of both people and of the area, newest first.

    Those of one account (as absent or substitute), or those of offices in places: leading digits and roles.
    """
    absent, substitute = aliased(User), aliased(User)
    query = select(Substitution, absent.username, absent.name, substitute.username, substitute.name, Area.name)
    query = query.join(absent, absent.id == Substitution.user_id)
    query = query.outerjoin(substitute, substitute.id == Substitution.substitute_id)
    query = query.outerjoin(Area, Area.code == Substitution.area)
    mine = or_(Substitution.user_id == user_id, Substitution.substitute_id == user_id)
    query = query.where(mine if user_id else or_(*(_of_place(*place) for place in places)))
    query = query.where(Substitution.id < before) if before is not None else query
    return db.session.execute(query.order_by(Substitution.id.desc()).limit(limit)).all()


def _of_place(prefix: str, roles: Iterable[str]) -> ColumnElement[bool]:
    inside = Substitution.area.startswith(prefix, autoescape=True)
    return and_(Substitution.county == prefix[:6], inside, Substitution.role.in_(sorted(roles)))
