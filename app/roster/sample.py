"""Writes sample rosters in the national layout: real villages, people visibly made up.

Same call, same bytes: no clock and no chance in it.
"""

import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from app.idnumber import make_synthetic

Value = str | int | float

HOUSEHOLDS_PER_VILLAGE = 20
HEADER_ROW = 4
_PAST = (2026, 1, 1, 0, 0, 0)
_STEMS, _BRANCHES = "甲乙丙丁戊己庚辛壬癸", "子丑寅卯辰巳午未申酉戌亥"
_ORDINALS = "一二三四五六"


@dataclass(frozen=True)
class Place:
    """A county and villages of it: (township, village, 12-digit code), names of the bureau."""

    county: str
    nation: str
    villages: tuple[tuple[str, str, str], ...]


#: National Bureau of Statistics, codes as of 2023-06-30.
PLACES: Mapping[str, Place] = MappingProxyType(
    {
        "500241": Place(
            "秀山土家族苗族自治县",
            "土家族",
            (
                ("隘口镇", "平所村村民委员会", "500241103204"),
                ("隘口镇", "新院村村民委员会", "500241103205"),
                ("石耶镇", "平邑村村民委员会", "500241111200"),
            ),
        ),
        "500230": Place(
            "丰都县",
            "汉族",
            (
                ("龙河镇", "毛天坝村村民委员会", "500230113200"),
                ("龙河镇", "金子庙村村民委员会", "500230113201"),
                ("龙河镇", "皮家场村村民委员会", "500230113202"),
            ),
        ),
    }
)

_AREA = ("省", "市", "县", "乡", "村", "组")
_HOUSEHOLD = (
    *("*户编号", "户类型", "监测对象类别", "识别监测时间", "户联系电话", "开户银行", "银行卡号"),
    *("致贫/返贫风险1", "致贫/返贫风险2", "整户无劳动能力兜底保障户", "是否危房户"),
    *("是否解决安全饮用水", "工资性收入\n（元）", "生产经营性收入\n（元）"),
    *("财产性收入\n（元）", "转移性收入\n（元）", "生产经营性支出\n（元）"),
    *("家庭纯收入\n（元）", "人均纯收入\n（元）"),
)
_MEMBER = (
    *("*姓名", "性别", "出生日期", "证件类型", "*证件号码", "民族", "*与户主关系", "政治面貌"),
    *("文化程度", "在校生状况", "健康状况", "劳动技能", "务工所在地", "务工时间（月）"),
    *("是否参加城乡居民基本医疗保险", "是否参加大病保险", "是否享受低保"),
)
HEADINGS = ("序号", *_AREA, *_HOUSEHOLD, *_MEMBER, "备注")
_SHARED_COLUMNS = range(2, 2 + len(_AREA) + len(_HOUSEHOLD))


@dataclass(frozen=True)
class _Person:
    relation: str
    sex: str
    year: int
    education: str
    schooling: str
    health: str
    labour: str
    wage: int = 0


_HEAD = _Person("户主", "male", 1972, "初中", "", "健康", "普通劳动力", 18_000)
_SPOUSE = _Person("配偶", "female", 1975, "小学", "", "健康", "普通劳动力")
_SON = _Person("之子", "male", 2011, "", "九年级", "健康", "无劳动力")
_DAUGHTER = _Person("之女", "female", 2016, "", "小学", "健康", "无劳动力")
_MOTHER = _Person("之母", "female", 1948, "文盲或半文盲", "", "长期慢性病", "丧失劳动力")
_WIDOW = _Person("户主", "female", 1953, "文盲或半文盲", "", "残疾，长期慢性病", "丧失劳动力")
_WORKER = _Person("之子", "male", 1996, "高中", "", "健康", "技能劳动力", 42_000)
_FAMILIES: tuple[tuple[_Person, ...], ...] = (
    (_HEAD, _SPOUSE, _SON),
    (_HEAD, _SPOUSE, _SON, _DAUGHTER, _MOTHER),
    (_WIDOW,),
    (_HEAD, _DAUGHTER, _MOTHER),
    (_WIDOW, _WORKER),
)
#: (户类型, 监测对象类别, 识别监测时间, risks)
_KINDS: tuple[tuple[str, str, str, tuple[str, str]], ...] = (
    ("一般农户", "", "", ("", "")),
    ("脱贫户", "", "", ("", "")),
    ("一般农户", "边缘易致贫户", "202406", ("因病", "")),
    ("脱贫户", "脱贫不稳定户", "202403", ("因残", "缺劳动力")),
    ("低收入户", "", "", ("", "")),
    ("五无户", "", "", ("", "")),
    ("一般农户", "突发严重困难户", "202409", ("因意外事故", "因学")),
)


def write_sample(path: Path, county: str) -> None:
    """Write the sample roster of county 500241 or 500230 to `path`."""
    path.write_bytes(sample_bytes(county))


def sample_bytes(county: str) -> bytes:
    """The sample roster: 60 households in three villages, titles above the header, merged cells."""
    place = PLACES[county]
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "家庭及成员信息"
    _write_titles(sheet, place)
    row = HEADER_ROW + 1
    for index, family in enumerate(_families(place)):
        _write_family(sheet, row, index + 1, family)
        row += len(family)
    sheet.cell(row + 1, 1, "填表人：测试员    审核人：测试员    （本表人员和号码均为虚构）")
    packed = io.BytesIO()
    book.save(packed)
    return _fixed(packed.getvalue())


def name_paths(county: str) -> dict[str, str]:
    """Name path → code of the sample's villages, as `parse_roster` wants them."""
    place = PLACES[county]
    return {f"重庆市/{place.county}/{town}/{name}": code for town, name, code in place.villages}


