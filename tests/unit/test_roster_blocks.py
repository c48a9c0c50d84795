"""A long sheet read in blocks says just what it says when it is read at once, in one process and in several."""

import io
import re
from datetime import date
from typing import Any

import pytest
from openpyxl import Workbook

from app.idnumber import make_synthetic
from app.roster import sheets, workbook
from app.roster.block import Part, Rules
from app.roster.parse import Seen, find_roster, read_roster
from app.roster.records import HouseholdRow
from app.roster.sheets import LongSheet
from app.roster.villages import Villages
from tests.unit.roster_books import BIRTH, HEAD, SHEET, TODAY, VILLAGES, changed, saved

RULES = Rules(Villages(VILLAGES), TODAY)
RELATIONS = ("户主", "配偶", "之子", "之女")


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every sheet is long, and a block has seven rows of its own and five of each neighbour."""
    monkeypatch.setattr(workbook, "LONG_SHEET", 0)
    monkeypatch.setattr(sheets, "BLOCK_ROWS", 7)
    monkeypatch.setattr(sheets, "OVERLAP", 5)


def rows(count: int, *, merged: bool = False) -> bytes:
    """Households of one to four people, some with mistakes: a wrong number, a person and a number that stand twice."""
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.append(["花名册"])
    sheet.append(list(HEAD))
    line, serial = 3, 0
    for n in range(count):
        size = n % 4 + 1
        for k in range(size):
            serial += 1
            number = make_synthetic(date(1970 + serial // 400, 5, 6), serial % 400, sex="male")
            number = make_synthetic(BIRTH, 7, sex="male") if n in (9, 30) and k == 0 else number
            number = "1" if n == 21 and k == 0 else number
            name = "H3" if n == 33 else f"H{n}"
            shown = name if k == 0 or not merged else None
            sheet.append(["隘口镇", "平所村", shown, f"测试{n}{k}", "男", number, RELATIONS[k]])
        if merged and size > 1:
            sheet.merge_cells(start_row=line, end_row=line + size - 1, start_column=3, end_column=3)
        line += size
    return saved(book)


def whole(household: HouseholdRow) -> HouseholdRow:
    """A household as it was read."""
    return household


def read(data: bytes, *, workers: int = 1) -> tuple[list[Any], Any, int, int]:
    """Households, errors, rows and the number of parts."""
    found = find_roster(data)
    seen = Seen(found.header)
    parts: list[Part] = list(read_roster(found, RULES, whole, workers=workers))
    kept = [household for part in parts for household in seen.take(part)]
    return kept, seen.told(found), seen.row_count, len(parts)


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize("count", [1, 3, 8, 40])
def test_blocks_say_the_same(count: int, merged: bool, request: pytest.FixtureRequest) -> None:
    data = rows(count, merged=merged)
    at_once = read(data)
    request.getfixturevalue("small_blocks")
    in_blocks = read(data)
    assert in_blocks[:3] == at_once[:3]
    assert (at_once[3], in_blocks[3] > 1) == (1, count > 3)
    assert len(at_once[1]) == (4 if count == 40 else 0)


def test_several_processes_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    data = rows(40)
    at_once = read(data)
    monkeypatch.setattr(workbook, "LONG_SHEET", 0)
    assert read(data, workers=2)[:3] == at_once[:3]


def test_a_cell_merged_over_several_households_holds_for_all(small_blocks: None) -> None:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.append(list(HEAD))
    for n in range(4):
        number = make_synthetic(BIRTH, n, sex="male")
        sheet.append(
            ["隘口镇" if n == 0 else None, "平所村" if n == 0 else None, f"H{n}", "测试甲", "男", number, "户主"]
        )
    for column in (1, 2):
        sheet.merge_cells(start_row=2, end_row=5, start_column=column, end_column=column)
    kept, errors, _, _ = read(saved(book))
    assert (len(kept), errors) == (4, ())


def test_rows_without_number_or_out_of_order_are_refused(small_blocks: None) -> None:
    data = rows(20)
    for change in (
        lambda xml: re.sub(rb'<row r="20"', b'<row r="2"', xml),
        lambda xml: re.sub(rb'<row r="20"', b"<row", xml),
        lambda xml: xml.replace(b'<row r="20"', b'<x:row r="20"'),
    ):
        _, errors, _, _ = read(changed(data, SHEET, change))
        assert [error.code for error in errors] == ["file_form"]


def test_a_cell_far_off_or_a_doctype_in_a_long_sheet_is_refused(small_blocks: None) -> None:
    data = rows(20)
    far = changed(data, SHEET, lambda xml: xml.replace(b'<c r="A20"', b'<c r="XFD999999"'))
    assert [error.code for error in read(far)[1]] == ["file_columns"]
    told = changed(data, SHEET, lambda xml: xml.replace(b"</sheetData>", b"</sheetData><!DOCTYPE x>"))
    assert [error.code for error in read(told)[1]] == ["file_dtd"]


@pytest.mark.parametrize(
    ("cell", "count"),
    [
        (b'<c r="A12"/>', 2),
        (b'<c r="KN12" s="3" t="str"><v>1</v></c>', 2),
        (b'<c r="A112"/>', 0),  # ends like the row's number
        (b'<c r="A13"/>', 0),
        (b'<c r="KO12"/>', 0),  # column 301
        (b'<c r="A12" r="XFD12"/>', 0),
        (b'<c r="A12"r="XFD12"/>', 0),
        (b"<c r='XFD12'/>", 0),
        (b'<c\tr="XFD12"/>', 0),
        (b'<x:c r="XFD12"/>', 0),
        (b'<c r="12"/>', 0),
        (b"<c/>", 0),
    ],
)
def test_only_plain_rows_are_judged_by_their_own_number(cell: bytes, count: int) -> None:
    """What is not plain is judged cell by cell, as in a short sheet."""
    rows = [(11, b'<row r="12"><c r="B12"><v>12</v></c>' + cell + b"</row>")]
    assert workbook._count_plain(b"<sheetData>" + rows[0][1] + b"</sheetData>", rows) == count


def test_rows_too_far_apart_are_not_judged_by_their_number() -> None:
    far = workbook.MAX_CELLS // workbook.MAX_COLUMNS
    for last, count in ((far - 1, 2), (far, 0)):
        rows = [(at, b'<row r="%d"><c r="A%d"/></row>' % (at + 1, at + 1)) for at in (0, last)]
        assert workbook._count_plain(b"".join(text for _, text in rows), rows) == count


def test_only_long_sheets_are_cut() -> None:
    assert not isinstance(find_roster(rows(3)).sheet, LongSheet)
    assert io.BytesIO(rows(3)).getbuffer().nbytes < workbook.LONG_SHEET
