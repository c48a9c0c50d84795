"""Proofs of consistency, to both verifiers: from a checkpoint to the newest one, and to those kept elsewhere."""

import json
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports import fangpin_verify as alone
from reports.render import render_trail
from tests import second_verifier as second
from tests.prove.edited_prints import PUBLIC, note_of
from tests.prove.sealed_prints import checkpoint_of, files_of, leaves_of, log_of, seal_of, step_of, unzipped, zipped

INTACT, ALTERED, UNKNOWN, MALFORMED = 0, 2, 3, 4
SIZE = 250  # leaves: fewer than a tile holds
LEAVES = [f"leaf {n}" for n in range(SIZE)]


@pytest.fixture(scope="module")
def sealed(honest: str) -> bytes:
    return render_trail(honest, seal_text=seal_of(honest), seal=note_of)


def grown(honest: str) -> list[str]:
    """The leaves of a log that went on after a trail was sealed in it."""
    return [*leaves_of(honest), *(f"later leaf {n}" for n in range(6))]


def bundle(honest: str, sealed: bytes, **changed: str) -> bytes:
    """A bundle of one print, the newest checkpoint and the step to it; some files otherwise, or empty: not there."""
    leaves, own = grown(honest), len(leaves_of(honest))
    newest, step = checkpoint_of(leaves, own + 6), step_of(leaves, own, own + 6)
    files = files_of({json.loads(honest)["case"]: sealed}, newest, [step])
    files |= {name.replace("__", "/") + ".txt": text.encode() for name, text in changed.items()}
    return zipped({name: data for name, data in files.items() if data})


def codes(data: bytes, **more: Any) -> tuple[int, set[str]]:
    """What both say; the second one names no reason, and calls altered what the first calls malformed."""
    status, said, _ = alone.verify(data, **more)
    judged = second.judge(data, more.get("key", ""), more.get("points", ()))
    assert judged == (second.BLAMED if status == MALFORMED else status), (status, said)
    return status, {code for code, _ in said}


# --- a print and checkpoints kept elsewhere ---
def test_a_newer_checkpoint_is_linked_by_proofs(honest: str, sealed: bytes) -> None:
    leaves, own = grown(honest), len(leaves_of(honest))
    assert codes(sealed, points=[step_of(leaves, own, own + 6)]) == (INTACT, {"left_pages", "by_log", "left_latest"})
    by_days = [step_of(leaves, own + 2, own + 5), step_of(leaves, own, own + 2)]
    assert codes(sealed, points=by_days)[0] == INTACT
    assert codes(sealed, points=by_days[:1])[0] == UNKNOWN, "a gap in between"
    assert codes(sealed, points=[checkpoint_of(leaves, own + 6)])[0] == UNKNOWN, "without the proof nothing follows"


def test_a_print_of_another_history_is_found_by_a_newer_checkpoint(honest: str, sealed: bytes) -> None:
    own = len(leaves_of(honest))
    others = ["another leaf", *grown(honest)[1:]]
    for points in ([step_of(others, own, own + 6)], [step_of(others, own, own + 2), checkpoint_of(others, own)]):
        assert codes(sealed, points=points, key=PUBLIC.text)[0] == ALTERED
        assert "step" in codes(sealed, points=points)[1]


def test_no_edit_of_a_proof_links_anything(honest: str, sealed: bytes) -> None:
    leaves, own = grown(honest), len(leaves_of(honest))
    rows = step_of(leaves, own, own + 6).split("\n")
    count = rows.index("") - 1
    for edited in [
        [rows[0], *rows[2:]],
        [rows[0], rows[1], *rows[1:]],
        [rows[0], *rows[count:0:-1], *rows[count + 1 :]] if count > 1 else [rows[0], rows[1], rows[1], *rows[2:]],
        [rows[0], *rows[count + 1 :]],
        [rows[0], "A" * 43 + "=", *rows[2:]],
    ]:
        assert codes(sealed, points=["\n".join(edited)])[0] == ALTERED, edited
    short = "\n".join([rows[0], "QUJD", *rows[2:]])
    assert codes(sealed, points=[short])[0] == MALFORMED


# --- bundles ---
def test_a_bundle_s_trails_lead_to_its_newest_checkpoint(honest: str, sealed: bytes) -> None:
    good, own = bundle(honest, sealed), len(leaves_of(honest))
    assert codes(good, key=PUBLIC.text) == (INTACT, {"by_key", "left_seal", "left_latest"})
    step = f"steps__{own}"
    others = ["another leaf", *grown(honest)[1:]]
    wrong: list[Mapping[str, str]] = [
        {step: ""},
        {step: step_of(others, own, own + 6)},
        {step: step_of(grown(honest), own, own + 5)},
        {step: step_of(grown(honest), own - 1, own + 6)},
        {step: step_of(others, own, own + 6), "checkpoint": checkpoint_of(others, own + 6)},
    ]
    for changed in wrong:
        assert codes(bundle(honest, sealed, **changed), key=PUBLIC.text)[0] == ALTERED, "its office listed it broken"
    assert "step" in codes(bundle(honest, sealed, **wrong[0]), key=PUBLIC.text)[1]


