"""The one place where any error is caught: a broken item never stops those after it."""

import fcntl
import os
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from app.runtime import runtime
from app.store.transaction import is_sqlite, writing
from app.tables import db
from workflows.errors import Refused

GROUP = 20  # items a transaction: its locks are held for a tenth of a second
PAUSE = 0.005  # seconds
Answer = TypeVar("Answer")
Item = TypeVar("Item")
Work = Callable[[Item, datetime], str]
Together = Callable[[Sequence[Item], datetime], Sequence[str]]
PutOff = Callable[[Item, str, datetime], None]


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


# --- one at a time ---
@contextmanager
def held(path: Path) -> Iterator[bool]:
    """Hold the lock of a file, which goes with the process; yields False when somebody else holds it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(handle)


@contextmanager
def alone(duty: str) -> Iterator[bool]:
    """On SQLite do a duty in one process at a time; yields False when another one is at it.

    Only one can write, so the others would queue for the lock, and people with them, to find everything done.
    PostgreSQL shares the work by locks on rows.
    """
    if not is_sqlite():
        yield True
        return
    with held(runtime().settings.data / f"{duty}.lock") as is_mine:
        yield is_mine


# --- many small pieces of work ---
def never() -> bool:
    """Tell a long work to go on to its end."""
    return False


def work_through(
    items: Sequence[Item], do: Work[Item], put_off: PutOff[Item], *, stop: Callable[[], bool]
) -> Counter[str]:
    """Do each item and count the answers of ``do``; both calls run inside a transaction and get its time.

    A group shares one transaction. Where one of it fails, each is done alone: what failed again is put off by
    ``put_off``, which takes the item, the trouble's words and the time, and counts as failed.
    """
    return work_together(items, partial(_each, do), put_off, stop=stop, size=GROUP)


def work_together(
    items: Sequence[Item], do: Together[Item], put_off: PutOff[Item], *, stop: Callable[[], bool], size: int
) -> Counter[str]:
    """The same where a group is done by one call, which gives an answer for each of its items."""
    tally: Counter[str] = Counter()
    for start in range(0, len(items), size):
        if stop():
            break
        group = items[start : start + size]
        answers = attempt(partial(_inside, group, do))
        tally.update([_alone(item, do, put_off) for item in group] if isinstance(answers, Trouble) else answers)
        step_aside()
    return tally


def _inside(group: Sequence[Item], do: Together[Item]) -> Sequence[str]:
    with writing() as now:
        return do(group, now)


def _each(do: Work[Item], group: Sequence[Item], now: datetime) -> list[str]:
    return [_fresh(item, do, now) for item in group]


def _fresh(item: Item, do: Work[Item], now: datetime) -> str:
    """What an item before changed by statements must be read anew."""
    db.session.expire_all()
    return do(item, now)


def _alone(item: Item, do: Together[Item], put_off: PutOff[Item]) -> str:
    answer = attempt(partial(_inside, [item], do))
    if not isinstance(answer, Trouble):
        return answer[0]
    with writing() as now:
        put_off(item, answer.what, now)
    return "failed"


def step_aside() -> None:
    """Leave SQLite's one write lock to others for a moment: who waits for it only looks every tenth of a second."""
    if is_sqlite():
        time.sleep(PAUSE)
