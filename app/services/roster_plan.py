"""What a roster comes to: each household held against what is registered, sorted into new, the same and different.

Parts come as they are read. What must be known of the whole roster (who leaves one household and stands in another) is
settled at the end.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Row

from app.roster import MAX_ERRORS, RowError
from app.roster.messages import scrub
from app.roster.parse import Seen
from app.services.differences import Change, Difference, difference
from app.services.openings import Openings
from app.services.prepared import Prepared
from app.services.spool import Spool
from app.store import areas as area_store
from app.store import households as store
from app.store.transaction import reading
from workflows.journal import canonical

MOST_SHOWN = 1_000
BATCH = 1_000

# Heading, Chinese and English, by code, of what only the database can tell.
FOUND_HERE: Mapping[str, tuple[str, str, str]] = {
    "person_elsewhere": (
        "证件号码",
        "此人已登记在另一户（{household}）；如已迁入本户，请把原户也列入名册，并确认两户的变更。",
        "This person is registered in another household ({household}); if they moved, list both and confirm.",
    ),
    "number_elsewhere": (
        "户编号",
        "此户编号已属于户主不同的另一户（{household}）。",
        "This number belongs to another household with another head ({household}).",
    ),
    "grid_unknown": (
        "网格",
        "本村没有这个网格（{household}）；请先在村的“网格”页建立，或用 fangpin import areas 导入。",
        "The village has no such grid ({household}); open it on the village's page or by fangpin import areas.",
    ),
    "roster_raced": (
        "",
        "检查之后，其中有农户已由他人登记；请重新导入。",
        "Somebody registered one of these households meanwhile; import the roster again.",
    ),
    "differences_changed": (
        "",
        "确认码与现在的不一致之处不符（现为 {household}）；请重新核对后再确认。",
        "The code is not that of the differences as they are now ({household}); look at them again, then confirm.",
    ),
    "same_household_twice": (
        "户编号",
        "与第 {household} 行是同一户。",
        "This is the same household as in row {household}.",
    ),
}


@dataclass(frozen=True)
class Mover:
    """Somebody who is registered in one household and stands in another one ("" for a new one)."""

    before: str
    after: str
    error: RowError


@dataclass
class Plan:
    """What a roster comes to, held against the database."""

    seen: Seen
    spool: Spool
    openings: Openings
    added: dict[str, int] = field(default_factory=dict)  # by county
    people: int = 0
    unchanged: int = 0
    opened: int = 0
    differences: list[Difference] = field(default_factory=list)
    difference_count: int = 0
    digest: Any = field(default_factory=hashlib.sha256)
    errors: list[RowError] = field(default_factory=list)
    error_count: int = 0
    changing: list[str] = field(default_factory=list)
    row_of: dict[str, int] = field(default_factory=dict)
    movers: dict[str, Mover] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)  # who leaves which household

    def blame(self, errors: Iterable[RowError]) -> None:
        """Take note of errors."""
        for error in errors:
            self.error_count += 1
            if len(self.errors) < MAX_ERRORS:
                self.errors.append(error)

    def note(self, differing: Difference) -> None:
        """Take note of a household that differs."""
        self.difference_count += 1
        self.digest.update(canonical(differing.as_json()).encode())
        self.differences += [differing] if self.difference_count <= MOST_SHOWN else []

    def blame_movers(self, chosen: Collection[str] | None) -> None:
        """Whoever stands in a second household must leave the first, both or neither ``chosen`` (None: all are)."""
        for person, mover in self.movers.items():
            is_leaving = self.left.get(person) == mover.before and (chosen is None or mover.before in chosen)
            is_coming = chosen is None or not mover.after or mover.after in chosen
            if is_leaving != is_coming:
                self.blame([mover.error])

    @property
    def confirmation(self) -> str:
        """The code by which a person confirms the differences; empty when there are none."""
        return self.digest.hexdigest()[:8] if self.difference_count else ""


@dataclass(frozen=True)
class Known:
    """The registered households, members, people and grids that some rows of one county touch."""

    by_number: Mapping[str, Row[Any]]
    by_head: Mapping[str, Row[Any]]
    members: Mapping[str, list[Row[Any]]]
    places: Mapping[str, str]
    grids: Mapping[tuple[str, str], str]  # (village, name or code) → code
    monitored: Collection[str]  # households that have a status here

    def area_of(self, one: Prepared) -> str:
        """Return a row's village or the grid that it names; empty when there is no such grid."""
        return self.grids.get((one.village, one.grid), "") if one.grid else one.village


