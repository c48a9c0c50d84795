"""The sheet of staff: its columns, the reading of its rows, and the same layout out again.

Workbooks are judged and opened by the roster's reader, so that there is one way of reading them; only the columns and
what a row comes to are the staff's own.
"""

import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, TypeVar

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from app.roster import columns, values
from app.roster.columns import Header
from app.roster.lines import Line, lines
from app.roster.marked import WHERE, WHY
from app.roster.messages import scrub
from app.roster.parse import Found
from app.roster.records import RowError
from app.roster.sheets import open_sheets
from app.roster.values import CellError
from app.roster.villages import plain_village
from app.roster.workbook import Cell, WorkbookRefused
from app.services import staff_words
from app.smtp import is_address
from workflows.model import ROLE_LEVELS

MOST_ROWS = 3_000
_LOOKED_AT, _FEWEST = 20, 3
_LONGEST = 64

# Field → headings; the first is the one that the export writes.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "name": ("姓名", "人员姓名", "干部姓名", "name"),
    "username": ("登录账号", "登录名", "用户名", "账号", "帐号", "login", "username"),
    "id": ("身份证号码", "身份证号", "公民身份号码", "居民身份证号码", "证件号码", "idnumber"),
    "role": ("职务", "角色", "系统角色", "岗位", "role", "office"),
    "area_code": ("任职区划代码", "区划代码", "行政区划代码", "areacode"),
    "place": ("任职区域", "任职地", "所在区域", "任职单位所在地", "area"),
    "township": columns.AREA["township"],
    "village": columns.AREA["village"],
    "grid": columns.AREA["grid"],
    "begins": ("任职起始日期", "起始日期", "开始日期", "任职日期", "任职时间", "from"),
    "ends": ("任职截止日期", "截止日期", "结束日期", "任期至", "until"),
    "mail": ("邮箱", "电子邮箱", "邮箱地址", "电子邮件", "e-mail", "email"),
}
EXPORTED = ("name", "username", "id", "role", "area_code", "place", "begins", "ends", "mail")
_FIELD_OF = {heading: name for name, headings in FIELDS.items() for heading in headings}
_MARKS = re.compile(r"^\d+[.、]|[*★※]|\((?:必填|必填项|选填|可选)\)")
_ENDING = re.compile(r"\([^()]*\)$")
_PARTS = re.compile(r"[/>\\、,，\s]+")

T = TypeVar("T")


@dataclass(frozen=True)
class Entry:
    """One row: an account, and an office it is to hold from ``begins`` to before ``ends`` (ISO days, "" for open).

    ``ends`` is None where the sheet has no such column. ``code`` and ``parts`` are the place as typed, in ``column``.
    """

    row: int
    name: str
    username: str
    id_number: str = field(repr=False)
    id_masked: str
    role: str
    code: str
    parts: tuple[str, ...]
    column: str
    begins: str
    ends: str | None
    mail: str = field(repr=False)


@dataclass(frozen=True)
class Sheet:
    """What was read: where, the rows that could be, and what is wrong with the others."""

    found: Found
    entries: tuple[Entry, ...]
    errors: tuple[RowError, ...]
    row_count: int = 0

    @property
    def ignored(self) -> tuple[str, ...]:
        """Headings that are not known."""
        return self.found.header.ignored if self.found.header else ()

    def heading(self, name: str) -> str:
        """Return a column's heading as it stands in the file."""
        header = self.found.header
        return (header.headings.get(name) if header else None) or FIELDS[name][0]


