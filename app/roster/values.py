"""Reads one cell: text, code, yes/no, money, date, month, phone, account. Wrong → CellError."""

import re
import unicodedata
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache

from app.idnumber import IdNumber, IdNumberError, is_identity, mask
from app.idnumber import parse as parse_id
from app.roster.codes import NATIONS, NO, RISK, YES, Table
from app.roster.messages import scrub
from app.roster.workbook import Cell
from workflows.characters import hidden

_MAX_TEXT = 200
_MAX_YUAN = Decimal(10) ** 9
_MAX_EXACT = 10**15
_EMPTY = frozenset({"", "/", "\\", "-", "--", "—", "——"})
_USUAL = {"是": True, "否": False, "": None}
_NONE = _EMPTY | {"无", "暂无", "没有"}
_PHONE = re.compile(r"1\d{10}|0\d{9,11}|[2-9]\d{6,7}")
_ACCOUNT = re.compile(r"\d{8,32}")
_DATE = re.compile(r"(\d{4})(?:年|[-/.])(\d{1,2})(?:月|[-/.])(\d{1,2})日?(?:T?00:00:00(?:\.0+)?)?")
_MONTH = re.compile(r"(\d{4})(?:年|[-/.])?(\d{1,2})月?")
_PLAIN_DAY = re.compile(r"(\d{4})(\d\d)(\d\d)")
_BETWEEN = re.compile(r"[,，、;；+/|\s]+")


class CellError(ValueError):
    """A cell is wrong: `code` of `messages`, `value` fit to be shown, `what` for the text."""

    def __init__(self, code: str, *, value: str = "", what: str = "") -> None:
        super().__init__(code)
        self.code, self.value, self.what = code, value, what


def text_of(cell: Cell) -> str:
    """The cell as trimmed text; whole numbers without their ".0". Half-width, one line."""
    if cell == "":
        return ""
    if isinstance(cell, str):
        return _one_line(cell)
    if isinstance(cell, float) and cell.is_integer():
        return f"{cell:.0f}"
    return _one_line(str(cell))


@lru_cache(1 << 15)
def _one_line(text: str) -> str:
    """Half-width and without doubled blanks; the same words stand in most rows of a roster."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def free_text(cell: Cell) -> str:
    """A remark or name as typed, blanks trimmed, at most 200 characters."""
    text = text_of(cell)
    if len(text) > _MAX_TEXT:
        raise CellError("text_too_long", value=scrub(text))
    unseen = hidden(text)
    if unseen:
        raise CellError("hidden_character", value=unseen)
    return "" if text in _EMPTY else text


def household_number(cell: Cell) -> str:
    """The national 户编号 as text; a number cell of 16 digits or more has lost its end.

    A person's identity number is refused here: household numbers are shown on public notices.
    """
    if isinstance(cell, int | float) and abs(cell) >= _MAX_EXACT:
        raise CellError("id_number_cell")
    number = free_text(cell).lstrip("'").replace(" ", "")
    if is_identity(number):
        raise CellError("number_is_id", value=mask(number))
    return number


def name_text(cell: Cell) -> str:
    """A person's name; blanks inside two Chinese characters (张 三) are padding and go."""
    text = free_text(cell)
    return text if text.isascii() else text.replace(" ", "")


def identity(cell: Cell, *, today: date, allow_synthetic: bool) -> IdNumber:
    """The identity number of a cell; the error shows it masked."""
    raw = cell if isinstance(cell, str | int | float) else str(cell)
    try:
        return parse_id(raw, today=today, allow_synthetic=allow_synthetic)
    except IdNumberError as error:
        shown = "" if error.code == "id_number_cell" else mask(text_of(cell))
        raise CellError(error.code, value=shown) from None


def code(cell: Cell, table: Table) -> str:
    """The id of a label in a code table; "" for an empty cell."""
    if isinstance(cell, str) and cell in table:
        return table[cell]
    text = text_of(cell).replace(" ", "")
    if text in _EMPTY:
        return ""
    if text not in table:
        raise CellError("bad_code", value=scrub(text), what=scrub(text))
    return table[text]


def codes(cell: Cell, table: Table) -> tuple[str, ...]:
    """Several labels in one cell (残疾，长期慢性病) as ids, each once, in order."""
    pieces = _BETWEEN.split(text_of(cell))
    return tuple(dict.fromkeys(found for piece in pieces if (found := code(piece, table))))


def risk(cell: Cell) -> str:
    """A risk's id; 无 means none."""
    return "" if text_of(cell) in _NONE else code(cell, RISK)


def nation(cell: Cell) -> str:
    """The nation with its 族; "" for an empty cell."""
    if isinstance(cell, str) and cell in NATIONS:
        return cell
    text = text_of(cell).replace(" ", "")
    if text in _EMPTY:
        return ""
    for form in (text, text + "族"):
        if form in NATIONS:
            return form
    raise CellError("bad_code", value=scrub(text), what=scrub(text))


