"""Pages of grids: a village opens one and files its groups; single households move; nobody else may."""

import pytest

from app.services import areas
from tests.web.site import browser
from tests.world import World

VILLAGE = "500241103204"
PAGE = f"/villages/{VILLAGE}/grids"


@pytest.fixture
def village(world: World) -> World:
    """A village with two households of one group."""
    areas.import_shipped("500241")
    for serial in (1, 2):
        world.household(serial, VILLAGE)
    return world


def test_a_village_files_its_groups_and_one_household_moves(village: World) -> None:
    one = browser(village, village.person("village_cadre", VILLAGE))
    assert PAGE in one.get("/households").text
    assert "还没有网格" in one.get(PAGE).text
    assert one.post(PAGE, {"name": "第一网格"}).status == 200
    text = one.get(PAGE).text
    assert f"{VILLAGE}001" in text
    assert "未划入网格 2户" in text
    group = text.split('name="group" value="')[1].split('"')[0]
    assert one.post(f"{PAGE}/assign", {"group": group, "grid": f"{VILLAGE}001"}).status == 200
    assert "第一网格 2户" in one.get(PAGE).text
    assert "第一网格" in one.get("/households/500241H0000001").text
    assert one.post("/households/500241H0000001/grid", {"grid": ""}).status == 200
    assert "未划入网格 1户" in one.get(PAGE).text


def test_what_is_wrong_is_told_and_what_was_typed_stays(village: World) -> None:
    one = browser(village, village.person("village_cadre", VILLAGE))
    one.post(PAGE, {"name": "第一网格"})
    assert one.post(PAGE, {"name": "第一网格"}).status == 422
    assert "新网格名称" in one.text
    assert 'value="第一网格"' in one.text
    assert one.post(f"{PAGE}/assign", {"grid": f"{VILLAGE}001"}).status == 422
    assert "选择村民小组" in one.text
    assert one.post("/households/500241H0000001/grid", {"grid": "1"}).code == "bad_value"


def test_neighbours_and_onlookers_may_not(village: World) -> None:
    for role, area in (("village_cadre", "500241103205"), ("grid_member", VILLAGE), ("auditor", VILLAGE)):
        one = browser(village, village.person(role, area))
        assert one.get(PAGE).status == 403
        assert one.post(PAGE, {"name": "第一网格"}).status == 403
        assert PAGE not in one.get("/households").text
        assert one.post("/households/500241H0000001/grid", {"grid": ""}).status in (403, 404)
