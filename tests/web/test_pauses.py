"""Pausing, resuming and extending by pages; the deadlines' rows, the sweep, the explanation, the list and the API."""

from datetime import timedelta

from sqlalchemy import select

from app.services import sweep
from app.services.trail import trail_text
from app.tables import CaseRow, DeadlineRow, KeptText, Wait, db
from reports.render import render_trail
from reports.verify import verify_pdf
from tests.api.site import add_api, caller
from tests.factories import XIUSHAN
from tests.web.filling import step_by_page
from tests.web.site import browser
from tests.world import StoredWalker, World
from workflows.clock import NEVER


def verifying(world: World) -> StoredWalker:
    """A case that waits for its check at home."""
    walker = world.walker().clue().walk("verifying")
    world.now = walker.now
    return walker


def row(walker: StoredWalker, generation: int) -> DeadlineRow:
    """The stored period of the check."""
    key = (walker.household.county, walker.case.number, "verify", generation)
    db.session.expire_all()
    return db.session.get_one(DeadlineRow, key)


def test_a_deadline_is_paused_resumed_and_extended_by_pages(world: World) -> None:
    walker = verifying(world)
    page = step_by_page(walker, "county_lead", "pause_clock", period="verify")
    assert "已办好" in page.text
    assert "暂停计时" in page.text
    with world.app.app_context():
        paused = row(walker, 2)
        assert (paused.due_at, paused.next_at, row(walker, 1).ended_how) == (NEVER, None, "paused")
        dues = db.session.scalars(select(CaseRow.due_at).where(CaseRow.number == walker.case.number)).one()
        assert dues == walker.case.clocks["id_total"].due
        assert set(db.session.scalars(select(Wait.due_at).where(Wait.case == walker.case.number))) == {dues}
    walker.now += timedelta(days=400)
    world.now = walker.now
    with world.app.app_context():
        sweep.sweep()
        assert row(walker, 2).stage == 0
    walker.refresh()
    assert "verify" not in walker.case.fields.get("_lapsed", {})
    step_by_page(walker, "county_lead", "resume_clock", period="verify")
    page = step_by_page(walker, "county_lead", "extend_deadline", period="verify", **{"extra": "2", "extra.unit": "x"})
    assert page.status == 422
    one = browser(world, walker.actor("county_lead"))
    data = {"period": "verify", "extra": "2", "extra.unit": "working_days", "reason": "路远"}
    one.move(f"/cases/{walker.case.number}/acts/extend_deadline", data, ("clock_document",))
    walker.refresh()
    assert walker.case.clocks["verify"].extended == ("2 working_days",)
    for text in ("第1次延长：2个工作日", "中华人民共和国民法典", "计时变更依据文件"):
        assert text in one.get(f"/cases/{walker.case.number}").text
    listed = browser(world, world.person("auditor", XIUSHAN)).get("/audit/pauses").text
    for text in ("400天", "2个工作日", "路远", "情况属实"):
        assert text in listed


def test_a_pause_without_document_keeps_what_was_typed(world: World) -> None:
    walker = verifying(world)
    one = browser(world, walker.actor("county_lead"))
    one.move(f"/cases/{walker.case.number}/acts/pause_clock", {"period": "verify", "reason": "塌方"})
    assert (one.status, one.code) == (422, "missing_evidence")
    assert "塌方" in one.text


def test_the_trail_brings_its_calendar_and_tells_each_day(world: World) -> None:
    walker = verifying(world)
    digest = walker.case.clocks["verify"].calendar
    with world.app.app_context():
        kept = db.session.get_one(KeptText, digest)
        assert kept.kind == "calendar"
        text = trail_text(world.person("county_lead", XIUSHAN), case=walker.case.number)
    assert digest in text
    assert verify_pdf(render_trail(text), anchor=None).code == 3


def test_the_api_explains_deadlines_and_questions(world: World) -> None:
    walker = verifying(world)
    add_api(world)
    one = caller(world, world.person("county_lead", XIUSHAN))
    found = one.get(f"/cases/{walker.case.number}/deadlines/verify")
    assert (one.status, found["limit"], found["due"]) == (200, "5 working_days", walker.case.clocks["verify"].due)
    assert sum(day["counted"] for day in found["parts"][0]["days"]) == 5
    assert found["own_calendar"]
    asked = one.get("/deadlines/explained?area=500241&start=2026-09-25T10:00&limit=10+working+days")
    assert (asked["parts"][0]["last_day"], asked["provisional"]) == ("2026-10-15", False)
    assert {day["why"] for day in asked["parts"][0]["days"]} >= {"holiday", "weekend", "makeup_workday", "start_day"}
    late = one.get("/deadlines/explained?area=500241&start=2026-12-25T10:00&limit=10+working+days")
    assert late["provisional"]
    for query, code in (
        ("area=500241&start=2026-09-25T10:00&limit=10+working+calendar+days", "bad_duration"),
        ("area=500241&start=gestern&limit=10+hours", "bad_start"),
        ("area=5002&start=2026-09-25T10:00&limit=10+hours", "bad_value"),
    ):
        one.get(f"/deadlines/explained?{query}")
        assert (one.status, one.code) == (422, code)
    one.get(f"/cases/{walker.case.number}/deadlines/none")
    assert one.status == 404
