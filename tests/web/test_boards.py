"""Search, overdue board, public notices, reminders, auditor's pages, accounts."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import update

from app.services import lists
from app.store.transaction import writing
from app.tables import Household, Member, Reminder, db
from tests.factories import XIUSHAN
from tests.web.site import browser
from tests.world import PASSWORD, StoredWalker, World, id_number

CANARIES = ("13912345678", "999999195803047777", "6217000012345678", "CANARY-ILLNESS", "肝癌", "因病", "illness")


def with_canaries(world: World) -> StoredWalker:
    """A household under notice whose private columns hold signs that must never be seen in public."""
    walker = world.walker()
    with writing():
        db.session.execute(
            update(Household).values(phone=CANARIES[0], details={"account": CANARIES[2], "x": CANARIES[3]})
        )
        db.session.execute(update(Member).values(id_masked=CANARIES[1], details={"health": "肝癌"}))
    walker.clue(clue_note="肝癌").act("nominate", risks=["illness"], opinion="CANARY-ILLNESS")
    walker.walk("publicizing")
    world.now = walker.now
    return walker


@pytest.mark.parametrize("path", ["/notices", f"/notices/{XIUSHAN}"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_notice_holds_the_whitelist_and_nothing_else(world: World, path: str, lang: str) -> None:
    with_canaries(world)
    one = browser(world, world.person("village_cadre"))
    one.get("/desk").post("/language", {"lang": lang, "back": path})
    for wanted in ("张三", "第一组", "脱贫不稳定户" if lang == "zh" else "Unstable after alleviation"):
        assert wanted in one.text
    main = one.text.partition("<main")[2]
    for canary in CANARIES:
        assert canary not in main, canary
    assert not re.search(r"\d{11}", re.sub(r"/notices/\d+|测试[a-z0-9]+", "", main))


def test_a_notice_is_gone_when_it_is_closed(world: World) -> None:
    walker = world.walker().clue().walk("township_audit")
    world.now = walker.now
    one = browser(world, world.person("village_cadre"))
    assert "张三" not in one.get("/notices").text
    assert one.get(f"/notices/{XIUSHAN}").status == 404


def test_overdue_numbers_are_rows_and_the_latest_comes_first(world: World) -> None:
    for serial, area in ((1, XIUSHAN), (2, XIUSHAN), (3, "500241001202"), (4, "500241002201")):
        world.walker(serial, area).clue()
        world.now += timedelta(days=1)
    world.now += timedelta(days=20)
    one = browser(world, world.person("county_lead")).get("/overdue")
    total = int(re.search(r'class="total">(\d+)', one.text)[1])  # type: ignore[index]
    by_area = [int(n) for n in re.findall(r'class="num late">(\d+)', one.text)]
    assert total == sum(by_area) == len(re.findall("rowlink", one.text)) > 4
    days = [int(n) for n in re.findall(r"超期(\d+)天", one.text)]
    assert days == sorted(days, reverse=True)
    inside = one.get("/overdue?area=500241001000")
    assert sum(int(n) for n in re.findall(r'class="num late">(\d+)', inside.text)) < total


def test_search_by_name_number_and_area(world: World) -> None:
    world.household(1)
    world.household(2, "500241002201")
    with writing():
        db.session.execute(update(Household).where(Household.number == "500241H0000002").values(national_number="N77"))
    one = browser(world, world.person("county_lead"))
    assert "500241H0000001" in one.get("/households?q=张").text
    assert "500241H0000001" not in one.get("/households?q=500241h0000002").text
    assert "500241H0000002" in one.text
    assert "500241H0000002" in one.get("/households?q=Ｎ７７").text
    assert "没有找到" in one.get("/households?q=没有").text
    assert "没有找到" in one.get("/households?q=%25").text
    assert "2户" not in one.get("/households").text
    assert one.text.count("1户") == 2
    assert "500241H0000001" in one.get(f"/households?area={XIUSHAN}").text


def test_household_page_masks_and_offers_the_clue(world: World) -> None:
    world.household()
    one = browser(world, world.person("village_cadre")).get("/households/500241H0000001")
    assert "139****0000" in one.text
    assert "13900000000" not in one.text
    assert "登记线索：识别纳入" in one.text
    assert "/clues/include" in one.text
    assert "/clues/eliminate" not in one.text


def test_reminders_are_mine_and_can_be_marked_read(world: World) -> None:
    walker = world.walker().clue()
    who = world.person("village_cadre")
    with writing():
        for key in ("a", "b"):
            db.session.add(
                Reminder(
                    county="500241", user_id=int(who.id[1:]), key=key, word="waiting", case=walker.case.number,
                    params={"state": "clue_open"}, sent_at="2026-03-02T02:00:00Z",
                )
            )  # fmt: skip
    one = browser(world, who).get("/reminders")
    assert "待办：张三（线索待提名）" in one.text
    assert "未读2条" in one.text
    number = re.search(r'name="id" value="(\d+)"', one.text)
    assert number
    assert "未读1条" in one.post("/reminders", {"id": number[1]}).text
    newest = re.search(r'name="newest" value="(\d+)"', one.text)
    assert newest
    assert "未读0条" in one.post("/reminders", {"newest": newest[1]}).text
    other = browser(world, world.person("resident_team")).get("/reminders")
    assert "张三" not in other.text


def test_audit_filters(world: World) -> None:
    world.walker(1).clue()
    world.walker(2, "500241002201").clue().walk("nominated")
    world.now += timedelta(days=10)
    one = browser(world, world.person("auditor"))
    total = re.compile(r'class="total">(\d+)')
    for query, number in (
        ("", 2),
        ("state=nominated", 1),
        ("township=500241001000", 1),
        ("late=1", 1),
        ("state=zz", 0),
    ):
        assert int(total.search(one.get(f"/audit?{query}").text)[1]) == number, query  # type: ignore[index]
        assert len(re.findall("rowlink", one.text)) == number
    one.get("/audit/ledger?kind=list_read")
    assert one.text.count("查看名单") >= 5
    assert "操作被拒绝" in one.text


def test_trail_is_printed_by_post_and_written_down(world: World) -> None:
    walker = world.walker().clue()
    one = browser(world, world.person("auditor")).get(f"/cases/{walker.case.number}")
    assert one.client.get(f"/cases/{walker.case.number}/trail").status_code in (302, 405)
    one.post(f"/cases/{walker.case.number}/trail", {})
    assert one.last is not None
    assert one.last.data.startswith(b"%PDF-")
    assert "打印留痕" in one.get("/audit/ledger").text


def test_accounts_are_added_and_disabled_inside_the_county(world: World) -> None:
    world.household()
    one = browser(world, world.person("admin")).get("/accounts")
    new = {"username": "wang", "name": "王五", "password": PASSWORD, "role": "village_cadre", "area": XIUSHAN}
    new["id_number"] = id_number("wang")
    for wrong in ({"area": "500230001201"}, {"area": "500241001000"}, {"role": "upper_level"}, {"password": "x"}):
        one.post("/accounts", {**new, **wrong})
        assert (one.status, one.code) == (422, "bad_value"), wrong
        assert "王五" in one.text
    assert "王五" in one.post("/accounts", new).text
    assert "已停用" in one.post("/accounts/wang/disable", {}).text
    assert one.post("/accounts/nobody/disable", {}).status == 404
    mine = next(name for name in world.accounts if name.startswith("admin"))
    assert one.get("/accounts").post(f"/accounts/{mine}/disable", {}).status == 403
    far = world.person("village_cadre", "500230001201")
    name = next(key for key, known in world.accounts.items() if known.id == far.id)
    assert one.get("/accounts").post(f"/accounts/{name}/disable", {}).status == 404
    assert lists.SIZE > 0
