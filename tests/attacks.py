"""Attacks on signed prints: what pdf-insecurity.org and others did to signed PDFs, done to ours.

Each attack is a function of a signed print (bytes) to another file, which every check must refuse.
"""

import re
import zlib
from collections.abc import Callable, Mapping

Attack = Callable[[bytes], bytes]
Objects = Mapping[int, bytes]
TEXT = b"BT /F1 40 Tf 1 0 0 rg 60 500 Td (APPROVED 1000000) Tj ET"


# --- reading and writing as an attacker does ---
def newest(data: bytes, number: int) -> bytes:
    """The text of an object as the newest revision has it, without its frame."""
    found = [m.end() for m in re.finditer(rb"(?:^|\n)%d 0 obj\n" % number, data)]
    return data[found[-1] : data.index(b"\nendobj", found[-1])]


def number(data: bytes, pattern: bytes) -> int:
    """The last number that a pattern finds."""
    return int(re.findall(pattern, data)[-1])


def root(data: bytes) -> int:
    return number(data, rb"/Root ([0-9]+) 0 R")


def first_page(data: bytes) -> int:
    tree = newest(data, number(newest(data, root(data)), rb"/Pages ([0-9]+) 0 R"))
    return int(re.findall(rb"/Kids ?\[ ?([0-9]+) 0 R", tree)[0])


def size(data: bytes) -> int:
    return number(data, rb"/Size ([0-9]+)")


def stream(content: bytes, words: bytes = b"") -> bytes:
    return b"<<%s/Length %d>>\nstream\n%s\nendstream" % (words, len(content), content)


def update(
    data: bytes, objects: Objects, *, extra: bytes = b"", root_is: int = 0, freed: tuple[int, ...] = ()
) -> bytes:
    """Write an update behind a file: objects (new or instead of old ones), a table, a trailer."""
    out, places = bytearray(data), {}
    for each, text in sorted(objects.items()):
        places[each] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (each, text)
    rows = {n: b"%010d 00000 n \n" % place for n, place in places.items()} | dict.fromkeys(
        freed, b"0000000000 00001 f \n"
    )
    begins = len(out)
    out += b"xref\n0 1\n0000000000 65535 f \n" + b"".join(b"%d 1\n%s" % (n, row) for n, row in sorted(rows.items()))
    most = max([size(data), *(n + 1 for n in rows)])
    words = b"/Size %d/Root %d 0 R/Prev %d" % (most, root_is or root(data), number(data, rb"startxref\n([0-9]+)"))
    return bytes(out + b"trailer\n<<%s%s>>\nstartxref\n%d\n%%%%EOF\n" % (words, extra, begins))


def changed(data: bytes, which: int, old: bytes, new: bytes) -> bytes:
    """An update in which one object has some words instead of others."""
    before = newest(data, which)
    after = re.sub(old, new, before, count=1, flags=re.DOTALL)
    assert after != before, (old, before[:200])
    return update(data, {which: after})


# --- something behind the end ---
def a_comment(data: bytes) -> bytes:
    return data + b"% later\n"


def an_empty_update(data: bytes) -> bytes:
    return update(data, {})


def another_end(data: bytes) -> bytes:
    """The end of the print before its signature once more: readers that begin at the end see no signature at all."""
    return data + b"startxref\n%d\n%%%%EOF\n" % number(data, rb"/Prev ([0-9]+)")


# --- other pages (incremental saving attack) ---
def other_content(data: bytes) -> bytes:
    drawn = int(re.findall(rb"/Contents ([0-9]+) 0 R", newest(data, first_page(data)))[0])
    return update(data, {drawn: stream(TEXT)})


def other_contents(data: bytes) -> bytes:
    fresh = size(data)
    page = re.sub(rb"/Contents [0-9]+ 0 R", b"/Contents %d 0 R" % fresh, newest(data, first_page(data)))
    return update(data, {first_page(data): page, fresh: stream(TEXT)})


def a_page_more(data: bytes) -> bytes:
    tree, fresh = number(newest(data, root(data)), rb"/Pages ([0-9]+) 0 R"), size(data)
    page = b"<</Type /Page/Parent %d 0 R/MediaBox [0 0 595 842]/Contents %d 0 R>>" % (tree, fresh + 1)
    kids = newest(data, tree).replace(b"]", b" %d 0 R]" % fresh, 1)
    count = int(re.findall(rb"/Count ([0-9]+)", kids)[0])
    kids = kids.replace(b"/Count %d" % count, b"/Count %d" % (count + 1))
    return update(data, {tree: kids, fresh: page, fresh + 1: stream(TEXT)})


def a_page_less(data: bytes) -> bytes:
    tree = number(newest(data, root(data)), rb"/Pages ([0-9]+) 0 R")
    kids = re.sub(rb" ?([0-9]+) 0 R\]", b"]", newest(data, tree), count=1)
    count = int(re.findall(rb"/Count ([0-9]+)", kids)[0])
    return update(data, {tree: kids.replace(b"/Count %d" % count, b"/Count %d" % (count - 1))})


