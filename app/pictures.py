"""Perceptual hashes of photos: pictures that look the same have hashes that differ in few of 64 bits.

The hash is the difference hash: grey, 9 by 8 pixels, one bit for each pixel brighter than its right neighbour, row by
row from the top. Hashes lie in a file for each county, a line ``<SHA-256 of the original> <16 hex digits>`` each; they
follow from the photos, so the files may be deleted: what is missing is computed anew.
"""

import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from PIL import Image

WIDE, HIGH = 9, 8
BLOCKS, BLOCK_BITS = 4, 16
FEWEST_BITS = 4  # a hash with fewer bits set, or unset, is that of an empty picture: they are all alike


def difference_hash(picture: Image.Image) -> int:
    """Return the 64-bit difference hash of a picture."""
    small = picture.convert("L").resize((WIDE, HIGH), Image.Resampling.LANCZOS)
    grey = small.tobytes()
    bits = 0
    for row in range(HIGH):
        for column in range(WIDE - 1):
            place = row * WIDE + column
            bits = bits << 1 | (grey[place] > grey[place + 1])
    return bits


def hash_of_file(data: bytes) -> int:
    """Return the hash of a picture's bytes, decoded no larger than needed; raises OSError for what is none."""
    with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as opened:
        opened.draft("L", (WIDE * 8, HIGH * 8))
        return difference_hash(opened)


def is_empty(bits: int) -> bool:
    """Tell whether a hash is that of a picture without anything in it."""
    return not FEWEST_BITS <= bits.bit_count() <= WIDE * HIGH - HIGH - FEWEST_BITS


def note(file: Path, digest: str, bits: int) -> None:
    """Add a hash to a county's file; a short line is written as a whole, whoever else writes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="ascii") as opened:
        opened.write(f"{digest} {bits:016x}\n")


def noted(file: Path) -> dict[str, int]:
    """Return the hashes of a county's file by the digest of the original; a line that was cut off is left out."""
    try:
        lines = file.read_text(encoding="ascii", errors="replace").splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.partition(" ") for line in lines)
    return {digest: int(bits, 16) for digest, _, bits in pairs if len(digest) == 64 and _is_hash(bits)}


def _is_hash(text: str) -> bool:
    return len(text) == 16 and all(sign in "0123456789abcdef" for sign in text)


def near_pairs(hashes: Mapping[str, int], most: int) -> Iterator[tuple[str, str, int]]:
    """Yield the pairs of names whose hashes differ in ``most`` bits (3 at most), with the number of bits, each once.

    Of four blocks of 16 bits one at least is the same then, so only pictures with a block in common are compared.
    """
    if most >= BLOCKS:
        raise ValueError(f"at most {BLOCKS - 1} bits")
    seen: set[tuple[str, str]] = set()
    for block in range(BLOCKS):
        for names in _alike(hashes, block * BLOCK_BITS):
            for place, one in enumerate(names):
                for other in names[place + 1 :]:
                    bits = (hashes[one] ^ hashes[other]).bit_count()
                    pair = (one, other) if one < other else (other, one)
                    if bits <= most and pair not in seen:
                        seen.add(pair)
                        yield *pair, bits


def _alike(hashes: Mapping[str, int], shift: int) -> Iterable[list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    for name, bits in hashes.items():
        if not is_empty(bits):
            found[bits >> shift & (1 << BLOCK_BITS) - 1].append(name)
    return (names for names in found.values() if len(names) > 1)
