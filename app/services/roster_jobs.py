"""Rosters sent by page or API: laid aside encrypted, checked by the scheduler, confirmed by a person, then taken in.

A county's roster takes a minute or two, longer than a page may. Each job is two files: the roster, and where it stands.
Whoever works on one holds a lock that goes with the process, so that a job left half-way is taken up by the next tick:
taking in is one transaction, so it was done or it was not.
"""

import json
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from app.roster.marked import write_marked
from app.roster.parse import find_roster, rows_expected
from app.roster.records import RowError
from app.services.households import IMPORTERS, Imported, ensure_importer, import_households
from app.services.isolated import Trouble, attempt, held
from app.services.people import actor_of_account
from app.services.sent import Offices, is_within, narrowed, offices_of
from app.services.uploads import HOUR, TOKEN, Shelf
from app.store.transaction import reading
from workflows.clock import utc_text
from workflows.errors import BadValue, NotFound, Refused
from workflows.model import Actor

ROSTERS = Shelf("rosters", 24 * HOUR)
JOB, OWNER, ROWS, LOCK, BEGUN = "job", "owner", "rows", "lock", "begun"
CHECK, CHECKED, TAKE, DONE, FAILED = "check", "checked", "take", "done", "failed"
WAITING = (CHECK, TAKE)
TROUBLE = "trouble"
MOST_OPEN = 5
LONGEST_NAME = 120

Stop = Callable[[], bool]
log = structlog.stdlib.get_logger("rosters")


@dataclass(frozen=True)
class Job:
    """A roster on its way; ``answer`` is what the last work on it said (`Imported` as a mapping).

    ``state``: to check, checked, to take in, done, or failed by a fault of ours.
    """

    token: str
    name: str
    openings: bool
    at: str
    total: int
    state: str = CHECK
    rows: int = 0
    code: str = ""
    only: tuple[str, ...] | None = None
    refusal: str = ""
    answer: Mapping[str, Any] = field(default_factory=dict)
    offices: Offices = ()

    @property
    def is_waiting(self) -> bool:
        """Tell whether the scheduler has yet to do something."""
        return self.state in WAITING

    @property
    def is_sound(self) -> bool:
        """Tell whether it was checked and may be taken in."""
        return self.state == CHECKED and not self.refusal and not self.answer.get("error_count")


def submit(actor: Actor, *, data: bytes, name: str, openings: bool) -> Job:
    """Lay a roster aside to be checked; raises WrongOffice, or BadValue when it is empty or too many wait."""
    ensure_importer(actor)
    if not data:
        raise BadValue(field="file", value="")
    if sum(job.is_waiting for job in jobs(actor)) >= MOST_OPEN:
        raise BadValue(field="rosters", value=str(MOST_OPEN))
    token = ROSTERS.keep(actor, data)
    with reading() as now:
        job = Job(
            token,
            name[:LONGEST_NAME],
            openings,
            utc_text(now),
            rows_expected(data),
            offices=offices_of(actor, IMPORTERS),
        )
    ROSTERS.path(token, OWNER).write_text(actor.id)
    _write(actor, job)
    return job


def jobs(actor: Actor) -> list[Job]:
    """Return a person's own rosters, the latest first."""
    mine = (_read(actor, token) for token, owner in _owners() if owner == actor.id)
    return sorted((job for job in mine if job and is_within(job.offices, actor)), key=lambda job: job.at, reverse=True)


def job_of(actor: Actor, token: str) -> Job:
    """Return one of a person's own rosters; raise NotFound, also for a token that reaches less far than it."""
    job = _read(actor, token)
    if job is None or not is_within(job.offices, actor):
        raise NotFound(roster=token[:32])
    return job


def _read(actor: Actor, token: str) -> Job | None:
    try:
        kept = json.loads(ROSTERS.kept(actor, token, JOB))
    except NotFound:
        return None
    only, offices = kept.pop("only"), tuple(tuple(office) for office in kept.pop("offices"))
    job = Job(**kept, only=None if only is None else tuple(only), offices=offices)
    return replace(job, rows=_rows_of(token)) if job.is_waiting else job


def take_in(actor: Actor, token: str, *, code: str = "", only: Collection[str] | None = None) -> Job:
    """Ask for a checked roster to be taken in, with the differences of a code or ``only`` some of them.

    Raises NotFound, or BadValue when it is not checked, has errors, or the code is not that of its differences.
    """
    job = job_of(actor, token)
    if not job.is_sound:
        raise BadValue(field="state", value=job.state)
    if code and code != job.answer["confirmation"]:
        raise BadValue(field="code", value=code[:8])
    asked = replace(job, state=TAKE, code=code, only=None if only is None else tuple(only), rows=0)
    _write(actor, asked)
    return asked


