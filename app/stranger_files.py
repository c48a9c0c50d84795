"""Files that strangers hand in are judged in a process of their own, two at a time, with limits of time and memory."""

import fcntl
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from app.runtime import runtime
from app.services.public_check import Judged
from workflows.errors import Throttled

SECONDS, AT_ONCE, MALFORMED = 5.0, 2, 4


def judged(program: Path, data: bytes, keys: Sequence[str]) -> Judged:
    """Run a verifier over a file; what breaks it, or takes too long, is no print of ours. Raises Throttled."""
    command = [sys.executable, "-I", str(program), *keys]
    with _a_place():
        try:
            # Our own program and public keys; the stranger's file goes in by standard input.
            done = subprocess.run(  # noqa: S603
                command, input=data, capture_output=True, timeout=SECONDS, check=False, env={},
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return Judged(MALFORMED)
    if done.returncode != 0:
        return Judged(MALFORMED)
    told = json.loads(done.stdout)
    return Judged(int(told["status"]), str(told["case"]), str(told["head"]))


@contextmanager
def _a_place() -> Iterator[None]:
    """Hold one of the few places; all processes of the installation share them."""
    for number in range(AT_ONCE):
        with (runtime().settings.data / f".check-{number}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield
            return
    raise Throttled(minutes=1)
