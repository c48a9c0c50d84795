"""What people read: ways back from a refusal, the main button, words in the access ledger, names of areas."""

import re

import pytest
from sqlalchemy import update

from app.labels import Speech, short_area
from app.places import grid_name, is_grouping
from app.runtime import runtime
from app.services import cases
from app.services.boards import LedgerLine
from app.services.evidence import take_in
from app.store import people
from app.store.transaction import reading, writing
from app.tables import Area, db
from app.views.errors import HTTP
from app.views.ledger import Told, ledger_rows
from tests.factories import START, XIUSHAN
from tests.web.site import Browser, browser
from tests.world import World, picture

TODAY = START.date()
WAYS = re.compile(r'<p class="buttons">(.*?)</p>')
MAIN = re.compile(r'class="btn btn-primary btn-lg wide" href="[^"]*/acts/([a-z_]+)"')


def ways(one: Browser) -> list[str]:
    """The addresses that a refused page offers, the main one first."""
    found = WAYS.search(one.text)
    assert found, one.text
    return re.findall(r'href="([^"]+)"', found[1])


def test_a_refused_act_leads_back_to_its_case(world: World) -> None:
    case = world.walker().clue().case.number
    one = browser(world, world.person("village_cadre")).get(f"/cases/{case}/acts/close_publicity")
    assert one.code == "wrong_state"
    assert ways(one) == [f"/cases/{case}", "/"]
    assert "回到案件" in one.text


def test_what_is_not_found_leads_to_the_page_before_and_the_search(world: World) -> None:
    one = browser(world, world.person("village_cadre"))
    one.get("/cases/500241H0000099-C1", headers={"Referer": "http://localhost/desk?band=late"})
    assert ways(one) == ["/desk?band=late", "/households", "/"]


@pytest.mark.parametrize(
    "source", ["", "http://elsewhere.test/desk", "http://localhost//elsewhere.test", "http://localhost/\\x", "http://["]
)
def test_no_way_leads_to_another_host(world: World, source: str) -> None:
    one = browser(world, world.person("village_cadre"))
    one.get("/cases/500241H0000099-C1", headers={"Referer": source})
    assert ways(one) == ["/households", "/"]


def mains(world: World, role: str, case: str) -> list[str]:
    """The acts whose buttons stand out for a person on a case's page."""
    return MAIN.findall(browser(world, world.person(role)).get(f"/cases/{case}").text)


def test_the_main_button_is_what_the_nearest_period_waits_for(world: World) -> None:
    walker = world.walker().clue().walk("concluded")
    world.now = walker.now
    case = walker.case.number.rpartition("-")[0] + "-A1"
    assert mains(world, "village_cadre", case) == ["assign_helper"]
    walker.act("assign_helper", helper=walker.actor("helper").id)
    world.now = walker.now
    assert mains(world, "helper", case) == ["record_plan"]
    assert mains(world, "village_cadre", case) == []
    walker.act("record_plan")
    world.now = walker.now
    assert mains(world, "helper", case) in (["record_visit"], ["deliver_measure"])


def test_an_objection_shows_both_answers_alike(world: World) -> None:
    walker = world.walker().clue().walk("publicizing")
    walker.act("object")
    world.now = walker.now
    assert mains(world, "village_cadre", walker.case.number) == ["dismiss_objection", "uphold_objection"]


def test_why_not_is_open_for_those_who_work_and_folded_for_those_who_look_on(world: World) -> None:
    case = world.walker().clue().case.number
    assert '<details class="why" open>' in browser(world, world.person("county_lead")).get(f"/cases/{case}").text
    assert '<details class="why">' in browser(world, world.person("auditor")).get(f"/cases/{case}").text


def test_a_closed_case_is_said_to_be_closed_once(world: World) -> None:
    walker = world.walker().clue()
    walker.act("close_no_risk")
    world.now = walker.now
    row = browser(world, world.person("auditor")).get("/audit").text.partition("<tbody>")[2].partition("</tbody>")[0]
    assert "无风险，线索关闭" in row
    assert "已办结" not in row
    assert "无时限" not in row


def test_each_cell_of_a_notice_names_its_column_for_telephones(world: World) -> None:
    walker = world.walker().clue().walk("publicizing")
    world.now = walker.now
    text = browser(world, world.person("village_cadre")).get("/notices").text
    assert re.findall('data-head="([^"]+)"', text) == ["村民小组", "人口数", "类别", "公示起止"]


def line(detail: dict[str, str], subject: str, kind: str = "list_read") -> LedgerLine:
    """A line of the ledger."""
    return LedgerLine(1, "2026-03-02T02:00:00Z", "何审计", kind, subject, detail, "0" * 64)


def told(world: World, lang: str, one: LedgerLine) -> str:
    """A line in words, as the page of the ledger shows it."""
    with world.app.test_request_context():
        row = ledger_rows([one], Speech(lang, TODAY))[0]
    return f"{row['kind']} {row['subject']} " + " ".join(f"{key}:{value}" for key, value in row["detail"])


