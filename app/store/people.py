"""Accounts, appointments, log-ins."""

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple, Protocol

from sqlalchemy import String, bindparam, delete, func, or_, select, update
from sqlalchemy.orm import aliased

from app.places import grid_name
from app.store import substitutes
from app.store.statements import run_text
from app.tables import Appointment, Area, LoginFailure, LoginSession, Substitution, User, db
from workflows.clock import local_date, utc_text
from workflows.model import Actor, Behalf, Office, area_root

Query = Any


def canonical(username: str) -> str:
    """Return the one way in which a log-in name is stored and compared: no outer blanks, narrow, lower case."""
    return unicodedata.normalize("NFKC", username).strip().casefold()


def user_by_name(username: str) -> User | None:
    """Return an account by its log-in name, however its letters were typed."""
    return db.session.scalar(select(User).where(User.username == canonical(username)))


def taken(names: Iterable[str]) -> set[str]:
    """Return those of some log-in names, as they are stored, that accounts have."""
    return set(db.session.scalars(select(User.username).where(User.username.in_(sorted(set(names))))))


def user_by_id(user_id: int) -> User | None:
    """Return an account by number."""
    return db.session.get(User, user_id)


def offices_of(user_id: int, now: datetime) -> tuple[Office, ...]:
    """Return the offices that an account holds today, with the names of their areas."""
    rows = run_text(_offices(), {"account": user_id, "today": local_date(now).isoformat()})
    return tuple(Office(role, area, _office_name(name, level, parent)) for role, area, name, level, parent in rows)


@cache
def _offices() -> Query:
    """Built once: every page asks it."""
    above, today = aliased(Area), bindparam("today", type_=String)
    return (
        select(Appointment.role, Appointment.area, Area.name, Area.level, above.name)
        .outerjoin(Area, Area.code == Appointment.area)
        .outerjoin(above, above.code == Area.parent)
        .where(Appointment.user_id == bindparam("account"), Appointment.begins <= today)
        .where((Appointment.ends.is_(None)) | (Appointment.ends > today))
        .order_by(Appointment.id)
    )


def _office_name(name: str | None, level: str | None, parent: str | None) -> str:
    """A village or grid is named with what it belongs to, as many villages share a name."""
    if level == "grid":
        return grid_name(parent or "", name or "")
    return f"{parent or ''}{name or ''}" if level == "village" else name or ""


def appointments(user_id: int, role: str, area: str, now: datetime) -> Sequence[Appointment]:
    """Return the rows by which an account holds one office today."""
    today = local_date(now).isoformat()
    query = select(Appointment).where(Appointment.user_id == user_id, Appointment.begins <= today)
    query = query.where(Appointment.role == role, Appointment.area == area)
    return db.session.scalars(query.where((Appointment.ends.is_(None)) | (Appointment.ends > today))).all()


class Account(Protocol):
    """What of an account makes the person who acts."""

    @property
    def id(self) -> int:
        """Its number."""

    @property
    def name(self) -> str:
        """The person's name."""

    @property
    def person(self) -> str:
        """The key of the human being."""


def actor_of(user: Account, now: datetime) -> Actor:
    """Return the person behind an account with the offices held today, one's own and those of absent people."""
    offices = (*offices_of(user.id, now), *standing_in(user, now))
    return Actor(id=f"u{user.id}", name=user.name, person=user.person, offices=offices)


def standing_in(user: Account, now: datetime) -> tuple[Office, ...]:
    """Return the offices of absent people that an account holds as their substitute today."""
    asked = {"today": local_date(now).isoformat(), "account": user.id, "person": user.person}
    return tuple(
        Office(
            role,
            area,
            _office_name(place, level, parent),
            within=area_root(part) if part else "",
            behalf=Behalf(f"u{absent}", name, person),
        )
        for role, area, part, absent, name, person, place, level, parent in run_text(_standing_in(), asked)
    )


@cache
def _standing_in() -> Query:
    """Built once: every page asks it."""
    above, of = aliased(Area), Substitution
    query = substitutes.in_force().outerjoin(Area, Area.code == of.area).outerjoin(above, above.code == Area.parent)
    mine = (of.substitute_id == bindparam("account"), User.person != bindparam("person"))
    who = (of.role, of.area, of.part, of.user_id, User.name, User.person, Area.name, Area.level, above.name)
    return query.with_only_columns(*who).where(*mine).order_by(of.id)


