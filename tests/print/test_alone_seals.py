"""The verifier of one file on seals, checkpoints kept elsewhere, bundles; and what it does with hostile files."""

import io
import json
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reports import fangpin_verify as alone
from reports.render import render_trail
from tests.prove.edited_prints import PUBLIC, note_of, rewritten
from tests.prove.sealed_prints import checkpoint_of, files_of, leaves_of, log_of, seal_of, unzipped, zipped
from workflows.checkpoint import Step, read_note
from workflows.journal import canonical

SOURCE = Path(alone.__file__)
INTACT, ALTERED, UNKNOWN, MALFORMED = 0, 2, 3, 4


@pytest.fixture(scope="module")
def seal(honest: str) -> str:
    return seal_of(honest)


@pytest.fixture(scope="module")
def sealed(honest: str, seal: str) -> bytes:
    return render_trail(honest, seal_text=seal, seal=note_of)


@pytest.fixture(scope="module")
def bundle(honest: str, sealed: bytes) -> bytes:
    return zipped(files_of({json.loads(honest)["case"]: sealed}))


def codes(data: bytes, **more: Any) -> tuple[int, list[str]]:
    status, said, _ = alone.verify(data, **more)
    return status, [code for code, _ in said]


# --- proofs and checkpoints ---
def test_a_trail_in_a_log_says_so(sealed: bytes) -> None:
    assert codes(sealed) == (UNKNOWN, ["left_pages", "some_log", "no_anchor", "left_latest"])
    assert codes(sealed, key=PUBLIC.text) == (INTACT, ["by_key", "by_log", "left_latest"])


def test_the_seal_alone_vouches_when_all_entries_are_in_it(honest: str, seal: str, sealed: bytes) -> None:
    """A print without a list of its pages, but with the office's checkpoint over every entry."""
    bare = render_trail(honest, seal_text=seal)
    assert codes(bare, key=PUBLIC.text) == (INTACT, ["not_by_key", "by_log", "left_latest"])
    early = render_trail(honest, seal_text=seal_of(honest, without=1))
    assert codes(early, key=PUBLIC.text) == (UNKNOWN, ["not_by_key", "known_log", "late", "late", "left_latest"])


def test_a_checkpoint_kept_elsewhere_vouches_or_is_another_history(honest: str, sealed: bytes) -> None:
    leaves = leaves_of(honest)
    same, earlier = checkpoint_of(leaves, len(leaves)), checkpoint_of(leaves, 4)
    assert codes(sealed, points=[same])[0] == INTACT
    assert codes(sealed, points=[earlier])[0] == UNKNOWN, "nothing follows from another size alone"
    assert codes(sealed, points=[earlier, same])[0] == INTACT
    other = checkpoint_of([*leaves[:-1], "another leaf"], len(leaves))
    for points in ([other], [same, other]):
        assert codes(sealed, points=points, key=PUBLIC.text) == (ALTERED, ["by_key", "fork"])
    assert codes(sealed, points=["no checkpoint"])[0] == MALFORMED


def test_the_files_of_the_export_folder_are_read_as_they_lie(honest: str, sealed: bytes, tmp_path: Path) -> None:
    leaves = leaves_of(honest)
    note = read_note(checkpoint_of(leaves, len(leaves)))
    (tmp_path / "1.txt").write_text(checkpoint_of(leaves, 4), "utf-8")
    (tmp_path / "2.txt").write_text(Step(4, tuple(log_of(leaves, len(leaves)).consistency(4)), note).text, "utf-8")
    (tmp_path / "t.pdf").write_bytes(sealed)
    assert run(tmp_path / "t.pdf", "--checkpoint", str(tmp_path)) == INTACT
    assert run(tmp_path / "t.pdf", "--checkpoint", str(tmp_path / "1.txt")) == UNKNOWN
    assert run(tmp_path / "t.pdf", "--checkpoint", str(tmp_path / "none.txt")) == MALFORMED


def run(path: Path, *more: str) -> int:
    """The program as a stranger runs it."""
    return subprocess.run([sys.executable, "-I", SOURCE, path, *more], capture_output=True, check=False).returncode


def edits_of_a_seal(seal: str) -> list[str]:
    """A leaf of a later entry, another head, another case; another place, another way, another root; one twice."""
    body = json.loads(seal)
    leaf = json.loads(body["proofs"][0]["leaf"])
    leaves = [{**leaf, "seq": leaf["seq"] + 1}, {**leaf, "head": "b" * 64}, {**leaf, "case": "500241H9-C1"}]
    first, *others = body["proofs"]
    ways = [{**first, "leaf": canonical(one)} for one in leaves]
    ways += [{**first, "index": 0}, {**first, "index": 10**9}, {**first, "path": first["path"][:-1]}]
    ways += [{**first, "path": [*first["path"], first["path"][0]]}, {**first, "path": []}]
    made = [{**body, "proofs": [way, *others]} for way in ways]
    lines = body["checkpoint"].split("\n")
    root = "\n".join([*lines[:2], "A" * 43 + "=", *lines[3:]])
    size = "\n".join([lines[0], str(int(lines[1]) * 4), *lines[2:]])
    made += [{**body, "checkpoint": text} for text in (root, size)]
    made += [{**body, "proofs": [first, first, *others]}, {**body, "county": "500242"}]
    return [canonical(one) for one in made]


