"""The annex of a printed trail (format fp-annex-v1): a household's lines of the access ledger, and its reminders.

It reaches up to the ledger's leaf in the checkpoint that the print carries, so the same trail under the same
checkpoint has the same annex; what came later stands in a later print.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from reports.remark import Remark
from reports.seal import Proof, Seal, read_proof
from reports.trail import HASH, MalformedTrail, Trail
from workflows import journal
from workflows.annexes import FORMAT, KINDS, LINE_FORMAT, MOST
from workflows.clock import parse_utc
from workflows.leaves import LEDGER
from workflows.tree import is_included, leaf_hash
from workflows.variants import FULL

KEYS = frozenset({"format", "county", "household", "proof", "lines", "left_out", "reminders", "people"})
LINE_KEYS = frozenset({"seq", "hash", "text"})
BODY_KEYS = frozenset({"format", "county", "seq", "prev", "at", "user", "kind", "subject", "detail"})
REMINDER_KEYS = frozenset(
    {"id", "case", "user", "word", "timer", "state", "due", "sent", "came", "read", "answered", "answer", "escalated"}
)
TIMES = ("sent", "read", "answered", "escalated")


@dataclass(frozen=True)
class Line:
    """A line of the ledger: its number and hash as kept, its exact text and what that says."""

    seq: int
    hash: str
    text: str
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Annex:
    """A parsed annex; ``text`` is the exact text it was read from, ``people`` the names of accounts by their ids.

    ``left_out``: how many older lines stand in the ledger alone, as there are more than an annex holds.
    """

    text: str
    county: str
    household: str
    proof: Proof
    lines: tuple[Line, ...]
    left_out: int
    reminders: tuple[Mapping[str, Any], ...]
    people: Mapping[str, str]


def read_annex(text: str) -> Annex:
    """Parse annex.json strictly; raise MalformedTrail. Only the outer form is judged here (see ``check_annex``)."""
    try:
        body = json.loads(text)
        _require(isinstance(body, dict) and journal.canonical(body) == text)
        _require(set(body) == KEYS and body["format"] == FORMAT and type(body["left_out"]) is int)
        _require(all(isinstance(one, str) for one in (body["county"], body["household"], *_names(body["people"]))))
        _require(isinstance(body["lines"], list) and isinstance(body["reminders"], list))
        _require(len(body["lines"]) <= MOST and len(body["reminders"]) <= MOST and body["left_out"] >= 0)
        lines = tuple(map(_line, body["lines"]))
        reminders = tuple(map(_reminder, body["reminders"]))
        proof = read_proof(body["proof"])
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise MalformedTrail("annex", str(error)[:80]) from error
    return Annex(
        text, body["county"], body["household"], proof, lines, body["left_out"], reminders, dict(body["people"])
    )


def _names(people: Any) -> Iterator[Any]:
    _require(isinstance(people, dict))
    for user, name in people.items():
        yield from (user, name)


def _line(item: Any) -> Line:
    _require(isinstance(item, dict) and set(item) == LINE_KEYS and type(item["seq"]) is int and item["seq"] > 0)
    _require(isinstance(item["text"], str) and bool(HASH.fullmatch(item["hash"])))
    body = json.loads(item["text"])
    _require(isinstance(body, dict) and set(body) == BODY_KEYS and isinstance(body["detail"], dict))
    _require(all(isinstance(body[key], str) for key in BODY_KEYS - {"seq", "detail"}))
    parse_utc(body["at"])
    return Line(item["seq"], item["hash"], item["text"], body)


def _reminder(item: Any) -> Mapping[str, Any]:
    _require(isinstance(item, dict) and set(item) == REMINDER_KEYS and type(item["id"]) is int)
    _require(all(isinstance(item[key], str) for key in REMINDER_KEYS - {"id", "came"}))
    _require(isinstance(item["came"], list) and all(len(one) == 2 for one in item["came"]))
    _require(all(isinstance(text, str) for one in item["came"] for text in one))
    for text in (item["sent"], *_later(item)):
        parse_utc(text)
    return dict(item)


def _later(item: Mapping[str, Any]) -> list[str]:
    """The times at which something became of a reminder, and until when the act was due."""
    return [text for text in (*(item[key] for key in (*TIMES[1:], "due")), *(at for _, at in item["came"])) if text]


def _require(held: bool) -> None:
    if not held:
        raise ValueError("annex.json is not as this program writes it")


def check_annex(trail: Trail, seal: Seal | None, annex: Annex) -> Iterator[Remark]:
    """Hold an annex against its trail and seal: whose it is, each line by itself and by its neighbour, none too late.

    That no line between two was left out is asked of the live ledger (``hold_annex``): its other lines are not here.
    """
    is_own = (annex.county, annex.household, trail.variant) == (trail.county, trail.household, FULL)
    if seal is None or not is_own or annex.proof.leaf.case != LEDGER or annex.proof.leaf.county != trail.county:
        yield Remark("annex_differs", is_grave=True)
        return
    leaf, point = annex.proof.leaf, seal.checkpoint
    if not is_included(leaf_hash(leaf.text.encode()), annex.proof.index, point.size, annex.proof.path, point.root):
        yield Remark("annex_not_included", detail=f"#{leaf.seq}", is_grave=True)
    subjects = subjects_of(trail)
    for line in annex.lines:
        if not _holds(line, annex, subjects):
            yield Remark("annex_line_differs", detail=f"#{line.seq}", is_grave=True)
    for one, other in pairwise(annex.lines):
        is_next = other.seq == one.seq + 1
        if other.seq <= one.seq or (is_next and other.body["prev"] != one.hash):
            yield Remark("annex_line_differs", detail=f"#{other.seq}", is_grave=True)
    for item in annex.reminders:
        moments = [item[key] for key in TIMES] + [at for _, at in item["came"]]
        if item["case"] not in subjects or max(moments) > leaf.at:
            yield Remark("annex_reminder_differs", detail=f"#{item['id']}", is_grave=True)


def _holds(line: Line, annex: Annex, subjects: frozenset[str]) -> bool:
    """Tell whether a line is what its hash and number say, of this county and household, and was sealed."""
    body, leaf = line.body, annex.proof.leaf
    own = (journal.digest(line.text), body["seq"], body["county"], body["format"])
    is_sealed = line.seq < leaf.seq or (line.seq == leaf.seq and line.hash == leaf.head)
    is_canonical = journal.canonical(dict(body)) == line.text
    is_ours = own == (line.hash, line.seq, annex.county, LINE_FORMAT) and body["kind"] in KINDS
    return is_ours and is_sealed and is_canonical and body["subject"] in subjects


def subjects_of(trail: Trail) -> frozenset[str]:
    """What lines of a trail's annex are about: the household, its cases, and the files that their entries name."""
    bodies = (json.loads(text) for text in trail.entry_texts().values())
    files = {str(item["sha256"]) for body in bodies for item in body.get("evidence", ())}
    return frozenset({trail.household, *(chain.case for chain in trail.chains), *files})


def hold_annex(annex: Annex, live: Mapping[int, str]) -> Iterator[Remark]:
    """Hold the lines against the live ledger's (number → hash, those of this household up to the annex's end)."""
    shown = {line.seq: line.hash for line in annex.lines}
    for seq in sorted(seq for seq, found in shown.items() if live.get(seq) != found):
        yield Remark("annex_line_not_live", detail=f"#{seq}", is_grave=True)
    missing = sorted(live.keys() - shown.keys())
    if len(missing) != annex.left_out or (missing and shown and missing[-1] > min(shown)):
        yield Remark("annex_left_out", detail=f"#{missing[-1]}" if missing else "", is_grave=True)
