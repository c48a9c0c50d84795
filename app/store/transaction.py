"""Transactions: one for each use case; writing ones take SQLite's write lock at once."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, String, event, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from app import disk
from app.runtime import runtime
from app.store import calendars
from app.tables import JoiningSession, db
from workflows.clock import parse_utc, utc_text
from workflows.errors import ClockBack

WRITING = "fangpin_writing"
SHORTEST_PAUSE, LONGEST_PAUSE = 0.001, 0.005  # seconds
KEEP_LOG = "PRAGMA journal_mode=WAL"


class utc_now(GenericFunction[str]):  # noqa: N801 - a function of SQL, named like one
    """The database's clock at the moment of reading, as a UTC text of whole seconds."""

    type = String()
    inherit_cache = True


@compiles(utc_now, "sqlite")
def _on_sqlite(*_: Any, **__: Any) -> str:
    return "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')"


@compiles(utc_now, "postgresql")
def _on_postgresql(*_: Any, **__: Any) -> str:
    return "to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"


def is_sqlite() -> bool:
    """Tell whether the embedded engine is in use."""
    return db.engine.dialect.name == "sqlite"


NOW = select(utc_now(), calendars.STAMP)


@contextmanager
def writing() -> Iterator[datetime]:
    """Run a use case in one transaction and commit it; yields the transaction's time. Any error rolls back."""
    with committing() as connection:
        yield _now(connection)


@contextmanager
def committing() -> Iterator[Connection]:
    """The same for who reads the time with something else (``moment_of``).

    SQLite: BEGIN IMMEDIATE, as a later upgrade of the lock fails at once (measured in the trust notes).
    """
    session = _session()
    session.rollback()
    with db.engine.connect().execution_options(**{WRITING: True}) as connection:
        transaction = connection.begin()
        session.joined = connection
        try:
            yield connection
            if session.in_transaction():
                session.commit()  # writes what is still in it; the transaction is not its own
            transaction.commit()
        except BaseException:
            session.rollback()
            raise
        finally:
            session.joined = None


def present() -> Connection:
    """Return the connection of the open transaction; a session that has none yet begins one to read in."""
    session = _session()
    return session.joined or session.connection()


def _session() -> JoiningSession:
    session = db.session()
    assert isinstance(session, JoiningSession)  # noqa: S101 - narrows the type
    return session


@contextmanager
def reading() -> Iterator[datetime]:
    """Read in one transaction (one snapshot on SQLite and, by REPEATABLE READ, on PostgreSQL); yields its time.

    Rows leave the session with what was read of them: rolling back would expire them, and each would be read again.
    """
    db.session.rollback()
    options = {} if is_sqlite() else {"isolation_level": "REPEATABLE READ"}
    try:
        yield _now(db.session.connection(execution_options=options))
    finally:
        db.session.expunge_all()
        db.session.rollback()


def sealing_time(latest: str, now: datetime) -> datetime:
    """Return when to seal: not before a household's latest entry (a UTC text, or empty); else raise ClockBack.

    Whoever waited for the lock may have begun before that entry was sealed, so then the clock is read anew.
    """
    if utc_text(now) < latest:
        now = _now(present())
    if utc_text(now) < latest:
        raise ClockBack(clock=utc_text(now), latest=latest)
    return now


def moment_of(text: str) -> datetime:
    """Return the time that ``utc_now`` gave; tests put their own clock in its place."""
    injected = runtime().clock
    return injected().replace(microsecond=0) if injected else parse_utc(text)


def _now(connection: Connection) -> datetime:
    now, stamp = connection.execute(NOW).one()
    calendars.follow(stamp, connection)
    return moment_of(now)


def engine_options(url: str, busy_seconds: int) -> dict[str, Any]:
    """Return the engine options for a database address; an error's text never shows what was to be stored."""
    if make_url(url).get_backend_name() == "sqlite":
        return {"hide_parameters": True, "connect_args": {"timeout": busy_seconds}}
    # A server that does not answer is an error after seconds, not a page that hangs.
    waits = {} if "connect_timeout" in make_url(url).query else {"connect_timeout": 10}
    return {"hide_parameters": True, "pool_pre_ping": True, "pool_size": 10, "max_overflow": 20, "connect_args": waits}


