"""The pages of duties: lists, reports, warnings, what stays of it at the household and on the desk; foreign areas."""

import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from app.services import duties
from app.store.transaction import reading, writing
from app.tables import AccessRow, DutyAct, DutyPeriod, db
from tests.factories import FENGDU, XIUSHAN
from tests.web.site import Browser, browser
from tests.world import World, picture

APRIL = datetime(2026, 3, 31, 16, 0, 30, tzinfo=UTC)
DAY = timedelta(days=1)
NEIGHBOUR = "500241001202"


@pytest.fixture
def april(world: World) -> World:
    """A county with two villages and a monitored household, four days into April."""
    world.household(8, XIUSHAN)
    world.household(9, NEIGHBOUR)
    duties.make_due()
    walker = world.walker(1).clue().walk("concluded").assist()
    world.now = max(walker.now, APRIL)
    duties.make_due()
    world.now = APRIL + 4 * DAY
    return world


def period(duty: str, subject: str) -> str:
    """The name of April's period in addresses."""
    return f"{duty}~2026-03-31T16:00:00Z~{subject}"


def url(duty: str, subject: str) -> str:
    """The address of April's period."""
    return f"/duties/500241/{period(duty, subject)}"


def row(duty: str, subject: str) -> DutyPeriod:
    """A period as it stands."""
    with reading():
        return db.session.get_one(DutyPeriod, ("500241", duty, subject, "2026-03-31T16:00:00Z"))


def send(one: Browser, address: str, **data: object) -> Browser:
    """Fill in the form of a report and send it."""
    one.get(address)
    assert one.status == 200, (address, one.status, one.code)
    key = re.search(r'name="key" value="([^"]+)"', one.text)
    assert key
    return one.post(address, {"key": key[1], "on": "2026-04-02", **data})


def test_a_nil_report_settles_the_month(april: World) -> None:
    one = browser(april, april.person("village_cadre"))
    listed = one.get("/duties?state=open")
    assert "月排查" in listed.text
    assert url("survey_monthly", XIUSHAN) in listed.text
    send(one, url("survey_monthly", XIUSHAN), nil="1", note="走访全村，张三家漏雨已处理")
    assert one.status == 200
    assert row("survey_monthly", XIUSHAN).state == "done"
    assert "零报告" in one.get(url("survey_monthly", XIUSHAN)).text
    with reading():
        line = db.session.scalars(select(AccessRow.text).order_by(AccessRow.seq.desc())).first() or ""
        act = db.session.scalars(select(DutyAct).where(DutyAct.duty == "survey_monthly")).one()
    assert '"kind":"duty"' in line
    assert "漏雨" not in line  # personal text is kept beside; only its digest is sealed
    assert (act.nil, act.note) == (True, "走访全村，张三家漏雨已处理")


def test_what_is_done_too_late_is_shown_so(april: World) -> None:
    april.now = APRIL + 35 * DAY
    duties.make_due()
    one = browser(april, april.person("village_cadre"))
    assert "超期未完成" in one.get(url("survey_monthly", XIUSHAN)).text
    send(one, url("survey_monthly", XIUSHAN), on="2026-05-04")
    assert "补报" in one.get(url("survey_monthly", XIUSHAN)).text
    assert url("survey_monthly", XIUSHAN) in one.get("/duties?state=made_up").text
    assert url("survey_monthly", XIUSHAN) not in one.get("/duties?state=done").text


def test_days_add_up(april: World) -> None:
    one = browser(april, april.person("resident_team"))
    send(one, url("team_days", XIUSHAN), amount="12")
    assert (row("team_days", XIUSHAN).done, row("team_days", XIUSHAN).state) == (12, "open")
    send(one, url("team_days", XIUSHAN), amount="8")
    assert (row("team_days", XIUSHAN).done, row("team_days", XIUSHAN).state) == (20, "done")