def check_again(actor: Actor, token: str) -> Job:
    """Ask for a roster to be checked once more, as what is registered may have changed; raises NotFound, BadValue."""
    job = job_of(actor, token)
    if job.is_waiting or job.state == DONE:
        raise BadValue(field="state", value=job.state)
    asked = replace(job, state=CHECK, code="", only=None, refusal="", answer={})
    _write(actor, asked)
    return asked


def drop(actor: Actor, token: str) -> None:
    """Throw a roster away; raises NotFound, or BadValue while it is worked on."""
    job_of(actor, token)
    with held(ROSTERS.path(token, LOCK)) as is_mine:
        if not is_mine:
            raise BadValue(field="state", value="busy")
        ROSTERS.drop(token)


def wrong_rows(actor: Actor, token: str, language: str) -> bytes:
    """Return the wrong rows of a checked roster in its own layout, with the reasons beside."""
    job, data = job_of(actor, token), ROSTERS.kept(actor, token)
    errors = [RowError(**error) for error in job.answer.get("errors", ())]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "errors.xlsx"
        write_marked(path, find_roster(data), errors, language=language)
        return path.read_bytes()


# --- the scheduler's side ---
class _StoppedError(Exception):
    """The process is to stop: the roster, of which nothing is written yet, is left for the next one."""


def work(stop: Stop = lambda: False) -> dict[str, int]:
    """Check or take in what waits, one roster after the other; return how many of each."""
    counted = {"checked": 0, "taken": 0, "failed": 0, "removed": ROSTERS.tidy()}
    for token, owner in sorted(_owners()):
        with held(ROSTERS.path(token, LOCK)) as is_mine:
            done = _work_on(owner, token, stop) if is_mine and not stop() else ""
        if done:
            counted[done] += 1
    return counted


def _work_on(owner: str, token: str, stop: Stop) -> str:
    """Do what a roster waits for; return under what to count it, or an empty text."""
    try:
        actor = actor_of_account(owner)
        job = job_of(actor, token)
        if not job.is_waiting:
            return ""  # before the roster is opened: this is asked every few seconds
        actor, data = narrowed(actor, job.offices), ROSTERS.kept(actor, token)
    except NotFound:
        ROSTERS.drop(token)
        return ""
    done = attempt(partial(_import, actor, job, data, stop))
    if isinstance(done, Trouble):
        if stop():
            return ""
        log.error("roster_failed", roster=token, what=done.what)
        _write(actor, replace(job, state=FAILED, refusal=TROUBLE))
        return "failed"
    _write(actor, done)
    return "checked" if done.state == CHECKED else "taken"


def _import(actor: Actor, job: Job, data: bytes, stop: Stop) -> Job:
    """Return the roster's job after its work."""
    try:
        done = _check(actor, job, data, stop) if job.state == CHECK else _take(actor, job, data, stop)
    except Refused as refused:
        return replace(job, state=CHECKED, refusal=refused.code)
    return replace(job, state=DONE if done.is_applied else CHECKED, answer=asdict(done), refusal="")


def _check(actor: Actor, job: Job, data: bytes, stop: Stop) -> Imported:
    progress = _progress(job, stop)
    return import_households(actor, data=data, dry_run=True, openings=job.openings, progress=progress)


def _take(actor: Actor, job: Job, data: bytes, stop: Stop) -> Imported:
    """Take a roster in; if a process was killed over it, look first whether it had."""
    if ROSTERS.path(job.token, BEGUN).exists():
        left = _check(actor, job, data, stop)
        if not left.error_count and not left.added and not _is_left(job, left):
            return replace(left, is_applied=True)
    ROSTERS.path(job.token, BEGUN).touch(mode=0o600)
    return import_households(
        actor,
        data=data,
        confirm=job.code,
        only=job.only,
        openings=job.openings,
        progress=_progress(job, stop),
    )


def _is_left(job: Job, left: Imported) -> bool:
    """Tell whether differences that were to be changed are still there."""
    return bool(job.code) and any(job.only is None or one.household in job.only for one in left.differences)


def _progress(job: Job, stop: Stop) -> Callable[[int], None]:
    rows = 0

    def advance(count: int) -> None:
        nonlocal rows
        rows += count
        ROSTERS.path(job.token, ROWS).write_text(str(min(rows, job.total) if job.total else rows))
        if stop():
            raise _StoppedError

    advance(0)
    return advance


def _write(actor: Actor, job: Job) -> None:
    ROSTERS.keep(actor, json.dumps(asdict(job)).encode(), job.token, JOB)


def _rows_of(token: str) -> int:
    try:
        return int(ROSTERS.path(token, ROWS).read_text() or 0)
    except FileNotFoundError:
        return 0


def _owners() -> Iterator[tuple[str, str]]:
    for path in ROSTERS.folder().glob(f"*-{OWNER}"):
        token = path.name.partition("-")[0]
        if TOKEN.fullmatch(token):
            yield token, path.read_text()
