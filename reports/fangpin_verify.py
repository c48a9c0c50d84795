#!/usr/bin/env python3
"""检查打印的全程留痕，离线，只需本文件和 Python 3.9 以上 / check a printed trail with this file and Python alone.

python3 fangpin_verify.py TRAIL.pdf [--key KEY] [--head HEX]

KEY: the office's public key (name+number+base64, or a file that holds it), got from somewhere else than the trail.
HEX: the trail head, or its first 16 digits, as noted or printed earlier.
Exit status: 0 intact, 2 altered, 3 intact in itself but nobody vouches for it, 4 not a trail that can be checked.
"""

import base64
import hashlib
import json
import os
import re
import sys
import unicodedata
import zlib

INTACT, ALTERED, UNKNOWN, MALFORMED = 0, 2, 3, 4
MOST = 64_000_000  # bytes of a file, and of what its attachments inflate to
MOST_OBJECTS, MOST_ENTRIES, DEEPEST = 100_000, 10_000, 60
TRAIL, NOTE, NOTE_FORMAT = "trail.json", "print.note", "fp-print-v1"
GENESIS = "0" * 64
COMMITMENT = "sha256"
HEX = re.compile(r"[0-9a-f]{64}")


class Malformed(Exception):
    """The file is nothing that this program can judge; its arguments are a code and where."""


class Altered(Exception):
    """The file was ours once; its arguments are a code and where."""


# --- PDF: as our program writes it, object after object, and nothing in between ---
HEADER = re.compile(rb"%PDF-1\.[4-7]\n%[^\n]{1,16}\n")
OBJECT = re.compile(rb"([1-9][0-9]{0,6}) 0 obj\n")
BODY = re.compile(rb"\n(?:endobj\n|stream\n)")
LENGTH = re.compile(rb"/Length ([0-9]{1,9})(?=[/> ])")
REFERENCE = re.compile(rb"([0-9]{1,7}) 0 R")
TRAILER = re.compile(
    rb"trailer\n<<\n/Size ([0-9]+)\n/Root ([0-9]+) 0 R\n/Info ([0-9]+) 0 R\n/ID \[[^\n]{1,300}\]\n>>\n"
    rb"startxref\n([0-9]+)\n%%EOF\n"
)
ATTACHED = re.compile(rb"\(([\x20-\x27\x2a-\x5b\x5d-\x7e]{1,120})\) ([0-9]{1,7}) 0 R")


