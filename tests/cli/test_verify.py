"""``fangpin verify``: checkpoints kept elsewhere, and bundles, each print of which is typeset again."""

import zipfile
from pathlib import Path

import pytest

from tests.cli.conftest import Machine
from tests.cli.test_bundle import CASES, bundle_of, three
from tests.cli.test_cases import INCLUDE, act
from tests.prove.edited_prints import rewritten
from tests.prove.sealed_prints import unzipped, zipped

__all__ = ["three"]


@pytest.fixture
def kept(three: Machine, tmp_path: Path) -> Path:
    """A folder outside with the checkpoints, and a bundle of prints sealed by two of them."""
    outside = tmp_path / "outside"
    outside.mkdir()
    three.environ["FANGPIN_ANCHOR_FOLDER"] = str(outside)
    three.run("seal", "now")
    act(three, CASES[1], *INCLUDE[0])
    three.now = three.now.replace(day=three.now.day + 1)
    three.run("seal", "now")
    bundle_of(three, tmp_path / "x.zip", "--kind", "zip")
    (tmp_path / "key.txt").write_text(three.run("seal", "key").output)
    return outside


def test_a_bundle_is_checked_with_all_its_prints(three: Machine, kept: Path, tmp_path: Path) -> None:
    path, key = tmp_path / "x.zip", tmp_path / "key.txt"
    assert [name for name in unzipped(path.read_bytes()) if name.startswith("steps/")], "prints sealed before"
    said = three.run("verify", path, "--key", key).output
    assert "完好" in said
    assert "3 份打印件" in said
    three.run("verify", path, code=3)
    assert three.run("verify", path, "--database").exit_code == 0
    assert three.run("verify", path, "--checkpoint", kept).exit_code == 0
    english = three.run("verify", path, "--key", key, lang="en").output
    assert "3 prints were typeset again" in english
    files = unzipped(path.read_bytes())
    name = f"trails/{CASES[0]}.pdf"
    files[name] = rewritten(files[name], {b"2026": b"2027"})
    edited = tmp_path / "edited.zip"
    edited.write_bytes(zipped({n: d for n, d in files.items() if "manifest" not in n}))
    assert "有改动" in three.run("verify", edited, "--database", code=2).output
    edited.write_bytes(zipped(files, is_listed=False))
    assert name in three.run("verify", edited, "--key", key, code=2).output


def test_a_print_is_held_against_checkpoints_kept_elsewhere(three: Machine, kept: Path, tmp_path: Path) -> None:
    printed, first = tmp_path / "one.pdf", sorted(kept.glob("*.txt"))[0]
    with zipfile.ZipFile(tmp_path / "x.zip") as held:
        printed.write_bytes(held.read(f"trails/{CASES[0]}.pdf"))
    assert "封存点" in three.run("verify", printed, "--checkpoint", kept).output
    assert three.run("verify", printed, "--checkpoint", first).exit_code == 0
    size = first.read_text("utf-8").split("\n\n")[1].split("\n")[1]
    other = first.read_text("utf-8").replace(f"\n{size}\n", f"\n{size}\n{'A' * 43}=\n", 1)
    wrong = tmp_path / "wrong.txt"
    wrong.write_text(other)
    assert "有改动" in three.run("verify", printed, "--checkpoint", wrong, code=2).output
    wrong.write_text("no checkpoint")
    three.run("verify", printed, "--checkpoint", wrong, code=2)
