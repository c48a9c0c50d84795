"""Prints kept by their content, so that what has not changed is not set again; encrypted, and never served from here.

The key names all that decides the bytes. Whoever hands a print out asks for the rights and writes the ledger first:
this store knows neither. What is signed is kept for good, as a second signature would be another file; everything else
goes, what was asked for longest ago first, when the store is larger than its setting.
"""

import itertools
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from app.runtime import runtime
from workflows.journal import canonical, digest

FORMAT = "fp-kept-v1"
PRINTS, SIGNED = "prints", "signed"
LOOK_EVERY = 200  # prints kept by a process before it looks again how large the store is
ROOM = 0.9  # of the setting is left after tidying
_counted = itertools.count(1)


def key_of(parts: Mapping[str, str]) -> str:
    """Return the key of a print: one digest over all that its bytes follow from."""
    return digest(canonical({"format": FORMAT, **parts}))


def kept(key: str, make: Callable[[], bytes], *, signed: bool = False) -> bytes:
    """Return the print of a key, made now if it is not there; of two made at once the first one stays.

    ``signed``: it is kept for good, whatever the setting says.
    """
    found = find(key, signed=signed)
    if found is not None:
        return found
    data = make()
    keep(key, data, signed=signed)
    return (find(key, signed=True) or data) if signed else data


def find(key: str, *, signed: bool = False) -> bytes | None:
    """Return the print of a key; None when there is none, or none that this installation's key opens."""
    path = path_of(key, signed=signed)
    try:
        data = opened(path.read_bytes(), key)
        os.utime(path)  # asked for now, so it goes last
    except (FileNotFoundError, ValueError):
        return None
    return data


def keep(key: str, data: bytes, *, signed: bool = False) -> None:
    """Keep a print under its key; a reader sees the whole file or none. Nothing is kept when the store is off."""
    if not (signed or is_on()):
        return
    path = path_of(key, signed=signed)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(path, sealed(data, key), over=not signed)
    if next(_counted) % LOOK_EVERY == 0:
        tidy()


def _write(path: Path, data: bytes, *, over: bool) -> None:
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            if not over:  # a signature that was given out must be there after a power cut too
                file.flush()
                os.fsync(handle)
        if over:
            fresh.replace(path)
        else:
            _put_first(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


def _put_first(fresh: Path, path: Path) -> None:
    """Give a file its name unless another one has it; a file that does not open any more gives way."""
    try:
        os.link(fresh, path)
    except FileExistsError:
        try:
            opened(path.read_bytes(), path.name)
        except ValueError:
            fresh.replace(path)


# --- files ---
def is_on() -> bool:
    """Tell whether prints are kept at all."""
    return runtime().settings.prints_bytes > 0


def path_of(key: str, *, signed: bool = False) -> Path:
    """Return where the print of a key lies."""
    return runtime().settings.data / (SIGNED if signed else PRINTS) / key[:2] / key


def sealed(data: bytes, key: str) -> bytes:
    """Return a print encrypted, bound to its key."""
    return runtime().keys.seal(data, place=f"{PRINTS}:{key}")


def opened(data: bytes, key: str) -> bytes:
    """Return a print decrypted; raise ValueError when it is another one's or was changed."""
    return runtime().keys.unseal(data, place=f"{PRINTS}:{key}")


def tidy() -> int:
    """Remove what was asked for longest ago until the rest fits the setting; return how many went."""
    most = runtime().settings.prints_bytes
    found = sorted(_files())
    size = sum(size for _, size, _ in found)
    if size <= most and most > 0:
        return 0
    gone = 0
    for _, one, path in found:
        if size <= most * ROOM:
            break
        path.unlink(missing_ok=True)
        size -= one
        gone += 1
    return gone


def _files() -> Iterator[tuple[float, int, Path]]:
    """Yield (last asked for, bytes, path) of what may go; half-written files of a killed process too."""
    for path in (runtime().settings.data / PRINTS).glob("*/*"):
        try:
            found = path.stat()
        except FileNotFoundError:
            continue
        yield found.st_mtime, found.st_size, path
