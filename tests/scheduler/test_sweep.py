"""The sweep: warnings, lapses, escalation, duties of each period, after any downtime, whatever is broken."""

import threading
import time
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, text, update

from app.office_hours import OfficeHours
from app.services.boards import overdue
from app.services.deliver import deliver
from app.services.isolated import alone
from app.services.sweep import due_stage, sweep
from app.store.deadlines import ESCALATED, LAPSED, RAISED, URGED, planned
from app.store.transaction import reading, writing
from app.tables import CaseRow, DeadlineRow, db
from tests.factories import START
from tests.scheduler.seen import clock_entries, included, lists, messages, opened, period
from tests.world import StoredWalker, World
from workflows.calendars import load_calendar
from workflows.clock import at_percent, local_date, parse_utc, utc_text
from workflows.ladder import Quiet

SECOND = timedelta(seconds=1)


def sweep_at(world: World, when: datetime) -> dict[str, int]:
    """Sweep at a moment."""
    world.now = when
    return dict(sweep())


def ends(walker: StoredWalker, kind: str, definition: str = "household_case") -> tuple[datetime, datetime]:
    """Start and end of a running period."""
    walker.refresh()
    clock = walker.latest(definition).clocks[kind]
    return parse_utc(clock.start), parse_utc(clock.due)


# --- the plan of a period --------------------
HOURS = OfficeHours(load_calendar(), Quiet())
AROUND_THE_CLOCK = OfficeHours(load_calendar(), None)


def steps(kind: str, case: str, definition_hours: OfficeHours = HOURS) -> dict[int, datetime]:
    """When each stage of a case's period is due, by the plan of its row."""
    with reading():
        row = db.session.get_one(DeadlineRow, (case[:6], case, kind, 1))
        start, due = parse_utc(row.start_at), parse_utc(row.due_at)
        return dict(planned(start, due, mode=row.mode, steps=row.warn, hours=definition_hours).moments)


@given(
    early=st.lists(st.integers(1, 99), max_size=2, unique=True).map(sorted),
    mode=st.sampled_from(["lapse", "recurring", "reached", "right", "fires"]),
    days=st.integers(1, 400),
    looks=st.lists(st.integers(0, 900), max_size=12),
    hours=st.sampled_from([HOURS, AROUND_THE_CLOCK]),
)
def test_a_plan_is_followed_in_order_and_once(
    early: list[int], mode: str, days: int, looks: list[int], hours: OfficeHours
) -> None:
    """Whenever the sweep looks, the lapse comes once, at its time or later, and whoever is above only after it."""
    due = START + timedelta(days=days)
    ladder = [*(f"{p} owner" for p in early), "100 owner", "120 superior", "200 county", "200 urge"]
    plan = planned(START, due, mode=mode, steps=ladder, hours=hours).moments
    assert [at for _, at in plan] == sorted(at for _, at in plan)
    assert dict(plan)[LAPSED] == due
    stages, done = [], 0
    for day in sorted(looks):
        now = START + timedelta(days=day)
        while any(stage > done and at <= now for stage, at in plan):
            done = due_stage(plan, done, now)
            assert dict(plan)[done] <= now
            stages.append(done)
    assert stages == sorted(set(stages))
    for stage in (RAISED, ESCALATED, URGED):
        assert (stage in stages) <= (stage - 1 in stages and mode == "lapse")
    assert (LAPSED in stages) == any(START + timedelta(days=day) >= due for day in looks)


# --- one case --------------------
def test_up_the_ladder_step_by_step(world: World) -> None:
    """Fifteen days for the whole identification: 60 %, 80 %, the end, the superior, the county, formal urging."""
    walker = opened(world)
    case = walker.case.number
    start, due = ends(walker, "id_total")
    due_text, at = utc_text(due), steps("id_total", case)
    params = {"timer": "id_total", "due": due_text}
    owner = ["village_cadre", "resident_team"]
    for stage in (1, 2):
        assert at[stage] >= at_percent(start, due, percent=40 + 20 * stage)
        sweep_at(world, at[stage] - SECOND)
        assert period(case, "id_total")["stage"] == stage - 1
        sweep_at(world, at[stage])
        assert period(case, "id_total")["stage"] == stage
        assert messages(case, timer="id_total") == [("due_soon", owner, params)] * stage
    assert clock_entries(case, "id_total") == []

    sweep_at(world, due)
    [entry] = clock_entries(case, "id_total")
    assert (entry["action"], entry["at"]) == ("lapse", due_text)
    word, roles, told = messages(case, timer="id_total")[-1]
    assert (word, roles, told["due"]) == ("overdue", owner, due_text)

    above = ((RAISED, "raised", ["township_leader"]), (ESCALATED, "escalated", ["county_lead"]))
    for stage, word, roles in (*above, (URGED, "to_urge", ["county_lead"])):
        sweep_at(world, at[stage] - SECOND)
        assert period(case, "id_total")["stage"] == stage - 1
        sweep_at(world, at[stage])
        assert messages(case, timer="id_total")[-1] == (word, roles, params)
    row = period(case, "id_total")
    assert (row["stage"], row["next_at"], row["ended_how"]) == (URGED, None, None)
    assert sweep_at(world, at[URGED] + timedelta(days=100)) == {}
    assert len(clock_entries(case, "id_total")) == 1
    walker.refresh()


