#!/usr/bin/env python3
"""检查打印的全程留痕，离线，只需本文件和 Python 3.9 以上 / check a printed trail with this file and Python alone.

python3 fangpin_verify.py TRAIL.pdf [--key KEY] [--head HEX]

KEY: the office's public key (name+number+base64, or a file that holds it), got from somewhere else than the trail.
HEX: the trail head, or its first 16 digits, as noted or printed earlier.
Exit status: 0 intact, 2 altered, 3 intact in itself but nobody vouches for it, 4 not a trail that can be checked.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import sys
import unicodedata
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

INTACT, ALTERED, UNKNOWN, MALFORMED = 0, 2, 3, 4
MOST, MOST_OBJECTS, MOST_ENTRIES, DEEPEST = 64_000_000, 100_000, 10_000, 60  # MOST: bytes, inflated ones too
TRAIL, SEAL, NOTE, NOTE_FORMAT = "trail.json", "seal.json", "print.note", "fp-print-v1"
Said = tuple[str, str]  # a code of SAID and where


class Malformed(Exception):
    """The file is nothing that this program can judge; the text says where."""


class Altered(Exception):
    """The file was ours once; a code and where."""


# A PDF as our program writes it: object after object, and nothing in between.
HEADER = re.compile(rb"%PDF-1\.[4-7]\n%[^\n]{1,16}\n")
OBJECT = re.compile(rb"([1-9][0-9]{0,6}) 0 obj\n")
BODY = re.compile(rb"\n(?:endobj\n|stream\n)")
LENGTH = re.compile(rb"/Length ([0-9]{1,9})(?=[/> ])")
REFERENCE = re.compile(rb"([0-9]{1,7}) 0 R")
TRAILER = re.compile(
    rb"trailer\n<<\n/Size ([0-9]+)\n/Root ([0-9]+) 0 R\n/Info ([0-9]+) 0 R\n"
    rb"/ID \[\(([0-9a-f]{64})\) \(([0-9a-f]{32})\)\]\n>>\nstartxref\n([0-9]+)\n%%EOF\n"
)


class Pdf:
    """A file of ours: objects as (dictionary, stream, digest) by number, pages and attachments by their numbers."""

    def __init__(self, data: bytes) -> None:
        begun = HEADER.match(data)
        if not begun or len(data) > MOST:
            raise Malformed("PDF")
        self.objects: dict[int, tuple[bytes, bytes, str]] = {}
        self.sum = hashlib.md5(usedforsecurity=False)  # the file's own checksum, against accidents
        places: list[int] = []
        position = begun.end()
        while not data.startswith(b"xref\n", position):
            places.append(position)
            position = self._object(data, position)
        self._end(data, position, places)
        self.pages = self._kids()
        self.attached = self._attachments()

    def _object(self, data: bytes, position: int) -> int:
        """Read the next object; they are numbered as they stand."""
        head = OBJECT.match(data, position)
        body = BODY.search(data, head.end()) if head else None
        if not head or not body or int(head[1]) != len(self.objects) + 1 or len(self.objects) >= MOST_OBJECTS:
            raise Malformed(f"PDF byte {position}")
        end, stream, words = body.end(), b"", data[head.end() : body.start()]
        if body[0] == b"\nstream\n":
            lengths, closing = LENGTH.findall(words), b"\nendstream\nendobj\n"
            stream = data[end : end + int(lengths[0])] if len(lengths) == 1 else b""
            end += len(stream)
            if len(lengths) != 1 or not data.startswith(closing, end):
                raise Malformed(f"PDF byte {position}")
            end += len(closing)
        self.sum.update(data[head.end() : end - len(b"\nendobj\n")])
        self.objects[int(head[1])] = (words, stream, hashlib.sha256(data[position:end]).hexdigest())
        return end

    def _end(self, data: bytes, position: int, places: list[int]) -> None:
        """The table must name each object where it stands, and the file must end with it."""
        rows = [b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)]
        table = b"".join(rows + [b"%010d 00000 n \n" % place for place in places])
        end = TRAILER.match(data, position + len(table)) if data.startswith(table, position) else None
        if not end or (int(end[1]), int(end[6])) != (len(places) + 1, position):
            raise Malformed("PDF xref")
        if end.end() != len(data):
            raise Altered("appended", f"{len(data) - end.end()} bytes")
        self.root, self.info, self.head = int(end[2]), int(end[3]), end[4].decode()
        if self.sum.hexdigest().encode() != end[5]:
            raise Altered("part", "/ID")

    def words(self, number: int) -> bytes:
        """Return the dictionary of an object, empty where there is none."""
        return self.objects[number][0] if number in self.objects else b""

    def _one(self, number: int, pattern: bytes) -> bytes:
        found = re.findall(pattern, self.words(number))
        if len(found) != 1:
            raise Malformed(f"PDF object {number}")
        return bytes(found[0])

    def _kids(self) -> list[int]:
        tree = int(self._one(self.root, rb"/Pages ([0-9]+) 0 R"))
        kids = [int(n) for n in REFERENCE.findall(self._one(tree, rb"/Kids \[([^\]]*)\]"))]
        if not kids or len(set(kids)) != len(kids) or not all(b"/Type /Page/" in self.words(n) for n in kids):
            raise Malformed("PDF pages")
        return kids

    def _attachments(self) -> dict[str, int]:
        """Every embedded file by its name; one that no name leads to, or two of one name, are refused."""
        held = [
            n for n, (words, _, _) in self.objects.items() if b"/EmbeddedFile" in words and b"/Type /Cat" not in words
        ]
        specs = [n for n in self.objects if b"/Type /Filespec" in self.words(n)]
        names = [self._one(n, rb"/UF \(([^()\\]{1,120})\)").decode("latin-1") for n in specs]
        found = dict(zip(names, (int(self._one(n, rb"/EF <</F ([0-9]+) 0 R>>")) for n in specs)))
        if sorted(found.values()) != sorted(held) or len(found) != len(specs) or not {*found} <= {TRAIL, SEAL, NOTE}:
            raise Malformed("PDF attachments")
        return found

    def read(self, name: str) -> str:
        """Return the text of an attachment, inflated within a limit."""
        words, stream, _ = self.objects.get(self.attached.get(name, 0), (b"", b"", ""))
        try:
            inflater = zlib.decompressobj()
            raw = inflater.decompress(stream, MOST)
            if b"/DecodeParms" in words or not inflater.eof or inflater.unused_data or inflater.unconsumed_tail:
                raise Malformed(name)
            return raw.decode("utf-8")
        except (zlib.error, UnicodeDecodeError):
            raise Malformed(name) from None

    def parts(self, page: int) -> set[int]:
        """Return the objects that a page consists of."""
        found: set[int] = set()
        waiting = [page]
        while waiting:
            number = waiting.pop()
            if number not in found and number in self.objects and (number == page or number not in self.pages):
                found.add(number)
                words = re.sub(rb"/Parent [0-9]+ 0 R", b"", self.words(number))
                waiting += [int(n) for n in REFERENCE.findall(words)]
        return found


def note_body(pdf: Pdf, trail: str) -> str:
    """Return what the office signs of a print: the trail, and every object of the file but the signature's own."""
    own = pdf.attached.get(NOTE)
    lines = [f"{n} {digest}" for n, (_, _, digest) in sorted(pdf.objects.items()) if n != own]
    first = [NOTE_FORMAT, f"trail {sha(trail)}", f"root {pdf.root} info {pdf.info} objects {len(pdf.objects)}"]
    return "\n".join(first + lines) + "\n"


