"""Overdue views: the board by area and gate, what fell late by month, the list of the late with reasons.

Late is what ``now`` and ``due_at`` say, each time anew; whether any job has passed by does not matter.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from app.runtime import runtime
from app.services import lists
from app.services.lists import Found, House, case_of, house_of, load_texts, note_look, page_of, paged, scope_of
from app.services.rights import is_helper_of
from app.store import cases as case_store
from app.store import late as store
from app.store.late import Key, Place, Wanted
from app.store.lists import Scope
from app.store.transaction import reading
from app.tables import DeadlineRow, LateReason
from workflows.clock import local_date, local_midnight, parse_utc, utc_text
from workflows.errors import BadValue
from workflows.model import Actor, Case, Dossier
from workflows.worktime import working_time_left

BANDS = ("late", "today", "week")
ALL = "all"  # the three together
MONTHS = 12
MOST_LISTED = 20_000
FIRST = ""


@dataclass(frozen=True)
class Cell:
    """One place of the board: how many are late, due today, due this week; office hours left of the nearest.

    ``hours`` are whole office hours, begun ones left out, negative when late; None where the cell is empty.
    """

    late: int = 0
    today: int = 0
    week: int = 0
    due: str = ""
    hours: int | None = None

    @property
    def total(self) -> int:
        """All that the cell counts."""
        return self.late + self.today + self.week

    def joined(self, other: "Cell") -> "Cell":
        """Return both in one."""
        due = min(filter(None, (self.due, other.due)), default="")
        hours = self.hours if due == self.due else other.hours
        return Cell(self.late + other.late, self.today + other.today, self.week + other.week, due, hours)


@dataclass(frozen=True)
class Line:
    """One area of the board with its cells by column, and all of them together."""

    code: str
    name: str
    cells: Mapping[str, Cell]
    total: Cell


@dataclass(frozen=True)
class Board:
    """Rows are areas, columns are gates, or a kind of case where it knows no gates; ``total`` sums all up."""

    lines: Sequence[Line]
    columns: Sequence[str]
    total: Cell
    path: Sequence[tuple[str, str]]
    now: datetime

    def sums(self) -> dict[str, Cell]:
        """Return the sum of each column."""
        return {c: _together(line.cells.get(c, Cell()) for line in self.lines) for c in self.columns}


@dataclass(frozen=True)
class Reason:
    """Why something fell late: who said so and when; ``text`` is None when it was erased."""

    user: str
    at: str
    text: str | None


@dataclass(frozen=True)
class LateLine:
    """A period in the list: case, household, kind, exclusive due time, how it ended (empty: it runs), the reason.

    ``behalf`` names the absent person for whom it waits for the reader.
    """

    case: Case
    house: House
    timer: str
    generation: int
    due_at: str
    provisional: bool
    ended: str
    hours: int
    reason: Reason | None
    can_answer: bool
    behalf: str = ""


@dataclass(frozen=True)
class Asked:
    """What a list is asked for: an area, a column and a band of the board, or a month ("2026-11") of the heat map."""

    area: str = ""
    column: str = ""
    band: str = ""
    month: str = ""


# --- board ---
def board(actor: Actor, *, area: str = "", by: str = "hours") -> Board:
    """Return the board of a person's area, or of a township of it; ``by``: "hours" (least left first) or "area"."""
    scope = scope_of(actor)
    with reading() as now:
        edges = _edges(now)
        raw = store.cells(scope, Wanted(FIRST, edges[-1], area), edges)
        columns = _columns_of({_place(row) for row in raw})
        names = store.area_names(row.code for row in raw)
        path = lists.path_of(area)
    left = _hours_left(now)
    cells: dict[str, dict[str, Cell]] = {}
    for row in raw:
        mine, column = cells.setdefault(row.code, {}), columns[_place(row)]
        cell = Cell(int(row.band0), int(row.band1), int(row.band2), row.due, left(row.due, row.code))
        mine[column] = mine.get(column, Cell()).joined(cell)
    lines = [Line(code, names.get(code, code), mine, _together(mine.values())) for code, mine in cells.items()]
    lines.sort(key=lambda line: (line.code,) if by == "area" else (line.total.due, line.code))
    present = {column for line in lines for column in line.cells}
    shown = [column for column in all_columns() if column in present]
    return Board(lines, shown, _together(line.total for line in lines), path, now)


