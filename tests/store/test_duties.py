"""The ledger of duties on both engines: periods made, caught up, dropped, fulfilled, reminded of."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.services import duties, duty_desk, duty_reminders, duty_reports
from app.services.cases import loaded_rules
from app.services.deliver import deliver
from app.services.duty_reports import Report
from app.store import duties as duty_store
from app.store import duty_acts
from app.store.duty_lists import Wanted
from app.store.transaction import reading, writing
from app.tables import DutyAct, DutyPeriod, Household, Reminder, db
from tests.factories import SUINING, XIUSHAN
from tests.world import StoredWalker, World
from workflows.clock import local_date
from workflows.model import Actor

APRIL = datetime(2026, 3, 31, 16, 0, 30, tzinfo=UTC)  # half a minute into 1 April in China
DAY = timedelta(days=1)


def rows(**where: object) -> dict[tuple[str, str], DutyPeriod]:
    """Periods by (duty, begins as a local-looking UTC text)."""
    with reading():
        query = select(DutyPeriod).filter_by(**where).order_by(DutyPeriod.begins)
        return {(row.duty, row.begins[:10]): row for row in db.session.scalars(query)}


def begin(world: World, area: str = XIUSHAN) -> None:
    """Keep duties from the world's present on."""
    world.household(9, area)
    duties.make_due()


def at(world: World, moment: datetime) -> None:
    """Put the clock forward and make what has begun."""
    world.now = moment
    duties.make_due()


def monitored(world: World, area: str = XIUSHAN) -> StoredWalker:
    """A household that is monitored and has a helper."""
    walker = world.walker(1, area).clue().walk("concluded").assist()
    world.now = walker.now
    return walker


def test_nothing_is_owed_before_the_first_full_period(world: World) -> None:
    begin(world)
    assert rows() == {}
    world.now = APRIL
    made = duties.make_due()["made"]
    assert made == len(rows()) > 5
    assert ("survey_monthly", "2026-03-31") in rows(subject=XIUSHAN)
    assert ("data_copy", "2026-03-31") in rows(subject="500241000000")


def test_it_is_made_once_however_often_it_is_tried(world: World) -> None:
    begin(world)
    at(world, APRIL)
    before = len(rows())
    assert not duties.make_due()
    with writing() as now:
        duty_store.note_run("500241", "2026-03-31")
    assert len(rows()) == before > 5
    assert now == world.now


def test_a_household_comes_under_a_duty_with_its_state(world: World) -> None:
    begin(world)
    walker = monitored(world)
    number = walker.household.number
    at(world, APRIL)
    found = rows(subject=number)
    assert {duty for duty, _ in found} == {"disclose", "team_visit", "evaluate", "risk_study", "elim_review"}
    assert found["team_visit", "2026-03-31"].due_at == "2026-04-30T16:00:00Z"
    assert found["evaluate", "2026-03-31"].due_at == "2026-06-30T16:00:00Z"
    helper = int(world.person("helper", XIUSHAN).id[1:])
    assert found["evaluate", "2026-03-31"].user_id == helper
    assert found["team_visit", "2026-03-31"].user_id == 0


def test_after_an_outage_each_period_is_made_with_its_true_due_day(world: World) -> None:
    begin(world)
    number = monitored(world).household.number
    at(world, datetime(2026, 7, 9, 2, tzinfo=UTC))
    visits = [row for (duty, _), row in rows(subject=number).items() if duty == "team_visit"]
    assert [row.due_at[:10] for row in visits] == ["2026-04-30", "2026-05-31", "2026-06-30", "2026-07-31"]
    assert {row.state for row in visits} == {"open"}


