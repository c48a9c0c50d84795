"""Workbooks for the roster tests: rows by heading, hostile archives, changed parts."""

import io
import struct
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import date

from openpyxl import Workbook

from app.idnumber import make_synthetic
from app.roster import Roster, parse_roster

TODAY = date(2026, 11, 22)
VILLAGE = "500241103204"
VILLAGES = {
    "重庆市/秀山土家族苗族自治县/隘口镇/平所村村民委员会": VILLAGE,
    "重庆市/秀山土家族苗族自治县/隘口镇/新院村村民委员会": "500241103205",
    "重庆市/秀山土家族苗族自治县/石耶镇/平所村村民委员会": "500241111299",
    VILLAGE: VILLAGE,
}
SHEET = "xl/worksheets/sheet1.xml"
Row = Mapping[str, object]

BIRTH = date(1970, 5, 6)
HEAD: dict[str, object] = {
    "乡": "隘口镇",
    "村": "平所村",
    "户编号": "H1",
    "姓名": "测试甲",
    "性别": "男",
    "证件号码": make_synthetic(BIRTH, 1, sex="male"),
    "与户主关系": "户主",
}
WIFE: dict[str, object] = {
    **HEAD,
    "姓名": "测试乙",
    "性别": "女",
    "证件号码": make_synthetic(BIRTH, 2, sex="female"),
    "与户主关系": "配偶",
}
SON: dict[str, object] = {
    **HEAD,
    "姓名": "测试丙",
    "证件号码": make_synthetic(BIRTH, 3, sex="male"),
    "与户主关系": "之子",
}


def saved(book: Workbook) -> bytes:
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def book(rows: Sequence[Row], *, above: Sequence[Sequence[object]] = ()) -> bytes:
    """One sheet: the rows `above`, the headings of all `rows` in order of appearance, the rows."""
    headings = list(dict.fromkeys(heading for row in rows for heading in row))
    made = Workbook()
    for line in above:
        made.worksheets[0].append(list(line))
    made.worksheets[0].append(headings)
    for row in rows:
        made.worksheets[0].append([row.get(heading) for heading in headings])
    return saved(made)


def read(data: bytes, *, allow_synthetic: bool = True) -> Roster:
    return parse_roster(data, known_villages=VILLAGES, today=TODAY, allow_synthetic=allow_synthetic)


def codes_of(data: bytes) -> list[str]:
    return [error.code for error in read(data).errors]


def changed(data: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """The workbook with one part changed."""
    return repacked(data, {name: change})


def repacked(
    data: bytes,
    changes: Mapping[str, Callable[[bytes], bytes]] | None = None,
    added: Mapping[str, bytes] | None = None,
) -> bytes:
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as source,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            part = source.read(name)
            target.writestr(name, (changes or {}).get(name, bytes)(part))
        for name, part in (added or {}).items():
            target.writestr(name, part)
    return packed.getvalue()


def sheet_of(cells: str) -> bytes:
    """A workbook whose sheet holds the given XML within sheetData."""
    head = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    xml = f"{head}<sheetData>{cells}</sheetData></worksheet>".encode()
    return changed(book([HEAD]), SHEET, lambda _: xml)


def with_false_size(data: bytes, name: str, size: int) -> bytes:
    """The central directory tells another unpacked size for one entry."""
    at = data.index(b"PK\x01\x02")
    while True:
        length = struct.unpack_from("<H", data, at + 28)[0]
        if data[at + 46 : at + 46 + length] == name.encode():
            return data[: at + 24] + struct.pack("<I", size) + data[at + 28 :]
        at = data.index(b"PK\x01\x02", at + 46)
