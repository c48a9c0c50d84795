"""The trail of one household (format fp-trail-v1): strict parse of trail.json and what it says
of itself."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from workflows import journal
from workflows.variants import FULL, VARIANTS, opens

FORMAT = "fp-trail-v1"
TEMPLATES = ("trail-v1",)
LANGUAGES = ("zh", "en")
REQUIRED = frozenset({"format", "county", "case", "household", "template", "chains", "disclosures", "texts"})
OPTIONAL = frozenset({"lang", "variant", "as_of"})
CHAIN_KEYS = frozenset({"case", "definition", "purpose", "head", "entries"})
DISCLOSURE_KEYS = frozenset({"case", "seq", "field", "salt", "value"})
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
HASH = re.compile(r"[0-9a-f]{64}")
COUNTY = re.compile(r"[0-9]{6}")
MAX_CHARACTERS = 16_000_000
MAX_ENTRIES = 10_000


class MalformedTrail(ValueError):
    """The text is no fp-trail-v1; ``reason`` is a stable code, ``where`` the place inside the
    trail."""

    def __init__(self, reason: str, where: str = "") -> None:
        super().__init__(f"{reason}: {where}" if where else reason)
        self.reason = reason
        self.where = where


@dataclass(frozen=True)
class Chain:
    """One case of the household: its exact entry texts in order and the head they should end in."""

    case: str
    definition: str
    purpose: str
    head: str
    entries: tuple[str, ...]


@dataclass(frozen=True)
class Trail:
    """A parsed trail; ``text`` is the exact text it was read from."""

    text: str
    county: str
    case: str
    household: str
    template: str
    lang: str
    variant: str
    chains: tuple[Chain, ...]
    disclosures: tuple[journal.Disclosure, ...]
    texts: Mapping[str, str]
    as_of: str = ""

    @property
    def head(self) -> str:
        """The trail head: one hash over (case, length, head) of all chains, 64 hex digits."""
        return journal.trail_head((c.case, len(c.entries), c.head) for c in self.chains)

    @property
    def length(self) -> int:
        """The number of entries in all chains."""
        return sum(len(chain.entries) for chain in self.chains)

    def entry_texts(self) -> dict[tuple[str, int], str]:
        """The stored texts by (case, position counted from 1)."""
        return {(c.case, n): text for c in self.chains for n, text in enumerate(c.entries, start=1)}


def read_trail(text: str) -> Trail:
    """Parse trail.json strictly; raise MalformedTrail with a reason.

    Only the outer form is judged here, so that an altered entry is found as altered (see
    ``verify``), not refused.
    """
    body = _parse(text)
    _require_keys(body, "trail", REQUIRED, OPTIONAL)
    _require(body["format"] == FORMAT, "format", str(body["format"])[:40])
    _require(body["template"] in TEMPLATES, "template", str(body["template"])[:40])
    lang = body.get("lang", "zh")
    _require(lang in LANGUAGES, "lang", str(lang)[:40])
    variant = body.get("variant", FULL)
    _require(variant in VARIANTS, "variant", str(variant)[:40])
    _require(bool(COUNTY.fullmatch(_string(body, "county"))), "county")
    chains = tuple(_chain(item, f"chains[{n}]") for n, item in enumerate(_list(body, "chains")))
    _require_order(chains, _string(body, "case"))
    return Trail(
        text=text,
        county=body["county"],
        case=body["case"],
        household=_string(body, "household"),
        template=body["template"],
        lang=lang,
        variant=variant,
        chains=chains,
        disclosures=_disclosures(_list(body, "disclosures")),
        texts=_texts(body["texts"]),
        as_of=_day(body),
    )


def _day(body: Mapping[str, Any]) -> str:
    """The day at whose end the trail is told; empty for one that is told as it stood when it was printed."""
    day = body.get("as_of", "")
    _require(day == "" or (isinstance(day, str) and bool(DAY.fullmatch(day))), "as_of", str(day)[:20])
    try:
        return day and date.fromisoformat(day).isoformat()
    except ValueError as error:
        raise MalformedTrail("as_of", day) from error


def self_check(trail: Trail) -> list[journal.Finding]:
    """Check all that a trail can prove by itself: chains, disclosed values, texts and the names
    on the cover."""
    try:
        findings = [f for c in trail.chains for f in journal.check_chain(c.case, c.entries, c.head)]
    except RecursionError as error:
        raise MalformedTrail("too_deep") from error
    if any(finding.code == "malformed_entry" for finding in findings):
        return findings
    bodies = [(c, n, json.loads(t)) for c in trail.chains for n, t in enumerate(c.entries, start=1)]
    if all(isinstance(body.get("changes"), dict) for _, _, body in bodies):
        findings += journal.check_disclosures(trail.entry_texts(), trail.disclosures)
    findings += [
        journal.Finding(item.case, item.seq, "value_differs", item.field)
        for item in trail.disclosures
        if not opens(trail.variant, item.field)
    ]
    findings += _check_texts(trail, bodies)
    for chain, seq, body in bodies:
        findings += _check_names(trail, chain, seq, body)
    return findings


def digest_of(reference: object) -> str:
    """Return the digest in a reference such as ``household_case:<digest>``, or an empty string."""
    return str(reference).rpartition(":")[2]


def _parse(text: str) -> dict[str, Any]:
    _require(len(text) <= MAX_CHARACTERS, "too_large", str(len(text)))
    try:
        body = json.loads(text)
        same = journal.canonical(body) == text
    except (ValueError, TypeError, RecursionError) as error:
        raise MalformedTrail("no_json", str(error)[:80]) from error
    _require(isinstance(body, dict), "no_object")
    _require(same, "not_canonical")
    return dict(body)


def _require(held: bool, reason: str, where: str = "") -> None:
    if not held:
        raise MalformedTrail(reason, where)


def _require_keys(body: object, where: str, required: frozenset[str], optional: frozenset[str] = frozenset()) -> None:
    _require(isinstance(body, dict), "no_object", where)
    keys = set(body) if isinstance(body, dict) else set()
    odd = sorted((required - keys) | (keys - required - optional))
    _require(not odd, "keys", f"{where}: {', '.join(odd)[:80]}")


def _string(body: Mapping[str, Any], key: str) -> str:
    value = body[key]
    _require(isinstance(value, str), "no_text", key)
    return str(value)


def _list(body: Mapping[str, Any], key: str) -> list[Any]:
    value = body[key]
    _require(isinstance(value, list), "no_list", key)
    return list(value)


def _chain(body: Any, where: str) -> Chain:
    _require_keys(body, where, CHAIN_KEYS)
    entries = _list(body, "entries")
    _require(all(isinstance(text, str) for text in entries), "no_text", f"{where}.entries")
    _require(bool(HASH.fullmatch(_string(body, "head"))), "head", where)
    purpose = body["purpose"]
    _require(purpose is None or isinstance(purpose, str), "no_text", f"{where}.purpose")
    return Chain(
        case=_string(body, "case"),
        definition=_string(body, "definition"),
        purpose=purpose or "",
        head=body["head"],
        entries=tuple(entries),
    )


def _require_order(chains: tuple[Chain, ...], case: str) -> None:
    """The case asked for comes first, the others follow by case number, none twice."""
    cases = [chain.case for chain in chains]
    _require(bool(cases) and cases[0] == case, "first_chain", case[:40])
    _require(cases[1:] == sorted(set(cases[1:]) - {case}), "chain_order")
    _require(sum(len(chain.entries) for chain in chains) <= MAX_ENTRIES, "too_many_entries")


def _disclosures(items: Iterable[Any]) -> tuple[journal.Disclosure, ...]:
    result = tuple(_disclosure(item, f"disclosures[{n}]") for n, item in enumerate(items))
    places = [(item.case, item.seq, item.field) for item in result]
    _require(len(set(places)) == len(places), "disclosed_twice")
    return result


def _disclosure(body: Any, where: str) -> journal.Disclosure:
    _require_keys(body, where, DISCLOSURE_KEYS)
    salt, seq = _string(body, "salt"), body["seq"]
    _require(bool(re.fullmatch(r"(?:[0-9a-f]{2}){8,64}", salt)), "salt", where)
    _require(isinstance(seq, int) and not isinstance(seq, bool), "no_number", where)
    return journal.Disclosure(
        case=_string(body, "case"),
        seq=seq,
        field=_string(body, "field"),
        salt=salt,
        value=_string(body, "value"),
    )


def _texts(body: Any) -> dict[str, str]:
    _require(isinstance(body, dict), "no_object", "texts")
    for key, text in body.items():
        _require(bool(HASH.fullmatch(key)) and isinstance(text, str), "texts", key[:64])
    return dict(body)


def _check_texts(trail: Trail, bodies: list[tuple[Chain, int, dict[str, Any]]]) -> Iterator[journal.Finding]:
    """Every text is the one its digest names, every named text is there, and none stands there
    unnamed. A calendar that was counted by may be missing: then days are not told one by one."""
    named: dict[str, tuple[str, int]] = {}
    for chain, seq, body in bodies:
        for key in ("definition", "policy"):
            named.setdefault(digest_of(body.get(key)), (chain.case, seq))
    for key, (case, seq) in named.items():
        if key not in trail.texts:
            yield journal.Finding(case, seq, "text_missing", key[:16])
    for chain, seq, body in bodies:
        for key in journal.calendars_of(body):
            named.setdefault(key, (chain.case, seq))
    for key, text in trail.texts.items():
        case, seq = named.get(key, (trail.case, 0))
        if journal.digest(text) != key:
            yield journal.Finding(case, seq, "text_differs", key[:16])
        elif key not in named:
            yield journal.Finding(case, seq, "text_not_named", key[:16])


def _check_names(trail: Trail, chain: Chain, seq: int, body: Mapping[str, Any]) -> Iterator[journal.Finding]:
    """What the trail says outside its entries (county, household, definition, purpose) is what
    the entries say."""
    if body.get("county") != trail.county:
        yield journal.Finding(chain.case, seq, "county_differs", str(body.get("county"))[:12])
    if trail.household not in ("", str(body.get("subject")).removeprefix("household:")):
        yield journal.Finding(chain.case, seq, "household_differs", str(body.get("subject"))[:40])
    if str(body.get("definition")).rpartition(":")[0] != chain.definition:
        yield journal.Finding(chain.case, seq, "definition_differs", chain.definition[:40])
    if (body.get("purpose") or "") != chain.purpose:
        yield journal.Finding(chain.case, seq, "purpose_differs", chain.purpose[:40])