def test_several_households_are_reported_at_once(april: World) -> None:
    second = april.walker(2).clue()
    second.now = APRIL - 10 * DAY
    cadre = april.person("village_cadre")
    with writing():
        found = db.session.get_one(DutyPeriod, ("500241", "risk_study", "500241H0000001", "2026-03-31T16:00:00Z"))
        values = {c.key: getattr(found, c.key) for c in DutyPeriod.__table__.columns}
        db.session.add(DutyPeriod(**{**values, "subject": "500241H0000002"}))
    one = browser(april, cadre)
    page = one.get(url("risk_study", "500241H0000001"))
    assert 'name="subject" value="500241H0000002"' in page.text
    send(one, url("risk_study", "500241H0000001"), subject="500241H0000002")
    assert {row("risk_study", f"500241H000000{n}").state for n in (1, 2)} == {"done"}


def test_the_same_key_is_taken_once(april: World) -> None:
    one = browser(april, april.person("resident_team"))
    for _ in range(2):
        one.get(url("team_days", XIUSHAN))
        one.post(url("team_days", XIUSHAN), {"key": "k1", "on": "2026-04-02", "amount": "3"})
    assert row("team_days", XIUSHAN).done == 3
    one.get(url("team_days", XIUSHAN)).post(url("team_days", XIUSHAN), {"key": "k1", "on": "2026-04-02", "amount": "4"})
    assert one.code == "key_reused"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"on": "2026-03-31"}, "bad_value"),
        ({"on": "2026-04-09"}, "bad_value"),
        ({"on": "soon"}, "bad_value"),
        ({"amount": "0"}, "bad_value"),
        ({"amount": "5"}, "bad_value"),
        ({"subject": "500241H0009999"}, "not_found"),
    ],
)
def test_a_wrong_report_changes_nothing(april: World, data: dict[str, str], code: str) -> None:
    one = browser(april, april.person("village_cadre"))
    send(one, url("survey_monthly", XIUSHAN), **data)
    assert one.code == code
    assert row("survey_monthly", XIUSHAN).done == 0


def test_a_visit_of_the_team_is_recorded_in_the_case(april: World) -> None:
    one = browser(april, april.person("resident_team"))
    page = one.get(url("team_visit", "500241H0000001"))
    assert "请在农户案件中登记走访" in page.text
    assert "只计驻村工作队员" in page.text
    assert 'name="on"' not in page.text


def test_a_visit_that_does_not_count_is_told_so(april: World) -> None:
    walker = april.walker(1)
    walker.now = APRIL + 2 * DAY
    walker.refresh()
    with writing():
        values = {"duty": "rounds_village", "modes": ""}
        found = db.session.get_one(DutyPeriod, ("500241", "team_visit", "500241H0000001", "2026-03-31T16:00:00Z"))
        kept = {c.key: getattr(found, c.key) for c in DutyPeriod.__table__.columns} | {"duty": values["duty"]}
        kept["roles"] = ",village_cadre,resident_team,"
        db.session.add(DutyPeriod(**kept))
    walker.act("record_visit", "resident_team", visit_mode="phone")
    assert row("team_visit", "500241H0000001").state == "done"  # a telephone call will do for the team's contact
    assert row("rounds_village", "500241H0000001").state == "open"  # and not for the secretaries' rounds
    text = browser(april, april.person("village_cadre")).get(url("rounds_village", "500241H0000001")).text
    assert "不计入：方式不符合规定" in text


def test_a_photo_of_a_report_is_seen_by_whoever_sees_the_period(april: World) -> None:
    one = browser(april, april.person("village_cadre"))
    send(one, url("survey_monthly", XIUSHAN), file=(io.BytesIO(picture("survey")), "a.jpg"))
    link = re.search(r'href="(/files/[^"]+)"', one.get(url("survey_monthly", XIUSHAN)).text)
    assert link
    assert browser(april, april.person("township_officer")).get(link[1]).status == 200
    assert browser(april, april.person("village_cadre", NEIGHBOUR)).get(link[1]).status == 404


