"""pyHanko runs each signature and each check in an event loop of its own, which a thread that runs one can't have."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Answer = TypeVar("Answer")


def in_a_thread(work: Callable[[], Answer]) -> Answer:
    """Return the answer of a piece of work done in a thread of its own, whatever loop the caller's thread runs."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()
