"""A household's trail as text (fp-trail-v1), and the live chains that a printed trail is held against."""

from collections.abc import Mapping, Sequence

from app.services.cases import county_of, ensure_sealed
from app.services.rights import ensure_visible
from app.store import cases as store
from app.store.transaction import reading
from workflows.errors import NotFound
from workflows.journal import Sealed, calendars_of, canonical, pins_of
from workflows.model import Actor, Case

FORMAT = "fp-trail-v1"
TEMPLATE = "trail-v1"


def trail_text(actor: Actor, *, case: str, lang: str = "zh") -> str:
    """Return the trail of a case's household, read in one snapshot; raises NotFound and BrokenChain."""
    county = county_of(case)
    with reading():
        number = store.household_of(case)
        dossier = store.read_dossier(county, number)
        ensure_visible(actor, dossier)
        ordered = _asked_first(dossier.cases, case)
        entries = store.entries_of_all(county, [c.number for c in ordered])
        disclosed = store.disclosures_of(county, [c.number for c in ordered])
        bodies = [entry.body for chain in entries.values() for entry in chain]
        digests = {name for body in bodies for name in (*pins_of(body), *calendars_of(body))}
        texts = {kept.digest: kept.text for kept in store.kept_texts(digests)}
    for one in ordered:
        ensure_sealed(one, entries[one.number], [item for item in disclosed if item.case == one.number])
    body = {
        "format": FORMAT,
        "county": county,
        "case": case,
        "household": number,
        "template": TEMPLATE,
        "lang": lang,
        "chains": [_chain(one, entries[one.number]) for one in ordered],
        "disclosures": [dict(vars(item)) for item in disclosed],
        "texts": texts,
    }
    return canonical(body)


def _asked_first(cases: Sequence[Case], asked: str) -> list[Case]:
    if all(c.number != asked for c in cases):
        raise NotFound(case=asked)
    return sorted(cases, key=lambda c: (c.number != asked, c.number))


def _chain(case: Case, entries: Sequence[Sealed]) -> dict[str, object]:
    return {
        "case": case.number,
        "definition": case.definition,
        "purpose": case.purpose,
        "head": case.head,
        "entries": [entry.text for entry in entries],
    }


def live_chains(household: str) -> Mapping[str, Sequence[tuple[str, str]]]:
    """Return (hash, time) of every entry of a household's cases as the database has them now."""
    county = county_of(household)
    with reading():
        dossier = store.read_dossier(county, household)
        entries = store.entries_of_all(county, [c.number for c in dossier.cases])
    return {number: [(e.hash, str(e.body["at"])) for e in chain] for number, chain in entries.items()}
