"""A sealed print edited at random, roughly and with skill: the verifier of one file finds every edit."""

import hashlib
import random
import re
import zlib
from collections import Counter

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reports import fangpin_verify as alone
from reports.render import render_trail
from tests.bench.trails import trail_of
from tests.factories import included
from workflows.checkpoint import VerifierKey, signed_body

KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"a key of these tests").digest())
PUBLIC = VerifierKey("fangpin/500241/print", KEY.public_key().public_bytes_raw())
BLAMED = (alone.ALTERED, alone.MALFORMED)


def note_of(body: str) -> str:
    """A note as the office signs it."""
    return signed_body(body, PUBLIC, KEY.sign).text


def rewritten(data: bytes, change: dict[bytes, bytes], inside: str = "") -> bytes:
    """Whoever alters with skill: parts replaced, streams packed anew, lengths, table and checksum made to fit again.

    Everywhere, or inside one attachment; what holds none of the parts stays as it is.
    """
    head = alone.HEADER.match(data)
    assert head
    out, places, pdf, total = bytearray(head[0]), [], alone.Pdf(data), hashlib.md5(usedforsecurity=False)
    for number, (before, stream, _) in pdf.objects.items():
        places.append(len(out))
        is_meant = not inside or pdf.attached.get(inside) == number
        body = packed(before, stream, change if is_meant else {})
        total.update(body)
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    end = len(out)
    rows = [b"%010d 00000 n \n" % place for place in places]
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1) + b"".join(rows)
    trailer = re.sub(rb"startxref\n[0-9]+", b"startxref\n%d" % end, data[data.rindex(b"trailer\n") :])
    return bytes(out) + re.sub(rb"\([0-9a-f]{32}\)", b"(%s)" % total.hexdigest().encode(), trailer)


def packed(words: bytes, stream: bytes, change: dict[bytes, bytes]) -> bytes:
    """An object with parts replaced, packed anew."""
    is_packed = b"/FlateDecode" in words and bool(stream)
    raw = zlib.decompress(stream) if is_packed else stream
    before = raw
    for old, new in change.items():
        raw, words = raw.replace(old, new), words.replace(old, new)
    raw = stream if raw == before else zlib.compress(raw) if is_packed else raw
    if not stream:
        return words
    return re.sub(rb"/Length [0-9]+", b"/Length %d" % len(raw), words) + b"\nstream\n" + raw + b"\nendstream"


def flipped(data: bytes, chance: random.Random) -> bytes:
    """One bit of the file."""
    place, out = chance.randrange(len(data)), bytearray(data)
    out[place] ^= 1 << chance.randrange(8)
    return bytes(out)


def cut(data: bytes, chance: random.Random) -> bytes:
    """Some bytes less."""
    place = chance.randrange(len(data) - 1)
    return data[:place] + data[place + chance.randint(1, 40) :]


def stuffed(data: bytes, chance: random.Random) -> bytes:
    """Some bytes more, at the end as often as inside."""
    place = chance.choice((len(data), chance.randrange(len(data))))
    return data[:place] + chance.choice((b"\n", b"%\n", b" ", chance.randbytes(9))) + data[place:]


def retold(data: bytes, chance: random.Random) -> bytes:
    """One character of the attached trail, packed anew with skill."""
    text = alone.Pdf(data).read(alone.TRAIL)
    place = chance.randrange(len(text))
    other = chr((ord(text[place]) + 1 + chance.randrange(90)) % 0x3000)
    return rewritten(data, {text.encode(): (text[:place] + other + text[place + 1 :]).encode()}, alone.TRAIL)


def repainted(data: bytes, chance: random.Random) -> bytes:
    """One byte of what is drawn on a page, packed anew with skill."""
    pdf = alone.Pdf(data)
    found = re.search(rb"/Contents ([0-9]+) 0 R", pdf.words[chance.choice(pdf.pages)])
    assert found
    drawn = bytearray(zlib.decompress(pdf.objects[int(found[1])][1]))
    place = chance.randrange(len(drawn))
    before, drawn[place] = bytes(drawn), (drawn[place] + 1 + chance.randrange(254)) % 256
    return rewritten(data, {before: bytes(drawn)})


WAYS = (flipped, cut, stuffed, retold, repainted)


def prove(*, edits: int, entries: int, chance: random.Random) -> str:
    """Edit one print again and again; raises AssertionError with the first edit that nobody noticed."""
    data = render_trail(trail_of(entries, included()), seal=note_of)
    assert alone.verify(data, PUBLIC.text)[0] == alone.INTACT
    done: Counter[str] = Counter()
    for nth in range(edits):
        way = WAYS[nth % len(WAYS)]
        edited = way(data, chance)
        if edited == data:
            continue
        status, said, _ = alone.verify(edited, PUBLIC.text)
        if status not in BLAMED:
            raise AssertionError(f"edit {nth} ({way.__name__}) was not found: {said}")
        done[way.__name__] += 1
    kinds = ", ".join(f"{kind} {count}" for kind, count in done.items())
    return f"{done.total()} edits of a print of {entries} entries, all found ({kinds})"
