"""Households and their members as a roster brings them in: found by keys, numbered, added by the thousand."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import JSON, ColumnElement, Row, Text, cast, delete, func, literal, or_, select, update

from app.store.bulk import among
from app.store.statements import table
from app.store.transaction import insert_once
from app.tables import Base, CaseRow, Counter, DeadlineRow, Household, Member, Wait, db
from workflows.model import area_root

BATCH = 500
COUNTER = "household"
T = TypeVar("T")


def batches(items: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """Cut a sequence into lists of at most ``size``."""
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part


def has_households(county: str) -> bool:
    """Tell whether any household of a county is registered."""
    return db.session.scalar(select(Household.number).where(Household.county == county).limit(1)) is not None


def with_national_numbers(county: str, numbers: Iterable[str]) -> dict[str, Row[Any]]:
    """Return households by their number in the national system; their details as JSON text."""
    found = _households(county, Household.national_number, numbers)
    return {str(row.national_number): row for row in found}


def with_heads(county: str, keys: Iterable[str]) -> dict[str, Row[Any]]:
    """Return households by the key of the person who heads them; their details as JSON text."""
    return {row.head_key: row for row in _households(county, Household.head_key, keys)}


def _households(county: str, column: Any, values: Iterable[str]) -> list[Row[Any]]:
    query = select(*_with_json_text(Household)).where(Household.county == county)
    return list(db.session.execute(query.where(among(column, (v for v in values if v)))))


def households_of_people(county: str, keys: Iterable[str]) -> dict[str, str]:
    """Return the household number of each person, by person key."""
    query = select(Member.id_key, Member.household).where(Member.county == county, among(Member.id_key, keys))
    return {row.id_key: row.household for row in db.session.execute(query)}


def members_by_household(county: str, numbers: Iterable[str]) -> dict[str, list[Row[Any]]]:
    """Return the members of households, by household, in order; their details as JSON text."""
    found: dict[str, list[Row[Any]]] = {}
    query = select(*_with_json_text(Member)).where(Member.county == county, among(Member.household, numbers))
    for row in db.session.execute(query.order_by(Member.household, Member.position)):
        found.setdefault(row.household, []).append(row)
    return found


def _with_json_text(model: type[Base]) -> list[ColumnElement[Any]]:
    """A table's columns with JSON as the text that was stored: to compare many, none need be decoded."""
    columns = table(model).columns
    return [cast(c, Text).label(c.name) if isinstance(c.type, JSON) else c for c in columns]


def with_status(county: str, numbers: Iterable[str]) -> frozenset[str]:
    """Return those of some households whose monitoring status has begun."""
    subjects = {f"household:{number}": number for number in numbers}
    query = select(CaseRow.subject).where(CaseRow.county == county, CaseRow.definition == "monitor_status")
    found = db.session.scalars(query.where(among(CaseRow.subject, subjects)))
    return frozenset(subjects[subject] for subject in found)


def refile(county: str, numbers: Iterable[str]) -> None:
    """Let the work on households follow them to the village where they are now."""
    household = (Household.county == county, among(Household.number, numbers))
    case = (CaseRow.county == county, CaseRow.subject == literal("household:") + Household.number)
    places: tuple[tuple[Any, tuple[Any, ...]], ...] = (
        (CaseRow, case),
        (Wait, (*case, Wait.county == county, Wait.case == CaseRow.number)),
        (DeadlineRow, (*case, DeadlineRow.county == county, DeadlineRow.case == CaseRow.number)),
    )
    for model, joined in places:
        moved = (*household, *joined, model.village != Household.village)
        db.session.execute(
            update(model).where(*moved).values(village=Household.village, township=Household.township),
            execution_options={"synchronize_session": False},
        )


def page_of_area(area: str, after: str) -> list[Row[Any]]:
    """Return some households of an area (code of any level) behind a number, by number."""
    households = table(Household)
    query = select(*households.columns).where(Household.county == area[:6], Household.number > after)
    inside = Household.area.startswith(area_root(area), autoescape=True)
    return list(db.session.execute(query.where(inside).order_by(Household.number).limit(BATCH)))


def count_of_area(area: str, most: int) -> int:
    """Count the households of an area, up to a number."""
    inside = Household.area.startswith(area_root(area), autoescape=True)
    some = select(Household.number).where(Household.county == area[:6], inside).limit(most).subquery()
    return int(db.session.scalar(select(func.count()).select_from(some)) or 0)


def latest_fields(county: str, numbers: Iterable[str]) -> list[Row[Any]]:
    """Return (subject, definition, state, fields) of the cases of some households, the latest last."""
    query = select(CaseRow.subject, CaseRow.definition, CaseRow.state, CaseRow.fields).where(CaseRow.county == county)
    subjects = (f"household:{number}" for number in numbers)
    return list(
        db.session.execute(query.where(among(CaseRow.subject, subjects)).order_by(CaseRow.opened_at, CaseRow.number))
    )


def take_numbers(county: str, count: int) -> list[str]:
    """Give out household numbers; the counter's row stays locked until the transaction ends."""
    db.session.execute(insert_once(Counter).values(county=county, name=COUNTER, value=0))
    mine = (Counter.county == county, Counter.name == COUNTER)
    last = int(db.session.execute(select(Counter.value).where(*mine).with_for_update()).scalar_one())
    db.session.execute(update(Counter).where(*mine).values(value=last + count))
    return [f"{county}H{number:07}" for number in range(last + 1, last + count + 1)]


def change(county: str, number: str, values: Mapping[str, Any]) -> None:
    """Change a household's columns."""
    chosen = (Household.county == county, Household.number == number)
    db.session.execute(update(Household).where(*chosen).values(**values))


def remove_members(county: str, numbers: Sequence[str]) -> None:
    """Remove the members of households whose new ones follow in the same transaction."""
    for part in batches(numbers):
        db.session.execute(delete(Member).where(Member.county == county, Member.household.in_(part)))


# --- grids ---
def groups_by_area(county: str, village: str) -> list[tuple[str, str, int]]:
    """Count a village's households by group and area (the village's own code, or a grid's)."""
    columns = (Household.group_name, Household.area)
    query = select(*columns, func.count()).where(Household.county == county, Household.village == village)
    return [(r[0], r[1], int(r[2])) for r in db.session.execute(query.group_by(*columns).order_by(*columns))]


def in_village(county: str, village: str, *, groups: Sequence[str], numbers: Sequence[str]) -> dict[str, str]:
    """Return the areas of a village's households of some groups or with some numbers, by number, under lock."""
    wanted = or_(Household.group_name.in_(groups), Household.number.in_(numbers))
    query = select(Household.number, Household.area).where(Household.county == county, Household.village == village)
    rows = db.session.execute(query.where(wanted).order_by(Household.number).with_for_update())
    return {row.number: row.area for row in rows}


def set_area(county: str, numbers: Sequence[str], area: str) -> None:
    """File households under a grid, or under their village."""
    for part in batches(numbers):
        chosen = (Household.county == county, Household.number.in_(part))
        db.session.execute(update(Household).where(*chosen).values(area=area))
