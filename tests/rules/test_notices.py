"""Notices of the State Council as they are published, read and compared with the calendar that is shipped."""

from datetime import date

import pytest

from tests.rules.notices import ITEMS, MADE_UP, notice
from workflows.calendar_file import BadCalendar
from workflows.calendars import check_fits, load_calendar
from workflows.notice_text import looks_like_notice, read_notice

CALENDAR = load_calendar()


def off_and_worked(year: int) -> tuple[set[date], set[date]]:
    """What the shipped calendar has from a year's notice."""
    rows = next(document for document in CALENDAR.years if document.year == year).days
    return {day for row in rows for day in row.off}, {day for row in rows for day in row.worked}


@pytest.mark.parametrize("year", sorted(set(ITEMS) - {2007}))
def test_a_published_notice_gives_the_days_that_are_shipped(year: int) -> None:
    found = read_notice(notice(year))
    off, worked = off_and_worked(year)
    read = {day for row in found.days for day in row.off}
    assert {day for row in found.days for day in row.worked} == worked
    assert {day for day in read if day.weekday() < 5} == {day for day in off if day.weekday() < 5}
    assert off <= read  # the package leaves out some weekend days next to a festival
    assert all(day.weekday() >= 5 for day in read - off)
    assert found.number == f"国办发明电〔{year - 1}〕7号"
    assert found.year == year


def test_a_notice_of_before_2008_is_read_but_lacks_festivals_of_today() -> None:
    with pytest.raises(BadCalendar) as refused:
        read_notice(notice(2007))
    missing = {"festival_missing"}
    assert {fault.code for fault in refused.value.faults} == missing


@pytest.mark.parametrize(("year", "day"), [(2012, "2011-12-05"), (2026, "2025-11-04")])
def test_the_day_of_the_notice_is_read_in_digits_and_signs(year: int, day: str) -> None:
    assert read_notice(notice(year)).date == day


def test_a_new_year_fits_behind_the_shipped_ones() -> None:
    found = check_fits(CALENDAR, read_notice(MADE_UP))
    assert found.last_year == 2027
    assert found.day_kind(date(2027, 2, 20)) == "makeup_workday"
    assert found.name_of(date(2027, 5, 2)) == {"zh": "劳动节", "en": "Labour Day"}
    assert found.years[-1].title == "国务院办公厅关于2027年部分节假日安排的通知"


def test_festivals_of_one_item_share_their_days() -> None:
    row = next(row for row in read_notice(notice(2025)).days if "mid_autumn" in row.names)
    assert row.names == ("national_day", "mid_autumn")
    assert row.words == {"zh": "国庆节、中秋节", "en": "National Day and Mid-Autumn Festival"}


def test_without_a_title_the_year_is_asked_for() -> None:
    text = MADE_UP.replace("国务院办公厅关于2027年部分节假日安排的通知", "")
    with pytest.raises(BadCalendar, match="title: missing year"):
        read_notice(text)
    assert read_notice(text, year=2027).year == 2027


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("1月1日（周五）", "1月1日（周四）", "line 4: 元旦: weekday differs 2027-01-01 四"),
        ("2月20日（周六）", "2月21日（周六）", "line 5: 春节: weekday differs 2027-02-21 六"),
        ("共8天", "共7天", "line 5: 春节: count differs 7 8"),
        ("5月8日（周六）上班", "5月7日（周五）上班", "weekday worked 2027-05-07"),
        ("至12日（周五）放假", "至1月12日（周二）放假", "ends before 2027-02-05..2027-01-12"),
        ("6月9日（周三）放假1天", "6月31日放假1天", "line 8: 端午节: no day 6月31日"),
        ("六、中秋节：9月15日（周三）放假1天，不调休。\n", "", "days: festival missing mid_autumn"),
        ("六、中秋节", "六、月亮节", "unknown festival 月亮节"),
        ("9月26日（周日）、10月9日（周六）上班", "10月2日（周六）上班", "twice 2027-10-02"),
        ("10月1日（周五）至7日（周四）", "10月2日（周六）至8日（周五）", "festival elsewhere national_day 2027-10-01"),
        ("国办发明电〔2026〕9号", "", "number: missing number"),
        ("2026年11月20日", "", "date: missing date"),
    ],
)
def test_a_contradiction_is_named_with_its_line(old: str, new: str, sentence: str) -> None:
    assert old in MADE_UP
    with pytest.raises(BadCalendar) as refused:
        read_notice(MADE_UP.replace(old, new), file="2027.txt")
    assert f"2027.txt: {sentence}" in str(refused.value) or sentence in str(refused.value)


def test_a_title_of_another_year_than_asked_for_is_named() -> None:
    with pytest.raises(BadCalendar, match="title: other year 2027 2028"):
        read_notice(MADE_UP, year=2028)


def test_a_text_without_items_is_no_notice() -> None:
    with pytest.raises(BadCalendar, match="no items"):
        read_notice("国务院办公厅关于2027年部分节假日安排的通知")
    assert looks_like_notice(MADE_UP)
    assert not looks_like_notice('format = "fp-calendar-v1"\n# 放假')
