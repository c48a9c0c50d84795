"""A mend for asn1crypto 1.5.1, without which some signatures take a minute instead of a third of a second.

It writes the contents of each level twice or more (wbond/asn1crypto #256, open), all the more where a length ends with
the byte 0x80 (#249): twelve levels make four thousand times the work. Nothing changes while a value is written, so
here each part is written once for each outermost call.
"""

import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

from asn1crypto import core


class _Written(threading.local):
    """Parts that the outermost call under way has written, and whether anew (forced); None: nothing is under way."""

    parts: set[tuple[int, bool]] | None = None


_written = _Written()


def mend() -> None:
    """Let each type of asn1crypto that holds others write them once; a second call changes nothing."""
    for kind in (core.Sequence, core.SequenceOf, core.Set, core.SetOf):
        _replace(kind, "dump", _outermost)
        _replace(kind, "_set_contents", _once)


def _replace(kind: Any, name: str, mended: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    own = vars(kind).get(name)
    if own is not None and not hasattr(own, "__wrapped__"):
        setattr(kind, name, mended(own))


def _outermost(own: Callable[..., bytes]) -> Callable[..., bytes]:
    @wraps(own)
    def dump(value: Any, force: bool = False) -> bytes:
        if _written.parts is not None:
            return own(value, force=force)
        _written.parts = set()
        try:
            return own(value, force=force)
        finally:
            _written.parts = None

    return dump


def _once(own: Callable[..., None]) -> Callable[..., None]:
    @wraps(own)
    def _set_contents(value: Any, force: bool = False) -> None:
        done = _written.parts
        if done is None:
            own(value, force=force)
        elif not done & {(id(value), True), (id(value), force)}:
            own(value, force=force)
            done.add((id(value), force))

    return _set_contents
