"""Anchors outside: each checkpoint in a folder that only grows, and what lies there held against the present log.

Whoever owns the database can write its history anew, leaves and checkpoints with it, but not what was given out. A tree
that is smaller than a checkpoint outside, or does not contain it, is a fork: nothing is sealed until a person has
looked at it.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from app import timestamps
from app.runtime import runtime
from app.services.seal_check import Fault
from app.services.seal_keys import log_of, origin_of, signer
from app.services.witness import ENDING, LARGEST
from app.signing import holds
from app.store import ledger
from app.store import seals as store
from app.store.transaction import reading, writing
from app.tables import SealCheckpoint
from workflows.checkpoint import MalformedNote, Note, Step, read_note, read_step
from workflows.errors import BadValue, NotAllowed, SealForked, SealWhole
from workflows.model import Actor

BATCH = 200
STAMP = ".tsr"  # beside each checkpoint's file: the answer of a timestamp authority to that file's bytes
MOST_STAMPS = 5  # asked for in one round
ACCEPTERS = ("admin", "county_lead")
TODO = "compare the checkpoints outside; if an old backup was restored: fangpin seal accept"
log = structlog.stdlib.get_logger("seals")


@dataclass(frozen=True)
class Fork:
    """What stands against the present log: how, what was found outside, and what is here.

    smaller: leaves are missing here; differs: another history; era: another log of this county; key: another key.
    """

    county: str
    how: str
    found: str
    size: int


# --- the folder ---
def name_of(row: SealCheckpoint) -> str:
    """Return the name of a checkpoint's file: county, era, moment, size; so names stand in the order of time."""
    moment = row.at.replace("-", "").replace(":", "")
    return f"{row.county}-{row.era}-{moment}-{row.size}{ENDING}"


def folder() -> Path | None:
    """Return the folder of the settings."""
    return runtime().settings.anchor_folder


def export(county: str) -> int:
    """Write each checkpoint that has no file yet, never over one that is there; return how many.

    A file is what a witness is handed: the proof from the checkpoint before, and the checkpoint. Raises OSError.
    """
    place = folder()
    if place is None:
        return 0
    there, written = {path.name for path in place.iterdir()}, 0
    for row, step in _steps(county, there):
        write_once(place / name_of(row), step.text.encode())
        written += 1
    return written


def _steps(county: str, there: set[str]) -> Iterator[tuple[SealCheckpoint, Step]]:
    after, size, era = 0, 0, 1
    while True:
        with reading():
            rows: Sequence[SealCheckpoint] = store.checkpoints_after(county, after, BATCH)
            for row in rows:
                old = size if row.era == era else 0
                after, size, era = row.seq, row.size, row.era
                if name_of(row) not in there:
                    yield row, Step(old, tuple(store.tree(county, row.size).consistency(old)), read_note(row.text))
        if not rows:
            return


def stamp(county: str) -> int:
    """Have the newest files stamped that are not yet, where the settings name an authority; return how many were.

    Raises BadStamp or OSError, as of an authority that is not reached: the next round asks again.
    """
    url = runtime().settings.timestamps
    found = reversed(files_of(county)) if url else ()
    wanted = [path for path in found if not path.with_suffix(STAMP).exists()][:MOST_STAMPS]
    for path in wanted:
        write_once(path.with_suffix(STAMP), timestamps.ask(url, path.read_bytes()))
    return len(wanted)


def write_once(path: Path, data: bytes) -> None:
    """Write a file that is whole or not there at all; raise FileExistsError when there is one."""
    unready = path.with_name(f".{path.name}.partial")
    with unready.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(unready, path)
    finally:
        unready.unlink()


def files_of(county: str) -> list[Path]:
    """Return the files of a county in the order of era and time."""
    place = folder()
    if place is None or not place.is_dir():
        return []
    found = [path for path in place.iterdir() if path.name.startswith(f"{county}-") and path.suffix == ENDING]
    return sorted(found, key=_order)


def _order(path: Path) -> tuple[int, str]:
    era = path.stem.split("-")[1:2]
    return (int(era[0]) if era and era[0].isdecimal() and len(era[0]) < 10 else 0, path.name)