class Pdf:
    """A file of ours: objects as (dictionary, stream or None, digest), pages and attachments by object number."""

    def __init__(self, data):
        if len(data) > MOST:
            raise Malformed("too_large", str(len(data)))
        begun = HEADER.match(data)
        if not begun:
            raise Malformed("no_pdf", "")
        self.objects, places, position = {}, {}, begun.end()
        while not data.startswith(b"xref\n", position):
            number, end = self._object(data, position)
            places[number], position = position, end
        self._table(data, position, places)
        self.pages = self._kids()
        self.attached = self._attachments()

    def _object(self, data, position):
        head = OBJECT.match(data, position)
        body = BODY.search(data, head.end()) if head else None
        if not head or not body or int(head[1]) in self.objects or len(self.objects) >= MOST_OBJECTS:
            raise Malformed("not_our_form", f"byte {position}")
        end, stream, words = body.end(), None, data[head.end() : body.start()]
        if body[0] == b"\nstream\n":
            lengths = LENGTH.findall(words)
            stream = data[end : end + int(lengths[0])] if len(lengths) == 1 else b""
            end += len(stream)
            closing = b"\nendstream\nendobj\n"
            if len(lengths) != 1 or not data.startswith(closing, end):
                raise Malformed("not_our_form", f"byte {position}")
            end += len(closing)
        self.objects[int(head[1])] = (words, stream, hashlib.sha256(data[position:end]).hexdigest())
        return int(head[1]), end

    def _table(self, data, position, places):
        """The table must name each object where it stands, and the file must end with it."""
        count = len(places) + 1
        rows = [b"xref\n0 %d\n0000000000 65535 f \n" % count]
        rows += [b"%010d 00000 n \n" % places.get(number, 0) for number in range(1, count)]
        table = b"".join(rows)
        if sorted(places) != list(range(1, count)) or not data.startswith(table, position):
            raise Malformed("not_our_form", "xref")
        end = TRAILER.match(data, position + len(table))
        if not end or (int(end[1]), int(end[4])) != (count, position):
            raise Malformed("not_our_form", "trailer")
        if end.end() != len(data):
            raise Altered("appended", f"{len(data) - end.end()} bytes")
        self.root, self.info = int(end[2]), int(end[3])

    def words(self, number):
        if number not in self.objects:
            raise Malformed("not_our_form", f"object {number}")
        return self.objects[number][0]

    def _one(self, number, pattern):
        found = re.findall(pattern, self.words(number))
        if len(found) != 1:
            raise Malformed("not_our_form", f"object {number}")
        return found[0]

    def _kids(self):
        tree = int(self._one(self.root, rb"/Pages ([0-9]+) 0 R"))
        kids = [int(n) for n in REFERENCE.findall(self._one(tree, rb"/Kids \[([^\]]*)\]"))]
        if not kids or len(set(kids)) != len(kids) or not all(b"/Type /Page/" in self.words(n) for n in kids):
            raise Malformed("not_our_form", "pages")
        return kids

    def _attachments(self):
        """Every embedded file by its name; one that no name leads to is refused."""
        found = {}
        for number, (words, stream, _) in self.objects.items():
            if b"/Type /EmbeddedFile" in words and stream is not None:
                found[number] = ""
        for number in self.objects:
            if b"/Type /Filespec" in self.words(number):
                name = self._one(number, rb"/UF \(([^()\\]{1,120})\)").decode("latin-1")
                stream = int(self._one(number, rb"/EF <</F ([0-9]+) 0 R>>"))
                if found.get(stream) != "" or name in found.values():
                    raise Malformed("attachments", name)
                found[stream] = name
        if "" in found.values():
            raise Malformed("attachments", "without a name")
        return {name: number for number, name in found.items()}

    def read(self, name):
        """Return the text of an attachment, inflated within a limit."""
        if name not in self.attached:
            raise Malformed("no_attachment", name)
        words, stream, _ = self.objects[self.attached[name]]
        if b"/Filter /FlateDecode" not in words or b"/DecodeParms" in words:
            raise Malformed("attachments", name)
        try:
            inflater = zlib.decompressobj()
            raw = inflater.decompress(stream, MOST)
            if not inflater.eof or inflater.unused_data or inflater.unconsumed_tail:
                raise Malformed("attachments", name)
            return raw.decode("utf-8")
        except (zlib.error, UnicodeDecodeError):
            raise Malformed("attachments", name) from None

    def pages_with(self, number):
        """Return the pages, counted from 1, that an object is part of; none for what belongs to the whole file."""
        return [place for place, page in enumerate(self.pages, 1) if number in self._parts(page)]

    def _parts(self, page):
        found, waiting = set(), [page]
        while waiting:
            number = waiting.pop()
            if number in found or number not in self.objects or (number in self.pages and number != page):
                continue
            found.add(number)
            words = re.sub(rb"/Parent [0-9]+ 0 R", b"", self.words(number))
            waiting += [int(n) for n in REFERENCE.findall(words)]
        return found


def note_body(pdf, trail):
    """Return what the office signs of a print: the trail, and every object of the file but the signature's own."""
    own = pdf.attached.get(NOTE)
    lines = [f"{n} {digest}" for n, (_, _, digest) in sorted(pdf.objects.items()) if n != own]
    first = [NOTE_FORMAT, f"trail {sha(trail)}", f"root {pdf.root} info {pdf.info} objects {len(pdf.objects)}"]
    return "\n".join(first + lines) + "\n"


# --- signed notes (C2SP signed-note) and Ed25519 (RFC 8032) ---
def sha(text):
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def read_key(text):
    """Return (name, number, public key) of ``name+number+base64``; raise Malformed."""
    name, _, rest = text.strip().partition("+")
    number, _, coded = rest.partition("+")
    try:
        raw = base64.b64decode(coded, validate=True)
    except ValueError:
        raise Malformed("key", text[:40]) from None
    own = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
    if len(raw) != 33 or raw[:1] != b"\x01" or own.hex() != number:
        raise Malformed("key", text[:40])
    return name, own, raw[1:]


