"""Characters that nobody sees are refused, and no name of GB 18030 with them."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.glyphs import visible
from workflows.characters import _is_hidden, ensure_seen, hidden
from workflows.errors import HiddenCharacter

UNSEEN = (
    "\u202e\u202a\u2066\u2069\u200b\u200c\u200d\u200e\u200f\u2060"
    "\ufeff\u00ad\u061c\u2028\u2029\u3164\u034f\x07\x1b\x7f\x85"
)
NAMES = (
    "张镕堃",
    "龑玥喆",
    "𠮷野",
    "㑇䶮",
    "\ue81e\ue826",
    "买买提·吐尔逊",
    "ཚེ་རིང་",
    "葛\U000e0100城",
    "芦\ufe00",
    "𰻝",
    "Ödön",
    "第一行\r\n第二行\t完",
)


@pytest.mark.parametrize("character", UNSEEN)
def test_what_nobody_sees_is_refused_and_named(character: str) -> None:
    assert hidden(f"张{character}三") == f"U+{ord(character):04X}"
    with pytest.raises(HiddenCharacter) as caught:
        ensure_seen("可以", f"张{character}三")
    assert caught.value.params == {"character": f"U+{ord(character):04X}"}


@pytest.mark.parametrize("name", NAMES)
def test_names_pass(name: str) -> None:
    assert hidden(name) == ""


def test_a_selector_stands_behind_an_ideograph_only() -> None:
    assert hidden("\ufe0f张") == "U+FE0F"
    assert hidden("a\U000e0101") == "U+E0101"


@given(st.text(max_size=30))
def test_what_passes_hides_nothing(text: str) -> None:
    """What a print would have to write out as a number is refused at entry, but for private use and selectors."""
    rest = "".join(c for c in text if unicodedata.category(c) not in ("Co", "Mn") and c != "\r")
    if not hidden(rest):
        assert visible(rest) == rest.replace("\t", " ")


def test_the_short_way_for_what_can_be_printed_comes_to_the_same() -> None:
    """Every character after a letter and after an ideograph, by the short way and one by one."""
    for before in "a张":
        for point in range(0x110000):
            seen = before + chr(point)
            assert bool(hidden(seen)) == _is_hidden(chr(point), before), f"U+{point:04X}"
