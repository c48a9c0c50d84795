"""Imports by the command line: tables of row errors, files of errors, exit codes, nothing logged that is personal."""

import csv
import re
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from app.idnumber import make_synthetic
from tests.cli.conftest import SAMPLES, Machine
from tests.unit.roster_books import BIRTH, HEAD, WIFE, book

BAD: dict[str, Any] = {**HEAD, "证件号码": make_synthetic(BIRTH, 1, sex="male")[:17] + "0"}


@pytest.fixture
def clerk(bare: Machine) -> Machine:
    """A machine with a county clerk."""
    bare.init()
    bare.add("xian", "county_lead@500241")
    return bare


def roster(machine: Machine, *rows: dict[str, Any]) -> Path:
    """A roster as a file."""
    path = machine.folder / "roster.xlsx"
    path.write_bytes(book(rows))
    return path


def test_the_sample_roster_comes_in_once(clerk: Machine) -> None:
    sample = SAMPLES / "roster-500241.xlsx"
    dry = clerk.run("import", "households", sample, "--dry-run", "--as", "xian").output
    assert "将新增 60 户 168 人" in dry
    assert "没有记录" in clerk.run("household", "list", "测试", "--as", "xian").output
    assert "新增 60 户 168 人" in clerk.run("import", "households", sample, "--as", "xian").output
    assert "未变 60 户" in clerk.run("import", "households", sample, "--as", "xian").output
    listed = clerk.run("household", "list", "--area", "500241103204", "--as", "xian").output
    assert listed.count("500241H") == 20
    shown = clerk.run("household", "show", "500241h0000001", "--as", "xian").output
    assert "999999********" in shown
    assert "户主" in shown


def test_row_errors_are_a_table_and_nothing_comes_in(clerk: Machine) -> None:
    result = clerk.run("import", "households", roster(clerk, BAD, WIFE), "--as", "xian", code=1)
    assert "id_check" in result.stdout
    assert "证件号码" in result.stdout
    assert "一户也没有导入" in result.stderr
    assert str(BAD["证件号码"]) not in result.output
    assert str(WIFE["证件号码"]) not in result.output
    assert "没有记录" in clerk.run("household", "list", "测试", "--as", "xian").output


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".XLSX"])
def test_row_errors_go_to_a_file(clerk: Machine, suffix: str) -> None:
    path = clerk.folder / f"errors{suffix}"
    clerk.run("import", "households", roster(clerk, BAD), "--errors", path, "--as", "xian", code=1)
    if suffix == ".csv":
        rows: list[Any] = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    else:
        with path.open("rb") as file:
            loaded = load_workbook(file, read_only=True)
            rows = list(loaded.worksheets[0].iter_rows(values_only=True))
            loaded.close()
    assert list(rows[0]) == ["行", "列", "内容", "原因", "代码"]
    assert [rows[1][0], rows[1][4]] == ["2", "id_check"]


def test_errors_in_english(clerk: Machine) -> None:
    result = clerk.run("import", "households", roster(clerk, BAD), "--as", "xian", code=1, lang="en")
    assert "errors; nothing was imported" in result.stderr


def test_a_changed_row_is_told(clerk: Machine) -> None:
    clerk.run("import", "households", roster(clerk, HEAD), "--as", "xian")
    changed = roster(clerk, {**HEAD, "户联系电话": "13900000000"})
    result = clerk.run("import", "households", changed, "--as", "xian")
    assert "联系电话" in result.output
    assert "139" not in result.output
    code = re.search(r"--confirm ([0-9a-f]{8}) ", result.output)
    assert code
    confirmed = clerk.run("import", "households", changed, "--confirm", code[1], "--as", "xian").output
    assert "已按花名册更改 1 户" in confirmed
    assert "未变 1 户" in clerk.run("import", "households", changed, "--as", "xian").output


def test_no_formula_comes_out_of_an_error_list(clerk: Machine) -> None:
    path = clerk.folder / "errors.csv"
    clerk.run(
        "import", "households", roster(clerk, {**HEAD, "村": "=HYPERLINK()"}), "--errors", path, "--as", "xian", code=1
    )
    cells = [cell for row in csv.reader(path.read_text(encoding="utf-8-sig").splitlines()) for cell in row]
    assert not any(cell.startswith("=") for cell in cells)


def test_a_broken_workbook_is_an_error_not_a_crash(clerk: Machine) -> None:
    path = clerk.folder / "broken.xlsx"
    path.write_bytes(b"PK\x03\x04 nothing")
    assert "file_" in clerk.run("import", "households", path, "--as", "xian", code=1).stdout


def test_usage_errors(clerk: Machine) -> None:
    path = roster(clerk, HEAD)
    assert "--as" in clerk.run("import", "households", path, code=2).stderr
    clerk.run("import", "households", path, "--errors", "errors.pdf", "--as", "xian", code=2)
    clerk.run("import", "households", clerk.folder / "none.xlsx", "--as", "xian", code=2)


