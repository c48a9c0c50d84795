"""Reads one block of a roster: its households and people from their rows, with an error for each thing to put right."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar, cast

from app.idnumber import IdNumber, mask
from app.roster import checks, codes, columns, values
from app.roster.columns import Header
from app.roster.lines import Line, households, lines
from app.roster.messages import row_error
from app.roster.records import HouseholdRow, MemberRow, RowError
from app.roster.sheets import OVERLAP, Block, Sheet
from app.roster.values import CellError
from app.roster.villages import Villages
from app.roster.workbook import Cell

MAX_ERRORS = 1_000
_MOST_JUDGED = 100_000
_PLACE = ("village_code", "county", "township", "village")
_RISKS = ("risk1", "risk2", "risk3", "risk4", "risk5")
_HOUSEHOLD_FACTS = tuple(columns.HOUSEHOLD_FACTS)
_MEMBER_FACTS = tuple(columns.MEMBER_FACTS)
_ROLE = ("document", "sex")
_CIRCUMSTANCES = ("nation", "politics", "education", "schooling", "health", "labour", "work_months")
_TOGETHER = (_PLACE, _RISKS, _HOUSEHOLD_FACTS, _MEMBER_FACTS, _ROLE, _CIRCUMSTANCES)
_CAN_BE_NEGATIVE = frozenset({"net", "net_per_head"})
T = TypeVar("T")
Prepare = Callable[[HouseholdRow], Any]


@dataclass(frozen=True)
class Rules:
    """What a roster is read by. Made-up identity numbers (region 999999) pass, marked, where they are allowed."""

    villages: Villages
    today: date
    allow_synthetic: bool = True


class Person(NamedTuple):
    """A person who was read: the number's core, the row, the number masked, the household's place in the part or -1."""

    core: str
    row: int
    masked: str
    household: int
    is_synthetic: bool


@dataclass(frozen=True)
class Part:
    """Some households of a roster, as ``prepare`` made them, and what is needed to compare them with other parts."""

    households: tuple[Any, ...]
    numbers: tuple[tuple[str, int, int], ...]  # 户编号, row, place of the household or -1
    people: tuple[Person, ...]
    errors: tuple[RowError, ...]
    error_count: int
    row_count: int


@dataclass
class BlockReader:
    """The reading of one block."""

    header: Header
    rules: Rules
    prepare: Prepare
    errors: list[RowError] = field(default_factory=list)
    error_count: int = 0
    people: list[tuple[IdNumber, int]] = field(default_factory=list)  # with the row, of the household being read
    judged: dict[tuple[Any, ...], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._cells_of = {names: _picked(names, self.header) for names in _TOGETHER}

    def read(self, block: Sheet | Block) -> Part:
        kept: list[Any] = []
        numbers: list[tuple[str, int, int]] = []
        people: list[Person] = []
        row_count = 0
        for group in households(lines(block, self.header)):
            # Rows before and after are shown for the households that reach over the edge.
            if not block.first < group[0].row <= block.last:
                continue
            row_count += len(group)
            before = self.error_count
            number, household = self._household(group)
            is_sound = self.error_count == before
            place = len(kept) if is_sound else -1
            numbers += [(number, group[0].row, place)] if number else []
            people += [
                Person(number.core, row, mask(number.full), place, number.is_synthetic) for number, row in self.people
            ]
            kept += [self.prepare(household)] if is_sound else []
        return Part(tuple(kept), tuple(numbers), tuple(people), tuple(self.errors), self.error_count, row_count)

    def _fault(self, row: int, name: str, code: str, *, value: str = "", what: str = "") -> None:
        self.error_count += 1
        if len(self.errors) < MAX_ERRORS:
            column = self.header.heading(name) if name else ""
            self.errors.append(row_error(row, column, code, value=value, what=what))

    def _take(self, line: Line, name: str, parse: Callable[[Cell], T], default: T) -> T:
        """What a cell says; the default where it or its whole column is empty."""
        if line.cells.get(name, "") == "":
            return default
        return self._read(line, name, parse, default)

    def _read(self, line: Line, name: str, parse: Callable[[Cell], T], default: T) -> T:
        try:
            return parse(line.cells[name])
        except CellError as error:
            self._fault(line.row, name, error.code, value=error.value, what=error.what)
            return default

    def _together(self, line: Line, names: tuple[str, ...], judge: Callable[[Line], T]) -> T:
        """What ``judge`` makes of some columns; the same cells in them are judged once, unless something is wrong.

        Most rows of a roster repeat what others say in these columns. Types count, as 1 and TRUE are equal to Python.
        """
        cells = self._cells_of[names](line.cells)
        key = (names, cells, tuple(map(type, cells)))
        if key in self.judged:
            return cast("T", self.judged[key])
        before = self.error_count
        found = judge(line)
        if self.error_count == before and len(self.judged) < _MOST_JUDGED:
            self.judged[key] = found
        return found

    # Households

    def _household(self, group: list[Line]) -> tuple[str, HouseholdRow]:
        top = self._common(group)
        if len(group) >= OVERLAP:
            self._fault(top.row, "number", "household_large", what=str(OVERLAP))
        self.people = []
        people = [(line, *self._person(line)) for line in group]
        relations = [(line.row, relation) for line, relation, _ in people]
        for row, code in checks.relation_faults(group[0].row, relations):
            self._fault(row, "relation", code)
        number = self._take(top, "number", values.household_number, "")
        members = tuple(member for _, _, member in people if member)
        household = HouseholdRow(
            row=top.row,
            number=number,
            village=self._together(top, _PLACE, self._village),
            grid=self._take(top, "grid", values.free_text, ""),
            group=self._take(top, "group", values.free_text, ""),
            kind=self._code(top, "kind", codes.KIND) or "ordinary",
            category=self._code(top, "category", codes.CATEGORY),
            identified=self._take(top, "identified", values.month_or_day, ""),
            eliminated=self._take(top, "eliminated", values.month_or_day, ""),
            helper=self._take(top, "helper", values.name_text, ""),
            measures=self._take(top, "measures", _measures, tuple[str, ...]()),
            phone=self._take(top, "household_phone", values.phone, ""),
            bank=self._take(top, "bank", values.free_text, ""),
            account=self._take(top, "account", values.account, ""),
            risks=self._together(top, _RISKS, self._risks),
            incomes=self._incomes(top),
            facts=self._together(top, _HOUSEHOLD_FACTS, partial(self._facts, _HOUSEHOLD_FACTS)),
            members=members,
        )
        for column, code in checks.status_faults(household, self.rules.today):
            self._fault(top.row, column, code)
        return number, household

    def _common(self, group: list[Line]) -> Line:
        """The household's own columns: the first filled cell of each; others must agree."""
        names = [name for name in columns.PER_HOUSEHOLD if name in self.header.columns]
        first = group[0].cells
        own = [first[name] for name in names]
        is_plain = all(self._says_nothing_else(line, names, own) for line in group[1:])
        return Line(group[0].row, first if is_plain else {name: self._agreed(group, name) for name in names})

    @staticmethod
    def _says_nothing_else(line: Line, names: list[str], own: list[Cell]) -> bool:
        cells = [line.cells[name] for name in names]
        return cells == own or not any(cell != "" for cell in cells)

    def _agreed(self, group: list[Line], name: str) -> Cell:
        first: Cell = ""
        for line in group:
            cell = line.cells[name]
            if cell in ("", first):
                continue
            if first == "":
                first = cell
            elif values.text_of(cell) != values.text_of(first):
                self._fault(line.row, name, "household_conflict", what=self.header.heading(name))
                break
        return first

    def _village(self, top: Line) -> str:
        words = {name: values.text_of(top.cells.get(name, "")) for name in _PLACE}
        try:
            return self.rules.villages.find(
                code=words["village_code"],
                county=words["county"],
                township=words["township"],
                village=words["village"],
            )
        except CellError as error:
            by_code = words["village_code"] or "village" not in self.header.columns
            name = "village_code" if by_code else "village"
            self._fault(top.row, name, error.code, value=error.value)
            return ""

    def _risks(self, top: Line) -> tuple[str, ...]:
        found = (self._take(top, name, values.risk, "") for name in _RISKS)
        return tuple(dict.fromkeys(risk for risk in found if risk))

    def _incomes(self, top: Line) -> dict[str, int]:
        incomes: dict[str, int] = {}
        for name in columns.INCOME:
            # Costs above the earnings of a bad year leave a net income below nothing.
            parse = _signed_fen if name in _CAN_BE_NEGATIVE else values.fen
            amount = self._take(top, name, parse, None)
            if amount is not None:
                incomes[name] = amount
        return incomes

    def _facts(self, names: Sequence[str], line: Line) -> dict[str, bool]:
        facts: dict[str, bool] = {}
        for name in names:
            parse = values.benefit if name in columns.BENEFITS else values.flag
            answer = self._take(line, name, parse, None)
            if answer is not None:
                facts[name] = answer
        return facts

    # People

    def _person(self, line: Line) -> tuple[str, MemberRow | None]:
        """The relation, known even where the rest is wrong, and the member or None."""
        relation = self._required(line, "relation", lambda cell: values.code(cell, codes.RELATION))
        name = self._required(line, "name", values.name_text)
        sex = self._together(line, _ROLE, self._sex)
        birth = self._take(line, "birth", values.day, None)
        number = self._identity(line)
        if number is None:
            return relation, None
        for column, code, value in checks.person_faults(number, sex, birth):
            self._fault(line.row, column, code, value=value)
        member = self._member(line, name, number, relation)
        if checks.has_two_educations(member):
            self._fault(line.row, "schooling", "education_twice")
        return relation, member

    def _sex(self, line: Line) -> str:
        self._code(line, "document", codes.DOCUMENT)
        return self._code(line, "sex", codes.SEX)

    def _member(self, line: Line, name: str, number: IdNumber, relation: str) -> MemberRow:
        return MemberRow(
            row=line.row,
            name=name,
            id_number=number,
            relation=relation,
            sex=number.sex,
            phone=self._take(line, "phone", values.phone, ""),
            work_place=self._take(line, "work_place", values.free_text, ""),
            facts=self._together(line, _MEMBER_FACTS, partial(self._facts, _MEMBER_FACTS)),
            **self._together(line, _CIRCUMSTANCES, self._circumstances),
        )

    def _circumstances(self, line: Line) -> dict[str, Any]:
        return {
            "nation": self._take(line, "nation", values.nation, ""),
            "politics": self._code(line, "politics", codes.POLITICS),
            "education": self._code(line, "education", codes.EDUCATION),
            "schooling": self._code(line, "schooling", codes.SCHOOLING),
            "health": self._take(line, "health", _health, tuple[str, ...]()),
            "labour": self._code(line, "labour", codes.LABOUR),
            "work_months": self._take(line, "work_months", values.months, None),
        }

    def _identity(self, line: Line) -> IdNumber | None:
        number = self._read(line, "id", self._identity_of, None)
        if number:
            self.people.append((number, line.row))
        return number

    def _identity_of(self, cell: Cell) -> IdNumber | None:
        return values.identity(cell, today=self.rules.today, allow_synthetic=self.rules.allow_synthetic)

    def _code(self, line: Line, name: str, table: codes.Table) -> str:
        return self._take(line, name, lambda cell: values.code(cell, table), "")

    def _required(self, line: Line, name: str, parse: Callable[[Cell], str]) -> str:
        if not str(line.cells[name]).strip():
            self._fault(line.row, name, "required")
            return ""
        return self._take(line, name, parse, "")


def _picked(names: Sequence[str], header: Header) -> Callable[[Mapping[str, Cell]], tuple[Cell, ...]]:
    """Return what takes the cells of some columns from a line, of those that there are."""
    present = [name for name in names if name in header.columns]
    if len(present) > 1:
        return itemgetter(*present)
    return lambda cells: tuple(cells[name] for name in present)


def _health(cell: Cell) -> tuple[str, ...]:
    return values.codes(cell, codes.HEALTH)


def _measures(cell: Cell) -> tuple[str, ...]:
    return values.codes(cell, codes.MEASURE)


def _signed_fen(cell: Cell) -> int | None:
    return values.fen(cell, may_be_negative=True)
