"""Durable moves a second through the services, against the very same SQL sent raw to an equal database."""

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import event

from app.services import cases
from app.store.schema import upgrade
from app.tables import db
from tests import postgres
from tests.factories import VALUES
from tests.world import World

MOVES = 400


@dataclass(frozen=True)
class Rate:
    """One measurement: moves a second through the services and raw, on one engine."""

    engine: str
    services: float
    raw: float
    statements: float

    @property
    def ratio(self) -> float:
        """How much of the raw speed is left."""
        return self.services / self.raw


Statement = tuple[str, Any, bool]


def measure(engine: str, folder: Path, moves: int = MOVES) -> Rate:
    """Prepare two equal databases, move every case in one through the services, replay its SQL on the other."""
    url = f"sqlite:///{folder / 'bench.sqlite3'}" if engine == "sqlite" else postgres.new_database()
    upgrade(url)
    world = World(url, folder)
    with world.app.app_context():
        jobs = _prepared(world, moves)
        db.session.remove()
        db.engine.dispose()
        copy = _copied(url, folder)
        with _recorded() as transactions:
            seconds = _timed(jobs)
    world.close()
    raw = _replay_sqlite(copy, transactions) if engine == "sqlite" else _replay_postgresql(copy, transactions)
    count = sum(len(t) for t in transactions) / moves
    return Rate(engine, moves / seconds, moves / raw, count)


def _prepared(world: World, moves: int) -> list[Callable[[], object]]:
    cadre = world.person("village_cadre")
    data = {name: VALUES[name] for name in ("category", "risks", "income_per_head", "opinion")}
    jobs: list[Callable[[], object]] = []
    for serial in range(1, moves + 1):
        number = world.walker(serial).clue().case.number
        jobs.append(
            lambda number=number: cases.act(  # type: ignore[misc]
                cadre, case=number, action="nominate", data=data, key=f"bench-{number}", version=1
            )
        )
    return jobs


def _timed(jobs: Sequence[Callable[[], object]]) -> float:
    begun = time.perf_counter()
    for job in jobs:
        job()
    return time.perf_counter() - begun


def _copied(url: str, folder: Path) -> str:
    if url.startswith("sqlite"):
        path = folder / "copy.sqlite3"
        shutil.copy(folder / "bench.sqlite3", path)
        return str(path)
    name = url.partition("@/")[2].partition("?")[0]
    return postgres.new_database(name)


@contextmanager
def _recorded() -> Iterator[list[list[Statement]]]:
    """Note each statement of each transaction, with its parameters, as the driver gets it."""
    transactions: list[list[Statement]] = []

    def begun(connection: object) -> None:
        transactions.append([])

    def executed(c: object, cursor: object, sql: str, values: Any, x: object, many: bool) -> None:
        if not sql.startswith("BEGIN"):
            transactions[-1].append((sql, values, many))

    event.listen(db.engine, "begin", begun)
    event.listen(db.engine, "before_cursor_execute", executed)
    yield transactions
    event.remove(db.engine, "begin", begun)
    event.remove(db.engine, "before_cursor_execute", executed)


def _replay_sqlite(path: str, transactions: Sequence[Sequence[Statement]]) -> float:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    begun = time.perf_counter()
    for statements in transactions:
        writes = any(not sql.startswith("SELECT") for sql, _, _ in statements)
        connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
        for sql, values, many in statements:
            _run(connection.cursor(), sql, values, many)
        connection.execute("COMMIT")
    seconds = time.perf_counter() - begun
    connection.close()
    return seconds


def _replay_postgresql(url: str, transactions: Sequence[Sequence[Statement]]) -> float:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=False) as connection:
        begun = time.perf_counter()
        for statements in transactions:
            for sql, values, many in statements:
                _run(connection.cursor(), sql, values, many)
            connection.commit()
        return time.perf_counter() - begun


def _run(cursor: Any, sql: str, values: Any, many: bool) -> None:
    if many:
        cursor.executemany(sql, values)
    else:
        cursor.execute(sql, values)
    if cursor.description:
        cursor.fetchall()
