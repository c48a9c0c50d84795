"""Bundles of trails: what was asked for, how far it is, what came of it; made by the scheduler or a command.

Each job is some files, as with rosters: what was asked for (encrypted, its owner's), the list of cases, one line for
each that is done, and the result. Whoever works on one holds a lock that goes with the process. A line is written when
the print is held, so that whoever takes a job up again does nothing twice.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from app.runtime import runtime
from app.services import print_store
from app.services.isolated import step_aside
from app.services.lists import scope_of
from app.services.rights import PRINTS, ensure_may_print
from app.services.sealed_file import read_sealed, write_sealed
from app.services.sent import Offices, is_within, offices_of
from app.services.uploads import HOUR, TOKEN, Shelf
from app.store import areas as area_store
from app.store import bundles as store
from app.store import ledger
from app.store import lists as list_store
from app.store.ledger import Line as LedgerLine
from app.store.transaction import reading, writing
from workflows.clock import local_midnight, utc_text
from workflows.definition import Gate
from workflows.errors import BadValue, NotAllowed, NotFound
from workflows.model import Actor
from workflows.variants import FULL, VARIANTS

BUNDLES = Shelf("bundles", 7 * 24 * HOUR)
JOB, OWNER, LIST, DONE_LINES, RESULT, NOTED, LOCK = (
    "job", "owner", "list", "lines", "result", "noted", "lock",
)  # fmt: skip
WAITING, DONE, FAILED = "waiting", "done", "failed"
KINDS = ("pdf", "zip")
MOST_OPEN = 5
# A PDF is put together in memory, about 1 MiB a trail (measured); a zip must stay below 4 GiB and 65,535 files, as its
# verifier reads no larger form.
MOST_TRAILS = {"pdf": 3_000, "zip": 15_000}
MOST_CASES = max(MOST_TRAILS.values())
PORTION = 500


@dataclass(frozen=True)
class Wish:
    """What a bundle is of: households of an area (or some cases), where something was done at a gate, in a time.

    ``since`` and ``until`` are days (ISO), both included.
    """

    area: str = ""
    gate: str = ""
    since: str = ""
    until: str = ""
    cases: tuple[str, ...] = ()
    kind: str = "pdf"
    lang: str = "zh"
    variant: str = FULL


@dataclass(frozen=True)
class Job:
    """A bundle on its way or made; ``done`` of ``total`` trails are there, ``failed`` of them without a print."""

    token: str
    wish: Wish
    at: str
    state: str = WAITING
    total: int = 0
    done: int = 0
    failed: int = 0
    rendered: int = 0
    size: int = 0
    pages: int = 0
    offices: Offices = ()
    is_by_command: bool = False

    @property
    def is_waiting(self) -> bool:
        """Tell whether something is yet to be done."""
        return self.state == WAITING

    @property
    def name(self) -> str:
        """The name of the file; no household stands in it."""
        of = f"trails-{self.wish.area or self.wish.cases[0][:6]}"
        return f"{of}{'' if self.wish.variant == FULL else '-' + self.wish.variant}.{self.wish.kind}"


@dataclass(frozen=True)
class Line:
    """A trail of a bundle: its case, key of the print (empty: none, and why), entries, head, pages."""

    case: str
    key: str = ""
    why: str = ""
    entries: int = 0
    head: str = ""
    pages: int = 0


# --- what people ask ---
def submit(actor: Actor, wish: Wish, *, by_command: bool = False) -> Job:
    """Note what is to be bundled; raises NotAllowed, or BadValue naming what is wrong or how many may wait."""
    ensure_may_print(actor)
    _ensure_sound(actor, wish)
    if not by_command and sum(job.is_waiting for job in jobs(actor)) >= MOST_OPEN:
        raise BadValue(field="bundles", value=str(MOST_OPEN))
    with reading() as now:
        at = utc_text(now)
    chosen = choose(actor, wish)
    if not chosen or len(chosen) > MOST_TRAILS[wish.kind]:
        raise BadValue(field="bundle_size", value=str(len(chosen)))
    token = BUNDLES.keep(actor, json.dumps(chosen).encode(), part=LIST)
    BUNDLES.path(token, OWNER).write_text(actor.id)
    job = Job(token, wish, at, total=len(chosen), offices=offices_of(actor, PRINTS), is_by_command=by_command)
    write(actor, job)
    return job


def _ensure_sound(actor: Actor, wish: Wish) -> None:
    if wish.kind not in KINDS:
        raise BadValue(field="kind", value=wish.kind[:12])
    if wish.variant not in VARIANTS:
        raise BadValue(field="variant", value=wish.variant[:20])
    counties = {number[:6] for number in (*wish.cases, wish.area) if number}
    if len(counties) != 1:
        raise BadValue(field="area", value=", ".join(sorted(counties))[:40])
    if not any(office.area[:6] in counties for office in actor.offices if office.role in PRINTS):
        raise NotAllowed(reason="print")
    if wish.gate and wish.gate not in {gate.id for gate in gates()}:
        raise BadValue(field="gate", value=wish.gate[:40])
    for name in ("since", "until"):
        _day(name, getattr(wish, name))


def gates() -> list[Gate]:
    """Return the gates of all workflows, in the order of the definitions."""
    definitions = runtime().rules.definitions.values()
    return list({name: gate for one in definitions for name, gate in one.gates.items()}.values())


def areas(actor: Actor) -> list[tuple[str, str]]:
    """Return (code, name) of what a person may print: each office's own area, and those right below it."""
    found: dict[str, str] = {}
    with reading():
        for office in (o for o in actor.offices if o.role in PRINTS):
            found[office.area] = office.name
            below = area_store.children(office.area)
            found.update((area.code, area.name) for area in below if office.covers(area.code) and area.level != "grid")
    return list(found.items())


