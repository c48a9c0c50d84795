"""The strict parse of trail.json and what a trail proves by itself."""

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reports.trail import MalformedTrail, read_trail, self_check
from reports.view import view_of
from tests.print import trails
from tests.print.trails import Body, altered
from workflows.journal import GENESIS, canonical, digest

JUNK: tuple[Any, ...] = (
    None, 0, -1, 10**30, "", [], {}, "x" * 50, ["a", 1], {"zh": 1}, {"sha256": 5}, True, [[]], {"id": []},
    "2026-99-99T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z",
)  # fmt: skip


def codes(text: str) -> set[str]:
    return {finding.code for finding in self_check(read_trail(text))}


def test_an_honest_trail_has_no_finding(honest: str) -> None:
    trail = read_trail(honest)
    assert trail.length == 9
    assert trail.lang == "zh"
    assert self_check(trail) == []
    assert read_trail(trails.honest(lang="en")).lang == "en"


def _drop(key: str) -> Callable[[Body], None]:
    return lambda body: body.pop(key) and None


def _set(key: str, value: object) -> Callable[[Body], None]:
    return lambda body: body.update({key: value})


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (_drop("texts"), "keys"),
        (_set("extra", 1), "keys"),
        (_set("format", "fp-trail-v2"), "format"),
        (_set("template", "trail-v9"), "template"),
        (_set("lang", "fr"), "lang"),
        (_set("county", "50024"), "county"),
        (_set("case", "another"), "first_chain"),
        (_set("chains", []), "first_chain"),
        (_set("chains", [1]), "no_object"),
        (_set("disclosures", {}), "no_list"),
        (_set("texts", {"ab": "{}"}), "texts"),
        (lambda body: body["chains"].append(body["chains"][1]), "chain_order"),
        (lambda body: body["chains"][0].update(head="ff"), "head"),
        (lambda body: body["disclosures"].append(body["disclosures"][0]), "disclosed_twice"),
        (lambda body: body["disclosures"][0].update(salt="xyz"), "salt"),
        (lambda body: body["disclosures"][0].update(seq=True), "no_number"),
        (lambda body: body["chains"][0]["entries"].append(3), "no_text"),
    ],
)
def test_a_malformed_trail_is_refused_with_a_reason(honest: str, edit: Callable[[Body], None], reason: str) -> None:
    with pytest.raises(MalformedTrail) as caught:
        read_trail(altered(honest, edit))
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "no_json"), ("[]", "no_object"), ("[" * 100_000, "no_json"), ('{"a":1.5}', "no_json")],
)
def test_what_is_no_trail_is_refused(text: str, reason: str) -> None:
    with pytest.raises(MalformedTrail) as caught:
        read_trail(text)
    assert caught.value.reason == reason


def test_other_spacing_is_not_canonical(honest: str) -> None:
    with pytest.raises(MalformedTrail, match="not_canonical"):
        read_trail(honest.replace(":", ": ", 1))


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all values in a nest, branches too."""
    if path:
        yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in children:
        yield from leaves(item, (*path, key))


def put(value: Any, path: tuple[Any, ...], new: object) -> None:
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = new


def test_every_single_field_edit_of_every_entry_is_found(honest: str) -> None:
    """Each value of each entry is replaced, alone, and the entry written canonically again."""
    tried = 0
    body = json.loads(honest)
    for chain in body["chains"]:
        for n, text in enumerate(chain["entries"]):
            for path in leaves(json.loads(text)):
                entry = json.loads(text)
                put(entry, path, "altered")
                chain["entries"][n] = canonical(entry)
                assert codes(canonical(body)), path
                tried += 1
            chain["entries"][n] = text
    assert tried > 200


def test_every_removal_swap_and_cut_is_found(honest: str) -> None:
    body = json.loads(honest)
    for number, chain in enumerate(body["chains"]):
        entries = chain["entries"]
        for n in range(len(entries)):
            for others in (entries[:n] + entries[n + 1 :], entries[:n], entries[: n + 1] + entries[n:]):
                if others == entries:
                    continue
                edited = copy.deepcopy(body)
                edited["chains"][number]["entries"] = others
                assert codes(canonical(edited)), (number, n)
            for m in range(n):
                swapped = list(entries)
                swapped[n], swapped[m] = swapped[m], swapped[n]
                edited = copy.deepcopy(body)
                edited["chains"][number]["entries"] = swapped
                assert codes(canonical(edited)), (number, n, m)


def test_a_single_flipped_character_is_found_or_refused(honest: str) -> None:
    source = random.Random(7)
    for _ in range(300):
        at = source.randrange(len(honest))
        changed = honest[:at] + source.choice("0aZ省{") + honest[at + 1 :]
        if changed == honest:
            continue
        try:
            trail = read_trail(changed)
        except MalformedTrail:
            continue
        # What stands outside the chains and is bound by nothing: which words and whose head.
        assert self_check(trail) or trail.lang != "zh"


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (lambda body: body["disclosures"][0].update(value="李四"), "value_differs"),
        (lambda body: body["disclosures"][0].update(salt="00" * 16), "value_differs"),
        (lambda body: body["disclosures"][0].update(seq=2), "value_differs"),
        (lambda body: body.update(county="500230"), "county_differs"),
        (lambda body: body.update(household="500241H0000009"), "household_differs"),
        (lambda body: body["chains"][1].update(purpose="eliminate"), "purpose_differs"),
        (lambda body: body["chains"][1].update(definition="assist"), "definition_differs"),
        (lambda body: body["chains"][1].update(head="0" * 64), "head_differs"),
        (lambda body: body["texts"].clear(), "text_missing"),
        (lambda body: body["texts"].update({digest("x"): "x"}), "text_not_named"),
        (lambda body: body["texts"].update({digest(trails.PACK): "{}"}), "text_differs"),
    ],
)
def test_what_the_trail_says_beside_its_entries_is_held_against_them(
    honest: str, edit: Callable[[Body], None], code: str
) -> None:
    assert code in codes(altered(honest, edit))


def resealed(body: Body, texts: dict[str, str]) -> str:
    """Write a trail with new texts and all hashes made to fit again, as a forger would."""
    names = {old: digest(texts.get(old, text)) for old, text in body["texts"].items()}
    body["texts"] = {names[old]: texts.get(old, text) for old, text in body["texts"].items()}
    for chain in body["chains"]:
        previous, entries = GENESIS, []
        for item in chain["entries"]:
            entry = json.loads(item) if isinstance(item, str) else item
            text = canonical({**entry, "prev": previous})
            for old, new in names.items():
                text = text.replace(old, new)
            entries.append(text)
            previous = digest(text)
        chain.update(entries=entries, head=previous)
    return canonical(body)


@pytest.mark.parametrize("seed", range(8))
def test_forged_shapes_are_printed_or_refused_but_never_break_the_program(seed: int) -> None:
    source = random.Random(seed)
    for _ in range(60):
        body, texts = json.loads(trails.honest(lang=source.choice(["zh", "en"]))), {}
        if source.random() < 0.4:
            key = source.choice(list(body["texts"]))
            table = json.loads(body["texts"][key])
            put(table, source.choice(list(leaves(table))), source.choice(JUNK))
            texts[key] = canonical(table)
        else:
            entries = source.choice(body["chains"])["entries"]
            n = source.randrange(len(entries))
            entry = json.loads(entries[n])
            put(entry, source.choice(list(leaves(entry))), source.choice(JUNK))
            entries[n] = entry
        try:
            trail = read_trail(resealed(body, texts))
            self_check(trail)
            view_of(trail)
        except MalformedTrail:
            continue
