"""Whether what is written is on the disk before anybody is told so: always, but where all of it can be made again."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

_waiting = [True]


def waits() -> bool:
    """Tell whether writers wait for the disk."""
    return _waiting[-1]


@contextmanager
def without_waiting() -> Iterator[None]:
    """Let nobody of this process wait for the disk: for what is thrown away whole where it breaks off.

    SQLite's connections keep what was so when they were opened. Who keeps what was made calls ``settle_all``.
    """
    _waiting.append(False)
    try:
        yield
    finally:
        _waiting.pop()


def settle(file: IO[bytes]) -> None:
    """Wait until a file that was written is on the disk."""
    file.flush()
    if waits():
        os.fsync(file.fileno())


def settle_all() -> None:
    """Wait until everything that was written on this machine is on the disk."""
    os.sync()
