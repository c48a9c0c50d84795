"""Accounts and offices as they are recorded: the rules, inside the caller's writing transaction."""

import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.idnumber import IdNumberError, parse
from app.runtime import runtime
from app.store import ledger, people
from app.tables import Appointment, User, db
from workflows.clock import local_date, utc_text
from workflows.errors import BadValue, NotAllowed, NotFound
from workflows.model import ROLE_LEVELS

# Offices that sign nothing for a household; all others need the ID number, on which separation of duties rests.
LOOKING_ON = frozenset({"admin", "auditor", "upper_level"})
# Begins the person key of an account without ID number; keyed hashes are hexadecimal and never look so.
UNKNOWN = "unknown-"


@dataclass(frozen=True)
class Term:
    """An office for a time: first day ("" from today on) and the day on which it no longer holds ("" for none)."""

    role: str
    area: str
    begins: str = ""
    ends: str = ""


@dataclass(frozen=True)
class NewUser:
    """An account to record with its offices; without an ID number for those who only look on."""

    username: str
    name: str
    hashed: str = field(repr=False)
    county: str
    terms: tuple[Term, ...]
    id_number: str | None = field(repr=False)


def put_users(news: Sequence[NewUser], *, by: str | None, now: datetime) -> list[int]:
    """Record accounts with their offices and return their numbers; raises as ``people.add_user`` does.

    However many they are, there are few statements: a sheet's accounts hold SQLite's write lock for a moment only.
    """
    giver = _giver(by)
    users = [_user(new, giver, now) for new in news]
    _ensure_free([user.username for user in users])
    db.session.add_all(users)
    db.session.flush()
    pairs = list(zip(users, news, strict=True))
    db.session.add_all(_appointment(user, term, now) for user, new in pairs for term in new.terms)
    if by:
        _note_added(pairs, by, now)
    return [int(user.id) for user in users]


def _user(new: NewUser, giver: User | None, now: datetime) -> User:
    roles = [term.role for term in new.terms]
    for role in roles:
        _ensure_role(role)
    person = _person_key(new.id_number, roles, now)
    _ensure_not_oneself(giver, person, roles)
    return User(
        username=people.canonical(new.username),
        name=new.name,
        person=person,
        county=new.county,
        password_hash=new.hashed,
        created_at=utc_text(now),
    )


def _ensure_free(names: Sequence[str]) -> None:
    """Every log-in name is one, given once, and nobody's yet."""
    taken = {"", *people.taken(names), *(name for name, count in Counter(names).items() if count > 1)}
    for name in names:
        if name in taken:
            raise BadValue(field="username", value=name)


def _note_added(pairs: Iterable[tuple[User, NewUser]], by: str, now: datetime) -> None:
    lines: dict[str, list[ledger.Line]] = {}
    for user, new in pairs:
        for place in sorted({term.area[:6] for term in new.terms}):
            offices = " ".join(f"{t.role}@{t.area}" for t in new.terms if t.area.startswith(place))
            told = ledger.Line(kind="user_added", subject=f"u{user.id}", detail={"offices": offices})
            lines.setdefault(place, []).append(told)
    for place, all_told in sorted(lines.items()):
        ledger.append_all(place, user=by, now=now, lines=all_told)


def put_office(username: str, term: Term, *, by: str, now: datetime, id_number: str | None = None) -> None:
    """Give an account an office, and write it to the access ledger; raises as ``appoint`` does."""
    _ensure_role(term.role)
    user = named(username)
    if not user.active:
        raise NotAllowed(reason="disabled")
    if people.appointments(user.id, term.role, term.area, now):
        raise BadValue(field="role", value=term.role)
    _ensure_not_oneself(_giver(by), user.person, [term.role])
    tie(user, term.role, id_number, now)
    _ensure_not_oneself(_giver(by), user.person, [term.role])
    db.session.add(_appointment(user, term, now))
    _note_office(user, term.role, term.area, kind="office_given", by=by, now=now)


def close_office(username: str, role: str, area: str, *, by: str, now: datetime) -> None:
    """End an office as of now; raises as ``end_office`` does."""
    user = named(username)
    held = people.appointments(user.id, role, area, now)
    if not held:
        raise NotFound(user=username)
    if role == "admin" and by == f"u{user.id}":
        raise NotAllowed(reason="oneself")
    for one in held:
        one.ends = local_date(now).isoformat()
    _note_office(user, role, area, kind="office_ended", by=by, now=now)


def _appointment(user: User, term: Term, now: datetime) -> Appointment:
    """An office never begins in the past: what was signed before was signed without it."""
    begins = max(term.begins, local_date(now).isoformat())
    return Appointment(user_id=user.id, role=term.role, area=term.area, begins=begins, ends=term.ends or None)


def _ensure_role(role: str) -> None:
    if role not in ROLE_LEVELS or role == "system":
        raise BadValue(field="role", value=role)


def _person_key(id_number: str | None, roles: Iterable[str], now: datetime) -> str:
    """Return the key of the human being; one who only looks on may stay unknown, whoever signs may not."""
    if not id_number and LOOKING_ON.issuperset(roles):
        return f"{UNKNOWN}{secrets.token_hex(15)}"
    return runtime().keys.person_key(ensure_id_number(id_number or "", now))


def ensure_id_number(text: str, now: datetime) -> str:
    """Return the number by which a person is known; raise BadValue, without the text, unless it is a right one."""
    try:
        return parse(text, today=local_date(now), allow_synthetic=True).core
    except IdNumberError as error:
        raise BadValue(field="id_number", value="") from error


def _giver(by: str | None) -> User | None:
    return people.user_by_id(int(by[1:])) if by and by[1:].isdigit() else None


def _ensure_not_oneself(giver: User | None, person: str, roles: Iterable[str]) -> None:
    """Nobody gives himself an office that signs, not even by another account of his."""
    if giver and giver.person == person and not LOOKING_ON.issuperset(roles):
        raise NotAllowed(reason="oneself")


def tie(user: User, role: str, id_number: str | None, now: datetime) -> None:
    """Make sure that an account stands for a known human being before it signs anything; BadValue for another one."""
    is_unknown = user.person.startswith(UNKNOWN)
    if not id_number and (role in LOOKING_ON or not is_unknown):
        return
    person = _person_key(id_number, [role], now)
    if not is_unknown and person != user.person:
        raise BadValue(field="id_number", value="")
    user.person = person


def _note_office(user: User, role: str, area: str, *, kind: str, by: str, now: datetime) -> None:
    detail = {"role": role, "area": area}
    ledger.append(area[:6], user=by, kind=kind, subject=f"u{user.id}", now=now, detail=detail)


def named(username: str) -> User:
    """Return an account inside the caller's transaction; raise NotFound."""
    user = people.user_by_name(username)
    if user is None:
        raise NotFound(user=username)
    return user
