"""What ``check`` finds in a county's log: leaves against entries, the tree anew, checkpoints and their order."""

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, NamedTuple

from app.services.isolated import Trouble, attempt
from app.services.seal_keys import origin_of, signer
from app.signing import holds
from app.store import seals as store
from app.store.transaction import reading
from workflows.checkpoint import Checkpoint, MalformedNote, read_note, read_verifier_key
from workflows.leaves import Leaf, read_leaf
from workflows.tree import EMPTY, WIDTH, Tree, is_consistent, leaf_hash, node_hash

LEAVES = 4 * WIDTH  # leaves read at once: whole tiles
MOST = 100


class Fault(NamedTuple):
    """Where, which leaf or checkpoint (0: the whole), a stable code, details."""

    place: str
    seq: int
    code: str
    detail: str = ""


def faults(county: str, counted: Callable[[int], None]) -> Iterator[Fault]:
    """Yield what is wrong with a county's log; ``counted`` is told how many leaves were looked at."""
    place = f"seals {county}"
    size = 0
    with reading():
        head = store.head(county)
    for fault, leaves in _of_leaves(county, place):
        size += leaves
        counted(leaves)
        if fault:
            yield fault
    yield from _of_nodes(county, place, size)
    with reading():
        unsealed = store.sealed_differing(county, MOST)
    for case in unsealed:
        yield Fault(case, 0, "seal_noted_differs")
    last = yield from _of_checkpoints(county, place)
    if (head.size, head.checkpoints) != (size, last) if head else (size or last):
        yield Fault(place, size, "seal_head_differs")


# --- leaves ---
def _of_leaves(county: str, place: str) -> Iterator[tuple[Fault | None, int]]:
    after = 0
    while True:
        with reading():
            rows = store.leaves_after(county, after, LEAVES)
        if not rows:
            return
        for row in rows:
            code = "seal_broken" if row.seq != after + 1 else _of_leaf(county, row)
            after = row.seq
            yield (Fault(place, row.seq, code, row.case) if code else None), 1


def _of_leaf(county: str, row: Any) -> str:
    """Return what is wrong with a leaf: altered in itself, or no such entry is there."""
    leaf = attempt(lambda: read_leaf(row.text))
    same = not isinstance(leaf, Trouble) and (leaf.county, leaf.case, leaf.seq) == (county, row.case, row.entry)
    if not same or leaf_hash(row.text.encode()).hex() != row.hash:
        return "seal_altered"
    return "" if isinstance(leaf, Leaf) and leaf.head == row.sealed else "seal_unfounded"


# --- the tree ---
def _of_nodes(county: str, place: str, size: int) -> Iterator[Fault]:
    """Every node is made anew from what lies below it."""
    with reading():
        levels = store.node_levels(county)
    level, count = 1, size // WIDTH
    while count or levels.get(level):
        if levels.get(level, 0) != count:
            yield Fault(place, count, "seal_tree_differs", f"level {level}")
        for number in range(-(-min(count, levels.get(level, 0)) // WIDTH)):
            yield from _of_tile(county, place, level, number)
        level, count = level + 1, count // WIDTH


def _of_tile(county: str, place: str, level: int, number: int) -> Iterator[Fault]:
    with reading():
        read = store.reader(county)
        for position, found in enumerate(read(level, number), start=number * WIDTH):
            if found != _over(read(level - 1, position)):
                yield Fault(place, position + 1, "seal_tree_differs", f"level {level}")


def _over(hashes: Sequence[bytes]) -> bytes:
    while len(hashes) > 1:
        hashes = [node_hash(*hashes[n : n + 2]) for n in range(0, len(hashes), 2)]
    return hashes[0] if hashes else EMPTY


# --- checkpoints ---
def _of_checkpoints(county: str, place: str) -> Generator[Fault, None, int]:
    """Each says the root of its size, is signed, and goes on from the one before; returns how many there are."""
    with reading():
        head = store.head(county)
    era, after, before = (head.era if head else 1), 0, Checkpoint("", 0, EMPTY)
    while True:
        with reading():
            rows = store.checkpoints_after(county, after, MOST)
            for row in rows:
                if row.seq != after + 1:
                    yield Fault(place, row.seq, "checkpoint_missing")
                after = row.seq
                found = attempt(lambda row=row: read_note(row.text).checkpoint())  # type: ignore[misc]
                if isinstance(found, Trouble):
                    yield Fault(place, row.seq, "checkpoint_malformed")
                    continue
                for code in _of_checkpoint(county, row, found, before, era):
                    yield Fault(place, row.seq, code)
                before = found
        if not rows:
            return after


def _of_checkpoint(county: str, row: Any, found: Checkpoint, before: Checkpoint, era: int) -> Iterator[str]:
    said = (origin_of(county, row.era), row.size, row.at)
    if said != (found.origin, found.size, found.told("at")):
        yield "checkpoint_differs"
    if not is_signed(row, era):
        yield "checkpoint_unsigned"
    tree = attempt(lambda: _proven(county, found, before))
    if isinstance(tree, Trouble) or not tree[0]:
        yield "checkpoint_root_differs"
    elif not tree[1]:
        yield "checkpoint_inconsistent"


def _proven(county: str, found: Checkpoint, before: Checkpoint) -> tuple[bool, bool]:
    """Tell whether the root is that of the leaves, and whether the tree goes on from the one before."""
    tree: Tree = store.tree(county, found.size)
    if tree.root() != found.root:
        return False, False
    if before.size > found.size:
        return True, False
    path = tree.consistency(before.size)
    return True, is_consistent(before.size, before.root, found.size, found.root, path)


def is_signed(row: Any, era: int) -> bool:
    """Tell whether a checkpoint is signed: in the present era by this installation's key, before it by the key kept."""
    try:
        key, note = read_verifier_key(row.key), read_note(row.text)
    except MalformedNote:
        return False
    if row.era == era and key != signer().key(key.name):
        return False
    return key.name == note.checkpoint().origin and note.is_signed_by(key, holds)
