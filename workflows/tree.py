"""The tree over an append-only log (RFC 6962, section 2.1): roots, proofs of inclusion and of consistency.

A tree of any size is computed from tiles: the hashes of every eighth level, 256 to a tile. They never change once they
are there, so all earlier trees of the log are read from them too, and one more leaf needs no other leaf read anew.
"""

import hashlib
from collections.abc import Callable, Sequence

HEIGHT = 8  # levels of a tile
WIDTH = 1 << HEIGHT
EMPTY = hashlib.sha256(b"").digest()

#: (tile level, number of the tile) → its hashes so far, at most 256. Tile level n holds the tree's level 8n.
ReadTile = Callable[[int, int], Sequence[bytes]]


def leaf_hash(content: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256(00 ‖ content)."""
    return hashlib.sha256(b"\x00" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node: SHA-256(01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """The tree over the first ``size`` leaves of a log; each tile is read once."""

    def __init__(self, size: int, read: ReadTile) -> None:
        self.size = size
        self._read = read
        self._tiles: dict[tuple[int, int], Sequence[bytes]] = {}

    def root(self) -> bytes:
        """Return the root; of an empty tree SHA-256 of nothing."""
        return self._between(0, self.size) if self.size else EMPTY

    def inclusion(self, index: int) -> list[bytes]:
        """Return the audit path of a leaf (RFC 6962, 2.1.1); raises IndexError when the tree has no such leaf."""
        if not 0 <= index < self.size:
            raise IndexError(index)
        start, end, path = 0, self.size, []
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                path.append(self._between(middle, end))
                end = middle
            else:
                path.append(self._between(start, middle))
                start = middle
        return path[::-1]

    def consistency(self, old: int) -> list[bytes]:
        """Return the proof that the tree of ``old`` leaves is the beginning of this one (RFC 6962, 2.1.2).

        Empty when there is nothing to prove (no leaf, or all of them); raises IndexError when it is larger than this.
        """
        if not 0 <= old <= self.size:
            raise IndexError(old)
        if old in (0, self.size):
            return []
        start, end, is_whole, path = 0, self.size, True, []
        while old != end:
            middle = start + _split(end - start)
            if old <= middle:
                path.append(self._between(middle, end))
                end = middle
            else:
                path.append(self._between(start, middle))
                start, is_whole = middle, False
        return ([] if is_whole else [self._between(start, end)]) + path[::-1]

    def _between(self, start: int, end: int) -> bytes:
        """The hash over leaves start … end-1, where ``start`` is a multiple of the next power of two."""
        count = end - start
        if count & (count - 1) == 0:
            level = count.bit_length() - 1
            return self._complete(level, start >> level)
        middle = start + _split(count)
        return node_hash(self._between(start, middle), self._between(middle, end))

    def _complete(self, level: int, position: int) -> bytes:
        """A node of a level all of whose leaves are there."""
        above = level % HEIGHT
        first = position << above
        tile = self._tile(level // HEIGHT, first // WIDTH)
        hashes = tile[first % WIDTH : first % WIDTH + (1 << above)]
        while len(hashes) > 1:
            hashes = [node_hash(*hashes[n : n + 2]) for n in range(0, len(hashes), 2)]
        return hashes[0]

    def _tile(self, level: int, number: int) -> Sequence[bytes]:
        if (level, number) not in self._tiles:
            self._tiles[level, number] = self._read(level, number)
        return self._tiles[level, number]


def grown(size: int, leaves: Sequence[bytes], read: ReadTile) -> list[tuple[int, int, bytes]]:
    """Return (tile level, position, hash) of what leaves appended to a log of ``size`` complete above them.

    ``leaves`` are their hashes; ``read`` is asked for the unfinished tile of each level only.
    """
    made: list[tuple[int, int, bytes]] = []
    level, count, added = 0, size, list(leaves)
    while added:
        rest = count % WIDTH
        row = [*(list(read(level, count // WIDTH))[:rest] if rest else []), *added]
        first = count // WIDTH
        full = [_over(row[n : n + WIDTH]) for n in range(0, len(row) - WIDTH + 1, WIDTH)]
        level, count, added = level + 1, first, full
        made += [(level, first + n, found) for n, found in enumerate(full)]
    return made


def _over(hashes: Sequence[bytes]) -> bytes:
    while len(hashes) > 1:
        hashes = [node_hash(*hashes[n : n + 2]) for n in range(0, len(hashes), 2)]
    return hashes[0]


def _split(count: int) -> int:
    """The largest power of two smaller than ``count``."""
    return 1 << ((count - 1).bit_length() - 1)


# --- what a stranger checks ---
def is_included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Tell whether an audit path leads from a leaf's hash to a root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    position, last, found = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if position & 1 or position == last:
            found = node_hash(step, found)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            found = node_hash(found, step)
        position, last = position >> 1, last >> 1
    return last == 0 and found == root


def is_consistent(old: int, old_root: bytes, size: int, root: bytes, path: Sequence[bytes]) -> bool:
    """Tell whether the tree of ``old`` leaves is proven to be the beginning of the one of ``size`` (RFC 9162, 2.1.4.2).

    An empty tree is the beginning of every tree; a larger one is never the beginning of a smaller one.
    """
    if old == 0:
        return old_root == EMPTY and not path and (size > 0 or root == EMPTY)
    if old >= size:
        return old == size and old_root == root and not path
    steps = [old_root, *path] if old & (old - 1) == 0 else list(path)
    if not steps:
        return False
    position, last = old - 1, size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            before, after = node_hash(step, before), node_hash(step, after)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            after = node_hash(after, step)
        position, last = position >> 1, last >> 1
    return last == 0 and (before, after) == (old_root, root)
