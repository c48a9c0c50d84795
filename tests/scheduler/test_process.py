"""The scheduler as a process: each timer once whatever is killed, a clean stop, one run for cron, a log of counts."""

import json
import random
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from app.services import upkeep
from app.services.selftest import SELF_TEST
from app.services.steady import ClockWatch
from app.store.people import add_failure, add_session
from app.store.transaction import reading, writing
from app.store.upkeep import beats
from app.tables import LoginFailure, LoginSession, db
from scheduler import run_once, tick_until
from scheduler.jobs import JOBS, run_job
from tests.scheduler.kills import prove, seed, start
from tests.scheduler.seen import messages
from tests.world import World
from workflows.clock import parse_utc, utc_text

SCHEDULERS = 4
DAILY = {job.name for job in JOBS} - {upkeep.CHECK, SELF_TEST}  # what runs by day, in any installation


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("timers", "kills"), [(120, 4), pytest.param(300, 10, marks=pytest.mark.whole)])
def test_schedulers_with_kills_do_everything_once(world: World, timers: int, kills: int) -> None:
    """Small sizes; ``make prove`` runs a hundred thousand timers."""
    figures = prove(world, timers=timers, schedulers=SCHEDULERS, kills=kills, chance=random.Random(world.url))
    assert (figures.timers, figures.kills) == (timers, kills)
    lines = log_lines(world)
    assert sum(line["event"] == "stopped" for line in lines) == SCHEDULERS
    print(f"{figures.timers} timers, {figures.kills} kills, {figures.seconds:.1f} s")


def log_lines(world: World) -> list[dict[str, object]]:
    """The log: one JSON object a line, nothing that is personal, no error."""
    text = (world.folder / "scheduler.log").read_text()
    assert "张三" not in text
    assert "家中" not in text
    lines = [json.loads(line) for line in text.splitlines()]
    assert {line["event"] for line in lines} <= {"started", "job_done", "stopped"}
    return lines


def test_one_run_for_cron(world: World) -> None:
    """Every job once, in an order that delivers what the sweep has just found; then the process ends."""
    seed(world, 1)
    process = start(world, world.folder / "scheduler.log", "--once")
    assert process.wait(timeout=60) == 0
    [swept] = [line for line in log_lines(world) if line.get("job") == "sweep"]
    assert swept["done"] == 8  # two periods: the lapse, the superior, the county, formal urging
    with reading():
        assert set(beats()) >= DAILY
    assert upkeep.counts()["waiting_messages"] == 0
    assert {word for word, _, _ in messages()} == {"waiting", "overdue", "raised", "escalated", "to_urge"}


def test_a_stop_is_quick_and_clean(world: World) -> None:
    """Ticking in a thread: all jobs run at the start, then it stops at the word."""
    seed(world, 3)
    stop = threading.Event()
    ticking = threading.Thread(target=tick_until, args=(world.app, stop))
    ticking.start()
    limit = time.monotonic() + 20
    found: set[str] = set()
    while not found >= DAILY and time.monotonic() < limit:
        with reading():
            found = set(beats())
        time.sleep(0.05)
    before = time.monotonic()
    stop.set()
    ticking.join(timeout=10)
    assert not ticking.is_alive()
    assert time.monotonic() - before < 5
    assert found >= DAILY


def test_the_great_check_runs_once_a_night(world: World) -> None:
    """Not by day, not twice; what it finds is logged by place and code, and the process goes on."""
    seed(world, 1)
    world.now = parse_utc("2026-03-04T03:00:00Z")
    assert run_once(world.app) == 0
    assert check_beat() is None
    world.now = parse_utc("2026-03-04T17:30:00Z")  # half past one at night in China
    assert run_once(world.app) == 0
    first = check_beat()
    assert first is not None
    assert first[0] == "2026-03-04T17:30:00Z"
    assert "damages=" in first[1]
    world.now += timedelta(hours=1)
    assert run_once(world.app) == 0
    assert check_beat() == first
    world.now += timedelta(hours=23)
    assert run_once(world.app) == 0
    assert check_beat() != first


def check_beat() -> tuple[str, str] | None:
    """When the check last ran, and what it counted."""
    with reading():
        return beats().get(upkeep.CHECK)


def test_an_idle_job_beats_some_times_a_minute_and_one_with_work_each_time(world: World) -> None:
    """Several idle schedulers would else queue for SQLite's write lock every few seconds."""
    heard = []
    for seconds, done in ((0, 0), (5, 0), (5, 2), (5, 0), (16, 0)):
        world.now += timedelta(seconds=seconds)
        upkeep.beat("sweep", {"done": done})
        with reading() as now:
            at, detail = beats()["sweep"]
        heard.append((at == utc_text(now), detail))
    idle, busy = "done=0", "done=2"
    assert heard == [(True, idle), (False, idle), (True, busy), (False, busy), (True, idle)]


def test_a_watch_that_finds_nothing_is_no_line_of_the_log(world: World) -> None:
    watch = next(job for job in JOBS if job.name == "watch")
    for behind, heard in ((1, []), (3600, [("clock_skew", "warning"), ("job_done", "info")])):
        world.now = datetime.now(UTC) - timedelta(seconds=behind)
        with capture_logs() as lines:
            assert run_job(world.app, watch, lambda: False, ClockWatch())
        assert [(line["event"], line["log_level"]) for line in lines if line["log_level"] != "debug"] == heard


def test_a_job_that_fails_stops_no_other_and_makes_the_run_fail(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: object) -> None:
        raise KeyError("张三")

    monkeypatch.setattr("scheduler.jobs.sweep", broken)
    assert run_once(world.app) == 1
    with reading():
        assert set(beats()) == DAILY - {"sweep"}


def test_tidying_forgets_only_what_has_expired(world: World) -> None:
    with writing() as now:
        for name, hours in (("old", -1), ("live", 1)):
            ends = utc_text(now + timedelta(hours=hours))
            text = utc_text(now)
            session = LoginSession(
                token_hash=name, user_id=1, created_at=text, seen_at=text, expires_at=ends, source="-"
            )
            add_session(session)
        add_failure("old", "-", now - timedelta(days=2))
        add_failure("new", "-", now)
    assert upkeep.tidy() == {"sessions": 1, "failures": 1}
    with reading():
        assert [row.token_hash for row in db.session.query(LoginSession)] == ["live"]
        assert [row.username for row in db.session.query(LoginFailure)] == ["new"]