def test_who_is_late_at_night_is_told_in_the_morning_unless_done_by_then(world: World) -> None:
    """The entry has its true time, a midnight; nobody is told before the office opens."""
    late, done = opened(world, 1), opened(world, 2)
    cadre = int(world.person("village_cadre").id[1:])
    _, due = ends(late, "clue_accept")
    morning = HOURS.first(due)
    assert morning > due
    sweep_at(world, due)
    assert [clock_entries(w.case.number, "clue_accept")[0]["at"] for w in (late, done)] == [utc_text(due)] * 2
    world.now = morning - SECOND
    deliver()
    assert "overdue" not in {word for word, _ in lists().get(cadre, [])}
    done.refresh()
    done.now = world.now
    done.act("nominate")
    world.now = morning
    deliver()
    assert [case for word, case in lists()[cadre] if word == "overdue"] == [late.case.number]


def test_no_step_is_spent_on_a_day_off(world: World) -> None:
    """A sweep that comes on a Sunday, after an outage, leaves the step for Monday's morning."""
    walker = opened(world)
    case, at = walker.case.number, steps("id_total", walker.case.number)
    day = at[1]
    while HOURS.calendar.is_working_day(local_date(day)):
        day += timedelta(days=1)
    assert day < ends(walker, "id_total")[1]
    assert sweep_at(world, day)["held"] >= 1
    assert messages(case, timer="id_total") == []
    row = period(case, "id_total")
    assert (row["stage"], row["next_at"]) == (0, utc_text(HOURS.first(day)))
    sweep_at(world, HOURS.first(day))
    assert [word for word, _, _ in messages(case, timer="id_total")] == ["due_soon"]


def test_after_an_outage_each_goes_up_on_a_day_of_its_own(world: World) -> None:
    """Who was never reminded has a day to act before the superior hears, and the superior one before the county."""
    walker = opened(world)
    case = walker.case.number
    _, due = ends(walker, "id_total")
    now, days = due + timedelta(days=60), []
    for _ in range(20):
        before = len(messages(case, timer="id_total"))
        sweep_at(world, now)
        days += [(local_date(now), word) for word, _, _ in messages(case, timer="id_total")[before:]]
        now += timedelta(hours=12)
    assert [word for _, word in days] == ["overdue", "raised", "escalated", "to_urge"]
    assert len({day for day, _ in days}) == 4
    assert all(HOURS.calendar.is_working_day(day) for day, word in days if word != "overdue")
    [entry] = clock_entries(case, "id_total")
    assert entry["changes"]["lapsed"]["after"]["due"] == utc_text(due)


def test_after_downtime_each_end_is_noticed_once_with_its_true_due_time(world: World) -> None:
    """What the early steps would have said is overtaken; due and noticed stand apart."""
    walker = opened(world)
    case = walker.case.number
    _, due = ends(walker, "id_total")
    late = due + timedelta(days=60)
    sweep_at(world, late)
    [entry] = clock_entries(case, "id_total")
    assert entry["at"] == utc_text(late)
    assert entry["changes"]["lapsed"]["after"]["due"] == utc_text(due)
    row = period(case, "id_total")
    assert (row["due_at"], row["noticed_at"], row["stage"]) == (utc_text(due), utc_text(late), LAPSED)
    assert [word for word, _, _ in messages(case, timer="id_total")] == ["overdue"]


def test_a_period_that_ended_is_passed_by(world: World) -> None:
    walker = opened(world)
    case = walker.case.number
    walker.wait(days=1).act("nominate")
    row = period(case, "clue_accept")
    assert (row["ended_how"], row["next_at"], row["ended_at"]) == ("met", None, utc_text(walker.now))
    sweep_at(world, walker.now + timedelta(days=300))
    assert clock_entries(case, "clue_accept") == []
    assert period(case, "clue_accept")["stage"] == 0


