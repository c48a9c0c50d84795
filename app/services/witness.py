"""A witness: remembers the newest checkpoint of each log and takes the next only with the proof that it goes on.

It needs no database and no keys of the installation, only the public keys that it was given, and runs on a machine that
is somebody else's. What it remembers exposes a history that was written anew, by whomever.
"""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from app.signing import holds
from workflows.checkpoint import Checkpoint, MalformedNote, Note, Step, VerifierKey, read_note, read_step
from workflows.tree import EMPTY, is_consistent

FORMAT = "fp-witness-v1"
ENDING = ".txt"
LARGEST = 64 << 10
SECONDS = 30
ACCEPTED, UNREACHED, REFUSED = 0, 1, 2


@dataclass(frozen=True)
class Finding:
    """What the witness says of one log: a code, the log's name, sizes known before and now, the exit code."""

    code: str
    origin: str
    before: int = 0
    size: int = 0
    exit_code: int = REFUSED


class BadState(ValueError):
    """The witness's own file is none: it is never begun anew by itself, as that would forget what it saw."""


# --- what it remembers ---
def read_state(path: Path) -> dict[str, Note]:
    """Return the newest checkpoint of each log that the witness took; raises BadState."""
    if not path.exists():
        return {}
    try:
        body = json.loads(path.read_bytes())
        if body["format"] != FORMAT:
            raise BadState(str(path))
        return {origin: read_note(kept["text"]) for origin, kept in body["logs"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadState(str(path)) from error


def write_state(path: Path, state: Mapping[str, Note]) -> None:
    """Write what it remembers, whole or not at all."""
    logs = {
        origin: {"size": note.checkpoint().size, "root": note.checkpoint().root.hex(), "text": note.text}
        for origin, note in sorted(state.items())
    }
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump({"format": FORMAT, "logs": logs}, file, ensure_ascii=False, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


# --- judging ---
def judge(step: Step, before: Note | None, keys: Sequence[VerifierKey]) -> Finding:
    """Return whether a step is taken: signed by a known key, not smaller, and proven to go on from what is known."""
    point = step.note.checkpoint()
    known = before.checkpoint() if before else Checkpoint(point.origin, 0, EMPTY)
    key = next((key for key in keys if key.name == point.origin), None)
    if key is None:
        return Finding("unknown_log", point.origin, known.size, point.size)
    if not step.note.is_signed_by(key, holds):
        return Finding("unsigned", point.origin, known.size, point.size)
    if point.size < known.size:
        return Finding("smaller", point.origin, known.size, point.size)
    if step.old != known.size:
        return Finding("unproven", point.origin, known.size, point.size)
    if not is_consistent(known.size, known.root, point.size, point.root, step.path):
        return Finding("inconsistent", point.origin, known.size, point.size)
    code = "same" if before and point.size == known.size else "taken" if before else "first"
    return Finding(code, point.origin, known.size, point.size, ACCEPTED)


def watch(steps: Iterable[Step], keys: Sequence[VerifierKey], state: dict[str, Note]) -> list[Finding]:
    """Judge steps in their order and remember what is taken; return one finding a log: the first refusal, or the last.

    What lies before the known size was judged earlier and is not asked for again; but a newest step that is smaller
    than what is known is refused.
    """
    found: dict[str, Finding] = {}
    for origin, ordered in _by_log(steps).items():
        known = state[origin].checkpoint().size if origin in state else 0
        ahead = [step for step in ordered if step.note.checkpoint().size >= known and step.old >= known]
        at_known = [step for step in ordered if step.note.checkpoint().size == known and step.old < known]
        for step in [*(_again(step) for step in at_known), *ahead] or ordered[-1:]:
            found[origin] = judge(step, state.get(origin), keys)
            if found[origin].exit_code != ACCEPTED:
                break
            state[origin] = step.note
    return [found[origin] for origin in sorted(found)]


def _again(step: Step) -> Step:
    """The same checkpoint held against itself: its root must be the one that is known."""
    return Step(step.note.checkpoint().size, (), step.note)


def _by_log(steps: Iterable[Step]) -> dict[str, list[Step]]:
    found: dict[str, list[Step]] = {}
    for step in steps:
        found.setdefault(step.note.checkpoint().origin, []).append(step)
    for ordered in found.values():
        ordered.sort(key=lambda step: (step.note.checkpoint().size, step.note.checkpoint().told("at")))
    return found


# --- where checkpoints come from ---
class Unreached(OSError):
    """Nothing could be read from where checkpoints should be; ``how`` says why."""


def steps_in(folder: Path) -> tuple[list[Step], list[str]]:
    """Return the steps in a folder that an installation exports to, and the names of files that are none."""
    steps, broken = [], []
    for path in sorted(folder.glob(f"*{ENDING}")):
        try:
            with path.open("rb") as file:
                steps.append(read_step(file.read(LARGEST).decode()))
        except (MalformedNote, UnicodeDecodeError):
            broken.append(path.name)
    if not steps and not broken:
        raise Unreached(f"{folder}: no checkpoint")
    return steps, broken


def step_at(address: str, token: str, state: Mapping[str, Note]) -> Step:
    """Return the newest step of a log by its address (…/seals/COUNTY/step); raises Unreached, MalformedNote.

    A server that no longer has what is known answers 409: that is a smaller tree, and told as such.
    """
    if urlsplit(address).scheme not in ("http", "https"):
        raise Unreached(address)
    county = address.rstrip("/").split("/")[-2:][0]
    old = max((n.checkpoint().size for o, n in state.items() if o.split("/")[1:2] == [county]), default=0)
    request = urllib.request.Request(f"{address}?old={old}")  # noqa: S310 - the scheme was looked at
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - the same
            return read_step(answer.read(LARGEST).decode())
    except urllib.error.HTTPError as error:
        if error.code == 409:
            raise Smaller(address) from error
        raise Unreached(f"{address}: {error.code}") from error
    except (urllib.error.URLError, TimeoutError, UnicodeDecodeError) as error:
        raise Unreached(f"{address}: {type(error).__name__}") from error


class Smaller(Exception):
    """The server says itself that it has fewer leaves than the witness knows of."""
