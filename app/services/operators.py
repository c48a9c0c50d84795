"""Accounts as whoever runs the machine adds and lists them: all counties, several offices, one key a person."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.services import people
from app.services.accounts import ensure_governs
from app.services.offices import LOOKING_ON
from app.store import accounts, areas
from app.store import people as people_store
from app.store.transaction import reading
from workflows.errors import BadValue, NotFound
from workflows.model import LEVEL_DIGITS, ROLE_LEVELS, Actor, area_root


@dataclass(frozen=True)
class Account:
    """One account with its present offices (role, area)."""

    id: str
    username: str
    name: str
    is_active: bool
    offices: Sequence[tuple[str, str]]


def list_accounts(county: str = "") -> list[Account]:
    """Return the accounts of a county, or all, by user name."""
    with reading() as now:
        offices = accounts.offices_by_user(now)
        return [
            Account(f"u{u.id}", u.username, u.name, bool(u.active), tuple(offices.get(int(u.id), ())))
            for u in accounts.all_users(county)
        ]


def account_id(username: str) -> str:
    """Return the id ("u7") of an account; raises NotFound for a name that nobody has."""
    with reading():
        user = people_store.user_by_name(username)
        if user is None:
            raise NotFound(user=username)
        return f"u{user.id}"


def add_account(
    actor: Actor,
    *,
    username: str,
    name: str,
    password: str,
    offices: Sequence[tuple[str, str]],
    id_number: str | None = None,
) -> int:
    """Add an account after checking that each office's area exists, has the role's level and is the administrator's.

    The first office gives the county. Raises BadValue (role, area, user name, password, ID number), NotFound (area)
    or NotAllowed.
    """
    for role, area in offices:
        _ensure_office(actor, role, area)
    if not offices:
        raise BadValue(field="role", value="")
    return people.add_user(
        username=username,
        name=name,
        password=password,
        county=offices[0][1][:6],
        offices=offices,
        id_number=id_number,
        by=actor.id,
    )


def appoint(actor: Actor, username: str, *, role: str, area: str, id_number: str | None = None) -> None:
    """Give an account an office; raises as ``add_account`` and ``people.appoint`` do."""
    _ensure_office(actor, role, area)
    people.appoint(username, role, area, by=actor.id, id_number=id_number)


def needs_number(username: str, role: str) -> bool:
    """Tell whether this office would tie the account to an ID number; raises NotFound."""
    return role not in LOOKING_ON and people.is_unknown(username)


def _ensure_office(actor: Actor, role: str, area: str) -> None:
    level = ROLE_LEVELS.get(role)
    if level is None or role == "system":
        raise BadValue(field="role", value=role)
    with reading():
        found = areas.find(area)
    if found is None:
        raise NotFound(area=area)
    if found.level != level and not _is_wider(role, area):
        raise BadValue(field="area", value=area, level=level)
    ensure_governs(actor, area)


def _is_wider(role: str, area: str) -> bool:
    """Those who only look on from above may belong to a province as well as to a prefecture."""
    return role == "upper_level" and len(area_root(area)) <= LEVEL_DIGITS["prefecture"]
