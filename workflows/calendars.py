"""The official working-day calendar of China as data: holidays on weekdays and worked weekends."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cache, cached_property, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from workflows.calendar_file import (
    FORMAT,
    Document,
    Reader,
    Stretch,
    Words,
    document_of,
    festivals,
    is_weekend,
    read_table,
    read_years,
)
from workflows.journal import canonical
from workflows.journal import digest as digest_of

DEFAULT_CALENDAR = Path(__file__).parent / "policies" / "calendars" / "cn-workdays.toml"
# What a limit may name as its calendar; every limit in working days counts by it.
KNOWN = ("cn-workdays",)

DayKind = Literal[
    "working_day",
    "makeup_workday",
    "weekend",
    "holiday",
    "closing_day",
    "provisional_working_day",
    "provisional_rest_day",
]

# The notice for a year also moves days at the end of the year before it: 29 December was worked
# for the New Year of 2008 and of 2019, and nothing earlier ever was (2004-2026). Until that next
# notice is in, the last three days of the last covered year are therefore not certain.
_LAST_CERTAIN_DAY = (12, 28)


@dataclass(frozen=True)
class Calendar:
    """Which days are worked from 1 January `first_year` to the end of `last_year`.

    `holidays` holds weekdays that are off, `workdays` holds weekend days that are worked (调休), `closings` days on
    which the county's own offices are closed. Outside the covered days only weekends are off, and such days count as
    provisional (暂定). `years` and `changes` are the documents that it was put together from.
    Raises ValueError if a day stands in the wrong list or outside the covered years.
    """

    holidays: frozenset[date]
    workdays: frozenset[date]
    first_year: int
    last_year: int
    version: str
    closings: frozenset[date] = frozenset()
    names: Mapping[date, Words] = field(default_factory=dict, compare=False, repr=False)
    years: tuple[Document, ...] = field(default=(), repr=False, hash=False)
    changes: tuple[Document, ...] = field(default=(), repr=False, hash=False)

    def __post_init__(self) -> None:
        if self.first_year > self.last_year:
            raise ValueError(f"first_year {self.first_year} is after last_year {self.last_year}")
        for day in sorted(self.holidays | self.workdays):
            self._ensure_plausible(day)

    def _ensure_plausible(self, day: date) -> None:
        if not self.first_year <= day.year <= self.last_year:
            raise ValueError(f"{day} is outside the years {self.first_year} to {self.last_year}")
        if day in self.holidays and is_weekend(day):
            raise ValueError(f"holidays: {day} is a weekend day and off anyway")
        if day in self.workdays and not is_weekend(day):
            raise ValueError(f"workdays: {day} is not a weekend day and worked anyway")

    @cached_property
    def text(self) -> str:
        """The calendar in its format as canonical JSON: what is kept and hashed."""
        years = self.years or _unnamed_years(self)
        rows = [{k: v for k, v in year.as_table().items() if k not in ("format", "kind", "names")} for year in years]
        changes = [{k: v for k, v in change.as_table().items() if k != "format"} for change in self.changes]
        names: dict[str, Words] = _used(years)
        names |= {key: words for document in years for key, words in document.own_names().items()}
        return canonical({
            "format": FORMAT, "kind": "calendar", "version": self.version, "years": rows,
            **({"changes": changes} if changes else {}), "names": names,
        })  # fmt: skip

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the text, 64 hex digits."""
        return digest_of(self.text)

    def is_working_day(self, day: date) -> bool:
        """Tell whether offices work on this day; beyond the covered days by weekends alone."""
        if isinstance(day, datetime):
            # A datetime passes for a date but never equals one: every holiday would be worked.
            raise TypeError(f"{day} is a moment; a local day is needed")
        if day in self.closings:
            return False
        if is_weekend(day):
            return day in self.workdays
        return day not in self.holidays

    def is_covered(self, day: date) -> bool:
        """Tell whether official notices settle this day; if not, answers are provisional."""
        return date(self.first_year, 1, 1) <= day <= date(self.last_year, *_LAST_CERTAIN_DAY)

    def day_kind(self, day: date) -> DayKind:
        """Name why a day is worked or off."""
        if day in self.closings:
            return "closing_day"
        if not self.is_covered(day):
            worked = self.is_working_day(day)
            return "provisional_working_day" if worked else "provisional_rest_day"
        if is_weekend(day):
            return "makeup_workday" if day in self.workdays else "weekend"
        return "holiday" if day in self.holidays else "working_day"

    def name_of(self, day: date) -> Words | None:
        """Return what a day belongs to, {zh, en}: its festival (weekend and make-up days too), its closing; or None."""
        return self.names.get(day)


