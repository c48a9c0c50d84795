"""A file between its check and its taking in: encrypted, for its owner only, for an hour at most."""

import base64
import os
import re
import secrets
import time
from pathlib import Path

from app.runtime import runtime
from workflows.errors import NotFound
from workflows.model import Actor

KEPT_SECONDS = 3600
TOKEN = re.compile(r"[0-9a-f]{32}")


def keep(actor: Actor, data: bytes) -> str:
    """Keep a file and return the token by which its owner gets it back; what is older than an hour goes."""
    folder = _folder()
    folder.mkdir(mode=0o700, exist_ok=True)
    _tidy(folder)
    token = secrets.token_hex(16)
    sealed = runtime().keys.encrypt(base64.b85encode(data).decode(), place=_place(actor, token))
    handle = os.open(folder / token, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(sealed)
    return token


def kept(actor: Actor, token: str) -> bytes:
    """Return a file that its owner had kept; raise NotFound for anybody else's, for none, and after an hour."""
    path = _folder() / token if TOKEN.fullmatch(token) else None
    if path is None or not path.is_file() or _is_old(path):
        raise NotFound(upload=token[:32])
    try:
        return base64.b85decode(runtime().keys.decrypt(path.read_text(), place=_place(actor, token)))
    except ValueError as error:
        raise NotFound(upload=token) from error


def drop(token: str) -> None:
    """Remove a file that was taken in."""
    if TOKEN.fullmatch(token):
        (_folder() / token).unlink(missing_ok=True)


def _folder() -> Path:
    return runtime().settings.data / "uploads"


def _place(actor: Actor, token: str) -> str:
    return f"upload:{actor.id}:{token}"


def _tidy(folder: Path) -> None:
    for path in folder.iterdir():
        if _is_old(path):
            path.unlink(missing_ok=True)


def _is_old(path: Path) -> bool:
    return time.time() - path.stat().st_mtime > KEPT_SECONDS
