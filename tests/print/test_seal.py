"""A printed trail carries the newest checkpoint and the proofs of its cases; what does not fit is named."""

import json
from base64 import b64encode
from io import BytesIO
from typing import Any

import pikepdf
import pytest

from app.signing import Signer
from reports.container import open_container
from reports.render import render_trail
from reports.seal import check_seal, read_seal
from reports.trail import MalformedTrail, read_trail
from reports.verify import verify_pdf
from tests.print.test_render import text_of
from tests.unit.test_tree import Log
from workflows.checkpoint import Checkpoint, signed
from workflows.journal import canonical, digest, short
from workflows.leaves import Leaf
from workflows.tree import leaf_hash

SIGNER, AT = Signer(b"s" * 32), "2026-03-10T16:00:00Z"


def seal_of(trail_text: str, seq: int = 2) -> str:
    """The seal of the first chain's entry, between leaves of other cases."""
    trail = read_trail(trail_text)
    chain = trail.chains[0]
    others = [Leaf(trail.county, f"{trail.county}H000000{n}-C9", 1, "a" * 64, AT) for n in range(5)]
    leaf = Leaf(trail.county, chain.case, seq, digest(chain.entries[seq - 1]), AT)
    log = Log()
    log.append([leaf_hash(one.text.encode()) for one in [*others, leaf, *others]])
    tree = log.tree(log.size)
    point = Checkpoint(f"fangpin/{trail.county}/1", log.size, tree.root(), (f"at {AT}",))
    path = [b64encode(step).decode() for step in tree.inclusion(5)]
    return canonical(
        {
            "format": "fp-seal-v1",
            "county": trail.county,
            "checkpoint": signed(point, SIGNER.key(point.origin), SIGNER.sign).text,
            "proofs": [{"leaf": leaf.text, "index": 5, "path": path}],
        }
    )


@pytest.fixture(scope="module")
def seal(honest: str) -> str:
    return seal_of(honest)


@pytest.fixture(scope="module")
def sealed(honest: str, seal: str) -> bytes:
    return render_trail(honest, seal_text=seal)


def edited(seal: str, **changes: Any) -> str:
    return canonical({**json.loads(seal), **changes})


def test_the_seal_is_attached_and_its_root_stands_on_the_face(honest: str, seal: str, sealed: bytes) -> None:
    found = open_container(sealed)
    assert (found.trail, found.seal) == (honest, seal)
    point = read_seal(seal).checkpoint
    text = text_of(sealed)
    assert short(point.root.hex()).replace(" ", "") in text
    assert "fangpin/500241/1" in text
    assert "2026-03-1100:00" in text, "in local time"
    assert render_trail(honest, seal_text=seal) == sealed, "the same state gives the same bytes"
    assert "尚无封存点" in text_of(render_trail(honest))


def test_a_sealed_trail_is_verified(sealed: bytes) -> None:
    verdict = verify_pdf(sealed, anchor=None)
    assert verdict.code == 3
    assert "sealed" in [finding.code for finding in verdict.findings]
    assert not any(finding.is_grave for finding in verdict.findings)


def test_a_seal_of_something_else_is_altered(honest: str, seal: str) -> None:
    proof = json.loads(seal)["proofs"][0]
    other = json.loads(proof["leaf"]) | {"head": "b" * 64}
    cases = {
        "seal_entry_differs": [{**proof, "leaf": canonical(other)}],
        "seal_not_included": [{**proof, "index": 6}],
        "seal_differs": [proof, proof],
    }
    for code, proofs in cases.items():
        verdict = verify_pdf(render_trail(honest, seal_text=edited(seal, proofs=proofs)), anchor=None)
        assert (verdict.code, code in [f.code for f in verdict.findings]) == (2, True), code
    trail = read_trail(honest)
    assert [r.code for r in check_seal(trail, read_seal(edited(seal, county="500230")))] == ["seal_differs"]
    longer = json.loads(proof["leaf"]) | {"seq": 99}
    found = check_seal(trail, read_seal(edited(seal, proofs=[{**proof, "leaf": canonical(longer)}])))
    assert [(r.code, r.seq) for r in found] == [("seal_entry_differs", 99)]


def test_what_is_no_seal_is_refused(seal: str) -> None:
    proof = json.loads(seal)["proofs"][0]
    wrong = (
        "", "{}", "[]", seal + " ", edited(seal, format="fp-seal-v2"), edited(seal, more=1),
        edited(seal, checkpoint="x"), edited(seal, county=1), edited(seal, proofs={}),
        edited(seal, proofs=[{**proof, "path": ["AA=="]}]), edited(seal, proofs=[{**proof, "path": 1}]),
        edited(seal, proofs=[{**proof, "index": True}]), edited(seal, proofs=[{**proof, "leaf": "{}"}]),
        edited(seal, proofs=[proof] * 1001), "[" * 100_000,
    )  # fmt: skip
    for text in wrong:
        with pytest.raises(MalformedTrail):
            read_seal(text)


def test_a_seal_that_was_exchanged_or_taken_out_is_found(honest: str, seal: str, sealed: bytes) -> None:
    """Another checkpoint, just as whole: the pages say which one was printed."""
    other = seal_of(honest, seq=1)
    with pikepdf.open(BytesIO(sealed)) as pdf:
        names = {item.filename: key for key, item in pdf.attachments.items()}
        assert set(names) == {"trail.json", "seal.json"}
        out = BytesIO()
        pdf.attachments[names["seal.json"]].obj.EF.F.write(other.encode())
        pdf.save(out)
    assert verify_pdf(out.getvalue(), anchor=None).code in (2, 4)
    with pikepdf.open(BytesIO(sealed)) as pdf:
        out = BytesIO()
        del pdf.attachments[names["seal.json"]]
        pdf.save(out)
    assert verify_pdf(out.getvalue(), anchor=None).code in (2, 4)
