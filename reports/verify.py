"""The check of a printed trail, alone: no database, no network. Run: python -m reports.verify
FILE [--head HEX]."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from reports import fangpin_verify as alone
from reports.anchor import Anchor, Held, Live, hold
from reports.annex import Annex, check_annex, hold_annex, read_annex
from reports.container import MAX_FILE, Container, MalformedFile, open_container
from reports.labels import word
from reports.remark import Remark
from reports.render import BUNDLED, STAMP, Fonts, RenderError, render_trail, stamp_of
from reports.seal import Seal, check_seal, read_seal
from reports.signed_base import MARK, Checked, base_of
from reports.trail import LANGUAGES, MalformedTrail, Trail, read_trail, self_check
from workflows.journal import is_commitment

__all__ = ["Anchor", "Live", "Remark", "Verdict", "main", "verify_pdf"]

Code = Literal[0, 2, 3, 4]
SEALED = ("by_key", "not_by_key", "signature", "malformed")
LOGGED = ("by_log", "known_log", "late", "step", "fork")
INTACT: Code = 0
ALTERED: Code = 2
UNANCHORED: Code = 3
MALFORMED: Code = 4


@dataclass(frozen=True)
class Told(Remark):
    """What the verifier of one file says, in its own words."""

    def text(self, lang: str = "zh") -> str:
        """Return its sentence."""
        return alone.SAID[self.code][LANGUAGES.index(lang)].format(self.detail)


@dataclass(frozen=True)
class Verdict:
    """The outcome: exit code (0 intact and anchored, 2 altered, 3 not anchored, 4 malformed)
    and what was found."""

    code: Code
    findings: tuple[Remark, ...]
    head: str = ""
    trail: Trail | None = None

    def sentences(self, lang: str = "zh") -> list[str]:
        """The verdict and each finding as a sentence."""
        return [
            word(f"verdict.{self.code}", lang),
            *(finding.text(lang) for finding in self.findings),
        ]


def verify_pdf(
    data: bytes,
    *,
    anchor: Anchor | None,
    fonts: Fonts = BUNDLED,
    key: str = "",
    points: Sequence[str] = (),
    roots: Sequence[bytes] = (),
    lists: Sequence[bytes] = (),
) -> Verdict:
    """Check a printed trail: its chains, its pages against a new print of its attachment, its
    anchor (the database, a noted head, the public key of the office that sealed the print, or
    checkpoints kept elsewhere, ``points``), and the office's electronic seal behind it, by root
    certificates and revocation lists (DER). Raises ValueError for points that are no checkpoints."""
    for point in points:
        alone.read_log(point, {})
    sealed = _electronic(data, roots, lists)
    if sealed is None:
        return _of_print(data, anchor=anchor, fonts=fonts, key=key, points=points)
    if sealed.is_grave:
        return Verdict(ALTERED, (sealed.remark,))
    found = _of_print(base_of(data), anchor=anchor, fonts=fonts, key=key, points=points)
    # Whose the seal is, is not known: then what the update behind the print shows is not known either.
    code: Code = UNANCHORED if sealed.is_open and found.code == INTACT else found.code
    return Verdict(code, (*found.findings, sealed.remark), found.head, found.trail)


def _electronic(data: bytes, roots: Sequence[bytes], lists: Sequence[bytes]) -> Checked | None:
    """Judge the PAdES signature; None where there is none."""
    if MARK not in data:
        return None
    from reports.signature_check import checked  # a second to load: only who checks one waits

    return checked(data, roots, lists)


def _of_print(data: bytes, *, anchor: Anchor | None, fonts: Fonts, key: str, points: Sequence[str]) -> Verdict:
    try:
        container = open_container(data)
        trail = read_trail(container.trail)
        seal = read_seal(container.seal) if container.seal else None
        annex = read_annex(container.annex) if container.annex else None
    except MalformedFile as error:
        return Verdict(MALFORMED, (Remark(error.reason, detail=error.detail),))
    except MalformedTrail as error:
        return Verdict(MALFORMED, (Remark("malformed_trail", detail=str(error)),))
    altered = [Remark(f.code, f.case, f.seq, detail=f.detail, is_grave=True) for f in self_check(trail)]
    altered += check_seal(trail, seal) if seal else []
    altered += check_annex(trail, seal, annex) if annex and not altered else []
    office = list(_office(data, key, points)) if key or points else []
    try:
        compared = _compare(data, container, trail, fonts)
    except MalformedTrail as error:
        if not altered:
            return Verdict(MALFORMED, (Remark("malformed_trail", detail=str(error)),), trail.head, trail)
        compared = [Remark("not_printable", detail=str(error))]
    held = partial(_held, trail, annex, anchor)
    return _judge(trail, [*altered, *compared, *(r for r in office if r.is_grave)], held, seal, office)


def _held(trail: Trail, annex: Annex | None, anchor: Anchor | None) -> Held:
    """Hold a trail that is consistent in itself, and its annex, against what vouches for them."""
    held = hold(trail, anchor)
    if annex is None or anchor is None or anchor.lines is None:
        return held
    return held.joined(hold_annex(annex, anchor.lines))


def _office(data: bytes, key: str, points: Sequence[str]) -> Iterator[Remark]:
    """What the verifier of one file says of who sealed the print, and of its checkpoint; all else is found here."""
    _, said, _ = alone.verify(data, key, points=points)
    for code, where in said:
        if code in SEALED:
            yield Remark(f"print_{code}", detail=where, is_grave=code == "signature")
        elif code in LOGGED or (code == "some_log" and points):
            yield Told(code, detail=where, is_grave=code in alone.GRAVE)


def _judge(
    trail: Trail,
    remarks: list[Remark],
    hold_all: Callable[[], Held],
    seal: Seal | None,
    office: Sequence[Remark],
) -> Verdict:
    if any(remark.is_grave for remark in remarks):
        return Verdict(ALTERED, tuple(remarks), trail.head, trail)
    held = hold_all()
    by_office = any(remark.code in ("print_by_key", "by_log") for remark in office)
    left = [remark for remark in held.remarks if not (by_office and remark.code == "no_anchor")]
    found = (*remarks, *office, *left, *_withheld(trail), *_sealed(seal))
    if any(remark.is_grave for remark in held.remarks):
        return Verdict(ALTERED, found, trail.head, trail)
    # A remark of the comparison means that the pages themselves stay unproven.
    code: Code = INTACT if (held.is_anchored or by_office) and not remarks else UNANCHORED
    return Verdict(code, found, trail.head, trail)


def _compare(data: bytes, container: Container, trail: Trail, fonts: Fonts) -> list[Remark]:
    """Typeset the attachment again and compare the bytes; say which pages differ."""
    own = stamp_of(fonts)
    stamp = container.stamp if STAMP.fullmatch(container.stamp) else own
    try:
        seal = (lambda _: container.note) if container.note else None
        expected = render_trail(
            trail.text, seal_text=container.seal, annex_text=container.annex, fonts=fonts, stamp=stamp, seal=seal
        )
    except RenderError as error:
        return [Remark("not_printable", detail=str(error))]
    if expected == data:
        return []
    if stamp != own:
        return [Remark("other_version", detail=stamp)]
    return list(_differences(data, expected, container))


def _differences(data: bytes, expected: bytes, container: Container) -> Iterator[Remark]:
    if data.startswith(expected):
        yield Remark("appended", detail=str(len(data) - len(expected)), is_grave=True)
    pages = open_container(expected).pages
    if len(pages) != len(container.pages):
        counts = f"{len(container.pages)} ≠ {len(pages)}"
        yield Remark("page_count", detail=counts, is_grave=True)
    differing = [n for n, pair in enumerate(zip(container.pages, pages, strict=False), start=1) if len({*pair}) > 1]
    for page in differing:
        yield Remark("page_differs", page=page, is_grave=True)
    if not differing and not data.startswith(expected):
        yield Remark("other_parts", is_grave=True)


def _withheld(trail: Trail) -> list[Remark]:
    """Personal values that stand as digests only, lawful as that is, are counted for the reader."""
    shown = {(item.case, item.seq, item.field) for item in trail.disclosures}
    count = 0
    for (case, seq), text in trail.entry_texts().items():
        for name, change in json.loads(text)["changes"].items():
            count += is_commitment(change["after"]) and (case, seq, name) not in shown
    return [Remark("withheld", detail=str(count))] if count else []


def _sealed(seal: Seal | None) -> list[Remark]:
    """Name the checkpoint, so that whoever keeps one can compare; no remark changes the verdict by itself."""
    if seal is None:
        return []
    point = seal.checkpoint
    return [Remark("sealed", detail=f"{point.origin} {point.size} {seal.short_root}")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Check one file from the command line and print the sentences in Chinese and English."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    head = words.pop() if len(words) == 3 and words[1] == "--head" else ""
    if len(words) != (2 if head else 1) or words[0].startswith("-"):
        sys.stderr.write(f"{word('verify.usage', 'zh')}\n{word('verify.usage', 'en')}\n")
        return MALFORMED
    verdict = _verify_file(Path(words[0]), head)
    for lang in LANGUAGES:
        sys.stdout.write("\n".join(verdict.sentences(lang)) + "\n")
    if verdict.head:
        sys.stdout.write(word("verify.head", "zh", head=verdict.head) + "\n")
    return verdict.code


def _verify_file(path: Path, head: str) -> Verdict:
    try:
        if path.stat().st_size > MAX_FILE:
            return Verdict(MALFORMED, (Remark("too_large"),))
        data = path.read_bytes()
    except OSError as error:
        return Verdict(MALFORMED, (Remark("unreadable", detail=str(error.strerror)),))
    return verify_pdf(data, anchor=Anchor(head=head) if head else None)


if __name__ == "__main__":
    sys.exit(main())
