"""The sheets of a judged workbook, as calamine reads them: a short one whole, a long one in blocks of its rows.

Each block is a small workbook, so that memory stays small and processes share the work. A household must lie whole
in one block, so each shows some rows of its neighbours; ``first`` and ``last`` say which rows are its own: a household
belongs to the block in which it begins.
"""

import io
import re
import xml.etree.ElementTree as ET
import zipfile
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeAlias

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from app.roster.workbook import (
    MAX_ROWS,
    Cell,
    Texts,
    WorkbookRefused,
    column_number,
    ensure_cells,
    ensure_plain_xml,
    pack,
    read_parts,
    texts_of,
)

BLOCK_ROWS = 16_000
OVERLAP = 200
_MAX_SHEETS = 20
_WINDOW = 4 << 20
_BEGIN, _END = b"<sheetData>", b"</sheetData>"
EMPTY_SHEET = (
    b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData></sheetData></worksheet>'
)
_LONGEST_HEAD = 1 << 20
_ROW = re.compile(rb'<row r="(\d{1,7})"')
_DIMENSION = re.compile(rb'<dimension ref="[A-Z]{1,3}\d{1,7}:[A-Z]{1,3}(\d{1,7})"')
_MERGE = re.compile(rb'<mergeCell ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')

_TARGET = re.compile(r"/?(?:xl/)?(worksheets/[^/]+\.xml)")

Row = tuple[int, bytes]
Numbers: TypeAlias = "array[int]"


@dataclass(frozen=True)
class Sheet:
    """A short sheet, its one block."""

    name: str
    source: CalamineSheet
    first: int = 0
    last: int = MAX_ROWS + 1

    def rows(self) -> Iterator[tuple[int, list[Cell]]]:
        """Rows with their index, from Excel's row 1 and column A on ("" is an empty cell)."""
        if self.source.start is None:
            return
        # calamine gives the empty rows above the first cell, but not the columns left of it.
        left: list[Cell] = [""] * self.source.start[1]
        for index, row in enumerate(self.source.iter_rows()):
            yield index, left + row

    def height(self) -> int:
        """How many rows there are."""
        return self.source.total_height

    def top(self, count: int) -> list[list[Cell]]:
        """The first rows, blank ones included."""
        return [row for _, row in islice(self.rows(), count)]

    def merges(self) -> Mapping[int, list[tuple[int, int]]]:
        """(column, last row) by first row, of cells merged downwards in one column."""
        found: dict[int, list[tuple[int, int]]] = {}
        for (top, left), (bottom, right) in self.source.merged_cell_ranges or ():
            if left == right and bottom > top:
                found.setdefault(top, []).append((left, bottom))
        return found

    def blocks(self) -> Iterator["Sheet"]:
        """The sheet itself."""
        yield self


def open_sheets(data: bytes, hidden: list[str] | None = None) -> Iterator["Sheet | LongSheet"]:
    """The visible work sheets of an .xlsx, one after the other; raises WorkbookRefused.

    The names of the others are added to ``hidden`` on the way: what nobody sees is not read.
    """
    parts, long = read_parts(data)
    texts = texts_of(parts)
    for text in parts.values():
        ensure_cells(text, texts)
    parts |= dict.fromkeys(long, EMPTY_SHEET)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(pack(parts)))
        part_of = _parts_by_sheet(parts) if long else {}
        for meta in book.sheets_metadata[:_MAX_SHEETS]:
            is_seen = meta.visible == SheetVisibleEnum.Visible
            if hidden is not None and not is_seen:
                hidden.append(meta.name)
            if is_seen and meta.typ == SheetTypeEnum.WorkSheet:
                part = part_of.get(meta.name, "")
                is_long = part in long
                yield LongSheet(meta.name, part, data, parts, texts) if is_long else _short(book, meta.name)
    except CalamineError:
        raise WorkbookRefused("file_broken") from None


def _short(book: CalamineWorkbook, name: str) -> Sheet:
    return Sheet(name, book.get_sheet_by_name(name))


def _parts_by_sheet(parts: Mapping[str, bytes]) -> dict[str, str]:
    """The part that holds each sheet, by the sheet's name."""
    try:
        # No entity can get here: a DTD was refused.
        links = ET.fromstring(parts["xl/_rels/workbook.xml.rels"])  # noqa: S314
        book = ET.fromstring(parts["xl/workbook.xml"])  # noqa: S314
    except (ET.ParseError, KeyError):
        raise WorkbookRefused("file_broken") from None
    targets = {link.get("Id"): _TARGET.fullmatch(link.get("Target", "")) for link in links}
    found: dict[str, str] = {}
    for element in book.iter():
        number = next((value for key, value in element.attrib.items() if key.endswith("}id")), None)
        target = targets.get(number) if number else None
        if target:
            found[element.get("name", "")] = f"xl/{target[1]}"
    return found


@dataclass(frozen=True)
class Block:
    """Rows of a sheet as a workbook; ``merges`` holds (column, first row, last row), all from 0."""

    first: int
    last: int
    sheet: str
    data: bytes = field(repr=False)
    spans: tuple[tuple[int, int, int], ...] = field(repr=False, default=())

    def rows(self) -> Iterator[tuple[int, list[Cell]]]:
        """Each row with its index in the sheet."""
        try:
            source = CalamineWorkbook.from_filelike(io.BytesIO(self.data)).get_sheet_by_name(self.sheet)
        except CalamineError:
            raise WorkbookRefused("file_broken") from None
        if source.start is None:
            return
        top, left = source.start
        for index, row in enumerate(source.to_python(skip_empty_area=True), start=top):
            yield index, [""] * left + row

    def merges(self) -> Mapping[int, list[tuple[int, int]]]:
        """(column, last row) by first row."""
        found: dict[int, list[tuple[int, int]]] = {}
        for column, top, bottom in self.spans:
            found.setdefault(top, []).append((column, bottom))
        return found


