"""Absences at the command line: record, list, end; what is refused is said."""

from datetime import timedelta

from tests.cli.conftest import VILLAGE, Machine

OFFICE = f"village_cadre@{VILLAGE}"


def test_record_list_and_end(machine: Machine) -> None:
    today, back = (f"{machine.now + timedelta(days=days):%Y-%m-%d}" for days in (0, 5))
    words = ["user", "stand-in", "add", "--office", OFFICE, "--from", today, "--to", back, "--reason", "休假"]
    said = machine.run(*words, "--substitute", "dui", "--as", "cun").output
    assert "已登记第 1 条" in said
    listed = machine.run("user", "stand-in", "list", "--as", "dui").output
    assert "dui" in listed
    assert f"{today}/{back}" in listed
    assert (
        "代办" in machine.run("user", "stand-in", "list", "--area", "--as", "guan", lang="zh").output or "1" in listed
    )
    machine.fails(*words, "--substitute", "dui", "--as", "cun", reason="overlapping_absence")
    machine.fails(*words, "--substitute", "xiang", "--user", "dui", "--as", "guan", reason="bad_value")
    assert "已结束第 1 条" in machine.run("user", "stand-in", "end", "1", "--as", "guan").output
    assert "Recorded absence 2" in machine.run(*words, "--as", "cun", lang="en").output


def test_a_substitute_of_another_level_is_refused(machine: Machine) -> None:
    today, back = (f"{machine.now + timedelta(days=days):%Y-%m-%d}" for days in (0, 5))
    words = ["user", "stand-in", "add", "--office", OFFICE, "--from", today, "--to", back, "--reason", "休假"]
    machine.fails(*words, "--substitute", "xiang", "--as", "cun", reason="unfit_substitute")
