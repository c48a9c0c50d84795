"""The process that typesets: ``python -m reports.renderer`` warms up, then forks a child for every so many documents.

A document is set in a child that may use only so much memory and time: one that is out of bounds takes nobody along.
The keys never come here: what is to be signed is sent to whoever asked, and comes back signed. Fonts and libraries are
loaded once, before the fork, so that each child starts warm.
"""

import gc
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

MEMORY, DOCUMENTS = 1024 * 1024 * 1024, 200
ENOUGH, ENDED = 0, 7  # how a child ends: it set its share of documents; nobody asks any more
LONGEST_HEAD = 65_536


def write_frame(to: BinaryIO, head: Mapping[str, Any], body: bytes = b"") -> None:
    """Write one message: a line of JSON that tells the length of the bytes behind it."""
    to.write(json.dumps({**head, "size": len(body)}).encode() + b"\n" + body)
    to.flush()


def read_frame(source: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """Read one message, None at the end; raise ValueError or EOFError for what is none."""
    line = source.readline(LONGEST_HEAD)
    if not line:
        return None
    head = json.loads(line)
    size = int(head["size"])
    body = source.read(size)
    if len(body) != size:
        raise EOFError("cut off")
    return head, body


# --- one child ---
def _limit(memory: int) -> None:
    """Allow so many bytes beyond what the warm process has, and no core file of personal data."""
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + memory, held + memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _allow(seconds: int) -> None:
    """Give the next document so many seconds of the processor, and four times as many by the clock."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.RLIM_INFINITY))
    signal.alarm(seconds * 4)


def _forbid_nothing() -> None:
    """Answering takes what it takes: a message must not be cut off in the middle."""
    signal.alarm(0)
    resource.setrlimit(resource.RLIMIT_CPU, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def serve(source: BinaryIO, to: BinaryIO, documents: int) -> int:
    """Set documents that are asked for, up to so many; return how the child is to end."""
    for _ in range(documents):
        found = read_frame(source)
        if found is None:
            return ENDED
        head, body = found
        _allow(int(head["seconds"]))
        answer = _answer(str(head["kind"]), json.loads(body), lambda text: _signed(source, to, text))
        _forbid_nothing()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        write_frame(to, {**answer[0], "peak": peak}, answer[1])
        if answer[0].get("reason") == "memory":
            break  # libraries that got no memory may be in any state: the next document gets a fresh child
    return ENOUGH


def _answer(kind: str, values: dict[str, Any], sign: Callable[[str], str]) -> tuple[dict[str, Any], bytes]:
    try:
        return {"kind": "done"}, KINDS[kind](values, sign)
    except (MemoryError, SystemError):  # what a library in C says that got no memory and did not look
        return {"kind": "failed", "reason": "memory"}, b""
    except Exception as error:  # noqa: BLE001 - what a document raises cannot be known; its text may hold personal data
        return {"kind": "failed", "reason": "error", "detail": type(error).__name__}, b""


def _signed(source: BinaryIO, to: BinaryIO, text: str) -> str:
    write_frame(to, {"kind": "sign"}, text.encode())
    found = read_frame(source)
    if found is None:
        raise EOFError("nobody signs")
    return found[1].decode()


def _trail(values: dict[str, Any], sign: Callable[[str], str]) -> bytes:
    from reports.render import render_trail

    is_signed = values.pop("signed")
    return render_trail(**values, seal=sign if is_signed else None)


def _index(values: dict[str, Any], _: Callable[[str], str]) -> bytes:
    from reports.bundle_index import render_index

    return render_index(values)


KINDS: Mapping[str, Callable[[dict[str, Any], Callable[[str], str]], bytes]] = {"trail": _trail, "index": _index}


# --- the process that stays ---
def warm() -> None:
    """Load libraries, fonts and style sheets; what is loaded now is shared by all children."""
    from reports import bundle_index, render

    render._style(render.BUNDLED)
    render.stamp_of()
    bundle_index.render_index({"title": "", "lines": [], "columns": ["", "", "", "", "", ""], "pages": [[]]})
    gc.collect()
    gc.freeze()


def _child(memory: int, documents: int) -> int:
    _limit(memory)
    with open(0, "rb", closefd=False) as source, open(1, "wb", closefd=False) as to:
        return serve(source, to, documents)


def _forked(memory: int, documents: int) -> int:
    """Return how a child ended: its exit code, or minus the signal that killed it."""
    number = os.fork()
    if number == 0:
        code = 1
        try:
            code = _child(memory, documents)
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def main(memory: int, documents: int, nice: int) -> int:
    """Warm up, then have child after child until nobody asks any more."""
    os.nice(nice)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever asked; the end of its pipe is the end here
    warm()
    try:
        while (code := _forked(memory, documents)) != ENDED:
            if code != ENOUGH:
                _tell(code)
    except BrokenPipeError:
        return 0  # whoever asked was killed meanwhile; there is nobody to tell
    return 0


def _tell(code: int) -> None:
    late = code in (-signal.SIGXCPU, -signal.SIGALRM)
    with open(1, "wb", closefd=False) as to:
        write_frame(to, {"kind": "failed", "reason": "time" if late else "crashed", "peak": 0})


if __name__ == "__main__":
    sys.exit(main(*(int(word) for word in sys.argv[1:4])))
