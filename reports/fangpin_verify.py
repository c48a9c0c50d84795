#!/usr/bin/env python3
"""检查打印的全程留痕，离线，只需本文件和 Python 3.9 以上 / check a printed trail with this file and Python alone.

python3 fangpin_verify.py FILE [--key KEY] [--head HEX] [--checkpoint FILE]
FILE: a trail (PDF, with or without the office's electronic seal, or its trail.json), or a bundle (zip).
KEY: the office's public key (name+number+base64, or a file that holds it), got from somewhere else than the trail.
HEX: the trail head, or its first 16 digits, as noted earlier. --checkpoint: one of the county's log, kept elsewhere, or a folder (*.txt).
Exit status: 0 intact, 2 altered, 3 intact in itself but nobody vouches for it, 4 not a trail that can be checked.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import unicodedata
import zipfile
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import IO, Any

# fmt: off
INTACT, ALTERED, UNKNOWN, MALFORMED = 0, 2, 3, 4
MOST, MOST_OBJECTS, MOST_ENTRIES = 32_000_000, 100_000, 10_000  # MOST: bytes of a trail, inflated ones too
SECONDS, MEMORY = 5, 190 << 20  # a bundle that the key vouches for may take longer
TRAIL, SEAL, NOTE, NOTE_FORMAT, BUNDLE = "trail.json", "seal.json", "print.note", "fp-print-v1", "fp-bundle-v1"
ATTACHED, MANIFEST, MANIFEST_NOTE, POINT = {TRAIL, SEAL, NOTE, "annex.json"}, "manifest.json", "manifest.note", "checkpoint.txt"
Said = tuple[str, str]  # a code of SAID and where
Key = tuple[str, bytes, bytes]  # its name, its number, itself
Log = tuple[str, int, bytes]  # a checkpoint: the log's name, its number of leaves, its root
Steps = dict[tuple[str, int], list[tuple[Log, list[bytes]]]]  # by log and leaves: a later checkpoint, and the proof
Kept = tuple[list[Log], Steps, list[Log]]  # checkpoints kept elsewhere, proofs, what these must lead to
Spot = tuple[int, int]
class Altered(Exception):
    """The file was ours once; a code and where. What BROKEN names means that there is nothing to judge."""
BROKEN = (ValueError, LookupError, TypeError, AttributeError, RuntimeError, EOFError, zlib.error, zipfile.BadZipFile)

# A PDF as our program writes it: object after object, nothing in between, and a plain table.
HEADER = re.compile(rb"%PDF-1\.7\n%\xf0\x9f\x96\xa4\n")
OBJECT = re.compile(rb"([1-9][0-9]{0,6}) 0 obj\n(.*?)(?:\nstream\n(.*)\nendstream)?\nendobj\n", re.S)
SECTION = re.compile(rb"([0-9]{1,7}) ([0-9]{1,7})\n((?:[0-9]{10} [0-9]{5} [fn] \n)+)")
LENGTH, REFERENCE = re.compile(rb"/Length ([0-9]{1,9})(?=[/>\n]|$)"), re.compile(rb"([0-9]{1,7}) 0 R")
TRAILER = re.compile(
    rb"trailer\n<<\n/Size ([0-9]+)\n/Root ([0-9]+) 0 R\n/Info ([0-9]+) 0 R\n/ID \[\(([0-9a-f]{64})\) \(([0-9a-f]{32})\)\]\n>>\nstartxref\n([0-9]+)\n%%EOF\n")
# What the office's electronic seal (PAdES, no later change permitted) adds behind it: form, field, certificates, seal.
ADDED = re.compile(
    rb"<</Fields\[\d+ 0 R\]/SigFlags 3>><</FT/Sig/T\(\w+\)/Type/Annot/Subtype/Widget/F 132/Rect\[0 0 0 0\]/P \d+ 0 R/V \d+ 0 R>>"
    rb"(?:<</Length \d+>>)+<<(?:/(?:Certs|CRLs|OCSPs)\[(?:\d+ 0 R ?)*\])+>><</Contents<([0-9A-Fa-f]+)>/ByteRange\[0 (\d+) (\d+) (\d+)\]"
    rb"/Type/Sig/Filter/Adobe\.PPKLite/SubFilter/ETSI\.CAdES\.detached(?:/(?:Name|Location|Reason|ContactInfo|M)\((?:[^()\\]|\\.)*\))*"
    rb"/Reference\[<</Type/SigRef/TransformMethod/DocMDP/TransformParams<</Type/TransformParams/V/1\.2/P 1>>>>\]>>", re.S)
LEADING = re.compile(rb"(?:/(?:AcroForm|DSS) \d+ 0 R|/Perms<</DocMDP \d+ 0 R>>|/Extensions<</ESIC<<[\w/ .]*>>>>)*>>")
ADDED_END = re.compile(rb"trailer<</Size (\d+)(/Root \d+ 0 R/Info \d+ 0 R)/ID\[<(\w+)><\w+>\]/Prev (\d+)>>startxref (\d+) %%EOF")
def ensure(held: object, *where: str) -> None:
    """Raise ValueError, or Altered where a code is given, unless something holds."""
    if not held: raise (Altered if len(where) > 1 else ValueError)(*where)
def objects_of(data: bytes, start: int, table: int, end: int) -> tuple[dict[int, tuple[bytes, bytes, str]], dict[int, int]]:
    """Return objects (dictionary, stream, digest) and places that a table names; they fill all from ``start`` to it."""
    parts, objects = SECTION.findall(data, table, end), {}
    rows = [(int(first) + nth, row) for first, _, part in parts for nth, row in enumerate(part.splitlines())]
    is_so = data[table:end] == b"xref\n" + b"".join(b"%s %s\n%s" % part for part in parts) and rows[0] == (0, b"0000000000 65535 f ")
    ensure(is_so and all(row[10:] == b" 00000 n " for _, row in rows[1:]) and all(20 * int(n) == len(part) for _, n, part in parts), "PDF xref")
    places = {number: int(row[:10]) for number, row in rows[1:]}
    ends = [*sorted(places.values()), table]
    ensure(ends[0] == start and len(places) == len({*ends}) - 1 == len(rows) - 1 < MOST_OBJECTS, "PDF xref")
    for number, (place, after) in zip(sorted(places, key=places.__getitem__), zip(ends, ends[1:])):
        found = OBJECT.fullmatch(data, place, after)
        if not found or int(found[1]) != number: raise ValueError(f"PDF byte {place}")
        words, stream, lengths = found[2], found[3] or b"", LENGTH.findall(found[2])
        ensure(b"endobj" not in words and lengths == [b"%d" % len(stream)] * (found[3] is not None), f"PDF byte {place}")
        objects[number] = (words, stream, hashlib.sha256(data[place:after]).hexdigest())
    return objects, places
def plain(words: bytes) -> bytes:
    """Return words of a PDF with blanks only where they must be, and some characters as themselves."""
    words = re.sub(rb"\\(05[3-6]|07[23])", lambda found: bytes([int(found[1], 8)]), words)
    return re.sub(rb"\s*([][<>/()])\s*", rb"\1", re.sub(rb"\s+", b" ", words)).strip()

class Pdf:
    """A file of ours: its objects, its pages and attachments by their numbers."""
    def __init__(self, data: bytes) -> None:
        begun, end = HEADER.match(data), TRAILER.search(data)
        if not begun or not end or len(data) > MOST: raise ValueError("PDF")
        self.root, self.info, self.head, self.table = int(end[2]), int(end[3]), end[4].decode(), int(end[6])
        self.objects, places = objects_of(data, begun.end(), self.table, end.start())
        self.words = {number: held[0] for number, held in self.objects.items()}
        ensure([*places] == [*range(1, int(end[1]))] and [*places.values()] == sorted(places.values()), "PDF xref")
        self.pages, self.attached, self.has_seal = self._kids(), self._attachments(), end.end() < len(data)
        spans = zip(places.values(), [*[*places.values()][1:], self.table])
        parts = b"".join(data[data.index(b"\n", place) + 1 : after - len(b"\nendobj\n")] for place, after in spans)
        ensure(hashlib.md5(parts, usedforsecurity=False).hexdigest().encode() == end[5], "part", "/ID")  # accidents
        try: is_so = not self.has_seal or self._is_sealed(data, end.end())
        except BROKEN: is_so = False
        ensure(is_so, "appended", f"{len(data) - end.end()} bytes")
    def _is_sealed(self, data: bytes, base: int) -> bool:
        """Tell whether one electronic seal stands behind the file, over all of it, and changes nothing."""
        after = data.index(b"trailer\n", data.index(b"\nxref\n", base))
        end = ADDED_END.fullmatch(plain(data[after:]))
        added, places = objects_of(data, base, int(end[5]) if end else 0, after)
        words = {number: plain(found) for number, (found, _, _) in sorted(added.items())}
        before = [plain(self.words[number])[:-2] for number in (self.root, self.pages[0])]
        root, page, numbers = words.pop(self.root), words.pop(self.pages[0]), [*words]
        told = ADDED.fullmatch(b"".join(words.values()))
        stop = data.index(b">", start := data.index(b"/Contents <", places[numbers[-1]]) + len(b"/Contents ")) + 1
        return bool(
            end and told and numbers[0] > len(self.objects) and [n for n in words if added[n][1]] == numbers[2:-2]
            and root.startswith(before[0]) and LEADING.fullmatch(root, len(before[0])) and page == before[1] + b"/Annots[%d 0 R]>>" % numbers[1]
            and (told[1], *map(int, told.groups()[1:])) == (data[start + 1 : stop - 1], start, stop, len(data) - stop)
            and (int(end[1]), int(end[4]), end[3].decode()) == (max(places) + 1, self.table, self.head.encode().hex())
            and end[2] == b"/Root %d 0 R/Info %d 0 R" % (self.root, self.info))
    def _one(self, number: int, pattern: bytes) -> bytes:
        ensure(len(found := re.findall(pattern, self.words[number])) == 1, f"PDF object {number}")
        return bytes(found[0])
    def _kids(self) -> list[int]:
        tree = int(self._one(self.root, rb"/Pages ([0-9]+) 0 R"))
        kids = [int(n) for n in REFERENCE.findall(self._one(tree, rb"/Kids \[([^\]]*)\]"))]
        ensure(kids and len({*kids}) == len(kids) and all(b"/Type /Page/" in self.words[n] for n in kids), "PDF pages")
        return kids
    def _attachments(self) -> dict[str, int]:
        """Every embedded file by its name; one that no name leads to, or two of one name, are refused."""
        held = [n for n, words in self.words.items() if b"/EmbeddedFile" in words and b"/Type /Cat" not in words]
        specs = [n for n, words in self.words.items() if b"/Type /Filespec" in words]
        names = [self._one(n, rb"/UF \(([^()\\]{1,120})\)").decode("latin-1") for n in specs]
        found = dict(zip(names, (int(self._one(n, rb"/EF <</F ([0-9]+) 0 R>>")) for n in specs)))
        ensure(sorted(found.values()) == held and len(found) == len(specs) and {*found} <= ATTACHED, "PDF attachments")
        return found
    def read(self, name: str) -> str:
        """Return the text of an attachment, inflated within a limit."""
        (words, stream, _), inflater = self.objects[self.attached[name]], zlib.decompressobj()
        raw = inflater.decompress(stream, MOST)
        ensure(inflater.eof and not inflater.unused_data and b"/DecodeParms" not in words, name)
        return raw.decode("utf-8")
    def altered_pages(self, changed: set[int]) -> list[int]:
        """Return which pages, counted from 1, a changed object is a part of."""
        users: dict[int, set[int]] = {}
        for number, words in self.words.items():
            for part in REFERENCE.findall(re.sub(rb"/Parent [0-9]+ 0 R", b"", words)): users.setdefault(int(part), set()).add(number)
        found, waiting, pages = {*changed}, [*changed - {*self.pages}], {*self.pages}
        while waiting:
            above = users.get(waiting.pop(), set()) - found
            found |= above
            waiting += above - pages
        return [nth for nth, page in enumerate(self.pages, 1) if page in found]
def note_body(pdf: Pdf, trail: str) -> str:
    """Return what the office signs of a print: the trail, and every object of the file but the signature's own."""
    lines = [f"{n} {held[2]}" for n, held in sorted(pdf.objects.items()) if n != pdf.attached.get(NOTE)]
    first = [NOTE_FORMAT, f"trail {sha(trail)}", f"root {pdf.root} info {pdf.info} objects {len(pdf.objects)}"]
    return "\n".join(first + lines) + "\n"
