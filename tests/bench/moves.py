"""Durable moves a second: by the services, by the very same SQL sent raw, and by the least SQL that a move needs.

A client is a process of its own, as each worker of the web is; all of them start at the same moment.
"""

import multiprocessing
import shutil
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import event, select, text

from app.serve import settle_memory
from app.services import cases, several
from app.services.several import Wanted
from app.store import batch, statements
from app.store.schema import upgrade
from app.store.transaction import reading, writing
from app.tables import CaseRow, JournalRow, db
from tests import postgres
from tests.factories import VALUES
from tests.world import World
from workflows.model import Actor

CLIENTS = (1, 8)
DATA = {name: VALUES[name] for name in ("category", "risks", "income_per_head", "opinion")}
FORKED = multiprocessing.get_context("fork")  # what has been imported need not be again

Statement = tuple[str, Any, bool]
Transaction = list[Statement]


@dataclass(frozen=True)
class Rate:
    """Something a second: by the services, by the same SQL raw, by the least SQL."""

    clients: int
    services: float
    same: float
    least: float


@dataclass(frozen=True)
class Prepared:
    """A database with cases that wait for their move, and what moves them: by services, as raw SQL, as the least."""

    url: str
    folder: Path
    actor: Actor
    numbers: Sequence[str]
    same: Sequence[Transaction]
    least: Sequence[Transaction]
    together: Sequence[Transaction]

    def copied(self, name: str) -> str:
        """Return the address of a copy that nobody has moved anything in."""
        return copied(self.url, self.folder, name)


def copied(url: str, folder: Path, name: str) -> str:
    """Copy a database to which nobody is connected."""
    if not url.startswith("sqlite"):
        return postgres.new_database(url.partition("@/")[2].partition("?")[0])
    path = folder / f"{name}.sqlite3"
    shutil.copy(url.removeprefix("sqlite:///"), path)
    return f"sqlite:///{path}"


@contextmanager
def opened(url: str, folder: Path) -> Iterator[World]:
    """A world over a database, inside its application context; nothing stays connected."""
    world = World(url, folder)
    with world.app.app_context():
        yield world
    world.close()


# --- preparing ---
def prepared(engine: str, folder: Path, moves: int, together: int) -> Prepared:
    """Open cases, then note on copies what SQL their moves take, one by one and ``together`` in a request."""
    url = f"sqlite:///{folder / 'bench.sqlite3'}" if engine == "sqlite" else postgres.new_database()
    upgrade(url)
    with opened(url, folder) as world:
        actor = world.person("village_cadre")
        numbers = [world.walker(serial).clue().case.number for serial in range(1, moves + 1)]
        if engine == "postgresql":
            with writing():
                db.session.execute(text("ANALYZE"))  # as its own daemon does within a minute
    noted = copied(url, folder, "noted")
    with opened(noted, folder), recorded() as same:
        move_each(actor, numbers)
    with opened(noted, folder):
        least = least_sql(numbers, is_sqlite=engine == "sqlite")
    with opened(copied(url, folder, "together"), folder), recorded() as many:
        move_together(actor, numbers, together)
    return Prepared(url, folder, actor, numbers, same, least, many)


def move_each(actor: Actor, numbers: Sequence[str]) -> None:
    """Move each case by the service, in a transaction of its own."""
    for number in numbers:
        cases.act(actor, case=number, action="nominate", data=DATA, key=f"bench-{number}", version=1)


def move_together(actor: Actor, numbers: Sequence[str], size: int) -> None:
    """Move the cases by requests for several."""
    for start in range(0, len(numbers), size):
        wanted = [Wanted(number, 1) for number in numbers[start : start + size]]
        answers = several.act_on_several(actor, action="nominate", wanted=wanted, data=DATA, key=f"bench-{start}")
        assert all(one.done for one in answers)


