"""What a stranger can find out alone: offline in a namespace without network, and of a history written anew."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.services.witness import watch
from reports import fangpin_verify as alone
from reports.render import render_trail
from tests import second_verifier as second
from tests.print import trails
from tests.print.test_trail import resealed
from tests.prove.edited_prints import PUBLIC, note_of
from tests.prove.sealed_prints import checkpoint_of, files_of, leaves_of, seal_of, step_of, zipped
from workflows.checkpoint import read_note, read_step

INTACT, ALTERED = 0, 2
APART = ("unshare", "--user", "--map-root-user", "--net")
# Nothing but the loopback, which is down: a socket to anywhere fails at once.
ALONE = "import socket; socket.create_connection(('192.0.2.1', 443), 1)"


@pytest.fixture(scope="module")
def sealed(honest: str) -> bytes:
    """The true print, made before anything was written anew."""
    return render_trail(honest, seal_text=seal_of(honest), seal=note_of)


@pytest.fixture(scope="module")
def forged() -> str:
    """The household's whole history written anew, every hash fitting, by somebody who holds the server."""
    body = json.loads(trails.honest())
    for chain in body["chains"]:
        chain["entries"] = [entry.replace("report_clue", "report_clues") for entry in chain["entries"]]
    body["disclosures"] = []
    return resealed(body, {})


@pytest.fixture
def apart() -> tuple[str, ...]:
    """What starts a program without any network; skipped only where the kernel refuses that."""
    try:
        done = subprocess.run([*APART, "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("no unshare(1) on this machine")
    if done.returncode:
        pytest.skip(f"the kernel gives no network namespace: {done.stderr.strip()}")
    return APART


# --- offline ---
def test_a_print_and_a_bundle_are_verified_without_any_network(
    honest: str, sealed: bytes, tmp_path: Path, apart: tuple[str, ...]
) -> None:
    """Print, bundle, key and one file of ours on a stick; no installation in sight."""
    refused = subprocess.run([*apart, sys.executable, "-I", "-c", ALONE], capture_output=True, text=True, check=False)
    assert "unreachable" in refused.stderr
    stick = tmp_path / "stick"
    stick.mkdir()
    program = stick / "fangpin_verify.py"
    program.write_bytes(Path(alone.__file__).read_bytes())
    (stick / "trail.pdf").write_bytes(sealed)
    (stick / "altered.pdf").write_bytes(sealed.replace(b"/MediaBox", b"/Mediabox", 1))
    (stick / "bundle.zip").write_bytes(zipped(files_of({json.loads(honest)["case"]: sealed})))
    (stick / "key.txt").write_text(PUBLIC.text)
    for name, status, said in [
        ("trail.pdf", 0, "结论：完好。"),
        ("bundle.zip", 0, "结论：完好。"),
        ("altered.pdf", 2, "结论：被改动。"),
    ]:
        done = subprocess.run(
            [*apart, sys.executable, "-I", "-S", str(program), name, "--key", "key.txt"],
            capture_output=True, text=True, check=False, cwd=stick, env={"LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        assert (done.returncode, done.stdout.splitlines()[0]) == (status, said), (name, done.stdout, done.stderr)


# --- the stolen key ---
def test_a_history_written_anew_with_the_stolen_key_is_exposed_by_an_older_print(
    honest: str, sealed: bytes, forged: str
) -> None:
    """By itself it is without fault; the checkpoint in any older print, or its head, tells of another history."""
    anew = render_trail(forged, seal_text=seal_of(forged), seal=note_of)
    assert alone.verify(anew, PUBLIC.text)[0] == second.judge(anew, PUBLIC.text) == INTACT
    older = json.loads(alone.Pdf(sealed).read(alone.SEAL))["checkpoint"]
    status, said, _ = alone.verify(anew, PUBLIC.text, points=[older])
    assert (status, "fork" in dict(said)) == (ALTERED, True)
    assert second.judge(anew, PUBLIC.text, [older]) == second.BLAMED
    head = alone.verify(sealed)[2]
    assert alone.verify(anew, PUBLIC.text, head=head)[0] == ALTERED


def test_a_log_that_went_on_after_it_was_written_anew_cannot_be_linked(honest: str, sealed: bytes, forged: str) -> None:
    """Whoever has the key can sign a larger tree; a proof from the older print's checkpoint to it there is none."""
    own = len(leaves_of(honest))
    leaves = [*leaves_of(forged), *(f"later leaf {n}" for n in range(5))]
    older = json.loads(alone.Pdf(sealed).read(alone.SEAL))["checkpoint"]
    newest = step_of(leaves, own, own + 5)
    for points in ([newest], [newest, older]):
        status, said, _ = alone.verify(sealed, PUBLIC.text, points=points)
        assert (status, "step" in dict(said)) == (ALTERED, True)
        assert second.judge(sealed, PUBLIC.text, points) == second.BLAMED


def test_the_witness_takes_no_step_of_a_history_written_anew(honest: str, forged: str) -> None:
    own = len(leaves_of(honest))
    truth = [*leaves_of(honest), *(f"later leaf {n}" for n in range(5))]
    anew = [*leaves_of(forged), *(f"later leaf {n}" for n in range(5))]
    state = {PUBLIC.name: read_note(checkpoint_of(truth, own))}
    assert watch([read_step(step_of(truth, own, own + 5))], [PUBLIC], dict(state))[0].code == "taken"
    for size in (own, own + 5):
        refused = watch([read_step(step_of(anew, own, size))], [PUBLIC], dict(state))[0]
        assert (refused.code, refused.exit_code) == ("inconsistent", 2)
    assert watch([read_step(step_of(anew, 1, own - 1))], [PUBLIC], dict(state))[0].code == "smaller"
