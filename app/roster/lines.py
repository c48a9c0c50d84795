"""From rows to lines by field, merged cells filled, and to households as runs of lines."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter

from app.roster.columns import PER_HOUSEHOLD, Header
from app.roster.sheets import Block, Sheet
from app.roster.values import text_of
from app.roster.workbook import Cell

_HEAD = "户主"
_TOTALS = ("合计", "小计", "总计")


@dataclass(frozen=True)
class Line:
    """One row: Excel's 1-based row number and the cell of each known column."""

    row: int
    cells: Mapping[str, Cell]

    def text(self, field: str) -> str:
        return text_of(self.cells.get(field, ""))


def lines(sheet: Sheet | Block, header: Header) -> Iterator[Line]:
    """The lines below the header; blank rows, column numbers, totals and footers are left out."""
    own = {header.columns[name] for name in PER_HOUSEHOLD if name in header.columns}
    fill = _Fill({row: _of(own, spans) for row, spans in sheet.merges().items()})
    known, cells_of = tuple(header.columns), itemgetter(*header.columns.values())  # a header has several columns
    for index, row in sheet.rows():
        if index > header.row:
            fill.apply(index, row)
            line = Line(index + 1, dict(zip(known, cells_of(row), strict=True)))
            if not _is_noise(row, line):
                yield line


def households(source: Iterable[Line]) -> Iterator[list[Line]]:
    """Runs of one 户编号; where it is absent a household starts at its head."""
    group: list[Line] = []
    for line in source:
        if group and _starts_new(group, line):
            yield group
            group = []
        group.append(line)
    if group:
        yield group


def _starts_new(group: list[Line], line: Line) -> bool:
    number, current = line.text("number"), group[0].text("number")
    if number:
        return number != current
    # A number on the first row only holds for the rows below it, up to the next head.
    has_head = any(earlier.text("relation") == _HEAD for earlier in group)
    return line.text("relation") == _HEAD and (has_head or not current)


def _of(own: set[int], spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return [(column, last) for column, last in spans if column in own]


class _Fill:
    """Copies the value of a vertically merged cell down to the rows that it covers."""

    def __init__(self, spans: Mapping[int, list[tuple[int, int]]]) -> None:
        self._spans = spans
        self._open: dict[int, tuple[int, Cell]] = {}

    def apply(self, index: int, row: list[Cell]) -> None:
        for column, (last, value) in list(self._open.items()):
            if index > last:
                del self._open[column]
            elif row[column] == "":
                row[column] = value
        for column, last in self._spans.get(index, ()):
            if column < len(row):
                self._open[column] = (last, row[column])


def _is_noise(row: list[Cell], line: Line) -> bool:
    if any(line.text(field) for field in ("id", "relation")):
        return line.text("name").isdigit() and _is_numbering(row)
    # What is left: blank rows, a total, a footer such as 填表人, or a name with nothing else.
    texts = [str(cell).strip() for cell in row if cell != ""]
    is_total = any(text.startswith(_TOTALS) for text in texts[:2])
    return is_total or not (line.text("name") or line.text("number"))


def _is_numbering(row: list[Cell]) -> bool:
    """The row 1 2 3 4 … that official forms print below the headings."""
    numbers = [text_of(cell) for cell in row if cell != ""]
    return numbers == [str(n) for n in range(1, len(numbers) + 1)]
