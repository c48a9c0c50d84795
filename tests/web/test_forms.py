"""Forms: a household in through every gate by pages; errors keep what was typed; stale pages and double clicks."""

import io
import re
from datetime import timedelta
from typing import Any

from tests.factories import ROLE_OF
from tests.web.filling import clue_by_page, step_by_page, typed
from tests.web.site import browser
from tests.world import StoredWalker, World, picture
from workflows.clock import parse_utc
from workflows.journal import parse_entry

KEPT = re.compile(r'name="have\.([a-z_]+)" value="([0-9a-f]{64})"')


def test_a_household_in_through_every_gate_by_pages(world: World) -> None:
    walker = world.walker()
    walker.now += timedelta(hours=1)
    assert "已办好" in clue_by_page(walker, "grid_member", "include").text
    while not walker.case.closed:
        step = walker.rules.machine_of(walker.case).step_at(walker.state)
        assert step is not None
        clock = walker.case.clocks.get("publicity_min")
        walker.now = max(walker.now, parse_utc(clock.due)) if clock else walker.now
        if step.sign.get("mode") == "any":
            partial = step_by_page(walker, step.roles[0], step.action)
            assert "还须签署：另外1人" in partial.text
            assert walker.state == step.state
            step_by_page(walker, step.roles[1], step.action)
        else:
            shown = step_by_page(walker, ROLE_OF.get(step.action, step.roles[0]), step.action)
            assert shown.status == 200, (step.id, shown.code)
        assert walker.state != step.state, step.id
    assert (walker.state, walker.status) == ("concluded", "active")
    assert walker.case.fields["income_per_head"] == 900_000


def test_helper_is_chosen_by_name_and_visits_are_recorded(world: World) -> None:
    walker = world.walker().include()
    helper = walker.actor("helper")
    page = step_by_page(walker, "village_cadre", "assign_helper", helper=helper.id)
    assert "已办好" in page.text
    step_by_page(walker, "helper", "record_plan", measures_planned=["industry", "health"])
    step_by_page(walker, "helper", "deliver_measure")
    step_by_page(walker, "helper", "record_visit")
    fields = walker.latest("assist").fields
    assert fields["helper"]["id"] == helper.id
    assert fields["measures_planned"] == ["industry", "health"]
    assert (fields["measure_amount"], fields["visits_made"]) == (200_000, 1)


def test_errors_keep_what_was_typed_and_handed_in(world: World) -> None:
    walker = world.walker().clue().walk("verifying")
    path = f"/cases/{walker.case.number}/acts/verify"
    world.now = walker.now
    one = browser(world, walker.actor("village_cadre"))
    form = walker.rules.machine_of(walker.case).step_of("verify")
    assert form is not None
    data = {**typed(form.fields, walker), "income_wage": "八千", "opinion": "独特的一句话"}
    one.move(path, data, ("visit_photo",))
    assert (one.status, one.code) == (422, "bad_value")
    assert "独特的一句话" in one.text
    assert "请填写金额" in one.text
    assert "缺少“信息采集表”" in one.text
    kept = KEPT.findall(one.text)
    assert [kind for kind, _ in kept] == ["visit_photo"]
    data |= {"income_wage": "８，３００．５", "have.visit_photo": kept[0][1], **one.hidden()}
    data["file.collection_form"] = (io.BytesIO(picture("collection_form")), "form.jpg")
    one.post(path, data)
    walker.refresh()
    assert walker.case.fields["income_wage"] == 830_050
    assert [e["kind"] for e in walker_entry(walker, -1)["evidence"]] == ["visit_photo", "collection_form"]


def walker_entry(walker: StoredWalker, place: int) -> dict[str, Any]:
    """An entry of the case's chain."""
    return parse_entry(walker.chains[walker.case.number][place])


def test_somebody_elses_upload_is_not_taken_over(world: World) -> None:
    walker = world.walker().clue().walk("nominated")
    world.now = walker.now
    other = walker.files(walker.actor("resident_team"), ["authorization_letter"])[0]
    one = browser(world, walker.actor("village_cadre"))
    path = f"/cases/{walker.case.number}/acts/sign_authorization"
    one.move(path, {"signed_on": "2026-03-02", "have.authorization_letter": other.sha256})
    assert (one.status, one.code) == (422, "missing_evidence")


