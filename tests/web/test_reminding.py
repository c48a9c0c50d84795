"""Pages of reminding: receipts on the case and as a list, pressing by hand, letters of formal urging, own channels."""

from dataclasses import replace
from datetime import timedelta

from app.gateways import MAKERS, site_of
from app.services.deliver import deliver
from tests.scheduler.test_sweep import ends
from tests.web.site import Browser, browser
from tests.world import World


def signed_in(world: World, role: str) -> Browser:
    """A browser in which somebody is logged in."""
    return browser(world, world.person(role))


def test_a_case_shows_who_was_reminded_and_who_pressed(world: World) -> None:
    walker = world.walker().clue()
    case = walker.case.number
    world.person("village_cadre")
    deliver()
    one = signed_in(world, "township_leader").get(f"/cases/{case}")
    assert "提醒记录" in one.text
    assert "测试village_cadre" in one.text
    one.post(f"/cases/{case}/nudge", {"reason": "请本周入户"})
    assert one.status == 200
    assert "已催办 1 次" in one.text
    assert "请本周入户" in one.text
    assert "已催办 1 次" in signed_in(world, "village_cadre").get("/desk").text
    one.post(f"/cases/{case}/nudge", {"reason": ""}, follow=False)
    assert (one.status, one.code) == (429, "nudged_already")
    assert "催办过" in one.text


def test_the_ledger_of_reminders_by_filter(world: World) -> None:
    case = world.walker().clue().case.number
    world.person("village_cadre")
    deliver()
    for role in ("county_lead", "auditor"):
        one = signed_in(world, role).get("/receipts?state=unread")
        assert one.status == 200
        assert case in one.text
        assert case not in one.get("/receipts?state=answered").text
        assert one.get("/receipts?state=x&word=y&township=z&before=w").status == 200
    assert signed_in(world, "village_cadre").get("/receipts").status == 403


def test_a_letter_from_issue_to_answer(world: World) -> None:
    walker = world.walker().clue()
    case = walker.case.number
    world.now = ends(walker, "id_total")[1] + timedelta(days=60)
    county = signed_in(world, "county_lead").get("/urgings")
    assert case in county.text
    county.post("/urgings", {"case": case, "kind": "id_total"})
    assert county.status == 200
    assert "县防返贫办督〔2026〕1号" in county.text
    path = "/urgings/500241/2026/1"
    county.post(f"{path}/print", {}, follow=False)
    assert county.last is not None
    assert county.last.get_data()[:5] == b"%PDF-"
    town = signed_in(world, "township_leader").get(path)
    town.post(f"{path}/answer", {"answer": "已入户，周五前办结。"})
    assert "已入户，周五前办结。" in town.text
    audit = signed_in(world, "auditor").get("/urgings")
    assert "已答复" in audit.text
    assert "发督办函" in audit.get("/audit/ledger?kind=urging_issued").text


def test_own_channels_are_set_on_the_page_of_the_password(world: World) -> None:
    held = world.app.extensions["fangpin"]
    site = site_of("FANGPIN_SMS", "http://a:b@127.0.0.1:9/", MAKERS["sms"][1])
    held.settings = replace(held.settings, gateways={"sms": site})
    one = signed_in(world, "village_cadre").get("/password")
    assert "短信提醒" in one.text
    one.post("/mail", {"channel": "sms", "address": "12", "choice": "each"}, follow=False)
    assert one.status == 422
    assert "手机号码为11位" in one.text
    one.post("/mail", {"channel": "sms", "address": "13912345678", "choice": "digest"})
    assert "139****5678" in one.text
    assert "确认码已发出" in one.text
    one.post("/mail/remove", {"channel": "sms"})
    assert "139****5678" not in one.text
