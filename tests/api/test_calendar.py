"""The calendar by the API: the same as on the pages."""

from app.services import rule_runs
from tests.api.site import caller
from tests.factories import XIUSHAN
from tests.rules.notices import MADE_UP
from tests.store.test_calendars import running
from tests.world import World


def test_a_year_is_read_by_everybody(world: World) -> None:
    world.household()
    one = caller(world, world.person("village_cadre", XIUSHAN))
    found = one.get("/calendar?year=2026")
    assert (found["year"], found["county"], found["settled"], found["working_days"]) == (2026, "500241", True, 248)
    day = next(day for day in found["days"] if day["date"] == "2026-10-10")
    assert day == {"date": "2026-10-10", "kind": "makeup_workday", "worked": True, "zh": "国庆节", "en": "National Day"}
    assert one.get("/calendar?year=2027")["settled"] is False
    assert one.get("/calendar?county=500230")["code"] == "not_found"
    assert one.post("/calendar/documents", {"text": MADE_UP})["code"] == "not_allowed"


def test_a_notice_is_proposed_confirmed_and_withdrawn(world: World) -> None:
    running(world, 1)
    one = caller(world, world.person("county_lead", XIUSHAN))
    bad = one.post("/calendar/documents", {"text": MADE_UP.replace("共8天", "共9天")})
    assert (one.status, bad["code"]) == (422, "bad_calendar")
    assert "9" in bad["detail"]
    number = one.post("/calendar/documents", {"text": MADE_UP})["id"]
    assert one.get(f"/calendar/documents/{number}")["code"] == ""
    rule_runs.work()
    told = one.get(f"/calendar/documents/{number}")
    assert (told["state"], told["next"]) == ("proposed", "in_force")
    assert told["looks"][0]["result"]["changed"] >= 1
    assert one.post(f"/calendar/documents/{number}/decide", {"code": "00000000"})["code"] == "bad_value"
    runs = one.post(f"/calendar/documents/{number}/decide", {"code": told["code"]})["runs"]
    rule_runs.work()
    assert one.get(f"/rule-runs/{runs[0]}")["result"]["moved"] >= 1
    assert one.get(f"/calendar/documents/{number}")["state"] == "in_force"
    assert one.get("/calendar?year=2027")["settled"] is True
    one.post(f"/calendar/documents/{number}/withdraw")
    rule_runs.work()
    told = one.get(f"/calendar/documents/{number}")
    one.post(f"/calendar/documents/{number}/decide", {"code": told["code"]})
    assert one.get("/calendar?year=2027")["settled"] is False


def test_closing_days_are_the_countys_own(world: World) -> None:
    running(world, 1)
    body = {"county": "500241", "days": ["2026-12-30"], "zh": "县庆日", "en": "County Day", "title": "县庆放假通知",
            "number": "府办〔2026〕3号", "date": "2026-11-01", "reason": "县庆"}  # fmt: skip
    elsewhere = caller(world, world.person("county_lead", "500230001201"))
    assert elsewhere.post("/calendar/closings", body)["code"] == "wrong_office"
    one = caller(world, world.person("admin", XIUSHAN))
    number = one.post("/calendar/closings", body)["id"]
    assert elsewhere.get(f"/calendar/documents/{number}")["code"] == "not_found"
    assert one.post(f"/calendar/documents/{number}/look")["state"] == "proposed"
    assert one.post(f"/calendar/documents/{number}/withdraw")["state"] == "withdrawn"
