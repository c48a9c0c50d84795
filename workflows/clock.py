"""Durations, due dates, periods and local days; every moment is passed in, none is read."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Literal

from workflows.calendars import Calendar, working_days_between
from workflows.durations import (
    CalendarDays,
    Duration,
    Every,
    Hours,
    MonthDay,
    Months,
    Recurring,
    Window,
    WorkingDays,
    duration_table,
    duration_text,
    parse_duration,
    parse_duration_text,
)

__all__ = [
    "CHINA",
    "NEVER",
    "Bound",
    "CalendarDays",
    "Counted",
    "Due",
    "Duration",
    "Hours",
    "Months",
    "Pauses",
    "Recurring",
    "TimeLeft",
    "Window",
    "WorkingDays",
    "at_percent",
    "due",
    "duration_table",
    "duration_text",
    "local_date",
    "local_midnight",
    "next_period",
    "parse_duration",
    "parse_duration_text",
    "parse_utc",
    "period",
    "time_left",
    "utc_text",
    "working_days_between",
]

# A fixed offset, not zoneinfo: China has kept +08:00 without summer time since 1991, and time zone
# data is missing on many Windows machines.
CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")

Bound = Literal["max", "min"]
Pauses = Iterable[tuple[str, str]]

_UTC_TEXT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
NEVER = "9999-12-31T00:00:00Z"  # when a paused period falls due
_ONE_DAY = timedelta(days=1)
_ONE_SECOND = timedelta(seconds=1)
_MONTHS: dict[Every, int] = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}


@dataclass(frozen=True)
class Due:
    """An end: `at` is the first instant after it (UTC), `last_day` the local day to show.

    For a minimum, `at` is the first permitted instant. `provisional` (暂定): working days were
    counted over days that no official notice covers yet.
    """

    at: datetime
    last_day: date
    provisional: bool = False


@dataclass(frozen=True)
class TimeLeft:
    """Distance to a due instant, never negative: local days, and whole hours in total."""

    days: int
    hours: int
    is_late: bool


# --- counting rules ---
START_COUNTS, LAST_MOVES = "start_counts", "last_day_moves"
COUNTINGS = ("", LAST_MOVES, START_COUNTS, f"{START_COUNTS} {LAST_MOVES}")


@dataclass(frozen=True)
class Counted:
    """How days are counted: the calendar, whether the start day counts, whether a last day off moves, and pauses.

    Pauses are (from, to) as aware moments. ``whole``: any pause on a day spoils it, as for a minimum, which nothing
    shortens; else a day counts when the period runs at its end.
    """

    calendar: Calendar
    start_counts: bool = False
    last_moves: bool = False
    pauses: tuple[tuple[datetime, datetime], ...] = ()
    whole: bool = False

    @staticmethod
    def by_pauses(pauses: Pauses) -> tuple[tuple[datetime, datetime], ...]:
        """Read pauses alone."""
        return _read_pauses(pauses)

    @staticmethod
    def by(calendar: Calendar, counting: str = "", pauses: Pauses = (), bound: str = "max") -> "Counted":
        """Read a counting rule and pauses as clocks hold them; ValueError for an unknown rule or an endless pause."""
        if counting not in COUNTINGS:
            raise ValueError(f"counting {counting!r}: must be one of {COUNTINGS}")
        is_minimum, flags = bound == "min", () if bound == "min" else counting.split()
        return Counted(calendar, START_COUNTS in flags, LAST_MOVES in flags, _read_pauses(pauses), is_minimum)

    def runs(self, day: date) -> bool:
        """Tell whether no pause takes this day out of the count."""
        return not self.pauses or self.pause_of(day) < 0

    def pause_of(self, day: date) -> int:
        """Return the place of the pause that takes this day out of the count, or -1."""
        begin, end = local_midnight(day), local_midnight(day + _ONE_DAY)
        for place, (paused, resumed) in enumerate(self.pauses):
            if paused < end and (resumed > begin if self.whole else resumed >= end):
                return place
        return -1

    def works(self, day: date) -> bool:
        """Tell whether this is a working day on which the period runs."""
        return self.calendar.is_working_day(day) and self.runs(day)


def _read_pauses(pauses: Pauses) -> tuple[tuple[datetime, datetime], ...]:
    found = []
    for begin, end in pauses:
        if not end:
            raise ValueError(f"paused since {begin}: nobody knows when it ends before it is resumed")
        if end < begin:
            raise ValueError(f"a pause from {begin} to {end} ends before it begins")
        found.append((parse_utc(begin), parse_utc(end)))
    return tuple(pause for pause in found if pause[0] < pause[1])


def due(
    duration: Duration,
    start: datetime,
    *,
    calendar: Calendar,
    counting: str = "",
    pauses: Pauses = (),
    bound: str = "max",
) -> Due:
    """Tell when a duration that began at `start` (aware) ends; all days are local to China.

    - The day of the start is not counted; hours run from the start itself (Civil Code art. 201).
    - Days and months end at 24:00 of their last day (art. 203), so `at` is the midnight after it.
    - Months end on the same day number, or on the month's last day if there is none (art. 202).
    - ``counting`` holds "last_day_moves": a maximum in calendar days or months, or by a day of the month, whose last
      day is off ends on the next working day (art. 203). "start_counts": the day of the start is the first one.
      Empty is the rule of before: neither. A minimum is never moved nor shortened by either.
    - ``pauses`` are left out: to the second from hours; of days those at whose end (24:00) the period does not run,
      for a minimum those with any pause on them; months end as many days later as were paused.
    - A window gives the end of the window open at the start, else of the next one; a recurring
      duty gives the end of the calendar period that holds the start, or its `by_day`, the next
      month's where that has passed. Neither is paused: they are the calendar's own.

    Read as a minimum, the same instant is the first permitted one: a posting of at least five
    days stands for five full days after the day of posting. Parts of a second in `start` are
    dropped, as the journal keeps none. ValueError for a pause without an end and an unknown ``counting``.
    """
    rule = Counted.by(calendar, counting, pauses, bound)
    if isinstance(duration, Hours):
        at = _after_hours(_whole_second(start), timedelta(hours=duration.amount), rule)
        return Due(at, local_date(at - _ONE_SECOND))
    last = unmoved(duration, start, rule)
    if isinstance(duration, WorkingDays):
        first = _before(local_date(start), rule) + _ONE_DAY
        return _end_of(last, provisional=not (rule.calendar.is_covered(first) and rule.calendar.is_covered(last)))
    is_whole = isinstance(duration, Window) or (isinstance(duration, Recurring) and not duration.by_day)
    return _end_of(last) if is_whole else _moved(last, rule)


def _after_hours(start: datetime, amount: timedelta, rule: Counted) -> datetime:
    at = start + amount
    for paused, resumed in rule.pauses:
        if paused < at and resumed > start:
            at += resumed - max(paused, start)
    return at


def unmoved(duration: Duration, start: datetime, rule: Counted) -> date:
    """Return the last day that is counted, before one that is off moves."""
    first = local_date(start)
    match duration:
        case Hours(amount):
            return local_date(_after_hours(_whole_second(start), timedelta(hours=amount), rule) - _ONE_SECOND)
        case Window():
            return _window_days(duration, first)[1]
        case Recurring(every, _, by_day):
            begins, after = _period_days(every, first)
            by_month = begins if first.day <= by_day else after
            return by_month.replace(day=by_day) if by_day else after - _ONE_DAY
    before = _before(first, rule)
    if isinstance(duration, WorkingDays):
        return _nth_day(before, duration.amount, rule.works)
    amount = duration.amount if isinstance(duration, CalendarDays) else _days_in(duration, first, before)
    return _nth_day(before, amount, rule.runs) if rule.pauses else before + timedelta(days=amount)


def window_begins(window: Window, day: date) -> date:
    """Return the first day of the window that holds a day, else of the next one."""
    return _window_days(window, day)[0]


def _before(first: date, rule: Counted) -> date:
    """The day before the first one that is counted."""
    return first - _ONE_DAY if rule.start_counts else first


def _days_in(duration: Months, first: date, before: date) -> int:
    """How many days so many months have here; with the start day counted they end a day sooner."""
    last = _add_months(first, duration.amount)
    sooner = before < first and last.day == first.day
    return (last - before).days - sooner


def _moved(last: date, rule: Counted) -> Due:
    """The end on this day, or on the next working day where the rule moves it (Civil Code art. 203)."""
    if not rule.last_moves:
        return _end_of(last)
    day = last if rule.works(last) else _nth_day(last, 1, rule.works)
    return _end_of(day, provisional=not (rule.calendar.is_covered(last) and rule.calendar.is_covered(day)))


def _nth_day(day: date, amount: int, counts: Callable[[date], bool]) -> date:
    while amount:
        day += _ONE_DAY
        amount -= counts(day)
    return day


def period(recurring: Recurring, moment: datetime) -> tuple[datetime, datetime]:
    """Give the calendar period that holds `moment`: start included, end excluded, both UTC."""
    first, after = _period_days(recurring.every, local_date(moment))
    return local_midnight(first), local_midnight(after)


def next_period(recurring: Recurring, moment: datetime) -> tuple[datetime, datetime]:
    """Give the period after the one that holds `moment`."""
    return period(recurring, period(recurring, moment)[1])


def at_percent(start: datetime, due_at: datetime, *, percent: int) -> datetime:
    """Give the instant when `percent` of the time to `due_at` is used, in whole seconds (UTC).

    More than 100 lies after the due instant: 200 is as late again as the time allowed.
    """
    begin = _whole_second(start)
    seconds = (_whole_second(due_at) - begin) // _ONE_SECOND
    return begin + timedelta(seconds=seconds * percent // 100)


def time_left(now: datetime, due_at: datetime) -> TimeLeft:
    """Tell how far `now` is from an exclusive end; at that very instant it is late.

    `days` compares local days with the last day: 0 on the last day itself, 1 (剩1天) on the day
    before it, and 1 with `is_late` (超期1天) on the day after it.
    """
    days = (local_date(due_at - _ONE_SECOND) - local_date(now)).days
    hours = abs(due_at - now) // timedelta(hours=1)
    return TimeLeft(abs(days), hours, is_late=now >= due_at)


def local_date(moment: datetime) -> date:
    """Give the day in China at this moment (aware; ValueError if it names no time zone)."""
    return _utc(moment).astimezone(CHINA).date()


def local_midnight(day: date) -> datetime:
    """Give the instant at which this day begins in China, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=CHINA).astimezone(UTC)


