"""Import of a roster: every household or none, repeatable without doubles, no identity number in clear anywhere.

A roster is read, sealed and held against the database part by part and laid aside; only then one short transaction
takes it all in. Differences from what is registered are changed only when a person confirms just these.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Row

from app.roster import MAX_ERRORS, RowError
from app.roster.messages import scrub
from app.roster.parse import Found, Rules, Seen, find_roster, read_roster
from app.roster.villages import Villages
from app.runtime import runtime
from app.services.areas import name_paths
from app.services.differences import COMPARED, Difference, difference
from app.services.prepared import (
    HOUSEHOLD_COLUMNS,
    MEMBER_COLUMNS,
    Prepared,
    household_tuple,
    member_tuples,
    prepare,
    stored_details,
)
from app.services.spool import Spool
from app.store import areas as area_store
from app.store import households as store
from app.store import ledger
from app.store.bulk import Clash, insert_rows
from app.store.transaction import reading, writing
from app.tables import Household, Member
from workflows.clock import local_date, utc_text
from workflows.errors import WrongOffice
from workflows.journal import canonical
from workflows.model import Actor, Office

IMPORTERS = ("county_lead", "township_officer", "admin")
WORKERS = 2
MOST_SHOWN = 1_000
BATCH = 1_000
CHANGEABLE = (*COMPARED, "village", "township", "head_key")

Progress = Callable[[int], None]

# (heading, Chinese, English) of what only the database can tell.
FOUND_HERE: Mapping[str, tuple[str, str, str]] = {
    "person_elsewhere": (
        "证件号码",
        "此人已登记在另一户（{household}）。",
        "This person is registered in another household ({household}).",
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
class Imported:
    """What an import did, or would do; with errors it did nothing.

    ``confirmation`` is the code by which a person confirms these differences; ``differences`` shows the first thousand.
    """

    ignored: tuple[str, ...] = ()
    synthetic_count: int = 0
    errors: tuple[RowError, ...] = ()
    error_count: int = 0
    added: int = 0
    people: int = 0
    unchanged: int = 0
    differences: tuple[Difference, ...] = ()
    difference_count: int = 0
    confirmation: str = ""
    is_applied: bool = False
    changed: int = 0


@dataclass
class Plan:
    """What a roster comes to, held against the database."""

    seen: Seen
    spool: Spool
    added: dict[str, int] = field(default_factory=dict)  # by county
    people: int = 0
    unchanged: int = 0
    differences: list[Difference] = field(default_factory=list)
    difference_count: int = 0
    digest: Any = field(default_factory=hashlib.sha256)
    errors: list[RowError] = field(default_factory=list)
    error_count: int = 0
    row_of: dict[str, int] = field(default_factory=dict)

    def blame(self, errors: Iterable[RowError]) -> None:
        """Take note of errors."""
        for error in errors:
            self.error_count += 1
            if len(self.errors) < MAX_ERRORS:
                self.errors.append(error)

    @property
    def confirmation(self) -> str:
        """The code by which a person confirms the differences; empty when there are none."""
        return self.digest.hexdigest()[:8] if self.difference_count else ""


def import_households(
    actor: Actor,
    *,
    data: bytes,
    dry_run: bool = False,
    confirm: str = "",
    progress: Progress | None = None,
    workers: int = WORKERS,
) -> Imported:
    """Take a roster (.xlsx) into the households of the actor's area.

    ``confirm`` is the code of differences shown before: they are applied too, if they are still the same. ``progress``
    is told of rows read. Raises WrongOffice. Everything else that is wrong stands row by row in ``errors``, and then
    nothing was changed.
    """
    offices = _offices(actor)
    with reading() as now:
        rules = Rules(Villages(_villages(offices)), local_date(now))
    found = find_roster(data)
    with Spool() as spool:
        plan = Plan(Seen(found.header), spool)
        for part in read_roster(found, rules, partial(prepare, runtime().keys), workers=workers):
            _take(plan, plan.seen.take(part))
            if progress:
                progress(part.row_count)
        _confirm(plan, found, confirm)
        if plan.error_count or dry_run:
            return _answer(plan, found, changed=None)
        try:
            with writing() as now:
                changed = _add(plan, apply_differences=bool(confirm), now=now)
                _note(actor, plan, data, changed, now)
        except Clash:
            plan.blame([_fault(0, "roster_raced", "")])
            return _answer(plan, found, changed=None)
        return _answer(plan, found, changed=changed)


def _confirm(plan: Plan, found: Found, confirm: str) -> None:
    """Put the errors of the reading before those of the database, and hold the code against the differences."""
    told = plan.seen.told(found)
    plan.errors = sorted([*told, *plan.errors], key=lambda error: error.row)[:MAX_ERRORS]
    plan.error_count += plan.seen.count(found)
    if confirm and confirm != plan.confirmation:
        plan.blame([_fault(0, "differences_changed", plan.confirmation or "-")])


def _offices(actor: Actor) -> tuple[Office, ...]:
    """The offices in which a person may import; a refusal is noted as one of any command is."""
    held = tuple(o for o in actor.offices if o.role in IMPORTERS)
    if held:
        return held
    with writing() as now:
        for county in sorted({o.area[:6] for o in actor.offices}):
            detail = {"action": "import_households", "code": WrongOffice.code}
            ledger.append(county, user=actor.id, kind="refused", subject="households", now=now, detail=detail)
    raise WrongOffice(roles=list(IMPORTERS))


def _villages(offices: Iterable[Office]) -> dict[str, str]:
    """The villages that these offices cover, as the roster reader takes them."""
    held = list(offices)
    known: dict[str, str] = {}
    for county in sorted({o.area[:6] for o in held}):
        paths = name_paths(county).items()
        known.update({path: code for path, code in paths if any(o.covers(code) for o in held)})
    return known


def _answer(plan: Plan, found: Found, *, changed: Sequence[str] | None) -> Imported:
    header = found.header
    told = Imported(
        ignored=header.ignored if header else (),
        synthetic_count=plan.seen.synthetic_count,
        errors=tuple(plan.errors),
        error_count=plan.error_count,
    )
    if plan.error_count:
        return told
    return replace(
        told,
        added=sum(plan.added.values()),
        people=plan.people,
        unchanged=plan.unchanged,
        differences=tuple(plan.differences),
        difference_count=plan.difference_count,
        confirmation=plan.confirmation,
        is_applied=changed is not None,
        changed=len(changed or ()),
    )


def _note(actor: Actor, plan: Plan, data: bytes, changed: Sequence[str], now: datetime) -> None:
    file = hashlib.sha256(data).hexdigest()
    kept = plan.difference_count - len(changed)
    counts = {"file": file, "unchanged": plan.unchanged, "differences": kept}
    for county in sorted(plan.added or {number[:6] for number in plan.row_of}):
        detail = {**counts, "added": plan.added.get(county, 0)}
        ledger.append(county, user=actor.id, kind="households_imported", subject=county, now=now, detail=detail)
    for county in sorted({number[:6] for number in changed}):
        detail = {"file": file, "households": [number for number in changed if number.startswith(county)]}
        ledger.append(county, user=actor.id, kind="households_changed", subject=county, now=now, detail=detail)


# --- held against what is there already ---
@dataclass(frozen=True)
class Known:
    """The registered households, members, people and grids that some rows of one county touch."""

    by_number: Mapping[str, Row[Any]]
    by_head: Mapping[str, Row[Any]]
    members: Mapping[str, list[Row[Any]]]
    places: Mapping[str, str]
    grids: Mapping[tuple[str, str], str]  # (village, name or code) → code

    def area_of(self, one: Prepared) -> str:
        """Return a row's village or the grid that it names; empty when there is no such grid."""
        return self.grids.get((one.village, one.grid), "") if one.grid else one.village


