"""Duties by the API: the same list and reports as the pages, by keys, for one's own area."""

from datetime import UTC, datetime, timedelta

import pytest

from app.services import duties, evidence
from tests.api.site import caller
from tests.factories import FENGDU, XIUSHAN
from tests.world import World, picture

PERIOD = f"/duties/500241/survey_monthly~2026-03-31T16:00:00Z~{XIUSHAN}"


@pytest.fixture
def april(world: World) -> World:
    """A county four days into April, with the duties of that month."""
    world.household(8, XIUSHAN)
    duties.make_due()
    world.now = datetime(2026, 4, 4, 2, tzinfo=UTC)
    duties.make_due()
    return world


def test_a_list_a_period_a_report(april: World) -> None:
    cadre = april.person("village_cadre")
    one = caller(april, cadre)
    body = one.get("/duties?state=open&mine=true")
    assert one.status == 200, body
    found = {row["duty"]: row for row in body["rows"]}
    assert found["survey_monthly"]["label"] == "月排查"
    assert f"/duties/500241/{found['survey_monthly']['period']}" == PERIOD
    assert body["counts"]["missed"] == 3  # the weekly care visits of March
    photo = evidence.take_in(cadre, county="500241", kind="duty_report", data=picture("x"))
    said = {"on": "2026-04-02", "nil": True, "note": "无异常", "files": [photo.sha256]}
    first = one.post(f"{PERIOD}/reports", said, key="k1")
    assert (one.status, first["count"], first["repeated"]) == (201, 1, False)
    assert one.post(f"{PERIOD}/reports", said, key="k1") == {**first, "repeated": True}
    seen = one.get(PERIOD)
    assert (seen["status"], seen["done"], seen["did"][0]["nil"]) == ("done", 1, True)
    assert seen["did"][0]["files"] == [photo.sha256]
    again = one.post(f"{PERIOD}/reports", said, key="k2")
    assert (one.status, again["code"]) == (409, "already_signed")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"on": "2026-05-09"}, "bad_value"),
        ({"on": "2026-03-01"}, "bad_value"),
        ({"on": "2026-04-02", "files": ["0" * 64]}, "missing_evidence"),
        ({"on": "2026-04-02", "amount": 4}, "bad_value"),
        ({"on": "2026-04-02", "subjects": ["500241001202"]}, "not_found"),
    ],
)
def test_a_wrong_report_is_a_problem(april: World, said: dict[str, object], code: str) -> None:
    one = caller(april, april.person("village_cadre"))
    assert one.post(f"{PERIOD}/reports", said)["code"] == code
    assert one.get(PERIOD)["done"] == 0


def test_a_warning_and_whose_area_it_is(april: World) -> None:
    one = caller(april, april.person("township_officer"))
    taken = one.post("/duties/warnings", {"area": XIUSHAN, "on": "2026-04-03"})
    assert (one.status, taken["count"]) == (201, 2)
    assert one.post("/duties/warnings", {"area": FENGDU, "on": "2026-04-03"})["code"] == "not_found"
    assert one.post("/duties/warnings", {"area": XIUSHAN, "on": "2026-04-30"})["code"] == "bad_value"
    rows = one.get("/duties?duty=warn_verify")["rows"]
    last = datetime.fromisoformat(rows[0]["due_at"]) + timedelta(hours=8) - timedelta(seconds=1)
    assert (last.year, last.month, last.day) >= (2026, 4, 6)


def test_a_foreign_county_is_no_county(april: World) -> None:
    one = caller(april, april.person("village_cadre", FENGDU))
    assert one.get("/duties")["rows"] == []
    assert one.get(PERIOD)["code"] == "not_found"
    assert one.post(f"{PERIOD}/reports", {"on": "2026-04-02"})["code"] == "not_found"
