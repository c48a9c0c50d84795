"""Tokens of the API: each acts for one account, narrowed by scopes and area, until a day; only its hash is kept."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.runtime import runtime
from app.services.offices import LOOKING_ON
from app.services.people import Signed, token_hash
from app.store import ledger, people
from app.store import tokens as store
from app.store.transaction import reading, writing
from app.tables import ApiToken, User
from workflows.clock import parse_utc, utc_text
from workflows.errors import BadToken, BadValue, NotAllowed, NotFound, OutOfScope, Throttled
from workflows.model import Actor, Office, area_root

SCOPES = (
    "cases:read",
    "cases:act",
    "households:read",
    "rosters:manage",
    "rules:manage",
    "evidence:read",
    "evidence:write",
    "reminders:manage",
    "grids:manage",
    "trails:read",
    "audit:read",
    "totals:read",
    "substitutes:manage",
    "accounts:manage",
    "tokens:manage",
    "webhooks:manage",
    "duties:read",
    "duties:report",
)
PREFIX = "fangpin_"
LONGEST_DAYS = 365
LONGEST_NAME = 60
SIZE = 25
# Offices that stand for a whole area: a token for a part of it has nothing of them.
WHOLE = ("admin", "upper_level")
# Failed tries of tokens are counted under a name of their own.
NOBODY = "*token"


@dataclass(frozen=True)
class Line:
    """A token as lists show it; times are RFC 3339 UTC, ``ended_at`` is empty while it was not revoked."""

    id: int
    username: str
    name: str
    scopes: Sequence[str]
    area: str
    created_at: str
    expires_at: str
    used_at: str
    ended_at: str
    is_alive: bool


@dataclass(frozen=True)
class Bearer:
    """Whoever sent a token: the account with its narrowed offices, and what the token is for."""

    signed: Signed
    token: Line

    def ensure_scope(self, scope: str) -> None:
        """Raise OutOfScope unless the token is for this."""
        if scope and scope not in self.token.scopes:
            raise OutOfScope(scope=scope)


@dataclass(frozen=True)
class Page:
    """A page of tokens, newest first; ``before`` asks for the next one (None at the end)."""

    lines: Sequence[Line]
    before: int | None


# --- using ---
def bearer(token: str, *, source: str) -> Bearer:
    """Return who a token belongs to; raise BadToken (counted for its source) or, after many of them, Throttled.

    A good token always passes: strangers behind the same address must not be able to lock it out.
    """
    with reading() as now:
        found = store.by_hash(token_hash(token))
        line = _line(*found, now) if found else None
        if found and line and line.is_alive:
            user = found[1]
            actor = narrowed(people.actor_of(user, now), line.area)
            signed = Signed(int(user.id), user.username, user.county, user.lang, actor)
            is_fresh = bool(line.used_at) and now - parse_utc(line.used_at) < timedelta(minutes=10)
        else:
            signed, is_fresh = None, True
    if signed is None or line is None:
        _count_failure(source)
        raise BadToken()
    if not is_fresh:
        with writing() as now:
            store.touch(line.id, now)
    return Bearer(signed, line)


def _count_failure(source: str) -> None:
    settings = runtime().settings
    with writing() as now:
        since = now - timedelta(seconds=settings.login_window)
        if people.failures_since(since, username=NOBODY, source=source) >= settings.login_failures:
            raise Throttled(minutes=settings.login_window // 60)
        people.add_failure(NOBODY, source, now)


def narrowed(actor: Actor, area: str) -> Actor:
    """Return a person with that part of the offices of today that lies in an area."""
    root = area_root(area)
    kept = (_part(office, root) for office in actor.offices)
    return replace(actor, offices=tuple(office for office in kept if office))


def _part(office: Office, root: str) -> Office | None:
    whole = office.within or area_root(office.area)
    if whole.startswith(root):
        return office
    is_inside = root.startswith(whole) and office.role not in WHOLE
    return replace(office, within=root) if is_inside else None


def is_narrow(actor: Actor, role: str) -> bool:
    """Tell whether a token holds only a part of every office of a role."""
    return all(o.within for o in actor.offices if o.role == role)


# --- keeping ---
def make(
    actor: Actor,
    *,
    name: str,
    scopes: Iterable[str],
    area: str,
    days: int,
    username: str = "",
    by_token: Line | None = None,
) -> tuple[Line, str]:
    """Make a token for the own account, or (as its administrator) for one that only looks on; return it once.

    Raises BadValue (name, scopes, area, days), NotFound, NotAllowed, or OutOfScope where the token that asks is
    narrower than the one that it asks for.
    """
    chosen = _checked(name, scopes, area, days)
    token = PREFIX + secrets.token_urlsafe(32)
    with writing() as now:
        user = _account_for(actor, username, now)
        if not any(_part(office, area_root(area)) for office in people.offices_of(int(user.id), now)):
            raise BadValue(field="area", value=area)
        expires = now + timedelta(days=days)
        _ensure_no_wider(by_token, chosen, area, expires)
        row = ApiToken(
            token_hash=token_hash(token),
            user_id=user.id,
            name=name,
            scopes=" ".join(chosen),
            area=area,
            created_at=utc_text(now),
            created_by=actor.id,
            expires_at=utc_text(expires),
        )
        store.add(row)
        _note(actor, row, user, now, kind="token_made")
        line = _line(row, user, now)
    return line, token


def _checked(name: str, scopes: Iterable[str], area: str, days: int) -> list[str]:
    """Return the scopes in their order; raise BadValue naming what is wrong."""
    wanted = set(scopes)
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise BadValue(field="token_name", value="")
    if not wanted or not wanted <= set(SCOPES):
        raise BadValue(field="scopes", value=" ".join(sorted(wanted - set(SCOPES)))[:60])
    if len(area) not in (12, 15) or not (area.isascii() and area.isdigit()) or not area.strip("0"):
        raise BadValue(field="area", value=area[:15])
    if not 1 <= days <= LONGEST_DAYS:
        raise BadValue(field="days", value=str(days)[:10])
    return [scope for scope in SCOPES if scope in wanted]


def _account_for(actor: Actor, username: str, now: datetime) -> User:
    """Return the account that a token is made for: nobody makes one that signs in another person's name."""
    own = people.user_by_id(int(actor.id[1:]))
    other = people.user_by_name(username) if username else own
    if other is None or own is None or (other.id != own.id and not _governs(actor, other)):
        raise NotFound(user=username)
    signs = any(o.role not in LOOKING_ON for o in people.offices_of(int(other.id), now))
    if not other.active or (other.id != own.id and signs):
        raise NotAllowed(reason="not_own_token")
    return other


