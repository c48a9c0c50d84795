"""The national system's headings, their usual variants, and the search for the header row."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from app.roster.messages import scrub
from app.roster.workbook import Cell

_LOOKED_AT = 20
_BAND = 2
_MIN_KNOWN = 3

#: Field → headings (brackets half-width, no blanks); the first is the national system's own.
AREA: Mapping[str, tuple[str, ...]] = {
    "province": ("省", "省份", "省(市)", "省(自治区、直辖市)"),
    "city": ("市", "市(州)", "市(地、州)", "地市"),
    "county": ("县", "区县", "县区", "县(市、区)", "县(市、区、旗)", "区(县)"),
    "township": ("乡", "乡镇", "乡(镇)", "乡(镇、街道)", "乡镇(街道)", "镇", "镇街", "镇(街道)"),
    "village": ("村", "行政村", "村(社区)", "村(居)", "行政村(社区)", "村名"),
    "village_code": ("村代码", "村编码", "行政村代码", "行政区划代码", "村(社区)代码", "区划代码"),
    "grid": ("网格", "所属网格", "网格名称", "网格编码"),
    "group": ("组", "村民小组", "自然村", "自然村/组", "自然村(组)", "村组", "组别"),
}
HOUSEHOLD: Mapping[str, tuple[str, ...]] = {
    "number": ("户编号", "家庭编号", "户编码", "户号"),
    "kind": ("户类型", "农户类型", "户属性"),
    "category": ("监测对象类别", "防止返贫致贫对象类别", "监测户类别", "监测对象类型"),
    "identified": ("识别监测时间", "监测对象识别时间", "识别时间"),
    "eliminated": ("消除监测时间", "风险消除时间", "消除风险时间", "监测对象消除时间"),
    "helper": ("帮扶责任人", "帮扶责任人姓名", "结对帮扶责任人", "帮扶联系人"),
    "measures": ("已落实帮扶措施", "已落实措施"),
    "household_phone": ("户联系电话", "家庭联系电话", "户主联系电话"),
    "bank": ("开户银行", "开户银行名称", "开户行"),
    "account": ("银行卡号", "银行账号", "银行账户", "一卡通账号"),
    "risk1": ("致贫/返贫风险1", "致贫返贫风险1", "返贫致贫风险1", "返贫/致贫风险1", "风险类型1"),
    "risk2": ("致贫/返贫风险2", "致贫返贫风险2", "返贫致贫风险2", "返贫/致贫风险2", "风险类型2"),
    "risk3": ("致贫/返贫风险3", "致贫返贫风险3", "返贫致贫风险3", "返贫/致贫风险3", "风险类型3"),
    "risk4": ("致贫/返贫风险4", "致贫返贫风险4", "返贫致贫风险4", "返贫/致贫风险4", "风险类型4"),
    "risk5": ("致贫/返贫风险5", "致贫返贫风险5", "返贫致贫风险5", "返贫/致贫风险5", "风险类型5"),
}
INCOME: Mapping[str, tuple[str, ...]] = {
    "wage": ("工资性收入",),
    "business": ("生产经营性收入", "经营性收入", "家庭经营性收入"),
    "property": ("财产性收入",),
    "transfer": ("转移性收入",),
    "business_cost": ("生产经营性支出", "经营性支出"),
    "net": ("家庭纯收入", "纯收入", "年纯收入"),
    "net_per_head": ("人均纯收入", "家庭人均纯收入", "年人均纯收入"),
    "claims": ("理赔收入", "保险理赔收入"),
    "selfpaid_expense": ("合规自付支出", "合规自付费用"),
}
HOUSEHOLD_FACTS: Mapping[str, tuple[str, ...]] = {
    "safety_net": ("整户无劳动能力兜底保障户",),
    "resettled": ("是否居住安置区", "居住安置区"),
    "dangerous_house": ("是否危房户", "危房户", "是否危房"),
    "safe_water": ("是否解决安全饮用水", "是否解决安全饮水"),
    "school_dropout": (
        "是否义务教育阶段适龄儿童少年失学辍学",
        "是否有义务教育阶段适龄儿童少年失学辍学",
    ),
    "member_uninsured": ("是否有家庭成员未参加基本医疗保险", "是否有成员未参加基本医疗保险"),
    "sanitary_toilet": ("是否有卫生厕所", "卫生厕所"),
    "electricity": ("是否通生活用电", "通生活用电"),
    "road": ("入户道路是否硬化", "入户路是否硬化"),
}
MEMBER: Mapping[str, tuple[str, ...]] = {
    "name": ("姓名", "成员姓名", "家庭成员姓名"),
    "sex": ("性别",),
    "birth": ("出生日期", "出生年月日"),
    "document": ("证件类型", "证件类别"),
    "id": ("证件号码", "身份证号码", "身份证号", "公民身份号码", "证件号", "居民身份证号码"),
    "nation": ("民族",),
    "relation": ("与户主关系", "与户主的关系", "家庭关系"),
    "politics": ("政治面貌",),
    "education": ("文化程度",),
    "schooling": ("在校生状况", "在校状况", "在校生状态"),
    "health": ("健康状况", "身体状况"),
    "labour": ("劳动技能", "劳动能力", "劳动力状况"),
    "work_place": ("务工所在地", "务工地点"),
    "work_months": ("务工时间", "务工时间(月)", "务工月数"),
    "phone": ("电话", "联系电话", "成员联系电话", "家庭成员联系电话", "本人联系电话"),
}
MEMBER_FACTS: Mapping[str, tuple[str, ...]] = {
    "resident_medical": ("是否参加城乡居民基本医疗保险", "居民医保", "城乡居民基本医疗保险"),
    "employee_medical": ("是否参加城镇职工基本医疗保险", "职工医保", "城镇职工基本医疗保险"),
    "serious_illness_insurance": ("是否参加大病保险", "大病保险"),
    "resident_pension": ("是否参加城乡居民基本养老保险", "居民养老"),
    "employee_pension": ("是否参加城镇职工基本养老保险", "职工养老"),
    "subsistence_allowance": ("是否享受低保", "享受低保政策情况", "是否享受农村居民最低生活保障"),
    "special_support": ("是否特困供养人员", "享受特困供养政策情况", "是否特困供养"),
    "relocated": ("是否易地扶贫搬迁人口", "是否搬迁人口"),
    "medical_aid": ("是否接受医疗救助",),
    "mandarin": ("是否会讲普通话",),
}
#: These two columns hold a kind of benefit (农村低保…) rather than 是/否: any kind means yes.
BENEFITS = frozenset({"subsistence_allowance", "special_support"})

PER_HOUSEHOLD = (*AREA, *HOUSEHOLD, *INCOME, *HOUSEHOLD_FACTS)
_ALL = {**AREA, **HOUSEHOLD, **INCOME, **HOUSEHOLD_FACTS, **MEMBER, **MEMBER_FACTS}
_FIELD_BY_HEADING = MappingProxyType({name: key for key, names in _ALL.items() for name in names})
_KEYS = ("name", "id", "relation")

_BRACKETED_END = re.compile(r"\([^()]*\)$")
_MARKS = re.compile(r"^(?:\d+[.、])?[*★※#]*|[*★※]+$")
_REQUIRED_MARK = re.compile(r"\((?:必填|必填项|选填|可选)\)")


@dataclass(frozen=True)
class Header:
    """Where the columns are. `row` is the 0-based last header row; data starts one below."""

    row: int
    columns: Mapping[str, int]
    headings: Mapping[str, str]
    ignored: tuple[str, ...]

    def heading(self, field: str) -> str:
        """The heading as it stands in the file, or the national one when the column is absent."""
        return self.headings.get(field) or _ALL[field][0]

    @property
    def missing(self) -> tuple[str, ...]:
        """Required headings that are absent; the village may stand by name or by code."""
        lacking = [_ALL[key][0] for key in _KEYS if key not in self.columns]
        if not {"village", "village_code"} & set(self.columns):
            lacking.insert(0, "村")
        return tuple(lacking)


def field_of(cell: Cell) -> str | None:
    """The field that a heading names, or None. Blanks, marks, brackets' width do not matter."""
    if not isinstance(cell, str):
        return None
    text = "".join(unicodedata.normalize("NFKC", cell).split())
    text = _MARKS.sub("", _REQUIRED_MARK.sub("", text))
    found = _FIELD_BY_HEADING.get(text)
    # A unit may follow: 人均纯收入(元), 务工时间(月).
    return found or _FIELD_BY_HEADING.get(_BRACKETED_END.sub("", text))


