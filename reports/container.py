"""What is inside a PDF file, read with limits: trail.json, seal.json, annex.json, the office's note, the pages' bytes
and who made it."""

import hashlib
import re
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pikepdf

from reports.fangpin_verify import NOTE

MAX_FILE = 64_000_000
MAX_TRAIL = 64_000_000
ATTACHMENT, SEAL, ANNEX = "trail.json", "seal.json", "annex.json"
STREAM = re.compile(r"^stream <[^>]*>: ")  # how the library names what it reads; it says nothing to people


class MalformedFile(ValueError):
    """The file is no trail that can be checked; ``reason`` is a stable code."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class Container:
    """The parts of a PDF that the check looks at; pages as digests of their bytes; ``note`` is empty without one."""

    trail: str
    note: str
    stamp: str
    pages: tuple[str, ...]
    seal: str = ""  # empty: printed before the county was ever sealed
    annex: str = ""  # empty: the same, or not the full variant


def open_container(data: bytes) -> Container:
    """Read a PDF's parts; raise MalformedFile for anything that this program would not have
    written."""
    if len(data) > MAX_FILE:
        raise MalformedFile("too_large", str(len(data)))
    if not data.startswith(b"%PDF-"):
        raise MalformedFile("no_pdf")
    try:
        # No repair: a damaged file must not be mended into one that looks whole.
        with pikepdf.open(BytesIO(data), attempt_recovery=False, suppress_warnings=True) as pdf:
            texts = _attached(pdf)
            beside = {name: texts.get(name, "") for name in (NOTE, SEAL, ANNEX)}
            pages = tuple(map(_page, pdf.pages))
            return Container(texts[ATTACHMENT], beside[NOTE], _stamp(pdf), pages, beside[SEAL], beside[ANNEX])
    except pikepdf.PasswordError as error:
        raise MalformedFile("encrypted") from error
    except (
        pikepdf.PdfError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        RuntimeError,
    ) as error:
        if isinstance(error, MalformedFile):
            raise
        raise MalformedFile("no_pdf", STREAM.sub("", str(error))[:80]) from error


def _attached(pdf: pikepdf.Pdf) -> dict[str, str]:
    """Return the attachments that a trail of ours has, by name; each embedded file must be one of them."""
    streams = _embedded(pdf)
    named = {attachment.filename: attachment.obj.EF.F for attachment in pdf.attachments.values()}
    if not streams:
        raise MalformedFile("no_attachment")
    if not {*named} <= {ATTACHMENT, NOTE, SEAL, ANNEX} or not len(streams) == len(named) == len(pdf.attachments):
        raise MalformedFile("several_attachments", str(max(len(streams), len(pdf.attachments))))
    if ATTACHMENT not in named or {s.objgen for s in streams} != {s.objgen for s in named.values()}:
        raise MalformedFile("no_attachment")
    return {name: _inflated(stream) for name, stream in named.items()}


def _embedded(pdf: pikepdf.Pdf) -> list[Any]:
    """Every embedded file, also one that no name tree mentions."""
    return [
        item
        for item in pdf.objects
        if isinstance(item, pikepdf.Stream) and item.get("/Type") == pikepdf.Name.EmbeddedFile
    ]


def _inflated(stream: Any) -> str:
    """Decompress with a limit, so that a small file cannot fill the memory."""
    filters = stream.get("/Filter")
    names = list(filters) if isinstance(filters, pikepdf.Array) else [filters]
    if names != [pikepdf.Name.FlateDecode] or "/DecodeParms" in stream:
        raise MalformedFile("attachment_form")
    inflater = zlib.decompressobj()
    try:
        raw = inflater.decompress(stream.read_raw_bytes(), MAX_TRAIL)
        if inflater.unconsumed_tail or not inflater.eof:
            raise MalformedFile("attachment_form", str(len(raw)))
        return raw.decode("utf-8")
    except (zlib.error, UnicodeDecodeError) as error:
        raise MalformedFile("attachment_form", str(error)[:60]) from error


def _stamp(pdf: pikepdf.Pdf) -> str:
    return str(pdf.docinfo.get("/Keywords", ""))


def _page(page: pikepdf.Page) -> str:
    """One digest over a page's boxes, annotations and content streams as stored."""
    total = hashlib.sha256()
    for key in ("/MediaBox", "/CropBox", "/TrimBox", "/Rotate", "/Annots", "/UserUnit"):
        total.update(repr(page.obj.get(key)).encode())
    contents = page.obj.get("/Contents")
    for stream in contents if isinstance(contents, pikepdf.Array) else [contents]:
        if isinstance(stream, pikepdf.Stream):
            total.update(stream.read_raw_bytes() + b"\x00")
    return total.hexdigest()
