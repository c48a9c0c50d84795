"""The tree against a second, naive implementation written from RFC 6962 alone, and against its published vectors."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.tree import EMPTY, WIDTH, Tree, grown, is_consistent, is_included, leaf_hash

# The test data of the certificate-transparency project: eight leaves, and the root of each tree over the first n.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
PATHS = {
    (0, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (0, 1): (),
}
PROOFS = {
    (1, 1): (),
    (6, 8): (
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (1, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
}


class Log:
    """Leaves with their tiles, as a store keeps them."""

    def __init__(self) -> None:
        self.rows: list[list[bytes]] = [[]]

    @property
    def size(self) -> int:
        return len(self.rows[0])

    def read(self, level: int, number: int) -> Sequence[bytes]:
        row = self.rows[level] if level < len(self.rows) else []
        return row[number * WIDTH : (number + 1) * WIDTH]

    def append(self, leaves: Sequence[bytes]) -> None:
        made = grown(self.size, leaves, self.read)
        self.rows[0] += leaves
        for level, position, found in made:
            if level == len(self.rows):
                self.rows.append([])
            assert position == len(self.rows[level]), "nodes come in their order"
            self.rows[level].append(found)

    def tree(self, size: int) -> Tree:
        return Tree(size, self.read)


def _log(count: int) -> Log:
    log = Log()
    log.append([leaf_hash(str(n).encode()) for n in range(count)])
    return log


# --- the second implementation: the definitions of section 2.1, word by word ---
def mth(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    k = largest(len(leaves))
    return hashlib.sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def largest(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = largest(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: Sequence[bytes], *, whole: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = largest(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole=whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], whole=False), mth(leaves[:k])]


# --- published vectors ---
@pytest.mark.parametrize("size", range(9))
def test_the_published_roots(size: int) -> None:
    log = Log()
    log.append([leaf_hash(leaf) for leaf in LEAVES])
    assert log.tree(size).root().hex() == ROOTS[size]


def test_the_published_paths_and_proofs() -> None:
    log = Log()
    log.append([leaf_hash(leaf) for leaf in LEAVES])
    for (index, size), wanted in PATHS.items():
        assert [step.hex() for step in log.tree(size).inclusion(index)] == list(wanted)
    for (old, size), wanted in PROOFS.items():
        assert [step.hex() for step in log.tree(size).consistency(old)] == list(wanted)


# --- against the second implementation ---
@given(st.integers(0, 700), st.data())
def test_roots_and_proofs_of_every_earlier_tree(count: int, data: st.DataObject) -> None:
    log = _log(count)
    size = data.draw(st.integers(0, count))
    leaves = log.rows[0][:size]
    root = log.tree(size).root()
    assert root == mth(leaves)
    if not size:
        return
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    way = log.tree(size).inclusion(index)
    assert way == path(index, leaves)
    assert is_included(leaves[index], index, size, way, root)
    proof = log.tree(size).consistency(old)
    assert proof == subproof(old, leaves, whole=True)
    assert is_consistent(old, mth(leaves[:old]), size, root, proof)


@given(st.lists(st.integers(0, 400), max_size=8))
def test_it_does_not_matter_in_which_portions_a_log_grew(portions: list[int]) -> None:
    log, count = Log(), 0
    for portion in portions:
        log.append([leaf_hash(str(n).encode()) for n in range(count, count + portion)])
        count += portion
    assert log.rows == _log(count).rows


def test_a_log_of_three_tile_levels() -> None:
    log = _log(WIDTH * WIDTH + WIDTH + 3)
    assert [len(row) for row in log.rows] == [65_795, 257, 1]
    for size in (65_535, 65_536, 65_537, 65_795):
        root = log.tree(size).root()
        assert root == mth(log.rows[0][:size])
        assert is_included(log.rows[0][65_000], 65_000, size, log.tree(size).inclusion(65_000), root)
        proof = log.tree(65_795).consistency(size)
        assert is_consistent(size, root, 65_795, log.tree(65_795).root(), proof)


# --- what must be refused ---
@given(st.integers(2, 300), st.data())
def test_a_changed_proof_is_refused(count: int, data: st.DataObject) -> None:
    log = _log(count)
    root = log.tree(count).root()
    index, old = data.draw(st.integers(0, count - 1)), data.draw(st.integers(1, count - 1))
    way, proof, before = log.tree(count).inclusion(index), log.tree(count).consistency(old), log.tree(old).root()
    place, bit = data.draw(st.integers(0, 10**6)), data.draw(st.integers(0, 255))
    assert not is_included(log.rows[0][index], index, count, _bent(way, place, bit), root)
    assert not is_consistent(old, before, count, root, _bent(proof, place, bit))
    assert not is_included(log.rows[0][index], index, count, [*way, root], root)
    assert not is_included(log.rows[0][index], index, count, way[:-1], root)
    assert not is_consistent(old, before, count, root, [*proof, root])
    assert not is_consistent(old, before, count, root, proof[:-1])
    assert not is_consistent(old, EMPTY, count, root, proof)
    other = data.draw(st.integers(0, count - 1).filter(lambda n: n != index))
    assert not is_included(log.rows[0][index], other, count, way, root)


def _bent(proof: list[bytes], place: int, bit: int) -> list[bytes]:
    if not proof:
        return [EMPTY]
    n, step = place % len(proof), bytearray(proof[place % len(proof)])
    step[bit // 8] ^= 1 << bit % 8
    return [*proof[:n], bytes(step), *proof[n + 1 :]]


def test_a_smaller_tree_is_never_consistent() -> None:
    log = _log(9)
    assert not is_consistent(9, log.tree(9).root(), 8, log.tree(8).root(), [])
    assert not is_consistent(9, log.tree(9).root(), 8, log.tree(8).root(), log.tree(9).consistency(8))
    assert not is_consistent(8, log.tree(8).root(), 8, log.tree(9).root(), [])
    assert is_consistent(0, EMPTY, 9, log.tree(9).root(), [])
    assert not is_included(log.rows[0][8], 8, 8, [], log.tree(8).root())


def test_a_tree_has_no_leaf_beyond_its_end() -> None:
    tree = _log(3).tree(3)
    for wrong in (-1, 3):
        with pytest.raises(IndexError):
            tree.inclusion(wrong)
    with pytest.raises(IndexError):
        tree.consistency(4)