def test_a_day_off_moves_the_last_day_of_the_month_and_no_period(world: World) -> None:
    begin(world)
    at(world, datetime(2026, 9, 1, 1, tzinfo=UTC))
    found = rows(subject="500241000000")
    # 5 April 2026 is a Sunday of Qingming, 6 April its Monday off; 5 September is a Saturday.
    assert found["data_copy", "2026-03-31"].due_at == "2026-04-07T16:00:00Z"
    assert found["data_copy", "2026-08-31"].due_at == "2026-09-07T16:00:00Z"
    assert found["issue_zero", "2026-04-30"].due_at == "2026-05-31T16:00:00Z"  # a Sunday: a period ends with its days


def test_who_leaves_before_it_is_due_owes_it_no_more_and_what_was_missed_stays(world: World) -> None:
    begin(world)
    walker = monitored(world)
    at(world, APRIL)
    at(world, APRIL + 31 * DAY)
    walker.now = world.now
    walker.act("close_natural", "township_officer", case=walker.latest("monitor_status"))
    found = rows(subject=walker.household.number)
    assert found["team_visit", "2026-03-31"].state == "open"
    assert found["team_visit", "2026-04-30"].state == "dropped"
    assert found["evaluate", "2026-03-31"].state == "dropped"


def test_who_left_while_nobody_kept_the_duties_is_found_by_the_journal(world: World) -> None:
    begin(world)
    walker = monitored(world)
    walker.now = world.now = APRIL + 40 * DAY
    walker.act("close_natural", "township_officer", case=walker.latest("monitor_status"))
    at(world, APRIL + 80 * DAY)
    found = rows(subject=walker.household.number)
    assert found["team_visit", "2026-03-31"].state == "open"
    assert found["team_visit", "2026-04-30"].state == "dropped"
    assert ("team_visit", "2026-05-31") not in found


def test_a_visit_counts_for_whom_it_is_and_in_its_own_period(world: World) -> None:
    begin(world)
    walker = monitored(world)
    number = walker.household.number
    at(world, APRIL)
    walker.now = APRIL + 3 * DAY
    walker.act("record_visit", "helper", visit_mode="home")
    assert rows(subject=number)["team_visit", "2026-03-31"].state == "open"  # the team's visit is not the helper's
    walker.now += DAY
    walker.act("record_visit", "resident_team", visit_mode="phone")
    row = rows(subject=number)["team_visit", "2026-03-31"]
    assert (row.state, row.done, row.next_at) == ("done", 1, None)
    with reading():
        acts = db.session.scalars(select(DutyAct).where(DutyAct.duty != "disclose")).all()
        assert [(a.duty, a.role, a.mode, a.why) for a in acts] == [("team_visit", "resident_team", "phone", "")]
        assert acts[0].case == f"{number}-A1"


def test_a_visit_written_down_late_counts_for_the_month_in_which_it_was_made(world: World) -> None:
    begin(world)
    walker = monitored(world)
    number = walker.household.number
    at(world, APRIL)
    at(world, APRIL + 33 * DAY)
    walker.now = world.now
    walker.act("record_visit", "resident_team", visit_on="2026-04-20", visit_mode="home")
    found = rows(subject=number)
    assert found["team_visit", "2026-03-31"].state == "done"
    april = found["team_visit", "2026-03-31"]
    assert (april.settled_at or "") > april.due_at
    assert found["team_visit", "2026-04-30"].state == "open"


def test_the_period_goes_on_with_the_new_helper(world: World) -> None:
    begin(world)
    walker = monitored(world)
    at(world, APRIL)
    walker.now = world.now
    other = world.person("helper", XIUSHAN, "other")
    walker.act("change_helper", "township_officer", helper=other.id)
    assert rows(subject=walker.household.number)["evaluate", "2026-03-31"].user_id == int(other.id[1:])


def test_a_disclosure_begins_with_the_result_and_is_done_by_the_announcement(world: World) -> None:
    begin(world)
    walker = world.walker(1).clue().walk("announcing")
    (row,) = [row for (duty, _), row in rows().items() if duty == "disclose"]
    assert (row.state, row.subject, row.kind) == ("open", walker.household.number, "household")
    walker.act("announce")
    assert rows()["disclose", row.begins[:10]].state == "done"


