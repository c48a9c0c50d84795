"""The one place where any error is caught: a broken item never stops those after it."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from workflows.errors import Refused

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Trouble:
    """What went wrong: kind and place of the error, never its text, which may hold personal data."""

    what: str


def attempt(work: Callable[[], Answer]) -> Answer | Trouble:
    """Return the answer of a piece of work, or the trouble that it met."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - what a broken case may raise cannot be known
        return Trouble(described(error))


def described(error: BaseException) -> str:
    """Say what kind of error it is, a refusal's code, what caused it, and where it was raised."""
    names = [type(error).__name__]
    if isinstance(error, Refused):
        names.append(error.code)
    if error.__cause__:
        names.append(f"from {type(error.__cause__).__name__}")
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{' '.join(names)}{place}"
