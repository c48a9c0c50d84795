"""Files between being sent and being taken in: encrypted, for their owner only, for a time."""

import os
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.runtime import runtime
from workflows.errors import NotFound
from workflows.model import Actor

TOKEN = re.compile(r"[0-9a-f]{32}")
HOUR = 3600


@dataclass(frozen=True)
class Shelf:
    """A folder of such files; what is older than ``kept_seconds`` goes."""

    name: str
    kept_seconds: int

    def keep(self, actor: Actor, data: bytes, token: str = "", part: str = "") -> str:
        """Keep a file, in the place of one that is there, and return the token by which its owner gets it back."""
        folder = self.folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.tidy()
        token = token or secrets.token_hex(16)
        path = self.path(token, part)
        fresh = path.with_suffix(".new")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(runtime().keys.seal(data, place=self._place(actor.id, token, part)))
        fresh.replace(path)  # a reader sees the old file or the new one
        return token

    def kept(self, actor: Actor, token: str, part: str = "") -> bytes:
        """Return a file that its owner had kept; raise NotFound for anybody else's, for none, and after its time."""
        path = self.path(token, part) if TOKEN.fullmatch(token) else None
        if path is None or not path.is_file() or self._is_old(path):
            raise NotFound(upload=token[:32])
        try:
            return runtime().keys.unseal(path.read_bytes(), place=self._place(actor.id, token, part))
        except ValueError as error:
            raise NotFound(upload=token) from error

    def drop(self, token: str) -> None:
        """Remove a file with all its parts."""
        if TOKEN.fullmatch(token):
            for path in self.folder().glob(f"{token}*"):
                path.unlink(missing_ok=True)

    def tidy(self) -> int:
        """Remove what is too old; return how many."""
        old = [path for path in self._files() if self._is_old(path)]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def folder(self) -> Path:
        """Return where the files lie."""
        return runtime().settings.data / self.name

    def path(self, token: str, part: str) -> Path:
        """Return where a file, or a part that belongs to it, lies."""
        return self.folder() / (f"{token}-{part}" if part else token)

    def _files(self) -> Iterator[Path]:
        return self.folder().iterdir() if self.folder().is_dir() else iter(())

    def _place(self, owner: str, token: str, part: str) -> str:
        return f"{self.name}:{owner}:{token}:{part}"

    def _is_old(self, path: Path) -> bool:
        return time.time() - path.stat().st_mtime > self.kept_seconds


STAFF = Shelf("uploads", HOUR)