def test_the_kind_of_household_decides_too(world: World) -> None:
    begin(world, SUINING)
    with writing():
        world.add_area(SUINING)
    number = world.household(5, SUINING)
    with writing():
        db.session.get_one(Household, ("430527", number)).kind = "former_poor"
    duties.make_due()
    at(world, APRIL)
    found = {duty for duty, _ in rows(subject=number)}
    assert found == {"contact_stable", "visit_former_poor"}
    with writing() as now:
        db.session.get_one(Household, ("430527", number)).kind = "ordinary"
        db.session.flush()
        assert duty_acts.drop_left(loaded_rules(), "430527", [number], now) == 2


def test_people_are_reminded_once_of_what_is_open_in_one_place(world: World) -> None:
    begin(world)
    team = world.person("resident_team", XIUSHAN)
    monitored(world)
    at(world, APRIL)
    world.now = APRIL + 27 * DAY
    duty_reminders.remind()
    duty_reminders.remind()
    deliver()
    with reading():
        mine = db.session.scalars(select(Reminder).where(Reminder.user_id == int(team.id[1:]))).all()
        told = [(r.word, r.params["duty"], r.params["count"]) for r in mine if r.params.get("duty") == "team_visit"]
    assert told == [("duty_soon", "team_visit", 1)]
    world.now = APRIL + 45 * DAY  # days off and quiet hours put a step off to the next working morning
    duty_reminders.remind()
    deliver()
    with reading():
        mine = db.session.scalars(select(Reminder).where(Reminder.user_id == int(team.id[1:]))).all()
        words = [r.word for r in mine if r.params.get("duty") == "team_visit"]
    assert words == ["duty_soon", "duty_late"]


def test_who_reports_has_answered_what_he_was_reminded_of(world: World) -> None:
    begin(world)
    cadre = world.person("village_cadre", XIUSHAN)
    at(world, APRIL)
    world.now = APRIL + 27 * DAY
    duty_reminders.remind()
    deliver()
    told = {r.params["duty"] for r in reminders_of(cadre)}
    lines = duty_desk.ledger(cadre, Wanted(mine=True)).found.rows
    line = next(line for line in lines if line.duty in told and line.may_report and not line.counts_days)
    mode = line.modes[0] if line.modes else ""
    said = Report(line.duty, line.begins, (line.subject,), on=local_date(world.now), mode=mode)
    duty_reports.report(cadre, "500241", said, key="one")
    answers = {r.key: r.answer for r in reminders_of(cadre)}
    mine = [key for key in answers if f":{line.duty}:" in key and line.begins in key]
    assert [answers.pop(key) for key in mine] == ["acted"]
    assert set(answers.values()) == {None}, "the other weeks are still owed"


def reminders_of(actor: Actor) -> Sequence[Reminder]:
    """What an account was reminded of."""
    with reading():
        return db.session.scalars(select(Reminder).where(Reminder.user_id == int(actor.id[1:]))).all()


@pytest.mark.parametrize("days", [27, 45])
def test_a_broken_group_is_put_off_and_the_others_go_on(
    world: World, days: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(world)
    monitored(world)
    at(world, APRIL)
    world.now = APRIL + days * DAY
    real = duty_reminders._message

    def breaks(one: duty_reminders.Reminded, *more: Any) -> object:
        if one.group.duty == "team_visit":
            raise RuntimeError("broken")
        return real(one, *more)

    monkeypatch.setattr(duty_reminders, "_message", breaks)
    tally = duty_reminders.remind()
    assert tally["failed"] == 1
    assert tally["reminded"] > 2
    (row,) = [row for (duty, _), row in rows().items() if duty == "team_visit"]
    assert row.trouble is not None
    assert "broken" not in row.trouble
