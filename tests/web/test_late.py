"""Overdue views: what a number counts is what it lists, for whomever; late without any job; reasons; the notice."""

import io
import random
import re
from datetime import timedelta
from typing import Any

import pypdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from sqlalchemy import select

from app.services import late, late_reasons, substitutes, sweep
from app.services.late import ALL, BANDS, Asked
from app.services.people import actor_named
from app.services.substitutes import Asked as Absence
from app.store.transaction import reading
from app.tables import AccessRow, LateReason, db
from tests.factories import FENGDU, XIUSHAN, helper_value
from tests.web.site import browser
from tests.world import World
from workflows.clock import local_date
from workflows.errors import BadValue, NotFound, Refused, WrongOffice, WrongState
from workflows.model import Actor

NEAR, FAR = f"{XIUSHAN[:9]}202", f"{XIUSHAN[:6]}002201"
ROLES = (
    "grid_member", "village_cadre", "resident_team", "township_officer", "township_leader", "county_lead", "helper",
    "sector_dept", "auditor",
)  # fmt: skip


def county(world: World) -> World:
    """Some households at different gates, some of them late, one helped; two counties."""
    for serial, (area, state) in enumerate(
        [(XIUSHAN, ""), (NEAR, "verifying"), (FAR, "township_audit"), (FAR, "publicizing"), (FENGDU, "verifying")], 1
    ):
        walker = world.walker(serial, area).clue()
        if state:
            walker.walk(state)
        world.now = max(world.now, walker.now) + timedelta(days=1)
    helped = world.walker(9, XIUSHAN)
    helped.now = world.now
    helped.include().act("assign_helper", helper=helper_value(world.person("helper", XIUSHAN)))
    world.now = helped.now + timedelta(days=9)
    return world


def pages_of(actor: Actor, asked: Asked) -> int:
    """How many rows all pages of a list hold; none stands twice."""
    seen, after = [], ""
    while True:
        found = late.listed(actor, asked, after=after)
        seen += [(line.case.number, line.timer, line.generation) for line in found.rows]
        after = found.following
        if not after:
            assert len(seen) == len(set(seen))
            return len(seen)


def ensure_numbers_lead_to_their_rows(actor: Actor, area: str) -> int:
    board = late.board(actor, area=area)
    total = 0
    for line in board.lines:
        for column, cell in line.cells.items():
            for band in (*BANDS, ALL):
                asked = Asked(area=line.code, column=column, band=band)
                count = cell.total if band == ALL else getattr(cell, band)
                assert late.count(actor, asked) == pages_of(actor, asked) == count, (asked, count)
            total += cell.total
        assert pages_of(actor, Asked(area=line.code, band=ALL)) == line.total.total
    for column, cell in board.sums().items():
        assert pages_of(actor, Asked(area=area, column=column, band=ALL)) == cell.total
    assert total == board.total.total == pages_of(actor, Asked(area=area, band=ALL))
    for code, _, counts in late.heat(actor, area=area).lines:
        for month, count in zip(late.heat(actor, area=area).months, counts, strict=True):
            assert late.count(actor, Asked(area=code, month=month)) == count
    return total


def test_every_number_leads_to_exactly_its_rows_for_random_rights(world: World) -> None:
    county(world)
    draw = random.Random(7)
    seen = 0
    for _ in range(40):
        role, area = draw.choice(ROLES), draw.choice([XIUSHAN, NEAR, FAR, FENGDU])
        actor = world.person(role, area)
        township = draw.choice(["", f"{XIUSHAN[:9]}000", f"{FAR[:9]}000", f"{FENGDU[:9]}000"])
        seen += ensure_numbers_lead_to_their_rows(actor, township)
    assert seen > 50


