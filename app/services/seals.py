"""Sealing: each changed head becomes a leaf of its county's log, and the tree over it a signed checkpoint."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from app.services import anchors, mails, upkeep
from app.services.isolated import Trouble, alone, attempt, never, step_aside
from app.services.seal_keys import key_of, origin_of, signer
from app.store import checking
from app.store import seals as store
from app.store.seals import Change
from app.store.transaction import reading, writing
from workflows.checkpoint import Checkpoint, signed
from workflows.clock import local_date, local_midnight, parse_utc, utc_text
from workflows.errors import SealBusy, SealForked, SealStale

PAGE = 5_000  # leaves a transaction: SQLite's write lock is held for about a fifth of a second (measured)
LOOK = 100_000  # changed heads read at once: PostgreSQL compares all cases each time (measured)
HELD = timedelta(seconds=60)  # how long a sealer may stand still before another one takes over
log = structlog.stdlib.get_logger("seals")


@dataclass(frozen=True)
class Seal:
    """What one sealing did: leaves added, number and size of the newest checkpoint, whether it is new.

    ``older``: cases whose head is older than their leaf. They get no leaf; somebody cut off what was sealed.
    """

    county: str
    leaves: int
    checkpoint: int
    size: int
    is_new: bool
    older: tuple[str, ...] = ()
    is_exported: bool = True


# --- sealing ---
def seal(county: str, *, daily: bool = False, stop: Callable[[], bool] = never) -> Seal:
    """Seal what has changed in a county; ``daily`` gives a checkpoint also when nothing has, once a day.

    Leaves go in by portions, each in a transaction of its own; the last one makes the checkpoint, over all of them.
    Raises SealForked when something outside stands against the log, SealBusy while another one seals, SealStale when
    another one took over. A folder that can't be written stops nothing: it is told, and tried again.
    """
    anchors.ensure_whole(county)
    work = _Work(county)
    while not (work.is_done or stop()):
        with writing() as now:
            work.go_on(now, daily=daily)
        step_aside()
    return replace(work.result(), is_exported=_export(county))


def _export(county: str) -> bool:
    """Write new checkpoints into the folder outside; tell whether that went well."""
    answer = attempt(lambda: anchors.export(county))
    if isinstance(answer, Trouble):
        log.error("anchor_not_written", county=county, what=answer.what, folder=str(anchors.folder()))
    stamped = attempt(lambda: anchors.stamp(county))
    if isinstance(stamped, Trouble):  # a proof more, where it can be had: nothing waits for it
        log.warning("anchor_not_stamped", county=county, what=stamped.what)
    return not isinstance(answer, Trouble)


class _Work:
    """One sealer at one county: its epoch, and how far it has come."""

    def __init__(self, county: str) -> None:
        self.county = county
        self.epoch, self.after = 0, ""
        self.todo = list[Change]()
        self.has_more = True
        self.leaves, self.older = 0, list[str]()
        self.checkpoint, self.size = 0, 0
        self.is_done = self.is_new = False

    def go_on(self, now: datetime, *, daily: bool) -> None:
        """Append one portion; after the last one make the checkpoint. Inside a writing transaction."""
        head = self._held(store.lock(self.county), now)
        found = self._portion()
        is_last = not self.todo and not self.has_more
        ledger = store.ledger_change(self.county) if is_last else None
        size = self._append(head.size, [*found, *([ledger] if ledger else [])], now)
        made = self._checkpoint(head, size, now, daily=daily) if is_last else None
        store.save(
            self.county,
            size=size,
            epoch=self.epoch,
            checkpoints=head.checkpoints + bool(made),
            held_until="" if is_last else utc_text(now + HELD),
        )
        self.size, self.checkpoint = size, head.checkpoints + bool(made)
        self.is_done, self.is_new = is_last, bool(made)

    def _portion(self) -> list[Change]:
        """Return the next changed heads. What moves on after they were read has its own leaf next time."""
        if not self.todo and self.has_more:
            self.todo = store.changed(self.county, self.after, LOOK)
            self.has_more = len(self.todo) == LOOK
            self.after = self.todo[-1].case if self.todo else self.after
        found, self.todo = self.todo[:PAGE], self.todo[PAGE:]
        return found

    def _held(self, head: Any, now: datetime) -> Any:
        """Take over with the next epoch, or make sure that nobody has since."""
        if self.epoch and head.epoch != self.epoch:
            raise SealStale(county=self.county)
        if not self.epoch and head.held_until > utc_text(now):
            raise SealBusy(county=self.county, until=head.held_until)
        self.epoch = self.epoch or head.epoch + 1
        return head

    def _append(self, size: int, found: Sequence[Change], now: datetime) -> int:
        self.older += [change.case for change in found if change.entry < change.sealed]
        fresh = [change for change in found if change.entry >= change.sealed]
        self.leaves += len(fresh)
        return store.append(self.county, size, fresh, now) if fresh else size

    def _checkpoint(self, head: Any, size: int, now: datetime, *, daily: bool) -> Checkpoint | None:
        last = store.newest_checkpoint(self.county)
        is_same = last is not None and (last.size, last.era) == (size, head.era)
        if not size or (is_same and not (daily and is_of_before(last.at if last else "", now))):
            return None
        point = Checkpoint(
            origin_of(self.county, head.era), size, store.tree(self.county, size).root(), (f"at {utc_text(now)}",)
        )
        who = signer()
        key = who.key(point.origin)
        store.add_checkpoint(
            {
                "county": self.county,
                "seq": head.checkpoints + 1,
                "era": head.era,
                "size": size,
                "at": utc_text(now),
                "key": key.text,
                "text": signed(point, key, who.sign).text,
            }
        )
        mails.announce_seal(self.county, head.checkpoints + 1, now)
        return point

    def result(self) -> Seal:
        """Return what was done."""
        return Seal(self.county, self.leaves, self.checkpoint, self.size, self.is_new, tuple(self.older))


def is_of_before(at: str, now: datetime) -> bool:
    """Tell whether a time (UTC text) lies before this day in China, or is none."""
    return not at or parse_utc(at) < local_midnight(local_date(now))


def counties() -> list[str]:
    """Return every county that has something to seal, or a log already."""
    with reading():
        return checking.counties()


# --- every day ---
def work(stop: Callable[[], bool] = never) -> Counter[str]:
    """Seal each county whose day is not sealed yet, and look whether anything outside stands against its log.

    Counts leaves and checkpoints, and what is wrong: forks, cases older than their leaf, folders that can't be written.
    """
    tally: Counter[str] = Counter()
    with alone("seal") as is_mine:
        for county in counties() if is_mine else []:
            if stop():
                break
            tally += _of_day(county, stop)
    return tally


def look_outside() -> int:
    """Hold every county's log against what was given out, as the web does when it starts; return how many forks."""
    found = [anchors.fork_of(county) for county in counties()]
    forks = [fork for fork in found if fork]
    for fork in forks:
        log.error("seal_fork", **vars(fork), todo=anchors.TODO)
    if forks:
        upkeep.beat(upkeep.SEAL, Counter(forks=len(forks)))
    return len(forks)


def _of_day(county: str, stop: Callable[[], bool]) -> Counter[str]:
    try:
        if not is_due(county):
            anchors.ensure_whole(county)
            return Counter(unwritten=not _export(county))
        done = seal(county, daily=True, stop=stop)
    except (SealBusy, SealStale):
        return Counter()  # whoever is busy does it
    except SealForked:
        return Counter(forks=1)  # the log and the health speak of it until a person has decided
    return Counter(leaves=done.leaves, checkpoints=done.is_new, older=len(done.older), unwritten=not done.is_exported)


def is_due(county: str) -> bool:
    """Tell whether a county has no checkpoint of this day in China."""
    with reading() as now:
        last = store.newest_checkpoint(county)
        return is_of_before(last.at if last else "", now)


__all__ = ["Seal", "counties", "is_due", "key_of", "look_outside", "origin_of", "seal", "work"]
