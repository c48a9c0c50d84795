"""Vacations and substitutes: who is absent from which office, from which day to which, and who stands in.

The person says so, or the county's administrator, or whoever leads the area. The absent person's own log-in goes on
working: an absence takes nothing away.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.services.offices import named
from app.store import areas, ledger, people
from app.store import substitutes as store
from app.store.transaction import reading, writing
from app.tables import Substitution, User
from workflows.clock import local_date, utc_text
from workflows.errors import (
    BadValue,
    ChainedSubstitute,
    NotAllowed,
    NotFound,
    OverlappingAbsence,
    UnfitSubstitute,
)
from workflows.model import ROLE_LEVELS, Actor, Office, area_prefix, area_root
from workflows.substitutes import KINDS, SUPERIORS, can_stand_in, is_superior, kind_of

LONGEST = timedelta(days=366)
LONGEST_REASON = 300
SIZE = 25
STOOD_IN = tuple(role for kind in KINDS for role in kind)


@dataclass(frozen=True)
class Asked:
    """An absence as it is asked for; ``username`` empty is oneself, ``substitute`` empty a plain vacation.

    ``begins`` and ``ends`` (exclusive) are days; ``part`` is the code of a part of the office's area.
    """

    role: str
    area: str
    begins: str
    ends: str
    reason: str
    username: str = ""
    substitute: str = ""
    part: str = ""


@dataclass(frozen=True)
class Line:
    """An absence as lists show it; ``state`` is planned, running, over or ended. ``reason`` only for who may know."""

    id: int
    username: str
    name: str
    substitute: str
    substitute_name: str
    role: str
    area: str
    area_name: str
    part: str
    begins: str
    ends: str
    reason: str
    state: str
    can_end: bool


@dataclass(frozen=True)
class Page:
    """A page of absences, newest first; ``before`` asks for the next one (None at the end)."""

    lines: Sequence[Line]
    before: int | None
    now: datetime


def add(actor: Actor, asked: Asked) -> int:
    """Record an absence and return its number; one line of the access ledger tells of it, without the reason.

    Raises BadValue (username, office, part, substitute, begins, ends, reason), NotFound, NotAllowed, UnfitSubstitute,
    ChainedSubstitute or OverlappingAbsence.
    """
    with writing() as now:
        absent = named(asked.username) if asked.username else _oneself(actor)
        office = _office(absent, asked, now)
        _ensure_may_say(actor, absent, office)
        _ensure_days(asked, now)
        substitute = _substitute(actor, absent, office, asked, now)
        _ensure_free(absent, substitute, asked)
        row = _row(actor, absent, substitute, asked, now)
        number = store.add(row)
        _note(actor, row, now, kind="absence_added")
        return number


def end(actor: Actor, number: int) -> None:
    """End an absence, or one to come, as of now; by the same people, or by the substitute. Raises NotFound."""
    with writing() as now:
        row = store.by_id(number)
        if row is None or not _can_end(actor, row):
            raise NotFound(absence=number)
        if row.ended_at is None:
            store.end(row, actor.id, now)
            _note(actor, row, now, kind="absence_ended")


def mine(actor: Actor, *, before: int | None = None) -> Page:
    """Return a person's own absences and those in which the person stands in, newest first."""
    with reading() as now:
        rows = store.page(user_id=int(actor.id[1:]), before=before, limit=SIZE + 1)
        return _page(actor, rows, now)


def governed(actor: Actor, *, before: int | None = None) -> Page:
    """Return the absences of offices that a person administers or leads; NotAllowed for anybody else."""
    places = list(_places(actor))
    if not places:
        raise NotAllowed(page="substitutes")
    with reading() as now:
        return _page(actor, store.page(places=places, before=before, limit=SIZE + 1), now)


def own_offices(actor: Actor) -> tuple[Office, ...]:
    """Return the offices of a person that somebody else may stand in for."""
    return tuple(office for office in actor.own_offices if kind_of(office.role))


def candidates(office: Office, but: str = "") -> list[tuple[str, str]]:
    """Return (log-in name, name) of those who may stand in for an office, without one account."""
    county = area_prefix(office.area, "county")
    with reading() as now:
        rows = [row for role in kind_of(office.role) for row in people.holders_within(role, county, now)]
    return sorted({(row.username, row.name) for row in rows if f"u{row.id}" != but})


def governs(actor: Actor, office: Office) -> bool:
    """Tell whether a person administers the county of an office, or leads its area."""
    county = area_prefix(office.area, "county")
    return is_superior(actor, office) or any(o.role == "admin" and o.area.startswith(county) for o in actor.own_offices)


def _places(actor: Actor) -> Iterator[tuple[str, list[str]]]:
    for office in actor.own_offices:
        if office.role == "admin":
            yield area_prefix(office.area, "county"), list(STOOD_IN)
        led = [role for role in STOOD_IN if office.role in SUPERIORS.get(ROLE_LEVELS[role], ())]
        if led:
            yield area_prefix(office.area, office.level), led


# --- what must hold ---
def _oneself(actor: Actor) -> User:
    user = people.user_by_id(int(actor.id[1:])) if actor.id[1:].isdigit() else None
    if user is None:
        raise NotFound(user=actor.id)
    return user


