"""A second verifier of prints and bundles, written apart from the one that is given away: other parser and libraries.

It knows the documented formats alone and imports nothing of ours. It judges what bears no electronic seal.
"""

import base64
import binascii
import hashlib
import io
import json
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any

import pikepdf
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

INTACT, BLAMED, UNKNOWN = 0, 2, 3
END = re.compile(rb"startxref\n([0-9]+)\n%%EOF\n\Z")
IDS = re.compile(rb"/ID \[\(([0-9a-f]{64})\) \(([0-9a-f]{32})\)\]")
Point = tuple[str, int, bytes]  # a log's name, its number of leaves, its root
FAULTS = (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, RuntimeError, EOFError)
BAD_FILES = (*FAULTS, zlib.error, zipfile.BadZipFile, pikepdf.PdfError, binascii.Error, NotImplementedError)


class Wrong(Exception):
    """Something is not as it was sealed."""


def must(held: object) -> None:
    if not held:
        raise Wrong


def judge(data: bytes, key: str = "", points: Sequence[str] = ()) -> int:
    """Return INTACT, BLAMED (altered, or no such file at all) or UNKNOWN (nobody vouches).

    ``points``: checkpoints, or steps to them, that were kept elsewhere.
    """
    try:
        log = Log(points)
        if data.startswith(b"PK"):
            return INTACT if is_bundle_vouched(data, key, log) else UNKNOWN
        if data.startswith(b"{"):
            Chains(data.decode())
            return UNKNOWN
        return INTACT if is_print_vouched(data, key, log) else UNKNOWN
    except (Wrong, InvalidSignature, *BAD_FILES):
        return BLAMED


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# --- canonical JSON, written out by hand ---
def written(value: Any) -> str:
    match value:
        case None | bool():
            return {None: "null", True: "true", False: "false"}[value]
        case int():
            return str(value)
        case str():
            return json.dumps(unicodedata.normalize("NFC", value), ensure_ascii=False)
        case list():
            return f"[{','.join(written(item) for item in value)}]"
        case dict():
            pairs = sorted((unicodedata.normalize("NFC", name), item) for name, item in value.items())
            inner = ",".join(f"{written(name)}:{written(item)}" for name, item in pairs)
            return "{" + inner + "}"
    raise TypeError(value)


def read(text: str, form: str) -> Any:
    value = json.loads(text)
    must(value["format"] == form and written(value) == text)
    return value


# --- a trail by itself ---
class Chains:
    """The chains of a trail.json, each entry held against the one before."""

    def __init__(self, text: str) -> None:
        self.text, self.trail = text, read(text, "fp-trail-v1")
        self.entries: dict[tuple[str, int], dict[str, Any]] = {}
        self.hashes: dict[tuple[str, int], str] = {}
        self.lengths: dict[str, int] = {}
        must(self.trail["chains"])
        for chain in self.trail["chains"]:
            must(chain["case"] not in self.lengths)
            self.follow(chain["case"], chain["entries"], chain["head"])
        must(self.entries)
        heads = [[chain["case"], len(chain["entries"]), chain["head"]] for chain in self.trail["chains"]]
        self.head = digest(written(heads))
        self.look_at_values()
        self.look_at_texts()

    def follow(self, case: str, entries: list[str], head: str) -> None:
        before, household = "0" * 64, f"household:{self.trail['household']}"
        for nth, text in enumerate(entries, start=1):
            entry = read(text, "fp-entry-v1")
            must(entry["prev"] == before and entry["seq"] == nth and entry["case"] == case)
            must(entry["county"] == self.trail["county"] and entry["subject"] == household)
            before = self.hashes[case, nth] = digest(text)
            self.entries[case, nth] = entry
        must(before == head or not entries)
        self.lengths[case] = len(entries)

    def look_at_values(self) -> None:
        for shown in self.trail["disclosures"]:
            value = unicodedata.normalize("NFC", shown["value"]).encode()
            salted = bytes.fromhex(shown["salt"]) + b"\0" + shown["field"].encode() + b"\0" + value
            told = self.entries[shown["case"], shown["seq"]]["changes"][shown["field"]]["after"]
            must(told == {"sha256": hashlib.sha256(salted).hexdigest()})

    def look_at_texts(self) -> None:
        for name, text in self.trail["texts"].items():
            must(digest(text) == name)
        for entry in self.entries.values():
            must(entry["definition"].split(":")[-1] in self.trail["texts"])
            must(entry["policy"].split(":")[-1] in self.trail["texts"])


