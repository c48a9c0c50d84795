"""Builds the calendar file in workflows/policies/calendars from the package chinesecalendar."""

from collections.abc import Iterable
from datetime import date
from importlib.metadata import version
from pathlib import Path

from chinese_calendar.constants import holidays, workdays

from workflows.calendars import DEFAULT_CALENDAR

_SATURDAY = 5

# Worked days that the package lacks, each with the notice that orders them. 国办发明电〔2005〕35号
# (New Year 2006): "12月31日(星期六)上班".
_MISSING_WORKDAYS = (date(2005, 12, 31),)

_HEADER = """\
# Working days of mainland China: weekdays that are off and weekend days that are worked (调休).
# Source: the yearly notices of the General Office of the State Council (国办发明电, 部分节假日安排)
# through the Python package chinesecalendar {package}, years {first} to {last}. One day was added
# from the notice itself, 国办发明电〔2005〕35号: 2005-12-31 was worked.
# Made by app/calendar_build.py: build it again, do not edit it.
"""


def calendar_text() -> str:
    """Give the whole calendar file as text; the same package gives the same text."""
    first, last = _covered_years(holidays)
    package = version("chinesecalendar")
    off = [day for day in holidays if day.weekday() < _SATURDAY]
    worked = [*workdays, *_MISSING_WORKDAYS]
    return "\n".join(
        [
            _HEADER.format(package=package, first=first, last=last),
            f"first_year = {first}",
            f"last_year = {last}",
            f'version = "cn-{first}-{last}-chinesecalendar-{package}"',
            "",
            "[holidays]",
            *_year_lines(off, range(first, last + 1)),
            "",
            "[workdays]",
            *_year_lines(worked, range(first, last + 1)),
            "",
        ]
    )


def write_calendar(path: Path = DEFAULT_CALENDAR) -> bool:
    """Write the calendar file; tell whether its content changed."""
    text = calendar_text()
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.write_text(text, encoding="utf-8", newline="\n")
    return True


def _covered_years(days: Iterable[date]) -> tuple[int, int]:
    # Only a year with its National Day has its own notice in: single days of January may have
    # come with the notice of the year before.
    years = [day.year for day in days if (day.month, day.day) == (10, 1)]
    return min(years), max(years)


def _year_lines(days: Iterable[date], years: range) -> list[str]:
    ordered = sorted(set(days))
    return [f"{year} = [{_day_list(ordered, year)}]" for year in years]


def _day_list(days: Iterable[date], year: int) -> str:
    return ", ".join(f'"{day:%m-%d}"' for day in days if day.year == year)