def utc_text(moment: datetime) -> str:
    """Write an aware moment as "2026-11-22T08:00:00Z"; parts of a second are dropped."""
    return _utc(moment).isoformat(timespec="seconds")[:19] + "Z"


def parse_utc(text: str) -> datetime:
    """Read exactly what `utc_text` writes; anything else raises ValueError."""
    if not _UTC_TEXT.fullmatch(text):
        raise ValueError(f"{text!r} is not a UTC time like 2026-11-22T08:00:00Z")
    return datetime.fromisoformat(text)


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is UTC:
        return moment
    if moment.utcoffset() is None:
        raise ValueError(f"{moment}: a moment must name its time zone")
    return moment.astimezone(UTC)


def _whole_second(moment: datetime) -> datetime:
    return _utc(moment).replace(microsecond=0)


def _end_of(last_day: date, *, provisional: bool = False) -> Due:
    return Due(local_midnight(last_day + _ONE_DAY), last_day, provisional)


def _add_months(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return _day_or_last(year, (month + 1, day.day))


def _day_or_last(year: int, month_day: MonthDay) -> date:
    month, day = month_day
    following = date(year + month // 12, month % 12 + 1, 1)
    return min(date(year, month, 1) + timedelta(days=day - 1), following - _ONE_DAY)


def _window_days(window: Window, day: date) -> tuple[date, date]:
    """Give first and last day of the window that holds `day`, else of the next one."""
    last = _day_or_last(day.year, window.end)
    if last < day:
        last = _day_or_last(day.year + 1, window.end)
    runs_over_new_year = window.end < window.start
    return _day_or_last(last.year - runs_over_new_year, window.start), last


def _period_days(every: Every, day: date) -> tuple[date, date]:
    """Give the first day of the period that holds `day`, and the first day after it."""
    if every == "week":
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=7)
    months = _MONTHS[every]
    first = date(day.year, (day.month - 1) // months * months + 1, 1)
    return first, _add_months(first, months)
