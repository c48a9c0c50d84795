"""Papers of an area: the village's notice, lists of a township or county; rows from the same lists as the pages."""

from datetime import datetime
from typing import Any

from app.labels import Speech, short_area
from app.paper_list import Paper
from app.runtime import runtime
from app.services import lists, notices
from app.services.lists import CaseLine
from app.services.papers.case import government
from app.services.papers.made import Made, ensure_may, made, paper_named, words_of
from app.store import lists as store
from app.store.transaction import reading
from workflows.clock import parse_utc
from workflows.errors import BadValue, NotFound
from workflows.model import LEVEL_DIGITS, Actor

MOST = 5_000  # rows of one list; a county that approves more on a day prints by township
ENDS = {"village": 12, "township": 9, "county": 6}


def of_area(actor: Actor, *, paper: str, area: str, purpose: str = "") -> Made:
    """Return a paper of an area; raises NotFound (paper, area outside, nobody to list), NotAllowed or BadValue."""
    row = paper_named(paper)
    ensure_may(actor, row)
    if row.of not in ENDS:
        raise NotFound(paper=paper)
    if len(area) != 12 or not area.isdigit() or area[ENDS[row.of] :].strip("0"):
        raise BadValue(field="notice_area", value=area[:12])
    if not any(office.covers(area) for office in _printing(actor, row)):  # a narrowed token prints no whole county
        raise NotFound(area=area)
    return _notice(actor, row, area) if row.source == "notice" else _list(actor, row, area, purpose)


def places_of(actor: Actor, row: Paper) -> list[tuple[str, str]]:
    """Return (code, name) of the areas to choose from for a paper; for the notice those in which one hangs."""
    if row.source == "notice":
        return notices.villages(actor)
    digits = ENDS.get(row.of, 0)
    offices = _printing(actor, row) if digits else []
    own = {office.area[:digits].ljust(12, "0") for office in offices if LEVEL_DIGITS[office.level] == digits}
    above = {office.area for office in offices if LEVEL_DIGITS[office.level] < digits} if row.of == "township" else ()
    with reading():
        inside = {one.code: one.name for area in above for one in lists.areas_inside(lists.scope_of(actor), area)}
        return sorted({**store.area_names(own), **inside}.items())


def _printing(actor: Actor, row: Paper) -> list[Any]:
    return [office for office in actor.offices if office.role in row.roles]


def _notice(actor: Actor, row: Paper, area: str) -> Made:
    """The village's notice: its lines are made by the same whitelist as the page."""
    found = notices.notice(actor, village=area)
    begun = min(line.begins for line in found.lines)
    words = words_of(area, parse_utc(begun))
    groups: dict[str, list[dict[str, str]]] = {}
    for line in found.lines:
        cells = {
            "head": line.head_name,
            "group": line.group,
            "members": str(line.member_count),
            "category": category(words, line.category),
            "begins": words.date(line.begins),
            "ends": words.last_day(line.ends),
        }
        groups.setdefault(line.purpose, []).append(cells)
    values = {
        "village": short_area(found.village_name),
        "committee": found.village_name,
        "township": found.township_name,
        "groups": [{"purpose": name, "rows": rows} for name, rows in groups.items()],
    }
    return made(row, words, values, subject=area, now=parse_utc(begun), office=found.village_name)


def _list(actor: Actor, row: Paper, area: str, purpose: str) -> Made:
    lines, names, now = _lines(actor, row, area, purpose)
    lists.note_look(actor, area, rows=len(lines), paper=row.id)
    if not lines:
        raise NotFound(paper=row.id)
    words = words_of(area, now)
    groups: dict[str, list[dict[str, str]]] = {}
    for line in lines:
        groups.setdefault(line.case.purpose, []).append(_cells(row, line, names, words))
    county = names.get(f"{area[:6]:0<12}", area)
    townships = sorted({line.house.township for line in lines})
    to_townships = [government(names.get(code, code)) for code in townships]
    known = {
        "groups": [{"purpose": name, "rows": rows} for name, rows in groups.items()],
        "recipients": to_townships if row.of == "county" else [_lead(county, words)],
        "county": county,
        "township": names.get(area, area),
        "village": short_area(names.get(area, area)),
        "committee": names.get(area, area),
    }
    values = {name: known[name] for name in row.shows}
    return made(row, words, values, subject=area, now=now, office=office_of(row, area, names, words), issuer=area)


def _lines(actor: Actor, row: Paper, area: str, purpose: str) -> tuple[list[CaseLine], dict[str, str], datetime]:
    """Return the cases in the paper's states inside an area, by village and number, and the names of their places."""
    scope = lists.scope_of(actor)
    township = area if row.of == "township" else ""
    with reading() as now:
        found = [
            one
            for state in row.states
            for one in store.find_cases(
                scope, store.CaseFilter("household_case", state, township), store.Page((), MOST)
            )
        ]
        lines = [
            CaseLine(lists.case_of(one.CaseRow), lists.house_of(one.Household, one.village_name), "") for one in found
        ]
        lists.load_texts(line.case for line in lines)
        codes = {code for line in lines for code in (line.house.township, line.house.village)}
        names = store.area_names({*codes, area, f"{area[:6]:0<12}"})
    inside = [one for one in lines if one.case.county == area[:6] and purpose in ("", one.case.purpose)]
    return sorted(inside, key=lambda one: (one.case.purpose, one.house.village, one.case.number)), names, now


def _cells(row: Paper, line: CaseLine, names: dict[str, str], words: Speech) -> dict[str, str]:
    house = line.house
    known = {
        "head": house.head_name,
        "group": house.group,
        "members": str(house.member_count),
        "category": category(words, str(line.case.fields.get("category", ""))),
        "village": short_area(house.village_name),
        "township": short_area(names.get(house.township, house.township)),
        "number": house.number,
        "case": line.case.number,
    }
    return {name: known[name] for name in row.columns}


def category(words: Speech, name: str) -> str:
    """Return what a category is called on the day and in the place of some words; empty for none."""
    options = runtime().rules.definitions["household_case"].fields["category"].options
    return next((words.named(f"option.category.{o.id}", {"zh": o.zh, "en": o.en}) for o in options if o.id == name), "")


def office_of(row: Paper, area: str, names: dict[str, str], words: Speech) -> str:
    """Return the office that signs a paper of an area."""
    if row.of == "county":
        return _lead(names.get(area, area), words)
    return government(names.get(area, area)) if row.of == "township" else names.get(area, area)


def _lead(county: str, words: Speech) -> str:
    """The office that leads in a county; its name there begins with the county's own."""
    return f"{county}{words.say('office.lead').removeprefix('县')}"
