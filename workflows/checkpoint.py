"""Checkpoints, proofs and keys of a log as text: C2SP signed-note, tlog-checkpoint, tlog-proof; strictly parsed.

Only Ed25519 (signature type 1). Whoever signs or verifies is passed in: this file knows texts, no cryptography.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

ED25519 = b"\x01"
HASH, SIGNATURE, KEY_ID = 32, 64, 4
LONGEST = 16_384  # characters of a note
MOST_SIGNATURES = 16
MOST_STEPS = 64  # of a proof: a log has never more than 2**63 leaves
DASH = "\N{EM DASH} "
PROOF = "c2sp.org/tlog-proof@v1"
NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
NAME = re.compile(r"[^\s+\x00-\x1f\x7f]{1,120}")

Sign = Callable[[bytes], bytes]
#: (public key, signature, signed bytes) → whether it holds
Holds = Callable[[bytes, bytes, bytes], bool]


class MalformedNote(ValueError):
    """The text is no such thing; ``reason`` is a stable code, and nothing in it may be believed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Signature:
    """One signature line: who signed, the key's number (4 bytes), the signature."""

    name: str
    key_id: bytes
    value: bytes


@dataclass(frozen=True)
class VerifierKey:
    """A public key under a name; its text is ``name+hex of the key's number+base64(01 ‖ key)``, as C2SP has it."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The key's number: the first four bytes of SHA-256(name ‖ newline ‖ 01 ‖ key)."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:KEY_ID]

    @property
    def text(self) -> str:
        """What is given to whoever verifies."""
        return f"{self.name}+{self.key_id.hex()}+{_base64(ED25519 + self.public)}"


@dataclass(frozen=True)
class Checkpoint:
    """The state of a log: its name, number of leaves, root, and lines beside them (``key value``)."""

    origin: str
    size: int
    root: bytes
    more: tuple[str, ...] = ()

    @property
    def body(self) -> str:
        """The text that is signed."""
        return "\n".join([self.origin, str(self.size), _base64(self.root), *self.more]) + "\n"

    def told(self, key: str) -> str:
        """Return what a line beside them says, or an empty text."""
        return next((line[len(key) + 1 :] for line in self.more if line.startswith(f"{key} ")), "")


@dataclass(frozen=True)
class Note:
    """A signed text; nothing is said yet of whether its signatures hold."""

    body: str
    signatures: tuple[Signature, ...]

    @property
    def text(self) -> str:
        """The whole note."""
        lines = [f"{DASH}{s.name} {_base64(s.key_id + s.value)}\n" for s in self.signatures]
        return self.body + "\n" + "".join(lines)

    def checkpoint(self) -> Checkpoint:
        """Return what it says of a log; raises MalformedNote."""
        return read_body(self.body)

    def is_signed_by(self, key: VerifierKey, holds: Holds) -> bool:
        """Tell whether a key signed it: a line of that name and number is there, and every such line holds."""
        mine = [s for s in self.signatures if (s.name, s.key_id) == (key.name, key.key_id)]
        return bool(mine) and all(holds(key.public, s.value, self.body.encode()) for s in mine)


def signed(checkpoint: Checkpoint, key: VerifierKey, sign: Sign) -> Note:
    """Return a checkpoint signed by the key whose public half is given."""
    return signed_body(checkpoint.body, key, sign)


def signed_body(body: str, key: VerifierKey, sign: Sign) -> Note:
    """Return any text signed; it must end with a newline and tell in its first line what it is."""
    return Note(body, (Signature(key.name, key.key_id, sign(body.encode())),))


def read_note(text: str) -> Note:
    """Parse a signed checkpoint; raise MalformedNote. What it accepts, it would write again byte by byte."""
    _require(len(text) <= LONGEST, "too_long")
    body, blank, lines = text.rpartition("\n\n")
    _require(bool(blank) and bool(body) and lines.endswith("\n"), "no_note")
    rows = lines[:-1].split("\n")
    _require(len(rows) <= MOST_SIGNATURES, "too_many_signatures")
    note = Note(body + "\n", tuple(map(_signature, rows)))
    _require(note.text == text, "not_canonical")
    note.checkpoint()
    return note


def read_body(body: str) -> Checkpoint:
    """Parse what is signed of a checkpoint; raise MalformedNote."""
    _require(body.endswith("\n") and all(sign >= " " or sign == "\n" for sign in body), "no_checkpoint")
    lines = body[:-1].split("\n")
    _require(len(lines) >= 3 and all(lines), "no_checkpoint")
    origin, size, root, *more = lines
    _require(bool(NAME.fullmatch(origin)), "origin")
    return Checkpoint(origin, _number(size), _bytes(root, HASH), tuple(more))


def read_verifier_key(text: str) -> VerifierKey:
    """Parse a public key; raise MalformedNote, also when its number is not its own."""
    name, _, rest = text.strip().partition("+")
    number, _, coded = rest.partition("+")
    _require(bool(NAME.fullmatch(name)), "key_name")
    raw = _bytes(coded, HASH + 1)
    key = VerifierKey(name, raw[1:])
    _require(raw[:1] == ED25519 and key.key_id.hex() == number, "key_number")
    return key


# --- proofs ---
@dataclass(frozen=True)
class InclusionProof:
    """Where a leaf stands (counted from 0), the way from it to the root, and the signed checkpoint of that root."""

    index: int
    path: tuple[bytes, ...]
    note: Note

    @property
    def text(self) -> str:
        """The proof as C2SP tlog-proof has it."""
        lines = [PROOF, f"index {self.index}", *map(_base64, self.path)]
        return "\n".join(lines) + "\n\n" + self.note.text


@dataclass(frozen=True)
class Step:
    """A checkpoint with the proof from an earlier size: what a witness is handed (C2SP tlog-witness)."""

    old: int
    path: tuple[bytes, ...]
    note: Note

    @property
    def text(self) -> str:
        """The step as C2SP tlog-witness has it in a request."""
        return "\n".join([f"old {self.old}", *map(_base64, self.path)]) + "\n\n" + self.note.text


def read_proof(text: str) -> InclusionProof:
    """Parse a proof of inclusion; raise MalformedNote."""
    (title, index, *path), note = _parted(text)
    _require(title == PROOF, "no_proof")
    return InclusionProof(_number(_after(index, "index ")), _path(path), note)


def read_step(text: str) -> Step:
    """Parse a checkpoint with its proof of consistency; raise MalformedNote."""
    (old, *path), note = _parted(text, least=1)
    return Step(_number(_after(old, "old ")), _path(path), note)


def _parted(text: str, least: int = 2) -> tuple[list[str], Note]:
    _require(len(text) <= 2 * LONGEST, "too_long")
    above, blank, below = text.partition("\n\n")
    lines = above.split("\n")
    _require(bool(blank) and len(lines) >= least and all(lines), "no_proof")
    return lines, read_note(below)


def _path(lines: Sequence[str]) -> tuple[bytes, ...]:
    _require(len(lines) <= MOST_STEPS, "too_long")
    return tuple(_bytes(line, HASH) for line in lines)


def _after(line: str, beginning: str) -> str:
    _require(line.startswith(beginning), "no_proof")
    return line[len(beginning) :]


def _signature(line: str) -> Signature:
    _require(line.startswith(DASH), "no_signature")
    name, blank, coded = line[len(DASH) :].partition(" ")
    _require(bool(blank) and bool(NAME.fullmatch(name)), "no_signature")
    raw = _bytes(coded, None)
    _require(len(raw) > KEY_ID, "no_signature")
    return Signature(name, raw[:KEY_ID], raw[KEY_ID:])


def _number(text: str) -> int:
    _require(bool(NUMBER.fullmatch(text)), "number")
    return int(text)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bytes(text: str, length: int | None) -> bytes:
    """Decode base64 that is written as we would write it: no blank, no other filling, no stray bit."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedNote("base64") from error
    _require(_base64(raw) == text and length in (None, len(raw)), "base64")
    return raw


def _require(held: bool, reason: str) -> None:
    if not held:
        raise MalformedNote(reason)