def working_days_between(a: date, b: date, *, calendar: Calendar) -> int:
    """Count the working days after `a` up to and with `b`; negative when `b` is before `a`.

    Fits `due`: from the start day to the last day of WorkingDays(n) there are n of them.
    """
    if b < a:
        return -working_days_between(b, a, calendar=calendar)
    days = (a + timedelta(days=step) for step in range(1, (b - a).days + 1))
    return sum(calendar.is_working_day(day) for day in days)


def load_calendar(path: Path | None = None) -> Calendar:
    """Read a calendar file, by default the one shipped; ValueError names file, key and value."""
    return _shipped_calendar() if path is None else _read(path)


@cache
def _shipped_calendar() -> Calendar:
    return _read(DEFAULT_CALENDAR)


def _read(path: Path) -> Calendar:
    return parse_calendar(path.read_text(encoding="utf-8"), file=path.name)


def parse_calendar(text: str, *, file: str = "") -> Calendar:
    """Read a calendar in TOML; raise BadCalendar with every mistake."""
    return _calendar(read_table(text, file=file), Reader(text), file)


@lru_cache(maxsize=64)
def kept_calendar(text: str) -> Calendar:
    """Read a calendar's kept text (`Calendar.text`)."""
    return _calendar(json.loads(text), Reader(), "")


def _calendar(table: Mapping[str, Any], reader: Reader, file: str) -> Calendar:
    if table["kind"] != "calendar":
        reader.fault("kind", "no_calendar", table["kind"])
    elif reader.has_keys("calendar", table, "calendar", "format", "kind"):
        version = reader.texts(table, "calendar", "version").get("version", "")
        years, changes = read_years(table, reader), tuple(document_of(row, reader) for row in table.get("changes", ()))
        if not reader.faults:
            return put_together(version, years, changes, reader=reader, file=file)
    reader.ensure_sound(file)
    raise AssertionError  # pragma: no cover - a table without mistakes has been returned


def put_together(
    version: str,
    years: Sequence[Document],
    changes: Sequence[Document] = (),
    *,
    reader: Reader | None = None,
    file: str = "",
) -> Calendar:
    """Return the calendar of some notices and of what changes them, later over earlier.

    Raises BadCalendar where a day stands in two notices, or where a change touches a year that no notice covers.
    """
    reader = reader or Reader()
    laid = _Laid(reader, last_year=years[-1].year, first_year=years[0].year)
    for notice in years:
        laid.lay_notice(notice)
    for change in changes:
        laid.lay_change(change)
    reader.ensure_sound(file)
    return Calendar(
        frozenset(laid.holidays), frozenset(laid.workdays), years[0].year, years[-1].year, version,
        frozenset(laid.closings), laid.names, tuple(years), tuple(changes),
    )  # fmt: skip