def signed_body(text, key):
    """Return the body of a note that a key signed, None where no line is the key's; raise Altered or Malformed."""
    body, blank, lines = text.rpartition("\n\n")
    if not blank or not lines.endswith("\n") or lines.count("\n") > 16:
        raise Malformed("note", "")
    body += "\n"
    name, number, public = key
    held = None
    for line in lines[:-1].split("\n"):
        mark, _, rest = line.partition(" ")
        who, _, coded = rest.rpartition(" ")
        try:
            raw = base64.b64decode(coded, validate=True)
        except ValueError:
            raise Malformed("note", "") from None
        if mark != "\N{EM DASH}" or len(raw) < 5:
            raise Malformed("note", "")
        if (who, raw[:4]) == (name, number):
            if not ed25519_holds(public, raw[4:], body.encode()):
                raise Altered("signature", who)
            held = body
    return held


P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def _add(one, other):
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c, d = 2 * one[3] * other[3] * D % P, 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(factor, point):
    total = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            total = _add(total, point)
        point, factor = _add(point, point), factor >> 1
    return total


def _point(raw):
    """Decode a point; None for what is none (RFC 8032, 5.1.3)."""
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * ROOT % P
    if x * x % P != square or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = _point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def ed25519_holds(public, signature, message):
    """Tell whether a signature is a key's over a message (RFC 8032, 5.1.7)."""
    key, nonce = (_point(public), _point(signature[:32])) if len(signature) == 64 else (None, None)
    s = int.from_bytes(signature[32:], "little")
    if key is None or nonce is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = _times(s, BASE), _add(nonce, _times(k, key))
    same_x = (left[0] * right[2] - right[0] * left[2]) % P == 0
    return same_x and (left[1] * right[2] - right[1] * left[2]) % P == 0


# --- the trail ---
def canonical(value, depth=0):
    """Return canonical JSON: sorted keys, no spaces, NFC, whole numbers, texts, truth values, nothing."""
    if depth > DEEPEST:
        raise Malformed("trail", "too deep")
    if value is None or isinstance(value, (bool, int, str)):
        return json.dumps(unicodedata.normalize("NFC", value) if isinstance(value, str) else value, ensure_ascii=False)
    if isinstance(value, list):
        return "[" + ",".join(canonical(part, depth + 1) for part in value) + "]"
    if not isinstance(value, dict):
        raise Malformed("trail", "a number with a fraction")
    parts = {unicodedata.normalize("NFC", name): part for name, part in value.items()}
    rows = (f"{json.dumps(name, ensure_ascii=False)}:{canonical(parts[name], depth + 1)}" for name in sorted(parts))
    return "{" + ",".join(rows) + "}"


def parsed(text, what):
    """Parse a text that must be canonical JSON of a table."""
    try:
        body = json.loads(text)
        same = isinstance(body, dict) and canonical(body) == text
    except (ValueError, RecursionError):
        raise Malformed(what, "no JSON") from None
    if not same:
        raise Malformed(what, "not canonical")
    return body


def check_trail(text):
    """Check a trail by itself; return its head and the findings (code, where), the first wrong entry first."""
    trail = parsed(text, "trail")
    try:
        chains = [(c["case"], list(c["entries"]), c["head"]) for c in trail["chains"]]
        shown = [(d["case"], d["seq"], d["field"], d["salt"], d["value"]) for d in trail["disclosures"]]
        texts = dict(trail["texts"])
        fits = trail["format"] == "fp-trail-v1" and all(isinstance(e, str) for _, es, _ in chains for e in es)
        if not fits or sum(len(entries) for _, entries, _ in chains) > MOST_ENTRIES:
            raise Malformed("trail", "form")
        return _judged(trail, chains, shown, texts)
    except (KeyError, TypeError, AttributeError):
        raise Malformed("trail", "form") from None


