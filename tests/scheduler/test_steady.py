"""A clock that jumps stops the sweeps and alarms; an outage, and a wrong clock of one machine alone, stop nothing."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from app.services.steady import BOUND, CLOCK, ClockWatch, _Point, accept_clock, has_jumped
from app.services.upkeep import TICK, beat
from app.store.transaction import reading
from app.store.upkeep import beats
from scheduler.jobs import JOBS, run_job
from tests.factories import START
from tests.scheduler.seen import clock_entries, opened
from tests.world import World

HOUR, YEAR = timedelta(hours=1), timedelta(days=365)


class Machine:
    """The clocks of a machine beside the database's: seconds since its start, and what it holds to be the time."""

    def __init__(self, world: World) -> None:
        self.world, self.seconds, self.off = world, 0.0, timedelta()
        self.watch = self.fresh()

    def fresh(self) -> ClockWatch:
        """A process that has just started."""
        self.watch = ClockWatch(ticks=lambda: self.seconds, clock=lambda: self.true + self.off)
        return self.watch

    @property
    def true(self) -> datetime:
        """The true time, which goes on by seconds alone."""
        return self.began + timedelta(seconds=self.seconds)

    def start(self) -> "Machine":
        self.began = self.world.now - timedelta(seconds=self.seconds)
        return self

    def passes(self, span: timedelta) -> None:
        """Time goes on, for the database too."""
        self.seconds += span.total_seconds()
        self.world.now += span


def is_noted() -> bool:
    """Health reads this note."""
    with reading():
        return has_jumped(beats().get(CLOCK, ("", ""))[1])


@pytest.fixture
def machine(world: World) -> Machine:
    return Machine(world).start()


@pytest.mark.parametrize("jump", [HOUR, -HOUR, YEAR, -YEAR, BOUND + timedelta(seconds=1)])
def test_a_jump_is_seen_until_the_clock_is_back(machine: Machine, world: World, jump: timedelta) -> None:
    assert machine.watch.look() is None
    machine.passes(timedelta(seconds=15))
    world.now += jump
    found = machine.watch.look()
    assert found is not None
    assert found.found - found.expected == jump
    assert is_noted()
    machine.passes(timedelta(seconds=15))
    assert machine.watch.look() is not None
    world.now -= jump
    assert machine.watch.look() is None
    assert not is_noted()


@given(steps=st.lists(st.integers(0, 100_000), max_size=8), drift=st.integers(-599, 599))
def test_time_that_goes_on_is_no_jump(steps: list[int], drift: int) -> None:
    """However long the waits, and with what time synchronisation does, on a watch without a database."""
    seconds = [0.0]
    watch = ClockWatch(ticks=lambda: seconds[0], clock=lambda: START)
    begun = START
    watch._last = _Point(begun, 0.0)
    for step in steps:
        seconds[0] += step
        point = _Point(begun + timedelta(seconds=seconds[0] + drift), seconds[0])
        assert abs(point.now - watch._expected(point, "")) <= BOUND


def test_after_an_outage_a_fresh_process_goes_on(machine: Machine) -> None:
    """The database's clock is far beyond the last sweep, and this machine's own clock says the same."""
    beat(TICK, {"done": 1})
    machine.passes(timedelta(days=7))
    assert machine.fresh().look() is None


@pytest.mark.parametrize("jump", [YEAR, -YEAR, HOUR, -HOUR])
def test_a_fresh_process_sees_a_jump_that_came_while_none_ran(machine: Machine, world: World, jump: timedelta) -> None:
    beat(TICK, {"done": 1})
    world.now += jump
    assert machine.fresh().look() is not None


@pytest.mark.parametrize("off", [HOUR, -HOUR, YEAR, -YEAR])
def test_a_wrong_clock_of_one_machine_alone_stops_nothing(machine: Machine, off: timedelta) -> None:
    """Other schedulers have just swept, so the database's clock goes on steadily."""
    beat(TICK, {"done": 1})
    machine.off = off
    assert machine.fresh().look() is None
    machine.passes(timedelta(seconds=30))
    assert machine.watch.look() is None


@pytest.mark.parametrize("jump", [YEAR, -YEAR])
def test_whoever_sets_the_clock_right_says_so(machine: Machine, world: World, jump: timedelta) -> None:
    beat(TICK, {"done": 1})
    machine.watch.look()
    world.now += jump
    assert machine.watch.look() is not None
    assert accept_clock() == world.now
    assert not is_noted()
    assert machine.watch.look() is None
    assert machine.fresh().look() is None
    world.now += jump  # what was said held for that jump alone
    assert machine.watch.look() is not None


def test_no_period_lapses_by_a_clock_that_jumped(machine: Machine, world: World) -> None:
    walker = opened(world)
    sweep_job = next(job for job in JOBS if job.name == "sweep")
    assert run_job(world.app, sweep_job, lambda: False, machine.watch)
    world.now += YEAR
    with capture_logs() as lines:
        run_job(world.app, sweep_job, lambda: False, machine.watch)
    assert [line["event"] for line in lines] == ["clock_jump"]
    assert clock_entries(walker.case.number) == []
    world.now -= YEAR
    machine.passes(timedelta(days=20))
    assert run_job(world.app, sweep_job, lambda: False, machine.watch)
    assert clock_entries(walker.case.number) != []
