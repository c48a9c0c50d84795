"""Grids: who files households under one, what its member sees then, and what a roster says of them."""

import secrets
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select, update

from app.idnumber import make_synthetic
from app.services import areas, cases, grids, lists, people
from app.services.households import import_households
from app.store.transaction import reading, writing
from app.tables import AccessRow, Household, db
from tests.unit.roster_books import HEAD, WIFE, book
from tests.world import World
from workflows.errors import BadValue, NotFound, WrongOffice
from workflows.model import Actor, Office

VILLAGE = "500241103204"
NEXT = "500241103205"
CLUE = {"clue_source": "self_report", "clue_note": "家中有人患重病"}


@pytest.fixture
def cadre(world: World) -> Actor:
    """A village cadre of a village with four households in two groups, and the next village with one."""
    areas.import_shipped("500241")
    for serial in range(1, 5):
        world.household(serial, VILLAGE)
    world.household(5, NEXT)
    with writing():
        first = Household.number.in_(["500241H0000001", "500241H0000002"])
        db.session.execute(update(Household).values(group_name=""))
        db.session.execute(update(Household).where(first).values(group_name="1组"))
    return world.person("village_cadre", VILLAGE)


def member_of(grid: str) -> Actor:
    """A grid member; looking needs no account."""
    return Actor("u9", "网格员", "p9", (Office("grid_member", grid),))


def account(grid: str, username: str, serial: int) -> Actor:
    """An account of a grid member."""
    if grid not in dict(grids.grids_of(VILLAGE)):
        areas.add_grid(grid, "另一网格")
    people.add_user(
        username=username,
        name="网格员",
        password="a-long-password-1",
        county="500241",
        offices=[("grid_member", grid)],
        id_number=make_synthetic(date(1980, 1, 1), serial, sex="male"),
    )
    return people.actor_named(username)


def seen_by(actor: Actor) -> set[str]:
    """The numbers of the households that a person finds by going through the village."""
    return {house.number[-1] for house, _ in lists.search(actor, area=VILLAGE).found.rows}


def area_of(serial: int) -> str:
    """Where a household is filed."""
    with reading():
        row = db.session.get(Household, ("500241", f"500241H000000{serial}"))
        assert row is not None
        return row.area


def test_a_grid_member_sees_the_own_grid_and_nobody_unfiled(cadre: Actor) -> None:
    first, second = (grids.open_grid(cadre, VILLAGE, name) for name in ("第一网格", "第二网格"))
    assert (first, second) == (f"{VILLAGE}001", f"{VILLAGE}002")
    assert seen_by(member_of(first)) == set()
    assert grids.assign(cadre, VILLAGE, first, groups=["1组"]) == 2
    assert grids.assign(cadre, VILLAGE, second, numbers=["500241H0000003"]) == 1
    assert (seen_by(member_of(first)), seen_by(member_of(second))) == ({"1", "2"}, {"3"})
    assert seen_by(member_of(VILLAGE)) == {"1", "2", "3", "4"} == seen_by(cadre)
    with pytest.raises(NotFound):
        lists.household_page(member_of(first), "500241H0000004")


def test_a_household_changes_its_grid_and_leaves_it(cadre: Actor) -> None:
    grid = grids.open_grid(cadre, VILLAGE, "第一网格")
    assert grids.assign(cadre, VILLAGE, grid, groups=["1组", ""]) == 4
    assert grids.assign(cadre, VILLAGE, grid, groups=["1组"]) == 0
    assert grids.assign(cadre, VILLAGE, "", numbers=["500241H0000002"]) == 1
    assert (area_of(1), area_of(2)) == (grid, VILLAGE)
    found = grids.village_grids(cadre, VILLAGE)
    assert [(g.group, g.grid, g.households) for g in found.groups] == [("", grid, 2), ("1组", "", 1), ("1组", grid, 1)]


def test_the_ledger_names_what_changed_and_nothing_else(cadre: Actor) -> None:
    grid = grids.open_grid(cadre, VILLAGE, "第一网格")
    grids.assign(cadre, VILLAGE, grid, groups=["1组"])
    grids.assign(cadre, VILLAGE, grid, groups=["1组"])
    with reading():
        lines = list(db.session.scalars(select(AccessRow.text).order_by(AccessRow.seq)))
    assert [("grid_added" in line, "grid_assigned" in line) for line in lines[-2:]] == [(True, False), (False, True)]
    assert "500241H0000001" in lines[-1]
    assert "500241H0000002" in lines[-1]


