"""Characters that nobody sees: refused wherever text is entered, so that what is read, printed and hashed is one thing.

Refused are control characters, bidirectional and zero-width ones, fillers, line and paragraph separators. Variation
selectors stay behind an ideograph: rare names of GB 18030 are written with them. So do private-use characters, where
older versions of that standard put some, and what a newer Unicode knows and this Python does not.
"""

import re
import unicodedata

from workflows.errors import HiddenCharacter

HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
KEPT = frozenset("\n\r\t")
#: They have a width of nothing, or no ink, though Unicode calls them letters or marks.
FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
SELECTORS = ((0xFE00, 0xFE0F), (0xE0100, 0xE01EF))
#: What may be hidden though Python calls it printable; nearly no text has any, and then it is not read by characters.
_DOUBTFUL = re.compile(
    f"[{''.join(sorted(FILLERS))}{''.join(f'{chr(first)}-{chr(last)}' for first, last in SELECTORS)}]"
)


def hidden(text: str) -> str:
    """Return the first character of a text that nobody would see, as ``U+202E``; empty when there is none."""
    if text.isprintable() and not _DOUBTFUL.search(text):
        return ""
    before = ""
    for character in text:
        if _is_hidden(character, before):
            return f"U+{ord(character):04X}"
        before = character
    return ""


def ensure_seen(*texts: str) -> None:
    """Raise HiddenCharacter, naming the character, unless people can see all of some texts."""
    for character in filter(None, map(hidden, texts)):
        raise HiddenCharacter(character=character)


def _is_hidden(character: str, before: str) -> bool:
    if any(first <= ord(character) <= last for first, last in SELECTORS):
        return not _is_ideograph(before)
    if character in KEPT:
        return False
    return character in FILLERS or unicodedata.category(character) in HIDDEN


def _is_ideograph(character: str) -> bool:
    """Letters without case of the planes 0, 2 and 3 in which ideographs stand, and private use."""
    point = ord(character) if character else 0
    return 0x2E80 <= point <= 0x9FFF or 0xE000 <= point <= 0xFAFF or 0x20000 <= point <= 0x3FFFF
