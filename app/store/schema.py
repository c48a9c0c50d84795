"""The schema of the database: brought to this program's revision by Alembic, and checked at start."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, NullPool, create_engine, event, inspect, make_url, text

import app.migrations
from app.store.transaction import WRITING, prepare_engine

# A step waits no longer than this for a lock, so that the clerks who queue behind it do not stand still.
LOCK_TIMEOUT = "5s"
STATEMENT_TIMEOUT = "10min"
BUSY_SECONDS = 30
# The key of the advisory lock that lets one upgrade run at a time: "fpup" in ASCII.
_UPGRADE_LOCK = 0x66707570


class WrongSchema(RuntimeError):
    """The database is not at this program's revision; names both and says what to do."""

    def __init__(self, found: str | None, needed: str) -> None:
        self.found, self.needed = found, needed
        if found is None:
            remedy = "数据库是空的，请先运行 fangpin init / it is empty: run `fangpin init`"
        elif found in _known():
            remedy = "请运行 fangpin upgrade / run `fangpin upgrade`"
        else:
            remedy = "数据库来自更新的版本，请安装新版程序 / a newer release made it: install that release"
        super().__init__(f"database revision {found or 'none'}, program revision {needed}: {remedy}")


class NotEmpty(RuntimeError):
    """A database that was to be filled holds tables: how many, of which revision, whether of a newer program."""

    def __init__(self, tables: int, found: str | None, *, is_newer: bool) -> None:
        super().__init__(f"{tables} tables, revision {found or 'none'}")
        self.tables, self.found, self.is_newer = tables, found, is_newer


class Blocked(RuntimeError):
    """A step met data that people must settle first; says which. Nothing was changed."""


def upgrade(target: str | Engine) -> str:
    """Bring an empty or older database to this program's revision in one transaction; return the revision.

    Raises WrongSchema for a database of a newer program, Blocked for data to be settled first; on any error nothing
    is changed. Runs on a connection of its own; a second upgrade at the same time waits and then finds nothing to do.
    """
    with _migrating(target) as connection:
        found = _revision(connection)
        if found is not None and found not in _known():
            raise WrongSchema(found, head())
        command.upgrade(_config(connection), "head")
    return head()


def downgrade(target: str | Engine, to: str) -> None:
    """Take a database back to an older revision, or "base"; refuses where sealed entries would be lost."""
    with _migrating(target) as connection:
        command.downgrade(_config(connection), to)


def build(target: str | Engine, at: str, fill: Callable[[Connection], None]) -> str:
    """Make an empty database as of a revision, let ``fill`` put the rows in, then bring it to this program's revision.

    All of it is one transaction: on any error the database is as empty as before. Raises NotEmpty, or WrongSchema for
    a revision of a newer program.
    """
    ensure_known(at)
    with _migrating(target) as connection:
        ensure_empty(connection)
        if connection.dialect.name != "sqlite":
            connection.execute(text("SELECT set_config('statement_timeout', '0', true)"))
        command.upgrade(_config(connection), at)
        fill(connection)
        command.upgrade(_config(connection), "head")
    return head()


def ensure_known(at: str) -> None:
    """Raise WrongSchema when a revision is of a newer program."""
    if at not in _known():
        raise WrongSchema(at, head())


def ensure_empty(connection: Connection) -> None:
    """Raise NotEmpty when the database holds any table."""
    found = inspect(connection).get_table_names()
    if found:
        at = _revision(connection)
        raise NotEmpty(len(found), at, is_newer=at is not None and at not in _known())


def revision(engine: Engine) -> str | None:
    """Return the revision that a database is at, None for an empty one."""
    with engine.connect() as connection:
        return _revision(connection)


def head() -> str:
    """Return the revision that this program needs."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def ensure_current(engine: Engine) -> None:
    """Raise WrongSchema unless the database is at this program's revision."""
    found, needed = revision(engine), head()
    if found != needed:
        raise WrongSchema(found, needed)


@cache
def _known() -> frozenset[str]:
    return frozenset(step.revision for step in ScriptDirectory.from_config(_config()).walk_revisions())


def _config(connection: Connection | None = None) -> Config:
    folder = Path(app.migrations.__file__).parent
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    return config


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


@contextmanager
def _migrating(target: str | Engine) -> Iterator[Connection]:
    """Open a connection for a migration: one transaction that no other migration runs beside."""
    engine = own_engine(target)
    try:
        with engine.connect() as opened, opened.execution_options(**{WRITING: True}).begin():
            _hold(opened)
            yield opened
            _ensure_references(opened)
    finally:
        engine.dispose()


def own_engine(target: str | Engine) -> Engine:
    """Return an engine for work on a whole database: no pool, no values in errors, references checked by the work."""
    url = make_url(target) if isinstance(target, str) else target.url
    is_sqlite = url.get_backend_name() == "sqlite"
    arguments = {"timeout": BUSY_SECONDS} if is_sqlite else {}
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=arguments)
    prepare_engine(engine)
    if not is_sqlite:
        return engine
    # SQLite changes a table by making a new one; with foreign keys on, dropping the old one would delete rows.
    event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA foreign_keys=OFF"))
    return engine


def _hold(connection: Connection) -> None:
    """On PostgreSQL bound the waits and let one upgrade in; on SQLite BEGIN IMMEDIATE has done both."""
    if connection.dialect.name == "sqlite":
        return
    settings = {"lock_timeout": LOCK_TIMEOUT, "statement_timeout": STATEMENT_TIMEOUT}
    for name, value in settings.items():
        connection.execute(text("SELECT set_config(:name, :value, true)"), {"name": name, "value": value})
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})


def _ensure_references(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise Blocked(f"the migration would leave {len(broken)} broken references, the first in {broken[0][0]}")
