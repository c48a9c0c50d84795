"""No character is lost on paper: what the fonts cover, and invisible characters written out."""

import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from fontTools.ttLib import TTFont

HIDDEN = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
KEPT = "\n"
SELECTORS = ((0xFE00, 0xFE0F), (0xE0100, 0xE01EF))


class MissingGlyph(ValueError):
    """A character that none of the fonts covers; printing a box instead would lose it."""

    code = "missing_glyph"

    def __init__(self, character: str, where: str) -> None:
        super().__init__(f"U+{ord(character):04X} {character} in {where}")
        self.character = character
        self.where = where


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


def ensure_glyphs(value: object, fonts: tuple[Path, ...]) -> None:
    """Raise MissingGlyph for the first character in a nest of lists, dicts and strings that no
    font covers."""
    for where, text in _strings(value, "trail"):
        missing = uncovered(text, fonts)
        if missing:
            raise MissingGlyph(missing[0], where)


def _strings(value: object, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield where, value
        return
    parts: Iterable[tuple[object, object]] = ()
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list):
        parts = enumerate(value, start=1)
    for key, item in parts:
        yield from _strings(item, f"{where}.{key}")
