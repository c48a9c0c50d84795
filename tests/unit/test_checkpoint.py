"""Checkpoints, keys and proofs as text: published vectors, round trips, and everything else refused."""

import base64
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.signing import Signer, holds
from workflows.checkpoint import (
    Checkpoint,
    InclusionProof,
    MalformedNote,
    Note,
    Signature,
    Step,
    VerifierKey,
    read_note,
    read_proof,
    read_step,
    read_verifier_key,
    signed,
)
from workflows.leaves import Leaf, MalformedLeaf, read_leaf

SIGNER = Signer(b"s" * 32)
ORIGIN = "fangpin/500241/1"
KEY = SIGNER.key(ORIGIN)
POINT = Checkpoint(ORIGIN, 12, b"\x07" * 32, ("at 2026-11-23T16:00:00Z",))
NOTE = signed(POINT, KEY, SIGNER.sign)
# From the C2SP page on checkpoints.
EXAMPLE = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)
# From the documentation of golang.org/x/mod/sumdb/note, the reference implementation of signed notes.
NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SAID = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SIGNED = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="


def test_the_published_checkpoint_is_read() -> None:
    note = read_note(EXAMPLE)
    assert note.text == EXAMPLE
    point = note.checkpoint()
    assert (point.origin, point.size, point.root[:2], point.more) == (
        "example.com/behind-the-sofa",
        20852163,
        b"\x0a\xc5",
        (),
    )
    assert [s.name for s in note.signatures] == ["example.com/behind-the-sofa"]


def test_the_published_key_and_signature_hold() -> None:
    key = read_verifier_key(NEUMANN)
    assert (key.name, key.text) == ("PeterNeumann", NEUMANN)
    raw = base64.b64decode(SIGNED)
    note = Note(SAID, (Signature("PeterNeumann", raw[:4], raw[4:]),))
    assert note.is_signed_by(key, holds)
    assert not Note(SAID + "x", note.signatures).is_signed_by(key, holds)


def test_our_own_checkpoint() -> None:
    lines = NOTE.text.split("\n")
    assert lines[:5] == [ORIGIN, "12", base64.b64encode(b"\x07" * 32).decode(), "at 2026-11-23T16:00:00Z", ""]
    assert lines[5].startswith(f"— {ORIGIN} ")
    assert read_note(NOTE.text) == NOTE
    assert NOTE.checkpoint() == POINT
    assert POINT.told("at") == "2026-11-23T16:00:00Z"
    assert POINT.told("other") == ""
    assert NOTE.is_signed_by(KEY, holds)


def test_who_did_not_sign() -> None:
    other = Signer(b"t" * 32)
    assert not NOTE.is_signed_by(other.key(ORIGIN), holds)
    assert not NOTE.is_signed_by(SIGNER.key("fangpin/500241/2"), holds)
    assert not replace(NOTE, body=NOTE.body.replace("12", "13")).is_signed_by(KEY, holds)
    # A line that bears the key's name and number and does not hold spoils the note, whatever stands beside it.
    forged = Signature(ORIGIN, KEY.key_id, b"\x00" * 64)
    assert not replace(NOTE, signatures=(*NOTE.signatures, forged)).is_signed_by(KEY, holds)
    stranger = Signature("witness.example", b"abcd", b"\x00" * 64)
    assert replace(NOTE, signatures=(*NOTE.signatures, stranger)).is_signed_by(KEY, holds)


def test_a_key_whose_number_is_not_its_own_is_refused() -> None:
    assert read_verifier_key(KEY.text) == KEY
    for wrong in (KEY.text.replace("+", "-"), KEY.text[:-4], KEY.text.replace("1+", "2+", 1), "", "a+b", "a+b+c+d"):
        with pytest.raises(MalformedNote):
            read_verifier_key(wrong)
    raw = base64.b64encode(b"\x02" + KEY.public).decode()
    with pytest.raises(MalformedNote):
        read_verifier_key(f"{KEY.name}+{KEY.key_id.hex()}+{raw}")


