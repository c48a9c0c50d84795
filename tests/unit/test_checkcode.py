"""Check codes: read back as they were made, however they are typed; slips are noticed."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.checkcode import (
    ALPHABET,
    LONGEST,
    BadCode,
    Code,
    code_in,
    code_of,
    digest_of,
    paper_code,
    paper_digest,
    paper_qr_text,
    qr_text,
    read_code,
)

CASE = "500241H0000001-C1"
HEAD = "0123456789abcdef" * 4
CASES = st.builds(
    "{:06d}H{:07d}-{}{}".format,
    st.integers(0, 999_999),
    st.integers(0, 9_999_999),
    st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    st.integers(1, 1023),
)
HEADS = st.text("0123456789abcdef", min_size=64, max_size=64)


@given(CASES, st.integers(1, 10_000), HEADS, st.sampled_from(["full", "masked", "public"]))
def test_a_code_is_read_back(case: str, entries: int, head: str, variant: str) -> None:
    code = code_of(case, entries, head, variant)
    assert len(code.replace("-", "")) == 24
    assert read_code(code) == Code(case, digest_of(case, entries, head, variant))
    assert code_of(case, entries, head, variant) == code
    assert len(qr_text(case, entries, head, variant)) <= LONGEST
    assert code_in(qr_text(case, entries, head, variant)) == code


def test_what_was_given_out_stays_readable() -> None:
    """The format is kept: these stand on paper."""
    assert code_of(CASE, 33, HEAD) == "F8GH-0000-2402-4C9G-JX1X-ZR65"


@pytest.mark.parametrize(
    "change", [str.lower, lambda t: t.replace("-", " "), lambda t: t.replace("-", ""), "  {}\n".format]
)
def test_typed_as_people_type(change: object) -> None:
    assert callable(change)
    assert read_code(change(code_of(CASE, 33, HEAD))).case == CASE


@given(CASES, HEADS)
def test_letters_that_look_alike(case: str, head: str) -> None:
    code = code_of(case, 1, head)
    for old, new in (("0", "O"), ("0", "o"), ("1", "I"), ("1", "l"), ("1", "i"), ("1", "L")):
        assert read_code(code.replace(old, new)).case == case


@given(CASES, HEADS, st.integers(0, 23), st.integers(1, 31))
def test_one_wrong_character_is_noticed(case: str, head: str, place: int, by: int) -> None:
    code = code_of(case, 1, head).replace("-", "")
    other = ALPHABET[(ALPHABET.index(code[place]) + by) % 32]
    with pytest.raises(BadCode):
        read_code(code[:place] + other + code[place + 1 :])


@given(CASES, HEADS, st.integers(0, 23), st.integers(0, 23))
def test_two_characters_changed_about_are_noticed(case: str, head: str, one: int, other: int) -> None:
    typed = list(code_of(case, 1, head).replace("-", ""))
    if typed[one] == typed[other]:
        return
    typed[one], typed[other] = typed[other], typed[one]
    with pytest.raises(BadCode):
        read_code("".join(typed))


@given(st.text(max_size=60))
def test_anything_typed_is_a_code_or_a_sentence(text: str) -> None:
    with suppress(BadCode):
        assert len(read_code(code_in(text)).case) <= 20


@pytest.mark.parametrize("case", ["", "500241H0000001", "500241H0000001-C1024", "500241H0000001-C0", "x"])
def test_other_numbers_have_no_code(case: str) -> None:
    assert code_of(case, 1, HEAD) == ""
    assert qr_text(case, 1, HEAD) == ""


@given(st.integers(0, 999_999), st.integers(1, (1 << 34) - 1), HEADS)
def test_the_code_of_an_official_paper_is_read_back(county: int, line: int, content: str) -> None:
    code = paper_code(f"{county:06d}", line, content)
    assert len(code.replace("-", "")) == 24
    assert read_code(code) == Code("", paper_digest(content), f"{county:06d}", line)
    text = paper_qr_text(f"{county:06d}", line, 5_000, content)
    assert len(text) <= LONGEST
    assert code_in(text) == code


def test_the_code_of_an_official_paper_stays_readable() -> None:
    assert paper_code("500241", 33, HEAD) == "F8GH-0000-1Y22-0938-NKRK-AYDR"
