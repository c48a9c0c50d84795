"""A whole county's roster as a workbook, written fast: the national layout, everybody in it made up."""

import zipfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

from openpyxl.utils import get_column_letter

from app.idnumber import make_synthetic
from app.roster.sample import HEADINGS, PLACES

TYPES = (
    '<?xml version="1.0" encoding="UTF-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
)
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
LINKS = (
    '<?xml version="1.0" encoding="UTF-8"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/'
    'relationships"><Relationship Id="rId1" Type="{kind}" Target="{target}"/></Relationships>'
)
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
BOOK = (
    f'<?xml version="1.0" encoding="UTF-8"?><workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>'
    '<sheet name="家庭及成员信息" sheetId="1" r:id="rId1"/></sheets></workbook>'
)
FIRST_BIRTH = date(1940, 1, 1)
SERIALS = 490
RELATIONS = ("户主", "配偶", "之子", "之女", "之母")
SIZES = (3, 5, 2, 4, 2)  # 3.2 people a household
COLUMNS = [get_column_letter(n) for n in range(1, len(HEADINGS) + 1)]


def write_roster(path: Path, households: int, county: str = "500241") -> int:
    """Write a roster of ``households`` households and return how many people are in it."""
    count = 0
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("[Content_Types].xml", TYPES)
        archive.writestr("_rels/.rels", LINKS.format(kind=f"{OFFICE}/officeDocument", target="xl/workbook.xml"))
        target = LINKS.format(kind=f"{OFFICE}/worksheet", target="worksheets/sheet1.xml")
        archive.writestr("xl/_rels/workbook.xml.rels", target)
        archive.writestr("xl/workbook.xml", BOOK)
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(f'<worksheet xmlns="{MAIN}"><sheetData>'.encode())
            sheet.write(_row(1, list(HEADINGS)))
            for line, cells in enumerate(_people(households, county), start=2):
                sheet.write(_row(line, cells))
                count += 1
            sheet.write(b"</sheetData></worksheet>")
    return count


def _row(line: int, cells: list[object]) -> bytes:
    body = "".join(
        f'<c r="{column}{line}"><v>{cell}</v></c>'
        if isinstance(cell, int)
        else f'<c r="{column}{line}" t="str"><v>{escape(str(cell))}</v></c>'
        for column, cell in zip(COLUMNS, cells, strict=True)
        if cell != ""
    )
    return f'<row r="{line}">{body}</row>'.encode()


def _people(households: int, county: str) -> Iterator[list[object]]:
    place = PLACES[county]
    serial = 0
    for n in range(households):
        town, village, _ = place.villages[n % len(place.villages)]
        size = SIZES[n % len(SIZES)]
        shared: dict[str, object] = {
            "省": "重庆市", "市": "县", "县": place.county, "乡": town, "村": village, "组": f"{n % 8 + 1}组",
            "*户编号": f"9999{n:010d}", "户类型": "一般农户", "户联系电话": f"100{n:08d}", "开户银行": "测试银行",
            "银行卡号": f"999999{n:010d}", "整户无劳动能力兜底保障户": "否", "是否危房户": "否",
            "是否解决安全饮用水": "是", "工资性收入\n（元）": 18_000 + n % 9_000, "生产经营性收入\n（元）": 3_000,
            "财产性收入\n（元）": 120, "转移性收入\n（元）": 2_400, "生产经营性支出\n（元）": 800,
            "家庭纯收入\n（元）": 22_720 + n % 9_000, "人均纯收入\n（元）": (22_720 + n % 9_000) // size,
        }  # fmt: skip
        for k in range(size):
            birth = FIRST_BIRTH + timedelta(days=serial // SERIALS)
            sex = "female" if k % 2 else "male"
            cells: dict[str, object] = {
                **shared, "序号": n + 1, "*姓名": f"测试{n % 97}户{k + 1}", "性别": "女" if k % 2 else "男",
                "出生日期": f"{birth:%Y%m%d}", "证件类型": "居民身份证",
                "*证件号码": make_synthetic(birth, serial % SERIALS, sex=sex), "民族": place.nation,
                "*与户主关系": RELATIONS[k], "政治面貌": "群众", "文化程度": "初中", "健康状况": "健康",
                "劳动技能": "普通劳动力", "务工所在地": "" if k else "重庆市", "务工时间（月）": "" if k else 9,
                "是否参加城乡居民基本医疗保险": "是", "是否参加大病保险": "是", "是否享受低保": "否",
            }  # fmt: skip
            serial += 1
            yield [cells.get(heading, "") for heading in HEADINGS]
