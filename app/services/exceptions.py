"""Exception lists for auditors: what deserves a look, by one mechanism; every look at one is written down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.exception_catalogue import ExceptionList, exception_lists
from app.services import near_photos
from app.services.audit_sample import area_of, span_of
from app.services.boards import audited_counties
from app.services.lists import CaseLine, Found, case_lines, following_key, note_look, page_of, paged, scope_of
from app.store import exceptions as store
from app.store.exceptions import Cut, Row
from app.store.lists import Page, Scope, parse_json
from app.store.transaction import reading
from workflows.clock import utc_text
from workflows.errors import NotFound
from workflows.model import Actor

MOST_ROWS = 5_000
MOST_COUNTED = 999
# Lists that no query can give: their rows are computed, and cut into pages here.
COMPUTED = {"photos": near_photos.rows}


@dataclass(frozen=True)
class Asked:
    """Which rows: an area and two days (ISO, both inside), and thresholds as texts; empty: all, the defaults."""

    area: str = ""
    begins: str = ""
    ends: str = ""
    thresholds: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Hit:
    """One row: the case, the entry behind it (empty where it is a period's), when, and the list's own facts."""

    line: CaseLine
    seq: int
    at: str
    entry: Mapping[str, Any]
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Listed:
    """A page of a list with the thresholds in force."""

    list: ExceptionList
    numbers: Mapping[str, int]
    found: Found[Hit]


def list_named(name: str) -> ExceptionList:
    """Return a list of the catalogue; raise NotFound."""
    if name not in exception_lists():
        raise NotFound(list=name[:40])
    return exception_lists()[name]


def listed(actor: Actor, name: str, asked: Asked, *, after: str = "", size: int = 25) -> Listed:
    """Return a page of a list of the auditor's counties; raises NotFound, BadValue, or NotAllowed for others."""
    one = list_named(name)
    audited_counties(actor)
    numbers = one.cut(asked.thresholds or {})
    with reading() as now:
        cut = _cut(one, numbers, asked, now)
        rows, more = paged(_rows(one.source, scope_of(actor), cut, page_of(after, size)), size)
        texts = store.entry_texts([(r.county, r.case, r.seq) for r in rows if r.seq])
    lines = case_lines(actor, {row.case for row in rows})
    hits = [_hit(row, lines[row.case], texts) for row in rows if row.case in lines]
    following = following_key(more, rows[-1].at, rows[-1].case, str(rows[-1].seq), rows[-1].mark) if rows else ""
    note_look(actor, "exceptions", list=name, rows=len(hits), area=asked.area)
    return Listed(one, numbers, Found(hits, following, now))


def counted(actor: Actor, name: str, asked: Asked, most: int = MOST_COUNTED) -> int:
    """Return how many rows a list has, up to ``most`` + 1."""
    one = list_named(name)
    audited_counties(actor)
    with reading() as now:
        cut = _cut(one, one.cut(asked.thresholds or {}), asked, now)
        if one.source in COMPUTED:
            return min(len(COMPUTED[one.source](scope_of(actor), cut)), most + 1)
        return store.count_of_list(one.source, scope_of(actor), cut, most)


def _rows(source: str, scope: Scope, cut: Cut, page: Page) -> Sequence[Row]:
    """Return the rows of a page and one more, newest first."""
    if source not in COMPUTED:
        return store.page_of_list(source, scope, cut, page)
    after = store.key_of(page)
    every = COMPUTED[source](scope, cut)
    return [row for row in every if after is None or row.key < after][: page.size + 1]


def complete_photos(actor: Actor) -> tuple[int, int]:
    """Compute the hashes of photos that nobody noted; return how many, and of how many the file is not readable."""
    audited_counties(actor)
    kinds = exception_lists()["photos"].options["kinds"]
    with reading():
        return near_photos.complete(scope_of(actor), kinds)


def _cut(one: ExceptionList, numbers: Mapping[str, int], asked: Asked, now: datetime) -> Cut:
    since, until = span_of(asked.begins, asked.ends)
    return Cut(numbers, one.options, area_of(asked.area), since, until, utc_text(now))


def _hit(row: Row, line: CaseLine, texts: Mapping[tuple[str, int], str]) -> Hit:
    text = texts.get((row.case, row.seq), "")
    return Hit(line, row.seq, row.at, parse_json(text) if text else {}, row.facts)
