"""The shipped calendar against the package it was built from and against State Council notices."""

import re
import tomllib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from chinese_calendar import is_workday

from app.calendar_build import calendar_text, write_calendar
from workflows.calendar_file import BadCalendar, Reader, document_of, read_document
from workflows.calendars import (
    DEFAULT_CALENDAR,
    check_fits,
    composed,
    kept_calendar,
    load_calendar,
    parse_calendar,
    working_days_between,
)
from workflows.journal import digest
from workflows.registry import load_rules

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
format = "fp-calendar-v1"
kind = "calendar"
version = "test"
[[years]]
year = 2026
days = [{ name = "national_day", off = ["2026-10-01..2026-10-03"], worked = ["2026-10-10"] }]
"""


def test_a_site_may_bring_its_own_file(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(GOOD, encoding="utf-8")
    found = load_calendar(path)
    assert found.holidays == {date(2026, 10, 1), date(2026, 10, 2)}
    assert found.workdays == {date(2026, 10, 10)}
    assert (found.first_year, found.last_year, found.version) == (2026, 2026, "test")


ROW = '{ name = "national_day", off = ["2026-10-01..2026-10-03"], worked = ["2026-10-10"] }'


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("year = 2026\n", "", "years[1]: missing year"),
        ('version = "test"', 'version = "test"\ncolour = 1', "line 5: calendar: unknown key colour"),
        ('version = "test"', "version = 3", "calendar.version: no text 3"),
        ('version = "test"', 'version = ""', "calendar.version: no text"),
        ("year = 2026", "year = true", "years[1].year: no year True"),
        ("year = 2026", "year = 26", "years[1].year: no year 26"),
        ("fp-calendar-v1", "fp-calendar-v9", "line 2: format: no format fp-calendar-v9 fp-calendar-v1"),
        ('"calendar"', '"almanac"', "line 3: kind: no kind almanac"),
        ("2026-10-01..", "2026-10-32..", "line 7: 2026.days[1].off: no day 2026-10-32..2026-10-03"),
        ("..2026-10-03", "..2026-09-03", "line 7: 2026.days[1].off: ends before 2026-10-01..2026-09-03"),
        ("..2026-10-03", "..2026-12-30", "2026.days[1].off: too long 2026-10-01..2026-12-30"),
        ('["2026-10-10"]', "[20261010]", "2026.days[1].worked: no day 20261010"),
        ('["2026-10-10"]', '"2026-10-10"', "2026.days[1].worked: no list 2026-10-10"),
        ('["2026-10-10"]', '["2026-10-09"]', "2026.national_day.worked: weekday worked 2026-10-09"),
        ('["2026-10-10"]', '["2026-10-03"]', "2026.national_day.worked: twice 2026-10-03 2026.national_day.off"),
        ('["2026-10-10"]', '["2028-10-14"]', "2026.national_day.worked: other year 2028-10-14"),
        ("national_day", "moon_day", "2026.days[1].name: unknown festival moon_day"),
        ('name = "national_day"', 'zh = "国庆"', "2026.days[1]: no words zh, en"),
        ('name = "national_day"', 'nome = "national_day"', "2026.days[1]: unknown key nome"),
        (ROW, '{ name = "national_day" }', "2026.days[1]: no days national_day"),
        (ROW, "", "2026.days: no rows"),
        (ROW, "1", "2026.days[1]: no table 1"),
        (
            "[[years]]",
            '[[years]]\nyear = 2024\ndays = [{name = "qingming", off = ["2024-04-04"]}]\n[[years]]',
            "years: gap 2026 2025",
        ),
        (
            "[[years]]",
            '[[years]]\nyear = 2026\ndays = [{name = "qingming", off = ["2026-04-04"]}]\n[[years]]',
            "years: year twice 2026",
        ),
        ("[[years]]", "[[years]", "line 5: toml: no toml"),
    ],
)
def test_a_broken_file_names_its_mistake(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    assert old in GOOD
    path = tmp_path / "own.toml"
    path.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=f"own.toml: .*{re.escape(sentence)}"):
        load_calendar(path)


def test_all_mistakes_are_named_at_once() -> None:
    broken = GOOD.replace("national_day", "moon_day").replace("..2026-10-03", "..2026-09-03")
    with pytest.raises(BadCalendar) as refused:
        parse_calendar(broken, file="own.toml")
    assert [fault.code for fault in refused.value.faults] == ["unknown_festival", "ends_before"]


# --- names, text and digest ---
@pytest.mark.parametrize(
    ("day", "zh", "en"),
    [
        ("2026-01-01", "元旦", "New Year's Day"),
        ("2026-02-17", "春节", "Spring Festival"),
        ("2026-04-05", "清明节", "Qingming Festival"),  # a Sunday inside the festival
        ("2026-05-02", "劳动节", "Labour Day"),  # a Saturday inside it
        ("2026-06-19", "端午节", "Dragon Boat Festival"),
        ("2026-09-25", "中秋节", "Mid-Autumn Festival"),
        ("2026-10-10", "国庆节", "National Day"),  # its make-up day
        ("2015-09-03", "抗战胜利纪念日", "Victory Day"),
    ],
)
def test_days_have_the_names_of_their_festivals(day: str, zh: str, en: str) -> None:
    assert CALENDAR.name_of(date.fromisoformat(day)) == {"zh": zh, "en": en}


def test_a_plain_day_has_no_name() -> None:
    assert CALENDAR.name_of(date(2026, 11, 23)) is None
    assert CALENDAR.name_of(date(2026, 11, 22)) is None


def test_every_moved_day_has_a_name() -> None:
    assert all(map(CALENDAR.name_of, CALENDAR.holidays | CALENDAR.workdays))


def test_a_kept_text_gives_the_same_calendar() -> None:
    again = kept_calendar(CALENDAR.text)
    assert (again, again.text, again.digest) == (CALENDAR, CALENDAR.text, CALENDAR.digest)
    assert CALENDAR.digest == digest(CALENDAR.text)
    assert again.names == CALENDAR.names


def test_years_name_their_notice_where_it_was_read() -> None:
    told = {year.year: (year.number, year.date) for year in CALENDAR.years}
    assert told[2026] == ("国办发明电〔2025〕7号", "2025-11-04")
    assert told[2004] == ("", "")
    assert len(told) == 23


# --- documents over the calendar ---
NOTICE = """
format = "fp-calendar-v1"
kind = "notice"
year = 2027
title = "试验用通知"
number = "试〔2026〕1号"
date = "2026-11-20"
days = [
  { name = "new_year", off = ["2027-01-01..2027-01-03"] },
  { name = "spring_festival", off = ["2027-02-05..2027-02-12"], worked = ["2027-01-31", "2027-02-20"] },
  { name = "qingming", off = ["2027-04-03..2027-04-05"] },
  { name = "labour_day", off = ["2027-05-01..2027-05-05"], worked = ["2027-05-08"] },
  { name = "dragon_boat", off = ["2027-06-09"] },
  { name = "mid_autumn", off = ["2027-09-15"] },
  { name = "national_day", off = ["2027-10-01..2027-10-07"], worked = ["2027-09-26", "2027-10-09"] },
]
"""
AMENDMENT = """
format = "fp-calendar-v1"
kind = "amendment"
title = "延长假期的通知"
number = "试〔2026〕2号"
date = "2026-11-21"
days = [{ name = "national_day", off = ["2026-10-08"], plain = ["2026-10-10"] }]
"""
CLOSING = """
format = "fp-calendar-v1"
kind = "closing"
area = "500241"
title = "关于县庆日放假的通知"
number = "秀山府办〔2026〕3号"
date = "2026-11-01"
reason = "自治县成立纪念日"
days = [{ zh = "县庆日", en = "County Day", off = ["2026-11-09"] }]
"""


def test_a_notice_covers_the_year_that_follows() -> None:
    found = check_fits(CALENDAR, read_document(NOTICE))
    assert (found.first_year, found.last_year) == (2004, 2027)
    assert found.day_kind(date(2026, 12, 30)) == "working_day"  # settled now
    assert found.day_kind(date(2027, 2, 8)) == "holiday"
    assert found.day_kind(date(2027, 2, 20)) == "makeup_workday"
    assert found.day_kind(date(2027, 12, 30)) == "provisional_working_day"
    assert found.name_of(date(2027, 2, 6)) == {"zh": "春节", "en": "Spring Festival"}
    assert found.version == f"{CALENDAR.version}+2027"
    assert kept_calendar(found.text) == found
    assert found.digest != CALENDAR.digest


def test_an_amendment_changes_days_of_years_that_are_covered() -> None:
    found = check_fits(CALENDAR, read_document(AMENDMENT))
    assert found.day_kind(date(2026, 10, 8)) == "holiday"
    assert found.day_kind(date(2026, 10, 10)) == "weekend"
    assert found.name_of(date(2026, 10, 10)) is None
    assert kept_calendar(found.text) == found


def test_a_county_closes_on_a_day_of_its_own() -> None:
    documents = [read_document(CLOSING)]
    own, other = composed(CALENDAR, documents, "500241"), composed(CALENDAR, documents, "500230")
    assert own.day_kind(date(2026, 11, 9)) == "closing_day"
    assert not own.is_working_day(date(2026, 11, 9))
    assert own.name_of(date(2026, 11, 9)) == {"zh": "县庆日", "en": "County Day"}
    assert other is CALENDAR
    assert kept_calendar(own.text) == own


def test_an_extension_of_a_province_is_for_its_counties() -> None:
    document = read_document(AMENDMENT.replace("title =", 'area = "50"\ntitle ='))
    assert composed(CALENDAR, [document], "500241") != CALENDAR
    assert composed(CALENDAR, [document], "430527") is CALENDAR


def test_rules_give_each_county_its_calendar() -> None:
    shared = load_rules()
    first, second = shared.of_one_installation(), shared.of_one_installation()
    first.use_documents([read_document(CLOSING)], stamp=1)
    assert first.calendar_for("500241").day_kind(date(2026, 11, 9)) == "closing_day"
    assert first.calendar_for("500230") is first.calendar_for("") is CALENDAR
    assert second.calendar_for("500241") is shared.calendar_for("500241") is CALENDAR


@pytest.mark.parametrize(
    ("text", "old", "new", "sentence"),
    [
        (NOTICE, "year = 2027\n", "", "notice: missing year"),
        (NOTICE, "2027-02-05..2027-02-12", "2027-02-12..2027-02-05", "line 10: days[2].off: ends before"),
        (NOTICE, '"2027-01-31"', '"2027-02-06"', "line 10: days[2].worked: twice 2027-02-06 days[2].off"),
        (NOTICE, '"2027-01-31"', '"2027-02-01"', "line 10: days[2].worked: weekday worked 2027-02-01"),
        (NOTICE, '"2027-06-09"', '"2028-06-09"', "line 13: days[5].off: other year 2028-06-09 2027"),
        (NOTICE, "mid_autumn", "dragon_boat", "days: festival missing mid_autumn"),
        (
            NOTICE,
            "2027-05-01..2027-05-05",
            "2027-05-02..2027-05-05",
            "days[4].off: festival elsewhere labour_day 2027-05-01",
        ),
        (NOTICE, 'off = ["2027-06-09"]', 'plain = ["2027-06-09"]', "days[5].plain: not in notice"),
        (NOTICE, 'date = "2026-11-20"', 'date = "Nov 20"', "line 7: notice.date: no day Nov 20"),
        (CLOSING, 'reason = "自治县成立纪念日"\n', "", "closing: missing reason"),
        (CLOSING, '"500241"', '"50024"', "line 4: closing.area: no area 50024"),
        (CLOSING, 'off = ["2026-11-09"]', 'worked = ["2026-11-08"]', "days[1].worked: only closed 2026-11-08"),
    ],
)
def test_a_broken_document_names_its_mistake(text: str, old: str, new: str, sentence: str) -> None:
    assert old in text
    with pytest.raises(BadCalendar, match=f"new.toml: .*{re.escape(sentence)}"):
        read_document(text.replace(old, new, 1), file="new.toml")


def test_a_calendar_is_no_document() -> None:
    with pytest.raises(BadCalendar, match="no document"):
        read_document(GOOD)


@pytest.mark.parametrize(
    ("text", "old", "new", "sentence"),
    [
        (NOTICE, "2027", "2028", "notice.year: gap 2028 2027"),
        (NOTICE, "2027", "2026", "notice.year: covered 2026"),
        (AMENDMENT, '"2026-10-08"', '"2027-10-08"', "not covered 2027-10-08 2027"),
        (CLOSING, "2026-11-09", "2026-11-08", "days.off: closed anyway 2026-11-08"),
        (CLOSING, "2026-11-09", "2026-10-01", "days.off: closed anyway 2026-10-01"),
    ],
)
def test_a_document_that_does_not_fit_is_refused(text: str, old: str, new: str, sentence: str) -> None:
    rows = [row for row in text.splitlines() if "{" not in row or old in row or len(old) > 4]
    table = tomllib.loads("\n".join(rows).replace(old, new))
    reader = Reader()
    document = document_of(table, reader)
    with pytest.raises(BadCalendar, match=re.escape(sentence)):
        check_fits(CALENDAR, document)
