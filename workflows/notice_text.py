"""The plain text of a State Council notice (关于…年部分节假日安排的通知) read into a document of a year's days off."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise

from workflows.calendar_file import Document, Fault, Reader, Stretch, check_days, festivals, is_weekend, spellings

_TITLE = re.compile(r"国务院办公厅关于(\d{4})年\s*部分节假日安排的通知")
_NUMBER = re.compile(r"国\s*(?:办)?\s*发明电\s*[〔\[(（【]\d{4}[〕\])）】]\s*\d+\s*号")
_SIGNED = re.compile(
    r"国务院办公厅\s*([0-9〇○一二三四五六七八九十?]{4})年([0-9一二三四五六七八九十]{1,3})月([0-9一二三四五六七八九十]{1,3})日"
)
_ITEM = re.compile(r"^[ \t　]*[一二三四五六七八九十]+[、.．]\s*(.*)$")
_DAY = re.compile(r"(?:(\d{4})年)?(?:(\d{1,2})月)?(\d{1,2})日")
_ASIDE = re.compile(r"\(([^()]*)\)")
_TO = re.compile(r"^\s*(?:至|到|—+|－|-|~|～|–)\s*$")
_COUNT = re.compile(r"(?:共|放假)(\d{1,2})天")
_WEEKDAY = re.compile(r"(?:星期|周)([一二三四五六日天])")
_WEEKDAYS = {**{sign: place for place, sign in enumerate("一二三四五六日")}, "天": 6}
_SIGNS = {sign: place for place, sign in enumerate("〇一二三四五六七八九")} | {"○": 0}
# Said of single days inside a festival by notices before 2010; which days are off says the sentence before.
_BESIDE = ("其中", "法定", "公休日", "照常公休", "鼓励", "带薪")


@dataclass(frozen=True)
class _Named:
    """A day as the text names it, with the weekday said of it and where it stands in its clause."""

    day: date
    weekday: str
    start: int
    end: int


@dataclass
class _Item:
    """What an item of the notice says so far."""

    where: str
    line: int
    off: list[date] = field(default_factory=list)
    worked: list[date] = field(default_factory=list)
    count: int = 0
    month: int = 0


def looks_like_notice(text: str) -> bool:
    """Tell whether a text is the plain text of a notice rather than a file in TOML."""
    return "fp-calendar" not in text and ("节假日" in text or "放假" in text)


def read_notice(text: str, *, year: int = 0, file: str = "") -> Document:
    """Return what the text of a notice orders; raise BadCalendar with every contradiction and its line.

    The year stands in the title or is given. Weekdays said of days and numbers of days are compared with the calendar.
    """
    reader = Reader(text)
    title, flat = _TITLE.search(text.replace("\n", "")), _plain(text)
    found_year = int(title[1]) if title else year
    if title and year and int(title[1]) != year:
        reader.fault("title", "other_year", title[1], more=str(year))
    if not found_year:
        reader.faults.append(Fault("title", "missing", "year"))
        reader.ensure_sound(file)
    number = _NUMBER.search(flat)
    told = {
        "title": f"国务院办公厅关于{found_year}年部分节假日安排的通知",
        "number": re.sub(r"\s", "", number[0]) if number else "",
        "date": _signed(flat),
    }
    for key in ("number", "date"):
        if not told[key]:
            reader.faults.append(Fault(key, "missing", key))
    notice = _Notice(found_year, reader)
    rows = tuple(notice.stretches(text))
    document = Document("notice", rows, found_year, **told)
    if rows:
        check_days(document, reader)
    else:
        reader.faults.append(Fault("text", "no_items", ""))
    reader.ensure_sound(file)
    return document


def _plain(text: str) -> str:
    """One way to write brackets, digits and blanks."""
    wide = str.maketrans("（）０１２３４５６７８９：，；", "()0123456789:,;")
    return text.translate(wide)


def _signed(flat: str) -> str:
    """The day on which the notice was signed, below its text; empty where it can't be read."""
    found = list(_SIGNED.finditer(re.sub(r"[ \t　]", "", flat)))
    if not found:
        return ""
    try:
        return date(*(_whole(part) for part in found[-1].groups())).isoformat()
    except ValueError:
        return ""


def _whole(text: str) -> int:
    """A number in digits, or as 二〇一一, 十, 十二, 二十五."""
    if text.isascii() and text.isdigit():
        return int(text)
    if "十" in text:
        tens, _, ones = text.partition("十")
        return 10 * (_SIGNS[tens] if tens else 1) + (_SIGNS[ones] if ones else 0)
    if any(sign not in _SIGNS for sign in text):
        raise ValueError(text)
    return int("".join(str(_SIGNS[sign]) for sign in text))


