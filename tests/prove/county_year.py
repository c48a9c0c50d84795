"""A county's year by an injected clock: every duty that must exist does, each is accounted for, a rerun is the same.

What must exist is enumerated here a second time, day by day from the packs' texts and the journal, with none of the
code that makes the periods.
"""

import json
import random
import secrets
import shutil
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app import create_app
from app.config import read_settings
from app.services import demo
from app.services.setup import close
from app.tables import db
from workflows.registry import Rules, load_rules

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
Key = tuple[str, str, str, str]
MONTHS = {"month": set(range(1, 13)), "quarter": {1, 4, 7, 10}, "half_year": {1, 7}, "year": {1}}


def rows(query: str) -> list[tuple[Any, ...]]:
    """Ask the database directly."""
    with db.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


# --- what must exist ---
def begins_on(row: Mapping[str, Any], day: date) -> bool:
    """Tell whether a period of a pack's row begins on a day."""
    if row["unit"] == "window":
        return f"{day:%m-%d}" == str(row["start"])
    if row["unit"] != "recurring":
        return False
    if row["every"] == "week":
        return day.weekday() == 0
    return day.day == 1 and day.month in MONTHS[row["every"]]


def holding(duties: Sequence[Mapping[str, Any]], day: date) -> list[Mapping[str, Any]]:
    """Return the rows that hold on a day, of each id the latest."""
    found: dict[str, Mapping[str, Any]] = {}
    for row in sorted(duties, key=lambda row: str(row.get("from", ""))):
        if str(row.get("from", "")) <= day.isoformat() < str(row.get("to", "9999")):
            found[str(row["id"])] = row
    return [row for row in found.values() if row.get("subject")]


def expected(rules: Rules) -> set[Key]:
    """Enumerate every period that must exist, day by day; what an event begins is not of a period."""
    houses = rows("SELECT county, number, village, kind, created_at FROM households")
    stays: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for county, subject, at, entry in rows(
        "SELECT c.county, c.subject, j.at, j.text FROM journal j JOIN cases c"
        " ON c.county = j.county AND c.number = j.\"case\" WHERE c.definition = 'monitor_status'"
        ' ORDER BY j.at, j."case", j.seq'
    ):
        stays.setdefault((county, subject.partition(":")[2]), []).append((at, json.loads(entry)["target"]))
    found: set[Key] = set()
    for county, since, through in rows("SELECT county, since, through FROM duty_runs"):
        own = [house for house in houses if house[0] == county]
        day = date.fromisoformat(since[:10]) + timedelta(days=1)
        while day <= date.fromisoformat(through):
            found |= _of_day(rules, county, own, stays, day, since)
            day += timedelta(days=1)
    return found


