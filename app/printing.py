"""The one door to reports: printing a trail, checking a printed one, drawing and printing the rules."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from app import office_seal, stranger_files
from app.office_seal import NoOfficeSeal, OfficeSeal
from app.paper_list import papers
from app.paper_samples import samples_of
from app.runtime import runtime
from app.services import print_store
from app.services.cases import county_of
from app.services.papers.archive import Archive
from app.services.papers.issued import as_issued, issued
from app.services.papers.made import Made, ensure_may, note_prints
from app.services.public_check import Judged
from app.services.rights import ensure_may_print
from app.services.seal_keys import key_of, print_seal
from app.services.trail import SealedTrail, live_chains, live_lines, sealed_trail
from app.services.urgings import Letter, note_print
from app.store import ledger
from app.store.transaction import reading, writing
from reports import check_child, seal_child
from reports import diagram as diagrams
from reports.anchor import Anchor, Live
from reports.annex import read_annex, subjects_of
from reports.bundle import Mark, facts_of, merge, pages_in, trail_files, write_zip
from reports.bundle_index import pages_of
from reports.container import MAX_FILE, MalformedFile, open_container
from reports.papers import sheets
from reports.papers.fonts import PaperFonts, paper_fonts
from reports.papers.gate import BadPaper
from reports.papers.typeset import Sheet, typeset
from reports.pool import SECONDS, Order, Pool, Printed
from reports.render import render_trail, stamp_of
from reports.sheet import render_sheet
from reports.signed_base import MARK, Checked
from reports.trail import MalformedTrail, read_trail
from reports.verify import Verdict, verify_pdf
from reports.verify_bundle import is_bundle, verify_bundle
from workflows.clock import local_date
from workflows.errors import NotFound, NotSigned
from workflows.journal import canonical, digest
from workflows.model import Actor, system_actor
from workflows.variants import FULL

__all__ = [
    "BadPaper", "Mark", "Order", "Pool", "Printed", "TrailOrder", "Verdict", "draw", "ensure_papers",
    "faults_of_papers", "judge_apart", "merge", "order_for_store", "pages_in", "pages_of", "paper_html",
    "print_archive", "print_papers", "print_rules", "print_trail", "print_urging", "signed", "trail_files",
    "trail_order", "verify", "write_zip",
]  # fmt: skip


def print_trail(actor: Actor, *, case: str, lang: str = "zh", variant: str = FULL, as_of: str = "") -> bytes:
    """Return the trail of a case's household as PDF/A-3u; the print is written to the access ledger first.

    Without the personal values (masked, public) it is for everybody who may see the case. ``as_of``: a day (ISO) at
    whose end it is told; it verifies as an earlier print does.
    """
    if variant == FULL:
        ensure_may_print(actor)
    found = sealed_trail(actor, case=case, lang=lang, variant=variant, as_of=as_of)
    county = county_of(case)
    made = print_store.kept(
        _trail_key(county, found),
        lambda: render_trail(found.text, seal_text=found.seal, annex_text=found.annex, seal=print_seal(county)),
    )
    pdf = signed(made)
    told = {"variant": "" if variant == FULL else variant, "as_of": as_of}
    detail = {"bytes": len(pdf), **{name: value for name, value in told.items() if value}}
    with writing() as now:
        ledger.append(county, user=actor.id, kind="trail_print", subject=case, now=now, detail=detail)
    return pdf


@dataclass(frozen=True)
class TrailOrder:
    """A trail to be printed in another process: the key of its print, entries and head, and the order itself."""

    case: str
    key: str
    entries: int
    head: str
    order: Order


def trail_order(actor: Actor, *, case: str, lang: str = "zh", variant: str = FULL) -> TrailOrder:
    """Return the order for a trail as it stands in a bundle: by the first checkpoint that has its newest leaves.

    So what has not changed has the same print tomorrow. Raises NotFound, BrokenChain or NotAllowed.
    """
    ensure_may_print(actor)
    return _order(actor, case, lang, variant)


def order_for_store(case: str) -> TrailOrder:
    """Return the same order for a trail that nobody asked for yet; it is only kept. Raises NotFound, BrokenChain."""
    return _order(system_actor(county_of(case)), case, "zh", FULL)


def _order(actor: Actor, case: str, lang: str, variant: str) -> TrailOrder:
    found = sealed_trail(actor, case=case, lang=lang, steady=True, variant=variant)
    county, (entries, head) = county_of(case), facts_of(found.text)
    values = {"trail_text": found.text, "seal_text": found.seal, "annex_text": found.annex, "signed": True}
    order = Order("trail", values, name=case, sign=print_seal(county), seconds=SECONDS + entries // 5)
    return TrailOrder(case, _trail_key(county, found), entries, head, order)


def _trail_key(county: str, found: SealedTrail) -> str:
    """Name all that a trail's bytes follow from: its data, its seal and annex, who signs, program and fonts."""
    return print_store.key_of({
        "kind": "trail",
        "trail": digest(found.text),
        "seal": digest(found.seal),
        "annex": digest(found.annex),
        "log": key_of(county).text,
        "stamp": stamp_of(),
    })  # fmt: skip


