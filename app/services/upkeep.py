"""Upkeep for the scheduler: heartbeats, what stands still, and clearing out what has expired."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from app.store import deadlines, outbox, upkeep
from app.store.transaction import reading, writing
from workflows.clock import CHINA, parse_utc

TICK = "sweep"
BEAT_EVERY = timedelta(seconds=20)
SILENT_AFTER = timedelta(seconds=75)  # with the alarm that looks every 15 s: told within two minutes
CHECK = "check"
BACKUP = "backup"
SEAL = "seal"
SEAL_TROUBLES = ("forks", "older", "unwritten")  # what the job counts that a person must look at
NIGHT = range(1, 5)  # local hours
CHECK_AFTER = timedelta(hours=20)


def counts() -> dict[str, int]:
    """Return what stands still, for the log."""
    with reading():
        return {
            "troubled_periods": deadlines.troubled(),
            "failed_messages": outbox.undelivered(failed=True),
            "waiting_messages": outbox.undelivered(),
        }


def skew(clock: datetime) -> int:
    """Return by how many seconds the database's clock is ahead of this machine's."""
    with reading() as now:
        return round((now - clock).total_seconds())


def is_check_due() -> bool:
    """Tell whether it is night here and the great check has not run to its end in this one."""
    with reading() as now:
        at = upkeep.beats().get(CHECK)
    rested = at is None or now - parse_utc(at[0]) > CHECK_AFTER
    return rested and now.astimezone(CHINA).hour in NIGHT


def beat(job: str, counted: Mapping[str, int]) -> None:
    """Note that a job has run to its end: what it did, or else some times a minute that it runs.

    Idle jobs of several schedulers would queue for SQLite's write lock, and people with them.
    """
    with reading() as now:
        last = upkeep.beats().get(job)
    if last and not any(counted.values()) and now - parse_utc(last[0]) < BEAT_EVERY:
        return
    with writing() as now:
        upkeep.note_beat(job, " ".join(f"{k}={v}" for k, v in sorted(counted.items())), now)


def tidy() -> dict[str, int]:
    """Remove expired log-ins and old failures; return how many of each."""
    with writing() as now:
        return {"sessions": upkeep.forget_sessions(now), "failures": upkeep.forget_failures(now)}
