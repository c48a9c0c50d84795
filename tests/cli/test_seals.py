"""``fangpin seal``: from an entry to a checkpoint and a proof that a stranger can check."""

import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from app.signing import holds
from reports import fangpin_verify
from tests.cli.conftest import Machine
from tests.cli.test_cases import CASE, INCLUDE, clue, walk
from workflows.checkpoint import read_note, read_proof, read_verifier_key
from workflows.tree import is_included, leaf_hash

REASON = "硬盘损坏，恢复了旧备份"


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


def test_a_print_is_checked_by_a_stranger_with_one_file_and_the_key(machine: Machine, tmp_path: Path) -> None:
    """Printed here, checked elsewhere: no installation, no network, nothing but the file, the program and the key."""
    clue(machine)
    machine.run("seal", "now")
    printed, key = tmp_path / "trail.pdf", tmp_path / "key.txt"
    machine.run("trail", CASE, "-o", printed, "--as", "shen")
    key.write_text(machine.run("seal", "key", "--county", "500241").output)
    assert "机关签发" in machine.run("verify", printed, "--key", key).output
    machine.run("verify", printed, code=3)
    command = [sys.executable, "-I", fangpin_verify.__file__, str(printed), "--key", str(key)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"LC_ALL": "C.UTF-8"})
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "结论：完好。")


def test_what_was_never_sealed_has_no_proof(machine: Machine, tmp_path: Path) -> None:
    clue(machine)
    refused = machine.run("seal", "proof", CASE, "-o", tmp_path / "x", code=1)
    assert "找不到" in refused.stderr
    assert machine.run("seal", "show", "500241").output == ""


def test_a_witness_sees_a_restored_backup(machine: Machine, tmp_path: Path) -> None:
    """The whole way: export, witness, an old backup restored, fork found, accepted with a reason, witness told."""
    outside, keys, state = tmp_path / "outside", tmp_path / "keys.txt", tmp_path / "witness.json"
    outside.mkdir()
    machine.environ["FANGPIN_ANCHOR_FOLDER"] = str(outside)
    clue(machine)
    machine.run("seal", "now")
    keys.write_text(machine.run("seal", "key").output)
    watch = ("witness", outside, "--keys", keys, "--state", state)
    assert "首次见到" in machine.run(*watch).output
    backup = tmp_path / "old.tar"
    machine.run("backup", backup)
    machine.now += timedelta(days=1)
    walk(machine, CASE, INCLUDE[:1])
    machine.run("seal", "now")
    assert "历史连续" in machine.run(*watch).output
    assert "一致" in machine.run("seal", "compare", state, *outside.iterdir()).output
    _restore(machine, backup, tmp_path)
    machine.fails("seal", "now", reason="seal_forked")
    assert "不一致" in machine.run("seal", "compare", state, code=2).output
    assert "[anchor_smaller]" in machine.run("check", code=2).output
    machine.fails("seal", "accept", "500241", "--reason", REASON, "--as", "cun", reason="not_allowed")
    said = machine.run("seal", "accept", "500241", "--reason", REASON, "--as", "xian").output
    assert "第 2 期" in said
    assert "没有它的公钥" in machine.run(*watch, code=2).output
    keys.write_text(keys.read_text() + machine.run("seal", "key").output)
    assert "fangpin/500241/2：首次见到" in machine.run(*watch).output


def _restore(machine: Machine, backup: Path, folder: Path) -> None:
    """The same machine with an empty database, as after a broken disk; keys and folder outside are still there."""
    data = Path(machine.environ["FANGPIN_DATA"])
    fresh = folder / "fresh"
    fresh.mkdir()
    shutil.copy(data / "secrets.json", fresh / "secrets.json")
    machine.environ |= {"FANGPIN_DATA": str(fresh), "FANGPIN_DATABASE_URL": f"sqlite:///{fresh / 'new.db'}"}
    found = machine.run("restore", backup, "--secrets", fresh / "secrets.json", code=2).output
    assert "[anchor_smaller]" in found, "the check after a restore names it already"


def test_a_witness_that_finds_nothing_says_so(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    keys, state = tmp_path / "keys.txt", tmp_path / "witness.json"
    clue(machine)
    keys.write_text(machine.run("seal", "key").output)
    watch = ("witness", tmp_path / "empty", "--keys", keys, "--state", state)
    assert "读不到封存点" in machine.run(*watch, code=1).output
    (tmp_path / "empty" / "a.txt").write_text("garbage")
    assert "格式不对" in machine.run(*watch, code=2).output
    state.write_text("garbage")
    assert "格式不对" in machine.run(*watch, code=2).output
    assert state.read_text() == "garbage", "a witness never begins anew by itself"
