"""The installation's keys: person keys (keyed hashes), encryption of ID numbers, signing of cookies."""

import base64
import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NAMES = ("cookie", "person", "cipher")


@dataclass(frozen=True)
class Keys:
    """Three independent keys of 32 bytes."""

    cookie: bytes
    person: bytes
    cipher: bytes

    def person_key(self, id_number: str) -> str:
        """Return the key by which one human being is known everywhere without storing the ID number."""
        return hmac.new(self.person, id_number.upper().encode(), hashlib.sha256).hexdigest()[:32]

    def encrypt(self, text: str, *, place: str) -> str:
        """Encrypt with AES-256-GCM, bound to the place where the text is stored."""
        nonce = secrets.token_bytes(12)
        sealed = AESGCM(self.cipher).encrypt(nonce, text.encode(), place.encode())
        return base64.b64encode(nonce + sealed).decode()

    def decrypt(self, text: str, *, place: str) -> str:
        """Decrypt; raise ValueError when the key or place is another or the text was changed."""
        raw = base64.b64decode(text)
        try:
            return AESGCM(self.cipher).decrypt(raw[:12], raw[12:], place.encode()).decode()
        except InvalidTag as error:
            raise ValueError(f"{place}: cannot be decrypted with this installation's key") from error


def make_keys(path: Path) -> Keys:
    """Make new keys in a file that only its owner may read; raise FileExistsError when there are some."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = {name: secrets.token_hex(32) for name in NAMES}
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(values, file, indent=1)
    return _keys(values)


def read_keys(path: Path) -> Keys:
    """Read the keys; raise FileNotFoundError when ``fangpin init`` was never run here."""
    values = json.loads(path.read_text(encoding="utf-8"))
    return _keys(values)


def _keys(values: dict[str, str]) -> Keys:
    return Keys(**{name: bytes.fromhex(values[name]) for name in NAMES})
