"""Handing over a leaver's households on a page and by the API: whose one sees, all at once, the rest explained."""

import hashlib
import io

import pytest

from app.runtime import runtime
from app.services import handover, people
from tests.api.site import add_api, caller
from tests.factories import XIUSHAN
from tests.web.site import browser
from tests.world import World, picture
from workflows.model import Actor


@pytest.fixture
def helped(world: World) -> World:
    """Two households of one village with the same helper."""
    for serial in (1, 2):
        walker = world.walker(serial)
        walker.now = max(walker.now, world.now)
        walker.include().assist()
        world.now = walker.now
    world.person("helper", name="nachfolger")
    return world


def account(world: World, name: str) -> str:
    """The account of a helper."""
    return next(who.id for known, who in world.accounts.items() if known.startswith(f"{name}-"))


def sent(world: World, **more: object) -> dict[str, object]:
    """A form that is filled in."""
    note = (io.BytesIO(picture("assignment_note")), "note.jpg")
    return {"taker": account(world, "nachfolger"), "reason": "调离", "note": note, "key": "k1", **more}


def test_all_households_go_to_another_at_once(helped: World) -> None:
    one = browser(helped, helped.person("township_officer")).get("/hand-over")
    assert "2户" in one.text
    path = f"/hand-over/{account(helped, 'helper')}"
    assert path in one.text
    assert "张三" in one.get(path).text
    one.post(path, sent(helped))
    assert (one.status, "已移交 2 户，未移交 0 户" in one.text) == (200, True)
    assert handover.open_work(account(helped, "helper")) == []
    assert len(handover.open_work(account(helped, "nachfolger"))) == 2
    assert one.get(path).status == 404


@pytest.mark.parametrize("wanting", ["taker", "reason", "note"])
def test_what_is_left_out_is_named_and_what_was_typed_stays(helped: World, wanting: str) -> None:
    one = browser(helped, helped.person("county_lead")).get("/hand-over")
    path = f"/hand-over/{account(helped, 'helper')}"
    one.get(path).post(path, sent(helped, **{wanting: ""}))
    assert (one.status, one.code) == (422, "missing_field")
    assert wanting == "reason" or "调离</textarea>" in one.text
    assert len(handover.open_work(account(helped, "helper"))) == 2


def test_what_is_refused_is_explained_and_stays(helped: World) -> None:
    """Somebody who is no helper cannot take over."""
    one = browser(helped, helped.person("village_cadre"))
    path = f"/hand-over/{account(helped, 'helper')}"
    stranger = helped.person("resident_team").id
    one.get(path).post(path, sent(helped, taker=stranger))
    assert "已移交 0 户，未移交 2 户" in one.text
    assert len(handover.open_work(account(helped, "helper"))) == 2


def test_a_file_that_is_no_note_is_refused(helped: World) -> None:
    one = browser(helped, helped.person("village_cadre"))
    path = f"/hand-over/{account(helped, 'helper')}"
    assert one.get(path).post(path, sent(helped, note=(io.BytesIO(b"x"), "x.jpg"))).status == 422


@pytest.mark.parametrize("role", ["grid_member", "helper", "auditor", "admin", "sector_dept", "resident_team"])
def test_the_page_is_for_those_who_may_change_a_helper(helped: World, role: str) -> None:
    one = browser(helped, helped.person(role)).get("/hand-over")
    assert one.status == 403
    assert "/hand-over" not in one.get("/password").text


def test_who_may_is_what_the_definition_says(helped: World) -> None:
    action = runtime().rules.definitions["assist"].actions[handover.ACTION]
    assert set(action.roles) == handover.GIVERS
    assert handover.NOTE in action.evidence


def test_the_next_village_sees_nobody(helped: World) -> None:
    elsewhere = f"{XIUSHAN[:9]}299"
    helped.household(9, elsewhere)
    one = browser(helped, helped.person("village_cadre", elsewhere)).get("/hand-over")
    assert "没有正在帮扶的户" in one.text
    assert one.get(f"/hand-over/{account(helped, 'helper')}").status == 404
    assert one.get("/hand-over/u999999").status == 404
    assert one.get("/hand-over/nonsense").status == 404


def test_a_disabled_helper_comes_first(helped: World) -> None:
    name = next(known for known in helped.accounts if known.startswith("helper-"))
    people.disable_user(name, by="u1")
    one = browser(helped, helped.person("county_lead")).get("/hand-over")
    assert "已停用" in one.text


def test_the_api_does_the_same(helped: World) -> None:
    add_api(helped)
    who: Actor = helped.person("township_officer")
    one = caller(helped, who)
    assert [(row["account"], row["count"]) for row in one.get("/helpers")["rows"]] == [(account(helped, "helper"), 2)]
    data = picture("assignment_note")
    body = {
        "from": account(helped, "helper"),
        "to": account(helped, "nachfolger"),
        "reason": "调离",
        "note": hashlib.sha256(data).hexdigest(),
    }
    assert one.post("/helpers/hand-over", body)["code"] == "missing_evidence"
    one.post(f"/evidence/{XIUSHAN[:6]}", raw=data)
    done = one.post("/helpers/hand-over", body, key="once")
    assert (len(done["done"]), done["refused"]) == (2, [])
    assert one.post("/helpers/hand-over", body, key="once")["repeated"]
    assert one.get("/helpers")["rows"] == [
        {"account": account(helped, "nachfolger"), "name": "测试nachfolger", "active": True, "count": 2}
    ]
