"""Where the glyphs of a PDF of ours stand: read from its content streams, in mm from the sheet's upper left."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from io import BytesIO
from typing import Any

import pikepdf

MM = 25.4 / 72


@dataclass(frozen=True)
class Glyph:
    """One glyph: its left edge, baseline and width in mm, size in pt, and the family it is set in."""

    x: float
    y: float
    width: float
    size: float
    family: str


@dataclass(frozen=True)
class Face:
    """A font of a page: family, widths of its glyphs in thousandths, the size in use."""

    family: str
    widths: dict[int, float]
    size: float = 0.0

    def at(self, size: float) -> "Face":
        """The same font in a size."""
        return Face(self.family, self.widths, size)


def glyphs_of(data: bytes, page: int) -> list[Glyph]:
    """Every glyph of a page, in the order in which it is drawn."""
    with pikepdf.open(BytesIO(data)) as pdf:
        sheet = pdf.pages[page]
        fonts = {str(name): _widths(font) for name, font in sheet.Resources.Font.items()}
        return list(_drawn(pikepdf.parse_content_stream(sheet), fonts))


def _widths(font: Any) -> Face:
    row, at = list(font.DescendantFonts[0].W), 0
    found: dict[int, float] = {}
    while at < len(row):
        first, widths = int(row[at]), list(row[at + 1])
        found.update({first + step: float(width) for step, width in enumerate(widths)})
        at += 2
    return Face(str(font.BaseFont).partition("+")[2], found)


def _drawn(instructions: Any, fonts: dict[str, Face]) -> Iterator[Glyph]:
    """Follow the few operators that our typesetter uses: scale, text matrix, font, text."""
    scale, stack, place, face = 1.0, [1.0], (0.0, 0.0), Face("", {})
    for operands, operator in instructions:
        name = str(operator)
        if name == "q":
            stack.append(scale)
        elif name == "Q":
            scale = stack.pop()
        elif name == "cm":
            scale *= float(operands[0])
        elif name == "Tm":
            place = (float(operands[4]), float(operands[5]))
        elif name == "Tf":
            face = fonts[str(operands[0])].at(float(operands[1]))
        elif name == "TJ":
            yield from _row(operands[0], place, face, scale)


def _row(items: Any, place: tuple[float, float], face: Face, scale: float) -> Iterator[Glyph]:
    x, y = place
    for item in items:
        if isinstance(item, int | float | Decimal):
            x -= float(item) / 1000 * face.size
            continue
        raw = bytes(item)
        for at in range(0, len(raw), 2):
            width = face.widths.get(int.from_bytes(raw[at : at + 2], "big"), 1000.0) / 1000 * face.size
            yield Glyph(x * scale * MM, y * scale * MM, width * scale * MM, face.size * scale, face.family)
            x += width


def lines_of(glyphs: list[Glyph]) -> list[list[Glyph]]:
    """The glyphs by baseline, from the top."""
    rows: dict[float, list[Glyph]] = {}
    for glyph in glyphs:
        rows.setdefault(round(glyph.y, 2), []).append(glyph)
    return [rows[y] for y in sorted(rows)]
