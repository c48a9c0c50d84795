"""The great check: chains against heads, replay against rows, values, files, the access ledger and the seals."""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

from app.runtime import runtime
from app.services.anchors import faults as anchor_faults
from app.services.duty_check import faults as duty_faults
from app.services.isolated import Trouble, attempt
from app.services.lists import load_texts
from app.services.seal_check import faults as seal_faults
from app.store import calendars
from app.store import cases as case_store
from app.store import checking as store
from app.store.households import batches
from app.store.transaction import reading
from workflows.journal import GENESIS, check_chain, check_disclosures, digest, parse_entry
from workflows.model import Case
from workflows.replay import replay

BATCH = 100
LINES = 1_000
MOST_STRAYS = 1_000
# A file stands on the disk a moment before its row does: younger ones are no orphans yet.
SETTLED_SECONDS = 600
SHADES = ("original", "shown")


@dataclass(frozen=True)
class Damage:
    """One thing that is wrong: where (case, file or ledger; entry 0 means the whole), a stable code, details."""

    place: str
    seq: int
    code: str
    detail: str = ""


@dataclass
class Tally:
    """How much was looked at, and how much of it is wrong."""

    cases: int = 0
    entries: int = 0
    files: int = 0
    ledger_lines: int = 0
    leaves: int = 0
    damages: int = 0


Report = Callable[[Damage], None]
Progress = Callable[[int], None]


def counties() -> list[str]:
    """Return every county with data."""
    with reading():
        return store.counties()


def total(chosen: Iterable[str]) -> int:
    """Return how many cases, lines, files and leaves there are to look at."""
    with reading():
        return sum(sum(store.sizes(county)) for county in chosen)


def check(chosen: Iterable[str], *, report: Report, progress: Progress | None = None) -> Tally:
    """Check some counties from end to end; ``report`` is told each damage as it is found. Nothing is changed."""
    tally = Tally()
    run = Run(tally, report, progress or (lambda _: None))
    with reading():
        for name in store.guard_faults():
            run.found(Damage("database", 0, "guard_missing", name))
        for damage in _calendar_damages():
            run.found(damage)
    for county in chosen:
        _check_cases(county, run)
        _check_files(county, run)
        _check_orphans(county, run)
        _check_ledger(county, run)
        _check_duties(county, run)
        _check_seals(county, run)
    return tally


def _calendar_damages() -> Iterator[Damage]:
    """Documents and kept calendars whose text is not that of their digest."""
    for place, wanted, text in calendars.texts():
        if digest(text) != wanted:
            yield Damage(place, 0, "text_altered", wanted[:12])


@dataclass(frozen=True)
class Run:
    """One run of the check: what it has counted and whom it tells."""

    tally: Tally
    report: Report
    progress: Progress

    def found(self, damage: Damage) -> None:
        """Count and report one damage."""
        self.tally.damages += 1
        self.report(damage)


# --- cases ---
@dataclass(frozen=True)
class Batch:
    """Some case rows with all that hangs on them, read in one snapshot."""

    county: str
    rows: Sequence[Any]
    entries: Mapping[str, list[Any]]
    disclosures: Mapping[str, list[Any]]
    waits: Mapping[str, list[Any]]
    deadlines: Mapping[str, list[Any]]
    uses: Mapping[str, list[Any]]
    areas: Mapping[str, str]
    files: frozenset[str]
    texts: Mapping[str, str]


def _check_cases(county: str, run: Run) -> None:
    after = ""
    while True:
        with reading():
            batch = _read_batch(county, after)
            if not batch.rows:
                break
            _load_rules(batch)
        for row in batch.rows:
            _check_one(row, batch, run)
        run.tally.cases += len(batch.rows)
        run.progress(len(batch.rows))
        after = batch.rows[-1].number
    with reading():
        strays = store.cases_without_row(county, MOST_STRAYS)
    for number in strays:
        run.found(Damage(number, 0, "case_row_missing"))


def _read_batch(county: str, after: str) -> Batch:
    rows = store.cases_after(county, after, BATCH)
    numbers = [r.number for r in rows]
    uses = store.uses_of(county, numbers)
    digests = {d for r in rows for d in (r.definition_digest, r.policy_digest)}
    return Batch(
        county,
        rows,
        entries=_by_case(store.entries_of(county, numbers)),
        disclosures=_by_case(case_store.disclosures_of(county, numbers)),
        waits=_by_case(store.waits_of(county, numbers)),
        deadlines=_by_case(store.deadlines_of(county, numbers)),
        uses=_by_case(uses),
        areas=store.areas_of(county, {r.subject.partition(":")[2] for r in rows}),
        files=frozenset(store.files_with(county, {u.sha256 for u in uses})),
        texts={kept.digest: kept.text for kept in case_store.kept_texts(digests)},
    )


