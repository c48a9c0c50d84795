"""What the exception lists read: one query a list and page, newest first, never one a row.

Each source is told the scope, the thresholds and options of its list, an area, a span of time and a page. It answers
rows (county, case, seq, at) with facts of its own; ``seq`` is 0 where no entry stands behind a row.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    ColumnElement,
    Float,
    Integer,
    RowMapping,
    String,
    and_,
    case,
    cast,
    extract,
    func,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
)
from sqlalchemy.orm import aliased

from app.store.lists import LATE_MODES, Page, Scope, _inside, _needs_household, _of_household, visible
from app.store.transaction import is_sqlite
from app.tables import (
    CaseRow,
    CommandRow,
    DeadlineRow,
    DisclosureRow,
    EvidenceFile,
    EvidenceUse,
    Household,
    JournalRow,
    Substitution,
    db,
)
from app.tables.texts import band_of, gate_of, taken_of

Query = Any
DAY, HOUR = 86_400, 3_600
MICRO_OF_METRE = 8.983  # micro-degrees of latitude in a metre
WIDEST = 1.75  # so many more of longitude are in a metre at 55 degrees north; China ends at 53.6
FOR_NOBODY = '"behalf":null'


@dataclass(frozen=True)
class Cut:
    """What a list is asked for: thresholds and options, area (12 digits or empty), UTC texts from and up to, now."""

    numbers: Mapping[str, int]
    options: Mapping[str, Sequence[str]]
    area: str
    since: str
    until: str
    now: str


@dataclass(frozen=True)
class Row:
    """A row of any list: the case, the entry (0: none), when, what tells it from others of that time, its facts."""

    county: str
    case: str
    seq: int
    at: str
    mark: str
    facts: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, str, int, str]:
        """The place in a list."""
        return self.at, self.case, self.seq, self.mark


BASE = ("county", "case", "seq", "at", "mark")


def key_of(page: Page) -> tuple[str, str, int, str] | None:
    """Return the place after which a page begins; None at the beginning, or for a key of another list."""
    if len(page.after) != 4 or not page.after[2].isdigit():
        return None
    return page.after[0], page.after[1], int(page.after[2]), page.after[3]


def page_of_list(source: str, scope: Scope, cut: Cut, page: Page) -> list[Row]:
    """Return the rows of a page and one more, newest first."""
    found = SOURCES[source](scope, cut).subquery()
    key = [found.c.at, found.c.case, found.c.seq, found.c.mark]
    query = select(found)
    if after := key_of(page):
        query = query.where(tuple_(*key) < tuple_(*after))
    rows = db.session.execute(query.order_by(*(column.desc() for column in key)).limit(page.size + 1)).mappings()
    return [_read(row) for row in rows]


def _read(row: RowMapping) -> Row:
    facts = {name: value for name, value in row.items() if name not in BASE}
    return Row(row["county"], row["case"], row["seq"], row["at"], row["mark"], facts)


def count_of_list(source: str, scope: Scope, cut: Cut, most: int) -> int:
    """Count the rows of a list, up to ``most`` + 1."""
    some = SOURCES[source](scope, cut).limit(most + 1).subquery()
    return int(db.session.scalar(select(func.count()).select_from(some)) or 0)


def seconds(column: Any) -> ColumnElement[int]:
    """Return the seconds since 1970 of a UTC text."""
    if is_sqlite():
        return cast(func.strftime("%s", column), BigInteger)
    return cast(extract("epoch", cast(column, TIMESTAMP(timezone=True))), BigInteger)


def _row(model: Any, at: Any, *, seq: Any = None, mark: Any = None, **facts: Any) -> Query:
    """A select of what every list answers, of a table with county and case."""
    columns = (model.county, model.case, (literal(0) if seq is None else seq).label("seq"), at.label("at"))
    marked = (literal("") if mark is None else mark).label("mark")
    return select(*columns, marked, *(column.label(name) for name, column in facts.items()))


def _seen(query: Query, model: Any, scope: Scope, cut: Cut, at: Any) -> Query:
    """Narrow a query to the cases of a scope, an area and a time."""
    query = query.join(CaseRow, and_(CaseRow.county == model.county, CaseRow.number == model.case))
    query = query.join(Household, _of_household()) if _needs_household(scope) else query
    query = query.where(visible(scope, CaseRow))
    query = query.where(_inside(cut.area, CaseRow)) if cut.area else query
    query = query.where(at >= cut.since) if cut.since else query
    return query.where(at < cut.until) if cut.until else query


def _with_entry(query: Query, model: Any) -> Query:
    key = (JournalRow.county == model.county, JournalRow.case == model.case, JournalRow.seq == model.seq)
    return query.join(JournalRow, and_(*key))


def _signed(query: Query) -> Query:
    """Keep what was signed at a gate; the entry's text is asked last, of what is left."""
    return _with_entry(query, CommandRow).where(gate_of(JournalRow.text) != "")


