"""The demo year's households: people, incomes and risks of a township's real villages, all visibly made up.

Everything is drawn from the chance that is handed in: same chance, same roster.
"""

import io
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from openpyxl import Workbook

from app.idnumber import make_synthetic
from app.roster.codes import CATEGORY, label
from app.roster.sample import HEADINGS

# Serial numbers below are the sample rosters', those near 500 the accounts'.
FIRST_SERIAL = 170
SCHOOL_AGE, GROWN, OLD, FRAIL = 6, 22, 60, 75
JUNIOR, SENIOR = ("七年级", "八年级", "九年级"), ("普通高中一年级", "普通高中二年级", "普通高中三年级")
HIGHER = ("本科一年级", "本科二年级", "高职高专一年级", "高职高专二年级")
MONTHS = 9
ABLE = ("普通劳动力", "技能劳动力")
BY_KIND, ORDINARY = {"脱贫户": "unstable_alleviated"}, "marginal_vulnerable"
INCOMES = (
    "工资性收入\n（元）", "生产经营性收入\n（元）", "财产性收入\n（元）", "转移性收入\n（元）",
    "生产经营性支出\n（元）",
)  # fmt: skip
NET, NET_PER_HEAD = "家庭纯收入\n（元）", "人均纯收入\n（元）"

Cell = str | int | float


@dataclass(frozen=True)
class Village:
    """A real village: 12-digit code, its name and the names above it."""

    code: str
    name: str
    township: str
    county: str
    province: str


@dataclass(frozen=True)
class Trouble:
    """What the year has in store for a household: its main risk, its income, whether the roster names it already."""

    risk: Mapping[str, Any]
    per_head: int
    category: str = ""  # "": by the household's kind
    identified: str = ""  # year and month, "" when the roster does not name it as monitored


@dataclass(frozen=True)
class House:
    """A household: its number in the roster, the rows of its members, and what its story needs (income in fen)."""

    number: str
    category: str
    per_head: int
    labour: int
    rows: Sequence[Mapping[str, Cell]]


class Townsfolk:
    """Draws households, each with people of their own numbers."""

    def __init__(self, table: Mapping[str, Any], chance: random.Random, today: date) -> None:
        self.table, self.chance, self.today = table, chance, today
        self.serials: Counter[tuple[date, str]] = Counter()

    def house(self, index: int, village: Village, trouble: Trouble | None) -> House:
        """Draw the household of a place in the roster."""
        table, chance = self.table["households"], self.chance
        kind = weighted(chance, table["kinds"])
        nation = weighted(chance, self.table["names"]["nations"])
        family = chance.choices(self.table["families"], [f["weight"] for f in self.table["families"]])[0]["members"]
        people = [self._person(index, place, member, nation) for place, member in enumerate(family)]
        if trouble:
            _strike(people, trouble.risk["id"])
        incomes = self._incomes(people, trouble)
        number = f"9999{village.code}{index + 1:05d}"
        category = trouble.category or BY_KIND.get(kind, ORDINARY) if trouble else ""
        people[0] |= {**self._shared(index, village, number), "户类型": kind, **_listed(trouble, category), **incomes}
        labour = sum(1 for person in people if person["劳动技能"] in ABLE)
        return House(number, category, round(float(incomes[NET_PER_HEAD]) * 100), labour, people)

    def _person(self, index: int, place: int, member: Sequence[Any], nation: str) -> dict[str, Cell]:
        relations, youngest, oldest = member
        relation, sex = self._relation(relations)
        age = self.chance.randint(youngest, oldest)
        birth = date(self.today.year - age - 1, self.chance.randint(1, 12), self.chance.randint(1, 28))
        health = self._health(age)
        return {
            "*姓名": self._name(index, place),
            "性别": "男" if sex == "male" else "女",
            "出生日期": f"{birth:%Y%m%d}",
            "证件类型": "居民身份证",
            "*证件号码": self._id_number(birth, sex),
            "民族": nation,
            "*与户主关系": relation,
            "政治面貌": "中共党员" if age >= GROWN and self.chance.random() < 0.05 else "群众",
            **self._schooling(age),
            "健康状况": health,
            **self._work(age, health, is_elder=relation == "之母"),
            "是否参加城乡居民基本医疗保险": self._insured(),
            "是否参加大病保险": "是",
            "是否享受低保": "是" if age >= FRAIL and self.chance.random() < 0.3 else "否",
        }

    def _relation(self, relations: str) -> tuple[str, str]:
        """Return relation and sex: of two relations the first is a man's."""
        names = relations.split("/")
        if len(names) == 2:
            pick = self.chance.randrange(2)
            return names[pick], ("male", "female")[pick]
        return relations, "female" if relations in ("配偶", "之母", "之儿媳") else "male"

    def _name(self, index: int, place: int) -> str:
        """A mark, a surname and two signs of the sixty-year cycle: no two heads of 3,000 households are named alike."""
        names = self.table["names"]
        surnames = names["surnames"]
        surname = surnames[(index + (17 if place == 1 else 0)) % len(surnames)]
        turn = index // len(surnames) + 13 * (index % len(surnames)) + 7 * place
        return f"{names['mark']}{surname}{names['stems'][turn % 10]}{names['branches'][turn % 12]}"

    def _id_number(self, birth: date, sex: str) -> str:
        serial = self.serials[(birth, sex)]
        self.serials[(birth, sex)] += 1
        return make_synthetic(birth, FIRST_SERIAL + serial, sex=sex)

    def _insured(self) -> str:
        return "是" if self.chance.randrange(100) < self.table["households"]["insured"] else "否"

    def _health(self, age: int) -> str:
        is_chronic = age >= self.table["households"]["chronic_from"] and self.chance.random() < 1 / 3
        return "长期慢性病" if is_chronic else "健康"

    def _schooling(self, age: int) -> dict[str, Cell]:
        """Either the school year or the education, as the national system has it."""
        if age < GROWN and (age < 18 or self.chance.random() < 0.5):
            return {"在校生状况": _school_year(age)}
        if age >= OLD:
            return {"文化程度": self.chance.choice(("文盲或半文盲", "小学", "小学", "初中"))}
        return {"文化程度": self.chance.choice(("小学", "初中", "初中", "高中", "大专" if age < 40 else "初中"))}

    def _work(self, age: int, health: str, *, is_elder: bool) -> dict[str, Cell]:
        if age >= FRAIL or is_elder:
            return {"劳动技能": "丧失劳动力"}
        if age < 18:
            return {"劳动技能": "无劳动力"}
        if age >= OLD or health != "健康":
            return {"劳动技能": "弱劳动力或半劳动力"}
        able = {"劳动技能": "技能劳动力" if self.chance.random() < 0.2 else "普通劳动力"}
        away = {"务工所在地": self.chance.choice(("重庆市", "浙江省", "广东省")), "务工时间（月）": MONTHS}
        return {**able, **away} if age >= GROWN and self.chance.random() < 0.6 else dict(able)

    def _incomes(self, people: Sequence[Mapping[str, Cell]], trouble: Trouble | None) -> dict[str, Cell]:
        """Draw the kinds of income, and scale them to what the household lives on."""
        table, chance = self.table["households"], self.chance
        workers = sum(1 for person in people if person.get("务工时间（月）"))
        wage = workers * MONTHS * chance.randint(*table["wage_month"])
        drawn = (
            wage,
            chance.randint(1500, 9000),
            chance.randint(0, 400),
            1400 * len(people),
            chance.randint(300, 1400),
        )
        per_head = trouble.per_head if trouble else chance.randint(*table["per_head"])
        scale = per_head * len(people) / (sum(drawn[:-1]) - drawn[-1])
        amounts = [round(amount * scale) for amount in drawn]
        net = sum(amounts[:-1]) - amounts[-1]
        return {**dict(zip(INCOMES, amounts, strict=True)), NET: net, NET_PER_HEAD: round(net / len(people), 2)}

    def _shared(self, index: int, village: Village, number: str) -> dict[str, Cell]:
        groups = self.table["households"]["groups"]
        return {
            "省": village.province, "市": "县", "县": village.county, "乡": village.township, "村": village.name,
            "组": f"{self.chance.randint(1, groups)}组", "序号": index + 1, "*户编号": number,
            "户联系电话": f"100{index + 1:08d}", "开户银行": "测试银行", "银行卡号": f"999998{index + 1:010d}",
            "整户无劳动能力兜底保障户": "否", "是否危房户": "否", "是否解决安全饮用水": "是",
        }  # fmt: skip