@dataclass(frozen=True)
class LongSheet:
    """A sheet that is unpacked bit by bit; ``parts`` is the rest of its workbook, every sheet in it empty."""

    name: str
    part: str
    archive: bytes = field(repr=False)
    parts: Mapping[str, bytes] = field(repr=False)
    texts: Texts = field(repr=False)

    def height(self) -> int:
        """How many rows the sheet's head says that there are, 0 when it does not; never more than may be read."""
        said = _DIMENSION.search(self._open()[0])
        return min(int(said[1]), MAX_ROWS) if said else 0

    def top(self, count: int) -> list[list[Cell]]:
        """The first rows, blank ones included."""
        block = next(self._blocks(count, {}), None)
        found: list[list[Cell]] = [[] for _ in range(count)]
        for index, row in block.rows() if block else ():
            if index < count:
                found[index] = row
        return found

    def blocks(self) -> Iterator[Block]:
        """All blocks in order; raises WorkbookRefused."""
        return self._blocks(BLOCK_ROWS, self._merges_by_block())

    def _blocks(self, size: int, merges: Mapping[int, Numbers]) -> Iterator[Block]:
        head, rows = self._open()
        before: list[Row] = []
        pending: list[Row] = []
        for row in rows:
            pending.append(row)
            if len(pending) == size + OVERLAP:
                yield self._block(head, before, pending, size, merges)
                before, pending = pending[max(size - OVERLAP, 0) : size], pending[size:]
        if pending:
            yield self._block(head, before, pending, len(pending), merges)

    def _block(
        self, head: bytes, before: list[Row], pending: list[Row], size: int, merges: Mapping[int, Numbers]
    ) -> Block:
        rows = [*before, *pending]
        part = b"".join((head, *(text for _, text in rows), _END, b"</worksheet>"))
        ensure_cells(part, self.texts, rows)
        first = pending[0][0]
        last = pending[size][0] if size < len(pending) else MAX_ROWS + 1
        low, high = (before or pending)[0][0], pending[-1][0]
        return Block(first, last, self.name, pack({**self.parts, self.part: part}), _spans(merges, low, high))

    def _open(self) -> tuple[bytes, Iterator[Row]]:
        """The head of the sheet, and its rows one by one."""
        windows = self._windows()
        head = b""
        while _BEGIN not in head:
            window = next(windows, b"")
            head += window
            if not window or len(head) > _LONGEST_HEAD + _WINDOW:
                raise WorkbookRefused("file_form")
        start, _, rest = head.partition(_BEGIN)
        return start + _BEGIN, _rows(rest, windows)

    def _windows(self, *, is_checked: bool = True) -> Iterator[bytes]:
        """The sheet's text bit by bit; what it may not hold is looked for across the seams too."""
        with zipfile.ZipFile(io.BytesIO(self.archive)) as archive, archive.open(self.part) as source:
            seam = b""
            while window := source.read(_WINDOW):
                if is_checked:
                    ensure_plain_xml(seam + window)
                seam = window[-1:]
                yield window

    def _merges_by_block(self) -> dict[int, Numbers]:
        """Merged cells of one column by thousands of rows: three numbers each (column, first row, last row)."""
        found: dict[int, Numbers] = {}
        carry, is_tail = b"", False
        for window in self._windows(is_checked=False):  # those with rows are when these are read
            text = carry + window
            at = 0 if is_tail else text.find(_END)
            is_tail = at >= 0
            if is_tail:
                ensure_plain_xml(text)
            cut = text.rfind(b"<") if is_tail else max(len(text) - len(_END), 0)
            if is_tail:
                _collect(text[at:cut], found)
            carry = text[cut:]
        _collect(carry, found)
        return found


def _rows(rest: bytes, windows: Iterator[bytes]) -> Iterator[Row]:
    """Cut a sheet's text before each row; the numbers of rows must rise."""
    text, last, is_end = rest, -1, False
    while not is_end:
        at = text.find(_END)
        is_end = at >= 0
        text = text[:at] if is_end else text
        whole = text.rfind(b">") + 1
        starts = [(found.start(), int(found[1]) - 1) for found in _ROW.finditer(text, 0, whole)]
        if len(starts) < text.count(b"<row", 0, whole) or b":row" in text:
            raise WorkbookRefused("file_form")
        ends = [start for start, _ in starts[1:]] + ([len(text)] if is_end else [])
        for (start, number), end in zip(starts, ends, strict=False):
            if not last < number < MAX_ROWS:
                raise WorkbookRefused("file_rows" if number >= MAX_ROWS else "file_form")
            last = number
            yield number, text[start:end]
        if not is_end:
            window = next(windows, b"")
            if not window:
                raise WorkbookRefused("file_broken")
            text = (text[starts[-1][0] :] if starts else text) + window


def _collect(text: bytes, found: dict[int, Numbers]) -> None:
    for left, top, right, bottom in _MERGE.findall(text):
        if left == right and bottom != top:
            first = int(top) - 1
            numbers = (column_number(left) - 1, first, int(bottom) - 1)
            found.setdefault(first // 1_000, array("I")).extend(numbers)


def _spans(merges: Mapping[int, Numbers], low: int, high: int) -> tuple[tuple[int, int, int], ...]:
    """The merged cells that begin in some rows."""
    found = []
    for key in range(low // 1_000, high // 1_000 + 1):
        numbers = merges.get(key, ())
        found += [
            (numbers[i], numbers[i + 1], numbers[i + 2])
            for i in range(0, len(numbers), 3)
            if low <= numbers[i + 1] <= high
        ]
    return tuple(found)
