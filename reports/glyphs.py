"""No character is lost on paper: what the fonts cover, and invisible characters written out."""

import unicodedata
from functools import cache
from pathlib import Path

from fontTools.ttLib import TTFont

HIDDEN = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
KEPT = "\n"
SELECTORS = ((0xFE00, 0xFE0F), (0xE0100, 0xE01EF))


def visible(text: str) -> str:
    """Write control, format and private characters as "［U+202E］"; a tab becomes a space, line
    breaks stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(character) for character in text.replace("\r\n", "\n").replace("\t", " "))


def _visible(character: str) -> str:
    if character in KEPT:
        return character
    point = ord(character)
    selects = any(first <= point <= last for first, last in SELECTORS)
    if selects or unicodedata.category(character) in HIDDEN:
        return f"［U+{point:04X}］"
    return character


@cache
def covered(fonts: tuple[Path, ...]) -> frozenset[int]:
    """Return the code points for which at least one of the fonts has a glyph."""
    points: set[int] = set()
    for path in fonts:
        with TTFont(path, lazy=True) as font:
            points.update(font.getBestCmap())
    return frozenset(points)


def uncovered(text: str, fonts: tuple[Path, ...]) -> list[str]:
    """Return the characters of a text that cannot be printed, in order, each once."""
    known = covered(fonts)
    return [c for c in dict.fromkeys(visible(text)) if ord(c) not in known and c != "\n"]


def written_out(value: object, fonts: tuple[Path, ...]) -> object:
    """Return a nest of lists, dicts and strings, each invisible or uncovered character as its number, "［U+1F600］".

    A box on paper would lose the character, and refusing to print would let one emoji withhold a household's trail.
    """
    if isinstance(value, str):
        shown = visible(value)
        missing = uncovered(shown, fonts)
        return shown.translate({ord(c): f"［U+{ord(c):04X}］" for c in missing}) if missing else shown
    if isinstance(value, dict):
        return {key: written_out(item, fonts) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [written_out(item, fonts) for item in value]
    return value
