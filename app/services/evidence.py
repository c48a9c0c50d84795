"""Photos and scans: type and size checked, pictures re-encoded, the hash of the original kept."""

import hashlib
import io
import secrets
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pikepdf
from PIL import Image, ImageOps, UnidentifiedImageError

from app import disk, pictures
from app.positions import Position, position_of
from app.runtime import runtime
from app.services import department
from app.services.lists import scope_of
from app.services.rights import ensure_visible, only_audits
from app.store import cases, evidence, ledger
from app.store.duty_lists import file_is_shown
from app.store.transaction import reading, writing
from app.tables import EvidenceFile
from workflows.clock import utc_text
from workflows.errors import BadFile, FileAltered, NotFound
from workflows.model import Actor, Evidence

READERS = ("JPEG", "PNG", "WEBP")
# Phones write MPO: a JPEG with a second picture (depth, preview) behind the first, which is the photo.
PICTURES = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
PDF = "application/pdf"
MOST_PIXELS = 50_000_000
SHOWN_SIDE = 2400
BROKEN_PICTURE = (
    UnidentifiedImageError,
    Image.DecompressionBombError,
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    OverflowError,
    struct.error,
)
# A scan is pages of pictures: of the catalogue and of a page only what draws them is kept ...
PDF_CATALOGUE = frozenset({"/Type", "/Pages", "/Version"})
PDF_PAGE = frozenset(
    {"/Type", "/Parent", "/MediaBox", "/CropBox", "/Rotate", "/Resources", "/Contents", "/UserUnit", "/Group"}
)
# ... and these go wherever they stand: actions, forms, annotations, files inside, metadata.
PDF_ACTIVE = frozenset(
    {
        "/AA", "/AF", "/AcroForm", "/Annots", "/Collection", "/Dests", "/EF", "/EmbeddedFiles", "/JS", "/JavaScript",
        "/Metadata", "/Names", "/OpenAction", "/Outlines", "/PieceInfo", "/Ref", "/StructTreeRoot", "/Threads", "/XFA",
    }
)  # fmt: skip
PDF_OUTSIDE = frozenset({"/F", "/FFilter", "/FDecodeParms"})  # a stream whose data lie in another file


