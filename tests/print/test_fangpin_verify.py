"""The verifier that an auditor takes along: one file, its own reading of everything, held against the program's."""

import hashlib
import random
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reports import fangpin_verify as alone
from reports.render import render_trail
from reports.verify import verify_pdf
from tests.print import trails
from workflows.checkpoint import VerifierKey

KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"a key of these tests").digest())
PUBLIC = VerifierKey("fangpin/500241/print", KEY.public_key().public_bytes_raw())
SOURCE = Path(alone.__file__)


@pytest.fixture(scope="session")
def sealed(honest: str) -> bytes:
    """The honest trail as an office prints and signs it."""
    return render_trail(honest, seal=lambda body: note_of(body))


def note_of(body: str) -> str:
    """A note as the office signs it."""
    from workflows.checkpoint import signed_text

    return signed_text(body, PUBLIC, KEY.sign)


def codes(data: bytes, **more: str) -> tuple[int, list[str]]:
    """The exit status and the codes of what was found."""
    status, remarks, _ = alone.verify(data, **more)
    return status, [code for code, _ in remarks]


def test_it_is_one_file_of_the_standard_library() -> None:
    lines = SOURCE.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 400
    named = {line.split()[1].split(".")[0] for line in lines if line.startswith(("import ", "from "))}
    assert named <= sys.stdlib_module_names


def test_a_stranger_reaches_the_verdict_with_the_file_alone(sealed: bytes, tmp_path: Path) -> None:
    (tmp_path / "check.py").write_bytes(SOURCE.read_bytes())
    (tmp_path / "t.pdf").write_bytes(sealed)
    (tmp_path / "key.txt").write_text(PUBLIC.text)
    command = [sys.executable, "-I", "check.py", "t.pdf", "--key", "key.txt"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env={"LC_ALL": "C.UTF-8"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "结论：完好。" in done.stdout
    assert "Verdict: intact." in done.stdout
    assert "未核验" in done.stdout, "it says what it did not check"


def test_without_an_anchor_nobody_vouches(sealed: bytes, printed: bytes) -> None:
    assert codes(sealed) == (3, ["left_pages", "no_anchor", "left_latest"])
    assert codes(printed, key=PUBLIC.text) == (3, ["no_note", "left_latest"])
    other = VerifierKey("elsewhere", PUBLIC.public)
    assert codes(sealed, key=other.text) == (3, ["not_by_key", "left_latest"])
