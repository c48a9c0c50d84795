"""What becomes of reminders: delivered, read, answered, gone up; pressed by hand; formally urged and answered."""

from dataclasses import replace
from datetime import datetime, timedelta
from io import BytesIO

import pypdf
import pytest

from app import printing
from app.labels import Speech
from app.services import late_reasons, nudges, reminders, urgings
from app.services.deliver import deliver
from app.services.sweep import sweep
from app.store.receipts import Wanted
from app.store.transaction import writing
from app.views.urgings import sheet_of
from tests.scheduler.seen import clock_entries, lists, messages, opened
from tests.scheduler.test_sweep import HOURS, ends, steps
from tests.world import World
from workflows.clock import local_date, parse_utc, utc_text
from workflows.errors import BadValue, NotAllowed, NotFound, NudgedAlready, UrgedAlready

DAY = timedelta(days=1)


def go(world: World, when: datetime) -> None:
    """Sweep and deliver at a moment."""
    world.now = when
    sweep()
    deliver()


def up_to_the_county(world: World, case: str) -> None:
    """Let a case's identification go up the whole ladder, its steps each at its time."""
    for name in ("village_cadre", "township_leader", "county_lead"):
        world.person(name)
    for at in sorted(steps("id_total", case).values()):
        go(world, at)
        go(world, HOURS.first(at))


# --- receipts ---
def test_each_reminder_is_accounted_for_until_it_goes_up(world: World) -> None:
    walker = opened(world)
    case = walker.case.number
    cadre, leader, county = (world.person(role) for role in ("village_cadre", "township_leader", "county_lead"))
    go(world, world.now)
    up_to_the_county(world, case)
    rows = [one for one in reminders.of_case(county, case) if one.params.get("timer") == "id_total"]
    told = {(one.name, one.word): one for one in rows}
    assert {word for name, word in told if name == cadre.name} == {"due_soon", "overdue"}
    assert {word for name, word in told if name == county.name} == {"escalated", "to_urge"}
    overdue, raised = told[cadre.name, "overdue"], told[leader.name, "raised"]
    at = steps("id_total", case)
    assert overdue.escalated_at == utc_text(HOURS.first(at[4]))
    assert raised.escalated_at == utc_text(HOURS.first(at[5]))
    assert told[county.name, "escalated"].escalated_at == ""
    assert {(one.read_at, one.answered_at, one.answer) for one in rows} == {("", "", "")}


def test_who_acts_has_answered_and_nobody_else(world: World) -> None:
    walker = opened(world)
    case = walker.case.number
    cadre, other = world.person("village_cadre"), world.person("resident_team")
    deliver()
    walker.wait(days=1).act("nominate", cadre)
    mine = {one.name: one for one in reminders.of_case(cadre, case) if one.word == "waiting"}
    assert (mine[cadre.name].answer, mine[cadre.name].answered_at) == ("acted", utc_text(walker.now))
    assert mine[other.name].answered_at == ""
    with writing() as now:
        assert reminders.note_answer(int(other.id[1:]), case, "reason", now) == 1
        assert reminders.note_answer(int(other.id[1:]), case, "reason", now) == 0
    assert {one.answer for one in reminders.of_case(cadre, case) if one.word == "waiting"} >= {"acted", "reason"}


def test_an_answer_ends_the_going_up(world: World) -> None:
    """What was answered is not noted as gone up, whoever is told later."""
    walker = opened(world)
    case, cadre = walker.case.number, world.person("village_cadre")
    at = steps("id_total", case)
    go(world, at[1])
    with writing() as now:
        reminders.note_answer(int(cadre.id[1:]), case, "reason", now)
    up_to_the_county(world, case)
    first = min((one for one in reminders.of_case(cadre, case) if one.word == "due_soon"), key=lambda one: one.id)
    assert (first.answer, first.escalated_at) == ("reason", "")


