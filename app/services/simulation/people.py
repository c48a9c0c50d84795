"""A county as a simulation sees it: households with income, status and what runs for them; who is in office."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from app.services.simulation.plan import is_county
from app.store import simulation as store
from app.store.transaction import reading
from workflows.clock import local_date, parse_utc
from workflows.model import Clock

GATES, STATUS, HELP = "household_case", "monitor_status", "assist"
NONE, GONE, HELPER = "none", "closed_natural", "helper"
MONITORED = ("active", "active_safety_net")
ONE_HELPER_FOR = 10  # monitored households, where nobody is a helper yet: our own default
ASSUMED = {"township_officer": 2, "township_leader": 1, "county_lead": 2, "sector_dept": 3}  # likewise
OF_VILLAGES = ("village_cadre", "resident_team")  # one a village


@dataclass(frozen=True)
class Running:
    """An open case: where it stands, its periods, steps done alongside, and the local day on which it was opened."""

    purpose: str
    state: str
    clocks: Mapping[str, Clock]
    done: tuple[str, ...]
    opened: date


@dataclass
class House:
    """A household; ``income`` is per head and year in fen as last verified, else as in the roster; None: not known."""

    number: str
    township: str
    village: str
    kind: str
    members: int
    income: int | None
    status: str = NONE
    gates: Running | None = None
    help: Running | None = None
    watch: Clock | None = None

    @property
    def is_monitored(self) -> bool:
        """Tell whether the household is in monitoring with its risk open."""
        return self.status in MONITORED

    @property
    def can_come_in(self) -> bool:
        """Tell whether it could be registered as a clue now."""
        return self.gates is None and not self.is_monitored and self.status not in (GONE, "candidate")


@dataclass(frozen=True)
class Office:
    """How many people of a role there are in a place; ``is_assumed`` where nobody holds the office."""

    role: str
    place: str
    people: int
    is_assumed: bool


@dataclass(frozen=True)
class County:
    """What was read, at one moment."""

    houses: Sequence[House]
    offices: Sequence[Office]
    now: datetime = field(compare=False)


def read_county(county: str, roles: Sequence[str], day: date) -> County:
    """Read a county in few queries, and write nothing."""
    with reading() as now:
        rows, cases = store.households(county), store.cases(county)
        offices = _offices(county, roles, day)
    houses = {row[0]: _house(row) for row in rows}
    for case in cases:
        house = houses.get(case[0].partition(":")[2])
        if house:
            _note_case(house, case)
    return County(list(houses.values()), offices, now)


def read_offices(county: str, roles: Sequence[str], day: date) -> list[Office]:
    """Read only who is in office."""
    with reading():
        return _offices(county, roles, day)


def _house(row: Sequence[Any]) -> House:
    number, township, village, kind, members, details = row
    return House(number, township, village, kind, members, _roster_income(details))


def _roster_income(details: str | None) -> int | None:
    found = json.loads(details).get("incomes", {}).get("net_per_head") if details else None
    return int(found) if found is not None else None


def _note_case(house: House, row: Sequence[Any]) -> None:
    _, definition, purpose, state, is_closed, clocks, fields, opened = row
    known = json.loads(fields) if fields else {}
    if known.get("income_per_head") is not None:
        house.income = int(known["income_per_head"])
    if definition == STATUS:
        house.status = state
    if is_closed:
        return
    found = {kind: Clock.read(clock) for kind, clock in json.loads(clocks).items()}
    if definition == STATUS:
        house.watch = found.get("observe")
        return
    running = Running(purpose, state, found, tuple(known.get("_done", ())), local_date(parse_utc(opened)))
    if definition == GATES:
        house.gates = running
    elif definition == HELP:
        house.help = running


def _held(rows: Sequence[Sequence[Any]]) -> dict[tuple[str, str], int]:
    """People by role and place: the county for its own, townships for all others."""
    found: Counter[tuple[str, str]] = Counter()
    for role, area, people in rows:
        found[role, area[:6] if len(area.rstrip("0")) <= 6 else f"{area[:9]}000"] += people
    return found


def _offices(county: str, roles: Sequence[str], day: date) -> list[Office]:
    held, helpers = _held(store.offices(county, day)), store.helpers(county)
    villages, helped = store.villages(county), store.helped(county)
    found = []
    for role in roles:
        for place in [f"{county}000000"] if is_county(role) else sorted(villages):
            people = (
                helpers.get(place, 0) if role == HELPER else held.get((role, county if is_county(role) else place), 0)
            )
            found.append(Office(role, place, people or _assumed(role, place, villages, helped), not people))
    return found


def _assumed(role: str, place: str, villages: Mapping[str, int], helped: Mapping[str, int]) -> int:
    """How many people are counted with where nobody holds an office: at least one."""
    if role == HELPER:
        return max(-(-helped.get(place, 0) // ONE_HELPER_FOR), 1)
    return villages[place] if role in OF_VILLAGES else ASSUMED[role]
