"""Reads a roster: header, rows, households, with an error for each thing to put right."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

from app.idnumber import IdNumber, mask
from app.roster import checks, codes, columns, values
from app.roster.columns import Header, find_header
from app.roster.lines import Line, households, lines
from app.roster.messages import row_error
from app.roster.records import HouseholdRow, MemberRow, Roster, RowError
from app.roster.values import CellError
from app.roster.villages import Villages
from app.roster.workbook import Cell, Sheet, WorkbookRefused, open_sheets

MAX_ERRORS = 1_000
_LOOKED_AT = 22
_CAN_BE_NEGATIVE = frozenset({"net", "net_per_head"})

T = TypeVar("T")


def parse_roster(
    data: bytes,
    *,
    known_villages: Mapping[str, str],
    today: date,
    allow_synthetic: bool = True,
) -> Roster:
    """Read the bytes of an .xlsx. Never raises for bad input: everything wrong is in `errors`.

    `known_villages` maps name paths or 12-digit codes to village codes (see `Villages`). Made-up
    identity numbers (region 999999) pass, marked, unless `allow_synthetic` is False.
    """
    try:
        return _read_first_fit(data, _Rules(Villages(known_villages), today, allow_synthetic))
    except WorkbookRefused as refused:
        return _refused(refused.code)


def _read_first_fit(data: bytes, rules: "_Rules") -> Roster:
    fallback = _refused("no_header")
    for sheet in open_sheets(data):
        header = find_header(sheet.top(_LOOKED_AT))
        if header and not header.missing:
            return _Reader(header, rules).read(sheet)
        if header and not fallback.header_row:
            fallback = _lacking(sheet, header)
    return fallback


def _refused(code: str) -> Roster:
    return Roster((), (row_error(0, "", code),), sheet="", header_row=0, error_count=1)


def _lacking(sheet: Sheet, header: Header) -> Roster:
    row = header.row + 1
    error = row_error(row, "", "missing_columns", what="、".join(header.missing))
    return Roster((), (error,), sheet.name, row, error_count=1, ignored=header.ignored)


@dataclass(frozen=True)
class _Rules:
    villages: Villages
    today: date
    allow_synthetic: bool


@dataclass
class _Reader:
    """The reading of one sheet; holds what must be seen across rows."""

    header: Header
    rules: _Rules
    errors: list[RowError] = field(default_factory=list)
    error_count: int = 0
    row_by_id: dict[str, int] = field(default_factory=dict)
    row_by_number: dict[str, int] = field(default_factory=dict)

    def read(self, sheet: Sheet) -> Roster:
        found: list[HouseholdRow] = []
        row_count = 0
        for group in households(lines(sheet, self.header)):
            row_count += len(group)
            before = self.error_count
            household = self._household(group)
            if household and self.error_count == before:
                found.append(household)
        if not row_count:
            self._fault(0, "", "no_rows")
        return Roster(
            tuple(found),
            tuple(sorted(self.errors, key=lambda error: error.row)),
            sheet.name,
            self.header.row + 1,
            self.error_count,
            self.header.ignored,
            row_count,
        )

    def _fault(self, row: int, name: str, code: str, *, value: str = "", what: str = "") -> None:
        self.error_count += 1
        if len(self.errors) < MAX_ERRORS:
            column = self.header.heading(name) if name else ""
            self.errors.append(row_error(row, column, code, value=value, what=what))

    def _take(self, line: Line, name: str, parse: Callable[[Cell], T], default: T) -> T:
        try:
            return parse(line.cells.get(name, ""))
        except CellError as error:
            self._fault(line.row, name, error.code, value=error.value, what=error.what)
            return default

    # Households

    def _household(self, group: list[Line]) -> HouseholdRow | None:
        top = self._common(group)
        people = [(line, *self._person(line)) for line in group]
        relations = [(line.row, relation) for line, relation, _ in people]
        for row, code in checks.relation_faults(group[0].row, relations):
            self._fault(row, "relation", code)
        number = self._number(top)
        members = tuple(member for _, _, member in people if member)
        return HouseholdRow(
            row=top.row,
            number=number,
            village=self._village(top),
            grid=self._take(top, "grid", values.free_text, ""),
            group=self._take(top, "group", values.free_text, ""),
            kind=self._code(top, "kind", codes.KIND) or "ordinary",
            category=self._code(top, "category", codes.CATEGORY),
            identified=self._take(top, "identified", values.month, ""),
            phone=self._take(top, "household_phone", values.phone, ""),
            bank=self._take(top, "bank", values.free_text, ""),
            account=self._take(top, "account", values.account, ""),
            risks=self._risks(top),
            incomes=self._incomes(top),
            facts=self._facts(top, columns.HOUSEHOLD_FACTS),
            members=members,
        )

    def _common(self, group: list[Line]) -> Line:
        """The household's own columns: the first filled cell of each; others must agree."""
        cells: dict[str, Cell] = {}
        for name in columns.PER_HOUSEHOLD:
            if name in self.header.columns:
                cells[name] = self._agreed(group, name)
        return Line(group[0].row, cells)

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

    def _number(self, top: Line) -> str:
        number = self._take(top, "number", values.household_number, "")
        if number and self.row_by_number.setdefault(number, top.row) != top.row:
            self._fault(top.row, "number", "household_twice", what=str(self.row_by_number[number]))
        return number

    def _village(self, top: Line) -> str:
        words = {
            name: values.text_of(top.cells.get(name, "")) for name in ("village_code", "county", "township", "village")
        }
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
        found = (self._take(top, f"risk{n}", values.risk, "") for n in range(1, 6))
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

    def _facts(self, line: Line, names: Mapping[str, tuple[str, ...]]) -> dict[str, bool]:
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
        self._code(line, "document", codes.DOCUMENT)
        sex = self._code(line, "sex", codes.SEX)
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

    def _member(self, line: Line, name: str, number: IdNumber, relation: str) -> MemberRow:
        return MemberRow(
            row=line.row,
            name=name,
            id_number=number,
            relation=relation,
            sex=number.sex,
            nation=self._take(line, "nation", values.nation, ""),
            politics=self._code(line, "politics", codes.POLITICS),
            education=self._code(line, "education", codes.EDUCATION),
            schooling=self._code(line, "schooling", codes.SCHOOLING),
            health=self._take(line, "health", lambda c: values.codes(c, codes.HEALTH), ()),
            labour=self._code(line, "labour", codes.LABOUR),
            phone=self._take(line, "phone", values.phone, ""),
            work_place=self._take(line, "work_place", values.free_text, ""),
            work_months=self._take(line, "work_months", values.months, None),
            facts=self._facts(line, columns.MEMBER_FACTS),
        )

    def _identity(self, line: Line) -> IdNumber | None:
        number = self._take(line, "id", self._identity_of, None)
        if number and self.row_by_id.setdefault(number.core, line.row) != line.row:
            first = str(self.row_by_id[number.core])
            self._fault(line.row, "id", "id_duplicate", value=mask(number.full), what=first)
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


def _signed_fen(cell: Cell) -> int | None:
    return values.fen(cell, may_be_negative=True)
