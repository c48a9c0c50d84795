"""Seconds of a sweep by how many periods run and how many of them are due; and of one that finds nothing to do."""

import multiprocessing
import statistics
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select, text, update

from app.services.sweep import sweep
from app.store.schema import upgrade
from app.store.statements import table
from app.store.transaction import reading, writing
from app.tables import Base, CaseRow, DeadlineRow, Household, JournalRow, Wait, db
from tests import postgres
from tests.bench.moves import opened
from tests.world import World
from workflows.clock import parse_utc

FORKED = multiprocessing.get_context("fork")
IDLE_RUNS = 20
FAR = "'2099-01-01T00:00:00Z'"
# Rows are copies of one real household's whose clue is about to be late. Those that only run have no household: the
# sweep never looks at them, which is what is measured.
NUMBER = "'500241H' || substr(CAST(10000000 + i AS VARCHAR), 2)"
CASE = f"{NUMBER} || '-C1'"
NEW: Mapping[type[Base], Mapping[str, str]] = {
    Household: {"number": NUMBER, "head_key": "'head' || CAST(i AS VARCHAR)"},
    CaseRow: {"number": CASE, "subject": f"'household:' || {NUMBER}"},
    DeadlineRow: {"case": CASE, "next_at": "r.due_at"},
    Wait: {"case": CASE},
    JournalRow: {"case": CASE},  # the database takes an entry only behind the one before it
}


@dataclass(frozen=True)
class Swept:
    """Seconds of an idle sweep and of one that found so many periods due, by so many processes."""

    live: int
    due: int
    idle: float
    seconds: float
    processes: int


def measure(engine: str, folder: Path, levels: list[int], due: int) -> Iterator[Swept]:
    """Fill up to each level of running periods, make so many due, and sweep them."""
    url = f"sqlite:///{folder / 'sweep.sqlite3'}" if engine == "sqlite" else postgres.new_database()
    upgrade(url)
    with opened(url, folder) as world:
        walker = world.walker(1).clue()
        late = parse_utc(walker.case.clocks["clue_accept"].due)
        source, first = walker.household.number, 2
        with writing():
            db.session.execute(update(DeadlineRow).values(next_at=None))  # the pattern itself is never swept
        for live in levels:
            early = late - timedelta(seconds=1)
            _add(source, first, due)
            first += due
            _fill(source, first, live - _count())
            first += live
            _settle(world)
            yield _measured(world, live, early=early, late=late, due=due)


def _measured(world: World, live: int, *, early: datetime, late: datetime, due: int) -> Swept:
    world.now = early
    idle = statistics.median(_timed_idle() for _ in range(IDLE_RUNS))
    processes = 2 if world.url.startswith("postgresql") else 1  # on SQLite one works at a time
    world.now = late
    before = _lapses()
    seconds = _by_processes(world, processes)
    done = _lapses() - before
    if done < due:
        raise AssertionError(f"{done} of {due} periods were noticed")
    return Swept(live, done, idle, seconds, processes)


def _timed_idle() -> float:
    begun = time.perf_counter()
    found = sweep()
    seconds = time.perf_counter() - begun
    if found["done"]:
        raise AssertionError(f"an idle sweep did {found}")
    return seconds


def _by_processes(world: World, count: int) -> float:
    """Sweep by forked processes that start at the same moment, each with connections of its own."""
    gate = FORKED.Barrier(count + 1)
    crew = [FORKED.Process(target=_become_sweeper, args=(gate,)) for _ in range(count)]
    db.session.remove()
    db.engine.dispose()
    for process in crew:
        process.start()
    gate.wait()
    begun = time.perf_counter()
    for process in crew:
        process.join()
    seconds = time.perf_counter() - begun
    if any(process.exitcode for process in crew):
        raise AssertionError("a sweep failed")
    return seconds


def _become_sweeper(gate: "multiprocessing.synchronize.Barrier") -> None:
    gate.wait()
    found = sweep()
    if found["failed"]:
        raise AssertionError(f"{found}: {_troubles()}")


def _troubles() -> list[str | None]:
    with reading():
        query = select(DeadlineRow.trouble).where(DeadlineRow.trouble.is_not(None)).distinct().limit(3)
        return list(db.session.scalars(query))


# --- filling ---
def _add(source: str, first: int, count: int) -> None:
    with writing():
        for model in NEW:
            db.session.execute(text(_copies(model)), {"first": first, "last": first + count - 1, "of": source})


def _fill(source: str, first: int, count: int) -> None:
    """Periods that run and are not due, for a long time."""
    far = {"next_at": FAR, "due_at": FAR}
    statement = _copies(DeadlineRow, far, "AND r.kind = 'clue_accept'")
    with writing():
        db.session.execute(text(statement), {"first": first, "last": first + count - 1, "of": source})


def _copies(model: type[Base], more: Mapping[str, str] | None = None, only: str = "") -> str:
    source, new = table(model), {**NEW[model], **(more or {})}
    key = {Household: "r.number", CaseRow: "r.number"}.get(model, 'r."case"')
    same = f"{key} = :of" if model is Household else f"{key} = :of || '-C1'"
    columns = [column.name for column in source.columns]
    chosen, listed = ", ".join(new.get(c, f'r."{c}"') for c in columns), ", ".join(f'"{c}"' for c in columns)
    running = "AND r.ended_how IS NULL" if model is DeadlineRow else ""
    return (
        f"INSERT INTO {source.name} ({listed})"  # noqa: S608
        " WITH RECURSIVE n(i) AS (SELECT CAST(:first AS INTEGER) UNION ALL SELECT i + 1 FROM n WHERE i < :last),"
        f" r AS MATERIALIZED (SELECT * FROM {source.name} AS r WHERE {same} {running} {only})"
        f" SELECT {chosen} FROM n, r"
    )


def _settle(world: World) -> None:
    with writing():
        db.session.execute(text("ANALYZE"))


def _count() -> int:
    with reading():
        query = select(func.count()).select_from(DeadlineRow).where(DeadlineRow.ended_how.is_(None))
        return int(db.session.scalar(query) or 0)


def _lapses() -> int:
    with reading():
        return int(db.session.scalar(select(func.count()).select_from(JournalRow).where(JournalRow.seq == 2)) or 0)