def other_font(data: bytes) -> bytes:
    """The glyphs of another font under the same text (shadow attack)."""
    fonts = [int(n) for n in re.findall(rb"(?:^|\n)([0-9]+) 0 obj\n<<[^\n]{0,200}/Type ?/Font/", data)]
    return update(data, {fonts[0]: b"<</Type /Font/Subtype /Type1/BaseFont /Courier>>"})


def a_freed_page(data: bytes) -> bytes:
    drawn = int(re.findall(rb"/Contents ([0-9]+) 0 R", newest(data, first_page(data)))[0])
    return update(data, {}, freed=(drawn,))


def a_larger_sheet(data: bytes) -> bytes:
    return changed(data, first_page(data), rb"/MediaBox ?\[[^\]]*\]", b"/MediaBox [0 400 595 842]")


# --- over the page ---
def a_note_over_it(data: bytes) -> bytes:
    fresh = size(data)
    drawn = stream(TEXT, b"/Type /XObject/Subtype /Form/BBox [0 0 595 842]")
    note = (
        b"<</Type /Annot/Subtype /FreeText/Rect [0 0 595 842]/F 4/Contents (APPROVED)/DA (/F1 40 Tf)/AP <</N %d 0 R>>>>"
    )
    page = newest(data, first_page(data))
    page = re.sub(rb"/Annots ?\[", b"/Annots [%d 0 R " % fresh, page)
    return update(data, {first_page(data): page, fresh: note % (fresh + 1), fresh + 1: drawn})


def a_form_over_it(data: bytes) -> bytes:
    """A text field with a value that covers the page."""
    fresh, form = size(data), number(newest(data, root(data)), rb"/AcroForm ([0-9]+) 0 R")
    box = b"<</FT /Tx/T (x)/V (APPROVED)/Type /Annot/Subtype /Widget/F 4/Rect [0 0 595 842]/P %d 0 R>>"
    fields = re.sub(rb"/Fields ?\[", b"/Fields [%d 0 R " % fresh, newest(data, form))
    page = re.sub(rb"/Annots ?\[", b"/Annots [%d 0 R " % fresh, newest(data, first_page(data)))
    return update(data, {form: fields, first_page(data): page, fresh: box % first_page(data)})


def a_face_for_the_seal(data: bytes) -> bytes:
    """The invisible field of the seal gets a face over the page (certification attack)."""
    widget, fresh = number(newest(data, first_page(data)), rb"/Annots ?\[ ?([0-9]+) 0 R"), size(data)
    words = re.sub(rb"/Rect ?\[[^\]]*\]", b"/Rect [0 0 595 842]/AP <</N %d 0 R>>" % fresh, newest(data, widget))
    return update(data, {widget: words, fresh: stream(TEXT, b"/Type /XObject/Subtype /Form/BBox [0 0 595 842]")})


# --- attachments and what the file says of itself ---
def other_trail(data: bytes) -> bytes:
    """The attached trail replaced."""
    held = [int(n) for n in re.findall(rb"/EF <</F ([0-9]+) 0 R>>", data)]
    return update(data, {held[0]: stream(zlib.compress(b"{}"), b"/Type /EmbeddedFile/Filter /FlateDecode")})


def an_attachment_more(data: bytes) -> bytes:
    fresh = size(data)
    words = b"<</Type /Filespec/F (trail.json)/UF (trail.json)/AFRelationship /Data/EF <</F %d 0 R>>>>" % (fresh + 1)
    catalogue = re.sub(rb"/AF ?\[", b"/AF [%d 0 R " % fresh, newest(data, root(data)))
    file = stream(zlib.compress(b"{}"), b"/Type /EmbeddedFile/Filter /FlateDecode")
    return update(data, {root(data): catalogue, fresh: words, fresh + 1: file})


def an_action(data: bytes) -> bytes:
    action = b"/OpenAction <</S /JavaScript/JS (this.getField('x').value='y')>>/Type /Catalog"
    return changed(data, root(data), rb"/Type ?/Catalog", action)


def another_title(data: bytes) -> bytes:
    info = number(data, rb"/Info ([0-9]+) 0 R")
    return update(data, {info: b"<</Title (APPROVED)>>"}, extra=b"/Info %d 0 R" % info)


def another_catalogue(data: bytes) -> bytes:
    """Another root object, in which there is neither seal nor permission."""
    fresh = size(data)
    bare = re.sub(rb"/(?:AcroForm|DSS) [0-9]+ 0 R|/Perms <<[^>]*>>", b"", newest(data, root(data)))
    return update(data, {fresh: bare}, root_is=fresh)


def hidden_layers(data: bytes) -> bytes:
    fresh = size(data)
    layers = b"/OCProperties <</OCGs [%d 0 R]/D <</OFF [%d 0 R]>>>>/Type /Catalog" % (fresh, fresh)
    catalogue = re.sub(rb"/Type ?/Catalog", layers, newest(data, root(data)))
    return update(data, {root(data): catalogue, fresh: b"<</Type /OCG/Name (x)>>"})


