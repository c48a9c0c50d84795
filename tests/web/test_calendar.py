"""The calendar on pages: a year for everybody, a notice pasted, looked through, confirmed; what was typed is kept."""

import io
import re
from collections.abc import Mapping
from typing import Any

import pytest

from app.services import rule_runs
from tests.factories import XIUSHAN
from tests.rules.notices import MADE_UP
from tests.rules.test_calendar import AMENDMENT
from tests.store.test_calendars import running
from tests.web.site import Browser, browser
from tests.world import World

CLOSE = {"days": "2026-12-30，2026-12-31", "zh": "县庆日", "en": "County Day", "title": "县庆放假通知",
         "number": "府办〔2026〕3号", "dated": "2026-11-01", "reason": "县庆"}  # fmt: skip


def lead(world: World) -> Browser:
    """The county's office before a screen, with running periods over New Year."""
    running(world, 1)
    return browser(world, world.person("county_lead", XIUSHAN))


def proposed(one: Browser, path: str, data: Mapping[str, Any]) -> str:
    """Propose a document by a form; return the address of its page."""
    one.get("/calendar").post(path, dict(data), follow=False)
    assert one.status == 303, one.text
    assert one.last is not None
    return re.sub(r"^https?://[^/]*", "", one.last.headers["Location"])


@pytest.mark.parametrize("role", ["village_cadre", "auditor", "helper", "upper_level", "admin"])
def test_everybody_sees_the_year(world: World, role: str) -> None:
    world.household()
    one = browser(world, world.person(role, XIUSHAN)).get("/calendar?year=2026")
    assert one.status == 200
    assert "国庆节" in one.text
    assert "国办发明电〔2025〕7号" in one.text
    assert ("/calendar/documents" in one.text) == (role == "admin")
    assert "只按周末计算" in one.get("/calendar?year=2027").text


def test_in_english_the_year_is_complete(world: World) -> None:
    world.household()
    one = browser(world, world.person("village_cadre", XIUSHAN))
    one.get("/").post("/language", {"lang": "en"})
    text = one.get("/calendar?year=2026").text
    assert "National Day" in text
    assert "make-up workday" in text
    assert "Mid-Autumn Festival" in text


def test_a_notice_is_pasted_looked_through_and_confirmed(world: World) -> None:
    one = lead(world)
    path = proposed(one, "/calendar/documents", {"text": MADE_UP})
    assert one.get(path).last is not None
    assert one.last is not None
    assert one.last.headers["Refresh"] == "2"
    assert f"{path}/decide" not in one.text
    rule_runs.work()
    text = one.get(path).text
    assert "个期限的末日会变" in text
    code = re.search(r'name="code" value="([0-9a-f]+)"', text)
    assert code
    assert one.post(f"{path}/decide", {"code": "0000"}).status == 422
    assert "日历或预览已有变化" in one.text
    one.get(path).post(f"{path}/decide", {"code": code[1]})
    rule_runs.work()
    assert "施行中" in one.get(path).text
    assert re.search("已重算[1-9]件案件的期限", one.text)
    assert "只按周末计算" not in one.get("/calendar?year=2027").text
    assert "端午节" in one.text
    run = rule_runs.runs(world.person("county_lead"))[0]
    assert one.get(f"/changes/{run.id}").status == 303  # its own page tells of it
    assert "按新日历重算期限" in one.get("/changes").text


def test_a_file_with_mistakes_names_them_and_changes_nothing(world: World) -> None:
    one = lead(world)
    broken = MADE_UP.replace("1月1日（周五）", "1月1日（周四）")
    assert one.get("/calendar").post("/calendar/documents", {"text": broken}).status == 422
    assert one.code == "bad_calendar"
    assert "第4行，元旦：2027-01-01 不是星期四" in one.text
    assert "10月9日（周六）上班" in one.text  # what was pasted is kept
    sent = {"file": (io.BytesIO(AMENDMENT.replace("2026-10-08", "2027-10-08").encode()), "more.toml")}
    assert one.get("/calendar").post("/calendar/documents", sent).status == 422
    assert "还没有 2027 年的通知" in one.text
    assert one.get("/calendar").post("/calendar/documents", {"file": (io.BytesIO(b"\xff\xfe"), "x.txt")}).status == 422
    assert "UTF-8" in one.text
    assert "还没有导入过文件" in one.get("/calendar").text


def test_a_county_closes_and_takes_it_back(world: World) -> None:
    one = lead(world)
    path = proposed(one, "/calendar/closings", CLOSE)
    rule_runs.work()
    code = re.search(r'name="code" value="([0-9a-f]+)"', one.get(path).text)
    assert code
    one.post(f"{path}/decide", {"code": code[1]})
    rule_runs.work()
    assert "本县停止办公" in one.get("/calendar?year=2026").text
    one.get(path).post(f"{path}/withdraw", {})
    rule_runs.work()
    code = re.search(r'name="code" value="([0-9a-f]+)"', one.get(path).text)
    assert code
    one.post(f"{path}/decide", {"code": code[1]})
    assert "已撤回" in one.get(path).text


def test_a_proposal_is_looked_at_again_or_dropped(world: World) -> None:
    one = lead(world)
    path = proposed(one, "/calendar/documents", {"text": MADE_UP})
    rule_runs.work()
    assert one.get(path).post(f"{path}/look", {}, follow=False).status == 303
    rule_runs.work()
    one.get(path).post(f"{path}/withdraw", {})
    assert "已撤回" in one.get(path).text
    assert one.post(f"{path}/look", {}).status == 422


def test_wrong_closing_days_keep_what_was_typed(world: World) -> None:
    one = lead(world)
    wrong = {**CLOSE, "days": "2026-12-27", "dated": "gestern"}
    assert one.get("/calendar").post("/calendar/closings", wrong).status == 422
    assert "不是日期：gestern" in one.text
    assert "府办〔2026〕3号" in one.text
