"""Builds the calendar file in workflows/policies/calendars from the package chinesecalendar."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from importlib.metadata import version
from pathlib import Path

from chinese_calendar.constants import holidays, workdays

from workflows.calendar_file import FORMAT, ranges
from workflows.calendars import DEFAULT_CALENDAR

#: The package's names of the festivals, as the catalogue has them.
_NAMES = {
    "New Year's Day": "new_year",
    "Spring Festival": "spring_festival",
    "Tomb-sweeping Day": "qingming",
    "Labour Day": "labour_day",
    "Dragon Boat Festival": "dragon_boat",
    "National Day": "national_day",
    "Mid-autumn Festival": "mid_autumn",
    "Anti-Fascist 70th Day": "victory_day",
}

# Worked days that the package lacks, each with the notice that orders them. 国办发明电〔2005〕35号
# (New Year 2006): "12月31日(星期六)上班".
_MISSING_WORKDAYS = {date(2005, 12, 31): "New Year's Day"}

#: Number and date of each year's notice, where a copy of the notice itself was read.
_NOTICES = {
    2006: ("国办发明电〔2005〕35号", ""),
    2007: ("国办发明电〔2006〕49号", "2006-12-14"),
    2009: ("国办发明电〔2008〕42号", ""),
    2010: ("国办发明电〔2009〕27号", "2009-12-07"),
    2012: ("国办发明电〔2011〕45号", "2011-12-05"),
    2013: ("国办发明电〔2012〕33号", "2012-12-08"),
    2014: ("国办发明电〔2013〕28号", "2013-12-11"),
    2015: ("国办发明电〔2014〕28号", "2014-12-16"),
    2016: ("国办发明电〔2015〕18号", ""),
    2017: ("国办发明电〔2016〕17号", "2016-12-01"),
    2018: ("国办发明电〔2017〕12号", "2017-11-30"),
    2019: ("国办发明电〔2018〕15号", "2018-12-04"),
    2020: ("国办发明电〔2019〕16号", "2019-11-21"),
    2021: ("国办发明电〔2020〕27号", "2020-11-25"),
    2022: ("国办发明电〔2021〕11号", "2021-10-25"),
    2023: ("国办发明电〔2022〕16号", "2022-12-08"),
    2024: ("国办发明电〔2023〕7号", "2023-10-25"),
    2025: ("国办发明电〔2024〕12号", "2024-11-12"),
    2026: ("国办发明电〔2025〕7号", "2025-11-04"),
}

_HEADER = """\
# Working days of mainland China: days off of each festival, and weekend days that are worked (调休).
# Source: the yearly notices of the General Office of the State Council (国办发明电, 部分节假日安排)
# through the Python package chinesecalendar {package}, years {first} to {last}. One day was added
# from the notice itself, 国办发明电〔2005〕35号: 2005-12-31 was worked. Days of 2019 and 2020 hold what
# later notices changed (Labour Day 2019, 国办发明电〔2019〕3号; Spring Festival 2020, 国办发明电〔2020〕1号).
# Made by app/calendar_build.py: build it again, do not edit it.
"""


def calendar_text() -> str:
    """Give the whole calendar file as text; the same package gives the same text."""
    first, last = _covered_years(holidays)
    package = version("chinesecalendar")
    days = _by_year()
    return "\n".join(
        [
            _HEADER.format(package=package, first=first, last=last),
            f'format = "{FORMAT}"',
            'kind = "calendar"',
            f'version = "cn-{first}-{last}-chinesecalendar-{package}"',
            *(line for year in range(first, last + 1) for line in _year_lines(year, days[year])),
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


Days = dict[str, tuple[list[date], list[date]]]


def _by_year() -> dict[int, Days]:
    """Festivals with their days off and their make-up days, by the year whose notice names them."""
    found: dict[int, Days] = defaultdict(dict)
    for place, named in enumerate((holidays, {**workdays, **_MISSING_WORKDAYS})):
        for day, name in named.items():
            # Days of December belong to the New Year that follows.
            year = day.year + (day.month == 12)
            found[year].setdefault(_NAMES[name], ([], []))[place].append(day)
    return found


def _year_lines(year: int, days: Days) -> Iterator[str]:
    yield from ("", "[[years]]", f"year = {year}")
    if year in _NOTICES:
        number, dated = _NOTICES[year]
        yield f'title = "国务院办公厅关于{year}年部分节假日安排的通知"'
        yield f'number = "{number}"'
        if dated:
            yield f'date = "{dated}"'
    yield "days = ["
    for name, (off, worked) in sorted(days.items(), key=lambda item: min(item[1][0])):
        made_up = f", worked = [{_list(worked)}]" if worked else ""
        yield f'  {{ name = "{name}", off = [{_list(off)}]{made_up} }},'
    yield "]"


def _list(days: Iterable[date]) -> str:
    return ", ".join(f'"{text}"' for text in ranges(days))
