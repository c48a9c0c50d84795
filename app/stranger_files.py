"""Files that strangers hand in are judged in a process of their own, two at a time, with limits of time and memory."""

import fcntl
import json
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.runtime import runtime
from app.services.public_check import Judged
from workflows.errors import Throttled

SECONDS, SEAL_SECONDS, AT_ONCE, MALFORMED = 5.0, 15.0, 2, 4


def judged(program: Path, data: bytes, keys: Sequence[str]) -> Judged:
    """Run a verifier over a file; what breaks it, or takes too long, is no print of ours. Raises Throttled."""
    told = _told([str(program), *keys], data, SECONDS)
    if told is None:
        return Judged(MALFORMED)
    return Judged(int(told["status"]), str(told["case"]), str(told["head"]))


def sealed(program: Path, data: bytes, roots: Sequence[bytes], lists: Sequence[bytes]) -> tuple[str, str, str]:
    """Run the check of the electronic seal over a print; what breaks it, or takes too long, is none. Raises Throttled.

    ``roots`` and ``lists`` (DER) are the office's own. The answer is what the seal is, whose it says it is, and when.
    """
    trust = {name: [b64encode(one).decode() for one in some] for name, some in (("roots", roots), ("lists", lists))}
    told = _told([str(program)], json.dumps(trust).encode() + b"\n" + data, SEAL_SECONDS)
    return (str(told["code"]), str(told["who"]), str(told["at"])) if told else ("malformed", "", "")


def _told(command: Sequence[str], sent: bytes, seconds: float) -> Mapping[str, Any] | None:
    """Run one of our programs in one of the few places; None where it did not come to its end."""
    with _a_place():
        try:
            # Our own program and public keys; the stranger's file goes in by standard input.
            done = subprocess.run(  # noqa: S603
                [sys.executable, "-I", *command], input=sent, capture_output=True, timeout=seconds, check=False, env={},
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return None
    found: Mapping[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
    return found or None


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
