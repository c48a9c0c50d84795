"""Reads a roster: header, rows, households, with an error for each thing to put right.

A long roster is read in parts, by several processes where there are more than one: `read_roster`. What only shows
across parts, such as a person who stands twice, is found by `Seen`.
"""

import gc
import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from itertools import islice
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar, cast

from app.idnumber import IdNumber, mask
from app.roster import checks, codes, columns, values
from app.roster.columns import Header, find_header
from app.roster.lines import Line, households, lines
from app.roster.messages import row_error, scrub
from app.roster.records import HouseholdRow, MemberRow, Roster, RowError
from app.roster.sheets import OVERLAP, Block, LongSheet, Sheet, open_sheets
from app.roster.values import CellError
from app.roster.villages import Villages
from app.roster.workbook import Cell, WorkbookRefused

MAX_ERRORS = 1_000
_LOOKED_AT = 22
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


@dataclass(frozen=True)
class Found:
    """A sheet that holds a roster, with its header; or what is wrong when there is none."""

    sheet: Sheet | LongSheet | None
    header: Header | None
    error: RowError | None
    name: str = ""

    @property
    def header_row(self) -> int:
        """Excel's number of the header's row, 0 for none."""
        return self.header.row + 1 if self.header else 0


def parse_roster(
    data: bytes,
    *,
    known_villages: Mapping[str, str],
    today: date,
    allow_synthetic: bool = True,
) -> Roster:
    """Read the bytes of an .xlsx at once. Never raises for bad input: everything wrong is in `errors`.

    `known_villages` maps name paths or 12-digit codes to village codes (see `Villages`).
    """
    rules = Rules(Villages(known_villages), today, allow_synthetic)
    found = find_roster(data)
    seen = Seen(found.header)
    kept: list[HouseholdRow] = []
    for part in read_roster(found, rules, _as_read):
        kept += seen.take(part)
    return Roster(
        tuple(kept),
        seen.told(found),
        found.name,
        found.header_row,
        seen.count(found),
        found.header.ignored if found.header else (),
        seen.row_count,
    )


def _as_read(household: HouseholdRow) -> HouseholdRow:
    return household


def find_roster(data: bytes) -> Found:
    """Find the first sheet with all columns that are needed; never raises for bad input."""
    fallback = Found(None, None, row_error(0, "", "no_header"))
    hidden: list[str] = []
    try:
        for sheet in open_sheets(data, hidden):
            header = find_header(sheet.top(_LOOKED_AT))
            if header and not header.missing:
                return Found(sheet, header, None, sheet.name)
            if header and not fallback.header:
                what = "、".join(header.missing)
                fallback = Found(None, header, row_error(header.row + 1, "", "missing_columns", what=what), sheet.name)
    except WorkbookRefused as refused:
        return Found(None, None, row_error(0, "", refused.code))
    if hidden and not fallback.header:
        return Found(None, None, row_error(0, "", "only_hidden", what=scrub("、".join(hidden))))
    return fallback


def rows_expected(data: bytes) -> int:
    """About how many rows a roster has, to show how far it is read; 0 when it does not say."""
    sheet = find_roster(data).sheet
    return sheet.height() if sheet else 0


def read_roster(found: Found, rules: Rules, prepare: Prepare, *, workers: int = 1) -> Iterator[Part]:
    """Read a roster part by part, in order; one that is refused on the way ends with a part that says so.

    ``prepare`` makes of each sound household what the caller keeps of it. With several ``workers`` it must be
    importable by name, and what it returns must be small: it goes from process to process.
    """
    if found.sheet is None or found.header is None:
        return
    read = partial(_read_block, found.header, rules, prepare)
    try:
        if workers > 1 and isinstance(found.sheet, LongSheet):
            yield from _by_processes(read, found.sheet.blocks(), workers)
        else:
            yield from map(read, found.sheet.blocks())
    except WorkbookRefused as refused:
        yield Part((), (), (), (row_error(0, "", refused.code),), 1, 0)


def _by_processes(read: Callable[[Block], Part], blocks: Iterator[Block], workers: int) -> Iterator[Part]:
    """Only a few blocks are in memory at once."""
    # What a block makes is dropped with it and holds no circles: looking for them took a tenth of the time (measured).
    with ProcessPoolExecutor(workers, multiprocessing.get_context("forkserver"), initializer=gc.disable) as pool:
        waiting: deque[Future[Part]] = deque(pool.submit(read, block) for block in islice(blocks, workers + 1))
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(pool.submit(read, block) for block in islice(blocks, 1))


def _read_block(header: Header, rules: Rules, prepare: Prepare, block: Sheet | Block) -> Part:
    return _Reader(header, rules, prepare).read(block)


@dataclass
class Seen:
    """What must be seen across all parts: numbers of people and households, and the errors so far."""

    header: Header | None
    errors: list[RowError] = field(default_factory=list)
    error_count: int = 0
    row_count: int = 0
    synthetic_count: int = 0
    row_by_core: dict[str, int] = field(default_factory=dict)
    row_by_number: dict[str, int] = field(default_factory=dict)

    def take(self, part: Part) -> list[Any]:
        """Take note of a part and return its households without those in which somebody stands twice."""
        bad = {place for place in (*self._numbers(part), *self._people(part)) if place >= 0}
        self.errors += part.errors[: MAX_ERRORS - len(self.errors)]
        self.error_count += part.error_count
        self.row_count += part.row_count
        return [household for place, household in enumerate(part.households) if place not in bad]

    def told(self, found: Found) -> tuple[RowError, ...]:
        """All errors by row, at most as many as are told; when there is nothing at all, that."""
        whole = self._whole(found)
        return (whole,) if whole else tuple(sorted(self.errors, key=lambda error: error.row))

    def count(self, found: Found) -> int:
        """How many errors there are in all."""
        return self.error_count or int(self._whole(found) is not None)

    def _whole(self, found: Found) -> RowError | None:
        if found.error:
            return found.error
        return None if self.row_count or self.error_count else row_error(0, "", "no_rows")

    def _people(self, part: Part) -> Iterator[int]:
        for person in part.people:
            self.synthetic_count += person.is_synthetic
            first = self.row_by_core.setdefault(person.core, person.row)
            if first != person.row:
                self._fault(person.row, "id", "id_duplicate", value=person.masked, what=str(first))
                yield person.household

    def _numbers(self, part: Part) -> Iterator[int]:
        for number, row, place in part.numbers:
            first = self.row_by_number.setdefault(number, row)
            if first != row:
                self._fault(row, "number", "household_twice", what=str(first))
                yield place

    def _fault(self, row: int, name: str, code: str, *, value: str = "", what: str = "") -> None:
        self.error_count += 1
        if len(self.errors) < MAX_ERRORS:
            column = self.header.heading(name) if self.header else ""
            self.errors.append(row_error(row, column, code, value=value, what=what))


@dataclass
class _Reader:
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
