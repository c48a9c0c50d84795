"""Photos and scans: type and size checked, pictures re-encoded, the hash of the original kept."""

import hashlib
import io
import os
import secrets
from pathlib import Path

import pikepdf
from PIL import Image, ImageOps, UnidentifiedImageError

from app.runtime import runtime
from app.services.rights import ensure_visible, only_audits
from app.store import cases, evidence, ledger
from app.store.transaction import reading, writing
from workflows.clock import utc_text
from workflows.errors import BadFile, NotFound
from workflows.model import Actor, Evidence

PICTURES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
PDF = "application/pdf"
MOST_PIXELS = 50_000_000
SHOWN_SIDE = 2400
PDF_ACTIONS = ("/OpenAction", "/AA", "/JavaScript", "/EmbeddedFiles", "/Names")


def take_in(actor: Actor, *, county: str, kind: str, data: bytes) -> Evidence:
    """Check and keep one file; return what an entry seals of it. Raises BadFile, and then nothing is kept."""
    settings = runtime().settings
    if not data:
        raise BadFile(reason="empty")
    if len(data) > settings.largest_upload:
        raise BadFile(reason="too_large", most=settings.largest_upload // 2**20)
    mime, shown, shown_mime = _scan(data) if data.startswith(b"%PDF-") else _picture(data)
    digest = hashlib.sha256(data).hexdigest()
    shown_digest = hashlib.sha256(shown).hexdigest()
    keep(settings.evidence / county / "original", digest, data)
    keep(settings.evidence / county / "shown", shown_digest, shown)
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
        )
    return Evidence(kind=kind, sha256=digest, bytes=len(data), mime=mime)


def _picture(data: bytes) -> tuple[str, bytes, str]:
    """Re-encode a picture: what is shown holds pixels only, no place, no device, nothing hidden behind the image."""
    try:
        with Image.open(io.BytesIO(data), formats=tuple(PICTURES)) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise BadFile(reason="too_many_pixels", most=MOST_PIXELS // 10**6)
            mime = PICTURES[str(opened.format)]
            upright = ImageOps.exif_transpose(opened).convert("RGB")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise BadFile(reason="no_picture") from error
    upright.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
    out = io.BytesIO()
    upright.save(out, "JPEG", quality=85)
    return mime, out.getvalue(), "image/jpeg"


def _scan(data: bytes) -> tuple[str, bytes, str]:
    """Rewrite a scanned PDF without anything that acts by itself."""
    try:
        with pikepdf.open(io.BytesIO(data)) as pdf:
            for name in PDF_ACTIONS:
                if name in pdf.Root:
                    del pdf.Root[name]
            for page in pdf.pages:
                if "/AA" in page:
                    del page["/AA"]
            out = io.BytesIO()
            pdf.save(out, deterministic_id=True)
    except (pikepdf.PdfError, ValueError, RuntimeError) as error:
        raise BadFile(reason="no_pdf") from error
    return PDF, out.getvalue(), PDF


def keep(folder: Path, digest: str, data: bytes) -> None:
    """Write a file under its digest: whole or not at all, and on the disk before the database speaks of it."""
    place = folder / digest[:2] / digest
    if place.exists():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_name(f".{digest}.{secrets.token_hex(4)}")
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(place)


def open_file(actor: Actor, *, county: str, sha256: str) -> tuple[bytes, str]:
    """Return the shown copy of a file and its type; NotFound unless it is one's own or of a visible household."""
    with reading():
        row = evidence.file_row(county, sha256)
        if row is None or not (row.uploaded_by == actor.id or _is_visible(actor, county, sha256)):
            raise NotFound(file=sha256[:16])
        place = runtime().settings.evidence / county / "shown" / row.shown_sha256[:2] / row.shown_sha256
        mime = row.shown_mime
    if only_audits(actor):
        with writing() as now:
            ledger.append(county, user=actor.id, kind="file_read", subject=sha256, now=now, detail={})
    return place.read_bytes(), mime


def _is_visible(actor: Actor, county: str, sha256: str) -> bool:
    for household in evidence.households_using(county, sha256):
        try:
            ensure_visible(actor, cases.read_dossier(county, household))
        except NotFound:
            continue
        return True
    return False
