"""Boards: what is overdue, what auditors look at, and totals for levels above the county."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from typing import Any

from app.services.lists import (
    MOST,
    SIZE,
    AreaCount,
    CaseLine,
    Found,
    House,
    areas_inside,
    case_of,
    following_key,
    house_of,
    load_texts,
    note_look,
    page_of,
    paged,
    path_of,
    scope_of,
)
from app.store import lists as store
from app.store.transaction import reading
from app.tables import DeadlineRow
from workflows.clock import utc_text
from workflows.errors import NotAllowed
from workflows.model import Actor, Case, area_root

LINE_NUMBER = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True)
class LateLine:
    """An overdue period in a list: its kind, exclusive due time and generation."""

    case: Case
    house: House
    timer: str
    due_at: str
    provisional: bool


# --- overdue board ---
@dataclass(frozen=True)
class Board:
    """Overdue periods, latest first, and their numbers by township or village; the numbers add up to the rows."""

    found: Found[LateLine]
    by_area: Sequence[AreaCount]
    path: Sequence[tuple[str, str]]

    @property
    def total(self) -> int:
        """How many periods are overdue in all."""
        return sum(item.count for item in self.by_area)


def overdue(actor: Actor, *, area: str = "", after: str = "") -> Board:
    """Return what is overdue in a person's area, or in a township or village of it."""
    scope = scope_of(actor)
    with reading() as now:
        groups = [AreaCount(r[0], r[1] or r[0], r.late) for r in store.late_by_area(scope, now, area)]
        rows, more = paged(store.late_rows(scope, now, area, page_of(after)))
        lines = [_late_line(r) for r in rows]
        load_texts(line.case for line in lines)
        last = rows[-1].DeadlineRow if rows else None
        following = following_key(more, last.due_at, last.case, last.kind) if last else ""
        path = path_of(area)
    if lines:
        note_look(actor, area or "overdue", rows=len(lines))
    return Board(Found(lines, following, now), groups, path)


def _late_line(row: Any) -> LateLine:
    period: DeadlineRow = row.DeadlineRow
    house = house_of(row.Household, row.village_name, row.township_name)
    return LateLine(case_of(row.CaseRow), house, period.kind, period.due_at, period.provisional)


# --- auditors ---
def audited_counties(actor: Actor) -> list[str]:
    """Return the counties that a person audits; raise NotAllowed for anybody else."""
    counties = sorted({o.area[:6] for o in actor.offices if o.role == "auditor"})
    if not counties:
        raise NotAllowed(page="audit")
    return counties


def townships(actor: Actor) -> list[AreaCount]:
    """Return the townships of the counties that a person audits, to choose from."""
    scope = scope_of(actor)
    with reading():
        return [area for county in audited_counties(actor) for area in areas_inside(scope, county.ljust(12, "0"))]


@dataclass(frozen=True)
class Audit:
    """The auditor's list: one page of cases, how many there are, and the townships to choose from.

    No more than ``MOST`` are counted; ``is_more`` tells that there are more.
    """

    found: Found[CaseLine]
    total: int
    townships: Sequence[AreaCount]
    is_more: bool = False


def audit(actor: Actor, wanted: store.CaseFilter, *, late: bool = False, after: str = "") -> Audit:
    """Return the cases of the auditor's counties that fit a filter; the look is written to the access ledger."""
    counties = audited_counties(actor)
    scope = scope_of(actor)
    with reading() as now:
        before = utc_text(now) if late else ""
        chosen = store.CaseFilter(wanted.definition, wanted.state, wanted.township, before)
        total = store.count_cases(scope, chosen)
        rows, more = paged(store.find_cases(scope, chosen, page_of(after)))
        lines = [
            CaseLine(case_of(r.CaseRow), house_of(r.Household, r.village_name), r.CaseRow.due_at or "") for r in rows
        ]
        load_texts(line.case for line in lines)
        following = following_key(more, lines[-1].case.county, lines[-1].case.number) if lines else ""
        townships = [area for county in counties for area in areas_inside(scope, county.ljust(12, "0"))]
    note_look(actor, "audit", rows=len(lines), state=wanted.state, township=wanted.township, late=late)
    return Audit(Found(lines, following, now), min(total, MOST), townships, total > MOST)