def _governs(actor: Actor, user: User) -> bool:
    return any(o.role == "admin" and o.area[:6] == user.county for o in actor.offices)


def _ensure_no_wider(by: Line | None, scopes: Sequence[str], area: str, expires: datetime) -> None:
    if by is None:
        return
    for scope in scopes:
        if scope not in by.scopes:
            raise OutOfScope(scope=scope)
    if not area_root(area).startswith(area_root(by.area)) or utc_text(expires) > by.expires_at:
        raise OutOfScope(scope="tokens:manage")


def own(actor: Actor, *, before: int | None = None) -> Page:
    """Return a person's own tokens, newest first."""
    with reading() as now:
        rows = store.page(user_id=int(actor.id[1:]), before=before, limit=SIZE + 1)
        return _page(rows, now)


def of_county(actor: Actor, *, before: int | None = None) -> Page:
    """Return the tokens of all accounts of the administrator's county, newest first; NotAllowed for others."""
    counties = [o.area[:6] for o in actor.offices if o.role == "admin"]
    if not counties:
        raise NotAllowed(page="tokens")
    with reading() as now:
        rows = store.page(county=counties[0], before=before, limit=SIZE + 1)
        return _page(rows, now)


def revoke(actor: Actor, number: int) -> None:
    """Revoke one's own token or, as administrator, one of an account of the county; it is dead with the commit."""
    with writing() as now:
        found = store.by_id(number)
        if found is None or (f"u{found[1].id}" != actor.id and not _governs(actor, found[1])):
            raise NotFound(token=number)
        row, user = found
        if store.end(number, actor.id, now):
            _note(actor, row, user, now, kind="token_revoked")


def _note(actor: Actor, row: ApiToken, user: User, now: datetime, *, kind: str) -> None:
    detail = {"token": str(row.id), "scopes": row.scopes, "area": row.area, "until": row.expires_at}
    ledger.append(user.county, user=actor.id, kind=kind, subject=f"u{user.id}", now=now, detail=detail)


def _page(rows: Sequence[tuple[ApiToken, User]], now: datetime) -> Page:
    lines = [_line(row, user, now) for row, user in rows[:SIZE]]
    return Page(lines, lines[-1].id if len(rows) > SIZE else None)


def _line(row: ApiToken | store.Token, user: User | store.Owner, now: datetime) -> Line:
    return Line(
        id=int(row.id),
        username=user.username,
        name=row.name,
        scopes=tuple(row.scopes.split()),
        area=row.area,
        created_at=row.created_at,
        expires_at=row.expires_at,
        used_at=row.used_at or "",
        ended_at=row.ended_at or "",
        is_alive=bool(user.active) and not row.ended_at and utc_text(now) < row.expires_at,
    )