def sha(text: str) -> str:
    """Return the SHA-256 of a text, in hex."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def read_key(text: str) -> tuple[str, bytes, bytes]:
    """Return the key of a line ``name+number+base64``; raise Malformed."""
    name, _, rest = text.strip().partition("+")
    number, _, coded = rest.partition("+")
    raw = base64.b64decode(coded)
    own = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
    if len(raw) != 33 or raw[:1] != b"\x01" or own.hex() != number:
        raise Malformed("KEY")
    return name, own, raw[1:]


def signed_body(text: str, key: tuple[str, bytes, bytes]) -> str | None:
    """Return the body of a C2SP signed note if the key signed it, None if it did not; raise Altered or Malformed."""
    body, blank, lines = text.rpartition("\n\n")
    rows = [line.rpartition(" ") for line in lines[:-1].split("\n")]
    if not blank or not lines.endswith("\n") or len(rows) > 16:
        raise Malformed(NOTE)
    mine = [coded for who, _, coded in rows if who == f"\N{EM DASH} {key[0]}" and base64.b64decode(coded)[:4] == key[1]]
    if not all(ed25519_holds(key[2], base64.b64decode(coded)[4:], (body + "\n").encode()) for coded in mine):
        raise Altered("signature", key[0])
    return body + "\n" if mine else None


Point = tuple[int, int, int, int]
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, ROOT = -121665 * pow(121666, P - 2, P) % P, pow(2, (P - 1) // 4, P)


def _add(one: Point, other: Point) -> Point:
    a, b = (one[1] - one[0]) * (other[1] - other[0]) % P, (one[1] + one[0]) * (other[1] + other[0]) % P
    c, d = 2 * one[3] * other[3] * D % P, 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(factor: int, point: Point) -> Point:
    total: Point = (0, 1, 1, 0)
    while factor:
        total = _add(total, point) if factor & 1 else total
        point, factor = _add(point, point), factor >> 1
    return total


def _point(raw: bytes) -> Point | None:
    """Decode a point; None for what is none (RFC 8032, 5.1.3)."""
    y, sign = int.from_bytes(raw, "little") & (2**255 - 1), raw[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * ROOT % P
    if y >= P or x * x % P != square or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = _point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def ed25519_holds(public: bytes, signature: bytes, message: bytes) -> bool:
    """Tell whether a signature is a key's over a message (RFC 8032, 5.1.7)."""
    if len(signature) != 64 or len(public) != 32:
        return False
    key, nonce, s = _point(public), _point(signature[:32]), int.from_bytes(signature[32:], "little")
    if key is None or nonce is None or BASE is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    one, other = _times(s, BASE), _add(nonce, _times(k, key))
    return all((one[n] * other[2] - other[n] * one[2]) % P == 0 for n in (0, 1))


