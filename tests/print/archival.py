"""Rules of PDF/A-2 and -3 (ISO 19005-2 and -3, level u) held against a file by pikepdf: each fault by clause.

Not a whole validator: the rules that a program which sets type could break. Clause numbers are those of 19005-2/-3.
"""

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from xml.etree import ElementTree

import pikepdf
from pikepdf import Array, Dictionary, Name, Stream

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
PDFA = "{http://www.aiim.org/pdfa/ns/id/}"
FORBIDDEN_ACTIONS = {
    "/Launch", "/Sound", "/Movie", "/ResetForm", "/ImportData", "/Hide", "/SetOCGState", "/Rendition", "/Trans",
    "/GoTo3DView", "/JavaScript", "/SubmitForm", "/URI",
}  # fmt: skip
BLENDS = {"/Normal", "/Compatible"}  # all that our pages need; others are lawful, and would be a surprise
FILTERS = {"/FlateDecode", "/DCTDecode"}
SPACES = {"/DeviceRGB", "/DeviceGray"}  # both lie within the sRGB output intent


def faults(data: bytes, part: int) -> list[str]:
    """Return what is against the rules of PDF/A-2u or -3u, with the clause; nothing where all hold."""
    with pikepdf.open(BytesIO(data), attempt_recovery=False, suppress_warnings=True) as pdf:
        syntax = [f"6.1 {problem}" for problem in pdf.check_pdf_syntax()]
        return [*syntax, *_file(data, pdf), *_claim(pdf, part), *_objects(pdf), *_pages(pdf), *_attached(pdf, part)]


def _file(data: bytes, pdf: pikepdf.Pdf) -> Iterator[str]:
    if not re.match(rb"%PDF-1\.[0-7]\n%[\x80-\xff]{4}", data):
        yield "6.1.2 header and the comment of four high bytes"
    if "/ID" not in pdf.trailer:
        yield "6.1.3 trailer without ID"
    if "/Encrypt" in pdf.trailer or pdf.is_encrypted:
        yield "6.1.3 encrypted"
    if data.rstrip(b"\r\n")[-5:] != b"%%EOF":
        yield "6.1.3 data behind the end"
    if "/OCProperties" in pdf.Root:
        yield "6.9 optional content"
    yield from (f"6.5 {key} in the catalogue" for key in ("/AA", "/OpenAction") if key in pdf.Root)
    names = pdf.Root.get("/Names", Dictionary())
    yield from (f"6.5 {key} in the names" for key in ("/JavaScript", "/AlternatePresentations") if key in names)
    if "/NeedsRendering" in pdf.Root or "/XFA" in pdf.Root.get("/AcroForm", Dictionary()):
        yield "6.4.2 XFA"


def _claim(pdf: pikepdf.Pdf, part: int) -> Iterator[str]:
    raw = pdf.Root.Metadata.read_bytes() if "/Metadata" in pdf.Root else b""
    if not raw:
        yield "6.6.2 metadata are missing"
        return
    told = {node.tag: node.text for node in ElementTree.fromstring(raw).iter()}  # noqa: S314 - our own print
    for row in ElementTree.fromstring(raw).iter(f"{RDF}Description"):  # noqa: S314 - the same
        told |= row.attrib
    if (told.get(f"{PDFA}part"), told.get(f"{PDFA}conformance")) != (str(part), "U"):
        yield f"6.6.4 claims {told.get(f'{PDFA}part')}{told.get(f'{PDFA}conformance')}"
    intents = [one for one in pdf.Root.get("/OutputIntents", []) if one.S == Name.GTS_PDFA1]
    if len(intents) != 1 or "/DestOutputProfile" not in intents[0]:
        yield "6.2.3 output intent"
    elif intents[0].DestOutputProfile.read_bytes()[36:40] != b"acsp" or intents[0].DestOutputProfile.N != 3:
        yield "6.2.3 its profile"


def _objects(pdf: pikepdf.Pdf) -> Iterator[str]:
    for held in pdf.objects:
        if isinstance(held, Stream):
            yield from _stream(held)
        if isinstance(held, Dictionary | Stream):
            yield from _dictionary(held)