def administrators(now: datetime) -> dict[str, set[int]]:
    """Return the active accounts that administer a county today, by county."""
    today = local_date(now).isoformat()
    rows = db.session.execute(
        select(Appointment.area, User.id)
        .join(User, User.id == Appointment.user_id)
        .where(User.active.is_(True), Appointment.role == "admin", Appointment.begins <= today)
        .where(or_(Appointment.ends.is_(None), Appointment.ends > today))
    )
    found: dict[str, set[int]] = {}
    for area, user in rows:
        found.setdefault(area[:6], set()).add(user)
    return found


def holders(role: str, areas: Iterable[str], now: datetime) -> list[tuple[int, str]]:
    """Return (account, area) of active holders of a role in one of some areas today."""
    today = local_date(now).isoformat()
    rows = db.session.execute(
        select(User.id, Appointment.area)
        .join(Appointment, Appointment.user_id == User.id)
        .where(User.active.is_(True), Appointment.role == role, Appointment.area.in_(list(areas)))
        .where(Appointment.begins <= today, (Appointment.ends.is_(None)) | (Appointment.ends > today))
        .order_by(User.id)
    )
    return [(user_id, area) for user_id, area in rows]


def holders_within(role: str, county: str, now: datetime) -> Sequence[Any]:
    """Return (id, username, name, person, area) of the active holders of a role anywhere in a county today."""
    today = local_date(now).isoformat()
    query = select(User.id, User.username, User.name, User.person, Appointment.area)
    query = query.join(Appointment, Appointment.user_id == User.id).where(User.active.is_(True))
    query = query.where(Appointment.role == role, Appointment.area.startswith(county, autoescape=True))
    query = query.where(Appointment.begins <= today, (Appointment.ends.is_(None)) | (Appointment.ends > today))
    return db.session.execute(query.order_by(User.id)).all()


def add_session(session: LoginSession) -> None:
    """Record a log-in."""
    db.session.add(session)


class Session(NamedTuple):
    """A log-in with its account, whose number is ``id``; times are UTC texts."""

    expires_at: str
    seen_at: str
    source: str
    id: int
    username: str
    name: str
    person: str
    county: str
    lang: str
    active: bool


def session_by_hash(token_hash: str) -> Session | None:
    """Return a log-in by the hash of its token, with its account."""
    rows = run_text(_session(), {"hash": token_hash})
    return Session(*rows[0]) if rows else None


@cache
def _session() -> Query:
    """Built once: every page asks it."""
    of, account = LoginSession, (User.id, User.username, User.name, User.person, User.county, User.lang, User.active)
    query = select(of.expires_at, of.seen_at, of.source, *account).join(User, User.id == of.user_id)
    return query.where(of.token_hash == bindparam("hash"))


def end_sessions(*, token_hash: str | None = None, user_id: int | None = None) -> None:
    """End one log-in, or all of an account."""
    query = delete(LoginSession)
    query = query.where(LoginSession.token_hash == token_hash) if token_hash else query
    query = query.where(LoginSession.user_id == user_id) if user_id else query
    if token_hash or user_id:
        db.session.execute(query)


def touch_session(token_hash: str, now: datetime) -> None:
    """Note that a log-in was used."""
    db.session.execute(update(LoginSession).where(LoginSession.token_hash == token_hash).values(seen_at=utc_text(now)))


def add_failure(username: str, source: str, now: datetime) -> None:
    """Count a failed log-in for account and source."""
    db.session.add(LoginFailure(username=canonical(username)[:64], source=source[:64], at=utc_text(now)))


def failures_since(since: datetime, *, username: str | None = None, source: str | None = None) -> int:
    """Count failed log-ins since a moment: of an account, of a source, or of an account from a source."""
    query = select(func.count()).select_from(LoginFailure).where(LoginFailure.at > utc_text(since))
    if username is not None:
        query = query.where(LoginFailure.username == canonical(username)[:64])
    if source is not None:
        query = query.where(LoginFailure.source == source[:64])
    return int(db.session.scalar(query) or 0)


def clear_failures(username: str, source: str) -> None:
    """Forget an account's failures from the source where its person has proved who they are; others stay."""
    pair = (LoginFailure.username == canonical(username)[:64], LoginFailure.source == source[:64])
    db.session.execute(delete(LoginFailure).where(*pair))