def sha(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
def read_key(text: str) -> Key:
    """Return the key of a line ``name+number+base64``; raise ValueError."""
    name, number, coded = text.strip().split("+", 2)
    raw = b64decode(coded)
    own = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
    ensure(len(raw) == 33 and raw[:1] == b"\x01" and own.hex() == number, "KEY")
    return name, own, raw[1:]
def signed_body(text: str, key: Key) -> str:
    """Return the body of a C2SP signed note if the key signed it, else nothing; raise Altered or ValueError."""
    body, _, lines = text.rpartition("\n\n")
    rows = [(who, coded, b64decode(coded, validate=True)) for who, _, coded in (line.rpartition(" ") for line in lines[:-1].split("\n"))]
    is_so = all(who[:2] == "\N{EM DASH} " and b64encode(raw).decode() == coded for who, coded, raw in rows)
    ensure(is_so and body and lines.endswith("\n") and len(rows) <= 16, NOTE)
    mine = [raw[4:] for who, _, raw in rows if who[2:] == key[0] and raw[:4] == key[1]]
    ensure(all(ed25519_holds(key[2], signature, f"{body}\n".encode()) for signature in mine), "signature", key[0])
    return f"{body}\n" if mine else ""

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, ROOT = -121665 * pow(121666, -1, P) % P, pow(2, (P - 1) // 4, P)
def _add(one: Spot, other: Spot) -> Spot:
    (a, b), (c, d) = one, other
    both = D * a * b * c * d % P
    return (a * d + b * c) * pow(1 + both, -1, P) % P, (b * d + a * c) * pow(1 - both, -1, P) % P
def _times(factor: int, spot: Spot) -> Spot:
    half = _times(factor >> 1, _add(spot, spot)) if factor else (0, 1)
    return _add(half, spot) if factor & 1 else half
def _spot(raw: bytes) -> Spot:
    """Decode a point (RFC 8032, 5.1.3); raise ValueError for what is none."""
    y, sign = int.from_bytes(raw, "little") & (2**255 - 1), raw[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * ROOT % P
    ensure(y < P and x * x % P == square and (x or not sign), "no point")
    return (P - x if x & 1 != sign else x), y
def ed25519_holds(public: bytes, signature: bytes, message: bytes) -> bool:
    """Tell whether a signature is a key's over a message (RFC 8032, 5.1.7)."""
    try: base, key, nonce = map(_spot, ((4 * pow(5, -1, P) % P).to_bytes(32, "little"), public, signature[:32]))
    except (ValueError, IndexError): return False
    s, told = int.from_bytes(signature[32:], "little"), hashlib.sha512(signature[:32] + public + message).digest()
    return len(signature) == 64 and s < L and _times(s, base) == _add(nonce, _times(int.from_bytes(told, "little") % L, key))
def canonical(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
def parsed(text: str, form: str) -> Any:
    """Parse canonical JSON of a table of some format; raise ValueError for anything else (``int`` takes no fraction)."""
    body = json.loads(text, parse_float=int, parse_constant=int)
    ensure(isinstance(body, dict) and body.get("format") == form and canonical(body) == text and unicodedata.is_normalized("NFC", text), form)
    return body

class Trail:
    """A trail by itself: the hashes of its chains' entries, its head, and what is wrong, the first wrong entry first."""
    def __init__(self, text: str) -> None:
        trail = parsed(text, "fp-trail-v1")
        self.text, self.county, self.household, chains = text, trail["county"], trail["household"], trail["chains"]
        self.hashes = {str(chain["case"]): [*map(sha, chain["entries"])] for chain in chains}
        ensure(0 < sum(map(len, self.hashes.values())) <= MOST_ENTRIES and len(chains) == len(self.hashes), TRAIL)
        self.head = sha(canonical([[chain["case"], len(chain["entries"]), chain["head"]] for chain in chains]))
        self.bodies: dict[tuple[str, int], dict[str, Any]] = {}
        self.wrong = [said for c in chains for said in self._chain(c["case"], c["entries"], c["head"])]
        shown = [(f"{d['case']} #{d['seq']} {d['field']}", self._holds(d)) for d in trail["disclosures"]]
        named = {str(b.get(key)).rpartition(":")[2] for b in self.bodies.values() for key in ("definition", "policy")}
        kept = {key for key, known in trail["texts"].items() if sha(known) == key}
        self.wrong += [("value", where) for where, holds in shown if not holds] + [("text", key[:16]) for key in sorted({*named, *trail["texts"]} - kept)]
    def _chain(self, case: str, entries: list[str], head: str) -> Iterator[Said]:
        """An entry is wrong that stands in the wrong place, or whose hash is not what the next one, or the head, says."""
        for seq, entry in enumerate(entries, 1):
            try: self.bodies[case, seq] = parsed(entry, "fp-entry-v1")
            except BROKEN: self.bodies[case, seq] = {}
        told = [self.bodies[case, seq].get("prev") for seq in range(1, len(entries) + 1)] + [head]
        broken = [one != other for one, other in zip(["0" * 64, *self.hashes[case]], told)] + [False]
        for seq in range(1, len(entries) + 1):
            own = [seq, case, self.county, f"household:{self.household}"]
            is_placed = [*map(self.bodies[case, seq].get, ("seq", "case", "county", "subject"))] == own
            if not is_placed or (broken[seq] and (broken[seq - 1] or not broken[seq + 1])) or (seq == 1 and broken[0]):
                yield "entry", f"{case} #{seq}"
    def _holds(self, shown: Any) -> bool:
        """Tell whether a personal value is the one that its entry committed to."""
        name, value = shown["field"], unicodedata.normalize("NFC", shown["value"])
        after = self.bodies.get((shown["case"], shown["seq"]), {}).get("changes", {}).get(name, {}).get("after")
        return bool(after == {"sha256": hashlib.sha256(b"\x00".join((bytes.fromhex(shown["salt"]), name.encode(), value.encode()))).hexdigest()})
    def noted(self, head: str) -> Said:
        """A noted head is the trail's own, an earlier one of it (entries came after), or of another history."""
        ensure(re.fullmatch(r"[0-9a-f]{16,64}", head), "HEX")
        known: dict[str, list[Any]] = {case: [] for case in self.hashes}
        rows = sorted((body["at"], seq, case) for (case, seq), body in self.bodies.items())
        for at, moment in groupby([] if self.head.startswith(head) else rows, lambda row: row[0]):
            known.update({case: [case, seq, self.hashes[case][seq - 1]] for _, seq, case in moment})
            if sha(canonical([row for row in known.values() if row])).startswith(head): return "earlier_head", str(at)
        return ("by_head" if self.head.startswith(head) else "other_head"), head[:16]
def read_log(text: str, steps: Steps) -> Log:
    """Read a checkpoint, also one behind a proof of consistency, which goes to ``steps``; no signature is looked at."""
    before, _, after = text.partition("\n\n") if text.startswith("old ") else ("old 0", "", text)
    (name, size, coded), (old, *path) = after.split("\n")[:3], before.split("\n")
    root, *hashes = (b64decode(one, validate=True) for one in [coded, *path])
    ensure(re.fullmatch("old [0-9]{1,18} [1-9][0-9]{0,17}", f"{old} {size}") and {len(root), *map(len, hashes)} == {32}, "checkpoint")
    steps.setdefault((name, int(old[4:])), []).append(((name, int(size), root), hashes))
    return name, int(size), root
def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
def root_over(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the root that a proof of inclusion leads to (RFC 6962, 2.1.1); of another length it leads to nothing."""
    if size == 1 or not path or not 0 <= index < size: return b"" if path or index or size != 1 else leaf
    half = 1 << (size - 1).bit_length() - 1
    if index < half: return _node(root_over(leaf, index, half, path[:-1]), path[-1])
    return _node(path[-1], root_over(leaf, index - half, size - half, path[:-1]))
def roots_over(old: int, new: int, path: Sequence[bytes], known: bytes) -> tuple[bytes, bytes]:
    """Return both roots that a proof of consistency leads to (RFC 6962, 2.1.2); ``known``: the old one, while whole."""
    whole = (known or b"".join(path)) if old == new and len(path) == (not known) else b""
    if old == new or not path: return whole, whole
    half = 1 << (new - 1).bit_length() - 1
    one, two = roots_over(old, half, path[:-1], known) if old <= half else roots_over(old - half, new - half, path[:-1], b"")
    return (one, _node(two, path[-1])) if old <= half else (_node(path[-1], one), _node(path[-1], two))
def linked(own: Log, points: Sequence[Log], steps: Steps) -> tuple[list[Log], bool]:
    """Return what goes on from a checkpoint, and what all that goes on from, by proofs; and whether these proofs hold."""
    good, holds = [own], True
    for is_up, known in ((True, good), (False, sorted(points, key=lambda point: -point[1]))):
        for log, new, path in ((one, *more) for one in known for more in steps.get(one[:2], ()) if is_up or more[0] in good):
            is_so = log[1] <= new[1] and roots_over(log[1], new[1], path, log[2]) == (log[2], new[2])
            good += [one for one in (log, new) if is_so and one not in good]
            holds = holds and is_so
    return good, holds
def in_log(trail: Trail, text: str, key: Key | None, kept: Kept) -> Iterator[Said]:
    """Yield whether each leaf of a seal is an entry's and leads to its checkpoint's root, and who vouches for that."""
    seal, (points, steps, newest), upto = parsed(text, "fp-seal-v1"), kept, dict.fromkeys(trail.hashes, 0)
    name, size, root = own = read_log(seal["checkpoint"], {})
    (good, holds), waiting = linked(own, points, steps), {*upto}
    if not holds or not {*newest} <= {*good}: yield "step", f"{name} {size}"
    sure = max([min(point[1], size) for point in points if point in good] + [size] * bool(key and signed_body(seal["checkpoint"], key)) + [0])
    for proof in seal["proofs"]:
        leaf, hashed = parsed(proof["leaf"], "fp-leaf-v1"), hashlib.sha256(b"\x00" + proof["leaf"].encode()).digest()
        case, seq, path = leaf["case"], leaf["seq"], [b64decode(step) for step in proof["path"]]
        told = [*trail.hashes.get(case, [])[seq - 1 : seq], leaf["county"], seal["county"], case in waiting]
        is_so = told == [leaf["head"], trail.county, trail.county, True] and root_over(hashed, proof["index"], size, path) == root
        if not is_so: yield "seal", f"{case} #{seq}"
        upto[case] = seq if proof["index"] < (sure or size) else 0
        waiting -= {case}
    is_fork = any(point not in good and point[:2] in {log[:2] for log in good} for point in points)
    late = [f"{case} #{seq + 1}" for case, seq in upto.items() if seq < len(trail.hashes.get(case, ()))]
    code = "fork" if is_fork else "some_log" if not sure else "known_log" if late else "by_log"
    yield from [(code, f"{name} {size}"), *(("late", entry) for entry in late)]
def judged(data: bytes, seal: str, key: Key | None, head: str, kept: Kept) -> Iterator[Said]:
    """Yield what is found of a trail, by what it says itself, then by who vouches for it."""
    pdf = None if data[:1] == b"{" else Pdf(data)
    trail = Trail(pdf.read(TRAIL) if pdf else data.decode("utf-8"))
    seal = pdf.read(SEAL) if pdf and SEAL in pdf.attached else seal
    yield "head_is", trail.head
    yield from trail.wrong or ([] if not pdf or pdf.head == trail.head else [("part", "/ID")])
    if not trail.wrong:
        yield from sealed(pdf, trail.text, key) if pdf and key else [("left_pages", "")] if pdf else []
        yield from [trail.noted("".join(head.split()).lower())] if head else []
        yield from in_log(trail, seal, key, kept) if seal else []
        yield from [("left_seal", "")] if pdf and pdf.has_seal else []
def sealed(pdf: Pdf, trail: str, key: Key) -> Iterator[Said]:
    told = signed_body(pdf.read(NOTE), key).split("\n") if NOTE in pdf.attached else [""]
    own = note_body(pdf, trail).split("\n")
    if told in (own, [""]): yield ("by_key" if told == own else "not_by_key"), key[0]
    else:
        changed = {int(line.split(" ")[0]) for line in {*own[3:-1]} - {*told[3:-1]}}
        yield from [("page", str(page)) for page in pdf.altered_pages(changed)] or [("part", ", ".join(map(str, sorted(changed))) or "trailer")]
def bundle(file: IO[bytes], key: Key | None, kept: Kept) -> Iterator[Said]:
    """Yield what is found of a bundle: its manifest, every file against it, every trail by itself."""
    held, place, kinds, logged = zipfile.ZipFile(file), 0, set(), list[bool]()
    for item in held.infolist():  # one after the other, and nothing in between
        head = file.seek(place) * b"" + item.FileHeader()
        ensure(file.read(len(head)) == head and item.compress_type in (0, 8) and item.file_size <= MOST, item.filename)
        place += len(head) + item.compress_size
        kinds.add((item.create_version, item.internal_attr, item.external_attr, item.volume, item.comment, item.extra))
    ensure(len(kinds) == 1 and file.seek(0, 2) == place + sum(46 + len(name) for name in held.namelist()) + 22, "zip")
    manifest, note = (held.read(name).decode("utf-8") for name in (MANIFEST, MANIFEST_NOTE))
    names, listing = {*held.namelist()} - {MANIFEST, MANIFEST_NOTE}, parsed(manifest, BUNDLE)
    listed = {item["path"]: [item["size"], item["sha256"]] for item in listing["items"]}
    kept[2].extend([read_log(listing["checkpoint"], {})] if listing["checkpoint"] else [])
    if listing["checkpoint"].encode() != (held.read(POINT) if POINT in names else b""): yield "item", POINT
    yield from (("item", name) for name in sorted({*listed} ^ names))
    if key:
        is_so = (mine := signed_body(note, key)) == f"{BUNDLE}\nmanifest {sha(manifest)}\n"
        yield ("by_key", key[0]) if is_so else ("part", MANIFEST) if mine else ("not_by_key", key[0])
        if is_so: limit(0)
    for name in sorted({*listed} & names):
        data, seal = held.read(name), name.replace("trails/", "seals/")
        if [len(data), hashlib.sha256(data).hexdigest()] != listed[name]: yield "item", name
        elif name.startswith("steps/"): read_log(data.decode("utf-8"), kept[1])  # all of them stand before all trails
        text = held.read(seal).decode("utf-8") if seal in names else ""
        told = [*caught(judged(data, text, key, "", kept))] if name.startswith("trails/") else []
        yield from ((code, f"{name} {where}") for code, where in told if code in {*GRAVE, "malformed"})
        logged += ["by_log" in dict(told)] if told else []
    yield from [("by_log", f"{len(logged)}")] if logged and all(logged) and not key else []
    yield from [("left_pages", ""), ("left_files", ""), ("left_seal", "")][2 * bool(key) :]
SAID: dict[str, tuple[str, str]] = {}  # of each sentence Chinese, English, and the codes with what fills its first place
for group in """结论：{}。{}|Verdict: {}.{}|0=完好=intact|2=被改动=altered|4=不是可以核验的全程留痕=not a trail that can be checked|
3=自身一致，但没有可信依据=consistent in itself, but nobody vouches for it#不能核验：{}{}|can't be checked: {}{}|malformed==#不符：{}：{}|does not hold: {}: {}|
entry=记录，首个错误=an entry, the first wrong one|value=个人信息=a personal value|text=规则文本=a text of the rules|item=包内文件=a file of the bundle|page=页面=page|
part=文件的其他部分=another part of the file|signature=签名=the signature of|appended=签发后追加的内容=something appended after sealing|seal=封存证明=the proof of a seal|
step=封存点之间的衔接证明=the proofs between checkpoints, from|fork=另存的封存点=the checkpoint kept elsewhere|other_head=所记校验值=the noted head#依据：{}：{}|
vouched for by {}: {}|by_key=机关签发的全部内容清单=the office's list of all contents|by_head=所记校验值=the noted head|
by_log=含全部记录的封存点=a checkpoint over all entries#{}：{}|{}: {}|head_is=留痕校验值=trail head|late=封存之后的记录，自=entries after the seal, from|
known_log=部分记录在可信的封存点之内=some entries are in a trusted checkpoint|some_log=所附封存点，其真伪未核验=the checkpoint it brings, for which nobody vouches|
earlier_head=此后有新的记录，所记校验值属于=entries came after the noted head, which is of|not_by_key=没有该公钥签发的清单=no list of its contents is sealed by this key#{}{}|
{}{}|no_anchor=未提供公钥、所记校验值或另存的封存点=no key, no noted head and no checkpoint was given#未核验：{}{}|not checked: {}{}|
left_pages=页面是否与附件一致=whether the pages show what is attached|left_files=包是否齐全，其他文件是否原样=whether the bundle is complete and its other files are as made|left_latest=此后是否还有新的记录=whether there are later entries|
left_seal=机关电子印章本身（PAdES）=the office's electronic seal itself (PAdES)""".replace("\n", "").split("#"):
    zh, en, *codes = group.split("|")
    SAID.update({code: (zh.format(a, "{}"), en.format(b, "{}")) for code, a, b in (one.split("=") for one in codes)})
GRAVE = {"entry", "value", "text", "page", "part", "item", "appended", "signature", "seal", "step", "fork", "other_head"}
def caught(said: Iterator[Said]) -> Iterator[Said]:
    try: yield from said
    except BROKEN as error: yield "malformed", str(error)[:200]
    except Altered as error: yield error.args[0], error.args[1]
def verify(data: bytes | IO[bytes], key: str = "", head: str = "", points: Sequence[str] = ()) -> tuple[int, list[Said], str]:
    """Judge a file, given as bytes or open; return the exit status, what was found (code, where) and the trail head."""
    def said() -> Iterator[Said]:
        known, steps, is_zip = read_key(key) if key else None, Steps(), file.read(2) == b"PK"
        kept: Kept = [read_log(text, steps) for text in points], steps, []
        yield from bundle(file, known, kept) if is_zip else judged(file.read(file.seek(0) + MOST + 1), "", known, head, kept)
    file = BytesIO(data) if isinstance(data, bytes) else data
    told = [*caught(said())]
    codes, found = {code for code, _ in told}, [one for one in told if one[0] != "head_is"]
    own = "".join(where for code, where in told if code == "head_is")
    if codes & {*GRAVE, "malformed"}: return (ALTERED if codes & GRAVE else MALFORMED), found, own
    found += [*([] if key or head or points else [("no_anchor", "")]), ("left_latest", "")]
    return (INTACT if codes & {"by_key", "by_head", "by_log"} else UNKNOWN), found, own
def limit(seconds: int) -> None:
    """Stop what takes more than its share of memory or time, where the system can; 0: as long as it takes."""
    try:
        import resource
        import signal
        if seconds: resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, resource.getrlimit(resource.RLIMIT_DATA)[1]))
        if seconds: signal.signal(signal.SIGPROF, lambda *_: sys.exit(f"> {SECONDS} s"))
        signal.setitimer(signal.ITIMER_PROF, seconds)
    except (ImportError, AttributeError, OSError, ValueError): pass

def main(words: Sequence[str]) -> int:
    options, head = dict(zip(words[1::2], words[2::2])), ""
    try:
        ensure(len(words) % 2 and {*options} <= {"--key", "--head", "--checkpoint"}, "".join(__doc__ or "").split("\n")[2])
        key, kept = options.get("--key", ""), Path(options.get("--checkpoint", "/dev/null"))
        key = Path(key).read_text("utf-8")[:1000] if key and Path(key).is_file() else key
        points = [path.read_text("utf-8") for path in (sorted(kept.glob("*.txt")) if kept.is_dir() else [kept][: "--checkpoint" in options])]
        with Path(words[0]).open("rb") as file: code, said, head = verify(file, key, options.get("--head", ""), points)
    except (OSError, ValueError, MemoryError, SystemExit) as error:
        code, said = MALFORMED, [("malformed", str(error)[:200])]
    for lang in (0, 1):
        for what, where in [(str(code), ""), *said, *([("head_is", head)] if head else [])]: print(SAID[what][lang].format(where))
    return code

if __name__ == "__main__":
    limit(SECONDS)
    sys.exit(main(sys.argv[1:]))