def test_who_imports_is_somebody_with_the_office(clerk: Machine) -> None:
    clerk.add("shen", "auditor@500241")
    path = roster(clerk, HEAD)
    assert "县农业农村委人员" in clerk.fails("import", "households", path, "--as", "shen", reason="wrong_office")
    clerk.fails("import", "households", path, "--as", "niemand", reason="not_found")
    clerk.run("user", "disable", "xian", "--as", "guan")
    clerk.fails("import", "households", path, "--as", "xian", reason="not_allowed")


def test_areas_by_file(clerk: Machine) -> None:
    path = clerk.folder / "areas.csv"
    path.write_text("code,name,level,parent_code\n500241103204001,第一网格,grid,500241103204\n", encoding="utf-8")
    assert "新增 1" in clerk.run("import", "areas", path).output
    assert "未变 1" in clerk.run("import", "areas", path).output
    path.write_text("code,name,level,parent_code\n500241103204002,二,grid,500241103999\n", encoding="utf-8")
    assert "第 2 行" in clerk.fails("import", "areas", path, reason="bad_areas")


def test_grids_are_opened_and_groups_filed(clerk: Machine) -> None:
    village = "500241103204"
    clerk.run("import", "households", SAMPLES / "roster-500241.xlsx", "--as", "xian")
    assert f"{village}001" in clerk.run("grid", "add", village, "第一网格", "--as", "xian").output
    filed = clerk.run("grid", "assign", village, f"{village}001", "--group", "1组", "--group", "2组", "--as", "xian")
    assert "10 户" in filed.output
    left = clerk.run("grid", "assign", village, "-", "--household", "500241h0000001", "--as", "xian")
    assert "1 户" in left.output
    listed = clerk.run("grid", "list", village, "--as", "xian").output
    assert "第一网格" in listed
    assert "4组" in listed
    assert "网格" in clerk.run("grid", "assign", village, "9", "--group", "1组", "--as", "xian", code=1).stderr


def test_an_export_is_masked_until_a_purpose_is_given(clerk: Machine) -> None:
    clerk.run("import", "households", roster(clerk, HEAD, WIFE), "--as", "xian")
    path = clerk.folder / "out.xlsx"
    assert "已脱敏" in clerk.run("export", "households", path, "--as", "xian").output
    whole = clerk.run("export", "households", path, "--purpose", "核对", "--as", "xian").output
    assert "请妥善保管" in whole
    cells = [cell.value for row in load_workbook(path).worksheets[0].iter_rows() for cell in row]
    assert HEAD["证件号码"] in cells
    assert path.stat().st_mode & 0o077 == 0


def test_wrong_rows_come_back_in_the_rosters_own_layout(clerk: Machine) -> None:
    path = clerk.folder / "errors.xlsx"
    clerk.run("import", "households", roster(clerk, BAD, WIFE), "--errors", path, "--as", "xian", code=1)
    rows = list(load_workbook(path)["出错的行"].iter_rows())
    assert [cell.value for cell in rows[0]] == [*BAD, "原行号", "错误说明"]
    assert len(rows) == 2
    marked = {rows[0][place].value for place, cell in enumerate(rows[1]) if cell.fill.fill_type == "solid"}
    assert marked == {"证件号码"}
    assert rows[1][-2].value == 2
    assert "校验" in str(rows[1][-1].value)


def test_openings_are_entered_when_asked_for(clerk: Machine) -> None:
    sample = SAMPLES / "roster-500241.xlsx"
    dry = clerk.run("import", "households", sample, "--openings", "--dry-run", "--as", "xian").output
    count = re.search(r"将登记期初状态 (\d+) 户", dry)
    assert count is not None
    done = clerk.run("import", "households", sample, "--openings", "--as", "xian").output
    assert f"已登记期初状态 {count[1]} 户" in done
    listed = clerk.run("household", "list", "--area", "500241103204", "--as", "xian").output
    assert "风险未消除" in listed
    clerk.run("check")


def test_single_differences_are_chosen_by_number(clerk: Machine) -> None:
    clerk.run("import", "households", roster(clerk, HEAD), "--as", "xian")
    told = clerk.run("import", "households", roster(clerk, {**HEAD, "组": "九组"}), "--as", "xian").output
    code = re.search(r"--confirm (\w{8})", told)
    assert code is not None
    clerk.run("import", "households", roster(clerk, {**HEAD, "组": "九组"}), "--only", "x", "--as", "xian", code=2)
    asked = ("--confirm", code[1], "--only", "500241h0000001", "--as", "xian")
    assert "1" in clerk.run("import", "households", roster(clerk, {**HEAD, "组": "九组"}), *asked).output
    again = clerk.run("import", "households", roster(clerk, {**HEAD, "组": "九组"}), "--as", "xian").output
    assert "未变 1 户" in again