def _judged(trail, chains, shown, texts):
    findings, bodies = [], {}
    for case, entries, head in chains:
        previous = GENESIS
        for seq, entry in enumerate(entries, 1):
            body = parsed_entry(entry)
            if body is None or (body.get("prev"), body.get("seq"), body.get("case")) != (previous, seq, case):
                findings.append(("entry", f"{case} #{seq}"))
            elif (body.get("county"), body.get("subject")) != (trail["county"], f"household:{trail['household']}"):
                findings.append(("foreign", f"{case} #{seq}"))
            previous, bodies[case, seq] = sha(entry), body or {}
        if previous != head:
            findings.append(("head", f"{case} #{len(entries)}"))
    for case, seq, field, salt, value in shown:
        after = bodies.get((case, seq), {}).get("changes", {}).get(field, {}).get("after")
        if after != {COMMITMENT: committed(salt, field, value)}:
            findings.append(("value", f"{case} #{seq} {field}"))
    named = {str(body.get(key)).rpartition(":")[2] for body in bodies.values() for key in ("definition", "policy")}
    findings += [("text", key[:16]) for key, text in texts.items() if sha(text) != key]
    findings += [("text", key[:16]) for key in sorted(named) if HEX.fullmatch(key) and key not in texts]
    return sha(canonical([[case, len(entries), head] for case, entries, head in chains])), findings


def parsed_entry(text):
    try:
        body = parsed(text, "entry")
    except Malformed:
        return None
    return body if body.get("format") == "fp-entry-v1" else None


def committed(salt, field, value):
    parts = (bytes.fromhex(salt), field.encode(), unicodedata.normalize("NFC", value).encode())
    return hashlib.sha256(b"\x00".join(parts)).hexdigest()


# --- the verdict ---
WORDS = {
    0: ("结论：完好。", "Verdict: intact."),
    2: ("结论：被改动。", "Verdict: altered."),
    3: ("结论：自身一致，但没有可信依据。", "Verdict: consistent in itself, but nobody vouches for it."),
    4: ("结论：不是可以核验的全程留痕。", "Verdict: not a trail that can be checked."),
    "entry": ("记录与链条不符，首个错误：{}", "an entry does not fit its chain, the first: {}"),
    "foreign": ("记录属于另一户或另一县：{}", "an entry is of another household or county: {}"),
    "head": ("案件末端校验值不符：{}", "the head of a case differs: {}"),
    "value": ("个人信息与记录所承诺的不符：{}", "a personal value is not the one its entry committed to: {}"),
    "text": ("规则文本缺失或不符：{}", "a text of the rules is missing or differs: {}"),
    "page": ("页面被改动：第 {} 页", "a page was altered: page {}"),
    "part": ("文件的其他部分被改动：{}", "another part of the file was altered: {}"),
    "appended": ("签发后追加了内容：{}", "something was appended after sealing: {}"),
    "signature": ("签名无效：{}", "the signature does not hold: {}"),
    "too_large": ("文件过大：{}", "the file is too large: {}"),
    "no_pdf": ("不是本系统的 PDF {}", "not a PDF of this system {}"),
    "not_our_form": ("PDF 结构不是本系统写出的：{}", "the PDF is not built as this system builds it: {}"),
    "attachments": ("附件异常：{}", "odd attachments: {}"),
    "no_attachment": ("缺少附件：{}", "an attachment is missing: {}"),
    "trail": ("附件 trail.json 无法核验：{}", "trail.json can't be checked: {}"),
    "note": ("签名附件无法读取 {}", "the signed note can't be read {}"),
    "key": ("公钥格式不对：{}", "no public key: {}"),
    "unreadable": ("文件无法读取：{}", "the file can't be read: {}"),
    "usage": ("用法：python3 fangpin_verify.py 文件.pdf [--key 公钥] [--head 校验值]{}", __doc__.split("\n\n")[1] + "{}"),
    "head_is": ("留痕校验值：{}", "trail head: {}"),
    "by_key": ("全部页面和内容由持钥机关签发：{}", "all pages and contents were sealed by the key: {}"),
    "by_head": ("与所记校验值一致：{}", "as the noted head says: {}"),
    "other_head": ("与所记校验值不符：{}", "not the noted head: {}"),
    "earlier_head": ("所记校验值是 {} 时的，此后有新的记录", "the noted head is of {}, entries came after it"),
    "head_form": ("校验值应为 16 至 64 位十六进制数：{}", "a head has 16 to 64 hexadecimal digits: {}"),
    "no_note": ("本文件没有机关签发的页面清单 {}", "the file carries no sealed list of its pages {}"),
    "not_by_key": ("没有该公钥的签名：{}", "not signed by this key: {}"),
    "no_anchor": ("未提供公钥或所记校验值 {}", "neither a public key nor a noted head was given {}"),
    "left_pages": ("未核验：页面是否与附件一致 {}", "not checked: whether the pages show what is attached {}"),
    "left_latest": ("未核验：此后是否还有新的记录 {}", "not checked: whether there are later entries by now {}"),
}