class _Notice:
    """Goes through the items of one notice."""

    def __init__(self, year: int, reader: Reader) -> None:
        self.year, self.reader = year, reader

    def _fault(self, item: _Item, code: str, value: object, more: str = "") -> None:
        self.reader.faults.append(Fault(item.where, code, str(value), item.line, more))

    def stretches(self, text: str) -> Iterator[Stretch]:
        """Return a row for each item, festival after festival."""
        for line, said in _items(text):
            item = _Item(said[:12], line)
            names, body = self._named(item, said)
            if not names:
                continue
            item.where = "、".join(festivals()[name]["zh"] for name in names)
            self._read(item, body)
            words = [festivals()[name] for name in names]
            told = {"zh": "、".join(w["zh"] for w in words), "en": " and ".join(w["en"] for w in words)}
            yield Stretch(names, told, tuple(sorted(item.off)), tuple(sorted(item.worked)))

    def _named(self, item: _Item, said: str) -> tuple[tuple[str, ...], str]:
        """The festivals that lead an item, and what is said of them; an item about no festival says no day off."""
        head = re.match(r"([^:\d]*?)\s*:?\s*(?=\d)", said)
        if head is None:
            return (), ""
        written = [re.sub(r"[“”\"'《》\s]", "", part) for part in re.split(r"[、和]", head[1]) if part.strip()]
        unknown = [part for part in written if part not in spellings()]
        if unknown or not written:
            if "放假" in said or "上班" in said:
                self._fault(item, "unknown_festival", "、".join(unknown) or said[:20])
            return (), ""
        return tuple(spellings()[part] for part in written), said[head.end() :]

    def _read(self, item: _Item, body: str) -> None:
        for clause in re.split(r"[,;。]", body):
            self._clause(item, clause.strip())
        if not item.off:
            self._fault(item, "no_days", item.where)
        off = _filled(item.off)
        if item.count and item.count != len(off):
            self._fault(item, "count_differs", item.count, more=str(len(off)))
        item.off = off

    def _clause(self, item: _Item, clause: str) -> None:
        if clause.endswith("上班"):
            days = [one.day for one in self._named_days(item, clause)]
            if not days:
                self._fault(item, "no_days", clause)
            item.worked += [day for day in days if day not in item.worked]
        elif any(word in clause for word in _BESIDE):
            return
        elif "与周末连休" in clause:
            item.off += _with_weekend(item.off)
        elif "放假" in clause or "补休" in clause:
            item.off += self._stretch(item, clause)
        if found := _COUNT.search(clause):
            item.count = int(found[1])

    def _stretch(self, item: _Item, clause: str) -> list[date]:
        """The days off that a clause names: a stretch `A至B`, or single days."""
        named = self._named_days(item, clause)
        days: list[date] = []
        for place, one in enumerate(named):
            before = named[place - 1] if place else None
            if before and _TO.match(_ASIDE.sub("", clause[before.end : one.start])):
                days += self._between(item, before.day, one.day)
            else:
                days.append(one.day)
        if not named:
            self._fault(item, "no_days", clause)
        return list(dict.fromkeys(days))

    def _between(self, item: _Item, first: date, last: date) -> list[date]:
        if last < first:
            self._fault(item, "ends_before", f"{first}..{last}")
            return []
        return [first + timedelta(days=step) for step in range(1, (last - first).days + 1)]

    def _named_days(self, item: _Item, clause: str) -> list[_Named]:
        found = []
        bare = _ASIDE.sub(lambda aside: " " * len(aside[0]), clause)
        for match in _DAY.finditer(bare):
            day = self._day(item, match)
            if day is None:
                continue
            aside = re.match(r"\(([^()]*)\)", clause[match.end() :])
            weekday = _WEEKDAY.search(aside[1]) if aside else None
            end = match.end() + (aside.end() if aside else 0)
            if weekday and _WEEKDAYS[weekday[1]] != day.weekday():
                self._fault(item, "weekday_differs", f"{day}", more=weekday[1])
            found.append(_Named(day, weekday[1] if weekday else "", match.start(), end))
        return found

    def _day(self, item: _Item, match: re.Match[str]) -> date | None:
        """A day; a month that is not said is that of the day before it, December that of the year before the notice."""
        month = int(match[2]) if match[2] else item.month
        year = int(match[1]) if match[1] else self.year - (month == 12)
        try:
            day = date(year, month, int(match[3]))
        except ValueError:
            self._fault(item, "no_day", match[0])
            return None
        item.month = month
        return day


def _items(text: str) -> Iterator[tuple[int, str]]:
    """The items of a notice with their lines; what an item says may go on in the next lines."""
    item: tuple[int, list[str]] | None = None
    for number, line in enumerate(_plain(text).splitlines(), 1):
        begun = _ITEM.match(line)
        if begun:
            if item:
                yield item[0], "".join(item[1])
            item = (number, [begun[1].strip()])
        elif item and _goes_on(line):
            item[1].append(line.strip())
        elif item and line.strip():
            yield item[0], "".join(item[1])
            item = None
    if item:
        yield item[0], "".join(item[1])


def _goes_on(line: str) -> bool:
    return bool(_DAY.search(line)) and "国务院" not in line and not re.match(r"\s*\d{4}年\d{1,2}月\d{1,2}日\s*$", line)


def _filled(days: list[date]) -> list[date]:
    """Days off in order; a weekend that lies between two of them belongs to the festival."""
    found = sorted(dict.fromkeys(days))
    for first, last in pairwise(found):
        gap = [first + timedelta(days=step) for step in range(1, (last - first).days)]
        if gap and len(gap) <= 2 and all(map(is_weekend, gap)):
            found = sorted({*found, *gap})
    return found


def _with_weekend(days: list[date]) -> list[date]:
    """The weekend that touches some days off."""
    found = set(days)
    for step in (1, -1):
        day = (max if step > 0 else min)(days, default=date.min)
        while days and is_weekend(day + timedelta(days=step)):
            day += timedelta(days=step)
            found.add(day)
    return sorted(found - set(days))