def _day(name: str, text: str) -> str:
    try:
        day = date.fromisoformat(text) + timedelta(days=int(name == "until")) if text else None
        return utc_text(local_midnight(day)) if day else ""
    except (ValueError, OverflowError) as error:
        raise BadValue(field=name, value=text[:12]) from error


def choose(actor: Actor, wish: Wish) -> list[str]:
    """Return the cases of a bundle, by number; of cases that were named also those that are not there."""
    with reading():
        if wish.cases:
            return sorted(set(wish.cases))
        since, until = _day("since", wish.since), _day("until", wish.until)
        return store.cases_in(scope_of(actor), wish.area, gate=wish.gate, since=since, until=until)


def jobs(actor: Actor) -> list[Job]:
    """Return a person's own bundles, the latest first."""
    mine = (_read(actor, token) for token, owner in owners() if owner == actor.id)
    return sorted((job for job in mine if job and is_within(job.offices, actor)), key=lambda job: job.at, reverse=True)


def job_of(actor: Actor, token: str) -> Job:
    """Return one of a person's own bundles; raise NotFound, also for a token that reaches less far than it."""
    job = _read(actor, token)
    if job is None or not is_within(job.offices, actor):
        raise NotFound(bundle=token[:32])
    return job


def open_job(actor: Actor, wish: Wish) -> Job | None:
    """Return a bundle begun by a command with the same wish and not made yet."""
    return next((job for job in jobs(actor) if job.is_by_command and job.is_waiting and job.wish == wish), None)


def _read(actor: Actor, token: str) -> Job | None:
    try:
        kept = json.loads(BUNDLES.kept(actor, token, JOB))
    except NotFound:
        return None
    wish = kept.pop("wish")
    offices = tuple(tuple(office) for office in kept.pop("offices"))
    job = Job(**kept, wish=Wish(**{**wish, "cases": tuple(wish["cases"])}), offices=offices)
    if not job.is_waiting:
        return job
    lines = list(lines_of(token))
    return replace(job, done=len(lines), failed=sum(not line.key for line in lines))


def drop(actor: Actor, token: str) -> None:
    """Throw a bundle away; whoever is at it sees that at the next trail. Raises NotFound."""
    job_of(actor, token)
    remove(token)


def remove(token: str) -> None:
    """Remove all files of a bundle."""
    BUNDLES.drop(token)
    if TOKEN.fullmatch(token):
        shutil.rmtree(items_of(token), ignore_errors=True)


def result(actor: Actor, token: str) -> tuple[Job, Iterator[bytes]]:
    """Return a bundle that is made, and its bytes in pieces; the caller writes the ledger. Raises NotFound."""
    job = job_of(actor, token)
    path = BUNDLES.path(token, RESULT)
    if job.state != DONE or not path.is_file():
        raise NotFound(bundle=token)
    return job, read_sealed(runtime().keys, path, place=_place(actor, token))


def _place(actor: Actor, token: str) -> str:
    return f"{BUNDLES.name}:{actor.id}:{token}:{RESULT}"


# --- the access ledger ---
def note_prints(actor: Actor, job: Job, cases: Sequence[str]) -> None:
    """Write a line a trail to the access ledger, before anybody holds the bundle.

    Some hundred in a transaction, and how many are written beside: who takes over a killed one writes few twice, and
    leaves out none.
    """
    path = BUNDLES.path(job.token, NOTED)
    begun = int(path.read_text() or 0) if path.exists() else 0
    for start in range(begun, len(cases), PORTION):
        detail = {"bundle": job.token, **_variant(job)}
        lines = [LedgerLine("trail_print", case, detail) for case in cases[start : start + PORTION]]
        with writing() as now:
            ledger.append_all(lines[0].subject[:6], user=actor.id, now=now, lines=lines)
        path.write_text(str(start + len(lines)))
        step_aside()