# --- signed notes and the log ---
def is_signed(note: str, key: str) -> bool:
    """Whether a key's line stands under a note; raises InvalidSignature where such a line does not hold."""
    name, number, coded = key.strip().split("+", 2)
    body, lines = note[: note.rindex("\n\n") + 1], note[note.rindex("\n\n") + 2 :]
    must(lines.endswith("\n"))
    found = False
    for line in lines[:-1].split("\n"):
        must(re.fullmatch("— [^ ]+ [A-Za-z0-9+/]+={0,2}", line))
        who, _, value = line.removeprefix("— ").rpartition(" ")
        raw = base64.b64decode(value)
        must(base64.b64encode(raw) == value.encode())
        if who == name and raw[:4].hex() == number:
            Ed25519PublicKey.from_public_bytes(base64.b64decode(coded)[1:]).verify(raw[4:], body.encode())
            found = True
    return found


def climbed(leaf: bytes, place: int, size: int, path: list[bytes]) -> bytes:
    """The root above a leaf, from below (RFC 9162, 2.1.3.2)."""
    must(0 <= place < size)
    last, found = size - 1, leaf
    for step in path:
        must(last)
        if place % 2 or place == last:
            found = hashlib.sha256(b"\1" + step + found).digest()
            while place % 2 == 0 and place:
                place, last = place // 2, last // 2
        else:
            found = hashlib.sha256(b"\1" + found + step).digest()
        place, last = place // 2, last // 2
    must(last == 0)
    return found


def is_the_beginning(old: int, before: bytes, new: int, after: bytes, path: Sequence[bytes]) -> bool:
    """Whether a tree goes on from a smaller one, from below (RFC 9162, 2.1.4.2)."""
    if old == new:
        return before == after and not path
    if not 0 < old < new or not path:
        return False
    steps = [before, *path] if old & (old - 1) == 0 else list(path)
    place, last = old - 1, new - 1
    while place % 2:
        place, last = place // 2, last // 2
    small = large = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if place % 2 or place == last:
            small, large = node(step, small), node(step, large)
            while place and place % 2 == 0:
                place, last = place // 2, last // 2
        else:
            large = node(large, step)
        place, last = place // 2, last // 2
    return (small, large, last) == (before, after, 0)


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


class Log:
    """Checkpoints that were kept, and what is known to go on from what: a graph of (name, leaves, root)."""

    def __init__(self, kept: Sequence[str]) -> None:
        self.steps: list[tuple[int, Point, list[bytes]]] = []
        self.kept = [self.take(text) for text in kept]

    def take(self, text: str) -> Point:
        """Read a checkpoint, and the proof before it where there is one."""
        if not text.startswith("old "):
            return point_of(text)
        above, below = text.split("\n\n", 1)
        number, *path = above.split("\n")
        must(re.fullmatch("old [0-9]{1,18}", number))
        point = point_of(below)
        hashes = [base64.b64decode(one, validate=True) for one in path]
        must(all(len(one) == 32 for one in hashes))
        self.steps.append((int(number[4:]), point, hashes))
        return point

    def above(self, point: Point) -> set[Point]:
        """All that a proof shows to go on from a checkpoint, itself too; raises Wrong where a proof does not hold."""
        found, fresh = {point}, [point]
        while fresh:
            name, size, root = fresh.pop()
            for old, new, path in self.steps:
                if (new[0], old) == (name, size):
                    must(is_the_beginning(size, root, new[1], new[2], path))
                    fresh += [] if new in found else [new]
                    found.add(new)
        return found

    def vouched(self, own: Point) -> int:
        """How many leaves of a checkpoint are those of one that was kept; raises Wrong where one says otherwise."""
        mine, sure = self.above(own), 0
        known = set(mine)
        for other in sorted(self.kept, key=lambda point: point[1], reverse=True):
            if other in mine or self.leads_into(other, known):
                known.add(other)
                sure = max(sure, min(own[1], other[1]))
        must(all(other in known or other[:2] not in {one[:2] for one in known} for other in self.kept))
        return sure

    def leads_into(self, point: Point, known: set[Point]) -> bool:
        """Whether something known goes on from a checkpoint by one proof."""
        ways = [(new, path) for old, new, path in self.steps if (new[0], old) == point[:2] and new in known]
        must(all(is_the_beginning(point[1], point[2], new[1], new[2], path) for new, path in ways))
        return bool(ways)