def _office(absent: User, asked: Asked, now: datetime) -> Office:
    """Return the office as the absent person holds it, narrowed to the part asked for."""
    if not kind_of(asked.role) or not people.appointments(absent.id, asked.role, asked.area, now):
        raise BadValue(field="office", value=f"{asked.role}@{asked.area}"[:60])
    office = Office(asked.role, asked.area)
    if asked.part and (not office.covers(asked.part) or areas.find(asked.part) is None):
        raise BadValue(field="part", value=asked.part[:15])
    return office


def _ensure_may_say(actor: Actor, absent: User, office: Office) -> None:
    if f"u{absent.id}" != actor.id and not governs(actor, office):
        raise NotFound(user=absent.username)


def _ensure_days(asked: Asked, now: datetime) -> None:
    today = local_date(now)
    begins, ends = _day("begins", asked.begins), _day("ends", asked.ends)
    if begins < today:
        raise BadValue(field="begins", value=asked.begins[:10])
    if not begins < ends <= begins + LONGEST:
        raise BadValue(field="ends", value=asked.ends[:10])
    if not asked.reason.strip() or len(asked.reason) > LONGEST_REASON:
        raise BadValue(field="reason", value="")


def _day(field: str, text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise BadValue(field=field, value=text[:10]) from error
    if day.isoformat() != text:
        raise BadValue(field=field, value=text[:10])
    return day


def _substitute(actor: Actor, absent: User, office: Office, asked: Asked, now: datetime) -> User | None:
    """Return who stands in: active, somebody else, with an own office of the same level in the same county."""
    if not asked.substitute:
        return None
    user = people.user_by_name(asked.substitute)
    if user is None or not user.active or user.person == absent.person:
        raise BadValue(field="substitute", value=asked.substitute[:60])
    if not can_stand_in(people.offices_of(int(user.id), now), office):
        raise UnfitSubstitute(role=office.role)
    if user.person == actor.person:
        # Nobody gives himself an office that signs, not by way of somebody's vacation either.
        raise NotAllowed(reason="oneself")
    return user


def _ensure_free(absent: User, substitute: User | None, asked: Asked) -> None:
    """One office has one absence at a time, and nobody who is absent stands in for anybody.

    Whoever stands in and has to leave is released first (``end``), so that work never passes on unseen.
    """
    both = [int(absent.id), *([int(substitute.id)] if substitute else [])]
    store.lock(both)
    place = _narrowed(asked.area, asked.part)
    for row in store.between(both, asked.begins, asked.ends):
        is_same = (row.user_id, row.role, row.area) == (absent.id, asked.role, asked.area)
        other = _narrowed(row.area, row.part)
        if is_same and (place.startswith(other) or other.startswith(place)):
            raise OverlappingAbsence(begins=row.begins, until=_last(row.ends))
        if row.substitute_id == absent.id or (substitute and row.user_id == substitute.id):
            raise ChainedSubstitute(begins=row.begins, until=_last(row.ends))


def _narrowed(area: str, part: str) -> str:
    return area_root(part or area)


def _last(ends: str) -> str:
    return (date.fromisoformat(ends) - timedelta(days=1)).isoformat()


def _can_end(actor: Actor, row: Substitution) -> bool:
    concerned = {f"u{row.user_id}", f"u{row.substitute_id}"}
    return actor.id in concerned or governs(actor, store.office_of(row))


# --- rows and lines ---
def _row(actor: Actor, absent: User, substitute: User | None, asked: Asked, now: datetime) -> Substitution:
    return Substitution(
        county=asked.area[:6],
        user_id=absent.id,
        substitute_id=substitute.id if substitute else None,
        role=asked.role,
        area=asked.area,
        part=asked.part,
        begins=asked.begins,
        ends=asked.ends,
        reason=asked.reason.strip(),
        created_at=utc_text(now),
        created_by=actor.id,
    )


def _note(actor: Actor, row: Substitution, now: datetime, *, kind: str) -> None:
    detail = {
        "absence": str(row.id),
        "office": f"{row.role}@{row.part or row.area}",
        "substitute": f"u{row.substitute_id}" if row.substitute_id else "",
        "from": row.begins,
        "to": row.ends,
    }
    ledger.append(row.county, user=actor.id, kind=kind, subject=f"u{row.user_id}", now=now, detail=detail)


def _page(actor: Actor, rows: Sequence[tuple[Substitution, str, str, str, str, str]], now: datetime) -> Page:
    lines = [_line(actor, *row, now) for row in rows[:SIZE]]
    return Page(lines, lines[-1].id if len(rows) > SIZE else None, now)


def _line(
    actor: Actor, row: Substitution, username: str, name: str, substitute: str, stands: str, place: str, now: datetime
) -> Line:
    may_know = actor.id == f"u{row.user_id}" or governs(actor, store.office_of(row))
    state = _state(row, now)
    return Line(
        id=int(row.id),
        username=username,
        name=name,
        substitute=substitute or "",
        substitute_name=stands or "",
        role=row.role,
        area=row.area,
        area_name=place or row.area,
        part=row.part,
        begins=row.begins,
        ends=row.ends,
        reason=row.reason if may_know else "",
        state=state,
        can_end=state in ("planned", "running") and _can_end(actor, row),
    )


def _state(row: Substitution, now: datetime) -> str:
    today = local_date(now).isoformat()
    if row.ended_at:
        return "ended"
    return "planned" if row.begins > today else "running" if row.ends > today else "over"
