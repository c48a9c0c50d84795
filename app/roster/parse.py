"""Reads a roster from its file: the sheet that holds it, its blocks one by one, and what shows only across them.

A long roster is read in parts, by several processes where there are more than one: `read_roster`. What only shows
across parts, such as a person who stands twice, is found by `Seen`.
"""

import gc
import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from itertools import islice
from typing import Any

from app.roster.block import MAX_ERRORS, BlockReader, Part, Prepare, Rules
from app.roster.columns import Header, find_header
from app.roster.messages import row_error, scrub
from app.roster.records import HouseholdRow, Roster, RowError
from app.roster.sheets import Block, LongSheet, Sheet, open_sheets
from app.roster.villages import Villages
from app.roster.workbook import WorkbookRefused

_LOOKED_AT = 22


@dataclass(frozen=True)
class Found:
    """A sheet that holds a roster, with its header; or what is wrong when there is none."""

    sheet: Sheet | LongSheet | None
    header: Header | None
    error: RowError | None
    name: str = ""

    @property
    def header_row(self) -> int:
        """Excel's number of the header's row, 0 for none."""
        return self.header.row + 1 if self.header else 0


def parse_roster(
    data: bytes,
    *,
    known_villages: Mapping[str, str],
    today: date,
    allow_synthetic: bool = True,
) -> Roster:
    """Read the bytes of an .xlsx at once. Never raises for bad input: everything wrong is in `errors`.

    `known_villages` maps name paths or 12-digit codes to village codes (see `Villages`).
    """
    rules = Rules(Villages(known_villages), today, allow_synthetic)
    found = find_roster(data)
    seen = Seen(found.header)
    kept: list[HouseholdRow] = []
    for part in read_roster(found, rules, _as_read):
        kept += seen.take(part)
    return Roster(
        tuple(kept),
        seen.told(found),
        found.name,
        found.header_row,
        seen.count(found),
        found.header.ignored if found.header else (),
        seen.row_count,
    )


def _as_read(household: HouseholdRow) -> HouseholdRow:
    return household


def find_roster(data: bytes) -> Found:
    """Find the first sheet with all columns that are needed; never raises for bad input."""
    fallback = Found(None, None, row_error(0, "", "no_header"))
    hidden: list[str] = []
    try:
        for sheet in open_sheets(data, hidden):
            header = find_header(sheet.top(_LOOKED_AT))
            if header and not header.missing:
                return Found(sheet, header, None, sheet.name)
            if header and not fallback.header:
                what = "、".join(header.missing)
                fallback = Found(None, header, row_error(header.row + 1, "", "missing_columns", what=what), sheet.name)
    except WorkbookRefused as refused:
        return Found(None, None, row_error(0, "", refused.code))
    if hidden and not fallback.header:
        return Found(None, None, row_error(0, "", "only_hidden", what=scrub("、".join(hidden))))
    return fallback


def rows_expected(data: bytes) -> int:
    """About how many rows a roster has, to show how far it is read; 0 when it does not say."""
    sheet = find_roster(data).sheet
    return sheet.height() if sheet else 0


def read_roster(found: Found, rules: Rules, prepare: Prepare, *, workers: int = 1) -> Iterator[Part]:
    """Read a roster part by part, in order; one that is refused on the way ends with a part that says so.

    ``prepare`` makes of each sound household what the caller keeps of it. With several ``workers`` it must be
    importable by name, and what it returns must be small: it goes from process to process.
    """
    if found.sheet is None or found.header is None:
        return
    read = partial(_read_block, found.header, rules, prepare)
    try:
        if workers > 1 and isinstance(found.sheet, LongSheet):
            yield from _by_processes(read, found.sheet.blocks(), workers)
        else:
            yield from map(read, found.sheet.blocks())
    except WorkbookRefused as refused:
        yield Part((), (), (), (row_error(0, "", refused.code),), 1, 0)


def _by_processes(read: Callable[[Block], Part], blocks: Iterator[Block], workers: int) -> Iterator[Part]:
    """Only a few blocks are in memory at once."""
    # What a block makes is dropped with it and holds no circles: there is no use in looking for them.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("forkserver"), initializer=gc.disable) as pool:
        waiting: deque[Future[Part]] = deque(pool.submit(read, block) for block in islice(blocks, workers + 1))
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(pool.submit(read, block) for block in islice(blocks, 1))


def _read_block(header: Header, rules: Rules, prepare: Prepare, block: Sheet | Block) -> Part:
    return BlockReader(header, rules, prepare).read(block)


@dataclass
class Seen:
    """What must be seen across all parts: numbers of people and households, and the errors so far."""

    header: Header | None
    errors: list[RowError] = field(default_factory=list)
    error_count: int = 0
    row_count: int = 0
    synthetic_count: int = 0
    row_by_core: dict[str, int] = field(default_factory=dict)
    row_by_number: dict[str, int] = field(default_factory=dict)

    def take(self, part: Part) -> list[Any]:
        """Take note of a part and return its households without those in which somebody stands twice."""
        bad = {place for place in (*self._numbers(part), *self._people(part)) if place >= 0}
        self.errors += part.errors[: MAX_ERRORS - len(self.errors)]
        self.error_count += part.error_count
        self.row_count += part.row_count
        return [household for place, household in enumerate(part.households) if place not in bad]

    def told(self, found: Found) -> tuple[RowError, ...]:
        """All errors by row, at most as many as are told; when there is nothing at all, that."""
        whole = self._whole(found)
        return (whole,) if whole else tuple(sorted(self.errors, key=lambda error: error.row))

    def count(self, found: Found) -> int:
        """How many errors there are in all."""
        return self.error_count or int(self._whole(found) is not None)

    def _whole(self, found: Found) -> RowError | None:
        if found.error:
            return found.error
        return None if self.row_count or self.error_count else row_error(0, "", "no_rows")

    def _people(self, part: Part) -> Iterator[int]:
        for person in part.people:
            self.synthetic_count += person.is_synthetic
            first = self.row_by_core.setdefault(person.core, person.row)
            if first != person.row:
                self._fault(person.row, "id", "id_duplicate", value=person.masked, what=str(first))
                yield person.household

    def _numbers(self, part: Part) -> Iterator[int]:
        for number, row, place in part.numbers:
            first = self.row_by_number.setdefault(number, row)
            if first != row:
                self._fault(row, "number", "household_twice", what=str(first))
                yield place

    def _fault(self, row: int, name: str, code: str, *, value: str = "", what: str = "") -> None:
        self.error_count += 1
        if len(self.errors) < MAX_ERRORS:
            column = self.header.heading(name) if self.header else ""
            self.errors.append(row_error(row, column, code, value=value, what=what))
