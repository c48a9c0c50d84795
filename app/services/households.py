"""Import of a roster: every household or none, repeatable without doubles, no identity number in clear anywhere."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from app.idnumber import mask
from app.keys import Keys
from app.roster import HouseholdRow, MemberRow, Roster, RowError, parse_roster
from app.roster.messages import row_error, scrub
from app.runtime import runtime
from app.services.areas import name_paths
from app.store import areas as area_store
from app.store import households as store
from app.store import ledger
from app.store.cases import area_columns
from app.store.transaction import reading, writing
from app.tables import Household, Member
from workflows.clock import local_date, utc_text
from workflows.errors import WrongOffice
from workflows.model import Actor, Office

IMPORTERS = ("county_lead", "township_officer", "admin")
COMPARED = ("group_name", "head_name", "member_count", "kind", "phone", "national_number")
PERSON_COMPARED = ("name", "relation", "sex", "born", "details")
SEALED = "account_cipher"
LONGEST_NAME, LONGEST_NUMBER = 60, 40

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
    "same_household_twice": (
        "户编号",
        "与第 {household} 行是同一户。",
        "This is the same household as in row {household}.",
    ),
}


@dataclass(frozen=True)
class Difference:
    """A household that is registered with other values; ``columns`` names them. Nothing of it was applied."""

    row: int
    household: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Imported:
    """What an import did, or would do; with errors it did nothing."""

    roster: Roster
    errors: tuple[RowError, ...] = ()
    error_count: int = 0
    added: int = 0
    people: int = 0
    unchanged: int = 0
    differences: tuple[Difference, ...] = ()
    is_applied: bool = False


@dataclass
class Plan:
    """What a clean roster comes to, held against the database."""

    fresh: list[tuple[HouseholdRow, str]] = field(default_factory=list)  # with the area: the village, or a grid of it
    unchanged: int = 0
    differences: list[Difference] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)


def import_households(
    actor: Actor, *, data: bytes, dry_run: bool = False, progress: Progress | None = None
) -> Imported:
    """Take a roster (.xlsx) into the households of the actor's area.

    Raises WrongOffice. Everything else that is wrong stands row by row in ``errors``, and then nothing was changed.
    """
    offices = _offices(actor)
    with reading() as now:
        villages = _villages(offices)
    roster = parse_roster(data, known_villages=villages, today=local_date(now))
    if not roster.is_clean:
        return Imported(roster, roster.errors, roster.error_count)
    if dry_run:
        with reading():
            return _answer(roster, _plan(roster.households), applied=False)
    with writing() as now:
        plan = _plan(roster.households)
        if not plan.errors:
            _add(plan.fresh, now, progress)
            _note(actor, roster, plan, data, now)
        return _answer(roster, plan, applied=not plan.errors)


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


def _answer(roster: Roster, plan: Plan, *, applied: bool) -> Imported:
    if plan.errors:
        return Imported(roster, tuple(plan.errors), len(plan.errors))
    return Imported(
        roster,
        added=len(plan.fresh),
        people=sum(len(h.members) for h, _ in plan.fresh),
        unchanged=plan.unchanged,
        differences=tuple(plan.differences),
        is_applied=applied,
    )


def _note(actor: Actor, roster: Roster, plan: Plan, data: bytes, now: datetime) -> None:
    detail = {
        "file": hashlib.sha256(data).hexdigest(),
        "added": len(plan.fresh),
        "unchanged": plan.unchanged,
        "differences": len(plan.differences),
    }
    for county in sorted({h.village[:6] for h in roster.households}):
        ledger.append(county, user=actor.id, kind="households_imported", subject=county, now=now, detail=detail)


# --- what is there already ---
@dataclass(frozen=True)
class Known:
    """The registered households, members and people that a county's part of a roster touches."""

    by_number: Mapping[str, Household]
    by_head: Mapping[str, Household]
    members: Mapping[str, list[Member]]
    places: Mapping[str, str]
    grids: Mapping[tuple[str, str], str]  # (village, name or code) → code

    def area_of(self, row: HouseholdRow) -> str:
        """Return a row's village or the grid that it names; empty when there is no such grid."""
        return self.grids.get((row.village, row.grid), "") if row.grid else row.village


def _plan(rows: Sequence[HouseholdRow]) -> Plan:
    plan = Plan()
    for county in sorted({h.village[:6] for h in rows}):
        part = [h for h in rows if h.village[:6] == county]
        _plan_county(county, part, plan)
    return plan


def _plan_county(county: str, rows: Sequence[HouseholdRow], plan: Plan) -> None:
    keys = runtime().keys
    known = _known(county, rows, keys)
    rows_seen: dict[str, int] = {}
    for row in rows:
        plan.errors += too_long(row)
        area = known.area_of(row)
        found, errors = _match(row, known, keys)
        if not area:
            errors.append(_fault(row.row, "grid_unknown", scrub(row.grid)))
        if found and rows_seen.setdefault(found.number, row.row) != row.row:
            errors.append(_fault(row.row, "same_household_twice", str(rows_seen[found.number])))
        plan.errors += errors
        if found is None:
            plan.fresh.append((row, area))
        elif columns := _differing(row, found, known, keys):
            plan.differences.append(Difference(row.row, found.number, columns))
        else:
            plan.unchanged += 1


def _known(county: str, rows: Sequence[HouseholdRow], keys: Keys) -> Known:
    by_number = store.with_national_numbers(county, (h.number for h in rows))
    by_head = store.with_heads(county, (_key(h.head, keys) for h in rows))
    numbers = {h.number for h in (*by_number.values(), *by_head.values())}
    people = (_key(m, keys) for h in rows for m in h.members)
    return Known(
        by_number,
        by_head,
        store.members_by_household(county, numbers),
        store.households_of_people(county, people),
        area_store.grids(county),
    )