def test_a_reason_why_it_is_late_is_an_answer(world: World) -> None:
    walker = opened(world)
    case, cadre = walker.case.number, world.person("village_cadre")
    go(world, HOURS.first(ends(walker, "id_total")[1]))
    go(world, HOURS.first(world.now + DAY))
    late_reasons.give_reason(cadre, case=case, kind="id_total", generation=1, text="户主在外务工，本周返回。")
    told = [one for one in reminders.of_case(cadre, case) if one.name == cadre.name and one.word == "overdue"]
    assert told
    assert {(one.answer, one.answered_at) for one in told} == {("reason", utc_text(world.now))}


def test_the_list_is_for_county_and_auditors_by_filter_page_by_page(world: World) -> None:
    cases = [opened(world, serial).case.number for serial in (1, 2, 3)]
    cadre, county, auditor = (world.person(role) for role in ("village_cadre", "county_lead", "auditor"))
    deliver()
    with pytest.raises(NotAllowed):
        reminders.ledger_of(cadre, Wanted())
    everything = reminders.ledger_of(county, Wanted())
    assert {one.case for one in everything.rows} == set(cases)
    seen, page = [], reminders.ledger_of(auditor, Wanted(), size=2)
    while True:
        seen += [one.id for one in page.rows]
        if page.before is None:
            break
        page = reminders.ledger_of(auditor, Wanted(), before=page.before, size=2)
    assert seen == [one.id for one in everything.rows]
    item = reminders.list_reminders(cadre).items[0]
    reminders.mark_read(cadre, reminder=item.id)
    unread = {one.id for one in reminders.ledger_of(county, Wanted(state="unread")).rows}
    assert unread == set(seen) - {item.id}
    assert reminders.ledger_of(county, Wanted(word="overdue")).rows == []
    assert reminders.ledger_of(county, Wanted(township="500241999000")).rows == []
    assert reminders.ledger_of(world.person("county_lead", "500230001201"), Wanted()).rows == []


# --- pressed by hand ---
def test_pressing_reminds_whom_the_case_waits_for_once_a_day(world: World) -> None:
    walker = opened(world)
    case = walker.case.number
    cadre, leader = world.person("village_cadre"), world.person("township_leader")
    deliver()
    assert nudges.press(leader, case, reason="  请本周内  入户 ") == 1
    deliver()
    assert ("nudged", case) in lists()[int(cadre.id[1:])]
    assert [(one.name, one.reason) for one in nudges.pressed(case)] == [(leader.name, "请本周内 入户")]
    with pytest.raises(NudgedAlready):
        nudges.press(leader, case)
    assert nudges.press(world.person("county_lead"), case) == 2
    assert messages(case)[-1][2] == {"state": "clue_open"}  # the reason stays in the app


def test_after_three_days_running_it_is_enough_for_a_while(world: World) -> None:
    case, leader = opened(world).case.number, world.person("township_leader")
    for count in (1, 2, 3):
        assert nudges.press(leader, case) == count
        world.now += DAY
    with pytest.raises(NudgedAlready):
        nudges.press(leader, case)
    world.now += DAY
    assert nudges.press(leader, case) == 4


def test_who_may_not_press(world: World) -> None:
    """Whoever is to act, looks on, sees nothing of it; a closed case waits for nobody."""
    walker = opened(world)
    case = walker.case.number
    for role in ("village_cadre", "auditor", "sector_dept", "grid_member"):
        with pytest.raises(NotAllowed):
            nudges.press(world.person(role), case)
    with pytest.raises(NotFound):
        nudges.press(world.person("township_leader", "500241100201"), case)
    with pytest.raises(BadValue):
        nudges.press(world.person("township_leader"), case, reason="字" * 201)
    walker.act("close_no_risk")
    with pytest.raises(NotAllowed):
        nudges.press(world.person("township_leader"), case)