def _by_case(rows: Iterable[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row.case, []).append(row)
    return found


def _load_rules(batch: Batch) -> None:
    """Load the texts of rules that are no longer among the files, as far as they can be read."""
    for row in batch.rows:
        attempt(partial(_load_rule, row))


def _load_rule(row: Any) -> None:
    load_texts([case_store.case_of(row)])


def _check_one(row: Any, batch: Batch, run: Run) -> None:
    entries = batch.entries.get(row.number, [])
    run.tally.entries += len(entries)
    texts = [e.text for e in entries]
    damages = list(_chain_damages(row, entries))
    if not damages:
        answer = attempt(lambda: list(_state_damages(row, batch, texts)))
        damages = [Damage(row.number, 0, "unreadable", answer.what)] if isinstance(answer, Trouble) else answer
    for damage in (*damages, *_text_damages(row, batch)):
        run.found(damage)


def _chain_damages(row: Any, entries: Sequence[Any]) -> Iterator[Damage]:
    for finding in check_chain(row.number, [e.text for e in entries], row.head, row.seq):
        yield Damage(finding.case, finding.seq, finding.code, finding.detail)
    for entry in entries:
        if digest(entry.text) != entry.hash:
            yield Damage(row.number, entry.seq, "hash_differs")


def _state_damages(row: Any, batch: Batch, texts: Sequence[str]) -> Iterator[Damage]:
    """What hangs on an intact chain: the row, whom it waits for, periods, values, evidence."""
    bodies = [parse_entry(text) for text in texts]
    yield from _row_damages(row, texts)
    yield from _derived_damages(row, batch)
    yield from _deadline_damages(row, batch, bodies)
    yield from _evidence_damages(row, batch, bodies)
    places = {(row.number, seq): text for seq, text in enumerate(texts, start=1)}
    for finding in check_disclosures(places, batch.disclosures.get(row.number, [])):
        yield Damage(finding.case, finding.seq, finding.code, finding.detail)


def _row_damages(row: Any, texts: Sequence[str]) -> Iterator[Damage]:
    case, truth = case_store.case_of(row), replay(texts)
    differing = [f.name for f in fields(Case) if truth is None or getattr(case, f.name) != getattr(truth, f.name)]
    if row.due_at != case_store.earliest_due(case):
        differing.append("due_at")
    if differing:
        yield Damage(row.number, 0, "row_differs", ", ".join(differing))


def _derived_damages(row: Any, batch: Batch) -> Iterator[Damage]:
    case = case_store.case_of(row)
    area = batch.areas.get(row.subject.partition(":")[2])
    if area is None:
        yield Damage(row.number, 0, "household_missing", row.subject)
        return
    columns = case_store.area_columns(area)
    if (row.village, row.township) != (columns["village"], columns["township"]):
        yield Damage(row.number, 0, "row_differs", "village, township")
    wanted = [tuple(sorted(w.items())) for w in case_store.waits_of(runtime().rules, case, columns)]
    there = [tuple(sorted(w._mapping.items())) for w in batch.waits.get(row.number, [])]
    if sorted(wanted) != sorted(there):
        yield Damage(row.number, 0, "waits_differ")


def _deadline_damages(row: Any, batch: Batch, bodies: Sequence[Mapping[str, Any]]) -> Iterator[Damage]:
    """Every period that entries started has its row as it was frozen, ended as the entries say."""
    wanted = {(c["kind"], c["generation"]): [*_frozen(c), None] for b in bodies for c in b["deadlines"]["started"]}
    for ended in (e for b in bodies for e in b["deadlines"]["ended"]):
        wanted[(ended["kind"], ended["generation"])][-1] = ended["how"]
    there = {
        (d.kind, d.generation): [d.start_at, d.due_at, d.bound, d.clause, bool(d.provisional), d.ended_how]
        for d in batch.deadlines.get(row.number, [])
    }
    for kind, generation in sorted(wanted.keys() | there.keys()):
        if wanted.get((kind, generation)) != there.get((kind, generation)):
            yield Damage(row.number, 0, "deadline_differs", f"{kind} {generation}")


def _frozen(clock: Mapping[str, Any]) -> list[Any]:
    return [clock[name] for name in ("start", "due", "bound", "clause", "provisional")]


def _evidence_damages(row: Any, batch: Batch, bodies: Sequence[Mapping[str, Any]]) -> Iterator[Damage]:
    wanted = {(b["seq"], e["kind"], e["sha256"]) for b in bodies for e in b["evidence"]}
    there = {(u.seq, u.kind, u.sha256) for u in batch.uses.get(row.number, [])}
    for seq, kind, _ in sorted(wanted ^ there):
        yield Damage(row.number, seq, "evidence_use_differs", kind)
    for seq, kind, sha256 in sorted(wanted & there):
        if sha256 not in batch.files:
            yield Damage(row.number, seq, "file_row_missing", f"{kind} {sha256[:16]}")


def _text_damages(row: Any, batch: Batch) -> Iterator[Damage]:
    for name in (row.definition_digest, row.policy_digest):
        text = batch.texts.get(name)
        if text is None or digest(text) != name:
            yield Damage(row.number, 0, "rules_text_missing" if text is None else "rules_text_altered", name[:16])


# --- files ---
def _check_files(county: str, run: Run) -> None:
    after = ""
    while True:
        with reading():
            rows = store.files_after(county, after, BATCH)
        if not rows:
            return
        for row in rows:
            _check_file(county, row.sha256, "original", run)
            _check_file(county, row.shown_sha256, "shown", run)
        run.tally.files += len(rows)
        run.progress(len(rows))
        after = rows[-1].sha256


def _check_file(county: str, sha256: str, shade: str, run: Run) -> None:
    path = folder(county, shade) / sha256[:2] / sha256
    try:
        same = _digest_of(path) == sha256
    except OSError:
        run.found(Damage(_shown(county, shade, sha256), 0, "file_missing"))
        return
    if not same:
        run.found(Damage(_shown(county, shade, sha256), 0, "file_altered"))


def folder(county: str, shade: str) -> Path:
    """Return the folder of a county's originals or shown copies."""
    return runtime().settings.evidence / county / shade


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _shown(county: str, shade: str, name: str) -> str:
    return f"evidence/{county}/{shade}/{name[:16]}"


def _check_orphans(county: str, run: Run) -> None:
    """Files on the disk that no row knows, left by a crash or put there by hand."""
    for shade, known_of in zip(SHADES, (store.files_with, store.copies_with), strict=True):
        for part in batches(_settled(folder(county, shade)), LINES):
            with reading():
                known = known_of(county, [path.name for path in part])
            for path in part:
                if path.name not in known:
                    run.found(Damage(_shown(county, shade, path.name), 0, "file_orphaned", str(path)))


def _settled(place: Path) -> Iterator[Path]:
    limit = time.time() - SETTLED_SECONDS
    for shelf in sorted(place.iterdir()) if place.is_dir() else ():
        for path in sorted(shelf.iterdir()) if shelf.is_dir() else (shelf,):
            if path.stat().st_mtime < limit:
                yield path


def _check_duties(county: str, run: Run) -> None:
    for place, code, detail in duty_faults(county):
        run.found(Damage(place, 0, code, detail))


def _check_seals(county: str, run: Run) -> None:
    def counted(leaves: int) -> None:
        run.tally.leaves += leaves
        run.progress(leaves)

    for place, seq, code, detail in (*seal_faults(county, counted), *anchor_faults(county)):
        run.found(Damage(place, seq, code, detail))


# --- the access ledger ---
def _check_ledger(county: str, run: Run) -> None:
    place = f"access_ledger {county}"
    with reading():
        seq, head = store.ledger_head(county) or (0, GENESIS)
        beyond = store.ledger_after(county, seq, 2**62, 1)
    if beyond:
        run.found(Damage(place, seq + 1, "ledger_head_differs"))
    at, previous = 0, GENESIS
    while True:
        with reading():
            rows = store.ledger_after(county, at, seq, LINES)
        if not rows:
            break
        for row in rows:
            for code in _line_faults(row, at + 1, previous):
                run.found(Damage(place, row.seq, code))
            at, previous = row.seq, digest(row.text)
        run.tally.ledger_lines += len(rows)
        run.progress(len(rows))
    if (at, previous) != (seq, head):
        run.found(Damage(place, at, "ledger_head_differs"))


def _line_faults(row: Any, seq: int, previous: str) -> Iterator[str]:
    body = attempt(lambda: _line(row.text))
    if isinstance(body, Trouble):
        yield "ledger_malformed"
        return
    if digest(row.text) != row.hash:
        yield "ledger_altered"
    if (row.seq, body.get("seq"), body.get("prev")) != (seq, seq, previous):
        yield "ledger_broken"


def _line(text: str) -> dict[str, Any]:
    body = json.loads(text)
    if not isinstance(body, dict):
        raise TypeError("no object")
    return body
