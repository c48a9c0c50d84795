"""What people see of the seals: a county's checkpoints, and the proof that a case is in the newest one."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.services.cases import county_of
from app.services.lists import SIZE, Found, following_key, paged
from app.services.seal_keys import key_of
from app.store import seals as store
from app.store.transaction import reading
from app.tables import SealCheckpoint
from workflows.checkpoint import Checkpoint, InclusionProof, Step, read_note
from workflows.errors import NotAllowed, NotFound, SealForked
from workflows.leaves import Leaf, read_leaf
from workflows.model import Actor
from workflows.tree import is_included, leaf_hash

READERS = ("auditor", "county_lead", "admin")


@dataclass(frozen=True)
class Line:
    """A checkpoint in the list: its number, when it was made (UTC text), leaves, root in hex, the signed text."""

    county: str
    number: int
    era: int
    at: str
    size: int
    root: str
    text: str


@dataclass(frozen=True)
class Proof:
    """The newest leaf of a case that a checkpoint holds, the proof, and whether it leads to the checkpoint's root.

    ``later`` is how many entries the case has got since.
    """

    leaf: Leaf
    proof: InclusionProof
    checkpoint: Line
    is_proven: bool
    later: int

    @property
    def text(self) -> str:
        """The proof as a file: what C2SP tlog-proof says; the leaf is what it speaks of."""
        return self.proof.text


def counties_of(actor: Actor) -> list[str]:
    """Return the counties whose seals a person may look at; raise NotAllowed for who may look at none."""
    found = sorted({o.area[:6] for o in actor.offices if o.role in READERS})
    if not found:
        raise NotAllowed(page="seals")
    return found


def checkpoints(actor: Actor, *, after: str = "") -> Found[Line]:
    """Return checkpoints of a person's counties, the newest first."""
    mine = counties_of(actor)
    with reading() as now:
        rows, more = paged(store.checkpoints_before(mine, _place(after), SIZE + 1))
        lines = [_line(row) for row in rows]
    last = lines[-1] if lines else None
    return Found(lines, following_key(more, last.at, last.county, str(last.number)) if last else "", now)


def _place(after: str) -> tuple[str, str, int] | None:
    parts = after.split("~")
    return (parts[0], parts[1], int(parts[2])) if len(parts) == 3 and parts[2].isdecimal() else None


def keys_of(actor: Actor) -> list[str]:
    """Return the public keys of the logs of a person's counties."""
    return [key_of(county).text for county in counties_of(actor)]


def checkpoint(actor: Actor, county: str, number: int) -> Line:
    """Return one checkpoint; raises NotFound."""
    if county not in counties_of(actor):
        raise NotFound(case=county)
    with reading():
        row = store.checkpoint(county, number)
        if row is None:
            raise NotFound(case=f"{county} {number}")
        return _line(row)


def step(actor: Actor, county: str, old: int) -> Step:
    """Return the newest checkpoint with the proof that it goes on from a tree of ``old`` leaves.

    Raises NotFound for a county of others or one without checkpoints, SealForked when the tree is smaller than that.
    """
    if county not in counties_of(actor):
        raise NotFound(case=county)
    with reading():
        row = store.newest_checkpoint(county)
        if row is None:
            raise NotFound(case=county)
        if old > row.size:
            raise SealForked(county=county, how="smaller", found=old, size=row.size)
        return Step(old, tuple(store.tree(county, row.size).consistency(old)), read_note(row.text))


def step_to(county: str, checkpoint: str, old: int) -> Step:
    """Return a checkpoint with the proof that it goes on from a tree of ``old`` leaves, whoever asks."""
    note = read_note(checkpoint)
    with reading():
        return Step(old, tuple(store.tree(county, note.checkpoint().size).consistency(old)), note)


def proof(actor: Actor, case: str) -> Proof:
    """Return the proof of a case's newest sealed head; raises NotFound when it has none or lies elsewhere."""
    county = county_of(case)
    if county not in counties_of(actor):
        raise NotFound(case=case)
    return proof_of(county, case)


def proof_of(county: str, case: str) -> Proof:
    """Return the proof of a case's newest sealed head, whoever asks; raises NotFound when it has none."""
    with reading():
        row = store.newest_checkpoint(county)
        leaf = store.leaf_under(county, case, row.size) if row else None
        if row is None or leaf is None:
            raise NotFound(case=case)
        index, path = leaf.seq - 1, tuple(store.tree(county, row.size).inclusion(leaf.seq - 1))
        line, text, later = _line(row), leaf.text, store.entries_since(county, case, leaf.entry)
    root = bytes.fromhex(line.root)
    is_proven = is_included(leaf_hash(text.encode()), index, line.size, path, root)
    return Proof(read_leaf(text), InclusionProof(index, path, read_note(line.text)), line, is_proven, later)


def _line(row: SealCheckpoint) -> Line:
    found: Checkpoint = read_note(row.text).checkpoint()
    return Line(row.county, row.seq, row.era, row.at, row.size, found.root.hex(), row.text)


def lines_of(county: str) -> Sequence[Line]:
    """Return the newest checkpoints of a county, for who runs the machine."""
    with reading():
        return [_line(row) for row in store.checkpoints_before([county], None, SIZE)]