def test_the_checkpoint_in_the_list_is_the_one_beside_it(honest: str, sealed: bytes) -> None:
    made = bundle(honest, sealed)
    files = {name: data for name, data in unzipped(made).items() if name != "checkpoint.txt"}
    assert codes(zipped(files, is_listed=False), key=PUBLIC.text)[0] == ALTERED


def test_a_checkpoint_kept_elsewhere_vouches_for_a_bundle_s_trails(honest: str, sealed: bytes) -> None:
    leaves, own, good = grown(honest), len(leaves_of(honest)), bundle(honest, sealed)
    assert codes(good)[0] == UNKNOWN
    status, said = codes(good, points=[checkpoint_of(leaves, own + 6)])
    assert (status, {"by_log", "left_pages", "left_files"} <= said) == (INTACT, True)
    assert codes(good, points=[checkpoint_of(leaves, own)])[0] == INTACT
    assert codes(good, points=[checkpoint_of(leaves, own + 3)])[0] == UNKNOWN, "nothing leads there"
    others = ["another leaf", *leaves[1:]]
    for size in (own, own + 6):
        status, said = codes(good, points=[checkpoint_of(others, size)], key=PUBLIC.text)
        assert (status, "fork" in said) == (ALTERED, True)


def test_an_older_checkpoint_vouches_for_the_leaves_it_had(honest: str, sealed: bytes) -> None:
    """The trail's own leaves are the fourth and those behind it; two leaves of others follow."""
    leaves, own = grown(honest), len(leaves_of(honest))
    for old, expected in ((3, UNKNOWN), (4, UNKNOWN), (own - 2, INTACT)):
        made = bundle(honest, sealed, **{f"steps__{old}": step_of(leaves, old, own + 6)})
        assert codes(made, points=[checkpoint_of(leaves, old)])[0] == expected, old
        others = ["another leaf", *leaves[1:]]
        assert codes(made, points=[checkpoint_of(others, old)])[0] == ALTERED, old


def test_what_goes_on_from_an_older_one_on_another_way_is_not_trusted(honest: str, sealed: bytes) -> None:
    """Two logs that begin alike: the older checkpoint is of both, the other log's newest says nothing of this one."""
    leaves, own = grown(honest), len(leaves_of(honest))
    forked = [*leaves[: own - 4], *(f"forked leaf {n}" for n in range(20))]
    made = bundle(honest, sealed, **{f"steps__{own - 4}": step_of(leaves, own - 4, own + 6)})
    apart = [step_of(forked, own - 4, own + 9)]
    assert codes(made, points=apart)[0] == UNKNOWN


# --- the proof by itself ---
@settings(deadline=None)
@given(st.integers(1, SIZE), st.integers(1, SIZE), st.data())
def test_both_know_every_proof_and_no_other(one: int, two: int, data: st.DataObject) -> None:
    old, new = sorted((one, two))
    tree, before = log_of(LEAVES, new), log_of(LEAVES, old).root()
    path = tree.consistency(old)
    assert alone.roots_over(old, new, path, before) == (before, tree.root())
    assert second.is_the_beginning(old, before, new, tree.root(), path)
    if path:
        place = data.draw(st.integers(0, len(path) - 1))
        other = [*path[:place], bytes(32), *path[place + 1 :]]
        ways = [other, path[:place] + path[place + 1 :], [*path, path[place]], path[::-1] if len(path) > 1 else []]
    else:
        ways = [[before]]
    for way in ways:
        assert alone.roots_over(old, new, way, before) != (before, tree.root())
        assert not second.is_the_beginning(old, before, new, tree.root(), way)


def test_the_proofs_of_rfc_6962() -> None:
    """The examples of section 2.1.3, over seven leaves: PROOF(3, D[7]), PROOF(4, D[7]), PROOF(6, D[7])."""
    tree = log_of(LEAVES, 7)
    for old, length in ((3, 4), (4, 1), (6, 3)):
        path, before = tree.consistency(old), log_of(LEAVES, old).root()
        assert (len(path), second.is_the_beginning(old, before, 7, tree.root(), path)) == (length, True)
        assert alone.roots_over(old, 7, path, before) == (before, tree.root())


def test_hashes_of_another_length_are_no_proof(tmp_path: Path) -> None:
    rows = step_of(LEAVES, 3, 7).split("\n")
    assert len(b64decode(rows[1])) == 32
    with pytest.raises(ValueError, match="checkpoint"):
        alone.read_log("\n".join([rows[0], "QUJD", *rows[2:]]), {})