def _take(plan: Plan, part: Sequence[Prepared]) -> None:
    """Sort households into new, the same and different; new and different ones are laid aside."""
    for county in sorted({one.county for one in part}):
        for batch in store.batches((one for one in part if one.county == county), BATCH):
            with reading():
                known = _known(county, batch)
            for one in batch:
                _take_one(plan, one, known)


def _take_one(plan: Plan, one: Prepared, known: Known) -> None:
    area = known.area_of(one)
    found, errors = _match(one, known)
    errors += [] if area else [_fault(one.row, "grid_unknown", scrub(one.grid))]
    if found and plan.row_of.setdefault(found.number, one.row) != one.row:
        errors.append(_fault(one.row, "same_household_twice", str(plan.row_of[found.number])))
    plan.blame([*one.errors, *errors])
    if plan.error_count:
        return
    if found is None:
        plan.added[one.county] = plan.added.get(one.county, 0) + 1
        plan.people += len(one.members)
        plan.spool.put("", area, one)
        return
    differing = difference(one, area, found, known.members[found.number])
    if differing is None:
        plan.unchanged += 1
        return
    plan.difference_count += 1
    plan.digest.update(canonical(differing.as_json()).encode())
    plan.differences += [differing] if plan.difference_count <= MOST_SHOWN else []
    plan.spool.put(found.number, area if one.grid or one.village != found.village else found.area, one)


