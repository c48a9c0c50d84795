"""Rosters by the API: sent, looked at, taken in; a token reaches no further than it was made for."""

import io

import pytest
from openpyxl import load_workbook
from sqlalchemy import func, select

from app.services import areas, roster_jobs
from app.store.transaction import reading
from app.tables import Household, db
from tests.api.site import Caller, caller
from tests.store.test_import_households import LONER
from tests.unit.roster_books import HEAD, WIFE, book
from tests.world import World
from workflows.model import Actor

VILLAGE = "500241103204"
OTHER = {**LONER, "村": "新院村"}


@pytest.fixture
def clerk(world: World) -> Actor:
    """A township officer in a county with its villages."""
    areas.import_shipped("500241")
    return world.person("township_officer", VILLAGE)


@pytest.fixture
def site(world: World, clerk: Actor) -> Caller:
    """The officer's data platform."""
    return caller(world, clerk)


def sent(one: Caller, *rows: dict[str, object], **more: str) -> str:
    """Send a roster, let it be checked, and return its id."""
    found = one.send("POST", "/rosters?name=a.xlsx", raw=book(rows), **more)
    assert (one.status, found["state"]) == (202, "check")
    roster_jobs.work()
    return str(found["id"])


def count() -> int:
    """Households in the database."""
    with reading():
        return int(db.session.scalar(select(func.count()).select_from(Household)) or 0)


def test_a_roster_is_checked_and_taken_in(world: World, site: Caller) -> None:
    roster = sent(site, HEAD, WIFE, LONER)
    found = site.get(f"/rosters/{roster}")
    assert (found["state"], found["added"], found["people"], found["error_count"]) == ("checked", 2, 3, 0)
    assert site.post(f"/rosters/{roster}/take", {})["state"] == "take"
    roster_jobs.work()
    assert site.get(f"/rosters/{roster}")["state"] == "done"
    assert count() == 2
    assert [row["id"] for row in site.get("/rosters")["rows"]] == [roster]


def test_differences_need_their_code_and_may_be_chosen(world: World, site: Caller) -> None:
    for rows in ((HEAD, LONER), ({**HEAD, "组": "九组"}, {**LONER, "组": "九组"})):
        roster = sent(site, *rows)
        found = site.get(f"/rosters/{roster}")
        body = {"code": found["confirmation"], "households": ["500241H0000002"]}
        site.post(f"/rosters/{roster}/take", body)
        roster_jobs.work()
    assert site.get(f"/rosters/{roster}")["changed"] == 1
    roster = sent(site, {**HEAD, "组": "九组"})
    site.post(f"/rosters/{roster}/take", {"code": "00000000"})
    assert (site.status, site.code) == (422, "bad_value")


def test_wrong_rows_are_named_and_come_back(world: World, site: Caller) -> None:
    roster = sent(site, {**HEAD, "姓名": ""}, LONER)
    found = site.get(f"/rosters/{roster}")
    assert [(e["row"], e["code"]) for e in found["errors"]] == [(2, "required")]
    marked = load_workbook(io.BytesIO(site.get(f"/rosters/{roster}/errors")))
    assert marked["出错的行"].max_row == 2
    site.post(f"/rosters/{roster}/take", {})
    assert site.status == 422


def test_the_same_key_sends_a_roster_once(world: World, site: Caller) -> None:
    data = book([HEAD])  # once, as a workbook says when it was written
    first = site.send("POST", "/rosters", raw=data, key="one")
    again = site.send("POST", "/rosters", raw=data, key="one")
    assert (again["id"], again["repeated"]) == (first["id"], True)


def test_a_narrowed_token_takes_in_no_more_than_its_area(world: World, clerk: Actor) -> None:
    narrow = caller(world, clerk, area=VILLAGE)
    roster = sent(narrow, HEAD, OTHER)
    assert [e["code"] for e in narrow.get(f"/rosters/{roster}")["errors"]] == ["village_unknown"]
    whole = caller(world, clerk)
    wide = sent(whole, HEAD, OTHER)
    assert whole.get(f"/rosters/{wide}")["added"] == 2
    narrow.get(f"/rosters/{wide}")
    assert (narrow.status, narrow.code) == (404, "not_found")
    assert [row["id"] for row in narrow.get("/rosters")["rows"]] == [roster]


def test_nobody_sees_another_persons_roster(world: World, site: Caller) -> None:
    roster = sent(site, HEAD)
    other = caller(world, world.person("county_lead", VILLAGE))
    for method, path in (("GET", ""), ("GET", "/errors"), ("POST", "/take"), ("POST", "/check"), ("POST", "/drop")):
        other.send(method, f"/rosters/{roster}{path}", {} if method == "POST" else None)
        assert (other.status, other.code) == (404, "not_found"), path


def test_an_export(world: World, site: Caller) -> None:
    roster = sent(site, HEAD, WIFE)
    site.post(f"/rosters/{roster}/take", {})
    roster_jobs.work()
    data = site.post("/households/export", {"area": VILLAGE})
    assert load_workbook(io.BytesIO(data)).worksheets[0].max_row == 3
    assert str(HEAD["证件号码"]) not in str(list(load_workbook(io.BytesIO(data)).worksheets[0].values))
    site.post("/households/export", {"area": "500230000000"})
    assert site.status == 403
