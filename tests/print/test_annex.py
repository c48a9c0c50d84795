"""The annex of a print: whose lines, up to the sealed one, each as it was written; what does not fit is named."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from app.signing import Signer
from reports import fangpin_verify as alone
from reports.anchor import Anchor
from reports.annex import read_annex, subjects_of
from reports.container import open_container
from reports.render import render_trail
from reports.trail import MalformedTrail, read_trail
from reports.verify import verify_pdf
from tests import second_verifier
from tests.print import trails
from tests.print.test_render import text_of
from tests.unit.test_tree import Log
from workflows.checkpoint import Checkpoint, signed
from workflows.journal import GENESIS, canonical, digest, short
from workflows.leaves import LEDGER, Leaf
from workflows.tree import leaf_hash

SIGNER, AT = Signer(b"s" * 32), "2026-03-10T16:00:00Z"
NOTED = SIGNER.key("fangpin/500241/1")
KINDS = ("case_read", "users_told", "refused", "trail_print", "paper_print")


def ledger(count: int = 12) -> list[dict[str, Any]]:
    """The lines of a county's ledger; those of this household among others."""
    lines: list[dict[str, Any]] = []
    for seq in range(1, count + 1):
        mine = seq % 3 != 0
        detail = {"action": "verify", "code": "wrong_office"} if seq % 5 == 3 else {"seq": seq, "paper": "leaflet"}
        body = {"format": "fp-access-v1", "county": "500241", "seq": seq, "at": f"2026-03-09T0{seq % 10}:00:00Z",
                "prev": lines[-1]["hash"] if lines else GENESIS, "user": f"u{seq % 3}", "kind": KINDS[seq % 5],
                "subject": trails.CASE if mine else "500241H0000002-C1", "detail": detail}  # fmt: skip
        lines.append({"seq": seq, "hash": digest(canonical(body)), "text": canonical(body)})
    return lines


def reminder(**changes: Any) -> dict[str, Any]:
    told = {"id": 7, "case": trails.CASE, "user": "u2", "word": "due_soon", "timer": "verify", "state": "",
            "due": "2026-03-12T16:00:00Z", "sent": "2026-03-09T01:00:00Z", "came": [["wecom", "2026-03-09T01:00:05Z"]],
            "read": "2026-03-09T02:00:00Z", "answered": "2026-03-09T03:00:00Z", "answer": "acted",
            "escalated": ""}  # fmt: skip
    return told | changes


def sealed_with(trail_text: str, lines: Sequence[Mapping[str, Any]]) -> tuple[str, Any]:
    """The seal of a trail and the proof of the ledger's leaf, in one log."""
    trail = read_trail(trail_text)
    chain, last = trail.chains[0], lines[-1]
    mine = Leaf(trail.county, chain.case, len(chain.entries), digest(chain.entries[-1]), AT)
    other = Leaf(trail.county, LEDGER, int(last["seq"]), str(last["hash"]), AT)
    log = Log()
    log.append([leaf_hash(one.text.encode()) for one in (mine, other)])
    tree = log.tree(2)
    point = Checkpoint(f"fangpin/{trail.county}/1", 2, tree.root(), (f"at {AT}",))
    proofs = [
        {"leaf": leaf.text, "index": n, "path": [b64encode(step).decode() for step in tree.inclusion(n)]}
        for n, leaf in enumerate((mine, other))
    ]
    body = {"format": "fp-seal-v1", "county": trail.county, "proofs": proofs[:1],
            "checkpoint": signed(point, SIGNER.key(point.origin), SIGNER.sign).text}  # fmt: skip
    return canonical(body), proofs[1]


def annex_of(trail_text: str, **changes: Any) -> tuple[str, str]:
    """Seal and annex of a trail."""
    lines = ledger()
    seal, proof = sealed_with(trail_text, lines)
    trail = read_trail(trail_text)
    mine = [line for line in lines if json.loads(line["text"])["subject"] in subjects_of(trail)]
    body = {"format": "fp-annex-v1", "county": trail.county, "household": trail.household, "proof": proof,
            "lines": [line for line in mine if json.loads(line["text"])["kind"] != "users_told"], "left_out": 0,
            "reminders": [reminder()], "people": {"u1": "王一", "u2": "李二"}}  # fmt: skip
    return seal, canonical(body | changes)


def note_of(body: str) -> str:
    from workflows.checkpoint import signed_body

    return signed_body(body, NOTED, SIGNER.sign).text


@pytest.fixture(scope="module")
def printed_annex(honest: str) -> bytes:
    seal, annex = annex_of(honest)
    return render_trail(honest, seal_text=seal, annex_text=annex, seal=note_of)