def point_of(text: str) -> Point:
    name, size, root, *_ = text.split("\n")
    must(re.fullmatch("[1-9][0-9]{0,17}", size))
    raw = base64.b64decode(root, validate=True)
    must(len(raw) == 32)
    return name, int(size), raw


def is_sealed(chains: Chains, text: str, key: str, log: Log) -> bool:
    """Hold a seal against the chains; tell whether the key, or a checkpoint that was kept, vouches for all of them."""
    seal = read(text, "fp-seal-v1")
    must(seal["county"] == chains.trail["county"])
    own = point_of(seal["checkpoint"])
    known: dict[str, tuple[int, int]] = {}
    for proof in seal["proofs"]:
        leaf = read(proof["leaf"], "fp-leaf-v1")
        must(leaf["county"] == chains.trail["county"] and leaf["case"] not in known)
        must(chains.hashes[leaf["case"], leaf["seq"]] == leaf["head"])
        hashed = hashlib.sha256(b"\0" + proof["leaf"].encode()).digest()
        path = [base64.b64decode(step) for step in proof["path"]]
        must(climbed(hashed, proof["index"], own[1], path) == own[2])
        known[leaf["case"]] = leaf["seq"], proof["index"]
    sure = log.vouched(own)
    if key and is_signed(seal["checkpoint"], key):
        sure = own[1]
    return sure > 0 and {case: seq for case, (seq, index) in known.items() if index < sure} == chains.lengths


# --- a print ---
def is_print_vouched(data: bytes, key: str, log: Log) -> bool:
    found = END.search(data)
    must(found and data.startswith(b"%PDF-1.7\n%\xf0\x9f\x96\xa4\n"))
    assert found
    spans, trailer = spans_of(data, int(found[1]))
    ids = IDS.search(trailer)
    assert ids
    inner = [data[data.index(b"\n", a) + 1 : b - len(b"\nendobj\n")] for a, b in spans]
    must(hashlib.md5(b"".join(inner), usedforsecurity=False).hexdigest().encode() == ids[2])
    with pikepdf.open(io.BytesIO(data), attempt_recovery=False, suppress_warnings=True) as pdf:
        attached = {one.filename: one.obj.EF.F for one in pdf.attachments.values()}
        streams = [o for o in pdf.objects if isinstance(o, pikepdf.Stream) and o.get("/Type") == "/EmbeddedFile"]
        must(sorted(s.objgen for s in streams) == sorted(s.objgen for s in attached.values()))
        texts = {name: unpacked(stream) for name, stream in attached.items()}
        own = attached["print.note"].objgen[0] if "print.note" in attached else 0
        numbers = (pdf.Root.objgen[0], pdf.docinfo.objgen[0])
    chains = Chains(texts["trail.json"])
    must(ids[1].decode() == chains.head)
    is_logged = "seal.json" in texts and is_sealed(chains, texts["seal.json"], key, log)
    if not key or not own or not is_signed(texts["print.note"], key):
        return is_logged
    lines = ["fp-print-v1", f"trail {digest(chains.text)}", f"root {numbers[0]} info {numbers[1]} objects {len(spans)}"]
    lines += [f"{n} {hashlib.sha256(data[a:b]).hexdigest()}" for n, (a, b) in enumerate(spans, 1) if n != own]
    must(texts["print.note"].partition("\n\n")[0] == "\n".join(lines))
    return True


