"""A disk that is full: a small one of our own under the data, filled to its last byte while people act by the web."""

import errno
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import select

from app.services.outages import AWAY, FULL
from app.store.schema import upgrade
from app.store.transaction import reading
from app.tables import JournalRow, db
from tests import postgres
from tests.factories import XIUSHAN, subject
from tests.prove.killed_database import CLUE, NOMINATION, on_server, token_of
from tests.prove.web import Reader, System, faults, served
from tests.prove.worlds import ensure_whole, photo
from tests.world import World

MIB = 2**20
SIZES = {"sqlite": 24 * MIB, "postgresql": 192 * MIB}
FILLER = "filler"
# So that the whole server fits on the small disk, and its log soon needs a new file.
SMALL_LOG = {"min_wal_size": "32MB", "max_wal_size": "32MB", "checkpoint_timeout": "30s"}


@contextmanager
def small_disk(size: int) -> Iterator[Path]:
    """Mount a small disk in memory, for root only; it is gone afterwards, whatever happened."""
    with TemporaryDirectory(prefix="fangpin-disk-", dir="/tmp") as name:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0711", "tmpfs", name], check=True)
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", "--lazy", name], check=True)


def fill(disk: Path, *, leave: int) -> None:
    """Take all free space of a disk but some bytes."""
    empty(disk)
    with (disk / FILLER).open("wb", buffering=0) as file:
        step = MIB
        while step >= 4096:
            try:
                file.write(bytes(step))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                step //= 2
        file.truncate(max(0, file.tell() - leave))


def empty(disk: Path) -> None:
    """Give the space back."""
    (disk / FILLER).unlink(missing_ok=True)


# --- people who act meanwhile ---------------------------------------------
@dataclass
class People:
    """One system that acts and hands in photos, and one browser; counts what each of them is told."""

    system: System
    reader: Reader
    told: Counter[str] = field(default_factory=Counter)
    pending: dict[str, str] = field(default_factory=dict)
    acknowledged: set[tuple[str, int]] = field(default_factory=set)
    serial: int = 0

    def act(self) -> None:
        """Open a case and nominate; what was refused is asked for again later under its key."""
        self.serial += 1
        number = subject(XIUSHAN, self.serial).number
        self.command(f"/households/{number}/clues/include", f"clue{self.serial}")
        self.command(f"/cases/{number}-C1/acts/nominate", f"nominate{self.serial}")

    def command(self, path: str, key: str) -> None:
        """Send a command once; a case that could not be opened has nothing to nominate."""
        case = path.split("/")[2]
        if key.startswith("nominate") and (case, 1) not in self.acknowledged:
            self.pending[key] = path
            return
        body = {"data": CLUE} if key.startswith("clue") else {"data": NOMINATION, "version": 1}
        answer = self.system.command(path, body, key=key, tries=1)
        if "entry" in answer:
            self.acknowledged.add((answer["case"], answer["entry"]))
            self.pending.pop(key, None)
        else:
            self.pending[key] = path
        self.told[answer.get("code", "done")] += 1

    def hand_in(self, county: str = "500241") -> int:
        """Send a photo; return the status."""
        self.serial += 1
        raw = photo(self.serial) + bytes(300_000)
        status = self.system.ask("POST", f"/api/v1/evidence/{county}", raw, **{"Idempotency-Key": f"f{self.serial}"})
        self.told[status.headers.get("X-Fangpin-Code", "file kept")] += 1
        return status.status

    def finish(self) -> None:
        """Once there is space again: everything that was refused is done under the key that it had."""
        for key, path in list(self.pending.items()):
            self.command(path, key)
        assert not self.pending, self.pending
        assert self.hand_in() == 201
        assert self.reader.open("/desk") == 200


def starve(world: World, disk: Path, port: int, steps: int, *, evidence: bool) -> People:
    """Fill the disk again and again to another last byte; let people act while it is full, and after."""
    people = People(System(port, {"Authorization": f"Bearer {token_of(world)}"}), Reader(port))
    people.reader.log_in(next(name for name in world.accounts if name.startswith("village_cadre")))
    for step in range(steps):
        fill(disk, leave=step * 24 * 1024)
        for _ in range(4):
            people.act()
            assert people.reader.open("/desk") in (200, 503)
        if evidence:
            people.hand_in()
        empty(disk)
    return people


def ensure_nothing_half(world: World, people: People) -> str:
    """The journal holds what was acknowledged and nothing else, no part of a file is left, and all is whole."""
    db.session.remove()
    db.engine.dispose()
    with reading():
        entries = {(row.case, row.seq) for row in db.session.execute(select(JournalRow.case, JournalRow.seq))}
    assert {(case, seq) for case, seq in entries if "-C" in case} == people.acknowledged
    assert [path for path in (world.folder / "evidence").rglob(".*") if path.is_file()] == []
    found = faults(world)
    assert not found, found[:5]
    return ensure_whole()


def told(people: People) -> str:
    """Return what people were told."""
    return ", ".join(f"{code}: {count}" for code, count in people.told.most_common())


# --- the two engines ----------------------------------------------------------
def prove_sqlite(*, steps: int) -> str:
    """Database, evidence and temporary files on one small disk."""
    with small_disk(SIZES["sqlite"]) as disk:
        url = f"sqlite:///{disk}/fangpin.sqlite3"
        upgrade(url)
        world = World(url, disk, now=datetime.now(UTC).replace(microsecond=0))
        with world.app.app_context():
            figures = run(world, disk, steps, evidence=True)
        world.close()
    return figures


def prove_postgresql(*, steps: int) -> str:
    """The server's data and temporary files on a small disk; evidence lies elsewhere and has room."""
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk(SIZES["postgresql"]))
        server = stack.enter_context(postgres.own_server(disk, **SMALL_LOG))
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="fangpin-prove-")))
        world = on_server(server, folder)
        with world.app.app_context():
            figures = run(world, disk, steps, evidence=False, again=lambda: postgres.start(server))
        world.close()
    return figures


def run(world: World, disk: Path, steps: int, *, evidence: bool, again: Callable[[], None] = lambda: None) -> str:
    """Starve an installation behind its web; return the figures. ``again`` starts what a full disk has ended."""
    for serial in range(1, steps * 6 + 10):
        world.household(serial)
    scratch = disk / "tmp"
    scratch.mkdir(mode=0o700)
    with served(world, TMPDIR=str(scratch)) as port:
        people = starve(world, disk, port, steps, evidence=evidence)
        again()
        time.sleep(1)
        people.finish()
    assert people.told[FULL] + people.told[AWAY] > 0, people.told
    whole = ensure_nothing_half(world, people)
    return f"filled {steps} times: {told(people)}; nothing half done, all of it done afterwards under its keys; {whole}"