@contextmanager
def recorded() -> Iterator[list[Transaction]]:
    """Note each statement of each transaction, with its parameters, as the driver gets it."""
    transactions: list[Transaction] = []

    def begun(connection: object) -> None:
        transactions.append([])

    def executed(c: object, cursor: object, sql: str, values: Any, x: object, many: bool) -> None:
        if not sql.startswith("BEGIN"):
            transactions[-1].append((sql, values, many))

    def written(cursor: Any, statement: str, rows: list[batch.Row]) -> None:
        """SQLite's writing goes by the driver itself, and so does the reading for one move."""
        transactions[-1].append((statement, rows, True))
        write_many(cursor, statement, rows)

    def read(cursor: Any, text: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        transactions[-1].append((text, values, False))
        return read_all(cursor, text, values)

    write_many, read_all = batch.write_many, statements.read_all
    event.listen(db.engine, "begin", begun)
    event.listen(db.engine, "before_cursor_execute", executed)
    batch.write_many, statements.read_all = written, read
    yield transactions
    batch.write_many, statements.read_all = write_many, read_all
    event.remove(db.engine, "begin", begun)
    event.remove(db.engine, "before_cursor_execute", executed)


LEAST_READ = "SELECT state, seq, head, fields, clocks FROM cases WHERE county = :county AND number = :number"
LEAST_MOVE = (
    "UPDATE cases SET state = :state, seq = :seq, head = :hash, fields = :fields, clocks = :clocks, due_at = :due_at,"
    " updated_at = :at WHERE county = :county AND number = :number AND seq = :seq - 1"
)
LEAST_ENTRY = (
    'INSERT INTO journal (county, "case", seq, text, hash, at) VALUES (:county, :number, :seq, :text, :hash, :at)'
)


def least_sql(numbers: Sequence[str], *, is_sqlite: bool) -> list[Transaction]:
    """What no move can do without: lock and read the case, then change it and add the entry, in one statement.

    SQLite knows no statement that does both, so there it is two.
    """
    joined = select(CaseRow, JournalRow).join(
        JournalRow, (JournalRow.case == CaseRow.number) & (JournalRow.seq == CaseRow.seq)
    )
    with reading():
        rows = db.session.execute(joined.where(CaseRow.number.in_(numbers)).order_by(CaseRow.number)).all()
    names = ("county", "number", "state", "seq", "fields", "clocks", "due_at")
    found = []
    for row in rows:
        entry = {name: getattr(row.JournalRow, name) for name in ("text", "hash", "at")}
        values = {**{name: getattr(row.CaseRow, name) for name in names}, **entry}
        write = [LEAST_MOVE, LEAST_ENTRY] if is_sqlite else [f"WITH moved AS ({LEAST_MOVE}) {LEAST_ENTRY}"]
        texts = [LEAST_READ, *write] if is_sqlite else [f"{LEAST_READ} FOR UPDATE", *write]
        found.append([(text if is_sqlite else _named(text), values, False) for text in texts])
    return found


def _named(text: str) -> str:
    """The same with psycopg's names of parameters."""
    for name in ("county", "number", "state", "seq", "fields", "clocks", "due_at", "text", "hash", "at"):
        text = text.replace(f":{name} ", f"%({name})s ").replace(f":{name},", f"%({name})s,")
        text = text.replace(f":{name})", f"%({name})s)")
    return text


# --- measuring ---
def measure(found: Prepared, clients: int, rounds: int) -> Rate:
    """Move every case on fresh copies, by so many clients; the median of some rounds, in each of them all three."""
    work = {"services": found.numbers, "same": found.same, "least": found.least}
    return _median(clients, [[_a_second(found, f"{n}", *one, clients) for one in work.items()] for n in range(rounds)])


def measure_together(found: Prepared, size: int, rounds: int) -> Rate:
    """Move all cases by requests for several, against the writing statements of those requests alone."""
    return _median(1, [list(_together(found, size, f"{n}")) for n in range(rounds)])


def _median(clients: int, rates: Sequence[Sequence[float]]) -> Rate:
    return Rate(clients, *(statistics.median(kind) for kind in zip(*rates, strict=True)))


def _together(found: Prepared, size: int, name: str) -> Iterator[float]:
    count = len(found.numbers)
    with opened(found.copied(f"several-{name}"), found.folder):
        warm(found)
        begun = time.perf_counter()
        move_together(found.actor, found.numbers, size)
        yield count / (time.perf_counter() - begun)
    writing = [[s for s in transaction if not s[0].startswith("SELECT")] for transaction in found.together]
    for kind, transactions in (("same", found.together), ("least", writing)):
        with raw(found.copied(f"together-{kind}-{name}")) as run:
            begun = time.perf_counter()
            run([transaction for transaction in transactions if transaction])
            yield count / (time.perf_counter() - begun)


def warm(found: Prepared) -> None:
    """Connect and compile the rules, as a server that runs has done: raw SQL is connected too before it starts."""
    cases.case_view(found.actor, case=found.numbers[0])
    settle_memory()


def _a_second(found: Prepared, name: str, kind: str, work: Sequence[Any], clients: int) -> float:
    """Share the work among clients that start together; from the first start to the last end."""
    url = found.copied(f"{kind}-{clients}-{name}")
    gate, times = FORKED.Barrier(clients), FORKED.Queue()
    workers = [
        FORKED.Process(target=_client, args=(kind, url, found, work[n::clients], gate, times)) for n in range(clients)
    ]
    for worker in workers:
        worker.start()
    spans: list[tuple[float, float]] = [times.get(timeout=600) for _ in workers]
    for worker in workers:
        worker.join()
    return len(work) / (max(end for _, end in spans) - min(begin for begin, _ in spans))


def _client(kind: str, url: str, found: Prepared, work: Sequence[Any], gate: Any, times: Any) -> None:
    with opened(url, found.folder) if kind == "services" else raw(url) as ready:
        run: Callable[[Sequence[Any]], None] = ready if callable(ready) else lambda all_: move_each(found.actor, all_)
        if kind == "services":
            warm(found)
        gate.wait()
        begun = time.perf_counter()
        run(work)
        times.put((begun, time.perf_counter()))


@contextmanager
def raw(url: str) -> Iterator[Callable[[Iterable[Transaction]], None]]:
    """Give a function that runs transactions by the bare driver, with the settings that the program has."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, timeout=60)) as connection:
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
                connection.execute(f"PRAGMA {pragma}")
            yield lambda transactions: _run_all(connection, transactions, begin=True)
    else:
        with psycopg.connect(url.replace("+psycopg", "")) as session:
            yield lambda transactions: _run_all(session, transactions, begin=False)


def _run_all(connection: Any, transactions: Iterable[Transaction], *, begin: bool) -> None:
    for one in transactions:
        if begin:
            writes = any(not sql.startswith("SELECT") for sql, _, _ in one)
            connection.execute("BEGIN IMMEDIATE" if writes or len(one) > 1 else "BEGIN")
        for sql, values, many in one:
            _run(connection.cursor(), sql, values, many)
        connection.commit()


def _run(cursor: Any, sql: str, values: Any, many: bool) -> None:
    if many:
        cursor.executemany(sql, values)
    else:
        cursor.execute(sql, values)
    if cursor.description:
        cursor.fetchall()