def noted(path: Path) -> Note:
    """Return the checkpoint in a file: a step, a checkpoint alone; raises MalformedNote, OSError."""
    with path.open("rb") as file:
        raw = file.read(LARGEST + 1)
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise MalformedNote("no_text") from error
    return read_step(text).note if text.startswith("old ") else read_note(text)


# --- held against the log ---
def fork_of(county: str) -> Fork | None:
    """Return what the newest file outside, or the key of the newest checkpoint, says against the present log."""
    with reading():
        head, last = store.head(county), store.newest_checkpoint(county)
    era = head.era if head else 1
    if last is not None and last.era == era and last.key != signer().key(origin_of(county, era)).text:
        return Fork(county, "key", last.key, last.size)
    for path in reversed(files_of(county)):
        try:
            return against(county, noted(path))
        except MalformedNote:
            continue  # the check names it; the one before it is older, and nearly as good
    return None


def against(county: str, note: Note) -> Fork | None:
    """Return what a checkpoint given out says against the present log of its county; None when it is in it."""
    point = note.checkpoint()
    with reading():
        head = store.head(county)
        era, size = (head.era, head.size) if head else (1, 0)
        _, its = log_of(point.origin)
        if its < era:
            return None  # of a log that was given up with a reason
        if its > era:
            return Fork(county, "era", point.origin, size)
        if not note.is_signed_by(signer().key(point.origin), holds):
            return Fork(county, "key", str(point.size), size)
        if point.size > size:
            return Fork(county, "smaller", str(point.size), size)
        same = store.tree(county, point.size).root() == point.root
    return None if same else Fork(county, "differs", str(point.size), size)


def ensure_whole(county: str) -> None:
    """Raise SealForked when something outside stands against the present log."""
    fork = fork_of(county)
    if fork:
        log.error("seal_fork", **vars(fork), todo=TODO)
        raise SealForked(county=county, how=fork.how, found=fork.found, size=fork.size)


def faults(county: str) -> Iterator[Fault]:
    """Yield what is wrong with the files outside, each read and held against the log."""
    for path in files_of(county):
        try:
            fork = against(county, noted(path))
        except (MalformedNote, OSError):
            yield Fault(str(path), 0, "anchor_malformed")
            continue
        if fork:
            yield Fault(str(path), 0, f"anchor_{fork.how}", f"{fork.found} / {fork.size}")
        yield from _stamp_fault(path)


def _stamp_fault(path: Path) -> Iterator[Fault]:
    """A stamp that is no stamp of the file beside it. Whether its authority is to be believed is not asked here."""
    try:
        timestamps.ensure_of(path.with_suffix(STAMP).read_bytes(), path.read_bytes())
    except FileNotFoundError:
        return
    except (timestamps.BadStamp, OSError) as error:
        yield Fault(str(path.with_suffix(STAMP)), 0, "anchor_stamp", str(error))


def accept(actor: Actor, county: str, reason: str) -> int:
    """Go on with the present history as another log, although what was given out speaks against it; return its era.

    Who did it, why and what spoke against it stands in the access ledger, whose head the next seal takes in. Raises
    NotAllowed, BadValue, and SealWhole when nothing stands against the log.
    """
    if not any(o.role in ACCEPTERS and o.area[:6] == county for o in actor.offices):
        raise NotAllowed(page="seals")
    if not 4 <= len(reason.strip()) <= 300:
        raise BadValue(field="reason", value=reason[:40])
    fork = fork_of(county)
    if fork is None:
        raise SealWhole(county=county)
    eras = [_order(path)[0] for path in files_of(county)]
    with writing() as now:
        head = store.lock(county)
        era = int(max([head.era, *eras])) + 1
        detail = {"how": fork.how, "found": fork.found, "size": fork.size, "era": era, "reason": reason.strip()}
        ledger.append(county, user=actor.id, kind="seal_accepted", subject=county, now=now, detail=detail)
        store.save(county, era=era, held_until="")
    return era


def read_state(path: Path) -> list[Note]:
    """Return the checkpoints that a file from outside holds: one, a step, or the state of a witness.

    Raises MalformedNote, OSError.
    """
    try:
        body = json.loads(path.read_bytes()[:LARGEST])
        return [read_note(kept["text"]) for kept in body["logs"].values()]
    except (ValueError, KeyError, TypeError, AttributeError):
        return [noted(path)]
