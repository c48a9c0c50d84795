"""How a household's chains stood at each moment: what a head or a check code of an earlier print is found by."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product

from workflows.journal import trail_head

# Entries of one second in several chains may have been made one after the other; so many orders are tried.
MOST = 200


@dataclass(frozen=True)
class Standing:
    """One state of all chains: its trail head, entries in it, and how many came after it."""

    head: str
    entries: int
    later: int


Chain = tuple[str, Sequence[tuple[str, str]]]


def standings(chains: Sequence[Chain]) -> Iterator[Standing]:
    """Yield all states that a trail can have shown, the newest first.

    ``chains``: (case, its entries as (hash, time)), the asked case first, as in a trail.
    """
    total = sum(len(entries) for _, entries in chains)
    for at in sorted({at for _, entries in chains for _, at in entries}, reverse=True):
        ranges = [_counts(entries, at) for _, entries in chains]
        for counts in islice(product(*ranges), MOST):
            if sum(counts):
                rows = [(case, n, entries[n - 1][0]) for n, (case, entries) in zip(counts, chains, strict=True) if n]
                yield Standing(trail_head(rows), sum(counts), total - sum(counts))


def _counts(entries: Sequence[tuple[str, str]], at: str) -> range:
    """How many entries a chain can have had around the second ``at``: all of that second first, then none of them."""
    before = sum(1 for _, time in entries if time < at)
    until = sum(1 for _, time in entries if time <= at)
    return range(until, before - 1, -1)
