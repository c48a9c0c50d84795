"""The store of prints: encrypted, whole or not at all, bounded; what is signed stays."""

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from threading import Thread

import pytest

from app.runtime import runtime
from app.services import print_store
from app.services.sealed_file import PIECE, read_sealed, write_sealed
from tests.world import KEYS, World

KEY = print_store.key_of({"kind": "trail", "trail": "x"})


def number(numbers: Iterator[int]) -> bytes:
    return f"{next(numbers)}".encode()


def limited(bytes_: int) -> None:
    runtime().settings = replace(runtime().settings, prints_bytes=bytes_)


def test_a_print_is_made_once_and_lies_encrypted(world: World) -> None:
    numbers = count()

    def make() -> bytes:
        return f"%PDF {next(numbers)}".encode()

    assert print_store.kept(KEY, make) == b"%PDF 0"
    assert print_store.kept(KEY, make) == b"%PDF 0"
    path = print_store.path_of(KEY)
    assert b"%PDF" not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
    path.write_bytes(path.read_bytes()[:-1])
    assert print_store.find(KEY) is None
    assert print_store.kept(KEY, make) == b"%PDF 1"
    other = print_store.key_of({"kind": "trail", "trail": "y"})
    print_store.path_of(other).parent.mkdir(parents=True, exist_ok=True)
    print_store.path_of(other).write_bytes(path.read_bytes())
    assert print_store.find(other) is None


def test_the_store_is_bounded_and_what_was_asked_for_longest_ago_goes_first(world: World) -> None:
    keys = [print_store.key_of({"n": str(n)}) for n in range(10)]
    for n, key in enumerate(keys):
        print_store.keep(key, bytes(1000))
        os.utime(print_store.path_of(key), (n, n))
    assert print_store.find(keys[0]) is not None
    limited(6_000)
    assert print_store.tidy() == 5
    assert [print_store.find(key) is not None for key in keys] == [True, *[False] * 5, *[True] * 4]
    assert print_store.tidy() == 0
    limited(0)
    print_store.keep(keys[1], b"x")
    assert print_store.find(keys[1]) is None
    assert print_store.tidy() == 5


def test_what_is_signed_stays_and_the_first_signature_is_the_one(world: World) -> None:
    limited(0)
    numbers = count()
    assert print_store.kept(KEY, partial(number, numbers), signed=True) == b"0"
    print_store.tidy()
    assert print_store.kept(KEY, partial(number, numbers), signed=True) == b"0"
    print_store.keep(KEY, b"another", signed=True)
    assert print_store.find(KEY, signed=True) == b"0"
    assert print_store.find(KEY) is None
    print_store.path_of(KEY, signed=True).write_bytes(b"spoilt")
    print_store.keep(KEY, b"again", signed=True)
    assert print_store.find(KEY, signed=True) == b"again"


def test_of_many_signers_at_once_one_wins_and_all_hold_its_file(world: World) -> None:
    key, found = print_store.key_of({"n": "race"}), list[bytes]()

    def sign(number: int) -> None:
        with world.app.app_context():
            found.append(print_store.kept(key, lambda: bytes([number]) * 50_000, signed=True))

    threads = [Thread(target=sign, args=(number,)) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(set(found)) == 1
    assert not list(print_store.path_of(key, signed=True).parent.glob(".*"))


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
def test_a_large_file_is_read_as_it_was_written(tmp_path: Path, size: int) -> None:
    path, plain = tmp_path / "x", os.urandom(size)
    (tmp_path / "plain").write_bytes(plain)
    with (tmp_path / "plain").open("rb") as file:
        assert write_sealed(KEYS, path, file, place="p") == size
    assert b"".join(read_sealed(KEYS, path, place="p")) == plain
    whole = path.read_bytes()
    for spoilt in (whole[:-1], whole[: 4 + 28 + PIECE] if size > PIECE else whole[:-5], whole + whole):
        path.write_bytes(spoilt)
        with pytest.raises(ValueError):  # noqa: PT011 - its message is of no concern
            list(read_sealed(KEYS, path, place="p"))
    path.write_bytes(whole)
    with pytest.raises(ValueError):  # noqa: PT011
        list(read_sealed(KEYS, path, place="q"))
