"""``fangpin audit``: samples and exception lists by command."""

import csv
from datetime import UTC, datetime
from pathlib import Path

from app.sampling import drawn
from tests.cli.conftest import Machine
from tests.cli.test_cases import CASE, INCLUDE, clue, walk

SEED = "20261123"


def test_a_sample_by_command(machine: Machine, tmp_path: Path) -> None:
    clue(machine)
    said = machine.run("audit", "sample", "--seed", SEED, "--size", 3, "--as", "shen").output
    assert f"种子“{SEED}”：在1件中抽取1件" in said
    assert CASE in said
    table = tmp_path / "sample.csv"
    machine.run("audit", "sample", "--seed", SEED, "--as", "shen", "-o", table)
    rows = list(csv.reader(table.read_text(encoding="utf-8-sig").splitlines()))
    assert (rows[1][1], rows[1][-1]) == (CASE, drawn(SEED, 1, [CASE])[0][0])
    fresh = machine.run("audit", "sample", "--as", "shen", lang="en").output
    assert "seed “" in fresh
    machine.fails("audit", "sample", "--seed", SEED, "--as", "xian", reason="not_allowed")
    machine.fails("audit", "sample", "--seed", SEED, "--from", "gestern", "--as", "shen", reason="bad_value")


def test_exception_lists_by_command(machine: Machine, tmp_path: Path) -> None:
    machine.now = datetime(2026, 3, 2, 15, 30, tzinfo=UTC)
    clue(machine)
    assert "night" in machine.run("audit", "exceptions", "--as", "shen").output
    assert "晚上22点至早上6点" in machine.run("audit", "exceptions", "night", "--as", "shen").output
    table = tmp_path / "late.csv"
    machine.run("audit", "exceptions", "late", "--set", "days=3", "--as", "shen", "-o", table)
    assert table.read_text(encoding="utf-8-sig").startswith("案件编号")
    machine.run("audit", "exceptions", "late", "--set", "x=3", "--as", "shen", code=2)
    machine.fails("audit", "exceptions", "nothing", "--as", "shen", reason="not_found")
    machine.fails("audit", "exceptions", "night", "--as", "xian", reason="not_allowed")


def test_hashes_of_older_photos(machine: Machine) -> None:
    clue(machine)
    walk(machine, CASE, INCLUDE[:3])
    folder = Path(machine.environ["FANGPIN_DATA"]) / "pictures"
    assert "补算照片 0 张" in machine.run("audit", "photos", "--as", "shen").output
    noted = sorted((folder / "500241.txt").read_text().splitlines())
    (folder / "500241.txt").unlink()
    assert "补算照片 1 张，无法读取 0 张" in machine.run("audit", "photos", "--as", "shen").output
    assert set((folder / "500241.txt").read_text().splitlines()) <= set(noted)
    machine.fails("audit", "photos", "--as", "xian", reason="not_allowed")


def test_a_finding_by_command(machine: Machine) -> None:
    clue(machine)
    household, item = CASE[:-3], f"{CASE[:-3]}-R1"
    data = ["--data", "found_by=visit", "--data", "finding=家中无人"]
    assert "待乡镇整改" in machine.run("audit", "find", household, *data, "--as", "shen").output
    machine.fails("audit", "find", household, *data, "--as", "shen", reason="already_open")
    machine.run("case", "act", item, "claim", "--data", "measures=补充走访", "--as", "xiang")
    proof = f"rectification_proof={machine.picture()}"
    machine.run("case", "act", item, "answer", "--data", "result=已走访", "--evidence", proof, "--as", "xiang")
    assert "已销号" in machine.run("case", "act", item, "accept", "--data", "opinion=属实", "--as", "shen").output
    assert "发现问题 0" in machine.run("check").output


def test_a_case_as_of_a_day(machine: Machine) -> None:
    clue(machine)
    day = "2026-03-02"
    assert f"{day}终了时的情况" in machine.run("case", "show", CASE, "--as-of", day, "--as", "shen").output
    machine.fails("case", "show", CASE, "--as-of", "2030-01-01", "--as", "shen", reason="bad_value")
    machine.fails("case", "show", CASE, "--as-of", "2026-01-01", "--as", "shen", reason="not_found")
