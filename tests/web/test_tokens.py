"""The page of tokens: shown once, revoked at once, an administrator sees those of the county."""

import re
from typing import Any

from tests.api.site import Caller, add_api
from tests.factories import XIUSHAN
from tests.web.site import browser
from tests.world import World

MADE = re.compile(r'<code id="token">([^<]+)</code>')


def test_a_person_makes_and_revokes_a_token(world: World) -> None:
    add_api(world).walker().clue()
    one = browser(world, world.person("village_cadre")).get("/tokens")
    sent = {"name": "县数据平台", "scope": ["cases:read", "cases:act"], "area": XIUSHAN, "days": "30"}
    token = MADE.search(one.post("/tokens", sent).text)
    assert token
    system = Caller(world.app, world.app.test_client(), token[1])
    assert system.get("/cases/500241H0000001-C1")["version"] == 1
    assert token[1] not in one.get("/tokens").text
    assert "县数据平台" in one.text
    number = re.search(r"/tokens/(\d+)/revoke", one.text)
    assert number
    one.post(f"/tokens/{number[1]}/revoke", {})
    assert system.get("/me")["code"] == "bad_token"
    assert "已失效" in one.text


def test_what_is_wrong_is_said_and_what_was_typed_stays(world: World) -> None:
    add_api(world).household()
    one = browser(world, world.person("village_cadre")).get("/tokens")
    wrong: dict[str, dict[str, Any]] = {
        "限于区域": {"area": "500230001201"},
        "有效天数": {"days": "400"},
        "用途范围": {"scope": []},
    }
    for word, change in wrong.items():
        sent = {"name": "名字甲", "scope": ["cases:read"], "area": XIUSHAN, "days": "30", **change}
        one.post("/tokens", sent)
        assert (one.status, one.code) == (422, "bad_value")
        assert f"“{word}" in one.text
        assert "名字甲" in one.text


def test_an_administrator_sees_and_revokes_those_of_the_county(world: World) -> None:
    add_api(world).household()
    cadre = browser(world, world.person("village_cadre")).get("/tokens")
    cadre.post("/tokens", {"name": "村令牌", "scope": ["cases:read"], "area": XIUSHAN, "days": "30"})
    admin = browser(world, world.person("admin")).get("/tokens")
    assert "村令牌" in admin.text
    name = next(n for n, who in world.accounts.items() if who.id == world.person("village_cadre").id)
    sent = {"name": "代办", "scope": ["cases:read"], "area": XIUSHAN, "days": "30", "username": name}
    admin.post("/tokens", sent)
    assert (admin.status, admin.code) == (403, "not_allowed")
    number = re.search(r"/tokens/(\d+)/revoke", admin.get("/tokens").text)
    assert number
    admin.post(f"/tokens/{number[1]}/revoke", {})
    assert (admin.status, "已失效" in admin.text) == (200, True)
