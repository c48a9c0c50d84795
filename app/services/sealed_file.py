"""A large file encrypted piece by piece, so that neither writing nor reading holds all of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO

from app.keys import Keys

PIECE = 1 << 20
HEAD = 4


def write_sealed(keys: Keys, path: Path, source: IO[bytes], *, place: str) -> int:
    """Write what can be read into an encrypted file; return its bytes. The last piece is known as such."""
    total = number = 0
    with path.open("wb") as out:
        path.chmod(0o600)
        piece = source.read(PIECE)
        while True:
            following = source.read(PIECE)
            sealed = keys.seal(piece, place=_place(place, number, is_last=not following))
            out.write(len(sealed).to_bytes(HEAD, "big") + sealed)
            total += len(piece)
            if not following:
                return total
            piece, number = following, number + 1


def read_sealed(keys: Keys, path: Path, *, place: str) -> Iterator[bytes]:
    """Yield the pieces of an encrypted file; raise ValueError when one is wrong, missing or moved."""
    with path.open("rb") as file:
        number, head = 0, file.read(HEAD)
        while head:
            sealed = file.read(int.from_bytes(head, "big"))
            head = file.read(HEAD)
            yield keys.unseal(sealed, place=_place(place, number, is_last=not head))
            number += 1


def _place(place: str, number: int, *, is_last: bool) -> str:
    return f"{place}:{number}{':end' if is_last else ''}"