def spans_of(data: bytes, table: int) -> tuple[list[tuple[int, int]], bytes]:
    """Where each object begins and ends by the table, which with its trailer must be as our program writes it."""
    head, _, rest = data[table:].partition(b"\n0 ")
    count, _, rest = rest.partition(b"\n")
    must(head == b"xref" and re.fullmatch(rb"[1-9][0-9]*", count))
    rows = [rest[at : at + 20] for at in range(0, 20 * int(count), 20)]
    must(rows[0] == b"0000000000 65535 f \n")
    must(all(re.fullmatch(rb"[0-9]{10} 00000 n \n", row) for row in rows[1:]))
    places = [int(row[:10]) for row in rows[1:]]
    must(places == sorted(set(places)) and places[0] == len(b"%PDF-1.7\n%\xf0\x9f\x96\xa4\n"))
    spans = list(zip(places, [*places[1:], table], strict=True))
    for number, (begin, end) in enumerate(spans, start=1):
        text = data[begin:end]
        must(text.startswith(b"%d 0 obj\n" % number) and text.endswith(b"\nendobj\n"))
        is_stream = b"\nstream\n" in text
        must(is_stream or text.count(b"endobj") == 1)
        if is_stream:
            words, content = text.split(b"\nstream\n", 1)
            length = len(content) - len(b"\nendstream\nendobj\n")
            must(re.findall(rb"/Length ([0-9]+)", words) == [b"%d" % length])
    trailer = rest[20 * int(count) :]
    shape = rb"trailer\n<<\n/Size %s\n/Root \d+ 0 R\n/Info \d+ 0 R\n%s\n>>\n%s" % (count, IDS.pattern, END.pattern)
    must(re.fullmatch(shape, trailer))
    return spans, trailer


def unpacked(stream: Any) -> str:
    inflater = zlib.decompressobj()
    raw = inflater.decompress(stream.read_raw_bytes(), 64_000_000)
    must(inflater.eof and not inflater.unused_data)
    return raw.decode()


# --- a bundle ---
def is_bundle_vouched(data: bytes, key: str, log: Log) -> bool:
    with zipfile.ZipFile(io.BytesIO(data)) as held:
        infos, files = held.infolist(), {info.filename: held.read(info) for info in held.infolist()}
    must(len(infos) == len(files) and written_again(infos, files) == data)
    manifest = files.pop("manifest.json").decode()
    note = files.pop("manifest.note").decode()
    told = read(manifest, "fp-bundle-v1")
    listed = {item["path"]: (item["size"], item["sha256"]) for item in told["items"]}
    must(listed == {name: (len(one), hashlib.sha256(one).hexdigest()) for name, one in files.items()})
    must(told["checkpoint"] == files.get("checkpoint.txt", b"").decode())
    for name, one in files.items():
        if name.startswith("steps/"):
            log.take(one.decode())
    newest = point_of(told["checkpoint"]) if told["checkpoint"] else None
    are_logged = [is_logged(name, files, key, log, newest) for name in files if name.startswith("trails/")]
    if not key:
        return bool(are_logged) and all(are_logged)
    if not is_signed(note, key):
        return False
    must(note.partition("\n\n")[0] == f"fp-bundle-v1\nmanifest {digest(manifest)}")
    return True


def is_logged(name: str, files: dict[str, bytes], key: str, log: Log, newest: Point | None) -> bool:
    """Hold a trail of a bundle; tell whether a checkpoint vouches for all of its entries."""
    texts = attached_to(files[name]) if name.endswith(".pdf") else {"trail.json": files[name].decode()}
    beside = files.get(name.replace("trails/", "seals/"), b"").decode()
    seal = texts.get("seal.json") or beside
    if name.endswith(".pdf"):
        is_print_vouched(files[name], key, log)
    chains = Chains(texts["trail.json"])
    if not seal:
        return False
    point = point_of(read(seal, "fp-seal-v1")["checkpoint"])
    must(newest is None or newest in log.above(point))
    return is_sealed(chains, seal, key, log)


def attached_to(data: bytes) -> dict[str, str]:
    with pikepdf.open(io.BytesIO(data), attempt_recovery=False, suppress_warnings=True) as pdf:
        return {one.filename: unpacked(one.obj.EF.F) for one in pdf.attachments.values()}


def written_again(infos: list[zipfile.ZipInfo], files: dict[str, bytes]) -> bytes:
    """The zip as it is written from its own files: whatever else stood in it is not there."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for info in infos:
            entry = zipfile.ZipInfo(info.filename, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = info.compress_type
            entry.external_attr = infos[0].external_attr
            made.writestr(entry, files[info.filename])
    return out.getvalue()
