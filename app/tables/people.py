"""Areas, accounts, offices, log-ins and tokens."""

from sqlalchemy import Boolean, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Base, BigKey


class Area(Base):
    """An administrative area: 12-digit code, 15 for a grid; level from province to grid."""

    __tablename__ = "areas"
    code: Mapped[str] = mapped_column(String(15), primary_key=True)
    name: Mapped[str]
    level: Mapped[str] = mapped_column(String(12))
    parent: Mapped[str | None] = mapped_column(String(15), index=True)
    county: Mapped[str] = mapped_column(String(6), index=True)


class User(Base):
    """An account. ``person`` is the key of the human being behind it, the same for all accounts of one person."""

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(64))
    person: Mapped[str] = mapped_column(String(64), index=True)
    county: Mapped[str] = mapped_column(String(6), index=True)
    password_hash: Mapped[str]
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    lang: Mapped[str] = mapped_column(String(2), default="zh")
    created_at: Mapped[str] = mapped_column(String(20))


class Appointment(Base):
    """An office that a person holds between two days (end exclusive, empty while it lasts)."""

    __tablename__ = "appointments"
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    user_id: Mapped[int] = mapped_column(BigKey, index=True)
    role: Mapped[str] = mapped_column(String(24))
    area: Mapped[str] = mapped_column(String(15))
    begins: Mapped[str] = mapped_column(String(10))
    ends: Mapped[str | None] = mapped_column(String(10))
    __table_args__ = (Index("ix_appointments_role_area", "role", "area"),)


class LoginSession(Base):
    """A log-in that lives on the server and dies with the account; the cookie holds only a random token."""

    __tablename__ = "login_sessions"
    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(BigKey, index=True)
    created_at: Mapped[str] = mapped_column(String(20))
    seen_at: Mapped[str] = mapped_column(String(20))
    expires_at: Mapped[str] = mapped_column(String(20))
    source: Mapped[str] = mapped_column(String(64))


class LoginFailure(Base):
    """A failed log-in, counted for the account and for the source that it came from."""

    __tablename__ = "login_failures"
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    username: Mapped[str] = mapped_column(String(64))
    source: Mapped[str] = mapped_column(String(64))
    at: Mapped[str] = mapped_column(String(20))
    __table_args__ = (
        Index("ix_login_failures_username", "username", "at"),
        Index("ix_login_failures_source", "source", "at"),
    )


class ApiToken(Base):
    """A token of the API: acts for one account, narrowed by scopes and area; only its hash is kept."""

    __tablename__ = "api_tokens"
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(BigKey, index=True)
    name: Mapped[str] = mapped_column(String(60))
    scopes: Mapped[str] = mapped_column(String(400))
    area: Mapped[str] = mapped_column(String(15))
    created_at: Mapped[str] = mapped_column(String(20))
    created_by: Mapped[str] = mapped_column(String(24))
    expires_at: Mapped[str] = mapped_column(String(20))
    used_at: Mapped[str | None] = mapped_column(String(20))
    ended_at: Mapped[str | None] = mapped_column(String(20))
    ended_by: Mapped[str | None] = mapped_column(String(24))
