"""Real scheduler processes on one database, killed at random moments: the proof that each timer works once."""

import json
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute

import scheduler.__main__
from app.services.cases import perform_inside
from app.store import cases
from app.store.deadlines import LAPSED, URGED
from app.store.transaction import reading, writing
from app.tables import CaseRow, DeadlineRow, JournalRow, OutboxRow, Reminder, db
from tests.factories import XIUSHAN, subject
from tests.world import KEYS, World
from workflows.journal import check_chain
from workflows.model import Actor, Command
from workflows.replay import replay

ROOT = Path(__file__).parents[2]
TIMERS_OF_A_CLUE = 2  # the whole identification, and accepting the clue
CHUNK = 50


@dataclass(frozen=True)
class Figures:
    """What was measured: seconds of wall time from the first start to the last message delivered."""

    timers: int
    kills: int
    seconds: float

    @property
    def per_second(self) -> float:
        """Timers a second, lapse and escalation and the delivery of both included, kills and restarts too."""
        return self.timers / self.seconds


def prove(world: World, *, timers: int, schedulers: int, kills: int, chance: random.Random) -> Figures:
    """Seed overdue timers, sweep them by processes with kills, check every effect; call inside the app context."""
    seed(world, timers // TIMERS_OF_A_CLUE)
    patience = 200 + timers / 10
    figures = sweep_with_kills(world, schedulers=schedulers, kills=kills, chance=chance, patience=patience)
    check(timers)
    return figures


def seed(world: World, households: int) -> None:
    """Open a case for each household sixty days ago, so that all its periods are over twice."""
    world.now = datetime.now(UTC).replace(microsecond=0) - timedelta(days=60)
    for role in ("village_cadre", "township_leader", "county_lead"):
        world.person(role)
    reporter = world.person("grid_member")
    for first in range(1, households + 1, CHUNK):
        serials = range(first, min(first + CHUNK, households + 1))
        for serial in serials:
            world.household(serial)
        with writing() as now:
            for serial in serials:
                _clue(reporter, subject(XIUSHAN, serial).number, now)


def _clue(reporter: Actor, household: str, now: datetime) -> None:
    data = {"clue_source": "self_report", "clue_note": "家中有人患重病"}
    command = Command(
        action="report_clue",
        key=secrets.token_hex(16),
        salt_seed=secrets.token_bytes(32),
        definition="household_case",
        purpose="include",
        data=data,
    )
    perform_inside(reporter, household, command, now)


# --- processes ---------------------------------------------------------
def environment(world: World) -> dict[str, str]:
    """The environment of a process on a world's database; writes its keys."""
    keys = {name: getattr(KEYS, name).hex() for name in ("cookie", "person", "cipher")}
    path = world.folder / "secrets.json"
    if not path.exists():  # a process that has just been started may be reading it
        path.write_text(json.dumps(keys))
    places = {"FANGPIN_DATA": str(world.folder), "FANGPIN_DATABASE_URL": world.url}
    # The processes' clock is the real one: no step is to wait for a working morning, and each period goes up at once.
    # Timers are proven here; setting prints in advance would only take their time.
    return {**os.environ, **places, "FANGPIN_QUIET_HOURS": "off", "FANGPIN_PREPARE": "0"}


def start(world: World, log: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start ``python -m scheduler``, its log added to a file."""
    with log.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "scheduler", *arguments], env=environment(world), cwd=ROOT, stderr=file
        )


@cache
def fork_server() -> ForkServerContext:
    """A process that has imported everything and forks the schedulers: a start costs a tenth of a fresh one."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["scheduler.__main__", __name__])
    return context


def fork(world: World, log: Path) -> ForkServerProcess:
    """Start the same as a process forked from a fresh one; it can be killed like any other."""
    process = fork_server().Process(target=_become_scheduler, args=(environment(world), str(log)))
    process.start()
    return process


def _become_scheduler(variables: dict[str, str], log: str) -> None:
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), sys.stderr.fileno())
    os.environ.update(variables)
    sys.argv = ["scheduler"]
    sys.exit(scheduler.__main__.run())