def read_sheet(data: bytes, *, today: date, roles: Mapping[str, str]) -> Sheet:
    """Read a workbook; never raises for bad input. ``roles`` maps what people call a role to its id."""
    found = find_staff(data)
    if found.error or found.sheet is None or found.header is None:
        return Sheet(found, (), (found.error,) if found.error else ())
    reader = _Reader(found.header, today, roles)
    try:
        entries = [reader.entry(line) for line in _lines(found)]
    except WorkbookRefused as refused:
        return Sheet(found, (), (staff_words.of_file(refused.code),))
    errors = reader.errors or ([] if entries else [staff_words.of_file("no_rows")])
    if len(entries) > MOST_ROWS:
        errors = [staff_words.fault(0, "", "too_many_rows", what=str(MOST_ROWS))]
    return Sheet(found, tuple(entry for entry in entries if entry), tuple(errors), len(entries))


# --- where the rows are ---
def find_staff(data: bytes) -> Found:
    """Find the first visible sheet that has the columns of staff."""
    try:
        for sheet in open_sheets(data):
            header = _find_header(sheet.top(_LOOKED_AT))
            if header:
                return Found(sheet, header, None, sheet.name)
    except WorkbookRefused as refused:
        return Found(None, None, staff_words.of_file(refused.code))
    return Found(None, None, staff_words.fault(0, "", "no_staff_header"))


def _find_header(rows: Sequence[Sequence[Cell]]) -> Header | None:
    """The row that holds the most known headings, names and roles among them."""
    known = [{index: name for index, cell in enumerate(row) if (name := field_of(cell))} for row in rows]
    best = max(range(len(rows)), key=lambda index: len(set(known[index].values())), default=None)
    if best is None or len(set(known[best].values())) < _FEWEST or not {"name", "role"} <= set(known[best].values()):
        return None
    places: dict[str, int] = {}
    headings: dict[str, str] = {}
    ignored = []
    for index, cell in enumerate(rows[best]):
        text, name = "".join(str(cell).split()), known[best].get(index)
        if name and name not in places:
            places[name], headings[name] = index, scrub(text)
        elif text and text not in (WHERE, WHY):
            ignored.append(scrub(text))
    # The roster's reader tells rows from footers by a name or number: here a log-in name is a number too.
    alias = {"number": places["username"]} if "username" in places else {}
    return Header(best, {**places, **alias}, headings, tuple(ignored))


def field_of(cell: Cell) -> str | None:
    """Return the field that a heading names; blanks, marks and the width of brackets do not matter."""
    if not isinstance(cell, str):
        return None
    text = _MARKS.sub("", "".join(unicodedata.normalize("NFKC", cell).split()).casefold())
    return _FIELD_OF.get(text) or _FIELD_OF.get(_ENDING.sub("", text))


def _lines(found: Found) -> Iterator[Line]:
    if found.sheet is None or found.header is None:
        return
    for block in found.sheet.blocks():
        for line in lines(block, found.header):
            if block.first < line.row <= block.last:
                yield line


