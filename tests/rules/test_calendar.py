"""The shipped calendar against the package it was built from and against State Council notices."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from chinese_calendar import is_workday

from app.calendar_build import calendar_text, write_calendar
from workflows.calendars import DEFAULT_CALENDAR, Calendar, load_calendar, working_days_between

CALENDAR = load_calendar()


def days_of(first: int, last: int) -> list[date]:
    start, end = date(first, 1, 1), date(last, 12, 31)
    return [start + timedelta(days=step) for step in range((end - start).days + 1)]


def test_the_shipped_file_is_what_the_builder_makes() -> None:
    assert DEFAULT_CALENDAR.read_text(encoding="utf-8") == calendar_text()


def test_writing_tells_whether_anything_changed(tmp_path: Path) -> None:
    path = tmp_path / "cn.toml"
    assert write_calendar(path)
    assert not write_calendar(path)
    assert load_calendar(path) == CALENDAR


def test_every_day_agrees_with_the_package_but_the_one_it_lacks() -> None:
    days = days_of(2004, 2026)
    assert len(days) == 8401
    differing = [day for day in days if CALENDAR.is_working_day(day) != is_workday(day)]
    # 国办发明电〔2005〕35号, New Year 2006: "12月31日(星期六)上班".
    assert differing == [date(2005, 12, 31)]


def test_the_years_and_source_are_named() -> None:
    assert (CALENDAR.first_year, CALENDAR.last_year) == (2004, 2026)
    assert CALENDAR.version == "cn-2004-2026-chinesecalendar-1.11.0"
    header = DEFAULT_CALENDAR.read_text(encoding="utf-8").split("\n\n")[0]
    assert "State Council" in header
    assert "chinesecalendar 1.11.0" in header


@pytest.mark.parametrize(
    ("first", "last", "worked"),
    [
        # Notice for 2025: 10-01 to 10-08 off, 09-28 and 10-11 worked.
        ("2025-10-01", "2025-10-08", ["2025-09-28", "2025-10-11"]),
        # Notice for 2026: Spring Festival 02-15 to 02-23 off, 02-14 and 02-28 worked.
        ("2026-02-15", "2026-02-23", ["2026-02-14", "2026-02-28"]),
        # Notice for 2026: National Day 10-01 to 10-07 off, 09-20 and 10-10 worked.
        ("2026-10-01", "2026-10-07", ["2026-09-20", "2026-10-10"]),
        # Notice for 2026: New Year 01-01 to 01-03 off, 01-04 worked.
        ("2026-01-01", "2026-01-03", ["2026-01-04"]),
        # Notice for 2019: off 2018-12-30 to 2019-01-01, 2018-12-29 worked in the year before.
        ("2018-12-30", "2019-01-01", ["2018-12-29"]),
    ],
)
def test_holidays_as_the_notices_give_them(first: str, last: str, worked: list[str]) -> None:
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    off = [start + timedelta(days=step) for step in range((end - start).days + 1)]
    assert not any(map(CALENDAR.is_working_day, off))
    for text in worked:
        day = date.fromisoformat(text)
        assert CALENDAR.is_working_day(day)
        assert CALENDAR.day_kind(day) == "makeup_workday"


@pytest.mark.parametrize(
    ("day", "kind"),
    [
        ("2026-11-23", "working_day"),
        ("2026-11-22", "weekend"),
        ("2026-10-01", "holiday"),
        ("2026-10-03", "weekend"),
        ("2026-10-10", "makeup_workday"),
        ("2027-01-01", "provisional_working_day"),
        ("2027-01-02", "provisional_rest_day"),
        ("2003-12-31", "provisional_working_day"),
    ],
)
def test_each_day_has_a_kind(day: str, kind: str) -> None:
    assert CALENDAR.day_kind(date.fromisoformat(day)) == kind


@pytest.mark.parametrize(
    ("day", "covered"),
    [
        ("2003-12-31", False),
        ("2004-01-01", True),
        ("2025-12-31", True),
        ("2026-12-28", True),
        # The notice for 2027 may still move the last days of 2026, as it did in 2007 and 2018.
        ("2026-12-29", False),
        ("2027-01-01", False),
        ("2099-06-01", False),
    ],
)
def test_coverage_ends_where_the_next_notice_may_reach(day: str, covered: bool) -> None:
    assert CALENDAR.is_covered(date.fromisoformat(day)) is covered


def test_no_notice_ever_moved_a_day_before_29_december() -> None:
    moved = CALENDAR.holidays | CALENDAR.workdays
    late = {(day.month, day.day) for day in moved if day.month == 12}
    assert min(late) == (12, 29)


def test_outside_the_years_only_weekends_are_off() -> None:
    for day in [*days_of(1990, 1990), *days_of(2027, 2028)]:
        assert CALENDAR.is_working_day(day) == (day.weekday() < 5)


def test_a_moment_is_no_day() -> None:
    moment = datetime(2026, 10, 1, 2, tzinfo=UTC)
    with pytest.raises(TypeError, match="a local day is needed"):
        CALENDAR.is_working_day(moment)


def test_working_days_between() -> None:
    friday, monday = date(2025, 9, 26), date(2025, 10, 13)
    # 09-28 (make-up), 29, 30, 10-09, 10, 11 (make-up), 13
    assert working_days_between(friday, monday, calendar=CALENDAR) == 7
    assert working_days_between(monday, friday, calendar=CALENDAR) == -7
    assert working_days_between(friday, friday, calendar=CALENDAR) == 0


GOOD = """
first_year = 2026
last_year = 2026
version = "test"
[holidays]
2026 = ["10-01"]
[workdays]
2026 = ["10-10"]
"""


def test_a_site_may_bring_its_own_file(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(GOOD, encoding="utf-8")
    days = frozenset({date(2026, 10, 1)}), frozenset({date(2026, 10, 10)})
    assert load_calendar(path) == Calendar(*days, 2026, 2026, "test")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("first_year = 2026\n", "", "missing keys: first_year"),
        ('version = "test"', 'version = "test"\ncolour = 1', "unknown keys: colour"),
        ('version = "test"', "version = 3", "version = 3: must be a text"),
        ('version = "test"', 'version = ""', "version = '': must be a text"),
        ("first_year = 2026", "first_year = true", "first_year = True"),
        ("last_year = 2026", "last_year = 2027", "holidays: no list for 2027"),
        ("last_year = 2026", "last_year = 2025", "first_year 2026 is after last_year 2025"),
        ('"10-01"', '"10-32"', "holidays.2026: '10-32' is not a day like 10-01"),
        ('"10-01"', "1001", "holidays.2026: 1001 is not a day like 10-01"),
        ('"10-01"', '"10-01", "10-01"', "holidays.2026: a day stands there twice"),
        ('"10-01"', '"10-03"', "holidays: 2026-10-03 is a weekend day"),
        ('"10-10"', '"10-09"', "workdays: 2026-10-09 is not a weekend day"),
        ('2026 = ["10-10"]', '2026 = "10-10"', "workdays.2026 = '10-10': must be a list"),
        ('2026 = ["10-10"]', '2028 = ["10-14"]', "2028-10-14 is outside the years 2026 to 2026"),
        ('2026 = ["10-10"]', 'soon = ["10-10"]', "workdays.soon: not a year"),
        ('[workdays]\n2026 = ["10-10"]', "", "missing keys: workdays"),
        ("[holidays]", "[holidays", "Expected"),
    ],
)
def test_a_broken_file_names_its_mistake(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    assert old in GOOD
    path = tmp_path / "own.toml"
    path.write_text(GOOD.replace(old, new), encoding="utf-8")
    with pytest.raises(ValueError, match=f"own.toml: .*{re.escape(sentence)}"):
        load_calendar(path)


def test_workdays_must_be_a_table(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    top, _, _ = GOOD.partition("[holidays]")
    path.write_text(f"{top}workdays = 5\n[holidays]\n2026 = []\n", encoding="utf-8")
    with pytest.raises(ValueError, match="workdays = 5: must be a table of years"):
        load_calendar(path)
