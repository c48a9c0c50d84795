"""Export of households in the layout in which rosters come: what was taken in goes out again and may come back.

ID, telephone and bank numbers go out masked unless somebody who answers for the area asks for them with a purpose;
either way it stands in the access ledger.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from app.idnumber import mask
from app.labels import Speech
from app.roster import codes, columns
from app.runtime import runtime
from app.services.areas import path_names
from app.services.prepared import SEALED, id_place
from app.store import areas as area_store
from app.store import households as store
from app.store import ledger
from app.store.transaction import reading, writing
from workflows.clock import local_date
from workflows.errors import BadValue, WrongOffice
from workflows.model import LEVEL_DIGITS, Actor

EXPORTERS = ("county_lead", "township_officer")
LONGEST_PURPOSE = 200
MOST_ON_A_PAGE = 20_000
YES, NO = "是", "否"
FIELDS = {
    **columns.AREA, **columns.HOUSEHOLD, **columns.INCOME, **columns.HOUSEHOLD_FACTS, **columns.MEMBER,
    **columns.MEMBER_FACTS,
}  # fmt: skip
HEADINGS = tuple(headings[0] for headings in FIELDS.values())
PLACE_OF = {"province": 2, "city": 4, "county": 6, "township": 9, "village": 12}

Line = list[str | float | int]
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Sealed:
    """How numbers are shown: masked, or opened with the installation's keys."""

    is_open: bool

    def identity(self, member: Row[Any]) -> str:
        """An ID number."""
        if not self.is_open:
            return str(member.id_masked)
        place = id_place(member.county, member.id_key)
        return runtime().keys.decrypt(member.id_cipher, place=place)

    def account(self, household: Row[Any]) -> str:
        """A bank account."""
        cipher = household.details.get(SEALED, "")
        if not cipher or not self.is_open:
            return ""
        return runtime().keys.decrypt(cipher, place=f"household:{household.county}:{household.head_key}:account")

    def number(self, text: str) -> str:
        """A telephone number."""
        return text if self.is_open else mask(text)


def export_households(
    actor: Actor, *, area: str = "", purpose: str = "", most: int = 0, progress: Progress | None = None
) -> Iterator[Line]:
    """Yield the lines of a roster, its headings first, of an area within the person's own.

    With a ``purpose`` numbers are whole. Raises WrongOffice, or BadValue (also for more than ``most`` households, if
    that is set), before the first line.
    """
    chosen = _area(actor, area)
    if most and _is_larger(chosen, most):
        raise BadValue(field="area_large", value=str(most))
    if len(purpose) > LONGEST_PURPOSE:
        raise BadValue(field="purpose", value=purpose[:20])
    with writing() as now:
        detail = {"area": chosen, "whole_numbers": bool(purpose), "purpose": purpose}
        ledger.append(chosen[:6], user=actor.id, kind="households_exported", subject=chosen, now=now, detail=detail)
    return _lines(chosen, _headings(chosen, now), Sealed(bool(purpose)), progress)


def _headings(area: str, now: datetime) -> list[str]:
    """The layout's headings; the one that names the group as it is called there today, where an import knows it so."""
    known = FIELDS["category"]
    said = Speech("zh", local_date(now), area).named("field.category", None)
    return [said if heading == known[0] and said in known else heading for heading in HEADINGS]


def _area(actor: Actor, area: str) -> str:
    """The area to export: as asked if it lies in an office that may, else that office's own."""
    held = [o for o in actor.offices if o.role in EXPORTERS]
    fitting = [o for o in held if not area or area.startswith(o.area[: LEVEL_DIGITS[o.level]])]
    if not fitting:
        raise WrongOffice(roles=list(EXPORTERS))
    return area or fitting[0].area


def areas(actor: Actor) -> list[tuple[str, str]]:
    """Return (code, name) of what a person may export: each office's own area, and those right below it."""
    found: dict[str, str] = {}
    with reading():
        for office in (o for o in actor.offices if o.role in EXPORTERS):
            found[office.area] = office.name
            below = area_store.children(office.area)
            found.update((area.code, area.name) for area in below if office.covers(area.code) and area.level != "grid")
    return list(found.items())


def _is_larger(area: str, most: int) -> bool:
    with reading():
        return store.count_of_area(area, most + 1) > most


