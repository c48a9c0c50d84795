"""The journal finds every edit, removal, swap, insertion and cut tail; the canonical form is one and strict."""

import json
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import included
from workflows.journal import (
    GENESIS,
    Disclosure,
    canonical,
    check_chain,
    check_disclosures,
    commit,
    derive_salt,
    digest,
    is_commitment,
    normalise,
    parse_entry,
    seal,
    short,
    trail_head,
)


@cache
def chains() -> dict[str, tuple[tuple[str, ...], str]]:
    """The chains of a household that came in, was helped and went out, each with its head."""
    w = included().assist().wait(days=200).eliminate()
    return {case.number: (tuple(w.chains[case.number]), case.head) for case in w.dossier.cases}


NUMBERS = sorted(chains())


def is_intact(number: str, texts: list[str], length: int | None = None) -> bool:
    return not check_chain(number, texts, chains()[number][1], length)


def paths(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """Each place in a JSON value, containers included."""
    if path:
        yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        yield from paths(item, (*path, key))


def edited(body: Any, path: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    """A copy with one place changed."""
    copy = json.loads(json.dumps(body))
    place = copy
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = change(place[path[-1]])
    return copy


def other(value: Any) -> Any:
    """A value like this one and not equal to it."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return value + "0" if not value else ("x" if value[0] != "x" else "y") + value[1:]
    return "changed" if value is None else None


# --- chains ------------------------------------------------------------
@pytest.mark.parametrize("number", NUMBERS)
def test_a_real_chain_is_intact(number: str) -> None:
    texts, head = chains()[number]
    assert check_chain(number, texts, head, len(texts)) == []


@pytest.mark.parametrize("number", NUMBERS)
def test_every_single_field_edit_is_found(number: str) -> None:
    texts = list(chains()[number][0])
    for index, text in enumerate(texts):
        body = json.loads(text)
        for path in paths(body):
            forged = canonical(edited(body, path, other))
            assert not is_intact(number, [*texts[:index], forged, *texts[index + 1 :]]), path


@pytest.mark.parametrize("number", NUMBERS)
def test_every_edit_with_the_rest_sealed_anew_is_found_by_the_head(number: str) -> None:
    texts = list(chains()[number][0])
    for index, text in enumerate(texts):
        forged = [canonical(edited(json.loads(text), ("at",), other))]
        for later in texts[index + 1 :]:
            forged.append(canonical({**json.loads(later), "prev": digest(forged[-1])}))
        findings = check_chain(number, [*texts[:index], *forged], chains()[number][1])
        assert [f.code for f in findings] == ["head_differs"]


@pytest.mark.parametrize("number", NUMBERS)
def test_every_removal_swap_repetition_and_cut_is_found(number: str) -> None:
    texts = list(chains()[number][0])
    for index in range(len(texts)):
        assert not is_intact(number, [*texts[:index], *texts[index + 1 :]])
        assert not is_intact(number, [*texts[: index + 1], *texts[index:]])
        assert not is_intact(number, texts[:index])
        for second in range(index + 1, len(texts)):
            swapped = list(texts)
            swapped[index], swapped[second] = swapped[second], swapped[index]
            assert not is_intact(number, swapped)


@pytest.mark.parametrize("number", NUMBERS)
def test_an_inserted_or_foreign_entry_is_found(number: str) -> None:
    texts = list(chains()[number][0])
    foreign = next(chain for name, (chain, _) in chains().items() if name != number)
    for index in range(len(texts) + 1):
        assert not is_intact(number, [*texts[:index], foreign[0], *texts[index:]])
        previous = digest(texts[index - 1]) if index else GENESIS
        fitting = canonical({**json.loads(texts[-1]), "seq": index + 1, "prev": previous})
        assert not is_intact(number, [*texts[:index], fitting, *texts[index:]])


def test_a_whole_chain_of_another_case_is_foreign() -> None:
    first, second = NUMBERS[:2]
    texts, head = chains()[second]
    assert {f.code for f in check_chain(first, texts, head)} == {"foreign_entry"}


def test_the_length_counts_too() -> None:
    number = NUMBERS[0]
    texts, head = chains()[number]
    assert [f.code for f in check_chain(number, texts, head, len(texts) + 1)] == ["length_differs"]


def test_an_empty_chain_is_not_the_case() -> None:
    assert not is_intact(NUMBERS[0], [])


@given(st.data())
def test_any_change_of_the_stored_bytes_is_found(data: st.DataObject) -> None:
    number = data.draw(st.sampled_from(NUMBERS))
    texts = list(chains()[number][0])
    index = data.draw(st.integers(0, len(texts) - 1))
    begin = data.draw(st.integers(0, len(texts[index])))
    end = data.draw(st.integers(begin, min(len(texts[index]), begin + 8)))
    put = data.draw(st.text(max_size=8).filter(lambda t: t != texts[index][begin:end]))
    forged = texts[index][:begin] + put + texts[index][end:]
    if forged != texts[index]:
        assert not is_intact(number, [*texts[:index], forged, *texts[index + 1 :]])


@given(st.lists(st.sampled_from(range(12)), max_size=14))
def test_only_the_one_order_is_intact(order: list[int]) -> None:
    number = NUMBERS[1]
    texts = chains()[number][0]
    chosen = [texts[i] for i in order if i < len(texts)]
    assert is_intact(number, chosen) == (tuple(chosen) == texts)


# --- canonical form ------------------------------------------------------------
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_canonical_form_is_a_fixed_point(value: object) -> None:
    try:
        text = canonical(value)
        text.encode()
    except ValueError:  # lone surrogates and keys that fall together have no form
        return
    assert canonical(json.loads(text)) == text
    assert unicodedata.is_normalized("NFC", text)


MARKS = st.text(st.sampled_from('aen<\n\t"\\\x1f\u0301\u0303\u0338\u0327é中\u1100\u1161\u11a8'), max_size=6)
MARKED = st.recursive(
    st.none() | st.booleans() | st.integers() | MARKS | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(MARKS | st.integers(), inner, max_size=3)
        | st.dictionaries(MARKS, inner, max_size=3).map(MappingProxyType)
    ),
    max_leaves=8,
)


@given(MARKED)
def test_the_short_way_gives_what_the_long_one_does(value: object) -> None:
    """What is in normal form already is not copied; marks that compose, and what JSON escapes, mislead nobody."""

    def the_long_way() -> str:
        try:
            return json.dumps(normalise(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        except (TypeError, ValueError):
            return "no form"

    def the_short_way() -> str:
        try:
            return canonical(value)
        except (TypeError, ValueError):
            return "no form"

    assert the_short_way() == the_long_way()


@given(st.dictionaries(st.text(st.characters(max_codepoint=0x2FF)), st.integers(), min_size=2, max_size=6))
def test_the_order_of_keys_does_not_matter(value: dict[str, int]) -> None:
    backwards = dict(reversed(value.items()))
    assert outcome_of(backwards) == outcome_of(value)


def outcome_of(value: object) -> str:
    try:
        return canonical(value)
    except ValueError:
        return "no form"


def test_two_keys_that_become_one_are_refused() -> None:
    """Otherwise an entry would silently lose a value."""
    with pytest.raises(ValueError, match="twice"):
        canonical({"\u00e9": 1, "e\u0301": 2})


def test_bytes_are_as_written_down() -> None:
    value = {"b": [1, True, None], "a": "é中", "ab": {"z": -5}}
    assert canonical(value) == '{"a":"é中","ab":{"z":-5},"b":[1,true,null]}'
    assert digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("value", [1.5, float("nan"), b"x", {1, 2}, object(), {"a": [0.0]}])
def test_what_the_format_does_not_hold_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        canonical(value)


def test_text_is_nfc() -> None:
    assert normalise("e\u0301") == "é"
    assert canonical(["e\u0301"]) == canonical(["é"])


@pytest.mark.parametrize(
    "text",
    [
        "", "null", "[]", "{}", '{"format":"fp-entry-v2"}', '{"format": "fp-entry-v1"}',
        '{"format":"fp-entry-v1","a":1,"a":1}', '{"b":1,"format":"fp-entry-v1","a":1}',
        '{"format":"fp-entry-v1","x":1.0}', '{"format":"fp-entry-v1","x":NaN}', '{"format":"fp-entry-v1","x":1e2}',
        '{"format":"fp-entry-v1","x":"e\u0301"}', '{"format":"fp-entry-v1","x":"\\u4e2d"}',
        '{"format":"fp-entry-v1"}\n', "\ufeff{}", "[" * 100_000,
    ],
)  # fmt: skip
def test_no_other_form_of_an_entry_is_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_entry(text)


def test_sealing_hashes_exactly_the_stored_bytes() -> None:
    sealed = seal({"case": "c", "seq": 1, "prev": GENESIS})
    assert sealed.hash == digest(sealed.text)
    assert parse_entry(sealed.text) == sealed.body
    assert check_chain("c", [sealed.text], sealed.hash, 1) == []


# --- commitments ------------------------------------------------------------
@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_a_commitment_binds_the_value(value: str, second: str) -> None:
    salt = "00" * 16
    same = unicodedata.normalize("NFC", value) == unicodedata.normalize("NFC", second)
    assert (commit(salt, "f", value) == commit(salt, "f", second)) == same


def test_a_commitment_binds_salt_and_field_and_hides_the_value() -> None:
    first = commit("00" * 16, "opinion", "同意")
    assert is_commitment(first)
    assert first != commit("01" * 16, "opinion", "同意")
    assert first != commit("00" * 16, "reason", "同意")
    assert "同意" not in canonical(first)


def test_salts_differ_by_field_entry_and_case() -> None:
    places = [("c1", 1, "a"), ("c1", 1, "b"), ("c1", 2, "a"), ("c2", 1, "a")]
    salts = {derive_salt(b"s" * 32, *place) for place in places}
    assert len(salts) == 4
    assert all(len(salt) == 32 for salt in salts)


def test_a_changed_moved_or_invented_disclosure_is_found() -> None:
    w = included()
    texts = {(n, seq): text for n, chain in w.chains.items() for seq, text in enumerate(chain, 1)}
    assert check_disclosures(texts, w.disclosures) == []
    for item in w.disclosures:
        for wrong in (
            Disclosure(item.case, item.seq, item.field, item.salt, item.value + "x"),
            Disclosure(item.case, item.seq, item.field, "ff" * 16, item.value),
            Disclosure(item.case, item.seq + 1, item.field, item.salt, item.value),
            Disclosure(item.case, item.seq, "invented", item.salt, item.value),
            Disclosure("elsewhere", item.seq, item.field, item.salt, item.value),
        ):
            assert [f.code for f in check_disclosures(texts, [wrong])] == ["value_differs"]


def test_one_head_for_all_chains_in_order() -> None:
    heads = [("c1", 3, "a" * 64), ("c2", 1, "b" * 64)]
    assert trail_head(heads) == digest(canonical([list(h) for h in heads]))
    assert trail_head(heads) != trail_head(heads[::-1])
    assert short("0123456789abcdef" + "0" * 48) == "0123 4567 89ab cdef"


leaves = st.none() | st.booleans() | st.integers() | st.text(st.characters(codec=None))
trees = st.recursive(leaves, lambda parts: st.lists(parts) | st.dictionaries(st.text(), parts), max_leaves=20)


@given(trees)
def test_the_fast_writer_and_the_slow_one_give_the_same_text(value: object) -> None:
    """Whatever the value: numbers of any length, half pairs, characters that JSON escapes, names in any order."""
    try:
        slow = json.dumps(normalise(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    except ValueError:  # a name stands twice in normal form
        with pytest.raises(ValueError, match="stands twice"):
            canonical(value)
        return
    assert canonical(value) == slow