def quick(scope: Scope, cut: Cut) -> Query:
    """Signatures sent within so many seconds of the opening of their form."""
    taken = taken_of(CommandRow.key, CommandRow.at)
    query = _row(CommandRow, CommandRow.at, seq=CommandRow.seq, seconds=taken)
    query = _seen(query, CommandRow, scope, cut, CommandRow.at)
    return _signed(query.where(taken <= cut.numbers["seconds"]))


def night(scope: Scope, cut: Cut) -> Query:
    """Signatures by people between two hours of China's clock."""
    begins, ends = cut.numbers["begins"], cut.numbers["ends"]
    local = [hour for hour in range(24) if (begins <= hour < ends if begins <= ends else hour >= begins or hour < ends)]
    hours = [f"{(hour - 8) % 24:02}" for hour in local]
    query = _seen(_row(CommandRow, CommandRow.at, seq=CommandRow.seq), CommandRow, scope, cut, CommandRow.at)
    return _signed(query.where(CommandRow.user != "system", func.substr(CommandRow.at, 12, 2).in_(hours)))


def same_sentence(scope: Scope, cut: Cut) -> Query:
    """Personal texts that stand in many entries of a county word for word."""
    names, value = cut.options["fields"], DisclosureRow.value
    counties = sorted({office.area[:6] for office in scope.offices})
    of_field = and_(DisclosureRow.field.in_(names), func.length(value) >= cut.numbers["letters"])
    often = select(DisclosureRow.county, value, func.count().label("count"))
    often = often.where(DisclosureRow.county.in_(counties), of_field).group_by(DisclosureRow.county, value)
    some = often.having(func.count() >= cut.numbers["count"]).subquery()
    query = _row(DisclosureRow, JournalRow.at, seq=DisclosureRow.seq, mark=DisclosureRow.field,
                 count=some.c.count, sentence=value)  # fmt: skip
    query = query.join(some, and_(some.c.county == DisclosureRow.county, some.c.value == value)).where(of_field)
    return _seen(_with_entry(query, DisclosureRow), DisclosureRow, scope, cut, JournalRow.at)


def short_notice(scope: Scope, cut: Cut) -> Query:
    """Minimum periods of notices that ended as done before their end, or are shorter than so many whole days."""
    is_met = DeadlineRow.ended_how == "met"
    ended = case((is_met, DeadlineRow.ended_at), else_=DeadlineRow.due_at)
    length = seconds(ended) - seconds(DeadlineRow.start_at)
    is_short = or_(length < cut.numbers["days"] * DAY, and_(is_met, DeadlineRow.ended_at < DeadlineRow.due_at))
    mark = DeadlineRow.kind + "." + cast(DeadlineRow.generation, String)
    query = _row(DeadlineRow, DeadlineRow.start_at, mark=mark, timer=DeadlineRow.kind,
                 hours=cast(length / HOUR, Integer))  # fmt: skip
    query = query.where(DeadlineRow.kind.in_(cut.options["timers"]), DeadlineRow.bound == "min", is_short)
    query = query.where(or_(DeadlineRow.ended_how.is_(None), is_met))
    return _seen(query, DeadlineRow, scope, cut, DeadlineRow.start_at)


