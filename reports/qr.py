"""A QR symbol as a path to draw: level Q, no picture, the same text gives the same path."""

from dataclasses import dataclass
from functools import lru_cache

import segno


@dataclass(frozen=True)
class Symbol:
    """``side`` in modules, without the quiet zone; ``path`` in SVG, a unit a module."""

    side: int
    path: str


@lru_cache(maxsize=256)
def symbol(text: str) -> Symbol:
    """Return the symbol of a text; runs of dark modules become rectangles."""
    rows = [bytes(row) for row in segno.make_qr(text, error="q", boost_error=False).matrix]
    parts = [part for y, row in enumerate(rows) for part in _runs(row, y)]
    return Symbol(len(rows), "".join(parts))


def _runs(row: bytes, y: int) -> list[str]:
    begins = [x for x, dark in enumerate(row) if dark and (x == 0 or not row[x - 1])]
    ends = [x + 1 for x, dark in enumerate(row) if dark and (x + 1 == len(row) or not row[x + 1])]
    return [f"M{a} {y}h{b - a}v1h-{b - a}z" for a, b in zip(begins, ends, strict=True)]