def _together(cells: Iterable[Cell]) -> Cell:
    found = Cell()
    for cell in cells:
        found = found.joined(cell)
    return found


def _edges(now: datetime) -> list[str]:
    """Now, and the ends of today and of this week in China."""
    today = local_date(now)
    days = (today, today + timedelta(days=6 - today.weekday()))
    return [utc_text(now), *(utc_text(local_midnight(day + timedelta(days=1))) for day in days)]


def _place(row: Any) -> Place:
    return (row.definition, row.definition_digest, row.policy_digest, row.purpose, row.state)


def _columns_of(places: Iterable[Place]) -> dict[Place, str]:
    """Return the column of each place where cases stand: its gate, or its definition; texts are loaded first."""
    wanted = list(places)
    rules = runtime().rules
    missing = {digest for place in wanted for digest in place[1:3] if not rules.knows(digest)}
    for kept in case_store.kept_texts(sorted(missing)) if missing else ():
        rules.add_text(kept.kind, kept.text)
    return {place: _column(place) for place in wanted}


def _column(place: Place) -> str:
    definition, definition_digest, policy_digest, purpose, state = place
    compiled = runtime().rules.machine_by(definition_digest, policy_digest, purpose)
    return (compiled.gate_of(state) if compiled else "") or definition


def all_columns() -> list[str]:
    """Return gates in their order, then what stands at none, kind by kind."""
    definitions = runtime().rules.definitions
    return [*(gate for d in definitions.values() for gate in d.gates), *definitions]


def _hours_left(now: datetime) -> Any:
    """Return a function from a due time and an area to whole office hours; each pair is counted once."""
    rules, known = runtime().rules, {}
    today = local_date(now)

    def left(due: str, area: str) -> int:
        county = area[:6]
        if county not in known:
            pack = rules.pack_for(county.ljust(12, "0"), today)
            known[county] = (rules.calendar_for(county), pack.office_hours(today))
        calendar, hours = known[county]
        return int(working_time_left(now, parse_utc(due), calendar, hours) / timedelta(hours=1))

    return left


# --- the list ---
def listed(actor: Actor, asked: Asked, *, after: str = "") -> Found[LateLine]:
    """Return the periods that a number of the board or the heat map counts, or all that are late; a page of them."""
    scope = scope_of(actor)
    with reading() as now:
        found, more = paged(store.rows(scope, _wanted(scope, asked, now), page_of(after)))
        lines = _lines(actor, found, now)
    if lines:
        note_look(actor, asked.area or "late", rows=len(lines))
    return Found(lines, _key(found[-1].DeadlineRow) if more else "", now)


def count(actor: Actor, asked: Asked) -> int:
    """Return how many periods a list holds."""
    scope = scope_of(actor)
    with reading() as now:
        return store.count(scope, _wanted(scope, asked, now))


def everything(actor: Actor, asked: Asked) -> list[LateLine]:
    """Return a whole list to be taken away as a table; raise BadValue for more than ``MOST_LISTED`` rows."""
    scope = scope_of(actor)
    with reading() as now:
        rows = store.rows(scope, _wanted(scope, asked, now), page_of("", MOST_LISTED))
        if len(rows) > MOST_LISTED:
            raise BadValue(field="area_large", value=str(MOST_LISTED))
        lines = _lines(actor, rows, now)
    note_look(actor, asked.area or "late", rows=len(lines), table=True)
    return lines


def _wanted(scope: Scope, asked: Asked, now: datetime) -> Wanted:
    if asked.month:
        begins, ends = _month(asked.month)
        return Wanted(utc_text(begins), min(utc_text(ends), utc_text(now)), asked.area, ended=True)
    late, today, week = _edges(now)
    bounds = {"late": (FIRST, late), "today": (late, today), "week": (today, week), ALL: (FIRST, week)}
    wanted = Wanted(*bounds[asked.band or "late"], asked.area)
    return wanted if not asked.column else _at_column(scope, wanted, asked.column)


def _at_column(scope: Scope, wanted: Wanted, column: str) -> Wanted:
    """Keep the places of one column of the board."""
    columns = _columns_of(store.places(scope, wanted.area))
    chosen = [place for place, one in columns.items() if one == column]
    return Wanted(wanted.after, wanted.until, wanted.area, chosen)


