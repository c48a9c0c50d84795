"""Once a week a message goes the whole way from clock to list; where it does not arrive, health says so."""

from datetime import datetime, timedelta

import pytest

from app.services import selftest
from app.services.boards import overdue
from app.services.deliver import deliver
from app.services.reminders import list_reminders
from app.services.selftest import RESULT, SELF_TEST, WITHIN, has_failed, week_of
from app.services.steady import ClockWatch
from app.services.sweep import sweep
from app.store.transaction import reading
from app.store.upkeep import beats
from scheduler.jobs import JOBS, run_job
from tests.world import World
from workflows.clock import CHINA

MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=CHINA)


@pytest.fixture
def at_work(world: World) -> World:
    """A Monday morning, with an administrator."""
    world.now = MONDAY
    world.person("admin")
    return world


def noted() -> str:
    with reading():
        return beats().get(RESULT, ("", ""))[1]


def words(world: World) -> list[str]:
    return [item.word for item in list_reminders(world.person("admin")).items]


def test_the_whole_way_once_a_week(at_work: World) -> None:
    assert selftest.work() == {"begun": 1}
    assert selftest.work() is None
    assert sweep() == {}
    at_work.now += timedelta(seconds=61)
    assert sweep() == {"done": 1}
    assert sweep() == {}
    deliver()
    assert words(at_work) == [SELF_TEST]
    at_work.now += timedelta(seconds=60)
    assert selftest.work() == {"passed": 1}
    assert noted() == f"passed week={week_of(at_work.now)} seconds=1"
    for hours in (1, 50, 100):
        at_work.now = MONDAY + timedelta(hours=hours)
        assert selftest.work() is None
    at_work.now = MONDAY + timedelta(days=7)
    assert selftest.work() == {"begun": 1}


@pytest.mark.parametrize("broken", ["sweep", "deliver"])
def test_a_link_that_is_missing_is_noticed(at_work: World, broken: str) -> None:
    selftest.work()
    at_work.now += timedelta(seconds=61)
    if broken == "deliver":
        sweep()
    at_work.now += WITHIN
    assert selftest.work() == {"failed": 1}
    assert has_failed(noted())
    at_work.now = MONDAY + timedelta(days=7)
    selftest.work()
    at_work.now += timedelta(seconds=61)
    sweep()
    deliver()
    selftest.work()
    assert not has_failed(noted())


def test_it_waits_for_office_hours(at_work: World) -> None:
    at_work.now = datetime(2026, 11, 22, 12, 0, tzinfo=CHINA)  # a Sunday
    assert selftest.work() is None
    at_work.now = datetime(2026, 11, 23, 7, 0, tzinfo=CHINA)
    assert selftest.work() is None
    at_work.now = MONDAY
    assert selftest.work() == {"begun": 1}


def test_it_is_no_period_of_any_household(at_work: World) -> None:
    selftest.work()
    at_work.now += timedelta(days=2)
    assert overdue(at_work.person("county_lead")).total == 0


def test_the_scheduler_s_own_note_of_the_job_stands_apart(at_work: World) -> None:
    """It is concluded once, not again at each tick."""
    job = next(job for job in JOBS if job.name == SELF_TEST)
    for seconds in (0, 61, 60, 60):
        at_work.now += timedelta(seconds=seconds)
        assert run_job(at_work.app, job, lambda: False, ClockWatch())
        sweep()
        deliver()
    assert noted().startswith("passed week=")
    before = noted()
    assert selftest.work() is None
    assert noted() == before


def test_without_an_administrator_there_is_nobody_to_tell(world: World) -> None:
    world.now = MONDAY
    assert selftest.work() is None