def late(scope: Scope, cut: Cut) -> Query:
    """Maxima that ended late, and those that run and should have been met."""
    is_open = and_(DeadlineRow.ended_how.is_(None), DeadlineRow.due_at <= cut.now)
    ended = func.coalesce(DeadlineRow.ended_at, cut.now)
    days = cast((seconds(ended) - seconds(DeadlineRow.due_at)) / DAY, Integer)
    mark = DeadlineRow.kind + "." + cast(DeadlineRow.generation, String)
    query = _row(DeadlineRow, DeadlineRow.due_at, mark=mark, timer=DeadlineRow.kind, days=days)
    query = query.where(DeadlineRow.bound == "max", DeadlineRow.mode.in_(LATE_MODES))
    query = query.where(or_(DeadlineRow.ended_how == "late", is_open), days >= cut.numbers["days"])
    return _seen(query, DeadlineRow, scope, cut, DeadlineRow.due_at)


def visits(scope: Scope, cut: Cut) -> Query:
    """Visits that one person recorded soon after a visit to another household."""
    key = (CommandRow.county == EvidenceUse.county, CommandRow.case == EvidenceUse.case,
           CommandRow.seq == EvidenceUse.seq)  # fmt: skip
    each = select(EvidenceUse.county, EvidenceUse.case, EvidenceUse.seq, CommandRow.at, CommandRow.user)
    each = each.join(CommandRow, and_(*key)).where(EvidenceUse.kind.in_(cut.options["kinds"])).distinct()
    counties = sorted({office.area[:6] for office in scope.offices})
    one = each.where(EvidenceUse.county.in_(counties)).subquery()
    whose, when = (one.c.county, one.c.user), (one.c.at, one.c.case)
    before = func.lag(one.c.at).over(partition_by=whose, order_by=when).label("before")
    other = func.lag(one.c.case).over(partition_by=whose, order_by=when).label("other")
    pair = select(one, before, other).subquery()
    apart = seconds(pair.c.at) - seconds(pair.c.before)
    query = _row(pair.c, pair.c.at, seq=pair.c.seq, other=pair.c.other, minutes=cast(apart / 60, Integer))
    query = query.where(_house(pair.c.case) != _house(pair.c.other), apart < cut.numbers["minutes"] * 60)
    return _seen(query, pair.c, scope, cut, pair.c.at)


def _house(column: Any) -> ColumnElement[str]:
    """The household of a case's number (500241H0000001-A1): its first fourteen signs."""
    return func.substr(column, 1, 14)


def places(scope: Scope, cut: Cut) -> Query:
    """Visits with a photo that one person took near, and soon after, a photo of another household; the nearest.

    Near photos are found by index: in the bands of the map that the square around a photo touches, from west to east.
    """
    one, two = aliased(EvidenceFile), aliased(EvidenceFile)
    use, other = aliased(EvidenceUse), aliased(EvidenceUse)
    counties = sorted({office.area[:6] for office in scope.offices})
    square = _square_metres(one, two)
    near = select(use.county, use.case, use.seq, other.case.label("other"), cast(square, BigInteger).label("square"))
    near = near.select_from(one).join(two, _is_around(one, two, cut.numbers["metres"]))
    near = near.join(use, and_(use.county == one.county, use.sha256 == one.sha256))
    near = near.join(other, and_(other.county == two.county, other.sha256 == two.sha256))
    apart = seconds(_taken(one)) - seconds(_taken(two))
    near = near.where(apart.between(0, cut.numbers["hours"] * HOUR), or_(apart > 0, use.case > other.case))
    near = near.where(one.county.in_(counties), one.latitude.is_not(None), square <= cut.numbers["metres"] ** 2)
    near = near.where(*(each.kind.in_(cut.options["kinds"]) for each in (use, other)))
    pair = near.where(_house(use.case) != _house(other.case)).subquery()
    order = (pair.c.square, pair.c.other)
    visit = (pair.c.county, pair.c.case, pair.c.seq)
    nth = func.row_number().over(partition_by=visit, order_by=order).label("nth")
    first = select(pair, nth).subquery()
    query = _row(first.c, JournalRow.at, seq=first.c.seq, other=first.c.other, square=first.c.square)
    return _seen(_with_entry(query.where(first.c.nth == 1), first.c), first.c, scope, cut, JournalRow.at)


