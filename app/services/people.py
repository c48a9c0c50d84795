"""Accounts and log-ins: argon2 passwords, sessions on the server, throttled attempts."""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.runtime import runtime
from app.services.offices import UNKNOWN, NewUser, Term, close_office, named, put_office, put_users
from app.store import ledger, people, tokens
from app.store.transaction import reading, writing
from app.tables import LoginSession
from workflows.clock import parse_utc, utc_text
from workflows.errors import BadValue, NotAllowed, NotFound, Throttled
from workflows.model import Actor

SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 128
LANGUAGES = ("zh", "en")


@dataclass(frozen=True)
class Signed:
    """Who is logged in: the account, and the person with today's offices."""

    user_id: int
    username: str
    county: str
    lang: str
    actor: Actor


@cache
def hasher() -> PasswordHasher:
    """Argon2id at OWASP's floor (19 MiB, 2 passes, 1 lane), as the machines of townships are small."""
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@cache
def _nobody() -> str:
    """A hash that no password fits, so that an unknown account takes as long as a known one."""
    return hasher().hash(secrets.token_hex(16))


def add_user(
    *,
    username: str,
    name: str,
    password: str,
    county: str,
    offices: Iterable[tuple[str, str]],
    id_number: str | None = None,
    by: str | None = None,
) -> int:
    """Add an account with its offices and return its number; accounts with one ID number are one person.

    Every office that signs needs the ID number. ``by`` is the account that acts ("u7"), named in the access ledger;
    without one nothing is written there. Raises BadValue, or NotAllowed when somebody would give himself an office.
    """
    ensure_password(password)
    hashed = hasher().hash(password)
    with writing() as now:
        terms = tuple(Term(role, area) for role, area in offices)
        return put_users([NewUser(username, name, hashed, county, terms, id_number)], by=by, now=now)[0]


def appoint(username: str, role: str, area: str, *, by: str, id_number: str | None = None) -> None:
    """Give an account an office from today on, and write it to the access ledger in the same transaction.

    The first office that signs ties the account to an ID number; a number that is another person's is a BadValue.
    Also raises NotFound, and NotAllowed for a disabled account or an office for oneself.
    """
    with writing() as now:
        put_office(username, Term(role, area), by=by, now=now, id_number=id_number)


def is_unknown(username: str) -> bool:
    """Tell whether an account is not tied to an ID number yet; raises NotFound."""
    with reading():
        return named(username).person.startswith(UNKNOWN)


def end_office(username: str, role: str, area: str, *, by: str) -> None:
    """End an office: it has no effect from now on. The line in the access ledger is of the same transaction.

    Raises NotFound when the account does not hold it, and NotAllowed for one's own office of administrator.
    """
    with writing() as now:
        close_office(username, role, area, by=by, now=now)