def canonical(value: Any, depth: int = 0) -> str:
    """Return canonical JSON: sorted keys, no spaces, NFC; no fractions."""
    if depth > DEEPEST or isinstance(value, float):
        raise ValueError
    if isinstance(value, list):
        return "[" + ",".join(canonical(part, depth + 1) for part in value) + "]"
    if isinstance(value, dict):
        parts = sorted((unicodedata.normalize("NFC", name), part) for name, part in value.items())
        return "{" + ",".join(f"{canonical(name)}:{canonical(part, depth + 1)}" for name, part in parts) + "}"
    return json.dumps(unicodedata.normalize("NFC", value) if isinstance(value, str) else value, ensure_ascii=False)


def parsed(text: str, form: str) -> Any:
    """Parse canonical JSON of a table of some format; None for anything else."""
    try:
        body = json.loads(text)
        is_so = isinstance(body, dict) and body.get("format") == form and canonical(body) == text
    except (ValueError, TypeError, RecursionError):
        return None
    return body if is_so else None


def check_trail(text: str) -> tuple[str, list[Said]]:
    """Check a trail by itself; return its head and what is wrong, the first wrong entry first."""
    trail = parsed(text, "fp-trail-v1")
    try:
        chains = [(str(c["case"]), [str(e) for e in c["entries"]], c["head"]) for c in trail["chains"]]
        shown = [(d["case"], d["seq"], d["field"], d["salt"], d["value"]) for d in trail["disclosures"]]
        if not 0 < sum(len(entries) for _, entries, _ in chains) <= MOST_ENTRIES:
            raise ValueError
        bodies: dict[tuple[str, int], dict[str, Any]] = {}
        found = [said for chain in chains for said in _chain(trail, bodies, *chain)]
        found += [("value", f"{case} #{seq} {name}") for case, seq, name, *more in shown
                  if not _committed(bodies.get((case, seq), {}), name, *more)]  # fmt: skip
        named = {str(b.get(key)).rpartition(":")[2] for b in bodies.values() for key in ("definition", "policy")}
        found += [("text", key[:16]) for key, known in trail["texts"].items() if sha(known) != key]
        found += [("text", key[:16]) for key in sorted(named) if key not in trail["texts"]]
        return sha(canonical([[case, len(entries), head] for case, entries, head in chains])), found
    except (KeyError, TypeError, AttributeError, ValueError):
        raise Malformed(TRAIL) from None


