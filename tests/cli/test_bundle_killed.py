"""A bundle whose maker is killed again and again: it goes on where it was, and comes out as one never killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import VILLAGE, Machine
from tests.cli.test_bundle import bundle_of, prints

pytestmark = pytest.mark.timeout(600)
CASES = [f"500241H000000{n}-C1" for n in range(1, 6)]


@pytest.fixture
def five(machine: Machine) -> Machine:
    for case in CASES:
        data = ["--data", "clue_source=self_report", "--data", "clue_note=患病"]
        machine.run("case", "clue", case[:-3], "--purpose", "include", *data, "--as", "cun")
    return machine


def lines(machine: Machine) -> list[str]:
    return [text for path in bundles(machine).glob("*-lines") for text in path.read_text().split("\n")[:-1]]


def bundles(machine: Machine) -> Path:
    return Path(machine.environ["FANGPIN_DATA"]) / "bundles"


def maker(machine: Machine, path: Path) -> subprocess.Popen[bytes]:
    env = {**os.environ, **machine.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "FANGPIN_PRINT_WORKERS": "1"}
    words = ["bundle", "--area", VILLAGE, "--out", str(path), "--as", "cun"]
    return subprocess.Popen([sys.executable, "-m", "app.cli", *words], env=env, stdout=subprocess.PIPE)


def killed_after(machine: Machine, path: Path, count: int) -> list[str]:
    """Start the maker, kill it when it has noted so many trails in all; return what is noted then."""
    one = maker(machine, path)
    until = time.monotonic() + 120
    while len(lines(machine)) < count and one.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    one.send_signal(signal.SIGKILL)
    one.communicate()
    return lines(machine)


def test_killed_again_and_again_it_does_nothing_twice(five: Machine, tmp_path: Path) -> None:
    path, whole = tmp_path / "x.pdf", tmp_path / "y.pdf"
    noted = list[str]()
    for count in (1, 2, 4):
        found = killed_after(five, path, count)
        assert found[: len(noted)] == noted
        assert len(found) >= count
        noted = found
    torn = next(bundles(five).glob("*-lines"))
    torn.write_text(torn.read_text() + '{"case": "500241H')
    assert not path.exists()
    assert prints(five) == []
    last = maker(five, path)
    said = last.communicate()[0].decode()
    assert last.returncode == 0, said
    assert f"已有 {len(noted)} / 5 份" in said
    assert f"新排版 {5 - len(noted)} 份" in said or f"新排版 {4 - len(noted)} 份" in said
    assert prints(five) == CASES
    assert "新排版 0 份" in bundle_of(five, whole)
    assert path.read_bytes() == whole.read_bytes()
    assert not list(bundles(five).iterdir())
