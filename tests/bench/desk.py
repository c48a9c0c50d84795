"""Seconds of a desk page of a county with very many cases, by the real route: the first page, and one far behind."""

import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from app.store.schema import upgrade
from app.store.statements import table
from app.store.transaction import writing
from app.tables import Base, CaseRow, Household, Wait, db
from tests import postgres
from tests.bench.moves import opened
from tests.web.site import add_pages, browser
from tests.world import World

RUNS = 5
# Only reading is measured, so the rows are copies of one real household's, written by three statements.
NUMBER = "'500241H' || substr(CAST(10000000 + i AS VARCHAR), 2)"
DUE = "'2026-' || substr(CAST(101 + i % 12 AS VARCHAR), 2) || '-' || substr(CAST(101 + i % 28 AS VARCHAR), 2)"
NEW = {
    "number": {"households": NUMBER, "cases": f"{NUMBER} || '-C1'"},
    "case": {"waits": f"{NUMBER} || '-C1'"},
    "subject": {"cases": f"'household:' || {NUMBER}"},
    "due_at": {"cases": f"{DUE} || 'T16:00:00Z'", "waits": f"{DUE} || 'T16:00:00Z'"},
    "head_key": {"households": "'head' || CAST(i AS VARCHAR)"},
}


@dataclass(frozen=True)
class Desk:
    """Median seconds of the first page and of one in the middle of the list."""

    rows: int
    first: float
    deep: float


def measure(engine: str, folder: Path, rows: int) -> Desk:
    """Fill a county and open the desk of its lead office."""
    url = f"sqlite:///{folder / 'desk.sqlite3'}" if engine == "sqlite" else postgres.new_database()
    upgrade(url)
    with opened(url, folder) as world:
        walker = world.walker(1).clue().walk("county_review")
        world.now = walker.now
        with writing():
            for model in (Household, CaseRow, Wait):
                db.session.execute(text(copies(model)), {"count": rows, "like": f"{walker.household.number}%"})
        if engine == "postgresql":
            with writing():
                db.session.execute(text("ANALYZE"))
        return _timed(world, rows)


def copies(model: type[Base]) -> str:
    """Return the statement that copies one row many times, with keys and due times of its own."""
    source, name = table(model), table(model).name
    key = "case" if model is Wait else "number"
    columns = [column.name for column in source.columns]
    chosen = ", ".join(NEW[c][name] if name in NEW.get(c, {}) else f'r."{c}"' for c in columns)
    listed = ", ".join(f'"{c}"' for c in columns)
    only = " AND r.definition = 'household_case'" if model is CaseRow else ""
    return (
        f"INSERT INTO {name} ({listed})"  # noqa: S608
        " WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < :count)"
        f' SELECT {chosen} FROM n, {name} AS r WHERE r."{key}" LIKE :like{only}'
    )


def _timed(world: World, rows: int) -> Desk:
    add_pages(world)
    one = browser(world, world.person("county_lead"))
    middle = text('SELECT due_at, "case" FROM waits WHERE role = :role ORDER BY due_at, "case" LIMIT 1 OFFSET :half')
    due, case = db.session.execute(middle, {"role": "county_lead", "half": rows // 2}).one()
    db.session.rollback()
    return Desk(rows, *(_median(one, path) for path in ("/desk", f"/desk?after={due}~{case}")))


def _median(one: object, path: str) -> float:
    seconds = []
    for _ in range(RUNS + 1):
        begun = time.perf_counter()
        assert one.get(path).status == 200  # type: ignore[attr-defined]
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds[1:])  # the first one loads what a process loads once
