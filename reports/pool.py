"""Typesetting in several processes at once: orders go in as they are wanted, prints come out as they are ready."""

import contextlib
import json
import os
import select
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

import reports
from reports.renderer import DOCUMENTS, MEMORY, read_frame, write_frame

SECONDS = 60
PATIENCE = 5  # times a document's seconds until its process is given up
Sign = Callable[[str], str]


@dataclass(frozen=True)
class Order:
    """A document to be set: its kind and values (all JSON), how many seconds of the processor it may take.

    ``sign`` gets what is to be signed within it; it is called here, never in the process that typesets.
    """

    kind: str
    values: Mapping[str, Any]
    name: Any = None
    sign: Sign | None = None
    seconds: int = SECONDS


@dataclass(frozen=True)
class Printed:
    """What became of an order: the PDF, or why there is none (memory, time, crashed, error: its kind)."""

    order: Order
    pdf: bytes
    reason: str = ""
    detail: str = ""
    peak: int = 0  # bytes the process held at most


@dataclass
class _Slot:
    """One process that typesets, and the order that it is at."""

    command: list[str]
    order: Order | None = None
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self._start()

    def _start(self) -> None:
        # Nothing of the environment goes along but where modules are found: documents are other people's words.
        env = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
        env["PYTHONPATH"] = str(Path(reports.__file__).parent.parent)
        self.process = subprocess.Popen(  # noqa: S603 - our own program, nothing of a document in its words
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, start_new_session=True
        )

    @property
    def out(self) -> BinaryIO:
        return cast("BinaryIO", self.process.stdout)

    @property
    def into(self) -> BinaryIO:
        return cast("BinaryIO", self.process.stdin)

    def take(self) -> Order:
        order, self.order = self.order, None
        return cast("Order", order)

    def give(self, order: Order) -> None:
        self.order = order
        self._send({"kind": order.kind, "seconds": order.seconds}, json.dumps(order.values).encode())

    def _send(self, head: Mapping[str, Any], body: bytes) -> None:
        write_frame(self.into, head, body)

    def answer(self) -> Printed | None:
        """Read what came; None when it was only something to sign."""
        head, body = _frame(self.out)
        if head["kind"] == "sign":
            sign = self.order.sign if self.order else None
            self._send({"kind": "signed"}, sign(body.decode()).encode() if sign else b"")
            return None
        return Printed(self.take(), body, head.get("reason", ""), head.get("detail", ""), head["peak"])

    def give_up(self, reason: str) -> Printed:
        """Kill the process and start another one in its place."""
        self.end()
        self._start()
        return Printed(self.take(), b"", reason)

    def end(self) -> None:
        """End the process, at once if it is at something."""
        if self.order is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)  # the child that typesets is of its group
        with contextlib.suppress(BrokenPipeError):
            self.into.close()
        self.process.wait()
        self.out.close()


def _frame(out: Any) -> tuple[dict[str, Any], bytes]:
    found = read_frame(out)
    if found is None:
        raise EOFError("the process that typesets is gone")
    return found


class Pool:
    """Processes that typeset, started at need and kept warm; a context, at whose end they go."""

    def __init__(self, workers: int = 0, *, nice: int = 0, memory: int = MEMORY, documents: int = DOCUMENTS) -> None:
        self.workers = workers or cores()
        self._command = [sys.executable, "-m", "reports.renderer", str(memory), str(documents), str(nice)]
        self._slots: list[_Slot] = []

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_: object) -> None:
        for slot in self._slots:
            slot.end()
        self._slots.clear()

    def run(self, orders: Iterable[Order]) -> Iterator[Printed]:
        """Set documents and yield them as they are ready; the next order is asked for when a process is free."""
        waiting = iter(orders)
        busy = [slot for slot in map(self._slot, range(self.workers)) if _fed(slot, waiting)]
        while busy:
            for slot in _ready(busy):
                done = _looked_at(slot)
                if done is not None:
                    yield done
                    if not _fed(slot, waiting):
                        busy.remove(slot)

    def _slot(self, number: int) -> _Slot:
        while len(self._slots) <= number:
            self._slots.append(_Slot(self._command))
        return self._slots[number]


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0))


def _fed(slot: _Slot, waiting: Iterator[Order]) -> bool:
    order = next(waiting, None)
    if order is not None:
        slot.give(order)
    return order is not None


def _ready(busy: list[_Slot]) -> list[_Slot]:
    """Wait until a process has something to say; those that have been silent for too long count too."""
    with selectors.DefaultSelector() as chosen:
        for slot in busy:
            chosen.register(slot.out, selectors.EVENT_READ, slot)
        longest = max(slot.order.seconds for slot in busy if slot.order) * PATIENCE
        found = [key.data for key, _ in chosen.select(timeout=longest)]
    return found or list(busy)


def _looked_at(slot: _Slot) -> Printed | None:
    if not select.select([slot.out], [], [], 0)[0]:
        return slot.give_up("time")
    try:
        return slot.answer()
    except (EOFError, ValueError, KeyError, BrokenPipeError):
        return slot.give_up("crashed")
