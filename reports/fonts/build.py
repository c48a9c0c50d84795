"""Build the fonts of this folder from Debian's packages of open fonts: subset, TrueType outlines.

Run by hand: .venv/bin/python reports/fonts/build.py [folder with the source files] [family …]
The same packages give the same bytes. README.md names the packages that were used.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont, newTable
from fontTools.ttLib.tables._g_l_y_f import Glyph

HERE = Path(__file__).parent
SOURCE = Path("/usr/share/fonts/opentype/noto")
SIMPLIFIED_CHINESE = 2  # index of the SC font in both collections
LICENSE_URL = "https://openfontlicense.org"
GPL_URL = "https://www.gnu.org/licenses/gpl-3.0.html"  # with the font exception: see COPYING-fandol.txt
DROPPED_TABLES = ("CFF ", "VORG", "BASE", "GDEF", "GPOS", "GSUB", "vhea", "vmtx", "DSIG")

# Latin, punctuation, arrows, mathematics, box drawing, shapes, dingbats, enclosed and full-width.
SYMBOLS = (
    (0x0020, 0x024F), (0x02B0, 0x02FF), (0x0370, 0x03FF), (0x2000, 0x27BF), (0x2E80, 0x303F),
    (0x3100, 0x312F), (0x3200, 0x33FF), (0xFE30, 0xFE4F), (0xFF00, 0xFFEF),
)  # fmt: skip
HAN = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))
SPACES = ((0x0020, 0x0020), (0x00A0, 0x00A0), (0x2002, 0x200B), (0x3000, 0x3000))

# Signs that forms use and Noto CJK lacks: an alias of a glyph, or polygons drawn over one.
ALIASES = {0x2714: 0x2713, 0x2610: 0x25A1, 0x25B8: 0x25B6, 0x25BE: 0x25BC}
Polygon = tuple[tuple[int, int], ...]
STROKE_DOWN: Polygon = ((200, 640), (260, 700), (800, 160), (740, 100))
STROKE_UP: Polygon = ((740, 700), (800, 640), (260, 100), (200, 160))
TICK: Polygon = ((220, 390), (285, 445), (430, 280), (745, 660), (810, 605), (435, 150))
DRAWN: dict[int, tuple[int | None, tuple[Polygon, ...]]] = {
    0x2717: (None, (STROKE_DOWN, STROKE_UP)),
    0x2718: (None, (STROKE_DOWN, STROKE_UP)),
    0x2611: (0x25A1, (TICK,)),
    0x2612: (0x25A1, (STROKE_DOWN, STROKE_UP)),
}


class Recipe(NamedTuple):
    """One font: its family and style, the file it comes from, the curve error in units, and what it holds.

    ``holds``: "common" (GB 2312 and the signs), "rare" (every other hanzi), "frequent" (level 1 of GB 2312: enough for
    headings, whose rarer characters come from Song).
    """

    family: str
    style: str
    collection: str
    max_error: float
    holds: str
    license_url: str = LICENSE_URL

    @property
    def is_noto(self) -> bool:
        """Tell whether the source is one of the collections of Noto CJK."""
        return self.collection.endswith(".ttc")


RECIPES = (
    Recipe("FangpinSong", "Regular", "NotoSerifCJK-Regular.ttc", 1.0, "common"),
    Recipe("FangpinHei", "Bold", "NotoSansCJK-Bold.ttc", 1.0, "common"),
    Recipe("FangpinRare", "Regular", "NotoSerifCJK-Regular.ttc", 2.0, "rare"),
    # For papers in the layout of GB/T 9704-2012: body, headings of the second level, titles.
    Recipe("FangpinFang", "Regular", "FandolFang-Regular.otf", 3.0, "common", GPL_URL),
    Recipe("FangpinKai", "Regular", "LXGWWenKai-Regular.ttf", 1.0, "frequent"),
    Recipe("FangpinBiao", "Bold", "NotoSerifCJK-Bold.ttc", 1.0, "frequent"),
)


def gb2312() -> set[int]:
    """Return the code points of GB 2312-80: 6,763 hanzi and 682 signs."""
    found: set[int] = set()
    for row in range(0xA1, 0xF8):
        for cell in range(0xA1, 0xFF):
            text = bytes((row, cell)).decode("gb2312", errors="ignore")
            found.update(map(ord, text))
    return found


def frequent() -> set[int]:
    """Return the code points of rows 1-9 and of level 1 of GB 2312-80 (rows 16-55): signs and 3,755 hanzi."""
    cells = (bytes((row, cell)).decode("gb2312", errors="ignore") for row in (*range(0xA1, 0xAA), *range(0xB0, 0xD8))
             for cell in range(0xA1, 0xFF))  # fmt: skip
    return {ord(sign) for text in cells for sign in text} | _within(((0x20, 0x7E), (0xA0, 0xFF), (0x2010, 0x2026)))


def common_characters() -> set[int]:
    """Return what Song and Hei hold: GB 2312, the signs, and the characters of extra.txt."""
    extra = (HERE / "extra.txt").read_text(encoding="utf-8")
    return gb2312() | _within(SYMBOLS) | {ord(char) for char in extra if not char.isspace()}


def _within(ranges: Iterable[tuple[int, int]]) -> set[int]:
    return {code for low, high in ranges for code in range(low, high + 1)}


def _wanted(recipe: Recipe) -> set[int]:
    common = common_characters()
    # The text engine draws a space in the font of the character before it: Rare needs them too.
    if recipe.holds == "rare":
        return _within(HAN) - common | _within(SPACES)
    return common if recipe.holds == "common" else frequent()


def _subset(font: TTFont, codes: set[int]) -> None:
    options = Options(layout_features=[], notdef_outline=True, name_IDs=["*"], hinting=False)
    options.drop_tables += list(DROPPED_TABLES[1:])
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=sorted(codes))
    subsetter.subset(font)


def _quadratic(font: TTFont, max_error: float) -> dict[str, Glyph]:
    glyph_set = font.getGlyphSet()
    glyphs = {}
    for name in font.getGlyphOrder():
        pen = TTGlyphPen(glyph_set)
        glyph_set[name].draw(Cu2QuPen(pen, max_error, reverse_direction=True))
        glyphs[name] = pen.glyph()
    return glyphs


def _draw(font: TTFont, base: str | None, polygons: tuple[Polygon, ...]) -> Glyph:
    pen = TTGlyphPen(font.getGlyphSet())
    if base is not None:
        font.getGlyphSet()[base].draw(Cu2QuPen(pen, 1.0, reverse_direction=True))
    for polygon in polygons:
        pen.moveTo(polygon[0])
        for point in polygon[1:]:
            pen.lineTo(point)
        pen.closePath()
    return pen.glyph()


def _add_signs(font: TTFont, glyphs: dict[str, Glyph]) -> dict[int, str]:
    """Draw the missing signs into `glyphs`; return the code points to map to them."""
    cmap = font.getBestCmap()
    mapped = {code: cmap[source] for code, source in ALIASES.items()}
    for code, (base, polygons) in DRAWN.items():
        name = f"uni{code:04X}"
        glyphs[name] = _draw(font, cmap[base] if base else None, polygons)
        font["hmtx"].metrics[name] = (1000, 0)
        mapped[code] = name
    return mapped


def _to_truetype(font: TTFont, glyphs: dict[str, Glyph]) -> None:
    for tag in DROPPED_TABLES:
        if tag in font:
            del font[tag]
    font.setGlyphOrder(list(glyphs))
    font["loca"] = newTable("loca")
    glyf = font["glyf"] = newTable("glyf")
    glyf.glyphOrder = list(glyphs)
    glyf.glyphs = glyphs
    maxp = font["maxp"] = newTable("maxp")
    maxp.tableVersion = 0x00010000
    maxp.numGlyphs = len(glyphs)
    for field in (
        "maxTwilightPoints", "maxStorage", "maxFunctionDefs", "maxInstructionDefs",
        "maxStackElements", "maxSizeOfInstructions", "maxComponentElements",
    ):  # fmt: skip
        setattr(maxp, field, 0)
    maxp.maxZones = 1
    font["post"].formatType = 3.0
    font.sfntVersion = "\000\001\000\000"
    for name, glyph in glyphs.items():
        glyph.recalcBounds(glyf)
        font["hmtx"].metrics[name] = (font["hmtx"].metrics[name][0], getattr(glyph, "xMin", 0))


def _rename(font: TTFont, recipe: Recipe) -> None:
    """Give the font its own names: the licence reserves those of the source."""
    old = font["name"]
    full = f"{recipe.family}-{recipe.style}"
    names = {
        "copyright": old.getDebugName(0) or "",
        "familyName": recipe.family,
        "styleName": recipe.style,
        "uniqueFontIdentifier": f"fangpin:{full}:1",
        "fullName": full,
        "version": old.getDebugName(5) or "1",
        "psName": full,
        "licenseDescription": old.getDebugName(13) or "",
        "licenseInfoURL": recipe.license_url,
    }
    builder = FontBuilder(font=font)
    builder.setupNameTable(names, mac=False)


def build(recipe: Recipe, source: Path) -> Path:
    """Write one font file beside this script and return its path."""
    path = source / recipe.collection
    font = TTFont(path, fontNumber=SIMPLIFIED_CHINESE if recipe.is_noto else -1, recalcTimestamp=False)
    _subset(font, _wanted(recipe))
    glyphs = _quadratic(font, recipe.max_error)
    signs = _add_signs(font, glyphs) if recipe.is_noto and recipe.holds == "common" else {}
    for table in font["cmap"].tables:
        if table.isUnicode():
            table.cmap.update(signs)
    _to_truetype(font, glyphs)
    _rename(font, recipe)
    target = HERE / f"{recipe.family}-{recipe.style}.ttf"
    font.save(target, reorderTables=True)
    return target


def main() -> None:
    """Build all fonts, or the families named, from the folder named as the first argument, or from Debian's."""
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else SOURCE
    for recipe in (one for one in RECIPES if not sys.argv[2:] or one.family in sys.argv[2:]):
        target = build(recipe, source)
        sys.stdout.write(f"{target.name}: {target.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
