"""How wide a text is and where its lines break, reckoned generously, as the reader's fonts are not known."""

from functools import cache, lru_cache

WIDE = 0x2E80
NARROW = set("iljtfrI.,:;'|!()[]·-/ ")
BROAD = set("mwMW@%—–…")
# A line neither begins with one of these nor ends with one of those.
NOT_FIRST = set("，。、；：！？）》」』”’％…,.;:!?)]%")
NOT_LAST = set("（《「『“‘([")


@cache
def sign_width(sign: str) -> float:
    """Return the width of one character in parts of the font's size; Chinese characters are one."""
    if ord(sign) >= WIDE or sign in "“”‘’—…":
        return 1.0
    if sign in NARROW:
        return 0.38
    if sign in BROAD:
        return 0.95
    return 0.72 if sign.isupper() else 0.6


def text_width(text: str, size: float) -> float:
    """Return the most that a text takes in any usual font."""
    return sum(map(sign_width, text)) * size


def pieces(text: str) -> list[str]:
    """Return what may not be torn apart: single Chinese characters with their marks, and words with their blank."""
    found: list[str] = []
    for sign in text:
        ends_word = bool(found) and found[-1][-1] == " "
        is_wide = ord(sign) >= WIDE
        joins = bool(found) and (
            sign in NOT_FIRST
            or found[-1][-1] in NOT_LAST
            or sign == " "
            or (not is_wide and ord(found[-1][-1]) < WIDE and not ends_word)
        )
        if joins:
            found[-1] += sign
        else:
            found.append(sign)
    return found


@lru_cache(maxsize=4096)
def wrapped(text: str, width: float, size: float) -> tuple[str, ...]:
    """Return the lines of a text; none is wider than ``width``, a longer word is cut.

    Kept, as every case's page draws the same words again.
    """
    lines: list[str] = []
    line = ""
    for piece in (part for whole in pieces(text) for part in _cut(whole, width, size)):
        if line and text_width((line + piece).rstrip(), size) > width:
            lines.append(line.rstrip())
            line = ""
        line += piece
    return (*lines, line.rstrip()) if line.strip() else tuple(lines)


def _cut(piece: str, width: float, size: float) -> list[str]:
    if text_width(piece.rstrip(), size) <= width:
        return [piece]
    parts = [""]
    for sign in piece:
        if parts[-1] and text_width(parts[-1] + sign, size) > width:
            parts.append("")
        parts[-1] += sign
    return parts
