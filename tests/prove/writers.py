"""Many processes that write on one SQLite file all the time: nobody is told that it is locked."""

import time
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path

from tests.factories import ROLE_OF
from tests.prove.worlds import Desk, answer_of, ensure_whole, next_step, signers
from tests.world import StoredWalker, World
from workflows.model import Actor

ROLES = (
    "grid_member", "village_cadre", "resident_team", "sector_dept", "township_officer", "township_leader",
    "county_lead",
)  # fmt: skip
SERIALS = 100_000  # households of one writer
PATIENCE = 120  # seconds until all have started
Place = tuple[str, Path, datetime, None, dict[str, Actor]]  # what a world is made of


@dataclass
class Writer:
    """Takes households of its own through all gates, one after the other, and times each act."""

    world: World
    desk: Desk = field(init=False)
    waits: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.desk = Desk(self.world)

    def work(self, first: int, until: float) -> None:
        """Work until a moment of the monotonic clock."""
        serial = first
        while time.monotonic() < until:
            serial += 1
            walker = self.world.walker(serial).clue()
            while not walker.case.closed and time.monotonic() < until:
                self.step(walker)

    def step(self, walker: StoredWalker) -> None:
        """Take one step with all who must sign it."""
        step = next_step(walker)
        roles = step.roles[: signers(step)] if signers(step) > 1 else (ROLE_OF.get(step.action, step.roles[0]),)
        for role in roles:
            act = self.desk.act(walker, step.action, self.world.person(role))
            self.world.now = walker.now
            begun = time.perf_counter()
            answer = answer_of(act)
            self.waits.append(time.perf_counter() - begun)
            assert answer == "moved", (step.action, answer)
        walker.refresh()


def write(place: Place, first: int, seconds: float, start: Barrier, told: Connection) -> None:
    """One process: wait for the others, work, then tell all waits."""
    world = World(*place)
    writer = Writer(world)
    start.wait(PATIENCE)
    with world.app.app_context():
        writer.work(first, time.monotonic() + seconds)
    world.close()
    told.send(writer.waits)


def prove(world: World, *, writers: int, seconds: float) -> str:
    """Let processes write for so long; return rate and waits. Whoever is told "locked" ends, and the proof fails."""
    for role in ROLES:
        world.person(role)
    context = get_context("forkserver")
    start = context.Barrier(writers)
    ends = [context.Pipe(duplex=False) for _ in range(writers)]
    place = (world.url, world.folder, world.now, None, world.accounts)
    processes = [
        context.Process(target=write, args=(place, serial * SERIALS, seconds, start, told), daemon=True)
        for serial, (_, told) in enumerate(ends, 1)
    ]
    for process, (_, told) in zip(processes, ends, strict=True):
        process.start()
        told.close()
    try:
        waits = sorted(wait for heard, _ in ends for wait in heard.recv())
    finally:
        for process in processes:
            process.join(5)
            process.kill()
    return (
        f"{writers} processes, {seconds:.0f} s: {len(waits)} acts, {len(waits) / seconds:.0f} a second, never locked;"
        f" half within {waits[len(waits) // 2] * 1000:.0f} ms, 99 of 100 within {waits[len(waits) * 99 // 100]:.2f} s,"
        f" the longest {waits[-1]:.2f} s; {ensure_whole()}"
    )
