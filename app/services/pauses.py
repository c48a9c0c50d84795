"""The list of pauses and extensions: who did it, when, with which document, and for how many days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from app.services.cases import loaded_rules
from app.services.lists import (
    Found,
    House,
    case_of,
    following_key,
    house_of,
    load_texts,
    note_look,
    page_of,
    paged,
    scope_of,
)
from app.store import pauses as store
from app.store.lists import parse_json
from app.store.transaction import reading
from app.tables import DeadlineRow
from workflows.clock import local_date, parse_utc
from workflows.model import Actor, Case

MARK_DAYS = 30  # where a pack of before says nothing


@dataclass(frozen=True)
class Change:
    """One pause or extension of a deadline (``how``: paused, extended), with the entry that did it.

    ``until`` is when a pause ended, empty while it lasts; ``days`` how long it took or takes. ``extra`` is by how much
    an extension went, ``before`` and ``after`` are the exclusive ends. ``entry`` is its body; ``is_marked``: a pause
    that lasts longer than the pack's number of days.
    """

    case: Case
    house: House
    timer: str
    how: str
    at: str
    until: str
    days: int
    before: str
    after: str
    extra: str
    entry: Mapping[str, Any]
    is_marked: bool


def pauses(actor: Actor, *, after: str = "") -> Found[Change]:
    """Return pauses and extensions in a person's area, the newest first; the look is written down."""
    scope = scope_of(actor)
    with reading() as now:
        rows, more = paged(store.changes(scope, page_of(after)))
        periods = [row.DeadlineRow for row in rows]
        next_ones = store.following(periods)
        entries = store.entries_at([(p.county, p.case, p.ended_at or "") for p in periods])
        load_texts(case_of(row.CaseRow) for row in rows)
        found = [_change(row, next_ones, entries, now) for row in rows]
        last = periods[-1] if periods else None
        key = following_key(more, last.ended_at or "", last.case, last.kind, str(last.generation)) if last else ""
    if found:
        note_look(actor, "pauses", rows=len(found))
    return Found(found, key, now)


def _change(
    row: Any,
    next_ones: Mapping[tuple[str, str, int], DeadlineRow],
    entries: Mapping[tuple[str, str], Sequence[str]],
    now: datetime,
) -> Change:
    period: DeadlineRow = row.DeadlineRow
    later, at = next_ones.get((period.case, period.kind, period.generation)), period.ended_at or ""
    entry = _entry(entries.get((period.case, at), ()), period)
    is_pause = period.ended_how == "paused"
    until = (later.ended_at or "") if later and is_pause else ""
    days = (_day(until) if until else local_date(now)) - _day(at)
    case = case_of(row.CaseRow)
    marks = _mark_days(case, local_date(now))
    return Change(
        case=case,
        house=house_of(row.Household, row.village_name, row.township_name),
        timer=period.kind,
        how=period.ended_how or "",
        at=at,
        until=until,
        days=days.days if is_pause else 0,
        before=period.due_at,
        after=later.due_at if later and not is_pause else "",
        extra=str(entry.get("changes", {}).get("extra", {}).get("after", "")),
        entry=entry,
        is_marked=is_pause and not until and days.days > marks,
    )


def _entry(texts: Sequence[str], period: DeadlineRow) -> Mapping[str, Any]:
    """The entry of those at one time that ended this period."""
    bodies = [parse_json(text) for text in texts]
    ended = {"kind": period.kind, "generation": period.generation}
    return next((b for b in bodies if any(ended.items() <= e.items() for e in b["deadlines"]["ended"])), {})


def _day(at: str) -> date:
    return local_date(parse_utc(at))


def _mark_days(case: Case, on: date) -> int:
    found = loaded_rules().machine_of(case).pack.given("pause_mark_days", on)
    return int(found.value) if found else MARK_DAYS