class WrongEncoding(RuntimeError):
    """The database was created in another encoding than UTF8; the text is the encoding's name."""


def _ensure_utf8(connection: Any, record: object) -> None:
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise WrongEncoding(encoding)


def prepare_engine(engine: Engine) -> None:
    """On SQLite take transactions into our own hands (WAL, foreign keys, BEGIN IMMEDIATE); errors tell no values.

    A connection to a PostgreSQL database that can't hold every character raises WrongEncoding.
    """
    if engine.dialect.name != "sqlite":
        # Before SQLAlchemy's own first look, which such a database breaks.
        event.listen(engine, "connect", _ensure_utf8, insert=True)
        event.listen(engine, "handle_error", _leave_out_detail)
        return

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, record: object) -> None:
        connection.isolation_level = None
        _keep_a_write_ahead_log(connection)
        connection.execute(f"PRAGMA synchronous={'FULL' if disk.waits() else 'OFF'}")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        if connection.get_execution_options().get(WRITING):
            _wait_for_write_lock(connection)
        else:
            connection.exec_driver_sql("BEGIN")


def _wait_for_write_lock(connection: Connection) -> None:
    """Take SQLite's write lock within its busy timeout."""
    raw: Any = connection.connection.driver_connection
    _try_while_busy(raw, "BEGIN IMMEDIATE")
    if not raw.in_transaction:
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # the last try, whose error SQLAlchemy makes its own


def _keep_a_write_ahead_log(raw: Any) -> None:
    """Let readers and a writer work side by side; of those who open a new file at once, each waits for the others.

    SQLite does not wait by itself where two change the mode together, as each holds what the other needs.
    """
    _try_while_busy(raw, KEEP_LOG)
    raw.execute(KEEP_LOG)  # changes nothing where it is done; else the last try, with its error


def _try_while_busy(raw: Any, statement: str) -> None:
    """Try a statement until no other connection is in its way, or the busy timeout is over.

    Whoever has waited longer looks more often. SQLite's own wait looks ever more rarely, so under load those who come
    pass by those who wait: of 28 threads in four processes some were refused after ten seconds.
    """
    (patience,) = raw.execute("PRAGMA busy_timeout").fetchone()
    limit, pause = time.monotonic() + patience / 1000, LONGEST_PAUSE
    raw.execute("PRAGMA busy_timeout=0").fetchone()
    try:
        while _is_refused_as_busy(raw, statement) and time.monotonic() < limit:
            time.sleep(pause)
            pause = max(SHORTEST_PAUSE, pause * 0.9)
    finally:
        raw.execute(f"PRAGMA busy_timeout={patience}").fetchone()


def _is_refused_as_busy(raw: Any, statement: str) -> bool:
    """Try a statement; tell whether another connection is in its way."""
    try:
        raw.execute(statement).fetchall()
    except sqlite3.OperationalError as error:
        return bool(error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY)
    return False


def _leave_out_detail(context: ExceptionContext) -> None:
    """PostgreSQL's DETAIL repeats the row that failed, names and all; only the first sentence is kept."""
    said = getattr(getattr(context.original_exception, "diag", None), "message_primary", None)
    if said:
        context.original_exception.args = (said,)
        if context.sqlalchemy_exception:
            context.sqlalchemy_exception.args = (f"({type(context.original_exception).__name__}) {said}",)


def engine_insert(table: type) -> Any:
    """Return the engine's own INSERT, which knows what to do on a conflict (the two classes share no base)."""
    return (sqlite if is_sqlite() else postgresql).insert(table)


def insert_once(table: type) -> Any:
    """Return an INSERT that leaves an existing row alone, on either engine."""
    return engine_insert(table).on_conflict_do_nothing()