def test_the_board_is_right_though_no_job_has_touched_anything(world: World) -> None:
    world.walker().clue()
    lead = world.person("county_lead")
    assert late.board(lead).total.late == 0
    world.now += timedelta(days=30)
    board = late.board(lead)
    assert board.total.late > 0
    assert board.total.late == late.count(lead, Asked(band="late"))
    assert board.total.hours is not None
    assert board.total.hours < 0
    one = browser(world, lead).get("/board")
    assert f"<b>{board.total.late}</b>" in one.text
    assert sum(late.heat(lead).sums) == board.total.late
    before = board.total
    sweep.sweep()
    after = late.board(lead).total
    assert (after.late, after.due) == (before.late, before.due)


def test_least_hours_come_first_and_make_up_days_count(world: World) -> None:
    county(world)
    lead = world.person("county_lead")
    dues = [line.total.due for line in late.board(lead).lines]
    assert dues == sorted(dues)
    codes = [line.code for line in late.board(lead, by="area").lines]
    assert codes == sorted(codes)


def test_the_part_answers_not_modified_until_something_changes(world: World) -> None:
    world.walker().clue()
    world.now += timedelta(days=30)
    one = browser(world, world.person("county_lead")).get("/board")
    path = re.search(r'data-live="([^"]+)"', one.text)[1]  # type: ignore[index]
    first = one.get(path).last
    assert first is not None
    tag = first.headers["ETag"]
    assert first.headers["X-Fangpin-Now"]
    assert one.get(path, headers={"If-None-Match": tag}).status == 304
    assert one.last is not None
    assert one.last.headers["X-Fangpin-Now"]
    world.walker(2).clue()
    world.now += timedelta(days=30)
    browser_again = browser(world, world.person("county_lead")).get(path, headers={"If-None-Match": tag})
    assert browser_again.status == 200


def late_case(world: World) -> tuple[str, str, int]:
    """A case whose first period is late."""
    walker = world.walker().clue()
    world.now += timedelta(days=30)
    clock = walker.case.clocks["clue_accept"]
    return walker.case.number, clock.kind, clock.generation


def test_whoever_is_to_act_says_why_and_the_ledger_holds_the_digest_alone(world: World) -> None:
    case, kind, generation = late_case(world)
    cadre = world.person("village_cadre")
    one = browser(world, cadre).get("/board/rows")
    sent = {"kind": kind, "generation": str(generation), "text": "路不通，正在抢修"}
    assert "路不通，正在抢修" in one.post(f"/cases/{case}/late", sent).text
    with reading():
        ledger = "".join(db.session.scalars(select(AccessRow.text)))
        row = db.session.scalars(select(LateReason)).one()
    assert "路不通" not in ledger
    assert row.digest in ledger
    for kind_of_table in ("csv", "xlsx"):
        one.get(f"/board/rows.{kind_of_table}")
        assert one.last is not None
        data = one.last.get_data()
        text = (
            data.decode("utf-8-sig")
            if kind_of_table == "csv"
            else str([list(row) for row in load_workbook(io.BytesIO(data)).worksheets[0].values])
        )
        assert "路不通，正在抢修" in text
    one.get("/board/rows").post(f"/cases/{case}/late/erase", {"kind": kind, "generation": str(generation)})
    assert "路不通" not in one.text
    assert "原因已删除" in one.text
    with reading():
        kept = db.session.scalars(select(LateReason)).one()
        assert (kept.text, kept.salt, kept.digest) == (None, "", row.digest)


def test_who_may_not_give_a_reason_and_what_is_none(world: World) -> None:
    case, kind, generation = late_case(world)
    cadre = world.person("village_cadre")
    told: dict[str, Any] = {"case": case, "kind": kind, "generation": generation}
    for actor, refused in (
        (world.person("village_cadre", NEAR), NotFound),
        (world.person("village_cadre", FENGDU), NotFound),
        (world.person("township_leader"), WrongOffice),
        (world.person("auditor"), WrongOffice),
    ):
        with pytest.raises(refused):
            late_reasons.give_reason(actor, **told, text="因雨")
    for text in ("", "  ", "x" * 501, "a\x07b"):
        with pytest.raises(BadValue):
            late_reasons.give_reason(cadre, **told, text=text)
    with pytest.raises(NotFound):
        late_reasons.give_reason(cadre, **{**told, "generation": 7}, text="因雨")
    with pytest.raises(WrongOffice):
        late_reasons.erase_reasons(cadre, **told)
    world.now -= timedelta(days=30)
    with pytest.raises(WrongState):
        late_reasons.give_reason(cadre, **told, text="因雨")


