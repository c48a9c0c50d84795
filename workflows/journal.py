"""The journal: canonical bytes, sealing, chain check and replay of entries (format fp-entry-v1)."""

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import orjson

FORMAT = "fp-entry-v1"
GENESIS = "0" * 64
COMMITMENT = "sha256"


_TABLES = (dict, Mapping)
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
# Nothing but what the types of JSON themselves hold: all else goes the slow way, and is refused or made normal there.
_PLAINLY = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_PASSTHROUGH_DATETIME
_PLAIN = frozenset({str, int, bool, type(None)})


def normalise(value: object) -> object:
    """Return ``value`` with every string in NFC; refuse what the format does not hold (floats, dates, a key twice)."""
    if isinstance(value, str):
        return _nfc(value)
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, _TABLES):  # dict first: asking an abstract class costs more than all the rest
        result = {_nfc(str(key)): normalise(item) for key, item in value.items()}
        if len(result) != len(value):
            raise ValueError(f"a key stands twice in normal form: {sorted(map(str, value))}")
        return result
    if isinstance(value, list | tuple):
        return [normalise(item) for item in value]
    raise TypeError(f"canonical JSON holds no {type(value).__name__}: {value!r}")


def _nfc(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def canonical(value: object) -> str:
    """Return the canonical JSON text: sorted keys, no spaces, NFC, integers and strings only.

    Nearly everything is in normal form already, and then nothing is copied. A text in NFC has no part that is not, and
    what JSON escapes composes with nothing: so the text tells it of every string in it.
    """
    text = _plain_text(value) if _is_plain(value) else ""
    if text and (text.isascii() or unicodedata.is_normalized("NFC", text)):
        return text
    return _ENCODER.encode(normalise(value))


def _plain_text(value: object) -> str:
    """Return the text in a quarter of the time that ``json`` takes; empty for numbers beyond 64 bits and half pairs."""
    try:
        return orjson.dumps(value, option=_PLAINLY).decode()
    except orjson.JSONEncodeError:
        return ""


def _is_plain(value: Any) -> bool:
    """Tell whether a list or table consists of the very types that JSON has, without floats, and of names as strings.

    The loops are written out, as a call for each of the many leaves would cost more than all the rest (measured).
    """
    kind = type(value)
    if kind is dict:
        for name, part in value.items():
            if type(name) is not str or (type(part) not in _PLAIN and not _is_plain(part)):
                return False
        return True
    if kind is list or kind is tuple:
        for part in value:  # noqa: SIM110
            if type(part) not in _PLAIN and not _is_plain(part):
                return False
        return True
    return False


def digest(text: str) -> str:
    """Return the lower-case hex SHA-256 of the UTF-8 bytes of ``text``."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def derive_salt(seed: bytes, case: str, seq: int, field: str) -> str:
    """Return 16 bytes of salt as hex for one personal value, from a seed that is used for one command and forgotten."""
    material = b"\x00".join([seed, case.encode(), str(seq).encode(), field.encode()])
    return hashlib.sha256(material).hexdigest()[:32]


def commit(salt: str, field: str, value: str) -> dict[str, str]:
    """Return the commitment that stands in an entry instead of a personal value."""
    text = b"\x00".join([bytes.fromhex(salt), field.encode(), unicodedata.normalize("NFC", value).encode()])
    return {COMMITMENT: hashlib.sha256(text).hexdigest()}


def is_commitment(value: object) -> bool:
    """Tell whether a value in an entry is a commitment to a personal value."""
    return isinstance(value, Mapping) and set(value) == {COMMITMENT}


@dataclass(frozen=True)
class Disclosure:
    """One personal value with its salt, kept beside the journal and erasable; ``value`` is text."""

    case: str
    seq: int
    field: str
    salt: str
    value: str

    def commitment(self) -> dict[str, str]:
        """Return what the entry must hold for this value."""
        return commit(self.salt, self.field, self.value)


@dataclass(frozen=True)
class Sealed:
    """An entry as stored: its exact text, its hash and the values that lists and queries need."""

    case: str
    seq: int
    text: str
    hash: str

    @property
    def body(self) -> dict[str, Any]:
        """The entry parsed anew from the stored text."""
        return cast("dict[str, Any]", json.loads(self.text))


def seal(body: Mapping[str, object]) -> Sealed:
    """Seal an entry body; its ``prev`` and ``seq`` must be set already."""
    text = canonical({"format": FORMAT, **body})
    return Sealed(case=str(body["case"]), seq=int(cast("int", body["seq"])), text=text, hash=digest(text))


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a chain: where (``seq`` counts from 1) and a stable code."""

    case: str
    seq: int
    code: str
    detail: str = ""


def parse_entry(text: str) -> dict[str, Any]:
    """Parse a stored entry; raise ValueError when it is no canonical fp-entry-v1 text."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"no JSON: {error}") from error
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        raise ValueError(f"not of format {FORMAT}")
    try:
        same = canonical(body) == text
    except TypeError as error:
        raise ValueError(str(error)) from error
    if not same:
        raise ValueError("not in canonical form")
    return cast("dict[str, Any]", body)


def check_chain(case: str, texts: Sequence[str], head: str, length: int | None = None) -> list[Finding]:
    """Recompute one chain from its stored texts against the head (and length) kept on the case row.

    Finds every edit, removal, insertion, swap and cut tail; returns an empty list when all is intact.
    """
    findings: list[Finding] = []
    previous = GENESIS
    for position, text in enumerate(texts, start=1):
        findings += _check_entry(case, position, text, previous)
        previous = digest(text)
    if previous != head:
        findings.append(Finding(case, len(texts), "head_differs", f"{previous[:16]} ≠ {head[:16]}"))
    if length is not None and length != len(texts):
        findings.append(Finding(case, len(texts), "length_differs", f"{len(texts)} ≠ {length}"))
    return findings


def _check_entry(case: str, position: int, text: str, previous: str) -> list[Finding]:
    try:
        body = parse_entry(text)
    except ValueError as error:
        return [Finding(case, position, "malformed_entry", str(error))]
    findings = []
    if body.get("prev") != previous:
        findings.append(Finding(case, position, "link_broken"))
    if body.get("seq") != position:
        findings.append(Finding(case, position, "sequence_broken", f"{body.get('seq')}"))
    if body.get("case") != case:
        findings.append(Finding(case, position, "foreign_entry", f"{body.get('case')}"))
    return findings


def check_disclosures(texts: Mapping[tuple[str, int], str], disclosures: Iterable[Disclosure]) -> list[Finding]:
    """Check that each disclosed personal value is the one its entry committed to."""
    findings = []
    for item in disclosures:
        text = texts.get((item.case, item.seq))
        if text is None or not _is_committed(json.loads(text), item):
            findings.append(Finding(item.case, item.seq, "value_differs", item.field))
    return findings


def _is_committed(body: Mapping[str, Any], item: Disclosure) -> bool:
    change = body.get("changes", {}).get(item.field)
    return isinstance(change, Mapping) and change.get("after") == item.commitment()


def pins_of(body: Mapping[str, Any]) -> tuple[str, str]:
    """Return the digests of definition and pack that an entry was made under."""
    return str(body["definition"]).rpartition(":")[2], str(body["policy"]).rpartition(":")[2]


def calendars_of(body: Mapping[str, Any]) -> list[str]:
    """Return the digests of the calendars that an entry's periods were counted by; entries of before name none."""
    deadlines = body.get("deadlines")
    rows = deadlines.get("started") if isinstance(deadlines, dict) else None
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return sorted({row["calendar"] for row in rows if isinstance(row.get("calendar"), str)})


def trail_head(heads: Iterable[tuple[str, int, str]]) -> str:
    """Return one hash over (case number, length, head) of several chains, in the order given."""
    return digest(canonical([list(head) for head in heads]))


def short(head: str) -> str:
    """Return the first 16 hex digits in groups of four, as printed on each page."""
    return " ".join(head[i : i + 4] for i in range(0, 16, 4))
