"""A printed trail says each act in the words of its own day and pack; what was printed then is printed so for ever."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache

import pytest

from reports.labels import Labels
from reports.render import render_trail
from reports.trail import MalformedTrail, read_trail
from reports.view import view_of
from tests.factories import QINGYANG, START, Walker, rules, subject
from tests.print.test_render import squeezed, text_of
from workflows.journal import canonical

THEN = datetime(2021, 3, 10, 2, 0, tzinfo=UTC)


@cache
def walked(until: str) -> Walker:
    """A household of Qingyang approved in 2021 and, ``until`` now, asked to leave and approved again in 2026."""
    walker = Walker(subject(QINGYANG), now=THEN).clue().walk()
    if until == "now":
        walker.now = START
        walker.clue("eliminate").walk()
    return walker


def trail_of(walker: Walker, lang: str = "zh") -> str:
    """The trail of a walker's gates."""
    cases = [case for case in walker.dossier.cases if case.definition == "household_case"]
    kept = {digest: text for digest, _, text in rules().texts()}
    chains = [
        {"case": c.number, "definition": c.definition, "purpose": c.purpose, "head": c.head,
         "entries": walker.chains[c.number]}
        for c in cases
    ]  # fmt: skip
    body = {
        "format": "fp-trail-v1", "template": "trail-v1", "lang": lang, "county": QINGYANG[:6],
        "case": cases[0].number, "household": walker.household.number, "chains": chains, "disclosures": [],
        "texts": {digest: kept[digest] for c in cases for digest in (c.definition_digest, c.policy_digest)},
    }  # fmt: skip
    return canonical(body)


def sections(walker: Walker, lang: str = "zh") -> list[str]:
    """All that is printed of each chain's entries, as one text a chain."""
    view = view_of(read_trail(trail_of(walker, lang)))
    return ["\n".join(texts(section)) for section in view["sections"]]


def texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts(item)


def test_old_acts_keep_old_words_beside_new_ones() -> None:
    old, new = sections(walked("now"))
    assert "扶贫办人员" in old
    assert "县农业农村局人员" in new
    assert "农业农村局" not in old
    assert "扶贫办" not in new
    assert "监测对象类别" in old
    assert "防止返贫致贫对象类别" in new


def test_the_old_part_reads_the_same_whenever_it_is_printed() -> None:
    assert sections(walked("then"))[0].splitlines()[2:] == sections(walked("now"))[0].splitlines()[2:]


def test_in_english_too() -> None:
    old, new = sections(walked("now"), "en")
    assert "officer of the poverty alleviation office" in old
    assert "officer of the county bureau of agriculture and rural affairs" in new


def test_the_paper_itself_is_named_as_on_the_day_of_its_last_entry() -> None:
    then, now = (squeezed(text_of(render_trail(trail_of(walked(until))))) for until in ("then", "now"))
    assert "防止返贫动态监测和帮扶审计留痕" in then
    assert "监测对象认定与风险消除" in then
    assert "常态化防止返贫致贫审计留痕" in now
    assert "扶贫办人员" in then
    assert "扶贫办人员" in now


def test_a_kept_pack_whose_words_are_broken_is_refused() -> None:
    with pytest.raises(MalformedTrail):
        Labels("zh", {}, {"terms": {"office.lead": [{"zh": "局"}]}})
    with pytest.raises(MalformedTrail):
        Labels("zh", {}, {"terms": {"office.lead": 7}})


def test_words_of_a_stranger_cannot_grow_without_end() -> None:
    """Whoever sends a trail to be checked writes its pack as well."""
    body = json.loads(trail_of(walked("then")))
    (digest, text) = next((d, t) for d, t in body["texts"].items() if '"fp-pack-v1"' in t)
    pack = json.loads(text)
    loop = "{@role.county_lead}" * 50
    pack["terms"] = {"role.county_lead": [{"zh": loop, "en": loop}]}
    changed = canonical(pack)
    other = hashlib.sha256(changed.encode()).hexdigest()
    body["texts"] = {other if d == digest else d: changed if d == digest else t for d, t in body["texts"].items()}
    body["chains"][0]["entries"] = [e.replace(digest, other) for e in body["chains"][0]["entries"]]
    view = view_of(read_trail(canonical(body)))
    assert max(map(len, texts(view))) < 100_000