def signed(pdf: bytes) -> bytes:
    """Return a print with the office's electronic seal, as it was once signed; as it is where the office has none.

    Raises NotSigned.
    """
    try:
        seal = office_seal.read(runtime().settings.office_seal)
    except NoOfficeSeal as error:
        raise NotSigned(why=str(error.place)) from error
    if seal is None:
        return pdf
    parts = {"kind": "signed", "print": hashlib.sha256(pdf).hexdigest(), "seal": seal.fingerprint}
    return print_store.kept(print_store.key_of(parts), lambda: _signed(pdf, seal), signed=True)


def _signed(pdf: bytes, seal: OfficeSeal) -> bytes:
    from reports.signature import Authority, KeyHand, NotSealed, sealed  # a second to load: only who signs waits

    authority = Authority(seal.root, seal.office, seal.clock, seal.revoked, seal.clock_key)
    with reading() as now:
        pass
    try:
        device = runtime().settings.seal_device
        return sealed(pdf, authority, _device_hand(device) if device else KeyHand(seal.office_key), now=now)
    except NotSealed as error:
        raise NotSigned(why=str(error)) from error


def _device_hand(parts: Mapping[str, str]) -> Any:
    from reports.hardware import DeviceHand

    return DeviceHand(parts["library"], parts["token"], parts["label"], parts["pin"])


def verify(
    data: bytes | IO[bytes],
    *,
    database: bool,
    head: str = "",
    key: str = "",
    points: Sequence[str] = (),
    roots: Sequence[bytes] = (),
    lists: Sequence[bytes] = (),
) -> Verdict:
    """Check a printed trail, or a bundle, against the live database, a head or checkpoints kept elsewhere, or a key.

    Without any of them, the best answer is 3: consistent in itself, but nobody vouches for it. ``roots`` and ``lists``
    (DER) are what its electronic seal is held against. A bundle has no one head. Raises ValueError for bad ``points``.
    """

    def judged(pdf: bytes) -> Verdict:
        chains, lines = _live(pdf) if database else (None, None)
        anchor = Anchor(chains=chains, head=head, lines=lines)
        return verify_pdf(pdf, anchor=anchor, key=key, points=points, roots=roots, lists=lists)

    file = BytesIO(data) if isinstance(data, bytes) else data
    if is_bundle(file):
        return verify_bundle(file, judged, key=key, points=points)
    return judged(file.read(MAX_FILE + 1))


def judge_apart(data: bytes, keys: Sequence[str]) -> Judged:
    """Judge a stranger's file by the verifier of one file, in a process of its own; raises Throttled.

    Only of a print that is ours the electronic seal is judged too, in another process, by this office's own root.
    """
    found = stranger_files.judged(Path(check_child.__file__), data, keys)
    if found.status != 0 or not found.case or MARK not in data:
        return found
    folder = runtime().settings.office_seal
    try:
        trusted = office_seal.roots(folder), office_seal.lists(folder)
    except NoOfficeSeal:
        trusted = (), ()
    seal = Checked(*stranger_files.sealed(Path(seal_child.__file__), data, *trusted))
    return replace(found, seal="broken" if seal.is_grave else seal.code, seal_by=seal.who, seal_at=seal.at)


def _live(data: bytes) -> tuple[dict[str, list[Live]], Mapping[int, str] | None]:
    """Return what the database has of a print's household: its chains, and the lines of its annex if it has one."""
    try:
        held = open_container(data)
        trail, annex = read_trail(held.trail), read_annex(held.annex) if held.annex else None
        found = live_chains(trail.household)
    except (MalformedFile, MalformedTrail, NotFound):
        return {}, None
    chains = {case: [Live(hash=h, at=at) for h, at in entries] for case, entries in found.items()}
    return chains, live_lines(trail.county, subjects_of(trail), annex.proof.leaf.seq) if annex else None