def sweep_with_kills(world: World, *, schedulers: int, kills: int, chance: random.Random, patience: float) -> Figures:
    """Let processes work; kill one to all of them once more was done, start as many anew, then let them finish."""
    log = world.folder / "scheduler.log"
    began, killed = time.monotonic(), 0
    crew = [fork(world, log) for _ in range(schedulers)]
    try:
        while killed < kills:
            _wait(partial(_has_gone_on, progress()), patience)
            victims = chance.sample(crew, min(kills - killed, chance.randint(1, schedulers)))
            for process in victims:
                time.sleep(chance.uniform(0, 0.2))
                process.kill()
                process.join()
            killed += sum(process.exitcode == -signal.SIGKILL for process in victims)
            crew = [process for process in crew if process not in victims] + [fork(world, log) for _ in victims]
        _wait(lambda: progress() == finish(), patience)
        seconds = time.monotonic() - began
        _wait(lambda: {process.pid for process in crew} <= _started(log), patience)  # only then it can stop in order
        for process in crew:
            process.terminate()
            process.join(timeout=20)
        assert [process.exitcode for process in crew] == [0] * schedulers
    finally:
        for process in crew:
            process.kill()
            process.join()
    return Figures(timers=_count(DeadlineRow.county), kills=killed, seconds=seconds)


def _started(log: Path) -> set[int | None]:
    """Return the processes that have begun to work, by the lines of the log that are whole."""
    lines = [json.loads(line) for line in log.read_text().splitlines(keepends=True) if line.endswith("\n")]
    return {line["pid"] for line in lines if line["event"] == "started"}


def _has_gone_on(before: int) -> bool:
    return progress() > before


def _wait(until: Callable[[], bool], patience: float) -> None:
    limit = (asked := time.monotonic()) + patience
    while not until():
        assert asked < limit, f"{progress()} of {finish()} after {patience} s"
        time.sleep(max(0.1, 3 * (time.monotonic() - asked)))  # counting many rows must not take the work's time
        asked = time.monotonic()


def progress() -> int:
    """Lapses, ladders gone up to their end, and deliveries so far."""
    return (
        _count(DeadlineRow.county, DeadlineRow.stage >= LAPSED)
        + _count(DeadlineRow.county, DeadlineRow.stage >= URGED)
        + _count(OutboxRow.id, OutboxRow.delivered_at.is_not(None))
    )


def finish() -> int:
    """What ``progress`` is when all is done: each timer laps, goes up its ladder, and each message is delivered."""
    return 2 * _count(DeadlineRow.county) + _count(OutboxRow.id)


def _count(column: InstrumentedAttribute[Any], *where: ColumnElement[bool]) -> int:
    with reading():
        return db.session.scalar(select(func.count(column)).where(*where)) or 0


# --- effects -------------------------------------------------------------
def check(timers: int) -> None:
    """Each timer has lapsed once and gone up each step once, each message came once, each chain whole."""
    with reading():
        rows = db.session.execute(
            select(DeadlineRow.case, DeadlineRow.kind, DeadlineRow.generation, DeadlineRow.stage, DeadlineRow.trouble)
        ).all()
        texts = db.session.scalars(select(JournalRow.text).order_by(JournalRow.case, JournalRow.seq)).all()
        words = Counter(row.body["word"] for row in db.session.scalars(select(OutboxRow)))
        reminders = Counter(db.session.scalars(select(Reminder.word)))
        stored = [cases.case_of(row) for row in db.session.execute(select(*CaseRow.__table__.columns))]
    assert {(row.stage, row.trouble) for row in rows} == {(URGED, None)}
    expected = Counter((row.case, row.kind, row.generation) for row in rows)
    assert (len(expected), max(expected.values())) == (timers, 1)
    assert Counter(_lapses(texts)) == expected
    # Overdue goes to the village, then it is raised to the township's leader, escalated to the county and listed there.
    steps = ("overdue", "raised", "escalated", "to_urge")
    assert [words[word] for word in steps] == [timers] * 4
    assert [reminders[word] for word in steps] == [timers] * 4
    chains: dict[str, list[str]] = {}
    for text in texts:
        chains.setdefault(json.loads(text)["case"], []).append(text)
    for case in stored:
        assert check_chain(case.number, chains[case.number], case.head, case.seq) == []
        assert replay(chains[case.number]) == case


def _lapses(texts: Iterable[str]) -> Iterable[tuple[str, str, int]]:
    for body in map(json.loads, texts):
        if body["action"] == "lapse":
            lapsed = body["changes"]["lapsed"]["after"]
            yield body["case"], lapsed["kind"], lapsed["generation"]
