"""Signed prints, kept as they are: the same print is never signed twice. They lie encrypted by our own key."""

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from app.disk import settle
from app.runtime import runtime

FOLDER = "signed-prints"


def kept(key: str, make: Callable[[], bytes]) -> bytes:
    """Return the file kept under a key (hex), made now when there is none; a damaged one is made anew."""
    path = _path(key)
    place = f"{FOLDER}/{key}"
    if path.exists():
        try:
            return runtime().keys.unseal(path.read_bytes(), place=place)
        except ValueError:
            path.unlink(missing_ok=True)
    made = make()
    _write(path, runtime().keys.seal(made, place=place))
    return made


def _path(key: str) -> Path:
    return runtime().settings.data / FOLDER / key[:2] / key


def _write(path: Path, sealed: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{uuid4().hex}")
    with fresh.open("wb") as file:
        file.write(sealed)
        settle(file)
    fresh.replace(path)
