"""The shipped calendar against a second, independently kept package: every day of 2004 to 2026."""

from datetime import date, timedelta

import chinese_calendar
import holidays

from workflows.calendars import load_calendar

CALENDAR = load_calendar()
FIRST, LAST = date(2004, 1, 1), date(2026, 12, 31)
DAYS = [FIRST + timedelta(days=step) for step in range((LAST - FIRST).days + 1)]
OTHER = holidays.country_holidays("CN", years=range(2004, 2027))


def test_every_day_agrees_with_the_second_package() -> None:
    assert len(DAYS) == 8401
    assert [day for day in DAYS if CALENDAR.is_working_day(day) != OTHER.is_working_day(day)] == []


def test_the_two_packages_differ_on_one_day_and_the_notice_decides_it() -> None:
    # 国办发明电〔2005〕35号 has 31 December 2005, a Saturday, worked; chinesecalendar lacks it.
    differing = [day for day in DAYS if chinese_calendar.is_workday(day) != OTHER.is_working_day(day)]
    assert differing == [date(2005, 12, 31)]
    assert CALENDAR.day_kind(date(2005, 12, 31)) == "makeup_workday"


def test_neither_package_settles_2027() -> None:
    """Why a notice is imported: one package refuses the year, the other one guesses days without make-up days."""
    guessed = holidays.country_holidays("CN", years=[2027])
    days = (date(2027, 1, 1) + timedelta(days=step) for step in range(365))
    assert not any(guessed.is_working_day(day) for day in days if day.weekday() >= 5)
    assert not CALENDAR.is_covered(date(2027, 2, 8))