def test_the_annex_is_attached_and_shown(honest: str, printed_annex: bytes) -> None:
    seal, annex = annex_of(honest)
    found = open_container(printed_annex)
    assert (found.trail, found.seal, found.annex) == (honest, seal, annex)
    text = text_of(printed_annex)
    for said in (
        "附录",
        "第12行",
        "王一",
        "操作被拒绝",
        "没有担任该职务",
        "打印留痕",
        "企业微信",
        "已办理",
        "末日2026-03-12",
    ):
        assert said in text, said
    assert short(str(ledger()[-1]["hash"])).replace(" ", "") in text
    assert "H0000002" not in text
    assert render_trail(honest, seal_text=seal, annex_text=annex, seal=note_of) == printed_annex


def test_in_english(honest: str) -> None:
    english = trails.honest(lang="en")
    seal, annex = annex_of(english)
    text = text_of(render_trail(english, seal_text=seal, annex_text=annex))
    for said in ("Annex:looks", "Uptoline12", "wasrefused", "holdsnosuchoffice", "WeCom"):
        assert said in text.replace("\n", ""), said


def test_without_a_seal_the_paper_says_that_there_is_none(printed: bytes) -> None:
    assert "本件不附查阅" in text_of(printed)


def test_both_verifiers_and_the_database_agree(honest: str, printed_annex: bytes) -> None:
    verdict = verify_pdf(printed_annex, anchor=None, key=NOTED.text)
    assert verdict.code == 0, [finding.text() for finding in verdict.findings]
    assert alone.verify(printed_annex, NOTED.text)[0] == 0
    assert alone.verify(printed_annex)[0] == 3
    assert second_verifier.judge(printed_annex, NOTED.text) == 0
    annex = read_annex(annex_of(honest)[1])
    live = {line.seq: line.hash for line in annex.lines}
    assert codes(printed_annex, live) == []
    assert codes(printed_annex, {**live, 4: "0" * 64}) == ["annex_line_not_live"]
    assert codes(printed_annex, {**live, 3: "0" * 64}) == ["annex_left_out"]
    assert codes(printed_annex, {seq: held for seq, held in live.items() if seq > 4}) == ["annex_line_not_live"] * 2


def codes(pdf: bytes, live: Mapping[int, str]) -> list[str]:
    found = verify_pdf(pdf, anchor=Anchor(lines=live)).findings
    return [remark.code for remark in found if remark.code.startswith("annex")]


def edits(honest: str) -> dict[str, tuple[str, str]]:
    seal, annex = annex_of(honest)
    body = json.loads(annex)
    lines = {line["seq"]: line for line in body["lines"]}
    first, rest = lines[4], [lines[seq] for seq in (5, 7, 8, 10)]
    told = json.loads(first["text"])
    other = canonical({**told, "user": "u9"})
    foreign = canonical({**told, "subject": "500241H0000002-C1"})
    proof = {**body["proof"], "index": 0}

    def of(**changes: Any) -> str:
        return canonical(body | changes)

    return {
        "annex_line_differs hash": (seal, of(lines=[{**first, "text": other}, *rest])),
        "annex_line_differs link": (seal, of(lines=[{**first, "text": other, "hash": digest(other)}, *rest])),
        "annex_line_differs seq": (seal, of(lines=[{**first, "seq": 3}, *rest])),
        "annex_line_differs order": (seal, of(lines=[*rest, first])),
        "annex_line_differs subject": (seal, of(lines=[{**first, "text": foreign, "hash": digest(foreign)}])),
        "annex_not_included": (seal, of(proof=proof)),
        "annex_differs": (seal, of(household="500241H0000002")),
        "annex_reminder_differs late": (seal, of(reminders=[reminder(read="2026-03-11T00:00:00Z")])),
        "annex_reminder_differs case": (seal, of(reminders=[reminder(case="500241H0000002-C1")])),
    }


def test_what_does_not_fit_is_named(honest: str) -> None:
    for name, (seal, annex) in edits(honest).items():
        verdict = verify_pdf(render_trail(honest, seal_text=seal, annex_text=annex), anchor=None)
        assert (verdict.code, name.split()[0] in [f.code for f in verdict.findings]) == (2, True), name


def test_what_is_no_annex_is_refused(honest: str) -> None:
    _, annex = annex_of(honest)
    body = json.loads(annex)
    wrong = (
        "", "{}", "[]", annex + " ", canonical(body | {"more": 1}), canonical(body | {"format": "fp-annex-v2"}),
        canonical(body | {"lines": [{}]}), canonical(body | {"lines": {}}), canonical(body | {"left_out": True}),
        canonical(body | {"people": {"u1": 1}}), canonical(body | {"reminders": [{**reminder(), "came": [1]}]}),
        canonical(body | {"reminders": [reminder(sent="now")]}), canonical(body | {"proof": {}}), "[" * 100_000,
    )  # fmt: skip
    for text in wrong:
        with pytest.raises(MalformedTrail):
            read_annex(text)
