"""Absences on their pages and in the API: recorded, seen, ended; what the substitute then sees, signs and is told."""

from datetime import timedelta

import pytest

from app.services.people import actor_of_account
from tests.api.site import add_api, caller
from tests.factories import XIUSHAN
from tests.print.test_render import squeezed, text_of
from tests.web.site import Browser, browser
from tests.world import World
from workflows.clock import local_date
from workflows.model import Actor

NEXT = f"{XIUSHAN[:9]}203"


def cast(world: World) -> tuple[Actor, Actor, str]:
    """A cadre, a colleague in the next village, and the colleague's log-in name."""
    cadre, colleague = world.person("village_cadre"), world.person("village_cadre", NEXT, "colleague")
    return cadre, colleague, next(name for name, one in world.accounts.items() if one == colleague)


def days(world: World) -> dict[str, str]:
    today = local_date(world.now)
    return {"begins": today.isoformat(), "last": (today + timedelta(days=4)).isoformat()}


def away(world: World, one: Browser, substitute: str, **changes: str) -> Browser:
    form = {"office": f"village_cadre@{XIUSHAN}", "substitute": substitute, "reason": "住院检查", **days(world)}
    return one.get("/substitutes").post("/substitutes", {**form, **changes})


def test_a_cadre_goes_away_and_the_colleague_does_the_work(world: World) -> None:
    world.walker().clue()
    cadre, colleague, name = cast(world)
    one = browser(world, cadre)
    assert "测试colleague" in away(world, one, name).text
    assert "住院检查" in one.text
    other = browser(world, colleague)
    assert "住院检查" not in other.get("/substitutes").text
    assert f"代{cadre.name}" in other.get("/desk").text
    form = other.get(f"/cases/{XIUSHAN[:6]}H0000001-C1/acts/nominate").text
    assert f"{colleague.name} 代 {cadre.name}" in form
    other.post("/language", {"lang": "en", "back": "/desk"})
    assert f"for {cadre.name}" in other.get("/desk").text


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_signature_says_for_whom_on_page_api_and_paper(world: World, lang: str) -> None:
    add_api(world)
    walker = world.walker().clue()
    cadre, colleague, name = cast(world)
    away(world, browser(world, cadre), name)
    walker.now = world.now
    walker.act("nominate", actor_of_account(colleague.id))
    said = f"{colleague.name} 代 {cadre.name}" if lang == "zh" else f"{colleague.name} for {cadre.name}"
    one = browser(world, cadre).get("/desk").post("/language", {"lang": lang, "back": "/desk"})
    assert said in one.get(f"/cases/{walker.case.number}").text
    told = caller(world, cadre).get(f"/cases/{walker.case.number}", headers={"Accept-Language": lang})
    assert any(entry["actor"] == said for entry in told["entries"])
    printed = one.get("/desk").post(f"/cases/{walker.case.number}/trail", {}, follow=False)
    assert printed.last is not None
    assert squeezed(said) in text_of(printed.last.get_data())


def test_what_is_refused_is_said_and_what_was_typed_stays(world: World) -> None:
    cadre, _, name = cast(world)
    one = browser(world, cadre)
    for changes, word in (
        ({"substitute": "nobody"}, "代办人的用户名"),
        ({"last": "2020-01-01"}, "截止日期"),
        ({"begins": "x"}, "自（当日起）"),
        ({"reason": ""}, "原因"),
        ({"office": f"county_lead@{XIUSHAN[:6]}000000"}, "职务"),
    ):
        page = away(world, one, changes.pop("substitute", name), **changes)
        assert page.status == 422
        assert word in page.text.partition('role="alert"')[2][:200]
    assert 'value="住院检查"' in away(world, one, "nobody").text
    away(world, one, name)
    assert away(world, one, name).status == 409
    assert one.code == "overlapping_absence"


def test_whoever_administers_or_leads_records_and_ends_it(world: World) -> None:
    world.walker()
    cadre, colleague, name = cast(world)
    absent = next(key for key, one in world.accounts.items() if one == cadre)
    form = {
        "of": "area",
        "username": absent,
        "role": "village_cadre",
        "area": XIUSHAN,
        "substitute": name,
        "reason": "x",
    }
    for role in ("admin", "township_leader", "county_lead"):
        one = browser(world, world.person(role)).get("/substitutes/area")
        one.post("/substitutes", {**form, **days(world)})
        assert cadre.name in one.text.partition("<tbody>")[2]
        number = one.text.partition("/substitutes/")[2]
        assert number
        ended = one.text.partition('action="/substitutes/')[2].partition("/end")[0]
        assert "已提前结束" in one.post(f"/substitutes/{ended}/end", {"of": "area"}).text
    assert browser(world, colleague).get("/substitutes/area").status == 200  # a village's cadre leads its grids
    assert cadre.name not in browser(world, colleague).get("/substitutes/area").text.partition("<tbody>")[2]


def test_the_api_does_the_same(world: World) -> None:
    add_api(world)
    world.walker().clue()
    cadre, colleague, name = cast(world)
    one, other = (caller(world, who, area=f"{XIUSHAN[:6]}000000") for who in (cadre, colleague))
    day = days(world)
    row = {
        "role": "village_cadre",
        "area": XIUSHAN,
        "substitute": name,
        "from": day["begins"],
        "to": day["last"],
        "reason": "x",
    }
    number = one.post("/substitutions", row)["id"]
    assert one.get("/substitutions")["rows"][0]["substitute"] == name
    assert other.get("/substitutions")["rows"][0]["reason"] == ""
    assert other.get("/me")["offices"][-1]["behalf"] == cadre.name
    assert [line["behalf"] for line in other.get("/desk")["rows"]] == [cadre.name]
    asked = other.get(f"/cases/{XIUSHAN[:6]}H0000001-C1")["allowed_actions"]
    assert {action["behalf"] for action in asked if action["allowed"]} == {cadre.name}
    assert other.post(f"/substitutions/{number}/end")["id"] == number
    assert other.get("/desk")["rows"] == []
    assert one.post("/substitutions", {**row, "to": row["from"]})["code"] == "bad_value"


def test_lists_mark_what_is_seen_for_somebody_only(world: World) -> None:
    world.walker().clue()
    world.walker(2, NEXT).clue()
    cadre, colleague, name = cast(world)
    away(world, browser(world, cadre), name)
    world.now += timedelta(days=3)
    one = browser(world, colleague)
    for path in ("/households?q=张", "/board/rows", "/desk"):
        page = one.get(path).text.partition("<tbody>")[2]
        assert page.count(f"代{cadre.name}") * 2 == page.count("rowlink") > 0, path