def draw(
    values: Mapping[str, Any], *, shape: str = "wide", name: str = "d", family: str = "", notes: bool = True
) -> str:
    """Return the diagram of a workflow as SVG text; everything in it is escaped."""
    return diagrams.draw(values, shape=shape, name=name, family=family, notes=notes)


def print_urging(actor: Actor, letter: Letter, values: Mapping[str, Any]) -> bytes:
    """Return a letter of formal urging as PDF; the print is written to the access ledger first."""
    note_print(actor, letter)
    return _printed("letter", canonical(dict(values)))


def print_rules(kind: str, values: Mapping[str, Any]) -> bytes:
    """Return handbook, matrix or clauses as PDF. They name no household, so nobody writes down who printed them."""
    return _printed(kind, canonical(dict(values)))


def print_notice(values: Mapping[str, Any]) -> bytes:
    """Return an urging notice as PDF; who asked for it stands in the access ledger by then."""
    return render_sheet("urging", values)


def paper_html(made: Made) -> str:
    """Return a paper as HTML to be looked at: one <article> of text and tables, everything in it escaped."""
    settings = runtime().settings
    return sheets.filled(made.paper.id, made.values, fonts=_fonts(), folder=settings.papers)


def print_papers(actor: Actor, made: Sequence[Made], *, title: str = "") -> bytes:
    """Return one PDF of some papers, a bookmark each; each stands in the access ledger before anybody holds it.

    Raises NotAllowed or BadPaper, and then nothing is printed.
    """
    for one in made:
        ensure_may(actor, one.paper)
        paper_html(one)  # what cannot be printed is given no number
    made = issued(actor, made)
    pdf = _paper(typeset([_sheet(one) for one in made], fonts=_fonts(), title=title))
    folder = runtime().settings.papers
    note_prints(actor, [(one, sheets.own_digest(one.paper.id, folder)) for one in made], pdf=pdf)
    return pdf


def print_archive(actor: Actor, archive: Archive) -> bytes:
    """Return a household's whole file as one PDF: cover, catalogue, papers and photos; each stands in the ledger."""
    covers: list[Made] = []

    def front(pages: list[int]) -> Sheet:
        covers.append(archive.cover(pages))
        return _sheet(covers[0])

    parts = [as_issued(one) for one in archive.parts]
    pdf = _paper(typeset([_sheet(one) for one in parts], fonts=_fonts(), front=front))
    folder = runtime().settings.papers
    made = [*covers, *parts]
    note_prints(actor, [(one, sheets.own_digest(one.paper.id, folder)) for one in made], pdf=pdf)
    return pdf


def _paper(pdf: bytes) -> bytes:
    return signed(pdf) if runtime().settings.sign_papers else pdf


def _sheet(made: Made) -> Sheet:
    check = made.values["check"]
    day = local_date(made.now).isoformat()
    return Sheet(paper_html(made), made.bookmark, day=day, pictures=made.pictures, check=(check["code"], check["text"]))


def _fonts() -> PaperFonts:
    return _paper_fonts(runtime().settings.fonts)


_paper_fonts = lru_cache(maxsize=4)(paper_fonts)


def faults_of_papers(folder: Path | None) -> Iterator[str]:
    """Yield what is wrong with a county's own templates: names of no paper, and what does not print with samples."""
    for path in sorted(folder.iterdir()) if folder else ():
        if path.suffix != ".html" or not sheets.is_known(path.stem, set(papers())):
            yield f"{path.name}: no paper has this name"
    for paper in papers().values():
        for values in samples_of(paper):
            try:
                sheets.filled(paper.id, values, fonts=_paper_fonts(None), folder=folder)
            except BadPaper as error:
                yield str(error)


def ensure_papers(folder: Path) -> None:
    """Raise BadPaper with all that is wrong with a county's own templates; asked before anything runs on them."""
    faults = list(dict.fromkeys(faults_of_papers(folder)))
    if faults:
        raise BadPaper("; ".join(faults))


@lru_cache(maxsize=24)
def _printed(kind: str, text: str) -> bytes:
    """Typesetting takes seconds, and everybody of a place asks for the same sheet: the last ones are kept."""
    return render_sheet(kind, json.loads(text))
