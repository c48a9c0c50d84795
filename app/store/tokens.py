"""Tokens of the API, and commands that came through it, by their keys."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple, cast

from sqlalchemy import CursorResult, bindparam, delete, select, update

from app.store.statements import run_text
from app.store.transaction import insert_once
from app.tables import ApiCommand, ApiToken, User, db
from workflows.clock import utc_text

Rows = Sequence[Any]


def add(row: ApiToken) -> int:
    """Record a token and return its number."""
    db.session.add(row)
    db.session.flush()
    return int(row.id)


class Token(NamedTuple):
    """A token as it stands; times are UTC texts."""

    id: int
    name: str
    scopes: str
    area: str
    created_at: str
    expires_at: str
    used_at: str | None
    ended_at: str | None


class Owner(NamedTuple):
    """The account that a token acts for."""

    id: int
    username: str
    name: str
    person: str
    county: str
    lang: str
    active: bool


def by_hash(token_hash: str) -> tuple[Token, Owner] | None:
    """Return a token and its account by the hash of the token."""
    rows = run_text(_by_hash(), {"hash": token_hash})
    parts = len(Token._fields)
    return (Token(*rows[0][:parts]), Owner(*rows[0][parts:])) if rows else None


@cache
def _by_hash() -> Any:
    """Built once: every call asks it."""
    columns = (*(getattr(ApiToken, name) for name in Token._fields), *(getattr(User, name) for name in Owner._fields))
    query = select(*columns).join_from(ApiToken, User, User.id == ApiToken.user_id)
    return query.where(ApiToken.token_hash == bindparam("hash"))


def by_id(number: int) -> tuple[ApiToken, User] | None:
    """Return a token and its account by the token's number."""
    query = select(ApiToken, User).join(User, User.id == ApiToken.user_id).where(ApiToken.id == number)
    found = db.session.execute(query).one_or_none()
    return (found[0], found[1]) if found else None


def page(*, user_id: int = 0, county: str = "", before: int | None, limit: int) -> Rows:
    """Return tokens with their accounts, newest first: of an account, or of all accounts of a county."""
    query = select(ApiToken, User).join(User, User.id == ApiToken.user_id).order_by(ApiToken.id.desc())
    query = query.where(User.county == county) if county else query.where(ApiToken.user_id == user_id)
    query = query.where(ApiToken.id < before) if before is not None else query
    return db.session.execute(query.limit(limit)).all()


def end(number: int, by: str, now: datetime) -> bool:
    """Revoke a token; tell whether it was alive before."""
    query = update(ApiToken).where(ApiToken.id == number, ApiToken.ended_at.is_(None))
    done = db.session.execute(query.values(ended_at=utc_text(now), ended_by=by))
    return cast("CursorResult[Any]", done).rowcount == 1


def end_of(user_id: int, by: str, now: datetime) -> None:
    """Revoke all tokens of an account."""
    query = update(ApiToken).where(ApiToken.user_id == user_id, ApiToken.ended_at.is_(None))
    db.session.execute(query.values(ended_at=utc_text(now), ended_by=by))


def touch(number: int, now: datetime) -> None:
    """Note that a token was used."""
    db.session.execute(update(ApiToken).where(ApiToken.id == number).values(used_at=utc_text(now)))


# --- commands by their idempotency key ---
def claim(user_id: int, key: str, digest: str, now: datetime) -> bool:
    """Take a key for a command; False when it was taken before."""
    values = {"user_id": user_id, "key": key, "digest": digest, "at": utc_text(now)}
    made = insert_once(ApiCommand).values(**values).returning(ApiCommand.user_id)
    return db.session.scalar(made) is not None


def command(user_id: int, key: str) -> ApiCommand | None:
    """Return what is known of a command by its key."""
    return db.session.get(ApiCommand, (user_id, key), populate_existing=True)


def answer(user_id: int, key: str, status: int, body: str) -> None:
    """Keep the answer of a command that was carried out."""
    query = update(ApiCommand).where(ApiCommand.user_id == user_id, ApiCommand.key == key)
    db.session.execute(query.values(status=status, body=body))


def release(user_id: int, key: str) -> None:
    """Give a key back: its command was refused and changed nothing."""
    db.session.execute(
        delete(ApiCommand).where(ApiCommand.user_id == user_id, ApiCommand.key == key, ApiCommand.status.is_(None))
    )


def forget_commands(before: str) -> int:
    """Remove answers that were kept since before a moment; return how many."""
    gone = db.session.execute(delete(ApiCommand).where(ApiCommand.at < before))
    return cast("CursorResult[Any]", gone).rowcount