def test_what_was_late_may_still_be_done(world: World) -> None:
    walker = opened(world)
    _, due = ends(walker, "clue_accept")
    sweep_at(world, due)
    walker.refresh()
    walker.after("clue_accept", seconds=60).act("nominate")
    row = period(walker.case.number, "clue_accept")
    assert (row["ended_how"], row["next_at"], row["stage"]) == ("late", None, LAPSED)


def test_a_public_notice_runs_its_time_and_nobody_is_late(world: World) -> None:
    """Its end is noted and told; closing it stays a person's act."""
    walker = opened(world, to="publicizing")
    case = walker.case.number
    _, due = ends(walker, "publicity_min")
    sweep_at(world, due - SECOND)
    assert clock_entries(case, "publicity_min") == []
    sweep_at(world, due)
    assert len(clock_entries(case, "publicity_min")) == 1
    [(word, roles, _)] = messages(case, timer="publicity_min")
    assert (word, roles) == ("period_ended", ["village_cadre", "resident_team"])
    row = period(case, "publicity_min")
    assert (row["stage"], row["next_at"], row["ended_how"]) == (LAPSED, None, None)
    walker.refresh()
    assert walker.state == "publicizing"
    walker.now = due
    walker.act("close_publicity")
    assert period(case, "publicity_min")["ended_how"] == "met"


def test_the_right_to_appeal_ends_by_itself(world: World) -> None:
    walker = opened(world)
    for action in ("nominate", "sign_authorization"):
        walker.step(action)
    walker.act("refuse")
    walker.act("tell_refusal")
    case = walker.case.number
    _, due = ends(walker, "appeal_window")
    sweep_at(world, due)
    assert len(clock_entries(case, "appeal_window")) == 1
    row = period(case, "appeal_window")
    assert (row["ended_how"], row["next_at"], row["stage"]) == ("fired", None, LAPSED)


def test_three_months_without_a_visit_are_three_lapses_in_order(world: World) -> None:
    """Each month missed is noticed with its own due time, also all at once after downtime; the next one runs."""
    walker = included(world)
    walker.assist()
    assist = walker.latest("assist").number
    first = period(assist, "visit_open")
    assert (first["start_at"], first["due_at"]) == ("2026-03-31T16:00:00Z", "2026-04-30T16:00:00Z")
    world.now = parse_utc("2026-07-15T00:00:00Z")
    sweep()
    entries = clock_entries(assist, "visit_open")
    dues = [entry["changes"]["lapsed"]["after"]["due"] for entry in entries]
    assert dues == ["2026-04-30T16:00:00Z", "2026-05-31T16:00:00Z", "2026-06-30T16:00:00Z"]
    assert {entry["at"] for entry in entries} == {"2026-07-15T00:00:00Z"}
    assert [period(assist, "visit_open", n)["ended_how"] for n in (1, 2, 3, 4)] == ["late"] * 3 + [None]
    told = [(word, params["due"]) for word, _, params in messages(assist, timer="visit_open")]
    assert told == [("overdue", due) for due in dues]

    early = at_percent(parse_utc(dues[2]), parse_utc("2026-07-31T16:00:00Z"), percent=60)
    sweep_at(world, HOURS.first(early))
    assert messages(assist, timer="visit_open")[-1][0] == "due_soon"
    walker.now = world.now
    walker.refresh()
    walker.act("record_visit")
    assert period(assist, "visit_open", 4)["ended_how"] == "met"
    sweep_at(world, parse_utc("2026-08-01T00:00:00Z"))
    assert len(clock_entries(assist, "visit_open")) == 3


def test_six_months_of_watching_end_in_stable(world: World) -> None:
    walker = included(world)
    walker.assist()
    for _ in range(7):
        walker.wait(days=30).act("record_visit")
    walker.eliminate()
    status = walker.latest("monitor_status").number
    _, due = ends(walker, "observe", "monitor_status")
    sweep_at(world, due - SECOND)
    walker.refresh()
    assert walker.status == "eliminated_observing"
    sweep_at(world, due)
    walker.refresh()
    assert (walker.status, walker.latest("assist").state) == ("eliminated_stable", "stable")
    [entry] = clock_entries(status)
    assert (entry["action"], entry["actor"]["role"]) == ("stabilise", "system")
    assert period(status, "observe")["ended_how"] == "fired"
    assert period(walker.latest("assist").number, "visit_open", 1)["next_at"] is None


