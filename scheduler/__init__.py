"""The ticking process: APScheduler only ticks; what is due stands in the database."""

import os
import signal
import threading
from datetime import UTC, datetime
from types import FrameType

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask

from app.services.steady import ClockWatch
from scheduler.jobs import JOBS, log, run_job

__all__ = ["main", "run_once", "tick_until"]


def main(app: Flask, *, once: bool = False) -> int:
    """Run the jobs until SIGTERM or SIGINT, or each of them once; return the exit code."""
    if once:
        return run_once(app)
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    tick_until(app, stop)
    return 0


def run_once(app: Flask) -> int:
    """Run every job once, in the order of the table; return 1 when one of them failed."""
    watch = ClockWatch()
    ended = [run_job(app, job, lambda: False, watch) for job in JOBS]
    return 0 if all(ended) else 1


def tick_until(app: Flask, stop: threading.Event) -> None:
    """Tick until ``stop`` is set, then let running jobs finish the item they are at."""
    ticker = BackgroundScheduler(
        timezone=UTC,
        executors={"default": ThreadPoolExecutor(len(JOBS))},
        job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": None},
    )
    watch = ClockWatch()
    for job in JOBS:
        ticker.add_job(
            run_job,
            "interval",
            args=(app, job, stop.is_set, watch),
            id=job.name,
            seconds=job.seconds,
            next_run_time=datetime.now(UTC),
        )
    ticker.start()
    log.info("started", jobs=[job.name for job in JOBS], pid=os.getpid())
    stop.wait()
    ticker.shutdown(wait=True)
    log.info("stopped", pid=os.getpid())