def _key(member: MemberRow, keys: Keys) -> str:
    return keys.person_key(member.id_number.core)


def _match(row: HouseholdRow, known: Known, keys: Keys) -> tuple[Household | None, list[RowError]]:
    """Find the household by number, else by its head; nobody in it may belong to another one."""
    by_number, by_head = known.by_number.get(row.number), known.by_head.get(_key(row.head, keys))
    found = by_number or by_head
    if by_number and by_head and by_number.number != by_head.number:
        return found, [_fault(row.row, "number_elsewhere", by_number.number)]
    errors = []
    for member in row.members:
        place = known.places.get(_key(member, keys))
        if place and place != (found.number if found else ""):
            masked = mask(member.id_number.full)
            errors.append(replace(_fault(member.row, "person_elsewhere", place), value=masked))
    return found, errors


def too_long(row: HouseholdRow) -> list[RowError]:
    """Return an error for each text that the tables have no room for."""
    texts = [(row.row, "户编号", row.number, LONGEST_NUMBER), (row.row, "组", row.group, LONGEST_NAME)]
    texts += [(m.row, "姓名", m.name, LONGEST_NAME) for m in row.members]
    return [
        row_error(at, column, "text_too_long", value=scrub(text))
        for at, column, text, most in texts
        if len(text) > most
    ]


def _fault(row: int, code: str, household: str) -> RowError:
    column, chinese, english = FOUND_HERE[code]
    return RowError(row, column, "", code, chinese.format(household=household), english.format(household=household))


def _differing(row: HouseholdRow, found: Household, known: Known, keys: Keys) -> tuple[str, ...]:
    values = _household_values(row, keys)
    columns = [] if _is_filed_so(row, found, known) else ["area"]
    columns += [name for name in COMPARED if values[name] != getattr(found, name)]
    if values["details"] != _without_cipher(found.details):
        columns.append("details")
    there = {m.id_key: tuple(getattr(m, name) for name in PERSON_COMPARED) for m in known.members[found.number]}
    here = {_key(m, keys): tuple(_person_values(m)[name] for name in PERSON_COMPARED) for m in row.members}
    return tuple([*columns, "members"] if there != here else columns)


def _is_filed_so(row: HouseholdRow, found: Household, known: Known) -> bool:
    """A roster that names no grid says nothing of it."""
    return known.area_of(row) == found.area if row.grid else row.village == found.village


def _without_cipher(details: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in details.items() if name != SEALED}


# --- rows to add ---
def _add(rows: Sequence[tuple[HouseholdRow, str]], now: datetime, progress: Progress | None) -> None:
    for county in sorted({area[:6] for _, area in rows}):
        part = [one for one in rows if one[1].startswith(county)]
        numbered = zip(store.take_numbers(county, len(part)), part, strict=True)
        for group in store.batches(numbered):
            store.add_households([_household_row(n, h, area, now) for n, (h, area) in group])
            store.add_members([m for n, (h, _) in group for m in _member_rows(n, h)])
            if progress:
                progress(len(group))


def _household_row(number: str, row: HouseholdRow, area: str, now: datetime) -> dict[str, Any]:
    keys = runtime().keys
    county = row.village[:6]
    values = _household_values(row, keys)
    if row.account:
        sealed = keys.encrypt(row.account, place=f"household:{county}:{number}:account")
        values["details"] = {**values["details"], SEALED: sealed}
    return {
        **values,
        **area_columns(area),
        "area": area,
        "county": county,
        "number": number,
        "head_key": _key(row.head, keys),
        "created_at": utc_text(now),
    }


def _household_values(row: HouseholdRow, keys: Keys) -> dict[str, Any]:
    details = {
        "category": row.category,
        "identified": row.identified,
        "bank": row.bank,
        "account_key": keys.person_key(f"account:{row.account}") if row.account else "",
        "risks": list(row.risks),
        "incomes": dict(row.incomes),
        "facts": dict(row.facts),
    }
    return {
        "national_number": row.number or None,
        "group_name": row.group,
        "head_name": row.head.name,
        "member_count": len(row.members),
        "kind": row.kind,
        "phone": row.phone,
        "details": {name: value for name, value in details.items() if value},
    }


def _member_rows(number: str, row: HouseholdRow) -> list[dict[str, Any]]:
    """The head first, then as the roster has them."""
    county = row.village[:6]
    ordered = sorted(row.members, key=lambda m: not m.is_head)
    return [_member_row(county, number, position, m) for position, m in enumerate(ordered, start=1)]


def _member_row(county: str, number: str, position: int, member: MemberRow) -> dict[str, Any]:
    keys = runtime().keys
    id_key = _key(member, keys)
    return {
        **_person_values(member),
        "county": county,
        "household": number,
        "position": position,
        "id_key": id_key,
        "id_masked": mask(member.id_number.full),
        "id_cipher": keys.encrypt(member.id_number.full, place=id_place(county, id_key)),
    }


def id_place(county: str, id_key: str) -> str:
    """Return the place to which a member's encrypted identity number is bound."""
    return f"member:{county}:{id_key}:id"


def _person_values(member: MemberRow) -> dict[str, Any]:
    details = {
        "nation": member.nation,
        "politics": member.politics,
        "education": member.education,
        "schooling": member.schooling,
        "health": list(member.health),
        "labour": member.labour,
        "phone": member.phone,
        "work_place": member.work_place,
        "work_months": member.work_months,
        "facts": dict(member.facts),
    }
    return {
        "name": member.name,
        "relation": member.relation,
        "sex": member.sex,
        "born": member.id_number.birth.isoformat(),
        "details": {name: value for name, value in details.items() if value not in ("", None, [], {})},
    }