def test_every_edit_of_a_seal_is_found_without_any_key(honest: str, seal: str, sealed: bytes) -> None:
    for nth, edit in enumerate(edits_of_a_seal(seal)):
        altered = rewritten(sealed, {seal.encode(): edit.encode()}, "seal.json")
        status, found = codes(altered)
        assert (status, "seal" in found) == (ALTERED, True), (nth, found)


def test_the_data_alone_are_checked_too(honest: str) -> None:
    assert codes(honest.encode())[0] == UNKNOWN
    assert codes(honest.replace("nominate", "nominatf", 1).encode())[0] == ALTERED


# --- bundles ---
def test_a_bundle_is_intact_by_the_key(bundle: bytes) -> None:
    assert codes(bundle, key=PUBLIC.text) == (INTACT, ["by_key", "left_seal", "left_latest"])
    assert codes(bundle)[0] == UNKNOWN


def test_whatever_is_changed_in_a_bundle_is_named(bundle: bytes, honest: str) -> None:
    files, case = unzipped(bundle), json.loads(honest)["case"]
    for path in files:
        other = {**files, path: files[path] + b" "}
        assert codes(zipped(other, is_listed=False), key=PUBLIC.text)[0] in (ALTERED, MALFORMED), path
        less = {name: data for name, data in files.items() if name != path}
        assert codes(zipped(less, is_listed=False), key=PUBLIC.text)[0] in (ALTERED, MALFORMED), path
    more = zipped({**files, "more.txt": b""}, is_listed=False)
    assert alone.verify(more, key=PUBLIC.text)[1][0] == ("item", "more.txt")
    edited = files[f"trails/{case}.json"].replace(b"nominate", b"nominatf", 1)
    bad = {name: data for name, data in {**files, f"trails/{case}.json": edited}.items() if "manifest" not in name}
    status, said, _ = alone.verify(zipped(bad), key=PUBLIC.text)
    assert status == ALTERED, "also a trail that its office listed broken"
    assert ("entry", f"trails/{case}.json {case} #2") in said


def test_a_list_by_another_hand_is_not_the_office_s(bundle: bytes) -> None:
    files = unzipped(bundle)
    files["manifest.json"] = files["manifest.json"].replace(b'"county":"500241"', b'"county":"500242"')
    assert codes(zipped(files, is_listed=False), key=PUBLIC.text) == (ALTERED, ["part", "left_seal"])


def test_a_zip_holds_nothing_beside_its_files(bundle: bytes) -> None:
    for odd in (b"x" + bundle, bundle + b"x", bundle.replace(b"PK\x05\x06", b"xxPK\x05\x06")):
        assert codes(odd, key=PUBLIC.text)[0] in (ALTERED, MALFORMED)


# --- hostile files: 5 s and 200 MiB, in a program of its own ---
def zip_of(name: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def nested(sealed: bytes, text: bytes) -> bytes:
    return rewritten(sealed, {alone.Pdf(sealed).read("trail.json").encode(): text}, "trail.json")


HOSTILE: dict[str, Callable[[bytes], bytes]] = {
    "deep": lambda pdf: nested(pdf, b"[" * 5_000_000),
    "wide": lambda pdf: nested(pdf, b'{"format":"fp-trail-v1","chains":[' + b"[]," * 8_000_000 + b"[]]}"),
    "bomb": lambda pdf: nested(pdf, b" " * 100_000_000),
    "digits": lambda pdf: nested(pdf, b"9" * 3_000_000),
    "kids": lambda pdf: rewritten(pdf, {b"/Count": b"/Kids [" * 1_000_000 + b"/Count"}),
    "streams": lambda pdf: rewritten(pdf, {b"/Count": b"\nstream\n" * 50_000 + b"/Count"}),
    "names": lambda pdf: b"PK" + zlib.compress(pdf),
    "zip bomb": lambda _: zip_of("manifest.json", b" " * 100_000_000),
    "zip of many": lambda _: zipped({f"trails/{n}.json": b"{}" for n in range(30_000)}),
}


# What a process has held at most since it began; the other counter begins with that of whoever started it.
MEASURED = """
import resource, runpy, sys
sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit as end:
    held = next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]
    print("USED", held, resource.getrusage(0).ru_utime + resource.getrusage(0).ru_stime, end.code)
"""


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_end_in_time_and_memory(kind: str, sealed: bytes, tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(HOSTILE[kind](sealed))
    command = [sys.executable, "-I", "-c", MEASURED, str(SOURCE), str(tmp_path / "t")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "USED" in done.stdout, done.stdout[-500:] + done.stderr[-500:]
    held, seconds, status = done.stdout.split("USED")[1].split()
    assert int(status) in (ALTERED, MALFORMED), done.stdout
    assert (int(held) <= 200 * 1024, float(seconds) <= 5.5) == (True, True), (held, seconds)
