"""The seal of a printed trail (format fp-seal-v1): the county's newest checkpoint, and for each case the proof that
its newest sealed head is in it."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reports.remark import Remark
from reports.trail import MalformedTrail, Trail
from workflows import journal
from workflows.checkpoint import Checkpoint, Note, read_note
from workflows.leaves import Leaf, read_leaf
from workflows.tree import is_included, leaf_hash

FORMAT = "fp-seal-v1"
KEYS = frozenset({"format", "county", "checkpoint", "proofs"})
PROOF_KEYS = frozenset({"leaf", "index", "path"})
MOST = 1_000


@dataclass(frozen=True)
class Proof:
    """A leaf, its place in the log (from 0), and the way from it to the root."""

    leaf: Leaf
    index: int
    path: tuple[bytes, ...]


@dataclass(frozen=True)
class Seal:
    """A parsed seal; ``text`` is the exact text it was read from."""

    text: str
    county: str
    note: Note
    proofs: tuple[Proof, ...]

    @property
    def checkpoint(self) -> Checkpoint:
        """What the checkpoint says of the log."""
        return self.note.checkpoint()

    @property
    def short_root(self) -> str:
        """The first 16 digits of the root, in groups of four, as they are printed."""
        return journal.short(self.checkpoint.root.hex())


def read_seal(text: str) -> Seal:
    """Parse seal.json strictly; raise MalformedTrail. Only the outer form is judged here (see ``check_seal``)."""
    try:
        body = json.loads(text)
        _require(journal.canonical(body) == text and isinstance(body, dict))
        _require(set(body) == KEYS and body["format"] == FORMAT and isinstance(body["county"], str))
        _require(isinstance(body["proofs"], list) and len(body["proofs"]) <= MOST)
        proofs = tuple(read_proof(item) for item in body["proofs"])
        return Seal(text, body["county"], read_note(body["checkpoint"]), proofs)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise MalformedTrail("seal", str(error)[:80]) from error


def read_proof(body: Any) -> Proof:
    """Return a leaf with its way to the root; raise ValueError or TypeError for what is none."""
    _require(isinstance(body, dict) and set(body) == PROOF_KEYS and type(body["index"]) is int)
    return Proof(read_leaf(body["leaf"]), body["index"], tuple(_hash(step) for step in body["path"]))


def _hash(text: str) -> bytes:
    raw = base64.b64decode(text, validate=True)
    _require(len(raw) == 32 and base64.b64encode(raw).decode() == text)
    return raw


def _require(held: bool) -> None:
    if not held:
        raise ValueError("seal.json is not as this program writes it")


def check_seal(trail: Trail, seal: Seal) -> Iterator[Remark]:
    """Hold a seal against its trail: each leaf stands for an entry printed here, and leads to the checkpoint's root.

    Whether the checkpoint is signed by the office is asked with its public key, which no file can bring along.
    """
    point = seal.checkpoint
    entries = trail.entry_texts()
    cases = [proof.leaf.case for proof in seal.proofs]
    if seal.county != trail.county or len(set(cases)) != len(cases):
        yield Remark("seal_differs", is_grave=True)
    for proof in seal.proofs:
        leaf, text = proof.leaf, entries.get((proof.leaf.case, proof.leaf.seq))
        if text is None or leaf.county != trail.county or journal.digest(text) != leaf.head:
            yield Remark("seal_entry_differs", leaf.case, leaf.seq, is_grave=True)
        elif not is_included(leaf_hash(leaf.text.encode()), proof.index, point.size, proof.path, point.root):
            yield Remark("seal_not_included", leaf.case, leaf.seq, is_grave=True)