def _of_day(rules: Rules, county: str, houses: Any, stays: Any, day: date, since: str) -> set[Key]:
    begins = (datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M:%SZ")
    if begins < since:
        return set()
    found: set[Key] = set()
    villages = {house[2] for house in houses}
    areas = {
        "county": {county.ljust(12, "0")} if villages else set(),
        "township": {village[:9] + "000" for village in villages},
        "village": villages,
    }
    for level, codes in areas.items():
        for code in codes:
            found |= {(county, row["id"], code, begins) for row in _beginning(rules, code, day, level)}
    for _, number, village, kind, created in houses:
        if created <= begins:
            states = [state for at, state in stays.get((county, number), []) if at <= begins]
            state = states[-1] if states else "none"
            found |= {
                (county, row["id"], number, begins)
                for row in _beginning(rules, village, day, "household")
                if _fits(row, state, kind)
            }
    return found


def _beginning(rules: Rules, area: str, day: date, subject: str) -> list[Mapping[str, Any]]:
    pack = rules.pack_at(area, day)
    known = _cache.setdefault(pack.digest if pack else "", {})
    if pack and (day, subject) not in known:
        duties = json.loads(pack.text).get("duties", [])
        known[day, subject] = [r for r in holding(duties, day) if r["subject"] == subject and begins_on(r, day)]
    return known.get((day, subject), [])


_cache: dict[str, dict[tuple[date, str], list[Mapping[str, Any]]]] = {}


def _fits(row: Mapping[str, Any], state: str, kind: str) -> bool:
    if state == "closed_natural":
        return False
    among = row.get("households", [])
    return not among or any(
        (not one.get("statuses") or state in one["statuses"]) and (not one.get("kinds") or kind in one["kinds"])
        for one in among
    )


# --- what there is ---
def account(now: datetime) -> str:
    """Check that what exists is what must exist, and that every period is accounted for; return the figures."""
    rules = load_rules()
    events = {row.id for pack in rules.packs.values() for row in pack.duties if row.events}
    there = rows("SELECT county, duty, subject, begins, due_at, state, settled_at, needed, done FROM duty_periods")
    periodic = {row[:4] for row in there if row[1] not in events}
    wanted = expected(rules)
    if periodic != wanted:
        raise AssertionError(f"missing {sorted(wanted - periodic)[:3]}, too many {sorted(periodic - wanted)[:3]}")
    counted = {
        key[:4]: int(key[4])
        for key in rows(
            "SELECT county, duty, subject, begins, sum(amount) FROM duty_acts WHERE why = '' AND act <> 'warning'"
            " GROUP BY county, duty, subject, begins"
        )
    }
    tally: Counter[str] = Counter()
    at = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    for row in there:
        tally[_accounted(row, counted.get(row[:4], 0), at)] += 1
    if sum(tally.values()) != len(there):
        raise AssertionError(tally)
    said = ", ".join(f"{count} {name}" for name, count in sorted(tally.items()))
    return f"{len(wanted)} periods that must exist do, {len(there) - len(wanted)} begun by events: {said}"


def _accounted(row: tuple[Any, ...], counted: int, now: str) -> str:
    """Return how a period stands; raise AssertionError when its state does not follow from what was done."""
    *_, due, state, settled, needed, done = row
    if counted != done or (state == "done") != (done >= needed) or (state == "open") != (settled is None):
        raise AssertionError((row, counted))
    if state == "done":
        return "late" if settled >= due else "done"
    if state == "dropped":
        if settled is None:
            raise AssertionError(row)
        return "dropped"
    return "missed" if due <= now else "open"


# --- the year ---
@contextmanager
def seeded(seed: str) -> Iterator[None]:
    """Let every salt and key be drawn from a seed, so that two runs can be compared byte by byte."""
    chance = random.Random(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secrets, "token_bytes", lambda size=32: chance.randbytes(size))
        patch.setattr(secrets, "token_hex", lambda size=32: chance.randbytes(size).hex())
        patch.setattr(uuid, "uuid4", lambda: uuid.UUID(bytes=chance.randbytes(16)))
        yield


def year(folder: Path, households: int, seed: str) -> tuple[str, dict[str, list[tuple[Any, ...]]]]:
    """Play a year in a folder; return its figures, and the heads of all chains with all that duties left."""
    settings = read_settings({"FANGPIN_DATA": str(folder)})
    with seeded(seed):
        demo.make(settings, make_app=create_app, now=NOW, progress=lambda _: None, households=households)
    app = create_app(settings, clock=lambda: NOW)
    with app.app_context():
        figures = account(NOW)
        left = {
            query: rows(query)
            for query in (
                "SELECT number, seq, head FROM cases ORDER BY number",
                "SELECT * FROM duty_periods ORDER BY county, duty, subject, begins",
                "SELECT duty, subject, begins, act, role, mode, on_day, nil, why, salt FROM duty_acts ORDER BY id",
            )
        }
        close(app)
    return figures, left


def prove(households: int) -> str:
    """Play the year twice and compare."""
    folder = Path(tempfile.mkdtemp(prefix="fangpin-year-"))
    try:
        figures, first = year(folder / "one", households, "year")
        _, second = year(folder / "two", households, "year")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for query, found in first.items():
        if found != second[query]:
            different = next(pair for pair in zip(found, second[query], strict=False) if pair[0] != pair[1])
            raise AssertionError((query, different))
    entries = sum(int(row[1]) for row in first["SELECT number, seq, head FROM cases ORDER BY number"])
    return f"{households} households, {figures}; a rerun gave the same {entries} entries and the same ledger of duties"
