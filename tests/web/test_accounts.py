"""Pages of accounts: members' labels, numbers never shown, offices given and ended, log-in behind a proxy."""

from pathlib import Path

import pytest
from flask import Flask, request

from app import serve
from app.config import BadSetting, Settings, read_settings
from app.services import areas, people
from app.services.households import import_households
from tests.factories import XIUSHAN
from tests.unit.roster_books import HEAD, WIFE, book
from tests.web.site import browser
from tests.world import PASSWORD, World, id_number

AREA = "500241103204"


def test_sex_is_shown_in_the_readers_words(world: World) -> None:
    areas.import_shipped(AREA[:6])
    clerk = world.person("county_lead", AREA)
    import_households(clerk, data=book([HEAD, WIFE]))
    one = browser(world, clerk).get("/households/500241H0000001")
    assert "<span>户主 · 男" in one.text
    assert "<span>配偶 · 女" in one.text
    one.post("/language", {"lang": "en", "back": "/households/500241H0000001"})
    assert "· female" in one.text


@pytest.mark.parametrize(("proxies", "seen"), [("0", "127.0.0.1 False"), ("1", "203.0.113.9 True")])
def test_only_trusted_proxies_tell_address_and_scheme(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, proxies: str, seen: str
) -> None:
    def bare(settings: Settings) -> Flask:
        app = Flask("bare")
        app.add_url_rule("/", view_func=lambda: f"{request.remote_addr} {request.is_secure}")
        return app

    monkeypatch.setattr(serve, "create_app", bare)
    monkeypatch.setattr("app.views.init_views", lambda app: None)
    monkeypatch.setattr("app.api.init_api", lambda app: None)
    settings = read_settings({"FANGPIN_DATA": str(tmp_path), "FANGPIN_PROXIES": proxies})
    headers = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9", "X-Forwarded-Proto": "https"}
    assert serve.web_app(settings).test_client().get("/", headers=headers).text == seen


def test_the_number_of_proxies_is_a_number() -> None:
    with pytest.raises(BadSetting, match="FANGPIN_PROXIES"):
        read_settings({"FANGPIN_PROXIES": "yes"})


def test_password_page_is_throttled(world: World) -> None:
    one = browser(world, world.person("village_cadre"))
    sent = {"old": "not it at all", "new": "a longer sentence here", "again": "a longer sentence here"}
    answers = [one.post("/password", sent).status for _ in range(6)]
    assert answers == [422] * 5 + [429]
    assert "尝试次数过多" in one.text


def test_the_page_wants_the_number_and_never_shows_it(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.household()
    one = browser(world, world.person("admin")).get("/accounts")
    assert 'name="id_number" type="text"' in one.text
    number = id_number("wang")
    new = {"username": "wang", "name": "王五", "password": PASSWORD, "role": "village_cadre", "area": XIUSHAN}
    for wrong in ("", number[:17]):
        one.post("/accounts", {**new, "id_number": wrong})
        assert (one.status, one.code) == (422, "bad_value")
        assert "身份证号码”填写的内容不符合要求" in one.text
        assert not wrong or wrong not in one.text
    assert "王五" in one.post("/accounts", {**new, "id_number": number}).text
    assert number not in one.text + caplog.text


def test_offices_on_the_page(world: World) -> None:
    world.household()
    cadre = world.person("village_cadre")
    name = next(key for key, known in world.accounts.items() if known.id == cadre.id)
    one = browser(world, world.person("admin")).get("/accounts")
    office = {"username": name, "role": "county_lead", "area": "500241000000"}
    assert one.post("/accounts/offices", {**office, "area": "500230000000"}).status == 422
    assert one.post("/accounts/offices", {**office, "username": "nobody"}).status == 404
    assert one.get("/accounts").post("/accounts/offices", office).status == 200
    theirs = browser(world, cadre).get("/overdue")
    old = {"username": name, "role": "village_cadre", "area": XIUSHAN}
    assert one.get("/accounts").post("/accounts/offices/end", old).status == 200
    assert [o.role for o in people.actor_named(name).offices] == ["county_lead"]
    assert theirs.get("/overdue").status == 200
    assert one.get("/accounts").post("/accounts/offices/end", {**old, "area": "500230001201"}).status == 403
    told = browser(world, world.person("auditor")).get("/audit/ledger").text
    assert "任命职务" in told
    assert "免去职务" in told


def test_disabling_and_ending_take_a_second_step_and_disabling_can_be_undone(world: World) -> None:
    world.household()
    cadre = world.person("village_cadre")
    name = next(key for key, known in world.accounts.items() if known.id == cadre.id)
    one = browser(world, world.person("admin")).get("/accounts")
    for path in (f"/accounts/{name}/disable", "/accounts/offices/end"):
        opened = one.text[: one.text.index(path)].rsplit("<details>", 1)[1]
        assert "</details>" not in opened
    theirs = browser(world, cadre).get("/overdue")
    assert "已停用" in one.post(f"/accounts/{name}/disable", {}).text
    assert "账号登录" in theirs.get("/overdue").text or theirs.status != 200
    assert f"/accounts/{name}/enable" in one.text
    assert f"/accounts/{name}/disable" in one.post(f"/accounts/{name}/enable", {}).text
    assert browser(world, cadre).get("/overdue").status == 200
    assert one.post(f"/accounts/{name}/enable", {}).status == 422
    assert one.get("/accounts").post("/accounts/nobody/enable", {}).status == 404
    assert "启用账号" in browser(world, world.person("auditor")).get("/audit/ledger").text


def test_a_monitored_household_says_why_no_clue_for_inclusion_is_taken(world: World) -> None:
    walker = world.walker().include()
    number = walker.dossier.subject.number
    text = browser(world, world.person("village_cadre")).get(f"/households/{number}").text
    assert "该户当前为“风险未消除”，不能登记“识别纳入”线索。" in text
    assert "请刷新页面" not in text
