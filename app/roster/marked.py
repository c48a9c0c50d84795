"""The rows of a roster that hold errors, in its own layout with the reasons beside: to be mended and sent again."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import PatternFill
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from app.roster.parse import Found
from app.roster.records import RowError
from app.roster.workbook import Cell

WRONG = PatternFill("solid", fgColor="FFD9D9")
WHERE, WHY = "原行号", "错误说明"
LIST, ROWS = "错误清单", "出错的行"
COLUMNS = ("行", "列", "内容", "原因", "代码")


def write_marked(path: Path, found: Found, errors: Sequence[RowError], *, language: str = "zh") -> int:
    """Write a workbook: the list of errors, and each wrong row as it came with its wrong cells marked; count the rows.

    The second sheet holds what the roster held, ID numbers too: it is for whoever handed the roster in.
    """
    book = Workbook(write_only=True)
    listed = book.create_sheet(LIST)
    listed.append(COLUMNS)
    for error in errors:
        listed.append([str(error.row or ""), error.column, error.value, _why(error, language), error.code])
    count = _rows(book.create_sheet(ROWS), found, errors, language)
    book.save(path)
    return count


def _why(error: RowError, language: str) -> str:
    return error.message_zh if language == "zh" else error.message_en


def _rows(sheet: Any, found: Found, errors: Sequence[RowError], language: str) -> int:
    if found.sheet is None or found.header is None:
        return 0
    by_row: dict[int, list[RowError]] = {}
    for error in errors:
        by_row.setdefault(error.row, []).append(error)
    column_of = {heading: found.header.columns[name] for name, heading in found.header.headings.items()}
    count, done = 0, -1
    for block in found.sheet.blocks():
        for index, row in block.rows():
            if index <= done:  # blocks overlap
                continue
            done = index
            if index <= found.header.row:
                sheet.append([*map(_text, row), *((WHERE, WHY) if index == found.header.row else ())])
            elif index + 1 in by_row:
                sheet.append(_marked(sheet, row, by_row[index + 1], column_of, index + 1, language))
                count += 1
    return count


def _marked(
    sheet: WriteOnlyWorksheet,
    row: Sequence[Cell],
    errors: Sequence[RowError],
    column_of: Mapping[str, int],
    number: int,
    language: str,
) -> list[Any]:
    cells: list[Any] = [_text(cell) for cell in row]
    for place in {column_of[error.column] for error in errors if error.column in column_of}:
        cells[place] = WriteOnlyCell(sheet, cells[place])
        cells[place].fill = WRONG
    reasons = "；".join(f"{error.column}：{_why(error, language)}" for error in errors)
    return [*cells, number, reasons]


def _text(cell: Cell) -> Any:
    """A cell as it came; a text never becomes a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "@") else cell