# --- what a row comes to ---
@dataclass
class _Reader:
    header: Header
    today: date
    roles: Mapping[str, str]
    errors: list[RowError] = field(default_factory=list)

    def entry(self, line: Line) -> Entry | None:
        """Read a row; None, with errors noted, when a cell of it is wrong."""
        before = len(self.errors)
        number = self._take(line, "id", self._identity, ("", ""))
        begins, ends = self._take(line, "begins", _iso, ""), self._take(line, "ends", _day_after, "")
        if begins and ends and ends <= begins:
            self._fault(line, "ends", "period_order")
        column = next(
            (name for name in ("area_code", "place", "grid", "village", "township") if line.text(name)), "place"
        )
        is_code = column in ("area_code", "place") and line.text(column).isdigit()
        entry = Entry(
            row=line.row,
            name=self._required(line, "name"),
            username=self._take(line, "username", _short, ""),
            id_number=number[0],
            id_masked=number[1],
            role=self._take(line, "role", self._role, ""),
            code=self._take(line, column, _digits, "") if is_code or column == "area_code" else "",
            parts=() if is_code else self._parts(line, column),
            column=column,
            begins=begins,
            ends=ends if "ends" in line.cells else None,
            mail=self._take(line, "mail", _mail, ""),
        )
        return entry if len(self.errors) == before else None

    def _take(self, line: Line, name: str, parse: Callable[[Cell], T], default: T) -> T:
        if not line.text(name):
            return default
        try:
            return parse(line.cells[name])
        except CellError as error:
            self._fault(line, name, error.code, value=error.value, what=error.what)
            return default

    def _required(self, line: Line, name: str) -> str:
        if not line.text(name):
            self._fault(line, name, "required")
        return self._take(line, name, _name, "")

    def _fault(self, line: Line, name: str, code: str, *, value: str = "", what: str = "") -> None:
        heading = self.header.headings.get(name, FIELDS[name][0])
        self.errors.append(staff_words.fault(line.row, heading, code, value=value, what=what))

    def _identity(self, cell: Cell) -> tuple[str, str]:
        found = values.identity(cell, today=self.today, allow_synthetic=True)
        return found.core, str(found)

    def _role(self, cell: Cell) -> str:
        text = plain_role(values.text_of(cell))
        if text not in self.roles:
            raise CellError("role_unknown", value=scrub(text))
        return self.roles[text]

    def _parts(self, line: Line, column: str) -> tuple[str, ...]:
        """The names of a place, widest first: of one column, or of those of township, village and grid."""
        names = (column,) if column in ("area_code", "place") else ("township", "village", "grid")
        typed = " ".join(self._take(line, name, values.free_text, "") for name in names)
        return tuple(plain_village(part) for part in _PARTS.split(typed) if part)


def plain_role(text: str) -> str:
    """Return what somebody calls a role as it is compared."""
    return "".join(unicodedata.normalize("NFKC", text).split()).casefold()


def _name(cell: Cell) -> str:
    return _bounded(values.name_text(cell))


def _short(cell: Cell) -> str:
    """A log-in name; Excel makes numbers of names such as 13900000000."""
    return _bounded(values.text_of(cell))


def _bounded(text: str) -> str:
    if len(text) > _LONGEST or not text.isprintable():
        raise CellError("text_too_long", value=scrub(text))
    return text


def _digits(cell: Cell) -> str:
    text = values.text_of(cell).lstrip("'").replace(" ", "")
    if not (text.isascii() and text.isdigit() and 6 <= len(text) <= 15):
        raise CellError("area_code", value=scrub(text))
    return text.ljust(12, "0")


def _mail(cell: Cell) -> str:
    text = values.text_of(cell)
    if not is_address(text):
        raise CellError("mail_bad")
    return text


def _iso(cell: Cell) -> str:
    found = values.day(cell)
    return found.isoformat() if found else ""


def _day_after(cell: Cell) -> str:
    """The sheet names the last day, the table the first on which the office no longer holds."""
    found = values.day(cell)
    return (found + timedelta(days=1)).isoformat() if found else ""


def last_day(ends: str) -> str:
    """Return the last day of an office whose exclusive end is given, "" for an open one."""
    return (date.fromisoformat(ends) - timedelta(days=1)).isoformat() if ends else ""


def role_names(labels: Callable[[str, str], Iterable[str]]) -> dict[str, str]:
    """Return what roles are called → their ids; ``labels`` gives all that a role is called in a language."""
    named = {plain_role(name): role for role in ROLE_LEVELS for lang in ("zh", "en") for name in labels(role, lang)}
    usual = {plain_role(name): role for role, names in staff_words.USUAL_ROLES.items() for name in names}
    return {**{role: role for role in ROLE_LEVELS}, **usual, **named}


# --- out again ---
def book_of(rows: Iterable[Sequence[Any]]) -> bytes:
    """Return a workbook of one sheet whose cells are all texts, so that none is a formula and no code loses zeros."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in rows:
        cells = [WriteOnlyCell(sheet, str(value)) for value in row]
        for cell in cells:
            cell.data_type = "s"
        sheet.append(cells)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()
