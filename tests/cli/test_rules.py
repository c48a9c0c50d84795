"""Drawing and printing the rules from the command line, before anything is set up."""

from pathlib import Path

from tests.cli.conftest import Machine


def test_rules_are_drawn_and_printed_without_a_database(bare: Machine, tmp_path: Path) -> None:
    svg = tmp_path / "x.svg"
    bare.run("workflow", "draw", "--pack", "500241-xiushan", "--out", svg)
    assert svg.read_text(encoding="utf-8").startswith("<svg")
    bare.run(
        "workflow", "draw", "assist", "--pack", "500230-fengdu", "--out", svg, "--language", "en", "--shape", "narrow"
    )
    assert "Being helped" in svg.read_text(encoding="utf-8")
    pdf = tmp_path / "x.pdf"
    bare.run("policy", "matrix", "national", "--out", pdf)
    assert pdf.read_bytes().startswith(b"%PDF")


def test_rules_are_told_as_text(bare: Machine) -> None:
    book = bare.run("policy", "handbook", "500241-xiushan").output
    assert "## 第3关　村级评议公示" in book
    assert "不少于5天（S4 第17条）" in book
    assert "| " in bare.run("policy", "matrix", "460000-hainan", lang="en").output
    listed = bare.run("policy", "clauses", "500241-xiushan").output
    assert "49 | S4 附件49（S4 第17条） | 认定十五天公示五天 | 县乡村振兴局" in listed
    assert "认定总时限 最长15天" in listed


def test_another_day_reads_what_held_then(bare: Machine) -> None:
    then = bare.run("policy", "handbook", "500230-fengdu", "--on", "2024-06-01").output
    assert "8,300元 | S0 一（一）" in then
    now = bare.run("policy", "handbook", "500230-fengdu", "--on", "2026-06-01").output
    assert "8,300元 | 系统默认" in now


def test_what_is_not_there_is_named(bare: Machine, tmp_path: Path) -> None:
    assert "500241-xiushan" in bare.fails("policy", "matrix", "nowhere", reason="no_pack")
    draw = ("workflow", "draw", "--pack", "national", "--out", tmp_path / "x.svg")
    bare.fails(*draw, "dance", reason="no_definition")
    bare.fails(*draw, "assist", "--purpose", "include", reason="no_purpose")


def own_pack(tmp_path: Path, more: str = "") -> Path:
    """A county's file with an office of its own name."""
    path = tmp_path / "500236-fengjie.toml"
    path.write_text(
        """format = "fp-pack-v1"
id = "500236-fengjie"
area = "500236"
extends = "500000-chongqing"
label = {zh = "奉节县（示例）", en = "Fengjie (example)"}
effective = "2026-01-01"
[terms]
"office.lead" = [{zh = "县防返贫办", en = "county office against falling back", own = true}]
"""
        + more,
        encoding="utf-8",
    )
    return path


def test_a_countys_own_words_stand_in_its_handbook(bare: Machine, tmp_path: Path) -> None:
    own_pack(tmp_path)
    bare.environ["FANGPIN_POLICIES"] = str(tmp_path)
    book = bare.run("policy", "handbook", "500236-fengjie").output
    assert "县防返贫办人员" in book
    assert "entry_conditions" not in book
    listed = bare.run("policy", "clauses", "500236-fengjie").output
    assert "收入口径 | 人均纯收入" in listed
    assert "income_" not in listed


def test_packs_are_compared_before_anything_is_set_up(bare: Machine, tmp_path: Path) -> None:
    assert "不同" in bare.run("policy", "diff", "500000-chongqing", "500241-xiushan").output
    assert "500236-fengjie" in bare.run("policy", "diff", "500000-chongqing", own_pack(tmp_path)).output
    bare.fails("policy", "diff", "500000-chongqing", tmp_path / "none.toml", reason="no_rules")


def test_what_beginners_mistake_is_named(bare: Machine, tmp_path: Path) -> None:
    """A day without quotes; two values of which neither says from when it holds."""
    path = own_pack(tmp_path)
    good = path.read_text(encoding="utf-8")
    path.write_text(good.replace('"2026-01-01"', "2026-01-01"), encoding="utf-8")
    assert "write days in quotes" in bare.fails("policy", "check", path, reason="bad_rules")
    row = '[[parameters]]\nid = "income_line"\nvalue = 1\nown = true\n'
    path.write_text(good + row + row, encoding="utf-8")
    assert "two rows hold always" in bare.fails("policy", "check", path, reason="bad_rules")
