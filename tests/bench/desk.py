"""Seconds of the lists of a county with very many cases, by the real routes, as village, township and county see."""

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from app.store.schema import upgrade
from app.store.statements import table
from app.store.transaction import writing
from app.tables import Base, CaseRow, DeadlineRow, Household, Wait, db
from tests import postgres
from tests.bench.moves import opened
from tests.factories import XIUSHAN
from tests.web.site import Browser, add_pages, browser
from tests.world import World

RUNS = 5
TOWNSHIPS, VILLAGES = 30, 10  # villages of each township
ROLES = ("village_cadre", "township_officer", "county_lead")
PAGES = {
    "desk": "/desk",
    "desk, in the middle": "/desk?after={middle}",
    "desk, after this week": "/desk?band=later",
    "overdue": "/overdue",
    "board": "/board",
    "board, all that one number counts": "/board/rows?band=late",
    "board, a column": "/board/rows?band=late&column=county_approve",
    "late by month": "/board/months",
    "households": "/households",
    "households by name": "/households?q=张",
    "notices": "/notices",
}
# Only reading is measured, so the rows are copies of two real households', written by a few statements. The cases
# are spread over townships, villages and the year; each waits for all three at once, so that everybody's list is long.
NUMBER = "'500241H' || substr(CAST(10000000 + i AS VARCHAR), 2)"
TOWNSHIP = f"'500241' || substr(CAST(1001 + i % {TOWNSHIPS} AS VARCHAR), 2)"
VILLAGE = f"{TOWNSHIP} || CAST(201 + i / {TOWNSHIPS} % {VILLAGES} AS VARCHAR)"
ROUND = f"i / {TOWNSHIPS * VILLAGES}"  # each round gives one case to each village
MONTH, DAY = (f"substr(CAST(101 + {ROUND} % {most} AS VARCHAR), 2)" for most in (12, 28))
DUE = f"'2026-' || {MONTH} || '-' || {DAY}"
CASE = f"{NUMBER} || '-C1'"
PLACE = {"area": VILLAGE, "village": VILLAGE, "township": f"{TOWNSHIP} || '000'"}
TIMES = {"due_at": f"{DUE} || 'T16:00:00Z'"}
NEW: Mapping[type[Base], Mapping[str, str]] = {
    Household: {**PLACE, "number": NUMBER, "head_key": "'head' || CAST(i AS VARCHAR)"},
    CaseRow: {**PLACE, **TIMES, "number": CASE, "subject": f"'household:' || {NUMBER}"},
    DeadlineRow: {**PLACE, **TIMES, "case": CASE},
    Wait: {**PLACE, **TIMES, "case": CASE, "role": "o.role"},
}
ONLY = {
    Household: "",
    CaseRow: "AND r.definition = 'household_case'",
    DeadlineRow: "AND r.ended_how IS NULL",
    Wait: "AND r.role IN ('village_cadre', 'county_lead')",
}
IN_PUBLIC = 20  # one case in so many hangs in its village


@dataclass(frozen=True)
class Lists:
    """Median seconds of a page, by role."""

    page: str
    seconds: Sequence[float]


def measure(engine: str, folder: Path, rows: int) -> list[Lists]:
    """Fill a county and open its lists."""
    url = f"sqlite:///{folder / 'desk.sqlite3'}" if engine == "sqlite" else postgres.new_database()
    upgrade(url)
    with opened(url, folder) as world:
        fill(world, rows)
        return list(_timed(world, rows))


def fill(world: World, rows: int) -> None:
    """Fill a county with so many cases that wait for everybody, one in twenty of them under public notice."""
    seeds = {}
    for serial, state in ((1, "county_review"), (2, "publicizing")):
        walker = world.walker(serial).clue().walk(state)
        seeds[state] = walker.household.number
        world.now = walker.now
    with writing():
        for township in range(1, TOWNSHIPS + 1):
            for village in range(1, VILLAGES + 1):
                world.add_area(f"500241{township:03}{200 + village}")
        for model in NEW:
            for state, number in seeds.items():
                sign = "=" if state == "publicizing" else "<>"
                db.session.execute(text(copies(model, sign)), {"count": rows, "like": f"{number}%"})
        if world.url.startswith("postgresql"):
            db.session.execute(text("ANALYZE"))


def copies(model: type[Base], sign: str) -> str:
    """Return the statement that copies a household's row many times, with keys, place and due times of its own."""
    source, new = table(model), NEW[model]
    key = "number" if model in (Household, CaseRow) else "case"
    columns = [column.name for column in source.columns]
    chosen = ", ".join(new.get(c, f'r."{c}"') for c in columns)
    listed = ", ".join(f'"{c}"' for c in columns)
    offices = " UNION ALL ".join(f"SELECT '{role}' AS role" for role in ROLES) if model is Wait else "SELECT 1"
    return (
        f"INSERT INTO {source.name} ({listed})"  # noqa: S608
        " WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < :count),"
        # Read once: PostgreSQL would look through all that it has just written, for each new row again.
        f' r AS MATERIALIZED (SELECT * FROM {source.name} AS r WHERE r."{key}" LIKE :like {ONLY[model]})'
        f" SELECT {chosen} FROM n, r, ({offices}) AS o WHERE {ROUND} % {IN_PUBLIC} {sign} 0"
    )


def _timed(world: World, rows: int) -> Iterator[Lists]:
    add_pages(world)
    browsers = [(role, browser(world, world.person(role, XIUSHAN))) for role in ROLES]
    for name, path in PAGES.items():
        yield Lists(name, [_median(one, path.format(middle=middle_of(role))) for role, one in browsers])


def middle_of(role: str) -> str:
    """Return the key of a row in the middle of a role's list."""
    query = 'SELECT due_at, "case" FROM waits WHERE role = :role ORDER BY due_at, "case" LIMIT 1 OFFSET :half'
    count = db.session.execute(text("SELECT count(*) FROM waits WHERE role = :role"), {"role": role}).scalar_one()
    due, case = db.session.execute(text(query), {"role": role, "half": count // 2}).one()
    db.session.rollback()
    return f"{due}~{case}"


def _median(one: Browser, path: str) -> float:
    seconds = []
    for _ in range(RUNS + 1):
        begun = time.perf_counter()
        assert one.get(path).status == 200
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds[1:])  # the first one loads what a process loads once