def test_a_picture_that_is_none(world: World) -> None:
    walker = world.walker().clue().walk("nominated")
    world.now = walker.now
    one = browser(world, walker.actor("village_cadre"))
    path = f"/cases/{walker.case.number}/acts/sign_authorization"
    one.get(path)
    one.post(
        path, {**one.hidden(), "signed_on": "2026-03-02", "file.authorization_letter": (io.BytesIO(b"no"), "a.jpg")}
    )
    assert (one.status, one.code) == (422, "bad_file")
    assert "2026-03-02" in one.text


def test_a_stale_page_says_what_changed(world: World) -> None:
    walker = world.walker().clue()
    world.now = walker.now
    path = f"/cases/{walker.case.number}/acts/nominate"
    slow = browser(world, walker.actor("village_cadre")).get(path)
    seen = slow.hidden()
    walker.act("add_evidence", "resident_team")
    form = walker.rules.machine_of(walker.case).step_of("nominate")
    assert form is not None
    data = typed(form.fields, walker, opinion="我的意见还在")
    slow.post(path, {**seen, **data})
    assert (slow.status, slow.code) == (409, "stale")
    assert "补充佐证材料" in slow.text
    assert "我的意见还在" in slow.text
    fresh = slow.hidden()
    assert int(fresh["version"]) == int(seen["version"]) + 1
    slow.post(path, {**fresh, **data})
    walker.refresh()
    assert walker.state == "nominated"


def test_a_double_click_gives_the_first_result(world: World) -> None:
    walker = world.walker().clue().walk("verifying")
    world.now = walker.now
    path = f"/cases/{walker.case.number}/acts/verify"
    form = walker.rules.machine_of(walker.case).step_of("verify")
    assert form is not None
    one = browser(world, walker.actor("village_cadre")).get(path)
    sent = {**one.hidden(), **typed(form.fields, walker)}
    answers = []
    for _ in range(2):
        files = {f"file.{kind}": (io.BytesIO(picture(kind)), "a.jpg") for kind in form.evidence}
        one.post(path, {**sent, **files}, follow=False)
        assert one.last is not None
        answers.append((one.status, one.last.headers.get("Location")))
    assert answers[0] == answers[1]
    assert answers[0][0] == 303
    walker.refresh()
    assert walker.case.seq == int(sent["version"]) + 1


def test_return_needs_a_target_and_goes_there(world: World) -> None:
    walker = world.walker().clue().walk("county_review")
    world.now = walker.now
    one = browser(world, walker.actor("county_lead"))
    path = f"/cases/{walker.case.number}/acts/return_case"
    one.move(path, {"reason": "收入待核"})
    assert (one.status, one.code) == (422, "missing_field")
    one.post(path, {**one.hidden(), "reason": "收入待核", "target": "verifying"})
    walker.refresh()
    assert walker.state == "verifying"


def test_a_record_is_corrected_by_choosing_it(world: World) -> None:
    walker = world.walker().clue().walk("comparing")
    world.now = walker.now
    one = browser(world, walker.actor("village_cadre"))
    path = f"/cases/{walker.case.number}/acts/correct"
    assert "工资性收入" in one.get(path).text
    assert "income_per_head" not in one.text
    one.get(f"{path}?corrected_field=income_wage")
    assert "第4条记录" in one.text
    chosen = {"corrected_field": "income_wage", "corrected_value": "15,600", "reason": "多记"}
    ground = {"file.correction_proof": (io.BytesIO(picture("correction_proof")), "ground.jpg")}
    one.post(path, {**one.hidden(), **chosen, **ground})
    walker.refresh()
    assert walker.case.fields["income_per_head"] == 720_000
    assert "15,600" in one.text


def test_conditions_are_shown_before_signing(world: World) -> None:
    walker = world.walker().include().clue("eliminate").walk("township_audit")
    world.now = walker.now
    one = browser(world, walker.actor("township_officer"))
    one.get(f"/cases/{walker.case.number}/acts/township_audit")
    assert "纳入监测满6个月" in one.text
    assert "仍可签署" in one.text


def test_too_early_is_said_on_the_case_and_on_the_form(world: World) -> None:
    walker = world.walker().clue().walk("publicizing")
    world.now = walker.now
    one = browser(world, walker.actor("village_cadre")).get(f"/cases/{walker.case.number}")
    assert "尚未届满" in one.text
    assert "今天张贴，共5天" in one.text
    one.get(f"/cases/{walker.case.number}/acts/close_publicity")
    assert (one.status, one.code) == (409, "too_early")
    world.now += timedelta(days=3)
    one = browser(world, walker.actor("village_cadre")).get(f"/cases/{walker.case.number}")
    assert "第3天/共5天" in one.text
