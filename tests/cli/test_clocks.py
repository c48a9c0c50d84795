"""``fangpin clock accept``: whoever has set the clock right lets the sweeps go on."""

from app.services.steady import ACCEPTED, CLOCK, has_jumped
from app.store.transaction import reading, writing
from app.store.upkeep import beats, note_beat
from tests.cli.conftest import Machine


def test_a_clock_is_accepted(machine: Machine) -> None:
    with machine.application(), writing() as now:
        note_beat(CLOCK, "jumped expected=2026-01-01T00:00:00Z found=2027-01-01T00:00:00Z", now)
    assert "已确认" in machine.run("clock", "accept").output
    with machine.application(), reading():
        assert not has_jumped(beats()[CLOCK][1])
        assert ACCEPTED in beats()