def more_evidence(data: bytes) -> bytes:
    """A later update of the collected certificates: harmless elsewhere, but ours ends with its signature."""
    store = number(newest(data, root(data)), rb"/DSS ([0-9]+) 0 R")
    fresh = size(data)
    words = re.sub(rb"/Certs ?\[", b"/Certs [%d 0 R " % fresh, newest(data, store))
    certificate = newest(data, number(newest(data, store), rb"/Certs ?\[ ?([0-9]+) 0 R"))
    return update(data, {store: words, fresh: certificate})


# --- the signature itself ---
def no_permission(data: bytes) -> bytes:
    """The certification taken away, so that readers would permit changes."""
    return changed(data, root(data), rb"/Perms <<[^>]*>>", b"")


def no_range(data: bytes) -> bytes:
    """Universal forgery: a signature that tells no range, over other pages."""
    value = _value(data)
    return update(
        other_content(data), {value: re.sub(rb"/ByteRange ?\[[^\]]*\]", b"/ByteRange null", newest(data, value))}
    )


def no_digits(data: bytes) -> bytes:
    """Universal forgery: a signature without its digits, over other pages."""
    value = _value(data)
    bare = re.sub(rb"/Contents ?<[0-9A-Fa-f]*>", b"/Contents <00>", newest(data, value))
    return update(other_content(data), {value: bare})


def _value(data: bytes) -> int:
    return number(data, rb"/DocMDP ([0-9]+) 0 R")


def wrapped(data: bytes) -> bytes:
    """Signature wrapping: what was signed moves behind other pages, which stand where the range leaves room."""
    first, before, begins, rest = map(int, re.findall(rb"/ByteRange ?\[ ?([0-9 ]+?) *\]", data)[-1].split())
    gap = data[before:begins]
    drawn = int(re.findall(rb"/Contents ([0-9]+) 0 R", newest(data, first_page(data)))[0])
    foreign = b"\n%d 0 obj\n%s\nendobj\n" % (drawn, stream(TEXT))
    moved = data[:before] + gap + foreign + data[begins:]
    told = b"%d %d %d %d" % (first, before, begins + len(foreign), rest)
    return re.sub(rb"/ByteRange ?\[ ?[0-9 ]+\]", b"/ByteRange [%s]" % told, moved)


def a_later_seal(data: bytes) -> bytes:
    """A second signature field that points to the same digits."""
    fresh, form = size(data), number(newest(data, root(data)), rb"/AcroForm ([0-9]+) 0 R")
    words = b"<</FT /Sig/T (Other)/Type /Annot/Subtype /Widget/F 132/Rect [0 0 0 0]/V %d 0 R>>" % _value(data)
    fields = re.sub(rb"/Fields ?\[", b"/Fields [%d 0 R " % fresh, newest(data, form))
    return update(data, {form: fields, fresh: words})


def put_between(data: bytes) -> bytes:
    """Other pages between the print and its signature, all places told anew, so that only the digest tells."""
    length = len(data[: data.index(b"%%EOF\n")]) + len(b"%%EOF\n")
    return update(data[:length], {}) + data[length:]


def other_digits_of_a_page(data: bytes) -> bytes:
    """One character of a page's own words, in place."""
    place = data.index(b"/MediaBox")
    return data[: place + 1] + b"N" + data[place + 2 :]


def a_stream_of_places(data: bytes) -> bytes:
    """The update's table as a stream, which our own prints never have."""
    drawn = int(re.findall(rb"/Contents ([0-9]+) 0 R", newest(data, first_page(data)))[0])
    out = bytearray(data)
    place = len(out)
    out += b"%d 0 obj\n%s\nendobj\n" % (drawn, stream(TEXT))
    begins, fresh = len(out), size(data)
    rows = b"\x01%s\x00\x01%s\x00" % (place.to_bytes(4, "big"), begins.to_bytes(4, "big"))
    words = b"/Type /XRef/Size %d/W [1 4 1]/Index [%d 1 %d 1]/Root %d 0 R/Prev %d" % (
        fresh + 1, drawn, fresh, root(data), number(data, rb"startxref\n([0-9]+)")
    )  # fmt: skip
    return bytes(out + b"%d 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (fresh, stream(rows, words), begins))


ATTACKS: dict[str, Attack] = {
    one.__name__: one
    for one in (
        a_comment, an_empty_update, another_end, other_content, other_contents, a_page_more, a_page_less, other_font,
        a_freed_page, a_larger_sheet, a_note_over_it, a_form_over_it, a_face_for_the_seal, other_trail,
        an_attachment_more, an_action, another_title, another_catalogue, hidden_layers, more_evidence, no_permission,
        no_range, no_digits, wrapped, a_later_seal, put_between, other_digits_of_a_page, a_stream_of_places,
    )
}  # fmt: skip
