"""Households laid aside while a roster is still being read: in a file without a name, gone with the process."""

import pickle
import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import IO

from app.runtime import runtime
from app.services.prepared import Prepared

Kept = tuple[str, str, Prepared]
BATCH = 1_000


class Spool:
    """Keeps (number of the registered household or "", area, household) in the order in which they come."""

    def __init__(self) -> None:
        self._waiting: list[Kept] = []

    def __enter__(self) -> "Spool":
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=runtime().settings.data)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def put(self, known: str, area: str, one: Prepared) -> None:
        """Lay one household aside."""
        self._waiting.append((known, area, one))
        if len(self._waiting) == BATCH:
            self._write()

    def batches(self) -> Iterator[list[Kept]]:
        """Take all of them up again, some at a time."""
        self._write()
        end = self._file.tell()
        self._file.seek(0)
        while self._file.tell() < end:
            # Written by this very process into a file that has no name.
            yield pickle.load(self._file)  # noqa: S301

    def _write(self) -> None:
        if self._waiting:
            pickle.dump(self._waiting, self._file, pickle.HIGHEST_PROTOCOL)
            self._waiting.clear()