def ensure_password(password: str) -> None:
    """A password must be long enough; length beats rules of composition (ASVS 6.2)."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise BadValue(field="password", value="")


def disable_user(username: str, *, by: str) -> None:
    """Disable an account; all its log-ins and tokens end with the same commit, for good."""
    with writing() as now:
        user = named(username)
        user.active = False
        people.end_sessions(user_id=user.id)
        tokens.end_of(int(user.id), by, now)
        ledger.append(user.county, user=by, kind="user_disabled", subject=f"u{user.id}", now=now, detail={})


def enable_user(username: str, *, by: str) -> None:
    """Enable a disabled account again, with its old password and offices; BadValue when it is not disabled."""
    with writing() as now:
        user = named(username)
        if user.active:
            raise BadValue(field="username", value=username[:60])
        user.active = True
        ledger.append(user.county, user=by, kind="user_enabled", subject=f"u{user.id}", now=now, detail={})


def actor_named(username: str) -> Actor:
    """Return the person behind an active account, for the command line."""
    with reading() as now:
        user = named(username)
        if not user.active:
            raise NotAllowed(reason="disabled")
        return people.actor_of(user, now)


def actor_of_account(account: str) -> Actor:
    """Return the person behind an account ("u7") with the offices of now; raises NotFound when it is closed."""
    with reading() as now:
        user = people.user_by_id(int(account.removeprefix("u")))
        if user is None or not user.active:
            raise NotFound(user=account)
        return people.actor_of(user, now)


def log_in(username: str, password: str, *, source: str) -> str:
    """Check a password and return a new session token; raises Throttled or NotAllowed, both counted."""
    settings = runtime().settings
    with reading() as now:
        _ensure_not_throttled(username, source, now)
        user = people.user_by_name(username)
        hashed = user.password_hash if user else _nobody()
        passes = _fits(hashed, password) and user is not None and user.active
    with writing() as now:
        if not passes or user is None:
            people.add_failure(username, source, now)
            failed = True
        else:
            failed = False
            people.clear_failures(username, source)
            token = secrets.token_urlsafe(32)
            people.add_session(_session(token, int(user.id), source, now, settings.session_longest))
    if failed:
        raise NotAllowed(reason="bad_login")
    return token


def _fits(hashed: str, password: str) -> bool:
    try:
        return hasher().verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


def _ensure_not_throttled(username: str, source: str, now: datetime) -> None:
    """Few failures of an account from one source block that pair, so that a stranger locks nobody else out.

    Ten times as many of an account from anywhere block the account, or from one source the source.
    """
    settings = runtime().settings
    since = now - timedelta(seconds=settings.login_window)
    few, many = settings.login_failures, 10 * settings.login_failures
    if (
        people.failures_since(since, username=username, source=source) >= few
        or people.failures_since(since, username=username) >= many
        or people.failures_since(since, source=source) >= many
    ):
        raise Throttled(minutes=settings.login_window // 60)


def _session(token: str, user_id: int, source: str, now: datetime, longest: int) -> LoginSession:
    return LoginSession(
        token_hash=token_hash(token),
        user_id=user_id,
        created_at=utc_text(now),
        seen_at=utc_text(now),
        expires_at=utc_text(now + timedelta(seconds=longest)),
        source=source[:64],
    )


def token_hash(token: str) -> str:
    """Return what the database holds of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def session_actor(token: str) -> Signed | None:
    """Return who a session token belongs to, or None when it is unknown, expired, idle too long or disabled."""
    with reading() as now:
        found = people.session_by_hash(token_hash(token))
        if found is None or not found.active or not _is_alive(found, now):
            return None
        signed = Signed(found.id, found.username, found.county, found.lang, people.actor_of(found, now))
        idle = now - parse_utc(found.seen_at)
    if idle > timedelta(minutes=1):
        with writing() as now:
            people.touch_session(token_hash(token), now)
    return signed


def _is_alive(session: people.Session, now: datetime) -> bool:
    idle_limit = timedelta(seconds=runtime().settings.session_seconds)
    return now < parse_utc(session.expires_at) and now - parse_utc(session.seen_at) < idle_limit


def log_out(token: str) -> None:
    """End one log-in."""
    with writing():
        people.end_sessions(token_hash=token_hash(token))


def set_language(user_id: int, lang: str) -> None:
    """Keep the language that a person chose."""
    if lang not in LANGUAGES:
        raise BadValue(field="lang", value=lang)
    with writing():
        user = people.user_by_id(user_id)
        if user:
            user.lang = lang


def change_password(user_id: int, *, old: str, new: str, keep_token: str, source: str) -> None:
    """Change a password after checking the old one; all other log-ins of the account end.

    Raises BadValue, Throttled or NotAllowed; a wrong old password counts like a failed log-in.
    """
    ensure_password(new)
    with writing() as now:
        user = people.user_by_id(user_id)
        username = user.username if user else ""
        _ensure_not_throttled(username, source, now)
        passes = user is not None and _fits(user.password_hash, old)
        if passes:
            people.clear_failures(username, source)
            _put_password(user_id, new, keep_token, now)
        else:
            people.add_failure(username, source, now)
    if not passes:
        raise NotAllowed(reason="bad_login")


def _put_password(user_id: int, new: str, keep_token: str, now: datetime) -> None:
    user = people.user_by_id(user_id)
    if user:
        user.password_hash = hasher().hash(new)
    kept = people.session_by_hash(token_hash(keep_token))
    source = kept.source if kept else ""
    people.end_sessions(user_id=user_id)
    people.add_session(_session(keep_token, user_id, source, now, runtime().settings.session_longest))
