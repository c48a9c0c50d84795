"""The desk: its numbers are its rows, a page costs the same whether it shows five rows or fifty."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from app.services import boards, lists, people
from app.store import lists as store
from app.tables import db
from tests.bench import desk
from tests.factories import XIUSHAN
from tests.web.site import browser
from tests.world import PASSWORD, World, id_number

ROW = re.compile(r'class="rowlink" href="/cases/([^"]+)"')
TILE = re.compile(r"<b>(\d+)</b>")


@contextmanager
def counted() -> Iterator[list[str]]:
    """Collect the statements that are sent to the database."""
    seen: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def test_numbers_are_rows(world: World) -> None:
    for serial in range(1, 5):
        walker = world.walker(serial)
        walker.now += timedelta(hours=serial)
        walker.clue()
        world.now += timedelta(days=2)
    cadre = world.person("village_cadre")
    one = browser(world, cadre).get("/desk")
    numbers = [int(n) for n in TILE.findall(one.text)]
    assert numbers[0] == sum(numbers[1:]) == 4
    for number, band in zip(numbers[1:], lists.BANDS, strict=True):
        assert len(ROW.findall(one.get(f"/desk?band={band}").text)) == number
    assert numbers[1] > 0
    assert "超期" in one.get("/desk").text


def test_keyset_pages_hold_each_row_once(world: World) -> None:
    for serial in range(1, 31):
        world.walker(serial).clue()
    one = browser(world, world.person("village_cadre")).get("/desk")
    seen = ROW.findall(one.text)
    assert len(seen) == lists.SIZE
    following = re.search(r'href="(/desk\?after=[^"]+)" rel="next"', one.text)
    assert following
    seen += ROW.findall(one.get(following[1].replace("&amp;", "&")).text)
    assert len(seen) == len(set(seen)) == 30


LISTS = {
    "/desk": "village_cadre",
    "/households": "village_cadre",
    "/overdue": "village_cadre",
    "/notices": "village_cadre",
    "/reminders": "village_cadre",
    "/audit": "auditor",
}


def test_no_query_in_a_loop(world: World) -> None:
    costs: list[dict[str, int]] = []
    for serials in (range(1, 6), range(6, 51)):
        for serial in serials:
            world.walker(serial).clue()
        world.now += timedelta(days=3)
        costs.append({path: cost(world, path, role) for path, role in LISTS.items()})
    assert costs[0] == costs[1]


def cost(world: World, path: str, role: str) -> int:
    """How many statements a page takes."""
    one = browser(world, world.person(role)).get(path)
    with counted() as statements:
        assert one.get(path).status == 200
    return len(statements)


def test_a_case_that_waits_for_two_of_my_offices_stands_once(world: World) -> None:
    world.walker().clue()
    people.add_user(
        username="both",
        name="双岗",
        password=PASSWORD,
        county=XIUSHAN[:6],
        offices=[("village_cadre", XIUSHAN), ("resident_team", XIUSHAN)],
        id_number=id_number("both"),
    )
    world.accounts["both"] = people.actor_named("both")
    one = browser(world, world.accounts["both"]).get("/desk")
    assert len(ROW.findall(one.text)) == 1
    assert TILE.findall(one.text)[0] == "1"


def test_a_helper_sees_assigned_households_only(world: World) -> None:
    world.walker(1).include().assist()
    world.walker(2).include()
    helper = next(a for name, a in world.accounts.items() if name.startswith("helper"))
    world.now += timedelta(days=40)
    one = browser(world, helper).get("/desk")
    assert set(ROW.findall(one.text)) == {"500241H0000001-A1"}
    assert "500241H0000002" not in one.get("/households?q=张三").text
    assert "500241H0000001" in one.text


# --- very many ---
MANY = 3_000
FEW_ROWS, FEW_STEPS = 1_500, 30_000  # a walk through all cases takes several times as much of either


@contextmanager
def effort(world: World) -> Iterator[Callable[[], tuple[int, int]]]:
    """Tell how many statements ran and how much they read: SQLite's own steps, or the rows of PostgreSQL's scans."""
    seen: list[tuple[Any, str, Any]] = []
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 100

    def note(connection: Any, cursor: object, statement: str, values: Any, *rest: object) -> None:
        if world.url.startswith("sqlite"):
            connection.connection.driver_connection.set_progress_handler(step, 100)
        seen.append((connection, statement, values))

    def read() -> tuple[int, int]:
        event.remove(db.engine, "before_cursor_execute", note)
        selects = [(sql, values) for _, sql, values in seen if sql.startswith("SELECT")]
        return len(seen), steps if world.url.startswith("sqlite") else sum(rows_read(*one) for one in selects)

    event.listen(db.engine, "before_cursor_execute", note)
    yield read


def rows_read(statement: str, values: Any) -> int:
    """How many rows PostgreSQL reads from tables and indexes for a statement, those that it drops included."""
    explained = (
        db.session.connection().exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values).scalar_one()
    )
    found = explained if isinstance(explained, list) else json.loads(explained)
    db.session.rollback()
    return scanned(found[0]["Plan"])


def scanned(plan: dict[str, Any]) -> int:
    """How many rows the scans of a plan touch."""
    own = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0) if "Scan" in plan["Node Type"] else 0
    return int(own * plan["Actual Loops"]) + sum(scanned(part) for part in plan.get("Plans", ()))


@pytest.mark.parametrize("role", desk.ROLES)
def test_a_page_reads_no_more_however_long_the_list(world: World, role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "COUNTED", 50)
    monkeypatch.setattr(lists, "MOST", 50)
    desk.fill(world, MANY)
    who = world.person(role)
    for band, after in (("", ""), ("later", ""), ("", desk.middle_of(role))):
        with effort(world) as read:
            found = lists.desk(who, band=band, after=after)
        count, much = read()
        assert found.found.rows
        assert count <= 4
        assert much < (FEW_STEPS if world.url.startswith("sqlite") else FEW_ROWS), (band, after)


def test_of_very_many_it_is_said_that_there_are_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((store, "COUNTED"), (lists, "MOST"), (boards, "MOST")):
        monkeypatch.setattr(module, name, 50)
    desk.fill(world, 900)
    one = browser(world, world.person("county_lead")).get("/desk")
    assert "<b>50+</b>" in one.text
    assert "50+" in browser(world, world.person("auditor")).get("/audit").text


def test_notices_come_by_so_many_villages_a_page(world: World) -> None:
    desk.fill(world, 600)
    one = browser(world, world.person("county_lead")).get("/notices")
    seen = re.findall(r'href="/notices/(\d+)"', one.text)
    following = re.search(r'href="(/notices\?after=[^"]+)" rel="next"', one.text)
    assert following
    seen += re.findall(r'href="/notices/(\d+)"', one.get(following[1]).text)
    assert len(seen) == len(set(seen)) == 2 * lists.SIZE
    assert seen == sorted(seen)
