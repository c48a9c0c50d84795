"""The official working-day calendar of China as data: holidays on weekdays and worked weekends."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import Literal, cast

from workflows.journal import canonical, digest

DEFAULT_CALENDAR = Path(__file__).parent / "policies" / "calendars" / "cn-workdays.toml"

DayKind = Literal[
    "working_day",
    "makeup_workday",
    "weekend",
    "holiday",
    "provisional_working_day",
    "provisional_rest_day",
]

_SATURDAY = 5
_KEYS = {"first_year", "last_year", "version", "holidays", "workdays"}

# The notice for a year also moves days at the end of the year before it: 29 December was worked
# for the New Year of 2008 and of 2019, and nothing earlier ever was (2004-2026). Until that next
# notice is in, the last three days of the last covered year are therefore not certain.
_LAST_CERTAIN_DAY = (12, 28)


@dataclass(frozen=True)
class Calendar:
    """Which days are worked from 1 January `first_year` to the end of `last_year`.

    `holidays` holds weekdays that are off, `workdays` holds weekend days that are worked (调休).
    Outside the covered days only weekends are off, and such days count as provisional (暂定).
    Raises ValueError if a day stands in the wrong list or outside the covered years.
    """

    holidays: frozenset[date]
    workdays: frozenset[date]
    first_year: int
    last_year: int
    version: str

    def __post_init__(self) -> None:
        if self.first_year > self.last_year:
            raise ValueError(f"first_year {self.first_year} is after last_year {self.last_year}")
        for day in sorted(self.holidays | self.workdays):
            self._ensure_plausible(day)

    def _ensure_plausible(self, day: date) -> None:
        if not self.first_year <= day.year <= self.last_year:
            raise ValueError(f"{day} is outside the years {self.first_year} to {self.last_year}")
        if day in self.holidays and _is_weekend(day):
            raise ValueError(f"holidays: {day} is a weekend day and off anyway")
        if day in self.workdays and not _is_weekend(day):
            raise ValueError(f"workdays: {day} is not a weekend day and worked anyway")

    @cached_property
    def digest(self) -> str:
        """The hash of what this calendar says."""
        days = [sorted(map(str, group)) for group in (self.holidays, self.workdays)]
        return digest(canonical([self.first_year, self.last_year, *days]))

    def is_working_day(self, day: date) -> bool:
        """Tell whether offices work on this day; beyond the covered days by weekends alone."""
        if isinstance(day, datetime):
            # A datetime passes for a date but never equals one: every holiday would be worked.
            raise TypeError(f"{day} is a moment; a local day is needed")
        if _is_weekend(day):
            return day in self.workdays
        return day not in self.holidays

    def is_covered(self, day: date) -> bool:
        """Tell whether official notices settle this day; if not, answers are provisional."""
        return date(self.first_year, 1, 1) <= day <= date(self.last_year, *_LAST_CERTAIN_DAY)

    def day_kind(self, day: date) -> DayKind:
        """Name why a day is worked or off."""
        if not self.is_covered(day):
            worked = self.is_working_day(day)
            return "provisional_working_day" if worked else "provisional_rest_day"
        if _is_weekend(day):
            return "makeup_workday" if day in self.workdays else "weekend"
        return "holiday" if day in self.holidays else "working_day"


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
    try:
        return _calendar(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error


def _calendar(table: Mapping[str, object]) -> Calendar:
    _ensure_keys(table)
    first, last, version = table["first_year"], table["last_year"], table["version"]
    if type(first) is not int or type(last) is not int:
        raise ValueError(f"first_year = {first!r}, last_year = {last!r}: must be whole numbers")
    if not isinstance(version, str) or not version:
        raise ValueError(f"version = {version!r}: must be a text")
    holidays = _days("holidays", table["holidays"])
    missing = [str(year) for year in range(first, last + 1) if year not in holidays]
    if missing:
        # A year without its list would pass for a year without holidays.
        raise ValueError(f"holidays: no list for {', '.join(missing)}")
    workdays = _days("workdays", table["workdays"])
    return Calendar(_union(holidays), _union(workdays), first, last, version)


def _ensure_keys(table: Mapping[str, object]) -> None:
    if missing := _KEYS - table.keys():
        raise ValueError(f"missing keys: {', '.join(sorted(missing))}")
    if unknown := table.keys() - _KEYS:
        raise ValueError(f"unknown keys: {', '.join(sorted(unknown))}")


def _days(key: str, table: object) -> dict[int, frozenset[date]]:
    if type(table) is not dict:
        raise ValueError(f"{key} = {table!r}: must be a table of years")
    years = cast("dict[str, object]", table)
    return {_year(key, year): _days_of_year(key, year, texts) for year, texts in years.items()}


def _year(key: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) == 4):
        raise ValueError(f"{key}.{text}: not a year of four digits")
    return int(text)


def _days_of_year(key: str, year: str, texts: object) -> frozenset[date]:
    if type(texts) is not list:
        raise ValueError(f"{key}.{year} = {texts!r}: must be a list of days like 10-01")
    days = [_day(key, year, text) for text in cast("list[object]", texts)]
    if len(set(days)) != len(days):
        raise ValueError(f"{key}.{year}: a day stands there twice")
    return frozenset(days)


def _day(key: str, year: str, text: object) -> date:
    try:
        return date.fromisoformat(f"{year}-{text}")
    except ValueError as error:
        raise ValueError(f"{key}.{year}: {text!r} is not a day like 10-01") from error


def _union(years: Mapping[int, frozenset[date]]) -> frozenset[date]:
    return frozenset[date]().union(*years.values())


def _is_weekend(day: date) -> bool:
    return day.weekday() >= _SATURDAY
