"""Other rules from the command line: compared, rehearsed, applied to running cases, taken back."""

from pathlib import Path

from tests.cli.conftest import Machine
from tests.cli.test_cases import CASE, INCLUDE, clue, walk
from tests.store.test_rule_runs import SHIPPED, STRICTER


def written(machine: Machine, text: str) -> Path:
    """A pack's file in a folder of its own."""
    folder = machine.folder / "packs"
    folder.mkdir(exist_ok=True)
    path = folder / "500241-xiushan.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_rules_are_compared_rehearsed_applied_and_taken_back(machine: Machine) -> None:
    clue(machine)
    walk(machine, CASE, INCLUDE[:3])
    path = written(machine, STRICTER)
    told = machine.run("policy", "diff", "500241-xiushan", path).output
    assert "时限“认定总时限”：由 最长15天（S4 第17条） 改为 最长10天（S4 第17条）" in told
    assert "Limit “Whole identification”: from at most 15 days" in machine.run(
        "policy", "diff", "500241-xiushan", path, lang="en").output  # fmt: skip
    assert "没有差别" in machine.run("policy", "diff", "500241-xiushan", written(machine, SHIPPED)).output
    machine.fails("policy", "diff", "500241-xiushan", "00000000", reason="no_rules")
    path = written(machine, STRICTER)
    shown = machine.run("policy", "rehearse", path, "--as", "xian").output
    assert "在办案件 2 件，其中 2 件将改用新规则。" in shown
    assert "没有改动任何案件" in shown
    assert "无需改动" in machine.run("policy", "apply", "--reason", "x", "--yes", "--as", "xian").output
    machine.environ["FANGPIN_POLICIES"] = str(path.parent)
    machine.fails("policy", "apply", "--reason", "x", "--yes", "--as", "cun", reason="wrong_office")
    done = machine.run("policy", "apply", "--reason", "新办法施行", "--yes", "--as", "xian").output
    assert "已有 2 件改用新规则" in done
    assert "改用新规则" in machine.run("case", "show", CASE, "--as", "xian").output
    number = done.split("编号 ")[-1].split("。")[0]
    assert "已有 2 件改回原规则" in machine.run(
        "policy", "revert", number, "--reason", "暂缓施行", "--as", "xian").output  # fmt: skip
    del machine.environ["FANGPIN_POLICIES"]
    assert "无需改动" in machine.run("policy", "apply", "--reason", "x", "--yes", "--as", "xian").output
    machine.run("check")


def test_a_wrong_pack_names_every_mistake(machine: Machine) -> None:
    """All at once, each with file and line; nothing was rehearsed."""
    path = written(machine, SHIPPED.replace("amount = 10", "amount = 0"))
    line = machine.fails("policy", "rehearse", path, "--as", "xian", reason="bad_rules")
    assert line.count("500241-xiushan.toml: line ") == 2
