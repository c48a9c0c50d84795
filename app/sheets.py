"""Tables as people open them: .xlsx or .csv, in which no text becomes a formula."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from openpyxl import Workbook

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

Cell = str | float | int


def write_rows(path: Path, rows: Iterable[Sequence[Cell]]) -> int:
    """Write a table as .xlsx or .csv (UTF-8 with a mark, as Excel wants it); return how many rows."""
    if path.suffix.lower() == ".csv":
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            return sum(1 for row in rows if writer.writerow([harmless(cell) for cell in row]))
    book, count = _book(rows)
    book.save(path)
    return count


def workbook_of(rows: Iterable[Sequence[Cell]]) -> bytes:
    """Return a table as the bytes of an .xlsx."""
    packed = io.BytesIO()
    _book(rows)[0].save(packed)
    return packed.getvalue()


def csv_of(rows: Iterable[Sequence[Cell]]) -> bytes:
    """Return a table as the bytes of a .csv (UTF-8 with a mark, as Excel wants it)."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([harmless(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def _book(rows: Iterable[Sequence[Cell]]) -> tuple[Workbook, int]:
    book, count = Workbook(write_only=True), 0
    sheet = book.create_sheet()
    for row in rows:
        sheet.append([harmless(cell) for cell in row])
        count += 1
    return book, count


def harmless(cell: Cell) -> Cell:
    """Return what a spreadsheet does not take for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t") else cell
