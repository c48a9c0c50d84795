"""The list of open rectification items: by area, soonest due first, late ones told, who answers; page, table, API."""

from datetime import timedelta

import pytest

from app.services import findings, rectifications
from app.services.rectifications import Asked
from tests.api.site import add_api, caller
from tests.factories import FENGDU, XIUSHAN
from tests.web.site import browser
from tests.web.test_findings import FINDING, HOUSEHOLD, moved
from tests.world import World
from workflows.errors import BadValue

TOWNSHIP = f"{XIUSHAN[:9]}000"
OTHER = "500241102001"  # a village of another township


def found_at(world: World, serial: int, area: str = XIUSHAN, level: str = "township") -> str:
    """An item of a household; returns its number."""
    household = world.household(serial, area)
    findings.find(world.person("auditor"), household=household, level=level, data=FINDING, key=f"k{serial}")
    return f"{household}-R1"


def test_items_are_listed_soonest_due_first_with_who_answers(world: World) -> None:
    world.person("township_officer", name="li")
    first = found_at(world, 1)
    world.now += timedelta(days=4)
    second = found_at(world, 2, OTHER, "county")
    page = browser(world, world.person("auditor")).get("/rectifications").text
    assert page.index(first) < page.index(second)
    assert "测试li" in page
    assert "无在岗人员" in page  # nobody is the county's lead yet
    world.person("county_lead", name="zhou")
    assert "测试zhou" in browser(world, world.person("auditor")).get("/rectifications").text
    home = browser(world, world.person("auditor")).get("/audit").text
    assert 'href="/rectifications"' in home


def test_late_items_are_told_and_counted_by_township(world: World) -> None:
    found_at(world, 1)
    world.now += timedelta(days=60)
    late = found_at(world, 2, OTHER)
    world.now += timedelta(days=1)
    auditor = world.person("auditor")
    listed = rectifications.listed(auditor, Asked())
    assert [(one.code, one.open, one.late) for one in listed.townships] == [(TOWNSHIP, 1, 1), (OTHER[:9] + "000", 1, 0)]
    only = rectifications.listed(auditor, Asked(late=True)).found.rows
    assert [one.line.case.number for one in only] == [f"{HOUSEHOLD}-R1"]
    inside = rectifications.listed(auditor, Asked(area=OTHER[:9] + "000")).found.rows
    assert [one.line.case.number for one in inside] == [late]
    page = browser(world, auditor).get("/rectifications?late=1").text
    assert "超期" in page
    assert late not in page


def test_what_was_answered_waits_for_the_auditor_and_what_was_closed_is_gone(world: World) -> None:
    found_at(world, 1)
    township = browser(world, world.person("township_officer"))
    moved(township, "claim", measures="补记")
    moved(township, "answer", ("rectification_proof",), result="已补记")
    auditor = browser(world, world.person("auditor"))
    page = auditor.get("/rectifications?state=checking").text
    assert f"{HOUSEHOLD}-R1" in page
    assert "待审计销号" in page
    moved(auditor, "accept", opinion="属实")
    assert "没有未销号的整改事项" in auditor.get("/rectifications").text


def test_pages_follow_each_other_without_a_gap(world: World) -> None:
    numbers = {found_at(world, serial) for serial in range(1, 8)}
    seen: list[str] = []
    after = ""
    for _ in range(4):
        listed = rectifications.listed(world.person("auditor"), Asked(), after=after, size=2)
        seen += [one.line.case.number for one in listed.found.rows]
        after = listed.found.following
    assert after == ""
    assert len(seen) == len(set(seen))
    assert set(seen) == numbers


def test_everybody_sees_only_their_own_area(world: World) -> None:
    found_at(world, 1)
    other = found_at(world, 2, OTHER)
    mine = browser(world, world.person("township_officer")).get("/rectifications").text
    assert f"{HOUSEHOLD}-R1" in mine
    assert other not in mine
    assert browser(world, world.person("village_cadre")).get("/rectifications").code == "not_allowed"
    world.add_area(FENGDU)
    far = browser(world, world.person("auditor", FENGDU)).get("/rectifications").text
    assert "没有未销号的整改事项" in far


def test_a_wrong_filter_is_told(world: World) -> None:
    found_at(world, 1)
    one = browser(world, world.person("auditor"))
    assert 'role="alert"' in one.get("/rectifications?area=x").text
    assert 'role="alert"' in one.get("/rectifications?state=x").text
    with pytest.raises(BadValue):
        rectifications.listed(world.person("auditor"), Asked(state="x"))


def test_the_table_and_the_page_to_print_hold_all(world: World) -> None:
    numbers = [found_at(world, serial) for serial in range(1, 29)]
    one = browser(world, world.person("auditor"))
    assert sum(number in one.get("/rectifications").text for number in numbers) == 25
    assert sum(number in one.get("/rectifications?print=1").text for number in numbers) == 28
    assert one.get("/rectifications.csv").status == 200
    assert sum(number in one.text for number in numbers) == 28


def test_the_api_tells_the_same(world: World) -> None:
    add_api(world)
    found_at(world, 1)
    one = caller(world, world.person("auditor"))
    found = one.get("/rectifications")
    assert one.status == 200
    (row,) = found["rows"]
    assert (row["number"], row["late"], row["office"]) == (f"{HOUSEHOLD}-R1", False, TOWNSHIP)
    assert row["roles"] == ["township_officer", "township_leader"]
    assert found["townships"][0]["open"] == 1
    one.get("/rectifications?state=x")
    assert one.status == 422
