"""``fangpin seal``: from an entry to a checkpoint and a proof that a stranger can check."""

from pathlib import Path

from app.signing import holds
from tests.cli.conftest import Machine
from tests.cli.test_cases import CASE, clue
from workflows.checkpoint import read_note, read_proof, read_verifier_key
from workflows.tree import is_included, leaf_hash


def test_sealing_by_command(machine: Machine, tmp_path: Path) -> None:
    clue(machine)
    assert "封存点 1" in machine.run("seal", "now").output
    assert "没有变化" in machine.run("seal", "now").output
    assert " 1 " in machine.run("seal", "list").output
    key = read_verifier_key(machine.run("seal", "key", "--county", "500241").output)
    note = read_note(machine.run("seal", "show", "500241").output)
    assert note.is_signed_by(key, holds)
    target = tmp_path / "case.tlog-proof"
    said = machine.run("seal", "proof", CASE, "-o", target).output
    proof, point = read_proof(target.read_text()), note.checkpoint()
    leaf = next(line.partition("：")[2] for line in said.splitlines() if line.startswith("封存内容"))
    assert is_included(leaf_hash(leaf.encode()), proof.index, point.size, proof.path, point.root)
    assert "发现问题 0" in machine.run("check").output


def test_what_was_never_sealed_has_no_proof(machine: Machine, tmp_path: Path) -> None:
    clue(machine)
    refused = machine.run("seal", "proof", CASE, "-o", tmp_path / "x", code=1)
    assert "找不到" in refused.stderr
    assert machine.run("seal", "show", "500241").output == ""