def _lines(area: str, headings: Sequence[str], sealed: Sealed, progress: Progress | None) -> Iterator[Line]:
    yield list(headings)
    names: dict[str, list[str]] = {}
    after = ""
    while True:
        with reading():
            rows = store.page_of_area(area, after)
            numbers = [row.number for row in rows]
            members = store.members_by_household(area[:6], numbers)
            statuses = _statuses(area[:6], numbers)
        if not rows:
            return
        for row in rows:
            place = names.setdefault(row.area, path_names(row.area))
            for position, member in enumerate(members.get(row.number, ())):
                number = {"number": row.national_number or row.number}
                cells: dict[str, Any] = {**_place(row, place), **number, **_member(member, sealed)}
                if position == 0:
                    cells |= {**_household(row, sealed), **statuses.get(row.number, {})}
                yield [_cell(cells.get(name)) for name in FIELDS]
        if progress:
            progress(len(rows))
        after = rows[-1].number


def _statuses(county: str, numbers: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What the households' own cases say of monitoring and help: it holds, whatever a roster once said."""
    found: dict[str, dict[str, Any]] = {}
    for row in store.latest_fields(county, numbers):
        fields = json.loads(row.fields)
        cells = found.setdefault(row.subject.partition(":")[2], {})
        if row.definition == "monitor_status":
            cells |= dict.fromkeys(("identified", "eliminated", "helper", "measures"), "")
            cells["identified"] = _day(fields.get("included_on"))
            cells["eliminated"] = _day(fields.get("eliminated_on")) if row.state.startswith("eliminated") else ""
        if row.definition == "assist" and fields.get("helper"):
            cells["helper"] = fields["helper"]["name"]
        if fields.get("category"):
            cells["category"] = codes.label(codes.CATEGORY, fields["category"])
    return found


def _day(iso: str | None) -> str:
    return (iso or "").replace("-", "")


def _cell(value: Any) -> str | float | int:
    if isinstance(value, bool):
        return YES if value else NO
    return "" if value is None else value


def _place(row: Row[Any], names: Sequence[str]) -> dict[str, Any]:
    """Province, county, township, village and grid by name; a municipality has no level between."""
    by_level = list(names)
    grid = by_level.pop() if len(row.area) > LEVEL_DIGITS["village"] else ""
    village, township, county = by_level[-1], by_level[-2], by_level[-3]
    return {
        "province": by_level[0], "county": county, "township": township, "village": village,
        "village_code": row.village, "grid": grid, "group": row.group_name,
    }  # fmt: skip


def _household(row: Row[Any], sealed: Sealed) -> dict[str, Any]:
    details: Mapping[str, Any] = row.details
    risks = {f"risk{n}": codes.label(codes.RISK, risk) for n, risk in enumerate(details.get("risks", ()), start=1)}
    incomes = {name: fen / 100 for name, fen in details.get("incomes", {}).items()}
    return {
        **risks, **incomes, **details.get("facts", {}),
        "number": row.national_number or row.number,
        "kind": codes.label(codes.KIND, row.kind),
        "category": codes.label(codes.CATEGORY, details.get("category", "")),
        "identified": details.get("identified", ""),
        "eliminated": details.get("eliminated", ""),
        "helper": details.get("helper", ""),
        "measures": "、".join(codes.label(codes.MEASURE, one) for one in details.get("measures", ())),
        "household_phone": sealed.number(row.phone),
        "bank": details.get("bank", ""),
        "account": sealed.account(row),
    }  # fmt: skip


def _member(member: Row[Any], sealed: Sealed) -> dict[str, Any]:
    details: Mapping[str, Any] = json.loads(member.details)
    return {
        **details.get("facts", {}),
        "name": member.name,
        "sex": codes.label(codes.SEX, member.sex),
        "birth": member.born.replace("-", ""),
        "document": "居民身份证",
        "id": sealed.identity(member),
        "nation": details.get("nation", ""),
        "relation": codes.label(codes.RELATION, member.relation),
        "politics": codes.label(codes.POLITICS, details.get("politics", "")),
        "education": codes.label(codes.EDUCATION, details.get("education", "")),
        "schooling": codes.label(codes.SCHOOLING, details.get("schooling", "")),
        "health": "，".join(codes.label(codes.HEALTH, one) for one in details.get("health", ())),
        "labour": codes.label(codes.LABOUR, details.get("labour", "")),
        "phone": sealed.number(details.get("phone", "")),
        "work_place": details.get("work_place", ""),
        "work_months": details.get("work_months"),
    }
