"""The draw of a sample: anybody who has the seed and the list of case numbers draws the same one.

A case's rank is SHA-256 over the UTF-8 bytes of the seed, one line feed (0A), and the case number; the sample is the
cases of the lowest ranks, compared as 64 lower-case hex digits. A larger sample begins with the smaller one, and no
case's rank depends on which others there are.
"""

import hashlib
import heapq
import secrets
from collections.abc import Iterable

LONGEST_SEED, MOST = 64, 1000


def rank_of(seed: str, number: str) -> str:
    """Return the rank of a case number under a seed: 64 hex digits."""
    return hashlib.sha256(f"{seed}\n{number}".encode()).hexdigest()


def drawn(seed: str, size: int, numbers: Iterable[str]) -> list[tuple[str, str]]:
    """Return (rank, number) of the ``size`` numbers of lowest rank, the lowest first; of fewer all."""
    return heapq.nsmallest(size, ((rank_of(seed, number), number) for number in numbers))


def population_digest(numbers: Iterable[str]) -> str:
    """Return SHA-256 over the sorted numbers, each followed by a line feed: whether two drew from the same cases."""
    return hashlib.sha256("".join(f"{number}\n" for number in sorted(numbers)).encode()).hexdigest()


def is_seed(text: str) -> bool:
    """Tell whether a text is a seed: 1 to 64 printable characters without white space at its ends."""
    return 0 < len(text) <= LONGEST_SEED and text.isprintable() and text == text.strip()


def fresh_seed() -> str:
    """Return a seed for whoever brings none: 16 hex digits."""
    return secrets.token_hex(8)
