"""Staff by sheet on the command line."""

import stat
from pathlib import Path

import pytest
from openpyxl import load_workbook

from tests.cli.conftest import Machine
from tests.unit.roster_books import book
from tests.world import id_number

HEADINGS = ["姓名", "登录账号", "初始密码"]


def row(username: str, role: str = "帮扶责任人", place: str = "", **more: str) -> dict[str, object]:
    """A row that can be taken."""
    return {
        "姓名": f"测试{username}", "登录账号": username, "身份证号码": id_number(username), "职务": role,
        "任职区域": place, **more,
    }  # fmt: skip


def sheet(machine: Machine, *rows: dict[str, object], name: str = "staff") -> Path:
    """A file of rows."""
    path = machine.folder / f"{name}.xlsx"
    path.write_bytes(book(rows))
    return path


def cells(path: Path, page: int = 0) -> list[list[object]]:
    """What stands in a workbook."""
    return [[cell.value for cell in line] for line in load_workbook(path).worksheets[page].iter_rows()]


def test_people_come_in_with_passwords_in_a_file_of_their_own(bare: Machine) -> None:
    bare.init()
    file = sheet(bare, row("bang"), row("cun", "村干部", "隘口镇/平所村"))
    said = bare.run("users", "import", file, "--dry-run", "--as", "guan").output
    assert "将新开账号 2 个" in said
    said = bare.run("users", "import", file, "--as", "guan").output
    assert "新开账号 2 个" in said
    passwords = bare.folder / "staff-passwords.xlsx"
    assert stat.S_IMODE(passwords.stat().st_mode) == 0o600
    found = cells(passwords)
    assert found[0] == HEADINGS
    assert [line[:2] for line in found[1:]] == [["测试bang", "bang"], ["测试cun", "cun"]]
    assert all(str(line[2]) not in said for line in found[1:])
    assert "未变 2 个" in bare.run("user", "import", file, "--as", "guan").output
    assert "村干部@500241103204" in bare.run("user", "list").output


def test_addresses_without_a_mail_server_are_told_to_be_ignored(bare: Machine) -> None:
    bare.init()
    file = sheet(bare, row("bang", 邮箱="bang@village.example"))
    assert "邮箱" in bare.run("user", "import", file, "--as", "guan").output


def test_a_file_of_passwords_is_never_overwritten(bare: Machine) -> None:
    bare.init()
    file, there = sheet(bare, row("bang")), bare.folder / "staff-passwords.xlsx"
    there.write_text("somebody's")
    assert "不覆盖" in bare.fails("user", "import", file, "--as", "guan", reason="file")
    assert there.read_text() == "somebody's"
    assert "bang" not in bare.run("user", "list").output
    bare.run("user", "import", file, "--as", "guan", "--passwords", bare.folder / "other.xlsx")
    assert cells(bare.folder / "other.xlsx")[1][1] == "bang"


def test_wrong_rows_come_back_in_their_own_layout(bare: Machine) -> None:
    bare.init()
    file, wrong = sheet(bare, row("bang"), row("cun", "村干部", "无此村")), bare.folder / "wrong.xlsx"
    said = bare.run("user", "import", file, "--errors", wrong, "--as", "guan", code=1)
    assert "area_unknown" in said.output
    assert "一行也没有导入" in said.stderr
    found = cells(wrong, 1)
    assert found[0][:5] == ["姓名", "登录账号", "身份证号码", "职务", "任职区域"]
    assert (found[1][1], found[1][5]) == ("cun", 3)
    assert stat.S_IMODE(wrong.stat().st_mode) == 0o600
    assert "bang" not in bare.run("user", "list").output
    mended = sheet(bare, {**row("cun", "村干部", "平所村"), "原行号": "3", "错误说明": "-"}, name="mended")
    assert "未识别的列" not in bare.run("user", "import", mended, "--as", "guan").output


@pytest.mark.parametrize(
    ("lang", "word"), [("zh", "帮扶责任人（秀山土家族苗族自治县）"), ("en", "helper (秀山土家族苗族自治县)")]
)
def test_differences_are_shown_and_confirmed(bare: Machine, lang: str, word: str) -> None:
    bare.init()
    bare.add("xian", "county_lead@500241")
    file = sheet(bare, row("xian"))
    said = bare.run("user", "import", file, "--as", "guan", lang=lang).output
    assert word in said
    code = said.split("--confirm ")[1][:8]
    bare.run("user", "import", file, "--confirm", code, "--as", "guan")
    assert "帮扶责任人@500241000000" in bare.run("user", "list").output
    assert "differences_changed" in bare.run("user", "import", file, "--confirm", code, "--as", "guan", code=1).output


def test_the_export_can_be_imported(bare: Machine) -> None:
    bare.init()
    bare.add("xian", "county_lead@500241", "auditor@500241")
    out = bare.folder / "out.xlsx"
    assert "3 行" in bare.run("users", "export", out, "--as", "guan").output
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert "未变 2 个" in bare.run("users", "import", out, "--as", "guan").output
    bare.fails("users", "export", out, "--as", "xian", reason="not_allowed")
    bare.run("users", "export", bare.folder / "out.txt", "--as", "guan", code=2)