@pytest.mark.parametrize(
    ("field", "call"),
    [
        ("grid", {"grid": f"{NEXT}001", "groups": ["1组"]}),
        ("grid", {"grid": "x", "groups": ["1组"]}),
        ("households", {"grid": "", "groups": []}),
        ("households", {"grid": "", "numbers": ["500241H0000005"]}),
        ("households", {"grid": "", "numbers": ["500241H0000001", "500241H9999999"]}),
    ],
)
def test_bad_choices_change_nothing(cadre: Actor, field: str, call: dict[str, Any]) -> None:
    grid = grids.open_grid(cadre, VILLAGE, "第一网格")
    grids.assign(cadre, VILLAGE, grid, groups=["1组", ""])
    with pytest.raises(BadValue) as caught:
        grids.assign(cadre, VILLAGE, **call)
    assert caught.value.params["field"] == field
    assert {area_of(serial) for serial in range(1, 5)} == {grid}


@pytest.mark.parametrize("name", ["", "第一网格", "名" * 101, "a\nb"])
def test_a_bad_name_of_a_grid_is_refused(cadre: Actor, name: str) -> None:
    grids.open_grid(cadre, VILLAGE, "第一网格")
    with pytest.raises(BadValue):
        grids.open_grid(cadre, VILLAGE, name)
    assert grids.grids_of(VILLAGE) == ((f"{VILLAGE}001", "第一网格"),)


@pytest.mark.parametrize("role", ["grid_member", "resident_team", "auditor", "helper", "sector_dept"])
def test_others_may_not(world: World, cadre: Actor, role: str) -> None:
    stranger = world.person(role, VILLAGE)
    for call in (grids.village_grids, lambda a, v: grids.open_grid(a, v, "新"), lambda a, v: grids.assign(a, v, "")):
        with pytest.raises(WrongOffice):
            call(stranger, VILLAGE)
    neighbour = world.person("village_cadre", NEXT)
    with pytest.raises(WrongOffice):
        grids.assign(neighbour, VILLAGE, "", groups=["1组"])


def test_only_villages_have_grids(world: World, cadre: Actor) -> None:
    county = world.person("county_lead", VILLAGE)
    for code in ("500241103000", "500241000000", "500241103999", f"{VILLAGE}001"):
        with pytest.raises(NotFound):
            grids.village_grids(county, code)


def test_the_desk_and_the_guards_follow_the_grid(world: World, cadre: Actor) -> None:
    grid = grids.open_grid(cadre, VILLAGE, "第一网格")
    grids.assign(cadre, VILLAGE, grid, groups=["1组"])
    own, other = account(grid, "grid-own", 8), account(f"{VILLAGE}002", "grid-other", 9)

    def tell(actor: Actor) -> str:
        key = secrets.token_hex(8)
        return cases.register_clue(actor, household="500241H0000001", purpose="include", data=CLUE, key=key).case

    with pytest.raises(NotFound):
        tell(other)
    assert tell(own) == "500241H0000001-C1"
    with pytest.raises(NotFound):
        cases.case_view(other, case="500241H0000001-C1")
    assert cases.case_view(own, case="500241H0000001-C1").case.state == "clue_open"


def test_a_roster_files_under_a_grid_and_tells_differences(world: World) -> None:
    areas.import_shipped("500241")
    clerk = world.person("county_lead", VILLAGE)
    grid = grids.open_grid(clerk, VILLAGE, "第一网格")
    rows = [{**HEAD, "网格": "第一网格"}, WIFE]
    unknown = import_households(clerk, data=book([{**HEAD, "网格": "第九网格"}, WIFE]))
    assert [(e.code, e.column) for e in unknown.errors] == [("grid_unknown", "网格")]
    assert import_households(clerk, data=book(rows)).added == 1
    with reading():
        assert db.session.scalars(select(Household.area).where(Household.head_name == "测试甲")).one() == grid
    assert import_households(clerk, data=book(rows)).unchanged == 1
    assert import_households(clerk, data=book([HEAD, WIFE])).unchanged == 1
    grids.open_grid(clerk, VILLAGE, "第二网格")
    moved = import_households(clerk, data=book([{**HEAD, "网格": f"{VILLAGE}002"}, WIFE]))
    assert [d.columns for d in moved.differences] == [("area",)]