def find_header(rows: Sequence[Sequence[Cell]]) -> Header | None:
    """Find the header within the first 20 rows: the row that holds the most known headings.

    It must hold three at least, a key column among them. Headings merged over two or three rows
    are read as one band: in each column the lowest word counts.
    """
    known = [_known(row) for row in rows[:_LOOKED_AT]]
    if not known:
        return None
    best = max(range(len(known)), key=lambda index: len(set(known[index].values())))
    found = set(known[best].values())
    if len(found) < _MIN_KNOWN or not found & {"number", *_KEYS}:
        return None
    first, last = _band(known, best)
    return _header(rows[first : last + 1], last)


def _known(row: Sequence[Cell]) -> dict[int, str]:
    pairs = ((index, field_of(cell)) for index, cell in enumerate(row))
    return {index: field for index, field in pairs if field}


def _band(known: Sequence[Mapping[int, str]], best: int) -> tuple[int, int]:
    first = last = best
    while first > 0 and best - first < _BAND and len(known[first - 1]) > 1:
        first -= 1
    while last + 1 < len(known) and last - best < _BAND and len(known[last + 1]) > 1:
        last += 1
    return first, last


def _header(rows: Sequence[Sequence[Cell]], last: int) -> Header:
    lowest: dict[int, Cell] = {}
    for row in rows:
        lowest.update({index: cell for index, cell in enumerate(row) if str(cell).strip()})
    columns: dict[str, int] = {}
    headings: dict[str, str] = {}
    ignored: list[str] = []
    for index in sorted(lowest):
        text, field = "".join(str(lowest[index]).split()), field_of(lowest[index])
        # The national export repeats 姓名, 性别, 电话 for helpers, further to the right.
        if field is None or field in columns:
            ignored.append(scrub(text))
        else:
            columns[field], headings[field] = index, scrub(text)
    return Header(last, columns, headings, tuple(ignored))