# --- formal urging ---
def test_a_letter_is_numbered_answered_and_written_down(world: World) -> None:
    walker = opened(world)
    case = walker.case.number
    county, leader, cadre = (world.person(role) for role in ("county_lead", "township_leader", "village_cadre"))
    start, due = ends(walker, "id_total")
    assert urgings.overview(county).candidates == []
    world.now = start + 2 * (due - start)  # no job has touched the row: it is twice overdue all the same
    found = {(one.case.number, one.kind) for one in urgings.overview(county).candidates}
    assert (case, "id_total") in found
    letter = urgings.issue(county, case=case, kind="id_total")
    assert letter.full_number == f"县防返贫办督〔{local_date(world.now).year}〕1号"
    assert (letter.area, letter.due) == ("500241001000", utc_text(due))
    assert parse_utc(letter.answer_by) > world.now
    with pytest.raises(UrgedAlready):
        urgings.issue(county, case=case, kind="id_total")
    assert (case, "id_total") not in {(one.case.number, one.kind) for one in urgings.overview(county).candidates}
    deliver()
    assert ("urged", case) in lists()[int(leader.id[1:])]
    assert [one.full_number for one in urgings.overview(leader).letters] == [letter.full_number]
    with pytest.raises(NotAllowed):
        urgings.overview(cadre)
    with pytest.raises(BadValue):
        urgings.answer(leader, "500241", letter.year, 1, text="  ")
    with pytest.raises(NotFound):
        urgings.answer(world.person("township_leader", "500241100201"), "500241", letter.year, 1, text="好")
    done = urgings.answer(leader, "500241", letter.year, 1, text="已入户，周五前办结。")
    assert (done.answer, done.answerer) == ("已入户，周五前办结。", leader.name)
    with pytest.raises(NotAllowed):
        urgings.answer(leader, "500241", letter.year, 1, text="再答")
    again = urgings.issue(county, case=case, kind="id_total")
    assert again.number == 2
    assert [one.number for one in urgings.overview(world.person("auditor")).letters] == [2, 1]
    assert clock_entries(case, "id_total") == []


def test_only_what_is_twice_late_is_urged_and_only_by_the_county(world: World) -> None:
    walker = opened(world)
    case = walker.case.number
    _, due = ends(walker, "id_total")
    world.now = due
    for kind in ("id_total", "no_such_timer"):
        with pytest.raises(NotFound):
            urgings.issue(world.person("county_lead"), case=case, kind=kind)
    with pytest.raises(NotAllowed):
        urgings.issue(world.person("township_leader"), case=case, kind="id_total")
    with pytest.raises(NotFound):
        urgings.issue(world.person("county_lead", "500230001201"), case=case, kind="id_total")
    world.now = due + timedelta(days=60)
    assert urgings.issue(world.person("county_lead"), case=case, kind="id_total").number == 1


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_letter_is_one_page_and_names_nobody(world: World, lang: str) -> None:
    walker = opened(world)
    county = world.person("county_lead")
    world.now = ends(walker, "id_total")[1] + timedelta(days=60)
    letter = urgings.issue(county, case=walker.case.number, kind="id_total")
    words = Speech(lang, local_date(world.now), "500241000000")
    data = printing.print_urging(county, letter, sheet_of(letter, words))
    pages = [page.extract_text() for page in pypdf.PdfReader(BytesIO(data)).pages]
    assert len(pages) == 1
    text = "".join(pages[0].split())
    assert letter.full_number in text
    assert words.last_day(letter.answer_by).replace(" ", "") in text
    assert "张三" not in text


def test_a_subdistrict_has_an_office_and_no_government(world: World) -> None:
    walker = opened(world)
    county = world.person("county_lead")
    world.now = ends(walker, "id_total")[1] + timedelta(days=60)
    letter = urgings.issue(county, case=walker.case.number, kind="id_total")
    words = Speech("zh", local_date(world.now), "500241000000")
    assert sheet_of(replace(letter, area_name="中和街道"), words)["to"] == "中和街道办事处："
    assert sheet_of(replace(letter, area_name="隘口镇"), words)["to"] == "隘口镇人民政府："