def test_thirty_days_later_it_is_overdue_with_nobody_touching_the_row(world: World) -> None:
    """What a person sees follows from the due time; the sweep only notices and tells."""
    walker = opened(world)
    cadre = world.person("village_cadre")
    before = period(walker.case.number, "id_total")
    assert overdue(cadre).total == 0
    world.now = walker.now + timedelta(days=30)
    board = overdue(cadre)
    assert "id_total" in {line.timer for line in board.found.rows}
    assert period(walker.case.number, "id_total") == before


# --- many cases --------------------
def test_a_broken_case_stops_no_sweep(world: World) -> None:
    """The others are dealt with; the broken one is noted without any value, tried again ever more rarely."""
    walkers = [opened(world, serial) for serial in range(1, 9)]
    broken = walkers[3].case.number
    _, due = ends(walkers[0], "clue_accept")
    with writing():
        fields = db.session.get_one(CaseRow, (broken[:6], broken)).fields
        db.session.execute(update(CaseRow).where(CaseRow.number == broken).values(fields='{"head_name": 张三'))
    tally = sweep_at(world, due)
    assert tally["failed"] == 1
    for walker in walkers:
        assert len(clock_entries(walker.case.number, "clue_accept")) == (walker.case.number != broken)
    row = period(broken, "clue_accept")
    assert row["trouble"].startswith(f"{utc_text(due)} JSONDecodeError at ")
    assert "张" not in row["trouble"]

    delays = []
    for _ in range(6):
        retry = parse_utc(period(broken, "clue_accept")["next_at"])
        delays.append((retry - world.now).total_seconds())
        assert sweep_at(world, retry - SECOND) == {}
        assert sweep_at(world, retry) == {"failed": 1}
    assert delays == [60, 60, 120, 240, 480, 960]

    with writing():
        db.session.execute(update(CaseRow).where(CaseRow.number == broken).values(fields=fields))
    sweep_at(world, parse_utc(period(broken, "clue_accept")["next_at"]))
    row = period(broken, "clue_accept")
    assert (row["trouble"], row["stage"] >= LAPSED) == (None, True)
    assert clock_entries(broken, "clue_accept")[0]["changes"]["lapsed"]["after"]["due"] == utc_text(due)


@pytest.mark.parametrize("engine_name", ["postgresql"])
def test_a_household_in_somebody_elses_hands_is_left_for_the_next_tick(world: World) -> None:
    """Row locks exist on PostgreSQL only; nobody waits for them."""
    busy, free = opened(world, 1), opened(world, 2)
    _, due = ends(busy, "clue_accept")
    engine = create_engine(world.url)
    with engine.connect() as other:
        query = text("SELECT 1 FROM households WHERE number = :number FOR UPDATE")
        other.execute(query, {"number": busy.household.number})
        before = time.monotonic()
        tally = sweep_at(world, due)
        assert time.monotonic() - before < 3
    engine.dispose()
    assert tally["busy"] >= 1
    assert "failed" not in tally
    assert clock_entries(busy.case.number, "clue_accept") == []
    assert len(clock_entries(free.case.number, "clue_accept")) == 1
    sweep()
    assert len(clock_entries(busy.case.number, "clue_accept")) == 1


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_while_one_process_sweeps_sqlite_another_leaves_it_alone(world: World) -> None:
    """Only one can write; the lock is a file's and goes with the process that holds it."""
    case = opened(world, 1)
    _, due = ends(case, "clue_accept")
    with alone("sweep") as is_mine:
        assert is_mine
        assert sweep_at(world, due) == {}
    assert sweep_at(world, due)["done"] > 0


def test_two_sweeps_and_people_at_once(world: World) -> None:
    """Sweeps and commands on the same cases: no deadlock, each end noticed once, each act done."""
    walkers = [opened(world, serial) for serial in range(1, 13)]
    helper = world.person("village_cadre")
    _, due = ends(walkers[0], "clue_accept")
    for walker in walkers:
        walker.now = due
    world.now = due
    troubles: list[str] = []

    def sweeping() -> None:
        with world.app.app_context():
            for _ in range(4):
                tally = sweep(batch=5)
                troubles.extend(["failed"] * tally["failed"])

    threads = [threading.Thread(target=sweeping) for _ in range(2)]
    for thread in threads:
        thread.start()
    for walker in walkers:
        walker.refresh()
        walker.act("nominate", helper)
    for thread in threads:
        thread.join()
    sweep()
    assert troubles == []
    for walker in walkers:
        walker.refresh()
        assert len(clock_entries(walker.case.number, "clue_accept")) <= 1
        assert period(walker.case.number, "clue_accept")["ended_how"] == "late"