def _write_titles(sheet: Worksheet, place: Place) -> None:
    width = len(HEADINGS)
    sheet.cell(1, 1, "防止返贫致贫监测农户家庭及成员信息表（测试数据）")
    sheet.cell(2, 1, f"填报单位：{place.county}")
    sheet.cell(2, 20, "单位：元")
    for row in (1, 2):
        sheet.cell(row, 1).font = Font(bold=True, size=16 if row == 1 else 11)
    sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=width)
    for first, count, title in _groups():
        sheet.cell(3, first, title)
        sheet.merge_cells(start_row=3, start_column=first, end_row=3, end_column=first + count - 1)
    for column, heading in enumerate(HEADINGS, start=1):
        sheet.cell(HEADER_ROW, column, heading)
        sheet.cell(HEADER_ROW, column).alignment = Alignment(wrap_text=True, horizontal="center", vertical="center")
        sheet.column_dimensions[get_column_letter(column)].width = 22 if "号" in heading else 12
    sheet.freeze_panes = f"A{HEADER_ROW + 1}"


def _groups() -> Iterator[tuple[int, int, str]]:
    yield 2, len(_AREA), "所在地"
    yield 2 + len(_AREA), len(_HOUSEHOLD), "家庭信息"
    yield 2 + len(_AREA) + len(_HOUSEHOLD), len(_MEMBER), "成员信息"


def _families(place: Place) -> Iterator[list[dict[str, Value]]]:
    for village_index, village in enumerate(place.villages):
        for n in range(HOUSEHOLDS_PER_VILLAGE):
            serial = village_index * HOUSEHOLDS_PER_VILLAGE + n
            shared = _shared(place, village, serial)
            people = _FAMILIES[serial % len(_FAMILIES)]
            _add_incomes(shared, people, serial)
            members = [_member(place, person, serial, k) for k, person in enumerate(people)]
            members[0] |= shared
            yield members


def _shared(place: Place, village: tuple[str, str, str], serial: int) -> dict[str, Value]:
    town, name, code = village
    kind, category, identified, risks = _KINDS[serial % len(_KINDS)]
    area = ("重庆市", "县", place.county, town, name.removesuffix("村民委员会"))
    return {
        **dict(zip(_AREA, (*area, f"{serial % 4 + 1}组"), strict=True)),
        "*户编号": f"9999{code}{serial + 1:03d}",
        "户类型": kind,
        "监测对象类别": category,
        "识别监测时间": identified,
        "户联系电话": f"1000000{serial + 1:04d}",
        "开户银行": "测试银行",
        "银行卡号": f"999999000000{serial + 1:04d}",
        "致贫/返贫风险1": risks[0],
        "致贫/返贫风险2": risks[1],
        "整户无劳动能力兜底保障户": "是" if serial % 5 == 2 and category else "否",
        "是否危房户": "否",
        "是否解决安全饮用水": "是",
    }


def _add_incomes(shared: dict[str, Value], people: Sequence[_Person], serial: int) -> None:
    wage = sum(person.wage for person in people)
    business, held, transfer, cost = 3_000 + serial * 50, 120, 2_400 * len(people), 800
    net = wage + business + held + transfer - cost
    amounts = (wage, business, held, transfer, cost, net, round(net / len(people), 2))
    shared.update(zip(_HOUSEHOLD[-len(amounts) :], amounts, strict=True))


def _member(place: Place, person: _Person, serial: int, place_in_family: int) -> dict[str, Value]:
    birth = date(person.year + serial % 3, serial % 12 + 1, serial % 28 + 1)
    name = f"测试{_STEMS[serial % 10]}{_BRANCHES[serial % 12]}{_ORDINALS[place_in_family]}"
    # Both counties are loaded into one demo: their people's numbers must differ.
    order = serial + (100 if place.county.startswith("丰都") else 0)
    return {
        "*姓名": name,
        "性别": "男" if person.sex == "male" else "女",
        "出生日期": f"{birth:%Y%m%d}",
        "证件类型": "居民身份证",
        "*证件号码": make_synthetic(birth, order, sex=person.sex),
        "民族": place.nation,
        "*与户主关系": person.relation,
        "政治面貌": "群众",
        "文化程度": person.education,
        "在校生状况": person.schooling,
        "健康状况": person.health,
        "劳动技能": person.labour,
        "务工所在地": "重庆市" if person.wage else "",
        "务工时间（月）": 9 if person.wage else "",
        "是否参加城乡居民基本医疗保险": "是",
        "是否参加大病保险": "是",
        "是否享受低保": "是" if person is _WIDOW else "否",
    }


def _write_family(sheet: Worksheet, top: int, number: int, members: Sequence[Mapping[str, Value]]) -> None:
    for offset, member in enumerate(members):
        values = {**member, **({"序号": number} if offset == 0 else {})}
        for column, heading in enumerate(HEADINGS, start=1):
            value = values.get(heading, "")
            if value != "":
                sheet.cell(top + offset, column, value)
    if len(members) > 1:
        for column in (1, *_SHARED_COLUMNS):
            bottom = top + len(members) - 1
            sheet.merge_cells(start_row=top, start_column=column, end_row=bottom, end_column=column)


def _fixed(data: bytes) -> bytes:
    """The same workbook with its times of writing set to a fixed one."""
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as source,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            part = source.read(name)
            if name == "docProps/core.xml":
                part = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"2026-01-01T00:00:00Z", part)
            entry = zipfile.ZipInfo(name, _PAST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, part)
    return packed.getvalue()
