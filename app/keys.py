"""The installation's keys: person keys (keyed hashes), encryption of ID numbers, signing of cookies and seals."""

import base64
import fcntl
import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

NAMES = ("cookie", "person", "cipher")
SIGNING = "signing"  # came later: files of older installations have none until their first seal
SEALED = "fp-sealed-keys-v1"


@dataclass(frozen=True)
class Keys:
    """Independent keys of 32 bytes; ``signing`` signs checkpoints, and is empty until it is first needed."""

    cookie: bytes
    person: bytes
    cipher: bytes
    signing: bytes = b""

    @cached_property
    def _aes(self) -> AESGCM:
        return AESGCM(self.cipher)

    def __getstate__(self) -> dict[str, bytes]:
        """What goes to another process: the keys, not what was made of them."""
        return {name: getattr(self, name) for name in (*NAMES, SIGNING)}

    def person_key(self, id_number: str) -> str:
        """Return the key by which one human being is known everywhere without storing the ID number."""
        return hmac.digest(self.person, id_number.upper().encode(), "sha256").hex()[:32]

    def paper_digest(self, content: str) -> str:
        """Return what stands for a paper's content: nobody without this key can try names against it."""
        return hmac.digest(self.person, b"fp-issue-v1\0" + content.encode(), "sha256").hex()

    def fingerprint(self) -> str:
        """Return what tells these keys from others and says nothing about them: what the data needs of them only."""
        return hashlib.sha256(b"fp-keys-v1\0" + self.person + self.cipher).hexdigest()[:16]

    def encrypt(self, text: str, *, place: str) -> str:
        """Encrypt with AES-256-GCM, bound to the place where the text is stored."""
        nonce = secrets.token_bytes(12)
        sealed = self._aes.encrypt(nonce, text.encode(), place.encode())
        return base64.b64encode(nonce + sealed).decode()

    def seal(self, data: bytes, *, place: str) -> bytes:
        """Encrypt a file, bound to the place where it is kept."""
        nonce = secrets.token_bytes(12)
        return nonce + self._aes.encrypt(nonce, data, place.encode())

    def unseal(self, sealed: bytes, *, place: str) -> bytes:
        """Decrypt a file; raise ValueError when the key or place is another or it was changed."""
        try:
            return self._aes.decrypt(sealed[:12], sealed[12:], place.encode())
        except InvalidTag as error:
            raise ValueError(f"{place}: cannot be decrypted with this installation's key") from error

    def decrypt(self, text: str, *, place: str) -> str:
        """Decrypt; raise ValueError when the key or place is another or the text was changed."""
        raw = base64.b64decode(text)
        try:
            return self._aes.decrypt(raw[:12], raw[12:], place.encode()).decode()
        except InvalidTag as error:
            raise ValueError(f"{place}: cannot be decrypted with this installation's key") from error


def make_keys(path: Path) -> Keys:
    """Make new keys in a file that only its owner may read; raise FileExistsError when there are some."""
    values = {name: secrets.token_hex(32) for name in (*NAMES, SIGNING)}
    write_keys(path, json.dumps(values, indent=1).encode())
    return _keys(values)


def write_keys(path: Path, text: bytes) -> None:
    """Write a file of keys that only its owner may read; raise FileExistsError when there is one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def ensure_signing_key(path: Path) -> bytes:
    """Return the key that signs seals, made now in a file that has none; whoever is first makes it for all.

    Raises FileNotFoundError when there is no file of keys.
    """
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        values = json.loads(path.read_bytes())
        if SIGNING not in values:
            values[SIGNING] = secrets.token_hex(32)
            fresh = path.with_name(f".{path.name}.new")
            fresh.unlink(missing_ok=True)
            write_keys(fresh, json.dumps(values, indent=1).encode())
            fresh.replace(path)
            _sync(path.parent)
    return bytes.fromhex(values[SIGNING])


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_keys(path: Path) -> Keys:
    """Read the keys; raise FileNotFoundError when ``fangpin init`` was never run here."""
    return keys_of(path.read_bytes())


def keys_of(text: bytes) -> Keys:
    """Return the keys that the content of a file of keys holds; raises ValueError or KeyError when it is none."""
    return _keys(json.loads(text))


def seal_keys(text: bytes, passphrase: str) -> bytes:
    """Return a file of keys encrypted by a passphrase (scrypt, AES-256-GCM), with all that opening it needs."""
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    sealed = AESGCM(_stretched(passphrase, salt)).encrypt(nonce, text, SEALED.encode())
    parts = {"format": SEALED, "salt": salt.hex(), "nonce": nonce.hex(), "sealed": sealed.hex()}
    return json.dumps(parts).encode()


def open_keys(sealed: bytes, passphrase: str) -> bytes:
    """Return the file of keys that was sealed; raise ValueError when the passphrase is another one."""
    parts = json.loads(sealed)
    key = _stretched(passphrase, bytes.fromhex(parts["salt"]))
    try:
        return AESGCM(key).decrypt(bytes.fromhex(parts["nonce"]), bytes.fromhex(parts["sealed"]), SEALED.encode())
    except InvalidTag as error:
        raise ValueError("the passphrase does not open the keys") from error


def _stretched(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=2**16, r=8, p=1).derive(passphrase.encode())


def _keys(values: dict[str, str]) -> Keys:
    return Keys(**{name: bytes.fromhex(values[name]) for name in NAMES}, signing=bytes.fromhex(values.get(SIGNING, "")))