def flag(cell: Cell) -> bool | None:
    """Yes, no, or None for an empty cell."""
    if isinstance(cell, bool):
        return cell
    if isinstance(cell, str) and cell in _USUAL:
        return _USUAL[cell]
    text = text_of(cell).lower()
    if text in _EMPTY:
        return None
    if text not in YES | NO:
        raise CellError("bad_flag", value=scrub(text))
    return text in YES


def benefit(cell: Cell) -> bool | None:
    """Whether a benefit is drawn: any kind named means yes."""
    text = text_of(cell).lower()
    return None if text in _EMPTY else text not in NO


def fen(cell: Cell, *, may_be_negative: bool = False) -> int | None:
    """Yuan as typed (1,234.50, ￥800, 650元) in whole fen, half up; None for an empty cell."""
    if type(cell) is float and 0 <= cell <= _MAX_YUAN and cell.is_integer():
        return int(cell) * 100
    text = text_of(cell).replace(",", "").replace(" ", "").lstrip("¥").removesuffix("元")
    if text in _EMPTY:
        return None
    try:
        yuan = Decimal(text)
    except InvalidOperation:
        raise CellError("money_bad", value=scrub(text)) from None
    if not yuan.is_finite() or abs(yuan) > _MAX_YUAN:
        raise CellError("money_bad", value=scrub(text))
    if yuan < 0 and not may_be_negative:
        raise CellError("money_negative", value=scrub(text))
    return int((yuan * 100).to_integral_value(ROUND_HALF_UP))


def day(cell: Cell) -> date | None:
    """A date cell, 19850131, 1985-01-31, 1985/1/31, 1985年1月31日; None for an empty cell.

    The error shows the year only: with the masked number a birth date would complete it.
    """
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    text = text_of(cell).replace(" ", "")
    if text in _EMPTY:
        return None
    found = _DATE.fullmatch(text) or _PLAIN_DAY.fullmatch(text)
    try:
        return date(int(found[1]), int(found[2]), int(found[3])) if found else _no_day(text)
    except ValueError:
        raise CellError("bad_date", value=_year(text)) from None


def month(cell: Cell) -> str:
    """A month (202406, 2024-06, a date cell) as YYYYMM; "" for an empty cell."""
    if isinstance(cell, date):
        return f"{cell:%Y%m}"
    text = text_of(cell).replace(" ", "")
    if text in _EMPTY:
        return ""
    found = _MONTH.fullmatch(text)
    if not found or not 1 <= int(found[2]) <= 12:
        raise CellError("bad_month", value=scrub(text))
    return f"{found[1]}{int(found[2]):02d}"


def month_or_day(cell: Cell) -> str:
    """A month as YYYYMM or, where the day is known, YYYYMMDD; "" for an empty cell."""
    if isinstance(cell, date):
        return f"{cell:%Y%m%d}"
    try:
        return month(cell)
    except CellError:
        found = _DATE.fullmatch(text_of(cell).replace(" ", "")) or _PLAIN_DAY.fullmatch(text_of(cell))
        if not found:
            raise
        return f"{day(cell):%Y%m%d}"


def months(cell: Cell) -> int | None:
    """Months of work in a year, 0 to 12; None for an empty cell."""
    text = text_of(cell).removesuffix("个月").removesuffix("月")
    if text in _EMPTY:
        return None
    if not (text.isascii() and text.isdigit() and int(text[:3]) <= 12):
        raise CellError("months_bad", value=scrub(text))
    return int(text)


def phone(cell: Cell) -> str:
    """Digits of a mobile or landline number; "" when empty or 无."""
    text = re.sub(r"[\s()-]", "", text_of(cell))
    if text in _NONE:
        return ""
    text = text.removeprefix("+86")
    if not (text.isascii() and _PHONE.fullmatch(text)):
        raise CellError("phone_bad", value=mask(text))
    return text


def account(cell: Cell) -> str:
    """Digits of a bank account; a number cell of 16 digits or more has lost its end."""
    if isinstance(cell, int | float) and abs(cell) >= _MAX_EXACT:
        raise CellError("id_number_cell")
    text = re.sub(r"[\s'-]", "", text_of(cell))
    if text in _NONE:
        return ""
    if not (text.isascii() and _ACCOUNT.fullmatch(text)):
        raise CellError("account_bad", value=text[:2] + "*" * max(len(text[:20]) - 2, 0))
    return text


def _no_day(text: str) -> date:
    raise CellError("bad_date", value=_year(text))


def _year(text: str) -> str:
    return text[:4] + "…" if text[:4].isdigit() else ""
