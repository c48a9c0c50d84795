"""A household's trail as text (fp-trail-v1), and the live chains that a printed trail is held against."""

from base64 import b64encode
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from app.services import past
from app.services.annex import Proof, annex_text, noted_lines
from app.services.cases import county_of, ensure_sealed
from app.services.rights import ensure_visible
from app.store import cases as store
from app.store import seals
from app.store.transaction import reading
from app.tables import SealCheckpoint, SealLeaf
from workflows.clock import utc_text
from workflows.errors import BadValue, NotFound
from workflows.journal import Sealed, calendars_of, canonical, digest, pins_of
from workflows.leaves import LEDGER
from workflows.model import Actor, Case
from workflows.tree import Tree
from workflows.variants import FULL, VARIANTS, opens

FORMAT, SEAL_FORMAT = "fp-trail-v1", "fp-seal-v1"
TEMPLATE = "trail-v1"
Sealing = tuple[str, Proof | None]  # a seal, and the proof of the access ledger's leaf in its checkpoint


class SealedTrail(NamedTuple):
    """What a print is made of: the trail, its seal (empty where nothing was ever sealed), and its annex.

    The annex is empty without a seal, and in every variant but the full one.
    """

    text: str
    seal: str
    annex: str


def trail_text(actor: Actor, *, case: str, lang: str = "zh", variant: str = FULL) -> str:
    """Return the trail of a case's household, read in one snapshot; raises NotFound and BrokenChain."""
    return sealed_trail(actor, case=case, lang=lang, variant=variant).text


def sealed_trail(
    actor: Actor, *, case: str, lang: str = "zh", steady: bool = False, variant: str = FULL, as_of: str = ""
) -> SealedTrail:
    """Return the trail, its seal and its annex, all of one snapshot; raises NotFound and BrokenChain.

    ``steady``: by the first checkpoint that has the newest leaves of these cases, not by the newest one; so the seal,
    and with it the print, stays the same until one of the cases is sealed anew.

    ``as_of``: a day (ISO) at whose end the trail is told, by a checkpoint of then; raises BadValue for a later day, and
    NotFound for one before the case began. The whole chains are checked first, then cut.
    """
    if variant not in VARIANTS:
        raise BadValue(field="variant", value=variant[:20])
    county = county_of(case)
    with reading() as now:
        moment = past.end_of(as_of, now) if as_of else None
        number = store.household_of(case)
        dossier = store.read_dossier(county, number)
        ensure_visible(actor, dossier)
        ordered = _asked_first(dossier.cases, case)
        entries = store.entries_of_all(county, [c.number for c in ordered])
        disclosed = store.disclosures_of(county, [c.number for c in ordered])
        for one in ordered:
            ensure_sealed(one, entries[one.number], [item for item in disclosed if item.case == one.number])
        if moment:
            dossier = past.dossier_until(dossier, entries, moment)
            ordered = _asked_first(dossier.cases, case)
            entries = {one.number: past.entries_until(entries[one.number], moment) for one in ordered}
            disclosed = [item for item in disclosed if item.seq <= len(entries.get(item.case, ()))]
        bodies = [entry.body for chain in entries.values() for entry in chain]
        digests = {name for body in bodies for name in (*pins_of(body), *calendars_of(body))}
        texts = {kept.digest: kept.text for kept in store.kept_texts(digests)}
        numbers = [c.number for c in ordered]
        told = {number: len(entries[number]) for number in numbers}
        seal, proof = _seal_then(county, told, moment) if moment else _seal_now(county, numbers, steady=steady)
        files = {str(item["sha256"]) for body in bodies for item in body["evidence"]}
        annex = annex_text(county, number, sorted(numbers), files, proof) if proof and variant == FULL else ""
    body = {
        "format": FORMAT,
        "county": county,
        "case": case,
        "household": number,
        "template": TEMPLATE,
        "lang": lang,
        "chains": [_chain(one, entries[one.number]) for one in ordered],
        "disclosures": [dict(vars(item)) for item in disclosed if opens(variant, item.field)],
        "texts": texts,
        **({} if variant == FULL else {"variant": variant}),
        **({"as_of": as_of} if as_of else {}),
    }
    return SealedTrail(canonical(body), seal, annex)


def _seal_now(county: str, cases: Sequence[str], *, steady: bool) -> Sealing:
    """Return the newest checkpoint of a county with the proofs of some cases (fp-seal-v1), and the access ledger's.

    ``steady``: the first checkpoint of the present log instead that has the newest leaf of each of them.

    Empty where the county has no checkpoint; a case whose first leaf is not in it yet has no proof. Inside a
    transaction.
    """
    row = seals.newest_checkpoint(county)
    if row is None:
        return "", None
    leaves = {leaf.case: leaf for leaf in seals.leaves_under(county, cases, row.size)}
    if steady and leaves:
        row = seals.first_checkpoint(county, row.era, max(leaf.seq for leaf in leaves.values())) or row
    return _seal(county, cases, row)


def _seal_then(county: str, told: Mapping[str, int], moment: datetime) -> Sealing:
    """Return the same of a trail that ends at a moment, inside a transaction; empty where nothing was sealed by then.

    ``told``: entries of each case. The first checkpoint after the moment, as a day is sealed in the night that follows,
    unless it already holds entries of a later time; else the last one before.
    """
    for row in seals.checkpoints_around(county, utc_text(moment)):
        leaves = seals.leaves_under(county, list(told), row.size)
        if all(leaf.entry <= told[leaf.case] for leaf in leaves):
            return _seal(county, list(told), row)
    return "", None


def _seal(county: str, cases: Sequence[str], row: SealCheckpoint) -> Sealing:
    leaves = {leaf.case: leaf for leaf in seals.leaves_under(county, cases, row.size)}
    tree = seals.tree(county, row.size)
    proofs = [_proof(tree, leaves[case]) for case in cases if case in leaves]
    of_ledger = seals.leaf_under(county, LEDGER, row.size)
    text = canonical({"format": SEAL_FORMAT, "county": county, "checkpoint": row.text, "proofs": proofs})
    return text, _proof(tree, of_ledger) if of_ledger else None


def _proof(tree: Tree, leaf: SealLeaf) -> Proof:
    path = [b64encode(step).decode() for step in tree.inclusion(leaf.seq - 1)]
    return {"leaf": leaf.text, "index": leaf.seq - 1, "path": path}


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


def live_lines(county: str, subjects: Collection[str], last: int) -> Mapping[int, str]:
    """Return the digests of the ledger's lines on some subjects up to a number, by number, as they lie now."""
    with reading():
        return {line.seq: digest(line.text) for line in noted_lines(county, subjects, last)}