def note_handed_out(actor: Actor, job: Job) -> None:
    """Write to the access ledger that a bundle was handed out."""
    county = (job.wish.area or job.wish.cases[0])[:6]
    detail = {"bundle": job.token, "kind": job.wish.kind, "trails": job.total - job.failed, **_variant(job)}
    with writing() as now:
        ledger.append(
            county, user=actor.id, kind="bundle_print", subject=job.wish.area or county, now=now, detail=detail
        )


def _variant(job: Job) -> dict[str, str]:
    return {} if job.wish.variant == FULL else {"variant": job.wish.variant}


# --- what the worker asks ---
def write(actor: Actor, job: Job) -> None:
    """Note where a bundle stands."""
    BUNDLES.keep(actor, json.dumps(asdict(job)).encode(), job.token, JOB)


def is_there(token: str) -> bool:
    """Tell whether nobody has thrown a bundle away."""
    return BUNDLES.path(token, OWNER).exists()


def cases_of(actor: Actor, token: str) -> list[str]:
    """Return the cases that a bundle was asked for."""
    return list(json.loads(BUNDLES.kept(actor, token, LIST)))


def lines_of(token: str) -> Iterator[Line]:
    """Yield what is done of a bundle; what a killed process left half-written does not count."""
    try:
        texts = BUNDLES.path(token, DONE_LINES).read_text().split("\n")
    except FileNotFoundError:
        return
    for text in texts[:-1]:
        try:
            yield Line(**json.loads(text))
        except (ValueError, TypeError):
            continue


def add_line(token: str, line: Line, data: bytes = b"") -> None:
    """Hold a print for a bundle, then note that it is done."""
    if line.key:
        _hold(token, line.key, data)
    with BUNDLES.path(token, DONE_LINES).open("a") as file:
        file.write(json.dumps(asdict(line)) + "\n")


def mend_lines(token: str) -> None:
    """End a line that a killed process left half-written, so that the next one stands by itself."""
    path = BUNDLES.path(token, DONE_LINES)
    if path.exists() and not path.read_bytes().endswith(b"\n"):
        with path.open("a") as file:
            file.write("\n")


def _hold(token: str, key: str, data: bytes) -> None:
    """The print stays until the bundle is made, also when the store lets go of it meanwhile."""
    folder = items_of(token)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / key
    try:
        os.link(print_store.path_of(key), path)
    except FileExistsError:
        return
    except OSError:
        fresh = path.with_suffix(".new")
        fresh.write_bytes(print_store.sealed(data, key))
        fresh.chmod(0o600)
        fresh.replace(path)


def held(token: str, key: str) -> bytes:
    """Return a print that is held for a bundle."""
    return print_store.opened((items_of(token) / key).read_bytes(), key)


def items_of(token: str) -> Path:
    """Return the folder of the prints that are held for a bundle."""
    return runtime().settings.data / "bundle-items" / token


def finish(actor: Actor, job: Job, source: Any) -> Job:
    """Keep the result of a bundle and let go of its parts."""
    path = BUNDLES.path(job.token, RESULT)
    fresh = path.with_suffix(".new")
    size = write_sealed(runtime().keys, fresh, source, place=_place(actor, job.token))
    fresh.replace(path)
    return close(actor, replace(job, size=size))


def close(actor: Actor, job: Job) -> Job:
    """Note that a bundle is made."""
    done = replace(job, state=DONE)
    write(actor, done)
    shutil.rmtree(items_of(job.token), ignore_errors=True)
    return done


def houses_of(actor: Actor, numbers: Iterable[str]) -> Mapping[str, tuple[str, str, str]]:
    """Return village's code and name, and head, of the households of some cases, as far as the person sees them."""
    wanted, found = list(numbers), dict[str, tuple[str, str, str]]()
    for start in range(0, len(wanted), 500):
        with reading():
            rows = list_store.cases_by_number(scope_of(actor), wanted[start : start + 500])
            found |= {row.number: (house.village, village or "", house.head_name) for row, house, village in rows}
    return found


def owners() -> Iterator[tuple[str, str]]:
    """Yield (token, account) of all bundles."""
    for path in BUNDLES.folder().glob(f"*-{OWNER}"):
        token = path.name.partition("-")[0]
        if TOKEN.fullmatch(token):
            yield token, path.read_text()


def tidy() -> int:
    """Remove bundles that are too old, and prints held for none; return how many files went."""
    gone = BUNDLES.tidy()
    parent = items_of("")
    for folder in parent.iterdir() if parent.is_dir() else ():
        if not is_there(folder.name):
            shutil.rmtree(folder, ignore_errors=True)
    return gone
