"""Whether the database's clock goes on steadily: a sweep that believed a clock that jumped would make people late."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.runtime import runtime
from app.services.upkeep import TICK
from app.store import upkeep
from app.store.transaction import reading, writing
from workflows.clock import parse_utc, utc_text

CLOCK, ACCEPTED = "clock", "clock_accepted"
STEADY = "steady"
BOUND = timedelta(minutes=10)  # what a step of time synchronisation or a slow query never is


@dataclass(frozen=True)
class Jump:
    """The database's clock shows ``found`` where ``expected`` was to be; nothing that depends on time is done."""

    expected: datetime
    found: datetime

    def __str__(self) -> str:
        """Return it for the log and the note."""
        return f"jumped expected={utc_text(self.expected)} found={utc_text(self.found)}"


@dataclass(frozen=True)
class _Point:
    now: datetime
    ticks: float


def boot_seconds() -> float:
    """Return seconds since the machine started, its sleep included; no change of the clock touches them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def machine_clock() -> datetime:
    """Return what this machine holds to be the time; tests put their own clock in its place."""
    injected = runtime().clock
    return injected() if injected else datetime.now(UTC)


class ClockWatch:
    """Held by one process: compares the database's clock with seconds that nobody can set.

    A process that has just started knows no earlier reading. It holds the clock to have jumped when it shows less than
    the last sweep's, or when it is far beyond that and this machine's own clock says otherwise: after a mere outage
    both agree. A wrong clock of this machine alone stops nothing.
    """

    def __init__(
        self, ticks: Callable[[], float] = boot_seconds, clock: Callable[[], datetime] = machine_clock
    ) -> None:
        self._ticks, self._clock = ticks, clock
        self._last: _Point | None = None
        self._accepted = ""
        self._lock = threading.Lock()  # several jobs of one process look

    def look(self) -> Jump | None:
        """Read the database's clock; return how it jumped, until it goes on where it was or somebody accepts it."""
        with self._lock:
            return self._look()

    def _look(self) -> Jump | None:
        with reading() as now:
            beats = upkeep.beats()
        point = _Point(now, self._ticks())
        if self._is_accepted(beats.get(ACCEPTED, ("", ""))[0], now):
            self._last = point
        expected = self._expected(point, beats.get(TICK, ("", ""))[0])
        jump = Jump(expected, now) if abs(now - expected) > BOUND else None
        self._last = self._last if jump else point
        self._note(jump, beats.get(CLOCK, ("", ""))[1])
        return jump

    def _expected(self, point: _Point, last_sweep: str) -> datetime:
        if self._last:
            return self._last.now + timedelta(seconds=point.ticks - self._last.ticks)
        swept = parse_utc(last_sweep) if last_sweep else point.now
        if point.now < swept - BOUND:
            return swept
        own = self._clock()
        is_odd = point.now - swept > BOUND and abs(point.now - own) > BOUND
        return own if is_odd else point.now

    def _is_accepted(self, at: str, now: datetime) -> bool:
        """Somebody has said at a time of the new clock that it is right; each such word counts once."""
        if not at or at == self._accepted or abs(now - parse_utc(at)) > BOUND:
            return False
        self._accepted = at
        return True

    def _note(self, jump: Jump | None, noted: str) -> None:
        words = str(jump) if jump else STEADY
        if words.partition(" ")[0] != (noted.partition(" ")[0] or STEADY):
            with writing() as now:
                upkeep.note_beat(CLOCK, words, now)


def accept_clock() -> datetime:
    """Say that what the database's clock shows now is right: schedulers go on within a minute. Return that time."""
    with writing() as now:
        upkeep.note_beat(ACCEPTED, STEADY, now)
        upkeep.note_beat(CLOCK, STEADY, now)
        # A clock that was ahead has left a sweep in what is the future now.
        upkeep.note_beat(TICK, "accepted", now)
        return now


def has_jumped(noted: str) -> bool:
    """Tell from the note of the clock whether the sweeps stand still for its sake."""
    return bool(noted) and noted.partition(" ")[0] != STEADY
