"""The table of jobs: about half a dozen, each a question to a service; no deadline lives here."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import structlog
from flask import Flask

from app.services import upkeep
from app.services.deliver import deliver
from app.services.isolated import Trouble, attempt
from app.services.sweep import sweep

Stop = Callable[[], bool]
log = structlog.stdlib.get_logger("scheduler")
MOST_SKEW = 60


@dataclass(frozen=True)
class Job:
    """What runs every so many seconds; ``run`` returns what it counted."""

    name: str
    seconds: int
    run: Callable[[Stop], Mapping[str, int]]


def _sweep(stop: Stop) -> Mapping[str, int]:
    return sweep(stop=stop)


def _deliver(stop: Stop) -> Mapping[str, int]:
    return deliver(stop=stop)


def _watch(_: Stop) -> Mapping[str, int]:
    """Say what stands still, and whether this machine's clock can be trusted beside the database's."""
    skew = upkeep.skew(datetime.now(UTC))
    if abs(skew) > MOST_SKEW:
        log.warning("clock_skew", seconds=skew)
    return {**upkeep.counts(), "skew_seconds": skew}


def _tidy(_: Stop) -> Mapping[str, int]:
    return upkeep.tidy()


JOBS = (
    Job("sweep", 15, _sweep),
    Job("deliver", 5, _deliver),
    Job("watch", 60, _watch),
    Job("tidy", 3600, _tidy),
)


def run_job(app: Flask, job: Job, stop: Stop) -> bool:
    """Run a job, note its heartbeat and log what it did; tell whether it came to its end."""
    started = time.monotonic()
    with app.app_context():
        answer = attempt(partial(_run, job, stop))
    seconds = round(time.monotonic() - started, 3)
    if isinstance(answer, Trouble):
        log.error("job_failed", job=job.name, what=answer.what, seconds=seconds)
        return False
    tell = log.info if any(answer.values()) else log.debug
    tell("job_done", job=job.name, seconds=seconds, **answer)
    return True


def _run(job: Job, stop: Stop) -> Mapping[str, int]:
    counted = job.run(stop)
    upkeep.beat(job.name, counted)
    return counted
