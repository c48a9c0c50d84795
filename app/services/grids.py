"""Grids: which grid of a village a household belongs to, and so which grid member sees and visits it."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.services import areas
from app.services.areas import AreaLine
from app.store import areas as area_store
from app.store import households as store
from app.store import ledger
from app.store.transaction import reading, writing
from app.tables import Area
from workflows.errors import BadValue, NotFound, WrongOffice
from workflows.model import Actor

ASSIGNERS = ("village_cadre", "township_officer", "county_lead", "admin")
MOST_GRIDS = 999  # three digits behind the village's twelve


@dataclass(frozen=True)
class GroupLine:
    """The households of one villagers' group (组) that are filed under one grid; ``grid`` is "" for none."""

    group: str
    grid: str
    households: int


@dataclass(frozen=True)
class VillageGrids:
    """A village with its grids (code, name) and its groups."""

    village: str
    name: str
    grids: tuple[tuple[str, str], ...]
    groups: tuple[GroupLine, ...]


def may_assign(actor: Actor, area: str) -> bool:
    """Tell whether a person files the households of an area under grids."""
    return any(o.role in ASSIGNERS and o.covers(area) for o in actor.offices)


def village_grids(actor: Actor, village: str) -> VillageGrids:
    """Return a village's grids and groups; raises NotFound (no such village) or WrongOffice."""
    _ensure_assigner(actor, village)
    with reading():
        found = _village(village)
        lines = tuple(
            GroupLine(group, area if area != village else "", count)
            for group, area, count in store.groups_by_area(village[:6], village)
        )
        return VillageGrids(village, found.name, _grids(village), lines)


def grids_of(village: str) -> tuple[tuple[str, str], ...]:
    """Return (code, name) of a village's grids."""
    with reading():
        return _grids(village)


def _grids(village: str) -> tuple[tuple[str, str], ...]:
    return tuple((a.code, a.name) for a in area_store.children(village) if a.level == "grid")


def open_grid(actor: Actor, village: str, name: str) -> str:
    """Add a grid to a village and return its code; raises BadValue (name), NotFound or WrongOffice."""
    _ensure_assigner(actor, village)
    with writing() as now:
        _village(village)
        there = _grids(village)
        serial = max((int(code[-3:]) for code, _ in there), default=0) + 1
        if serial > MOST_GRIDS or name.strip() in {known for _, known in there}:
            raise BadValue(field="grid_name", value=name)
        line = AreaLine(0, f"{village}{serial:03}", name.strip(), "grid", village)
        areas.ensure_grid(line)
        area_store.add([areas.row_of(line)])
        ledger.append(village[:6], user=actor.id, kind="grid_added", subject=line.code, now=now, detail={})
        return line.code


def assign(actor: Actor, village: str, grid: str, *, groups: Sequence[str] = (), numbers: Sequence[str] = ()) -> int:
    """File a village's households (whole groups, or single ones) under a grid, or under none ("").

    Returns how many households changed; one line of the access ledger names them all. Raises BadValue (grid,
    households: nothing chosen or not of this village), NotFound or WrongOffice.
    """
    _ensure_assigner(actor, village)
    with writing() as now:
        _village(village)
        if grid and grid not in dict(_grids(village)):
            raise BadValue(field="grid", value=grid)
        if not groups and not numbers:
            raise BadValue(field="households", value="")
        chosen = store.in_village(village[:6], village, groups=groups, numbers=numbers)
        if missing := set(numbers) - set(chosen):
            raise BadValue(field="households", value=min(missing))
        area = grid or village
        moved = [number for number, before in chosen.items() if before != area]
        store.set_area(village[:6], moved, area)
        if moved:
            detail = {"households": moved}
            ledger.append(village[:6], user=actor.id, kind="grid_assigned", subject=area, now=now, detail=detail)
        return len(moved)


def _village(code: str) -> Area:
    found = area_store.find(code)
    if found is None or found.level != "village":
        raise NotFound(area=code)
    return found


def _ensure_assigner(actor: Actor, village: str) -> None:
    if not may_assign(actor, village):
        raise WrongOffice(roles=list(ASSIGNERS))