WRONG: dict[str, Callable[[str], str]] = {
    "no blank line": lambda text: text.replace("\n\n", "\n"),
    "no end": lambda text: text[:-1],
    "windows": lambda text: text.replace("\n", "\r\n"),
    "leading zero": lambda text: text.replace("\n12\n", "\n012\n"),
    "sign": lambda text: text.replace("\n12\n", "\n+12\n"),
    "other digits": lambda text: text.replace("\n12\n", "\n１２\n"),
    "no root": lambda text: text.replace(base64.b64encode(b"\x07" * 32).decode(), ""),
    "short root": lambda text: text.replace(base64.b64encode(b"\x07" * 32).decode(), "BwcH"),
    "stray bits": lambda text: text.replace("BwcHBwc=", "BwcHBwd="),
    "hyphen": lambda text: text.replace("— ", "- "),
    "two blanks": lambda text: text.replace("— ", "—  "),
    "no signature": lambda text: text.partition("\n\n")[0] + "\n\n",
    "empty extension": lambda text: text.replace("at 2026-11-23T16:00:00Z", ""),
    "control": lambda text: text.replace("at 2026", "at\x072026"),
    "space in origin": lambda text: text.replace(f"{ORIGIN}\n12", "fang pin\n12"),
    "too many": lambda text: text + text.splitlines()[-1].join(["", "\n"]) * 16,
    "too long": lambda text: text.replace("at 2026", "at " + "x" * 20_000),
}


@pytest.mark.parametrize("how", WRONG)
def test_what_is_not_written_so_is_refused(how: str) -> None:
    text = WRONG[how](NOTE.text)
    assert text != NOTE.text
    with pytest.raises(MalformedNote):
        read_note(text)


PATH = (b"\x01" * 32, b"\x02" * 32)


def test_proofs_are_read_as_they_are_written() -> None:
    proof = InclusionProof(3, PATH, NOTE)
    assert proof.text.startswith("c2sp.org/tlog-proof@v1\nindex 3\nAQEB")
    assert read_proof(proof.text) == proof
    step = Step(5, PATH, NOTE)
    assert step.text.startswith("old 5\nAQEB")
    assert read_step(step.text) == step
    assert read_step(Step(0, (), NOTE).text) == Step(0, (), NOTE)
    assert read_proof(InclusionProof(0, (), NOTE).text).path == ()
    for wrong in (step.text, proof.text.replace("index 3", "index 03"), proof.text.replace("@v1", "@v2"), NOTE.text):
        with pytest.raises(MalformedNote):
            read_proof(wrong)
    for wrong in (proof.text, NOTE.text, "", step.text.replace("old 5", "old -5")):
        with pytest.raises(MalformedNote):
            read_step(wrong)


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (read_note, read_proof, read_step, read_verifier_key, read_leaf):
        try:
            assert read(text).text in (text, text.strip())
        except (MalformedNote, MalformedLeaf):
            continue


@given(st.integers(0, 2**60), st.binary(min_size=32, max_size=32), st.integers(0, 10**6), st.integers(1, 255))
def test_a_changed_note_is_refused_or_not_signed(size: int, root: bytes, place: int, by: int) -> None:
    raw = bytearray(signed(Checkpoint(ORIGIN, size, root), KEY, SIGNER.sign).text.encode())
    raw[place % len(raw)] ^= by
    try:
        note = read_note(raw.decode())
    except (MalformedNote, UnicodeDecodeError):
        return
    assert not note.is_signed_by(KEY, holds)


def test_leaves() -> None:
    leaf = Leaf("500241", "500241H0000001-C1", 4, "a" * 64, "2026-11-23T16:00:00Z")
    assert leaf.text == (
        '{"at":"2026-11-23T16:00:00Z","case":"500241H0000001-C1","county":"500241","format":"fp-leaf-v1",'
        f'"head":"{"a" * 64}","seq":4}}'
    )
    assert read_leaf(leaf.text) == leaf
    for wrong in (
        leaf.text.replace(":4", ":0"),
        leaf.text.replace(":4", ":true"),
        leaf.text.replace(":4", ": 4"),
        leaf.text.replace("fp-leaf-v1", "fp-leaf-v2"),
        leaf.text.replace('"seq"', '"s"'),
        leaf.text.replace("aaa", "AAA"),
        "[" * 100_000,
        "[]",
        "null",
    ):
        with pytest.raises(MalformedLeaf):
            read_leaf(wrong)


def test_a_key_that_is_no_key_holds_nothing() -> None:
    assert not holds(b"short", b"\x00" * 64, b"text")
    assert not holds(KEY.public, b"short", b"text")
    assert VerifierKey("x", b"\x00" * 32).text.startswith("x+")