@dataclass(frozen=True)
class LedgerLine:
    """One line of the access ledger as its stored text has it, with the names of account and offices' areas."""

    seq: int
    at: str
    user: str
    kind: str
    subject: str
    detail: Mapping[str, str]
    hash: str
    county: str = ""


def access_ledger(actor: Actor, *, kind: str = "", after: str = "") -> Found[LedgerLine]:
    """Return who looked at what in the auditor's counties, newest first.

    Each county is a chain of its own, so the key of a page says how far each of them has been read.
    """
    read = _read_so_far(after)
    with reading() as now:
        chains = [store.ledger_lines(c, read.get(c, 0), kind, SIZE) for c in audited_counties(actor)]
        rows, more = paged(list(merge(*chains, key=lambda row: row.at, reverse=True)))
        names = store.user_names({_number(r.text) for r in rows})
        lines = [_ledger_line(r, names) for r in rows]
    read |= {line.county: line.seq for line in lines}
    return Found(lines, following_key(more, *(f"{county}.{seq}" for county, seq in sorted(read.items()))), now)


def _read_so_far(after: str) -> dict[str, int]:
    """Return the number of the last line read, by county; a key of another list is none: the first page."""
    parts = [part.partition(".") for part in after.split("~")]
    return {county: int(seq) for county, _, seq in parts if LINE_NUMBER.fullmatch(seq)}


def _number(text: str) -> int:
    user = str(store.parse_json(text)["user"])
    return int(user[1:]) if user[1:].isdigit() else 0


def _ledger_line(row: Any, names: dict[int, str]) -> LedgerLine:
    body = store.parse_json(row.text)
    user = names.get(_number(row.text), str(body["user"]))
    given = sorted(dict(body["detail"]).items())
    detail = {key: _listed(value) for key, value in given if value not in ("", False)}
    return LedgerLine(row.seq, row.at, user, body["kind"], body["subject"], detail, row.hash, row.county)


def _listed(value: object) -> str:
    return "、".join(map(str, value)) if isinstance(value, list) else str(value)


# --- totals for levels above the county ---
@dataclass(frozen=True)
class Total:
    """Numbers of one county or township: by monitoring state, cases in progress, overdue periods."""

    code: str
    name: str
    is_county: bool
    states: dict[str, int]
    open_cases: int
    late: int


def totals(actor: Actor) -> list[Total]:
    """Return numbers by county and township for a level above the county; no household stands in them."""
    prefixes = {area_root(o.area) for o in actor.offices if o.role == "upper_level"}
    if not prefixes:
        raise NotAllowed(page="totals")
    with reading() as now:
        counted = [r for prefix in sorted(prefixes) for r in store.totals_by_township(prefix)]
        late = [r for prefix in sorted(prefixes) for r in store.late_by_township(prefix, now)]
        codes = {r.county.ljust(12, "0") for r in (*counted, *late)} | {r.township for r in (*counted, *late)}
        names = store.area_names(codes)
    return [_total(code, names.get(code, code), counted, late) for code in sorted(codes)]


def _total(code: str, name: str, counted: Sequence[Any], late: Sequence[Any]) -> Total:
    is_county = not code[6:].strip("0")
    mine = [r for r in counted if (r.county == code[:6] if is_county else r.township == code)]
    behind = sum(r.late for r in late if (r.county == code[:6] if is_county else r.township == code))
    states: dict[str, int] = {}
    for row in mine:
        if row.definition == "monitor_status":
            states[row.state] = states.get(row.state, 0) + row.cases
    running = sum(r.cases for r in mine if r.definition == "household_case")
    return Total(code, name, is_county, states, running, behind)
