"""Seconds to simulate a year of a county: line, limits, visits and staffing over all its households."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from app.services import rule_runs
from app.store.schema import upgrade
from app.store.statements import table
from app.store.transaction import writing
from app.tables import CaseRow, Household, Wait, db
from tests import postgres
from tests.bench.moves import opened
from tests.factories import VALUES, XIUSHAN
from tests.world import World

COUNTY = "500241"
TOWNSHIPS, VILLAGES = 30, 10
ASKED = {
    "line": "+10%", "limit.household_case.verify": "3 working_days", "limit.assist.visit_open": "2 month",
    "staff.township_officer": "1", "apply": "5", "seed": "7",
}  # fmt: skip
#: One household in so many stands where these were brought to; the others are not monitored.
STANDING = {"verifying": 40, "publicizing": 40, "county_review": 40, "concluded": 5}
CASE_TABLES = (CaseRow, Wait)


@dataclass(frozen=True)
class Timed:
    """How long a simulation took, over how many households and cases, how many visits and signatures it counted."""

    households: int
    cases: int
    acts: int
    visits: int
    seconds: float


def measure(engine: str, folder: Path, rows: int) -> Timed:
    """Fill a county with copies of real households and simulate a year of it."""
    url = f"sqlite:///{folder / 'simulate.sqlite3'}" if engine == "sqlite" else postgres.new_database()
    upgrade(url)
    with opened(url, folder) as world:
        fill(world, rows)
        asked = rule_runs.ask_simulation(world.person("county_lead"), COUNTY, ASKED)
        begun = time.perf_counter()
        run = rule_runs.carry_out_now(asked, lambda _: None)
        seconds = time.perf_counter() - begun
    found = run.result["after"]
    acts, visits = (sum(map(sum, found[key].values())) for key in ("acts_by_month", "visits_by_month"))
    return Timed(run.result["households"]["total"], found["cases"]["arrived"], acts, visits, seconds)


def fill(world: World, rows: int) -> None:
    """Copy households that stand at several states over thirty townships, with incomes around the line."""
    seeds = {}
    for serial, state in enumerate(STANDING, 1):
        walker = world.walker(serial).clue().walk(state)
        seeds[state] = walker.household.number
        world.now = max(world.now, walker.now)
    plain = world.household(9)
    with writing():
        for township in range(1, TOWNSHIPS + 1):
            for village in range(1, VILLAGES + 1):
                world.add_area(f"{XIUSHAN[:6]}{township:03}{200 + village}")
        db.session.execute(text(_households()), {"count": rows, "plain": plain, "details": _details()})
        for state, number in seeds.items():
            for model in CASE_TABLES:
                values = {
                    "count": rows,
                    "like": f"{number}%",
                    "every": STANDING[state],
                    "rest": list(STANDING).index(state),
                }
                more = {"verified": f'"income_per_head":{VALUES["income_per_head"]}'} if model is CaseRow else {}
                db.session.execute(text(_cases(model)), {**values, **more})


NUMBER = f"'{COUNTY}H' || substr(CAST(10000000 + i AS VARCHAR), 2)"
TOWNSHIP = f"'{COUNTY}' || substr(CAST(1001 + i % {TOWNSHIPS} AS VARCHAR), 2)"
VILLAGE = f"{TOWNSHIP} || CAST(201 + i / {TOWNSHIPS} % {VILLAGES} AS VARCHAR)"
PLACE = {"area": VILLAGE, "village": VILLAGE, "township": f"{TOWNSHIP} || '000'"}
COUNTED = "WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < :count)"


def _details() -> str:
    return json.dumps({"incomes": {"net_per_head": "INCOME"}})


def _households() -> str:
    income = "replace(:details, '\"INCOME\"', CAST(500000 + i * 7919 % 700000 AS VARCHAR))"
    if db.engine.dialect.name == "postgresql":
        income = f"CAST({income} AS JSON)"
    new = {**PLACE, "number": NUMBER, "head_key": "'copy' || CAST(i AS VARCHAR)", "details": income}
    return _copied(Household, new, "r.number = :plain", "")


def _cases(model: type[CaseRow] | type[Wait]) -> str:
    key = "number" if model is CaseRow else "case"
    new = {**PLACE, key: f'{NUMBER} || substr(r."{key}", 15)'}
    if model is CaseRow:
        new["subject"] = f"'household:' || {NUMBER}"
        verified = "CAST(550000 + i * 7919 % 450000 AS VARCHAR)"
        new["fields"] = f"replace(r.fields, :verified, '\"income_per_head\":' || {verified})"
    return _copied(model, new, f'r."{key}" LIKE :like', "WHERE i % :every = :rest")


def _copied(model: type[Household] | type[CaseRow] | type[Wait], new: dict[str, str], which: str, some: str) -> str:
    source = table(model)
    listed = ", ".join(f'"{c.name}"' for c in source.columns)
    chosen = ", ".join(new.get(c.name, f'r."{c.name}"') for c in source.columns)
    return (
        f"INSERT INTO {source.name} ({listed}) {COUNTED}, "  # noqa: S608
        f"r AS (SELECT * FROM {source.name} AS r WHERE {which}) SELECT {chosen} FROM n, r {some}"
    )