def _known(county: str, rows: Sequence[Prepared]) -> Known:
    grids = area_store.grids(county) if any(one.grid for one in rows) else {}
    if not store.has_households(county):
        return Known({}, {}, {}, {}, grids)
    by_number = store.with_national_numbers(county, (one.number for one in rows))
    by_head = store.with_heads(county, (one.head_key for one in rows))
    numbers = {h.number for h in (*by_number.values(), *by_head.values())}
    people = (m.id_key for one in rows for m in one.members)
    members = store.members_by_household(county, numbers)
    return Known(by_number, by_head, members, store.households_of_people(county, people), grids)


def _match(one: Prepared, known: Known) -> tuple[Row[Any] | None, list[RowError]]:
    """Find the household by number, else by its head; nobody in it may belong to another one."""
    by_number, by_head = known.by_number.get(one.number), known.by_head.get(one.head_key)
    found = by_number or by_head
    if by_number and by_head and by_number.number != by_head.number:
        return found, [_fault(one.row, "number_elsewhere", by_number.number)]
    errors = []
    for member in one.members:
        place = known.places.get(member.id_key)
        if place and place != (found.number if found else ""):
            errors.append(replace(_fault(member.row, "person_elsewhere", place), value=member.id_masked))
    return found, errors


def _fault(row: int, code: str, household: str) -> RowError:
    column, chinese, english = FOUND_HERE[code]
    return RowError(row, column, "", code, chinese.format(household=household), english.format(household=household))


# --- taking in ---
def _add(plan: Plan, *, apply_differences: bool, now: datetime) -> list[str]:
    """Add what is new and, when confirmed, change what differs; returns the numbers of changed households."""
    at = utc_text(now)
    numbers = {county: iter(store.take_numbers(county, count)) for county, count in sorted(plan.added.items())}
    changed: list[str] = []
    for batch in plan.spool.batches(BATCH):
        fresh = [(next(numbers[one.county]), area, one) for known, area, one in batch if not known]
        insert_rows(Household, HOUSEHOLD_COLUMNS, (household_tuple(n, one, area, at) for n, area, one in fresh))
        insert_rows(Member, MEMBER_COLUMNS, (row for n, _, one in fresh for row in member_tuples(n, one)))
        if apply_differences:
            changed += _change([(known, area, one) for known, area, one in batch if known])
    return changed


def _change(rows: Sequence[tuple[str, str, Prepared]]) -> list[str]:
    for county in sorted({one.county for _, _, one in rows}):
        store.remove_members(county, [number for number, _, one in rows if one.county == county])
    for number, area, one in rows:
        values = {name: getattr(one, name) for name in CHANGEABLE}
        store.change(one.county, number, {**values, "area": area, "details": json.loads(stored_details(one))})
    insert_rows(Member, MEMBER_COLUMNS, (row for number, _, one in rows for row in member_tuples(number, one)))
    return [number for number, _, _ in rows]