def weighted(chance: random.Random, weights: Mapping[str, int]) -> str:
    """Draw one name by its weight."""
    return chance.choices(list(weights), list(weights.values()))[0]


def _listed(trouble: Trouble | None, category: str) -> dict[str, Cell]:
    """What the roster says of a household that is monitored already."""
    if trouble is None or not trouble.identified:
        return {}
    named = {"监测对象类别": label(CATEGORY, category), "识别监测时间": trouble.identified}
    return {**named, "致贫/返贫风险1": trouble.risk["label"]}


def _school_year(age: int) -> str:
    if age < 3:
        return "学龄前儿童"
    if age < SCHOOL_AGE:
        return "学前教育"
    if age < 12:
        return "小学"
    later = (*JUNIOR, *SENIOR)
    return later[age - 12] if age < 18 else HIGHER[age - 18]


def _strike(people: Sequence[dict[str, Cell]], risk: str) -> None:
    """Let a risk be seen in the household's people: whom the illness, the accident, the disability met."""
    marks = {"illness": "患有大病", "accident": "患有大病", "disability": "残疾"}
    if risk in marks:
        people[-1 if risk == "disability" else 0]["健康状况"] = marks[risk]
    if risk in ("illness", "accident"):
        people[0]["劳动技能"] = "弱劳动力或半劳动力"
    if risk == "no_labour":
        for person in people:
            person["劳动技能"] = "无劳动力" if person["劳动技能"] == "无劳动力" else "丧失劳动力"
    for person in people:
        if person["劳动技能"] not in ABLE:
            person.pop("务工所在地", None)
            person.pop("务工时间（月）", None)


def workbook(houses: Sequence[House]) -> bytes:
    """Return the roster as a workbook in the national layout."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("家庭及成员信息")
    sheet.append(HEADINGS)
    for line in _lines(houses):
        sheet.append(line)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def _lines(houses: Sequence[House]) -> Iterator[list[Cell]]:
    for house in houses:
        shared = {name: house.rows[0][name] for name in ("省", "市", "县", "乡", "村", "组", "*户编号")}
        for row in house.rows:
            yield [{**shared, **row}.get(heading, "") for heading in HEADINGS]