def _taken(photo: Any) -> ColumnElement[str]:
    return func.coalesce(photo.taken_at, photo.uploaded_at)


def _is_around(one: Any, two: Any, metres: int) -> ColumnElement[bool]:
    """Whether a photo lies in the square around another of the same person; a side is at most a band's height."""
    high = int(metres * MICRO_OF_METRE) + 1
    wide = int(high * WIDEST) + 1
    bands = [band_of(one.latitude + literal_column(str(step), Integer)) for step in (-high, high)]
    return and_(
        two.county == one.county,
        two.uploaded_by == one.uploaded_by,
        band_of(two.latitude).in_(bands),
        two.longitude.between(one.longitude - wide, one.longitude + wide),
        two.latitude.is_not(None),
    )


def _square_metres(one: Any, two: Any) -> ColumnElement[Any]:
    """The square of the distance of two photos; the cosine by its series, as not every SQLite knows one."""
    north = cast(one.latitude - two.latitude, Float) / MICRO_OF_METRE
    arc = cast(one.latitude, Float) * (math.pi / 180 / 1_000_000)
    cosine = 1.0 - arc * arc * (0.5 - arc * arc * (1 / 24 - arc * arc / 720))
    east = cast(one.longitude - two.longitude, Float) / MICRO_OF_METRE * cosine
    return north * north + east * east


def substitutes(scope: Scope, cut: Cut) -> Query:
    """Acts of substitutes in the office of an absent person."""
    stands_in = and_(
        Substitution.county == CommandRow.county,
        literal("u") + cast(Substitution.substitute_id, String) == CommandRow.user,
    )
    known = select(Substitution.id).where(stands_in).exists()
    query = _seen(_row(CommandRow, CommandRow.at, seq=CommandRow.seq), CommandRow, scope, cut, CommandRow.at)
    return _with_entry(query.where(known), CommandRow).where(JournalRow.text.not_like(f"%{FOR_NOBODY}%"))


def photo_uses(scope: Scope, kinds: Sequence[str]) -> Sequence[Any]:
    """Return where photos of some kinds serve: county, case, seq, at, sha256, shown (digest of the copy), village."""
    key = (JournalRow.county == EvidenceUse.county, JournalRow.case == EvidenceUse.case,
           JournalRow.seq == EvidenceUse.seq)  # fmt: skip
    filed = and_(EvidenceFile.county == EvidenceUse.county, EvidenceFile.sha256 == EvidenceUse.sha256)
    query = select(EvidenceUse.county, EvidenceUse.case, EvidenceUse.seq, EvidenceUse.sha256, JournalRow.at,
                   EvidenceFile.shown_sha256.label("shown"), CaseRow.village)  # fmt: skip
    query = query.join(CaseRow, and_(CaseRow.county == EvidenceUse.county, CaseRow.number == EvidenceUse.case))
    query = query.join(JournalRow, and_(*key)).join(EvidenceFile, filed)
    query = query.join(Household, _of_household()) if _needs_household(scope) else query
    query = query.where(
        EvidenceUse.kind.in_(kinds), EvidenceFile.shown_mime.startswith("image/"), visible(scope, CaseRow)
    )
    return db.session.execute(query).all()


SOURCES: Mapping[str, Callable[[Scope, Cut], Query]] = {
    "quick": quick,
    "night": night,
    "same_sentence": same_sentence,
    "short_notice": short_notice,
    "late": late,
    "visits": visits,
    "places": places,
    "substitutes": substitutes,
}


def entry_texts(keys: Sequence[tuple[str, str, int]]) -> dict[tuple[str, int], str]:
    """Return the texts of some entries (county, case, number), by case and number; one query."""
    columns = (JournalRow.county, JournalRow.case, JournalRow.seq)
    if not keys:
        return {}
    query = select(JournalRow.case, JournalRow.seq, JournalRow.text).where(tuple_(*columns).in_(keys))
    return {(row.case, row.seq): row.text for row in db.session.execute(query)}
