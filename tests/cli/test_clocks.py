"""``fangpin clock``: a question by the rules of a place, a case's deadlines, what is refused; a clock accepted."""

from app.services.steady import ACCEPTED, CLOCK, has_jumped
from app.store.transaction import reading, writing
from app.store.upkeep import beats, note_beat
from tests.cli.conftest import Machine
from tests.cli.test_cases import CASE, clue

QUESTION = ("--area", "500241", "--start", "2026-09-25T10:00", "--limit")


def test_a_question_is_answered_day_by_day(machine: Machine) -> None:
    told = machine.run("clock", "explain", *QUESTION, "10 working days").stdout
    for text in ("2026-10-15", "国庆节，法定节假日", "调休上班", "第201条", "cn-2004-2026"):
        assert text in told
    assert "2026-10-10  周六     6" in told


def test_mixed_durations_and_wrong_times_are_named(machine: Machine) -> None:
    mixed = machine.run("clock", "explain", *QUESTION, "10 working calendar days", code=1).stderr
    assert "10 working calendar days" in mixed
    assert "10 working_days" in mixed
    wrong = ("--area", "500241", "--start", "gestern", "--limit", "10 hours")
    assert "gestern" in machine.run("clock", "explain", *wrong, code=1).stderr
    machine.run("clock", "explain", "--area", "500241", code=1)


def test_a_case_tells_its_deadlines(machine: Machine) -> None:
    clue(machine)
    told = machine.run("clock", "explain", CASE, "--as", "cun").stdout
    assert "认定总时限" in told
    assert "线索受理" in told
    assert "线索受理" not in machine.run("clock", "explain", CASE, "id_total", "--as", "cun").stdout
    machine.run("clock", "explain", CASE, "nothing", "--as", "cun", code=1)


def test_a_clock_is_accepted(machine: Machine) -> None:
    with machine.application(), writing() as now:
        note_beat(CLOCK, "jumped expected=2026-01-01T00:00:00Z found=2027-01-01T00:00:00Z", now)
    assert "已确认" in machine.run("clock", "accept").output
    with machine.application(), reading():
        assert not has_jumped(beats()[CLOCK][1])
        assert ACCEPTED in beats()
