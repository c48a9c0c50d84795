"""The verifier that an auditor takes along: one file, its own reading of everything, held against the program's."""

import hashlib
import json
import random
import re
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from reports import fangpin_verify as alone
from reports.anchor import Anchor
from reports.render import render_trail
from reports.trail import read_trail
from reports.verify import verify_pdf
from tests.prove import edited_prints
from tests.prove.edited_prints import PUBLIC, note_of, rewritten
from workflows.checkpoint import VerifierKey, signed_body
from workflows.journal import canonical

SOURCE = Path(alone.__file__)
INTACT, ALTERED, UNKNOWN, MALFORMED = 0, 2, 3, 4


@pytest.fixture(scope="session")
def sealed(honest: str) -> bytes:
    """The honest trail as an office prints and signs it."""
    return render_trail(honest, seal=note_of)


def codes(data: bytes, **more: str) -> tuple[int, list[str]]:
    """The exit status and the codes of what was found."""
    status, said, _ = alone.verify(data, **more)
    return status, [code for code, _ in said]


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
    assert done.returncode == INTACT, done.stdout + done.stderr
    assert "结论：完好。" in done.stdout
    assert "Verdict: intact." in done.stdout
    assert "未核验" in done.stdout, "it says what it did not check"


@pytest.mark.parametrize(
    ("words", "status"),
    [([], MALFORMED), (["t.pdf", "--key"], MALFORMED), (["none.pdf"], MALFORMED), (["t.pdf", "--odd", "x"], MALFORMED)],
)
def test_a_wrong_call_is_told(
    words: list[str], status: int, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.pdf").write_bytes(b"%PDF-1.7\n")
    assert alone.main(words) == status
    assert "不能核验" in capsys.readouterr().out


def test_without_an_anchor_nobody_vouches(sealed: bytes, printed: bytes) -> None:
    assert codes(sealed) == (UNKNOWN, ["left_pages", "no_anchor", "left_latest"])
    assert codes(printed, key=PUBLIC.text) == (UNKNOWN, ["not_by_key", "left_latest"])
    other = VerifierKey("elsewhere", PUBLIC.public)
    assert codes(sealed, key=other.text) == (UNKNOWN, ["not_by_key", "left_latest"])
    assert codes(sealed, key="no key") == (MALFORMED, ["malformed"])


def test_a_noted_head_vouches_for_the_contents(sealed: bytes, honest: str) -> None:
    head = read_trail(honest).head
    assert codes(sealed, head=head[:16]) == (INTACT, ["left_pages", "by_head", "left_latest"])
    assert codes(sealed, head="0" * 16)[0] == ALTERED
    assert codes(sealed, head="abc")[0] == MALFORMED


def test_the_program_itself_takes_a_sealed_print(sealed: bytes, honest: str) -> None:
    head = read_trail(honest).head
    assert verify_pdf(sealed, anchor=Anchor(head=head)).code == INTACT
    assert render_trail(honest, seal=note_of) == sealed, "the same bytes, signature and all"


def test_the_program_says_who_sealed_a_print(sealed: bytes, printed: bytes, honest: str) -> None:
    found = verify_pdf(sealed, anchor=None, key=PUBLIC.text)
    assert (found.code, [remark.code for remark in found.findings]) == (INTACT, ["print_by_key"])
    assert verify_pdf(printed, anchor=None, key=PUBLIC.text).code == UNKNOWN
    assert verify_pdf(sealed, anchor=None, key="none").code == UNKNOWN
    thief = Ed25519PrivateKey.generate()
    forged = render_trail(honest, seal=lambda body: signed_body(body, PUBLIC, thief.sign).text)
    assert verify_pdf(forged, anchor=None, key=PUBLIC.text).code == ALTERED
    assert "机关签发" in found.sentences("zh")[1]


def test_an_altered_page_beside_an_untouched_attachment_is_named(sealed: bytes) -> None:
    pdf = alone.Pdf(sealed)
    for nth, page in enumerate(pdf.pages, 1):
        contents = re.search(rb"/Contents ([0-9]+) 0 R", pdf.words[page])
        assert contents
        text = zlib.decompress(pdf.objects[int(contents[1])][1])
        altered = rewritten(sealed, {text: text.replace(b" re\n", b" re \n", 1) + b"\n% odd"})
        status, said, _ = alone.verify(altered, key=PUBLIC.text)
        assert (status, said) == (ALTERED, [("page", str(nth))])
        assert codes(altered) == (UNKNOWN, ["left_pages", "no_anchor", "left_latest"]), "it does not say it has looked"


def test_what_was_appended_is_refused(sealed: bytes) -> None:
    update = (
        b"5 0 obj\n<</Type /Page>>\nendobj\nxref\n5 1\n0000000009 00000 n \ntrailer\n<</Prev 9>>\nstartxref\n9\n%%EOF\n"
    )
    for more in (b"\n", b"% nothing\n", update, sealed):
        assert codes(sealed + more, key=PUBLIC.text)[0] in (ALTERED, MALFORMED)
        assert codes(sealed + more)[0] in (ALTERED, MALFORMED)


def test_an_altered_entry_is_named_whoever_packs_it_anew(sealed: bytes, honest: str) -> None:
    case = json.loads(honest)["case"]
    for old, new in (
        (b"nominate", b"nominatf"),
        (b'\\\\\\"seq\\\\\\":2', b'\\\\\\"seq\\\\\\":3'),
        (b"2026-03-0", b"2026-04-0"),
    ):
        altered = rewritten(sealed, {old: new}, "trail.json")
        if altered == rewritten(sealed, {}, "trail.json"):
            continue
        status, said, _ = alone.verify(altered, key=PUBLIC.text)
        assert status in (ALTERED, MALFORMED)
        assert any(code in ("entry", "text", "value", "malformed") for code, _ in said)
    trail = json.loads(honest)
    chain = next(c for c in trail["chains"] if c["case"] == case)
    chain["entries"][1] = chain["entries"][1].replace('"action":"', '"action":"x')
    altered = rewritten(sealed, {honest.encode(): canonical(trail).encode()}, "trail.json")
    assert alone.verify(altered, key=PUBLIC.text)[1][0] == ("entry", f"{case} #2")


def test_a_history_rewritten_whole_is_exposed_by_an_older_head_and_by_the_seal(sealed: bytes, honest: str) -> None:
    trail = json.loads(honest)
    for chain in trail["chains"]:
        chain["entries"] = chain["entries"][:-1]
        chain["head"] = hashlib.sha256(chain["entries"][-1].encode()).hexdigest()
    trail["disclosures"] = []
    altered = rewritten(sealed, {honest.encode(): canonical(trail).encode()}, "trail.json")
    assert codes(altered, head=read_trail(honest).head)[0] == ALTERED
    assert codes(altered, key=PUBLIC.text)[0] == ALTERED


def test_a_signature_of_another_key_under_the_same_name_is_altered(honest: str) -> None:
    thief = Ed25519PrivateKey.generate()
    forged = render_trail(honest, seal=lambda body: signed_body(body, PUBLIC, thief.sign).text)
    assert codes(forged, key=PUBLIC.text) == (ALTERED, ["signature"])


def test_no_edit_stays_unseen() -> None:
    """Some edits of every kind; ``make prove`` makes ten thousand."""
    assert "all found" in edited_prints.prove(edits=200, entries=8, chance=random.Random(7))


@settings(max_examples=300, deadline=1_000)
@given(st.binary(max_size=2_000))
def test_any_bytes_are_judged(data: bytes) -> None:
    assert alone.verify(data)[0] == MALFORMED
    assert alone.verify(b"%PDF-1.7\n%abc\n" + data, key=PUBLIC.text)[0] == MALFORMED


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=64), st.binary(min_size=32, max_size=32))
def test_signatures_hold_as_the_library_says(message: bytes, seed: bytes) -> None:
    """RFC 8032: what one signs the other takes, and nothing else."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = key.public_key().public_bytes_raw(), key.sign(message)
    assert alone.ed25519_holds(public, signature, message)
    assert not alone.ed25519_holds(public, signature, message + b"x")
    assert not alone.ed25519_holds(public, bytes([signature[0] ^ 1]) + signature[1:], message)
    assert not alone.ed25519_holds(public, signature[:32] + bytes(32), message)


VECTORS = (  # RFC 8032, 7.1, tests 1 to 3: public key, message, signature
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
)


@pytest.mark.parametrize(("public", "message", "signature"), VECTORS)
def test_the_published_vectors_hold(public: str, message: str, signature: str) -> None:
    parts = (bytes.fromhex(public), bytes.fromhex(signature), bytes.fromhex(message))
    assert alone.ed25519_holds(*parts)
    # s + L is the same number to a careless verifier (RFC 8032, 5.1.7).
    s = int.from_bytes(parts[1][32:], "little") + alone.L
    assert not alone.ed25519_holds(parts[0], parts[1][:32] + s.to_bytes(32, "little"), parts[2])