def take_in(actor: Actor, *, county: str, kind: str, data: bytes) -> Evidence:
    """Check and keep one file; return what an entry seals of it. Raises BadFile, and then nothing is kept."""
    settings = runtime().settings
    if not data:
        raise BadFile(reason="empty")
    if len(data) > settings.largest_upload:
        raise BadFile(reason="too_large", most=settings.largest_upload // 2**20)
    mime, shown, shown_mime, where = _scan(data) if data.startswith(b"%PDF-") else _picture(data)
    digest = hashlib.sha256(data).hexdigest()
    shown_digest = hashlib.sha256(shown).hexdigest()
    keep(settings.evidence / county / "original", digest, data)
    keep(settings.evidence / county / "shown", shown_digest, shown)
    if mime != PDF:
        pictures.note(settings.pictures / f"{county}.txt", digest, pictures.hash_of_file(shown))
    with writing() as now:
        evidence.add_file(
            county=county,
            sha256=digest,
            bytes=len(data),
            mime=mime,
            shown_sha256=shown_digest,
            shown_mime=shown_mime,
            uploaded_by=actor.id,
            uploaded_at=utc_text(now),
            **_place(where),
        )
    return Evidence(kind=kind, sha256=digest, bytes=len(data), mime=mime)


def _place(where: Position | None) -> dict[str, int | str | None]:
    """Return what a file's row keeps of its place.

    It stands in that row alone. Entries are printed, published and kept for ever, so where somebody lives must not be
    in one; nothing is lost for proof, as the original, whose digest the entry seals, says the same.
    """
    if where is None:
        return {"latitude": None, "longitude": None, "taken_at": None}
    return {"latitude": where.latitude, "longitude": where.longitude, "taken_at": where.taken_at or None}


def _picture(data: bytes) -> tuple[str, bytes, str, Position | None]:
    """Re-encode a picture: what is shown holds pixels only, no place, no device, nothing hidden behind the image."""
    try:
        with Image.open(io.BytesIO(data), formats=READERS) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise BadFile(reason="too_many_pixels", most=MOST_PIXELS // 10**6)
            mime, where = PICTURES[str(opened.format)], position_of(opened)
            upright = ImageOps.exif_transpose(opened).convert("RGB")
    except BROKEN_PICTURE as error:
        raise BadFile(reason="no_picture") from error
    upright.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
    out = io.BytesIO()
    upright.info = {}  # Pillow would carry a comment over
    upright.save(out, "JPEG", quality=85, comment=b"")
    return mime, out.getvalue(), "image/jpeg", where


def _scan(data: bytes) -> tuple[str, bytes, str, None]:
    """Rewrite a scanned PDF as pages that are drawn and do nothing: no action, form, annotation, file or metadata."""
    try:
        with pikepdf.open(io.BytesIO(data)) as pdf:
            _keep_only(pdf.Root, PDF_CATALOGUE)
            for page in pdf.pages:
                _keep_only(page.obj, PDF_PAGE)
            for thing in pdf.objects:
                _calm(thing)
            if "/Info" in pdf.trailer:
                del pdf.trailer["/Info"]
            out = io.BytesIO()
            pdf.save(out, deterministic_id=True)
    except (pikepdf.PdfError, ValueError, RuntimeError, LookupError, AttributeError, TypeError) as error:
        raise BadFile(reason="no_pdf") from error
    return PDF, out.getvalue(), PDF, None


def _keep_only(found: Any, names: frozenset[str]) -> None:
    for name in set(found.keys()) - names:
        del found[name]


def _calm(thing: Any) -> None:
    """Drop what acts from one object of a PDF and from those written inside it."""
    waiting = [thing]
    while waiting:
        one = waiting.pop()
        if isinstance(one, pikepdf.Stream):
            _drop(one, PDF_ACTIVE | PDF_OUTSIDE)
        elif isinstance(one, pikepdf.Dictionary):
            _drop(one, PDF_ACTIVE)
        waiting += [inner for inner in _inside(one) if not inner.is_indirect]


def _drop(found: Any, names: frozenset[str]) -> None:
    for name in set(found.keys()) & names:
        del found[name]


def _inside(thing: Any) -> Sequence[Any]:
    """Return the objects that a dictionary, stream or array holds."""
    if isinstance(thing, pikepdf.Dictionary | pikepdf.Stream):
        held: list[Any] = [thing[name] for name in thing.keys()]  # noqa: SIM118 - a PDF dictionary is not iterable by keys
    else:
        held = list(thing) if isinstance(thing, pikepdf.Array) else []
    return [inner for inner in held if isinstance(inner, pikepdf.Object)]


def keep(folder: Path, digest: str, data: bytes) -> None:
    """Write a file under its digest: whole or not at all, and on the disk before the database speaks of it."""
    place = folder / digest[:2] / digest
    if place.exists():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_name(f".{digest}.{secrets.token_hex(4)}")
    try:
        with partial.open("wb") as file:
            file.write(data)
            disk.settle(file)
        partial.replace(place)
    finally:
        partial.unlink(missing_ok=True)  # a disk that is full must not be filled by what was not kept


def open_file(actor: Actor, *, county: str, sha256: str) -> tuple[bytes, str]:
    """Return the shown copy of a file and its type; NotFound unless it is of a visible household.

    A file that serves in no case yet is its uploader's alone; once it is evidence, only the household's rules count: of
    a visible household a department opens what it handed in itself.
    Raises FileAltered when the bytes are not those whose digest was noted as the file was taken in.
    """
    with reading():
        row = evidence.file_row(county, sha256)
        if row is None or not _may_open(actor, row):
            raise NotFound(file=sha256[:16])
        shown, mime = row.shown_sha256, row.shown_mime
    if only_audits(actor):
        with writing() as now:
            ledger.append(county, user=actor.id, kind="file_read", subject=sha256, now=now, detail={})
    return _unaltered(county, sha256, shown), mime


def _unaltered(county: str, sha256: str, shown: str) -> bytes:
    try:
        data = (runtime().settings.evidence / county / "shown" / shown[:2] / shown).read_bytes()
    except FileNotFoundError as error:
        raise FileAltered(file=sha256[:16]) from error
    if hashlib.sha256(data).hexdigest() != shown:
        raise FileAltered(file=sha256[:16])
    return data


def _may_open(actor: Actor, row: EvidenceFile) -> bool:
    households = evidence.households_using(row.county, row.sha256)
    if not households:
        return row.uploaded_by == actor.id or file_is_shown(scope_of(actor), row.county, row.sha256)
    return any(_may_open_of(actor, row, household) for household in households)


def _may_open_of(actor: Actor, row: EvidenceFile, household: str) -> bool:
    dossier = cases.read_dossier(row.county, household)
    try:
        ensure_visible(actor, dossier)
    except NotFound:
        return False
    return department.sees_whole(actor, dossier) or row.uploaded_by == actor.id
