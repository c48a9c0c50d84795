"""When a form was opened: its idempotency key says so, under a code of ours, and the entry keeps the key.

``o<seconds since 1970>-<16 hex digits, random>-<16 hex digits of HMAC-SHA-256>``. Whoever sends another key of this
shape than was given out gets a fresh one: nobody opens a form in the past.
"""

import hmac
import re
import secrets
from datetime import datetime

SHAPE = re.compile(r"o([0-9]{10})-[0-9a-f]{16}-([0-9a-f]{16})")
CODE = 17  # the dash and the code at the end


def opening_key(secret: bytes, now: datetime) -> str:
    """Return the key of a form that is opened now."""
    text = f"o{int(now.timestamp()):010}-{secrets.token_hex(8)}"
    return f"{text}-{_code(secret, text)}"


def is_forged(secret: bytes, key: str) -> bool:
    """Tell whether a key has the shape of one that was given out, and was not."""
    found = SHAPE.fullmatch(key)
    if found is None:
        return key.startswith("o") and key[1:11].isdigit() and key[11:12] == "-"
    return not hmac.compare_digest(found[2], _code(secret, key[:-CODE]))


def opened_at(key: str) -> str:
    """Return the beginning of a key that says when its form was opened, or an empty text."""
    return key[:12] if SHAPE.fullmatch(key) else ""


def _code(secret: bytes, text: str) -> str:
    return hmac.digest(secret, b"fp-opened\0" + text.encode(), "sha256").hex()[:16]
