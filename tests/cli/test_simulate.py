"""``fangpin policy simulate``: inputs as options, figures on the screen and in files, mistakes all at once."""

import json
from pathlib import Path

from tests.cli.conftest import Machine


def test_a_simulation_at_the_terminal(machine: Machine, tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    moved = ("--income-line", "+5%", "--limit", "household_case.verify=3 working_days", "--staff", "township_officer=4")
    done = machine.run("policy", "simulate", "--as", "xian", *moved, "--seed", "7", "--out", out).output
    assert "推演结果不是决定" in done
    assert "推演中的人手" in done
    figures = json.loads(out.read_text(encoding="utf-8"))
    assert figures["inputs"]["limit"] == {"household_case.verify": {"unit": "working_days", "amount": 3}}
    assert figures["inputs"]["staff"] == {"township_officer": 4}
    assert (figures["inputs"]["line"], figures["inputs"]["seed"]) == ("+5%", 7)
    table = tmp_path / "figures.csv"
    english = machine.run("policy", "simulate", "--as", "xian", "--out", table, lang="en").output
    assert "A simulation is no decision" in english
    assert table.read_text(encoding="utf-8").startswith("\ufeff")


def test_mistakes_are_told_all_at_once(machine: Machine) -> None:
    wrong = ("--income-line", "much", "--limit", "household_case.verify=3 months of May", "--seed", "x")
    line = machine.fails("policy", "simulate", "--as", "xian", *wrong, reason="bad_value")
    for word in ("much", "household_case.verify", "seed"):
        assert word in line
    assert "wrong_office" in machine.fails("policy", "simulate", "--as", "cun", reason="wrong_office")