def _stream(held: Any) -> Iterator[str]:
    found = held.get("/Filter", Array())
    names = {str(name) for name in (found if isinstance(found, Array) else [found])}
    yield from (f"6.1.7 filter {name}" for name in names - FILTERS)
    yield from (f"6.1.7 {key}: the stream lies elsewhere" for key in ("/F", "/FFilter") if key in held)
    if held.get("/Subtype") == "/Image":
        if held.get("/ColorSpace") not in SPACES | {None} and "/SMask" not in held:
            yield f"6.2.4 colours of an image: {held.get('/ColorSpace')}"
        yield from (f"6.2.8 {key}" for key in ("/Alternates", "/OPI") if key in held)
        if held.get("/Interpolate"):
            yield "6.2.8 interpolated image"
    if held.get("/Subtype") == "/PS" or "/PS" in held or "/Ref" in held:
        yield "6.2.9 PostScript or reference"


def _dictionary(held: Any) -> Iterator[str]:
    if held.get("/S") in FORBIDDEN_ACTIONS and held.get("/Type") in (None, "/Action"):
        yield f"6.5.1 action {held.S}"
    is_state = held.get("/Type") == "/ExtGState"
    if is_state and (held.get("/BM", Name.Normal) not in BLENDS or "/TR" in held or "/HTP" in held):
        yield "6.2.5, 6.2.10 graphics state"
    if held.get("/Type") == "/Font":
        yield from _font(held)


def _font(font: Any) -> Iterator[str]:
    if font.Subtype == "/Type0":
        inner = font.DescendantFonts[0]
        if font.Encoding != "/Identity-H" or "/ToUnicode" not in font:
            yield f"6.2.11.7 {font.BaseFont}: no Unicode"
        if "/CIDToGIDMap" not in inner and inner.Subtype == "/CIDFontType2":
            yield f"6.2.11.3 {font.BaseFont}: CIDToGIDMap"
        described = inner.FontDescriptor
    elif font.Subtype in ("/CIDFontType0", "/CIDFontType2"):
        described = font.FontDescriptor
    else:
        yield f"6.2.11 a font of another kind: {font.Subtype}"
        return
    if not {"/FontFile2", "/FontFile3"} & set(described.keys()):
        yield f"6.2.11.4 {font.BaseFont}: not embedded"


def _pages(pdf: pikepdf.Pdf) -> Iterator[str]:
    for number, page in enumerate(pdf.pages, start=1):
        for one in page.obj.get("/Annots", []):
            is_bare = one.Subtype == "/Widget" and any(one.Rect) and "/AP" not in one
            if one.Subtype not in ("/Link", "/Widget") or is_bare:
                yield f"6.3 page {number}: {one.Subtype}"
        if "/Group" in page.obj and page.obj.Group.get("/CS", Name.DeviceRGB) not in SPACES:
            yield f"6.2.10 page {number}: transparency without a colour space"
        box = [float(edge) for edge in page.mediabox]
        if not all(3 <= edge <= 14400 for edge in (box[2] - box[0], box[3] - box[1])):
            yield f"6.1.13 page {number}: size"
        if "/AA" in page.obj:
            yield f"6.5.2 page {number}: action"


def _attached(pdf: pikepdf.Pdf, part: int) -> Iterator[str]:
    named = {key: pdf.attachments[key].obj for key in pdf.attachments}
    if part == 2 and named:
        yield "6.8 (part 2) attachments that are no PDF/A"
    associated = [one.objgen for one in pdf.Root.get("/AF", [])]
    for name, spec in named.items():
        if "/AFRelationship" not in spec or spec.objgen not in associated:
            yield f"6.8 (part 3) {name}: not associated"
        is_named = {"/F", "/UF"} <= set(spec.keys()) and "/Subtype" in spec.EF.F
        if not is_named or "/ModDate" not in spec.EF.F.get("/Params", {}):
            yield f"6.8 (part 3) {name}: name, type or date"
