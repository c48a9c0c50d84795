"""The long walk by the command line: in by the gates, months of help kept and missed, out, and half a year's watch."""

import shutil
from datetime import timedelta
from pathlib import Path

import pikepdf
import pytest

from app.services.deliver import deliver
from app.services.sweep import sweep
from tests.cli.conftest import Machine
from tests.cli.test_cases import CASE, ELIMINATE, HELP, HOUSEHOLD, INCLUDE, act, clue, walk

ASSIST, STATUS, OUT = f"{HOUSEHOLD}-A1", f"{HOUSEHOLD}-S1", f"{HOUSEHOLD}-C2"
pytestmark = pytest.mark.timeout(240)


def test_from_clue_to_stable_elimination(machine: Machine, tmp_path: Path) -> None:
    """Every gate twice, a month missed, the watch ended by the clock; then the trail and the great check."""
    clue(machine)
    close_the_notice_early(machine)
    walk(machine, CASE, INCLUDE[8:])
    walk(machine, ASSIST, HELP)
    visit_for_months(machine)
    clue(machine, "eliminate", who="cun")
    correct_before_the_township_signs(machine)
    watch_over(machine)
    print_and_verify(machine, tmp_path)
    assert "发现问题 0" in machine.run("check").output


def night(machine: Machine, days: int) -> None:
    """Let days pass; the scheduler works through what they brought."""
    machine.now += timedelta(days=days)
    with machine.application():
        sweep()
        deliver()


def close_the_notice_early(machine: Machine) -> None:
    """Refused with the day from which it may be done; the case stays at its step."""
    walk(machine, CASE, INCLUDE[:7])
    who, action, _, files = INCLUDE[7]
    before = machine.run("case", "show", CASE, "--as", who).output
    handed = [word for kind in files for word in ("--evidence", f"{kind}={machine.picture(kind)}")]
    line = machine.fails("case", "act", CASE, action, "--data", "publicity_result=无异议", *handed, "--as", who,
                         reason="too_early")  # fmt: skip
    assert "公示期" in line
    assert machine.run("case", "show", CASE, "--as", who).output == before
    walk(machine, CASE, INCLUDE[7:8])


def visit_for_months(machine: Machine) -> None:
    """A month with its visit leaves no trace of the clock; a month without one is on record, once."""
    visit = HELP[-1]
    night(machine, 30)
    act(machine, ASSIST, *visit)
    assert lapses(machine, ASSIST) == 0
    night(machine, 60)
    assert lapses(machine, ASSIST) == 1
    for _ in range(4):
        act(machine, ASSIST, *visit)
        night(machine, 30)
    assert lapses(machine, ASSIST) == 1


def lapses(machine: Machine, case: str) -> int:
    """How many entries of the clock a case shows."""
    return machine.run("case", "show", case, "--as", "cun").output.count("时限到期")


def correct_before_the_township_signs(machine: Machine) -> None:
    """That the risk is still there bars no one in this county; what was typed wrongly is corrected on record."""
    audit = next(i for i, row in enumerate(ELIMINATE) if row[1] == "township_audit")
    walk(machine, OUT, ELIMINATE[:audit], income_wage="38400", risk_gone="否")
    correction = {"corrected_field": "risk_gone", "corrected_value": "是", "reason": "笔误"}
    act(machine, OUT, "dui", "correct", correction, ["correction_proof"])
    assert "已办结" in walk(machine, OUT, ELIMINATE[audit:])


def watch_over(machine: Machine) -> None:
    """Not a day before six months are over, and then by the clock alone."""
    assert "风险消除（观察期）" in machine.run("case", "show", STATUS, "--as", "cun").output
    night(machine, 150)
    assert "风险消除（观察期）" in machine.run("case", "show", STATUS, "--as", "cun").output
    night(machine, 45)
    assert "风险稳定消除" in machine.run("case", "show", STATUS, "--as", "cun").output


def print_and_verify(machine: Machine, folder: Path) -> None:
    """0 against the database, also when the life goes on; 3 alone; 2 for a file in which a page was changed."""
    path = folder / "trail.pdf"
    machine.run("trail", OUT, "-o", path, "--as", "shen")
    machine.run("verify", path, "--database")
    machine.run("verify", path, code=3)
    altered = shutil.copy(path, folder / "altered.pdf")
    with pikepdf.open(altered, allow_overwriting_input=True) as pdf:
        page = pdf.pages[0]
        page.contents_coalesce()
        page.Contents.write(page.Contents.read_bytes() + b"\n0 0 m 9 9 l S\n")
        pdf.save(altered)
    machine.run("verify", altered, code=2)
    machine.run("verify", altered, "--database", code=2)
    act(machine, ASSIST, *HELP[-1])
    machine.run("verify", path, "--database")