def test_a_reason_may_be_given_again_and_the_newest_is_shown(world: World) -> None:
    case, kind, generation = late_case(world)
    cadre = world.person("village_cadre")
    for text in ("第一次", "第二次"):
        late_reasons.give_reason(cadre, case=case, kind=kind, generation=generation, text=text)
    reasons = {line.timer: line.reason.text if line.reason else None for line in late.listed(cadre, Asked()).rows}
    assert reasons[kind] == "第二次"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_notice_counts_the_month_and_names_nobody(world: World, lang: str) -> None:
    case, kind, generation = late_case(world)
    late_reasons.give_reason(
        world.person("village_cadre"), case=case, kind=kind, generation=generation, text="家人住院"
    )
    lead = world.person("county_lead")
    one = browser(world, lead).get("/board/notice")
    one.post("/language", {"lang": lang, "back": "/board/notice"})
    for area in (f"{XIUSHAN[:6]}000000", f"{XIUSHAN[:9]}000"):
        one.get("/board/notice").post("/board/notice", {"area": area, "month": "2026-03"})
        assert one.last is not None
        text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(one.last.get_data())).pages)
        assert case in text.replace("\n", "")
        assert "张三" not in text
        assert "住院" not in text
        assert ("已说明" if lang == "zh" else "given") in text
    with reading():
        assert sum('"urging_print"' in line for line in db.session.scalars(select(AccessRow.text))) == 2


def test_a_notice_is_for_one_s_own_area_and_a_real_month(world: World) -> None:
    late_case(world)
    leader = browser(world, world.person("township_leader"))
    for area, month, status in (
        (f"{XIUSHAN[:6]}000000", "2026-03", 403), (f"{FENGDU[:9]}000", "2026-03", 403),
        (f"{XIUSHAN[:9]}000", "2026-13", 422), (XIUSHAN, "2026-03", 422), (f"{XIUSHAN[:9]}000", "2026-03", 200),
    ):  # fmt: skip
        leader.get("/board/notice").post("/board/notice", {"area": area, "month": month})
        assert leader.status == status, (area, month)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(year=st.integers(2020, 2030), month=st.integers(1, 12))
def test_months_meet_each_other(year: int, month: int) -> None:
    text = f"{year}-{month:02}"
    assert late.is_month(text)
    begins, ends = late._month(text)
    assert begins < ends
    following = f"{year + month // 12}-{month % 12 + 1:02}"
    assert late._month(following)[0] == ends


def test_what_is_no_month() -> None:
    assert not any(late.is_month(text) for text in ("", "2026-13", "2026-1", "1999-01", "2026-00", "x" * 7))


def test_a_substitute_answers_for_whom_he_stands_in(world: World) -> None:
    case, kind, generation = late_case(world)
    world.person("village_cadre")
    neighbour = world.person("village_cadre", NEAR)
    name = next(key for key, one in world.accounts.items() if one == neighbour)
    told: dict[str, Any] = {"case": case, "kind": kind, "generation": generation, "text": "代为说明"}
    with pytest.raises(Refused):
        late_reasons.give_reason(neighbour, **told)
    today = local_date(world.now)
    days = {"begins": today.isoformat(), "ends": (today + timedelta(days=2)).isoformat()}
    substitutes.add(
        world.person("village_cadre"), Absence("village_cadre", XIUSHAN, reason="休假", substitute=name, **days)
    )
    late_reasons.give_reason(actor_named(name), **told)