def test_warnings_run_from_the_day_of_receipt(april: World) -> None:
    one = browser(april, april.person("township_officer"))
    assert "登记收到的预警" in one.get("/duties").text
    one.post("/duties/warnings", {"key": "w1", "area": XIUSHAN, "on": "2026-04-03", "note": "饮水"})
    one.get("/duties").post("/duties/warnings", {"key": "w2", "area": XIUSHAN, "on": "2026-04-03"})
    with reading():
        rows = db.session.scalars(select(DutyPeriod).where(DutyPeriod.duty.startswith("warn_"))).all()
        found = sorted((r.duty, r.subject, r.begins) for r in rows)
    assert [(duty, at[-4:]) for duty, _, at in found] == [
        ("warn_rectify", ":00Z"),
        ("warn_rectify", ":01Z"),
        ("warn_verify", ":00Z"),
        ("warn_verify", ":01Z"),
    ]
    assert "收到预警" in one.get(f"/duties/500241/{found[2][0]}~{found[2][2]}~{XIUSHAN}").text
    one.get("/duties").post("/duties/warnings", {"key": "w3", "area": FENGDU, "on": "2026-04-03"})
    assert one.code == "not_found"


def test_nobody_sees_or_reports_for_a_foreign_area(april: World) -> None:
    address = url("survey_monthly", XIUSHAN)
    for role, area in (("village_cadre", NEIGHBOUR), ("township_officer", FENGDU), ("county_lead", FENGDU)):
        one = browser(april, april.person(role, area))
        assert XIUSHAN not in one.get("/duties?state=&whose=all").text, role
        assert (one.get(address).status, one.code) == (404, "not_found"), role
        one.get("/duties").post(address, {"key": "x", "on": "2026-04-02"})
        assert one.code in ("not_found",), role
    assert row("survey_monthly", XIUSHAN).state == "open"


def test_who_sees_it_without_the_office_cannot_report_it(april: World) -> None:
    one = browser(april, april.person("township_officer"))
    assert one.get(url("survey_monthly", XIUSHAN)).status == 200
    assert 'name="on"' not in one.text
    one.post(url("survey_monthly", XIUSHAN), {"key": "x", "on": "2026-04-02"})
    assert one.code == "wrong_office"
    auditor = browser(april, april.person("auditor"))
    assert auditor.get("/duties?state=&whose=all").status == 200
    auditor.post(url("survey_monthly", XIUSHAN), {"key": "x", "on": "2026-04-02"})
    assert auditor.code == "not_allowed"


def test_a_helper_sees_his_own_households_and_nobody_elses(april: World) -> None:
    mine = browser(april, april.person("helper"))
    assert "张三" in mine.get("/duties?state=").text
    other = browser(april, april.person("helper", XIUSHAN, "other"))
    assert "张三" not in other.get("/duties?state=&whose=all").text
    assert other.get(url("evaluate", "500241H0000001")).status == 404


def test_missed_ones_stay_visible_at_the_household_and_on_the_desk(april: World) -> None:
    april.now = APRIL + 95 * DAY
    duties.make_due()
    page = browser(april, april.person("village_cadre")).get("/households/500241H0000001").text
    assert "本户职责" in page
    assert page.count("超期未完成") >= 4  # three months of the team's visit, evaluation, study
    assert "每月走访" in page  # the helper's visit, which a timer of the case keeps
    desk = browser(april, april.person("helper")).get("/desk").text
    found = re.search(r"超期(\d+)项", desk)
    assert found
    assert int(found[1]) >= 1


def test_coverage_of_rounds(april: World) -> None:
    april.now = datetime(2026, 12, 31, 16, 1, tzinfo=UTC)
    duties.make_due()
    one = browser(april, april.person("township_officer"))
    assert "遍访进度" in one.get("/duties").text
    assert "0/2" in one.text
    address = f"/duties/500241/rounds_township~2026-12-31T16:00:00Z~{XIUSHAN}"
    april.now += 40 * DAY
    one = browser(april, april.person("township_officer"))
    send(one, address, on="2027-02-01")
    assert "1/2" in one.get("/duties").text


def test_english(april: World) -> None:
    one = browser(april, april.person("village_cadre"))
    one.post("/language", {"lang": "en"})
    text = one.get("/duties?state=").text
    assert "Monthly survey" in text
    assert "Report it done" in one.get(url("survey_monthly", XIUSHAN)).text
