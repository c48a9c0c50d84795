"""A helper leaves: the administrator is told what hangs on the account, and who may gives it to another in one act."""

import pytest

from tests.cli.conftest import Machine
from tests.cli.test_cases import CASE, HELP, HOUSEHOLD, INCLUDE, clue, walk

ASSIST = f"{HOUSEHOLD}-A1"
pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def helped(machine: Machine) -> Machine:
    """A household with its helper ``bang``, and another helper who may take over."""
    clue(machine)
    walk(machine, CASE, INCLUDE)
    walk(machine, ASSIST, HELP[:2])
    machine.add("jie", "helper@500241")
    return machine


def hand_over(machine: Machine, who: str, *more: object, code: int = 0) -> str:
    note = machine.picture("assignment_note")
    words = ["user", "hand-over", "bang", "jie", "--reason", "调离", "--note", note, "--as", who, *more]
    return machine.run(*words, code=code).output


def test_all_households_of_a_leaver_go_to_another(helped: Machine) -> None:
    assert "仍是 1 户的帮扶责任人" in helped.run("user", "disable", "bang", "--as", "guan").output
    assert "没有帮扶的户，未作改动" in hand_over(helped, "guan")  # an administrator sees no households
    assert "已移交 1 户" in hand_over(helped, "xiang")
    shown = helped.run("case", "show", ASSIST, "--as", "xiang").output
    assert "调整帮扶责任人" in shown
    assert ASSIST in helped.run("household", "show", HOUSEHOLD, "--as", "jie").output
    helped.run("case", "show", ASSIST, "--as", "jie")
    assert "没有帮扶的户，未作改动" in hand_over(helped, "xiang")
    assert "发现问题 0" in helped.run("check").output


def test_what_is_refused_is_listed_and_nothing_else_stops(helped: Machine) -> None:
    """The auditor sees the household and may not; an account that is no helper cannot take over."""
    said = hand_over(helped, "shen", code=1)
    assert f"{ASSIST} 未移交" in said
    assert "--key" in said
    helped.fails("user", "hand-over", "bang", "nobody", "--reason", "x", "--note", helped.picture("assignment_note"),
                 "--as", "xiang", reason="not_found")  # fmt: skip
    assert "帮扶" in helped.run("case", "show", ASSIST, "--as", "bang").output


def test_an_account_without_open_work_goes_without_a_word(machine: Machine) -> None:
    assert "户的帮扶责任人" not in machine.run("user", "disable", "bang", "--as", "guan").output