def _lines(actor: Actor, rows: Sequence[Any], now: datetime) -> list[LateLine]:
    given = store.reasons(key_of(row.DeadlineRow) for row in rows)
    found = [(row, case_of(row.CaseRow)) for row in rows]
    load_texts(case for _, case in found)
    left = _hours_left(now)
    return [_line(actor, row, case, given.get(key_of(row.DeadlineRow)), now, left) for row, case in found]


def _line(actor: Actor, row: Any, case: Case, given: LateReason | None, now: datetime, left: Any) -> LateLine:
    period: DeadlineRow = row.DeadlineRow
    house = house_of(row.Household, row.village_name, row.township_name)
    is_late = period.ended_how is None and period.due_at <= utc_text(now)
    return LateLine(
        case=case,
        house=house,
        timer=period.kind,
        generation=period.generation,
        due_at=period.due_at,
        provisional=period.provisional,
        ended=period.ended_how or "",
        hours=left(period.due_at, house.area),
        reason=Reason(given.user, given.at, given.text) if given else None,
        can_answer=is_late and is_answerable(actor, case, house.area),
        behalf=lists.for_whom(actor, case, house.area),
    )


def key_of(row: DeadlineRow) -> Key:
    """Return the key of a period."""
    return (row.county, row.case, row.kind, row.generation)


def _key(row: DeadlineRow) -> str:
    return lists.following_key(True, row.due_at, row.case, row.kind, str(row.generation))


# --- by month ---
@dataclass(frozen=True)
class Heat:
    """Counts by area and month, the oldest month first; what fell late in it, whether it still runs or ended late."""

    months: Sequence[str]
    lines: Sequence[tuple[str, str, Sequence[int]]]
    sums: Sequence[int]
    most: int
    path: Sequence[tuple[str, str]]
    now: datetime


def heat(actor: Actor, *, area: str = "") -> Heat:
    """Return how many periods fell late by township (or village) and month, of the last twelve months.

    A period belongs to the month of its last day, as people see that day everywhere else.
    """
    scope = scope_of(actor)
    with reading() as now:
        months = list(_last_months(local_date(now)))
        bounds = [utc_text(_month(month)[0]) for month in months] + [utc_text(now)]
        raw = store.fallen(scope, Wanted(bounds[0], bounds[-1], area, ended=True), bounds)
        names = store.area_names(row.code for row in raw)
        path = lists.path_of(area)
    table: dict[str, list[int]] = {}
    for row in raw:
        table.setdefault(row.code, [0] * MONTHS)[row.month] = int(row.count)
    lines = [(code, names.get(code, code), counts) for code, counts in sorted(table.items())]
    sums = [sum(counts[n] for _, _, counts in lines) for n in range(MONTHS)]
    return Heat(months, lines, sums, max((c for _, _, counts in lines for c in counts), default=0), path, now)


def _last_months(today: date) -> Iterator[str]:
    for back in range(MONTHS - 1, -1, -1):
        number = today.year * 12 + today.month - 1 - back
        yield f"{number // 12}-{number % 12 + 1:02}"


def _month(text: str) -> tuple[datetime, datetime]:
    """Return the moments after the first of which, up to the second, due times lie whose last day is in a month."""
    first = date.fromisoformat(f"{text}-01")
    following = (first + timedelta(days=32)).replace(day=1)
    return local_midnight(first), local_midnight(following)


def is_month(text: str) -> bool:
    """Tell whether a text names a month, such as "2026-11"."""
    try:
        return len(text) == 7 and 2000 <= date.fromisoformat(f"{text}-01").year < 2100
    except ValueError:
        return False


# --- who answers for it ---
def is_answerable(actor: Actor, case: Case, area: str, dossier: Dossier | None = None) -> bool:
    """Tell whether a case waits for one of a person's offices, own or held for somebody; a helper's is the helper's."""
    roles = set(awaited(case))
    if any(o.role in roles and o.role != "helper" and o.covers(area) for o in actor.offices):
        return True
    if "helper" not in roles:
        return False
    helper = str(case.fields.get("helper", {}).get("id", ""))
    if dossier is not None:
        return is_helper_of(actor, dossier)
    return any(o.role == "helper" and actor.account_in(o) == helper for o in actor.offices)


def awaited(case: Case) -> list[str]:
    """Return the roles for which a case waits; its texts are loaded."""
    return list(runtime().rules.machine_of(case).waits_for(case.state))


def column_of(case: Case) -> str:
    """Return the column of the board in which a case stands; its texts are loaded."""
    return _column((case.definition, case.definition_digest, case.policy_digest, case.purpose, case.state))