def take(plan: Plan, part: Sequence[Prepared]) -> None:
    """Sort the households of a part; new and different ones are laid aside."""
    for county in sorted({one.county for one in part}):
        for batch in store.batches((one for one in part if one.county == county), BATCH):
            with reading():
                known = _known(county, batch)
            for one in batch:
                _take_one(plan, one, known)


def _take_one(plan: Plan, one: Prepared, known: Known) -> None:
    area = known.area_of(one)
    found, errors = _match(plan, one, known)
    errors += [] if area else [fault(one.row, "grid_unknown", scrub(one.grid))]
    if found and plan.row_of.setdefault(found.number, one.row) != one.row:
        errors.append(fault(one.row, "same_household_twice", str(plan.row_of[found.number])))
    is_opened = plan.openings.is_for(one) and (found is None or found.number not in known.monitored)
    errors += plan.openings.faults(one, area) if is_opened and area else []
    plan.blame([*one.errors, *errors])
    if plan.error_count:
        return
    if found is None:
        _take_new(plan, one, area, is_opened=is_opened)
    else:
        _take_known(plan, one, area, found, known, is_opened=is_opened)


def _take_new(plan: Plan, one: Prepared, area: str, *, is_opened: bool) -> None:
    plan.added[one.county] = plan.added.get(one.county, 0) + 1
    plan.people += len(one.members)
    plan.opened += is_opened
    plan.spool.put("", area, one)


def _take_known(plan: Plan, one: Prepared, area: str, found: Row[Any], known: Known, *, is_opened: bool) -> None:
    members = known.members[found.number]
    differing = difference(one, area, found, members, has_status=found.number in known.monitored)
    if is_opened:
        opens = Change("status", "", plan.openings.state_of(one))
        before = differing or Difference(one.row, found.number, ())
        differing = replace(before, changes=(*before.changes, opens))
    if differing is None:
        plan.unchanged += 1
        return
    plan.note(differing)
    plan.changing.append(found.number)
    plan.opened += is_opened
    plan.left.update({m.id_key: found.number for m in members if m.id_key not in {p.id_key for p in one.members}})
    plan.spool.put(found.number, area if one.grid or one.village != found.village else found.area, one)


def _known(county: str, rows: Sequence[Prepared]) -> Known:
    grids = area_store.grids(county) if any(one.grid for one in rows) else {}
    if not store.has_households(county):
        return Known({}, {}, {}, {}, grids, ())
    by_number = store.with_national_numbers(county, (one.number for one in rows))
    by_head = store.with_heads(county, (one.head_key for one in rows))
    numbers = {h.number for h in (*by_number.values(), *by_head.values())}
    people = (m.id_key for one in rows for m in one.members)
    members = store.members_by_household(county, numbers)
    places = store.households_of_people(county, people)
    return Known(by_number, by_head, members, places, grids, store.with_status(county, numbers))


def _match(plan: Plan, one: Prepared, known: Known) -> tuple[Row[Any] | None, list[RowError]]:
    """Find the household by number, else by its head; whoever belongs to another one must be leaving that one."""
    by_number, by_head = known.by_number.get(one.number), known.by_head.get(one.head_key)
    found = by_number or by_head
    if by_number and by_head and by_number.number != by_head.number:
        return found, [fault(one.row, "number_elsewhere", by_number.number)]
    number = found.number if found else ""
    for member in one.members:
        place = known.places.get(member.id_key)
        if place and place != number:
            error = replace(fault(member.row, "person_elsewhere", place), value=member.id_masked)
            plan.movers[member.id_key] = Mover(place, number, error)
    return found, []


def fault(row: int, code: str, household: str) -> RowError:
    column, chinese, english = FOUND_HERE[code]
    return RowError(row, column, "", code, chinese.format(household=household), english.format(household=household))
