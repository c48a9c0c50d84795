"""Leaves of a county's log (format fp-leaf-v1): each stands for the head of one chain at one moment."""

import json
import re
from dataclasses import dataclass

from workflows.journal import canonical

FORMAT = "fp-leaf-v1"
#: Stands for a case's number in the leaf of the county's access ledger.
LEDGER = "access_ledger"
KEYS = frozenset({"format", "county", "case", "seq", "head", "at"})
HEAD = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Leaf:
    """The chain of a case (or of the access ledger) had ``seq`` entries, the last with this hash, at this moment."""

    county: str
    case: str
    seq: int
    head: str
    at: str

    @property
    def text(self) -> str:
        """The text that is hashed: canonical JSON."""
        return canonical({"format": FORMAT, **vars(self)})


class MalformedLeaf(ValueError):
    """The text is no fp-leaf-v1."""


def read_leaf(text: str) -> Leaf:
    """Parse a leaf; raise MalformedLeaf. What it accepts, it would write again byte by byte."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedLeaf("no JSON") from error
    if not isinstance(body, dict) or set(body) != KEYS or body.pop("format") != FORMAT:
        raise MalformedLeaf("other keys or format")
    if type(body["seq"]) is not int or not all(isinstance(v, str) for k, v in body.items() if k != "seq"):
        raise MalformedLeaf("other types")
    leaf = Leaf(**body)
    if leaf.text != text or leaf.seq < 1 or not HEAD.fullmatch(leaf.head):
        raise MalformedLeaf("not as it is written")
    return leaf
