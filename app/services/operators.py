"""Accounts as whoever runs the machine adds and lists them: all counties, several offices, one key a person."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.idnumber import IdNumberError, parse
from app.services import people
from app.store import accounts, areas
from app.store import people as people_store
from app.store.transaction import reading
from workflows.clock import local_date
from workflows.errors import BadValue, NotFound
from workflows.model import LEVEL_DIGITS, ROLE_LEVELS, area_root


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
    *, username: str, name: str, password: str, offices: Sequence[tuple[str, str]], id_number: str | None = None
) -> int:
    """Add an account after checking that each office's area exists and has the role's level.

    The first office gives the county. Raises BadValue (role, area, user name, password, ID number) or NotFound (area).
    """
    for role, area in offices:
        _ensure_office(role, area)
    if not offices:
        raise BadValue(field="role", value="")
    return people.add_user(
        username=username,
        name=name,
        password=password,
        county=offices[0][1][:6],
        offices=offices,
        id_number=_checked(id_number) if id_number else None,
    )


def _checked(id_number: str) -> str:
    """The 18 characters of a valid number, so that one person is one key, whoever types it."""
    with reading() as now:
        today = local_date(now)
    try:
        return parse(id_number, today=today, allow_synthetic=True).core
    except IdNumberError as error:
        raise BadValue(field="id_number", value="") from error


def _ensure_office(role: str, area: str) -> None:
    level = ROLE_LEVELS.get(role)
    if level is None or role == "system":
        raise BadValue(field="role", value=role)
    with reading():
        found = areas.find(area)
    if found is None:
        raise NotFound(area=area)
    if found.level != level and not _is_wider(role, area):
        raise BadValue(field="area", value=area)


def _is_wider(role: str, area: str) -> bool:
    """Those who only look on from above may belong to a province as well as to a prefecture."""
    return role == "upper_level" and len(area_root(area)) <= LEVEL_DIGITS["prefecture"]
