"""The sweep: warnings, lapses, escalation, duties of each period, after any downtime, whatever is broken."""

import threading
import time
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, text, update

from app.services.boards import overdue
from app.services.isolated import alone
from app.services.sweep import due_stage, sweep
from app.store.deadlines import ESCALATED, LAPSED, moments
from app.store.transaction import writing
from app.tables import CaseRow, db
from tests.factories import START
from tests.scheduler.seen import clock_entries, included, messages, opened, period
from tests.world import StoredWalker, World
from workflows.clock import at_percent, parse_utc, utc_text

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
@given(
    warn=st.lists(st.integers(1, 99), max_size=4),
    mode=st.sampled_from(["lapse", "recurring", "reached", "right", "fires"]),
    days=st.integers(1, 400),
    steps=st.lists(st.integers(0, 900), max_size=12),
)
def test_a_plan_is_followed_in_order_and_once(warn: list[int], mode: str, days: int, steps: list[int]) -> None:
    """Whenever the sweep looks, the lapse comes once, at its time or later, and escalation only after it."""
    due = START + timedelta(days=days)
    plan = moments(START, due, mode=mode, warn=warn)
    assert [at for _, at in plan] == sorted(at for _, at in plan)
    stages, done = [], 0
    for day in sorted(steps):
        now = START + timedelta(days=day)
        while any(stage > done and at <= now for stage, at in plan):
            done = due_stage(plan, done, now)
            assert dict(plan)[done] <= now
            stages.append(done)
    assert stages == sorted(set(stages))
    assert (ESCALATED in stages) <= (LAPSED in stages and mode == "lapse")
    assert (LAPSED in stages) == any(START + timedelta(days=day) >= due for day in steps)


# --- one case --------------------
def test_warned_twice_then_lapsed_then_escalated(world: World) -> None:
    """Fifteen days for the whole identification: 60 %, 80 %, the end, and once more the same time."""
    walker = opened(world)
    case = walker.case.number
    start, due = ends(walker, "id_total")
    due_text = utc_text(due)
    params = {"timer": "id_total", "due": due_text}
    for percent, stage in ((60, 1), (80, 2)):
        when = at_percent(start, due, percent=percent)
        sweep_at(world, when - SECOND)
        assert period(case, "id_total")["stage"] == stage - 1
        sweep_at(world, when)
        assert period(case, "id_total")["stage"] == stage
        assert messages(case, timer="id_total") == [("due_soon", ["village_cadre", "resident_team"], params)] * stage
    assert clock_entries(case, "id_total") == []

    sweep_at(world, due)
    [entry] = clock_entries(case, "id_total")
    assert (entry["action"], entry["at"]) == ("lapse", due_text)
    word, roles, told = messages(case, timer="id_total")[-1]
    assert (word, roles) == ("overdue", ["village_cadre", "resident_team", "township_leader"])
    assert (told["timer"], told["due"]) == ("id_total", due_text)

    double = at_percent(start, due, percent=200)
    sweep_at(world, double - SECOND)
    assert period(case, "id_total")["stage"] == LAPSED
    sweep_at(world, double)
    assert messages(case, timer="id_total")[-1] == ("escalated", ["county_lead"], params)
    row = period(case, "id_total")
    assert (row["stage"], row["next_at"], row["ended_how"]) == (ESCALATED, None, None)
    assert sweep_at(world, double + timedelta(days=100)) == {}
    assert len(clock_entries(case, "id_total")) == 1
    walker.refresh()


def test_after_downtime_each_end_is_noticed_once_with_its_true_due_time(world: World) -> None:
    """What the warnings would have said is overtaken; due and noticed stand apart."""
    walker = opened(world)
    case = walker.case.number
    _, due = ends(walker, "id_total")
    late = due + timedelta(days=60)
    sweep_at(world, late)
    [entry] = clock_entries(case, "id_total")
    assert entry["at"] == utc_text(late)
    assert entry["changes"]["lapsed"]["after"]["due"] == utc_text(due)
    row = period(case, "id_total")
    assert (row["due_at"], row["noticed_at"], row["stage"]) == (utc_text(due), utc_text(late), ESCALATED)
    assert [word for word, _, _ in messages(case, timer="id_total")] == ["overdue", "escalated"]


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

    sweep_at(world, at_percent(parse_utc(dues[2]), parse_utc("2026-07-31T16:00:00Z"), percent=80))
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
