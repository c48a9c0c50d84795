"""Accounts of a county as its administrator keeps them; everything stays inside the administrator's county."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.services import people
from app.services.lists import SIZE, Found
from app.store import handover
from app.store import lists as store
from app.store import people as people_store
from app.store.transaction import reading
from workflows.errors import BadValue, NotAllowed, NotFound
from workflows.model import LEVEL_DIGITS, ROLE_LEVELS, Actor, area_root

FULL = 12  # digits of an area code; a grid adds three
GIVEN = tuple(role for role in ROLE_LEVELS if role not in ("system", "upper_level"))


@dataclass(frozen=True)
class Account:
    """One account with its offices today as (role, area code, name of the area)."""

    username: str
    name: str
    active: bool
    offices: Sequence[tuple[str, str, str]]
    helps: int = 0


def county_of_admin(actor: Actor) -> str:
    """Return the county that a person administers; raise NotAllowed for anybody else."""
    counties = [o.area[:6] for o in actor.offices if o.role == "admin"]
    if not counties:
        raise NotAllowed(page="accounts")
    return counties[0]


def accounts(actor: Actor, *, after: str = "") -> Found[Account]:
    """Return the accounts of the administrator's county by log-in name; three queries, however many rows."""
    county = county_of_admin(actor)
    with reading() as now:
        found = store.accounts([county], store.Page((after,) if after else (), SIZE))
        rows = [(r.User.id, r.User.username, r.User.name, r.User.active) for r in found[:SIZE]]
        offices: dict[int, list[tuple[str, str, str]]] = {}
        for user, role, area, name in store.offices_by_user([r[0] for r in rows], now):
            offices.setdefault(user, []).append((role, area, name or area))
        helps = handover.counts([r[0] for r in rows])
    lines = [
        Account(username, name, active, offices.get(user, ()), helps.get(user, 0))
        for user, username, name, active in rows
    ]
    return Found(lines, lines[-1].username if len(found) > SIZE else "", now)


def add(
    actor: Actor, *, username: str, name: str, password: str, role: str, area: str, id_number: str | None = None
) -> None:
    """Add an account with one office inside the county; raise BadValue naming the first wrong field."""
    county = county_of_admin(actor)
    for field, value in (("username", username), ("name", name)):
        if not value or len(value) > 64 or not value.isprintable():
            raise BadValue(field=field, value=value[:60])
    _ensure_given(role)
    ensure_area(county, role, area)
    people.add_user(
        username=username,
        name=name,
        password=password,
        county=county,
        offices=[(role, area)],
        id_number=id_number,
        by=actor.id,
    )


def _ensure_given(role: str) -> None:
    if role not in GIVEN:
        raise BadValue(field="role", value=role)


def ensure_governs(actor: Actor, area: str) -> None:
    """Raise NotAllowed unless the person administers a county in the area, or the county that holds it."""
    root = area_root(area)[:6]
    if not any(o.role == "admin" and o.area.startswith(root) for o in actor.offices):
        raise NotAllowed(page="accounts")


def ensure_own(actor: Actor, username: str) -> str:
    """Return the id of an account of a county that the person administers; NotFound for accounts elsewhere."""
    county_of_admin(actor)
    with reading():
        user = people_store.user_by_name(username)
        county, number = (user.county, f"u{user.id}") if user else ("", "")
    try:
        ensure_governs(actor, county.ljust(FULL, "0"))
    except NotAllowed as refused:
        raise NotFound(user=username) from refused
    if not number:
        raise NotFound(user=username)
    return number


def appoint(actor: Actor, username: str, *, role: str, area: str, id_number: str | None = None) -> None:
    """Give an account of the county an office inside the county, from today on; raises as ``people.appoint`` does."""
    ensure_own(actor, username)
    _ensure_given(role)
    ensure_area(county_of_admin(actor), role, area)
    people.appoint(username, role, area, by=actor.id, id_number=id_number)


def end_office(actor: Actor, username: str, *, role: str, area: str) -> None:
    """End an office inside the county as of now, whichever county the account came from; NotFound elsewhere."""
    county_of_admin(actor)
    ensure_governs(actor, area)
    people.end_office(username, role, area, by=actor.id)


def ensure_area(county: str, role: str, area: str) -> None:
    """An office lies inside the county, in an area of the role's level that exists (a grid: in its village)."""
    with reading():
        known = store.area_names([area[:FULL]])
    inside = area[:FULL] in known and area.startswith(county) and area.isdigit()
    if not inside or not is_of_level(role, area):
        raise BadValue(field="area", value=area[:15])


def is_of_level(role: str, area: str) -> bool:
    """Tell whether the digits of an area are of the role's level; a grid member's may be a whole village."""
    level = ROLE_LEVELS[role]
    digits = LEVEL_DIGITS[level]
    above = max((n for n in LEVEL_DIGITS.values() if n < digits), default=0)
    is_grid = level == "grid" and (len(area) == LEVEL_DIGITS["grid"] or bool(area[9:].strip("0")))
    is_own_level = len(area) == FULL and bool(area[above:digits].strip("0")) and not area[digits:].strip("0")
    return is_grid or is_own_level


def disable(actor: Actor, username: str) -> None:
    """Disable an account of the county, never one's own; NotFound for accounts elsewhere."""
    if ensure_own(actor, username) == actor.id:
        raise NotAllowed(reason="oneself")
    people.disable_user(username, by=actor.id)


def enable(actor: Actor, username: str) -> None:
    """Enable a disabled account of the county, never one of the same person; NotFound for accounts elsewhere."""
    number = ensure_own(actor, username)
    with reading():
        user = people_store.user_by_id(int(number[1:]))
        person = user.person if user else ""
    if actor.person == person:
        raise NotAllowed(reason="oneself")
    people.enable_user(username, by=actor.id)
