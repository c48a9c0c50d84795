"""The plan of the demo year: its villages and their accounts, its roster, and which household meets which fate.

Drawn from the seed and today's date alone: the same day gives the same year.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from app.roster.villages import plain_village
from app.services import areas
from app.services.demo_roster import House, Townsfolk, Trouble, Village
from app.services.story import Manner, Stage, Story, seeded
from app.store import households as store
from app.store.transaction import reading
from workflows.model import LEVEL_DIGITS

YEAR = Path(__file__).parents[1] / "data" / "demo" / "year.toml"
FULL, LEAST = 3_000, 100
STEMS = "甲乙丙丁戊己庚辛壬癸"
GRID_NAMES = ("第一网格", "第二网格")
LATEST_HOUR, LATEST_VISIT = 6, 26


@dataclass(frozen=True)
class Account:
    """One account of the demo."""

    username: str
    name: str
    role: str
    area: str


@dataclass(frozen=True)
class Grid:
    """A grid of a village and the villagers' groups in it."""

    code: str
    name: str
    groups: Sequence[str]


@dataclass
class Year:
    """A year of ``size`` households (100 at least) that ends on a day."""

    table: Mapping[str, Any]
    size: int
    today: date
    villages: Sequence[Village]
    houses: list[House] = field(default_factory=list)
    fates: dict[int, tuple[Mapping[str, Any], Trouble]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Draw fates first, then the households to whom they happen."""
        chance = seeded(self.table["seed"], self.today.isoformat())
        self.fates = self._fates(chance)
        folk = Townsfolk(self.table, chance, self.today)
        for index in range(self.size):
            self.houses.append(folk.house(index, self.village(index), self.fate(index)))

    def village(self, index: int) -> Village:
        """The village of a household: the roster goes from village to village."""
        return self.villages[index * len(self.villages) // self.size]

    def fate(self, index: int) -> Trouble | None:
        """What meets a household, if anything."""
        return self.fates[index][1] if index in self.fates else None

    def _fates(self, chance: random.Random) -> dict[int, tuple[Mapping[str, Any], Trouble]]:
        """Spread the courses over the households, each at least once."""
        courses = [c for c in self.table["courses"] for _ in range(max(1, round(c["count"] * self.size / FULL)))]
        places = chance.sample(range(self.size), len(courses))
        return {place: (course, self._trouble(chance, course)) for place, course in zip(places, courses, strict=True)}

    def _trouble(self, chance: random.Random, course: Mapping[str, Any]) -> Trouble:
        risks = [r for r in self.table["risks"] if course.get("risk") in (None, r["id"])]
        risk = chance.choices(risks, [r["weight"] for r in risks])[0]
        listed = self.today - timedelta(days=chance.randint(450, 1200))
        return Trouble(
            risk,
            per_head=chance.randint(*course["income"]),
            category=course.get("category", ""),
            identified=f"{listed:%Y%m}" if course.get("listed") else "",
        )

    def accounts(self) -> Iterator[Account]:
        """Yield the accounts of all villages, besides those of accounts.toml."""
        for village in self.villages:
            for staff in self.table["staff"]:
                for nth in range(staff["count"]):
                    yield _account(self.table, village, staff, nth)

    def grids(self) -> Iterator[Grid]:
        """Yield the grids: two a village, each with half of the groups that have households."""
        half = self.table["households"]["groups"] // 2
        for village in self.villages:
            lived_in = {str(h.rows[0]["组"]) for i, h in enumerate(self.houses) if self.village(i) == village}
            for nth, name in enumerate(GRID_NAMES):
                groups = [f"{nth * half + n}组" for n in range(1, half + 1)]
                yield Grid(f"{village.code}{nth + 1:03}", f"{village.name}{name}", sorted(lived_in & {*groups}))

    def stories(self, table: Mapping[str, Any], stage: Stage) -> Iterator[Story]:
        """Yield the stories of all households that have one; the roster must have been taken in."""
        county = self.table["county"]
        with reading():
            known = store.with_national_numbers(county, [self.houses[index].number for index in self.fates])
        numbers = {index: known[self.houses[index].number].number for index in sorted(self.fates)}
        first = min(numbers, key=lambda index: self.fates[index][0]["legs"][0]["day"])
        twin = f"{numbers[first]}-C1"
        for index, number in numbers.items():
            yield self._story(index, number, {**table["values"], "merged_into": twin}, table["roles"], stage)

    def _story(
        self, index: int, number: str, values: Mapping[str, Any], roles: Mapping[str, str], stage: Stage
    ) -> Story:
        course, trouble = self.fates[index]
        chance = seeded(self.table["seed"], number)
        sources = self.table["sources"]
        source = chance.choices(sources, [s["weight"] for s in sources])[0]
        manner = Manner(
            later=timedelta(minutes=chance.randint(0, 60 * LATEST_HOUR)),
            rests=not course.get("weekends"),
            visit_day=chance.randint(2, LATEST_VISIT),
            missed=course.get("missed", 5),
        )
        return Story(
            number,
            course["legs"],
            {**roles, "report_clue": source["role"]},
            {**values, **_values(self.houses[index], trouble, chance), "clue_source": source["id"]},
            stage,
            seed=self.table["seed"],
            helper=self._helper(self.village(index), chance),
            manner=manner,
        )

    def _helper(self, village: Village, chance: random.Random) -> int:
        """One of the village's helpers; the first of the home village is the county's first, who has an own account."""
        count = next(staff["count"] for staff in self.table["staff"] if staff["role"] == "helper")
        nth = chance.randrange(count)
        is_first = village.code == self.table["home"] and nth == 0
        return 0 if is_first else 1 + self.villages.index(village) * count + nth


def villages(township: str) -> list[Village]:
    """Return the villages of a township, in the order of their codes."""
    names = areas.path_names(township)
    found = [(code, name) for code, name, level in areas.inside(township) if level == "village"]
    return [Village(code, plain_village(name), names[-1], names[-2], names[0]) for code, name in sorted(found)]


def _account(table: Mapping[str, Any], village: Village, staff: Mapping[str, Any], nth: int) -> Account:
    """Account of a village: user names like xs-206-village1, by the end of the village's code."""
    role = staff["role"]
    short = village.code[LEVEL_DIGITS["township"] : LEVEL_DIGITS["village"]]
    area = {"grid_member": f"{village.code}{nth + 1:03}", "helper": table["county"].ljust(12, "0")}
    name = f"{table['names']['mark']}·{village.name}{staff['title']}{STEMS[nth]}"
    return Account(f"xs-{short}-{staff['username']}{nth + 1}", name, role, area.get(role, village.code))


def _values(house: House, trouble: Trouble, chance: random.Random) -> dict[str, Any]:
    """What the forms of a household say of it."""
    risk = trouble.risk
    low, high = risk["selfpaid"]
    return {
        "category": house.category,
        "risks": [risk["id"]],
        "income_per_head": house.per_head,
        "income_members": len(house.rows),
        "selfpaid_expense": chance.randint(low, high) * 100,
        "labour_members": house.labour,
        "clue_note": risk["note"],
        "plan_text": risk["plan"],
        "measures_planned": risk["measures"],
        "measure_kind": risk["measures"][0],
        "measure_note": risk["done"],
        "measure_amount": chance.randint(5, 40) * 10_000,
    }
