"""The table of jobs: about half a dozen, each a question to a service; no deadline lives here."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial

import structlog
from flask import Flask

from app import bundling, preparing
from app.services import duties, mails, print_store, requests, roster_jobs, rule_runs, seals, selftest, upkeep, webhooks
from app.services.check import Damage, check, counties
from app.services.deliver import deliver
from app.services.isolated import Trouble, attempt
from app.services.steady import ClockWatch
from app.services.sweep import sweep
from workflows.clock import utc_text

Stop = Callable[[], bool]
log = structlog.stdlib.get_logger("scheduler")
MOST_SKEW = 60


@dataclass(frozen=True)
class Job:
    """What runs every so many seconds; ``run`` returns what it counted, or None when it is not its time."""

    name: str
    seconds: int
    run: Callable[[Stop], Mapping[str, int] | None]
    is_timed: bool = False  # acts on what the clock says, so it stands still while that cannot be trusted


def _sweep(stop: Stop) -> Mapping[str, int]:
    return sweep(stop=stop)


def _deliver(stop: Stop) -> Mapping[str, int]:
    return deliver(stop=stop)


def _webhooks(stop: Stop) -> Mapping[str, int]:
    """Tell other systems, in a thread of its own: one that hangs holds up nothing else."""
    return webhooks.send_due(stop=stop)


def _mail(stop: Stop) -> Mapping[str, int]:
    """Send mails, in a thread of its own: a mail server that hangs holds up nothing else."""
    return mails.send_due(stop=stop)


def _by_wecom(stop: Stop) -> Mapping[str, int]:
    """Each gateway has a thread of its own too: one that hangs holds up none of the others."""
    return mails.send_due(stop=stop, channel="wecom")


def _by_dingtalk(stop: Stop) -> Mapping[str, int]:
    return mails.send_due(stop=stop, channel="dingtalk")


def _by_sms(stop: Stop) -> Mapping[str, int]:
    return mails.send_due(stop=stop, channel="sms")


def _rosters(stop: Stop) -> Mapping[str, int]:
    """Check and take in rosters, in a thread of its own: a county's takes minutes."""
    return roster_jobs.work(stop)


def _bundles(stop: Stop) -> Mapping[str, int]:
    """Make bundles of trails, in a thread of its own: a county's takes minutes, its pages are set by processes."""
    return bundling.work(stop)


def _prepare(stop: Stop) -> Mapping[str, int]:
    """Set the trails of cases that changed, in a process of lowest priority."""
    return preparing.work(stop)


def _rules(stop: Stop) -> Mapping[str, int]:
    """Rehearse other rules and move cases to them, in a thread of its own: a county's takes a minute and more."""
    return rule_runs.work(stop)


def _duties(stop: Stop) -> Mapping[str, int]:
    """Make the periods of duties that have begun, and remind people of what is open."""
    return duties.work(stop)


def _watch(_: Stop) -> Mapping[str, int]:
    """Say what stands still, and whether this machine's clock can be trusted beside the database's."""
    skew = upkeep.skew(datetime.now(UTC))
    if abs(skew) <= MOST_SKEW:
        return upkeep.counts()  # a second either way is no news: the database's clock is cut to whole ones
    log.warning("clock_skew", seconds=skew)
    return {**upkeep.counts(), "skew_seconds": skew}


def _self_test(_: Stop) -> Mapping[str, int] | None:
    """Once a week send a message the whole way from the clock to a list, and see whether it arrives."""
    return selftest.work()


def _tidy(_: Stop) -> Mapping[str, int]:
    return {**upkeep.tidy(), **requests.tidy(), **mails.tidy(), "prints": print_store.tidy()}


def _seal(stop: Stop) -> Mapping[str, int]:
    """Seal each county's day, and look whether what was given out stands against its log."""
    return seals.work(stop)


class _StoppedError(Exception):
    """The process is to stop; the check, which changes nothing, is left where it is."""


def _check(stop: Stop) -> Mapping[str, int] | None:
    """Once a night recompute everything; each damage is an error in the log, by place and code."""
    if not upkeep.is_check_due():
        return None

    def report(damage: Damage) -> None:
        log.error("damage", place=damage.place, entry=damage.seq, code=damage.code)

    def progress(_: int) -> None:
        if stop():
            raise _StoppedError

    try:
        return asdict(check(counties(), report=report, progress=progress))
    except _StoppedError:
        return None


JOBS = (
    Job("sweep", 15, _sweep, is_timed=True),
    Job("deliver", 5, _deliver),
    Job("webhooks", 5, _webhooks),
    Job("watch", 60, _watch),
    Job("mail", 15, _mail),
    Job("wecom", 15, _by_wecom),
    Job("dingtalk", 15, _by_dingtalk),
    Job("sms", 15, _by_sms),
    Job("rosters", 3, _rosters),
    Job("bundles", 3, _bundles),
    Job("prepare", 60, _prepare),
    Job("rules", 3, _rules),
    Job("duties", 60, _duties, is_timed=True),
    Job("self_test", 60, _self_test, is_timed=True),
    Job(upkeep.SEAL, 300, _seal, is_timed=True),
    Job("tidy", 3600, _tidy),
    Job(upkeep.CHECK, 1800, _check),
)


def run_job(app: Flask, job: Job, stop: Stop, watch: ClockWatch) -> bool:
    """Run a job, note its heartbeat and log what it did; tell whether it came to its end."""
    started = time.monotonic()
    with app.app_context():
        answer = attempt(partial(_run, job, stop, watch))
    seconds = round(time.monotonic() - started, 3)
    if isinstance(answer, Trouble):
        log.error("job_failed", job=job.name, what=answer.what, seconds=seconds)
        return False
    if answer is not None:
        tell = log.info if any(answer.values()) else log.debug
        tell("job_done", job=job.name, seconds=seconds, **answer)
    return True


def _run(job: Job, stop: Stop, watch: ClockWatch) -> Mapping[str, int] | None:
    jump = watch.look() if job.is_timed else None
    if jump:
        log.error("clock_jump", job=job.name, expected=utc_text(jump.expected), found=utc_text(jump.found))
        return None
    counted = job.run(stop)
    if counted is not None:
        upkeep.beat(job.name, counted)
    return counted