class _Laid:
    """The days as one document after the other is laid over them."""

    def __init__(self, reader: Reader, *, first_year: int, last_year: int) -> None:
        self.reader, self.first_year, self.last_year = reader, first_year, last_year
        self.holidays, self.workdays, self.closings = set[date](), set[date](), set[date]()
        self.names: dict[date, Words] = {}
        self._seen: dict[date, str] = {}

    def lay_notice(self, notice: Document) -> None:
        for row in notice.days:
            for key, days in (("off", row.off), ("worked", row.worked)):
                for day in days:
                    self._see(day, f"{notice.year}.{'+'.join(row.names)}.{key}", is_worked=key == "worked")
            self._put(row)

    def _see(self, day: date, where: str, *, is_worked: bool) -> None:
        if day in self._seen:
            self.reader.fault(where, "twice", day, more=self._seen[day])
        self._seen[day] = where
        if is_worked and not is_weekend(day):
            self.reader.fault(where, "weekday_worked", day)
        if not self.first_year <= day.year <= self.last_year and day.month != 12:
            self.reader.fault(where, "other_year", day)

    def lay_change(self, change: Document) -> None:
        for row in change.days:
            if change.kind == "closing":
                self.closings |= set(row.off)
                self.names.update(dict.fromkeys(row.off, row.words))
                continue
            for day in row.all_days:
                if not self.first_year <= day.year <= self.last_year:
                    self.reader.fault(f"{change.kind} {change.number}", "not_covered", day, more=str(day.year))
            self._put(row)

    def _put(self, row: Stretch) -> None:
        for day in row.all_days:
            self.holidays.discard(day)
            self.workdays.discard(day)
            self.names.pop(day, None)
        # The days of a first notice that lie in the year before it are another calendar's.
        inside = [day for day in row.off if self.first_year <= day.year]
        self.holidays |= {day for day in inside if not is_weekend(day)}
        worked = [day for day in row.worked if self.first_year <= day.year and is_weekend(day)]
        self.workdays |= set(worked)
        self.names.update(dict.fromkeys((*inside, *worked), row.words))


def _used(years: Iterable[Document]) -> dict[str, Words]:
    used = {key for year in years for row in year.days for key in row.names}
    return {key: dict(words) for key, words in festivals().items() if key in used}


def _unnamed_years(calendar: Calendar) -> tuple[Document, ...]:
    """The years of a calendar that was made from bare days, as some tests do."""
    words = {"zh": "假日", "en": "holiday"}
    found = []
    for year in range(calendar.first_year, calendar.last_year + 1):
        off, worked = (
            tuple(sorted(d for d in days if d.year == year)) for days in (calendar.holidays, calendar.workdays)
        )
        rows = (Stretch((), words, off, worked),) if off or worked else ()
        found.append(Document("notice", rows, year))
    return tuple(found)


# --- composing -------------------------------------------------------------------------------------------------------
def composed(base: Calendar, documents: Iterable[Document], county: str) -> Calendar:
    """Return the calendar of a county: the base with all documents in force that are for it, in their order.

    A notice replaces the year of the base with the same number. Raises BadCalendar (a gap between years, a day twice).
    """
    fitting = [document for document in documents if county.startswith(document.area)]
    if not fitting:
        return base
    notices = {document.year: document for document in (*base.years, *fitting) if document.kind == "notice"}
    reader = Reader()
    years = [notices[year] for year in sorted(notices)]
    _ensure_no_gap(years, reader)
    changes = (*base.changes, *(document for document in fitting if document.kind != "notice"))
    return put_together(_version(base.version, fitting), years, changes, reader=reader)


def _ensure_no_gap(years: Sequence[Document], reader: Reader) -> None:
    for before, after in pairwise(years):
        if after.year != before.year + 1:
            reader.fault("notice.year", "gap", after.year, more=str(before.year + 1))
    reader.ensure_sound()


def _version(base: str, documents: Iterable[Document]) -> str:
    """The base's version with a short mark for each document: what people read; the digest decides."""
    return "+".join([base, *(mark_of(document) for document in documents)])


def mark_of(document: Document) -> str:
    """Return a short mark of a document: its year, or letter and first digits of its digest."""
    if document.kind == "notice":
        return str(document.year)
    return f"{document.kind[0]}{digest_of(canonical(document.as_table()))[:6]}"


def check_fits(calendar: Calendar, document: Document) -> Calendar:
    """Return the calendar with one more document; raise BadCalendar when it does not fit what is in force.

    A notice must be of the year that follows, a change must touch covered days only and change something.
    """
    reader = Reader()
    if document.kind == "notice" and document.year <= calendar.last_year:
        reader.fault("notice.year", "covered", document.year)
    elif document.kind == "notice" and document.year != calendar.last_year + 1:
        reader.fault("notice.year", "gap", document.year, more=str(calendar.last_year + 1))
    if document.kind == "closing":
        for row in document.days:
            for day in row.off:
                if not calendar.is_working_day(day):
                    reader.fault("days.off", "closed_anyway", day)
    reader.ensure_sound()
    # The document's own place has been looked at; here only days are laid over each other.
    return composed(calendar, [replace(document, area="")], "")
