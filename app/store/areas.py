"""Areas: the tree from province to grid; the code's leading digits say what lies inside what."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import func, insert, select, update

from app.tables import Area, db

BATCH = 500


def find(code: str) -> Area | None:
    """Return an area by code."""
    return db.session.get(Area, code)


def children(parent: str) -> Sequence[Area]:
    """Return the areas directly inside an area, by code."""
    return db.session.scalars(select(Area).where(Area.parent == parent).order_by(Area.code)).all()


def counties() -> Sequence[Area]:
    """Return all counties of this installation, by code."""
    return db.session.scalars(select(Area).where(Area.level == "county").order_by(Area.code)).all()


def count_by_level(county: str) -> dict[str, int]:
    """Count the areas of a county by level."""
    query = select(Area.level, func.count()).where(Area.county == county).group_by(Area.level)
    return {row.level: int(row[1]) for row in db.session.execute(query)}


def with_codes(codes: Iterable[str]) -> dict[str, Area]:
    """Return areas by code; codes that are not there are left out."""
    wanted = sorted(set(codes))
    found: dict[str, Area] = {}
    for start in range(0, len(wanted), BATCH):
        rows = db.session.scalars(select(Area).where(Area.code.in_(wanted[start : start + BATCH])))
        found.update({row.code: row for row in rows})
    return found


def names_of(codes: Iterable[str]) -> dict[str, str]:
    """Return the names of areas by code."""
    return {code: row.name for code, row in with_codes(codes).items()}


def names_down_to_villages(county: str) -> dict[str, tuple[str, str, str]]:
    """Return code, name and parent's code of a county's county, townships and villages, by code."""
    query = select(Area.code, Area.name, Area.parent).where(Area.county == county)
    query = query.where(Area.level.in_(("county", "township", "village")))
    return {code: (code, name, parent or "") for code, name, parent in db.session.execute(query)}


def grids(county: str) -> dict[tuple[str, str], str]:
    """Return the codes of a county's grids by (village, name) and by (village, code)."""
    query = select(Area.code, Area.name, Area.parent).where(Area.county == county, Area.level == "grid")
    rows = db.session.execute(query).all()
    return {(str(parent), key): code for code, name, parent in rows for key in (name, code)}


def add(rows: Sequence[Mapping[str, Any]]) -> None:
    """Add areas, in one statement."""
    if rows:
        db.session.execute(insert(Area), list(rows))


def rename(code: str, name: str, parent: str | None) -> None:
    """Give an area another name or another place in the tree."""
    db.session.execute(update(Area).where(Area.code == code).values(name=name, parent=parent))