def _chain(trail: Any, bodies: dict[tuple[str, int], Any], case: str, entries: list[str], head: str) -> Iterator[Said]:
    """An entry is wrong that stands in the wrong place, or whose hash is not what the next entry, or the head, says."""
    for seq, entry in enumerate(entries, 1):
        bodies[case, seq] = parsed(entry, "fp-entry-v1") or {}
    told = [bodies[case, seq].get("prev") for seq in range(1, len(entries) + 1)] + [head]
    broken = [one != other for one, other in zip(["0" * 64, *map(sha, entries)], told)] + [False]
    for seq in range(1, len(entries) + 1):
        own = (seq, case, trail["county"], f"household:{trail['household']}")
        is_placed = tuple(map(bodies[case, seq].get, ("seq", "case", "county", "subject"))) == own
        if not is_placed or (broken[seq] and (broken[seq - 1] or not broken[seq + 1])) or (seq == 1 and broken[0]):
            yield "entry", f"{case} #{seq}"


def _committed(body: dict[str, Any], name: str, salt: str, value: str) -> bool:
    parts = (bytes.fromhex(salt), name.encode(), unicodedata.normalize("NFC", value).encode())
    after = body.get("changes", {}).get(name, {}).get("after")
    return bool(after == {"sha256": hashlib.sha256(b"\x00".join(parts)).hexdigest()})


SAID = {line.split("|")[0]: line.split("|")[1:] for line in """
0|结论：完好。|Verdict: intact.
2|结论：被改动。|Verdict: altered.
3|结论：自身一致，但没有可信依据。|Verdict: consistent in itself, but nobody vouches for it.
4|结论：不是可以核验的全程留痕。|Verdict: not a trail that can be checked.
malformed|不能核验：{}|can't be checked: {}
entry|记录与链条不符，首个错误：{}|an entry does not fit its chain, the first: {}
value|个人信息与记录所承诺的不符：{}|a personal value is not the one its entry committed to: {}
text|规则文本缺失或不符：{}|a text of the rules is missing or differs: {}
page|页面被改动：第 {} 页|a page was altered: page {}
part|文件的其他部分被改动：{}|another part of the file was altered: {}
appended|签发后追加了内容：{}|something was appended after sealing: {}
signature|签名无效：{}|the signature does not hold: {}
head_is|留痕校验值：{}|trail head: {}
by_key|全部页面和内容由持钥机关签发：{}|all pages and contents were sealed by the key: {}
by_head|与所记校验值一致：{}|as the noted head says: {}
other_head|与所记校验值不符：{}|not the noted head: {}
earlier_head|所记校验值是 {} 时的，此后有新的记录|the noted head is of {}, entries came after it
not_by_key|没有该公钥签发的页面清单：{}|no list of its pages is sealed by this key: {}
no_anchor|未提供公钥或所记校验值{}|neither a public key nor a noted head was given{}
left_pages|未核验：页面是否与附件一致{}|not checked: whether the pages show what is attached{}
left_latest|未核验：此后是否还有新的记录{}|not checked: whether there are later entries by now{}
""".strip().split("\n")}  # fmt: skip