def verify(data, key="", head=""):
    """Judge a file; return the exit status, the remarks (code, where) and the trail head."""
    try:
        pdf = Pdf(data)
        trail = pdf.read(TRAIL)
        found, findings = check_trail(trail)
        vouched = [] if findings else list(_vouched(pdf, trail, found, key, head))
    except Malformed as error:
        return MALFORMED, [error.args], ""
    except Altered as error:
        return ALTERED, [error.args], ""
    remarks = findings + vouched
    if findings or any(code in ("page", "part", "other_head") for code, _ in remarks):
        return ALTERED, remarks, found
    is_known = any(code in ("by_key", "by_head") for code, _ in remarks)
    return INTACT if is_known else UNKNOWN, [*remarks, ("left_latest", "")], found


def _vouched(pdf, trail, found, key, head):
    """Yield who vouches for a trail that is sound in itself, or what speaks against it."""
    if key:
        yield from _sealed(pdf, trail, read_key(key))
    else:
        yield "left_pages", ""
    if head:
        yield _noted(json.loads(trail), found, "".join(head.split()).lower())
    if not key and not head:
        yield "no_anchor", ""


def _noted(trail, found, noted):
    """A noted head is the trail's own, an earlier one of it (entries came after), or of another history."""
    if not re.fullmatch(r"[0-9a-f]{16,64}", noted):
        return "head_form", noted[:20]
    if found.startswith(noted):
        return "by_head", noted[:16]
    chains = [(c["case"], [(json.loads(e)["at"], sha(e)) for e in c["entries"]]) for c in trail["chains"]]
    for at in sorted({at for _, entries in chains for at, _ in entries}):
        then = [(case, [hashed for moment, hashed in entries if moment <= at]) for case, entries in chains]
        if sha(canonical([[case, len(known), known[-1]] for case, known in then if known])).startswith(noted):
            return "earlier_head", at
    return "other_head", noted[:16]


def _sealed(pdf, trail, key):
    if NOTE not in pdf.attached:
        yield "no_note", ""
        return
    body = signed_body(pdf.read(NOTE), key)
    if body is None:
        yield "not_by_key", key[0]
        return
    told, own = body.split("\n"), note_body(pdf, trail).split("\n")
    changed = [int(line.split(" ")[0]) for line in sorted(set(own[3:-1]) - set(told[3:-1]))]
    pages = sorted({page for number in changed for page in pdf.pages_with(number)})
    if told == own:
        yield "by_key", key[0]
    for page in pages:
        yield "page", str(page)
    if told != own and not pages:
        yield "part", ", ".join(map(str, changed)) or "trailer"


def main(words):
    """Judge the file that is named; print the verdict in Chinese and English."""
    options = dict(zip(words[1::2], words[2::2]))
    if len(words) % 2 != 1 or not set(options) <= {"--key", "--head"}:
        code, remarks, head = MALFORMED, [("usage", "")], ""
    else:
        try:
            if os.path.getsize(words[0]) > MOST:
                raise OSError("too large")
            with open(words[0], "rb") as file:
                data = file.read()
            key = options.get("--key", "")
            if os.path.exists(key):
                with open(key, encoding="utf-8") as file:
                    key = file.read(1000)
            code, remarks, head = verify(data, key, options.get("--head", ""))
        except (OSError, UnicodeDecodeError) as error:
            code, remarks, head = MALFORMED, [("unreadable", str(error)[:120])], ""
    for lang in (0, 1):
        print(WORDS[code][lang])
        for what, where in [*remarks, *([("head_is", head)] if head else [])]:
            print("  " + WORDS[what][lang].format(where).rstrip())
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
