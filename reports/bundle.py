"""Many prints as one file: a PDF with index and bookmarks, merged in portions; or a zip that a stranger can check."""

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO, cast

import pikepdf

import reports
from reports.container import open_container
from workflows.journal import canonical, trail_head

FORMAT = "fp-bundle-v1"
VERIFIER = "fangpin_verify.py"
PORTION = 100  # prints merged at once: as many are held in memory, the rest lies in files without a name
AT = (1980, 1, 1, 0, 0, 0)  # the same files give the same zip, so it tells no time


@dataclass(frozen=True)
class Mark:
    """A bookmark: the place it stands under, its title, and how many pages of the bundle lie before it."""

    place: str
    title: str
    before: int


def pages_in(pdf: bytes) -> int:
    """Return how many pages a PDF has."""
    with pikepdf.open(BytesIO(pdf)) as found:
        return len(found.pages)


# --- one PDF ---
def merge(prints: Iterable[bytes], front: Callable[[], Sequence[bytes]], marks: Sequence[Mark], out: BinaryIO) -> int:
    """Write one PDF of an index and all prints behind it; return its pages.

    ``front`` gives the index in parts. Metadata and colours are the index's; what the prints had attached stays behind.
    Portions lie in files without a name until the end; then only their objects without the streams are in memory.
    """
    with ExitStack() as held:
        portions = [held.enter_context(_portion(some)) for some in _portions(prints)]
        first, *others = front()
        whole = held.enter_context(pikepdf.open(BytesIO(first)))
        for part in others:
            whole.pages.extend(held.enter_context(pikepdf.open(BytesIO(part))).pages)
        for portion in portions:
            whole.pages.extend(held.enter_context(pikepdf.open(portion)).pages)
        _mark(whole, marks)
        whole.save(out, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
        return len(whole.pages)


def _portions(prints: Iterable[bytes]) -> Iterator[list[bytes]]:
    some: list[bytes] = []
    for one in prints:
        some.append(one)
        if len(some) == PORTION:
            yield some
            some = []
    if some:
        yield some


def _portion(prints: Sequence[bytes]) -> BinaryIO:
    file = cast("BinaryIO", TemporaryFile())  # noqa: SIM115 - closed by whoever asked for it
    with ExitStack() as held:
        some = held.enter_context(pikepdf.new())
        for one in prints:
            some.pages.extend(held.enter_context(pikepdf.open(BytesIO(one))).pages)
        some.save(file, static_id=True)
    file.seek(0)
    return file


def _mark(whole: pikepdf.Pdf, marks: Sequence[Mark]) -> None:
    with whole.open_outline() as outline:
        outline.root.clear()
        places: dict[str, pikepdf.OutlineItem] = {}
        for mark in marks:
            if mark.place not in places:
                places[mark.place] = pikepdf.OutlineItem(mark.place, mark.before)
                outline.root.append(places[mark.place])
            places[mark.place].children.append(pikepdf.OutlineItem(mark.title, mark.before))


# --- one zip ---
Make = Callable[[], bytes]


def trail_files(prints: Mapping[str, Make]) -> tuple[dict[str, Make], set[str]]:
    """Return all files that some prints (by case) give: print, data, seal and annex; and the seals' checkpoints."""
    files, checkpoints = dict[str, Make](), set[str]()
    for case, pdf in prints.items():
        files[f"trails/{case}.pdf"] = pdf
        files[f"trails/{case}.json"] = partial(_trail_in, pdf)
        seal = _seal_in(pdf)
        if seal:
            files[f"seals/{case}.json"] = partial(_seal_in, pdf)
            checkpoints.add(str(json.loads(seal)["checkpoint"]))
        if _annex_in(pdf):
            files[f"annexes/{case}.json"] = partial(_annex_in, pdf)
    return files, checkpoints


def _trail_in(pdf: Make) -> bytes:
    return open_container(pdf()).trail.encode()


def _seal_in(pdf: Make) -> bytes:
    return open_container(pdf()).seal.encode()


def _annex_in(pdf: Make) -> bytes:
    return open_container(pdf()).annex.encode()


def write_zip(
    out: BinaryIO, files: Mapping[str, Make], *, county: str, checkpoint: str, sign: Callable[[str], str]
) -> None:
    """Write a bundle as fp-bundle-v1: some files, checkpoint and verifier, and a list of all, signed.

    Each file is asked for twice, for its digest and to be written: so none but one is held at a time. Raises
    zipfile.LargeZipFile for more than 4 GiB, which the verifier would not read.
    """
    known = {**files, VERIFIER: (Path(reports.__file__).parent / VERIFIER).read_bytes}
    if checkpoint:
        known["checkpoint.txt"] = checkpoint.encode
    items = [_item(path, known[path]()) for path in sorted(known)]
    manifest = canonical({"format": FORMAT, "county": county, "checkpoint": checkpoint, "items": items})
    known["manifest.json"] = manifest.encode
    known["manifest.note"] = sign(manifest_body(manifest)).encode
    with zipfile.ZipFile(out, "w", allowZip64=False) as made:
        for path in sorted(known):
            made.writestr(_entry(path), known[path]())


def _item(path: str, data: bytes) -> dict[str, Any]:
    return {"path": path, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}


def _entry(path: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(path, AT)
    entry.create_system = 3  # permissions as on Unix, on whatever machine it is made
    entry.external_attr = 0o644 << 16
    # PDFs are packed already; to pack them again costs seconds and saves nothing.
    entry.compress_type = zipfile.ZIP_STORED if path.endswith(".pdf") else zipfile.ZIP_DEFLATED
    return entry


def manifest_body(manifest: str) -> str:
    """Return what is signed of a bundle: tag and digest of its list. No checkpoint or list of a print begins so."""
    return f"{FORMAT}\nmanifest {hashlib.sha256(manifest.encode()).hexdigest()}\n"


def facts_of(trail: str) -> tuple[int, str]:
    """Return how many entries a trail (fp-trail-v1) has and its head."""
    chains = [(c["case"], len(c["entries"]), c["head"]) for c in json.loads(trail)["chains"]]
    return sum(length for _, length, _ in chains), trail_head(chains)