def verify(data: bytes, key: str = "", head: str = "") -> tuple[int, list[Said], str]:
    """Judge a file; return the exit status, what was found (code, where) and the trail head."""
    try:
        pdf = Pdf(data)
        trail = pdf.read(TRAIL)
        found, wrong = check_trail(trail)
        wrong = wrong or ([] if found == pdf.head else [("part", "/ID")])
        said = wrong or list(_vouched(pdf, trail, found, key, head))
    except (Malformed, binascii.Error) as error:
        return MALFORMED, [("malformed", str(error))], ""
    except Altered as error:
        return ALTERED, [(error.args[0], error.args[1])], ""
    codes = {code for code, _ in said}
    if wrong or codes & {"page", "part", "other_head"}:
        return ALTERED, said, found
    return (INTACT if codes & {"by_key", "by_head"} else UNKNOWN), [*said, ("left_latest", "")], found


def _vouched(pdf: Pdf, trail: str, found: str, key: str, head: str) -> Iterator[Said]:
    """Yield who vouches for a trail that is sound in itself, what speaks against it, and what stays open."""
    if key:
        yield from _sealed(pdf, trail, read_key(key))
    else:
        yield "left_pages", ""
    if head:
        yield _noted(json.loads(trail), found, "".join(head.split()).lower())
    if not key and not head:
        yield "no_anchor", ""


def _sealed(pdf: Pdf, trail: str, key: tuple[str, bytes, bytes]) -> Iterator[Said]:
    body = signed_body(pdf.read(NOTE), key) if NOTE in pdf.attached else None
    if body is None:
        yield "not_by_key", key[0]
        return
    told, own = body.split("\n"), note_body(pdf, trail).split("\n")
    changed = [int(line.split(" ")[0]) for line in sorted(set(own[3:-1]) - set(told[3:-1]))]
    pages = [nth for nth, page in enumerate(pdf.pages, 1) if pdf.parts(page) & set(changed)]
    if told == own:
        yield "by_key", key[0]
    elif not pages:
        yield "part", ", ".join(map(str, changed)) or "trailer"
    yield from (("page", str(page)) for page in pages)


def _noted(trail: Any, found: str, noted: str) -> Said:
    """A noted head is the trail's own, an earlier one of it (entries came after), or of another history."""
    if not re.fullmatch(r"[0-9a-f]{16,64}", noted):
        raise Malformed("HEX")
    if found.startswith(noted):
        return "by_head", noted[:16]
    chains = [(c["case"], [(json.loads(e)["at"], sha(e)) for e in c["entries"]]) for c in trail["chains"]]
    for at in sorted({at for _, entries in chains for at, _ in entries}):
        then = [(case, [hashed for moment, hashed in entries if moment <= at]) for case, entries in chains]
        if sha(canonical([[case, len(known), known[-1]] for case, known in then if known])).startswith(noted):
            return "earlier_head", at
    return "other_head", noted[:16]


def main(words: Sequence[str]) -> int:
    options, head = dict(zip(words[1::2], words[2::2])), ""
    try:
        if len(words) % 2 != 1 or not set(options) <= {"--key", "--head"} or Path(words[0]).stat().st_size > MOST:
            raise Malformed("TRAIL.pdf [--key KEY] [--head HEX]")
        key = options.get("--key", "")
        key = Path(key).read_text("utf-8")[:1000] if key and Path(key).is_file() else key
        code, said, head = verify(Path(words[0]).read_bytes(), key, options.get("--head", ""))
    except (OSError, UnicodeDecodeError, Malformed) as error:
        code, said = MALFORMED, [("malformed", str(error)[:200])]
    for lang in (0, 1):
        print(SAID[str(code)][lang])
        for what, where in [*said, *([("head_is", head)] if head else [])]:
            print("  " + SAID[what][lang].format(where))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