@pytest.mark.parametrize(
    ("detail", "subject", "zh", "en"),
    [
        ({"late": "True", "rows": "6"}, "audit", "督查 只看超期:是 显示行数:6", "audit overdue only:Yes rows shown:6"),
        ({"seq": "14"}, "500241H0000001-C1", "看到的最后一条记录:14", "as of entry:14"),
        ({"action": "close_publicity", "code": "too_early"}, "x", "拒绝原因:期限未满", "refused because:too early"),
        (
            {"action": "import_households", "code": "wrong_office"},
            "households",
            "操作:导入农户",
            "act:importing households",
        ),
        ({"area": XIUSHAN, "role": "village_cadre"}, "u12", "12号账号 区域:{place}", "account 12 area:{place}"),
        ({"offices": "helper@500241000000"}, "u3", "职务:帮扶责任人（", "offices:helper ("),
        ({"bytes": "181233"}, "500241H0000001-C1", "大小:182 kB", "size:182 kB"),
        ({"code": "not_allowed", "page": "accounts.add"}, "accounts.add", "页面:新增账号", "page:adding an account"),
        ({"state": "nominated", "township": "999999999999"}, "audit", "乡镇:999999999999", "township:999999999999"),
        ({"households": "500241H0000001、500241H0000002"}, XIUSHAN, "农户:500241H0000001、5", "households:5"),
        ({}, "ab" * 32, "文件 abababababab…", "file abababababab…"),
        ({"new_key": "7"}, "new", "new new_key:7", "new new_key:7"),
    ],
)
def test_the_ledger_speaks_in_words_and_hides_nothing(
    world: World, detail: dict[str, str], subject: str, zh: str, en: str
) -> None:
    world.household()
    place = told(world, "zh", line({}, XIUSHAN)).split()[1]
    assert place != XIUSHAN
    assert zh.format(place=place) in told(world, "zh", line(detail, subject))
    assert en.format(place=place) in told(world, "en", line(detail, subject))


def test_a_county_is_named_in_the_ledger(world: World) -> None:
    world.household()
    place = told(world, "zh", line({}, f"{XIUSHAN[:6]}000000"))
    assert "测试county" in place
    assert told(world, "zh", line({}, XIUSHAN[:6])) == place


def test_there_are_short_words_for_every_refusal_and_posting_page(world: World) -> None:
    words = Speech("zh", TODAY)
    assert [code for code in HTTP if not words.knows(f"why.{code}")] == []
    posting = {r.endpoint for r in world.app.url_map.iter_rules() if "POST" in (r.methods or ())} - {"session.log_in"}
    assert [name for name in posting if not words.knows(f"page.{name.replace('.', '_')}")] == []


def test_acts_and_states_of_every_definition_have_words(world: World) -> None:
    speaker = Told(Speech("zh", TODAY), {})
    for definition in runtime().rules.definitions.values():
        for name in (*definition.actions, *(step.action for step in definition.steps.values())):
            assert speaker.action(name) != name
        for name in (*definition.states, *(step.state for step in definition.steps.values())):
            assert speaker.state(name) != name


def test_a_refused_post_and_a_look_are_told_in_words(world: World) -> None:
    case = world.walker().clue().case.number
    one = browser(world, world.person("auditor")).get(f"/cases/{case}")
    one.get("/audit")
    text = one.get("/audit/ledger").text
    assert "看到的最后一条记录：1" in text
    assert "显示行数：1" in text
    assert "rows=" not in text
    one.post("/language", {"lang": "en", "back": "/audit/ledger"})
    assert "rows shown: 1" in one.text


def test_no_statistical_level_stands_on_the_path_of_areas(world: World) -> None:
    world.household()
    with writing():
        db.session.execute(update(Area).where(Area.level == "prefecture").values(name="县"))
    one = browser(world, world.person("village_cadre")).get("/households")
    path = one.text.partition('<nav class="crumbs"')[2].partition("</nav>")[0]
    assert re.findall(r">([^<>› \n]+)</", path)[0] != "县"
    assert ">县<" not in path


def test_the_office_of_a_grid_is_named_with_its_village_once(world: World) -> None:
    actor = world.person("grid_member", f"{XIUSHAN}001")
    with writing():
        db.session.execute(update(Area).where(Area.code == XIUSHAN).values(name="平所村村民委员会"))
        grid = {"code": f"{XIUSHAN}001", "name": "平所村第一网格", "level": "grid"}
        db.session.add(Area(**grid, parent=XIUSHAN, county="500241"))
    with reading():
        offices = people.offices_of(int(actor.id[1:]), world.now)
    assert [office.name for office in offices] == ["平所村第一网格"]


def test_names_of_areas() -> None:
    assert short_area("平所村村民委员会") == "平所村"
    assert short_area("村民委员会") == "村民委员会"
    assert grid_name("平所村村民委员会", "平所村第一网格") == "平所村第一网格"
    assert grid_name("平所村村民委员会", "第一网格") == "平所村第一网格"
    assert is_grouping("县")
    assert not is_grouping("秀山土家族苗族自治县")


def test_a_reviewer_reads_that_a_file_serves_elsewhere_and_a_department_what_it_does_not_see(world: World) -> None:
    first, second = world.walker(1).clue(), world.walker(2).clue()
    who = world.person("village_cadre")
    file = take_in(who, county=XIUSHAN[:6], kind="other", data=picture("one"))
    for walker in (first, second):
        data = {"evidence_kind": "other", "note": "补充"}
        key = walker.case.number
        cases.act(who, case=walker.case.number, action="add_evidence", data=data, evidence=[file], key=key)
    page = f"/cases/{first.case.number}"
    assert "同一文件共用于2户、1种材料" in browser(world, world.person("township_officer")).get(page).text
    department = browser(world, world.person("sector_dept"))
    for path in (page, "/households/500241H0000001"):
        assert "行业部门只看到" in department.get(path).text
    assert "共用于" not in department.text
