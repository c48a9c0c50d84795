"""Durations, due dates, periods and local days; every moment is passed in, none is read."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Literal, cast, get_args

from workflows.calendars import Calendar, DayKind, working_days_between

__all__ = [
    "CHINA",
    "Bound",
    "CalendarDays",
    "DayStep",
    "Due",
    "Duration",
    "Hours",
    "Months",
    "Recurring",
    "TimeLeft",
    "Window",
    "WorkingDays",
    "at_percent",
    "due",
    "duration_table",
    "explain",
    "local_date",
    "local_midnight",
    "next_period",
    "parse_duration",
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
Every = Literal["week", "month", "quarter", "half_year", "year"]
Why = Literal["start_day", "calendar_day", "clock_hours", "in_window", "outside_window"] | DayKind

_UTC_TEXT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_ONE_DAY = timedelta(days=1)
_ONE_SECOND = timedelta(seconds=1)
_MAX_AMOUNT = 9999
_MONTHS: dict[Every, int] = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}
_SHORTEST_MONTH = 28
_DAYS_IN_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_NOT_COUNTED = {"start_day", "weekend", "holiday", "closing_day", "provisional_rest_day", "outside_window"}

MonthDay = tuple[int, int]


@dataclass(frozen=True)
class _Amount:
    amount: int

    def __post_init__(self) -> None:
        _ensure_count("amount", self.amount)


@dataclass(frozen=True)
class Hours(_Amount):
    """Hours by the clock from the start on, holidays included (Civil Code art. 201)."""


@dataclass(frozen=True)
class CalendarDays(_Amount):
    """Whole local days after the day of the start."""


@dataclass(frozen=True)
class WorkingDays(_Amount):
    """Days that offices work, after the day of the start."""


@dataclass(frozen=True)
class Months(_Amount):
    """Months, ending on the same day number or on the month's last day (Civil Code art. 202)."""


@dataclass(frozen=True)
class Window:
    """A yearly stretch of days as (month, day), both included; it may run over New Year.

    29 February stands for the last day of February.
    """

    start: MonthDay
    end: MonthDay

    def __post_init__(self) -> None:
        _ensure_month_day("start", self.start)
        _ensure_month_day("end", self.end)


@dataclass(frozen=True)
class Recurring:
    """`times` within every calendar period; a week runs from Monday to Sunday.

    `by_day` is the last day of the month on which it may be done (0: the month's end); only a month has one.
    """

    every: Every
    times: int = 1
    by_day: int = 0

    def __post_init__(self) -> None:
        if self.every not in get_args(Every):
            raise ValueError(f"every = {self.every!r}: must be one of {_words(get_args(Every))}")
        _ensure_count("times", self.times)
        if type(self.by_day) is not int or not 0 <= self.by_day <= _SHORTEST_MONTH:
            raise ValueError(f"by_day = {self.by_day!r}: must be a day from 1 to {_SHORTEST_MONTH}")
        if self.by_day and self.every != "month":
            raise ValueError(f'by_day = {self.by_day}: unknown beside every = "{self.every}"')


Duration = Hours | CalendarDays | WorkingDays | Months | Window | Recurring

_AMOUNTS: dict[str, type[Hours | CalendarDays | WorkingDays | Months]] = {
    "hours": Hours,
    "calendar_days": CalendarDays,
    "working_days": WorkingDays,
    "months": Months,
}
_UNITS = (*_AMOUNTS, "window", "recurring")


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


@dataclass(frozen=True)
class DayStep:
    """One local day on the way to a due date, whether it counts, and why."""

    date: date
    counted: bool
    why: Why


def parse_duration(table: Mapping[str, object]) -> Duration:
    """Read a duration as policies write it, e.g. {unit = "working_days", amount = 10}.

    Others: {unit = "window", start = "03-01", end = "03-31"}; {unit = "recurring", every =
    "month", times = 1, by_day = 5}, where times and by_day may be left out. Any mistake raises ValueError with a
    sentence that names the key and the value.
    """
    unit = table.get("unit")
    if not isinstance(unit, str) or unit not in _UNITS:
        raise ValueError(f"unit = {unit!r}: must be one of {_words(_UNITS)}")
    if unit == "window":
        _ensure_keys(table, needed=("start", "end"))
        return Window(_month_day("start", table["start"]), _month_day("end", table["end"]))
    if unit == "recurring":
        _ensure_keys(table, needed=("every",), optional=("times", "by_day"))
        # All are checked at run time by the class itself.
        every, times = cast("Every", table["every"]), cast("int", table.get("times", 1))
        return Recurring(every, times, cast("int", table.get("by_day", 0)))
    _ensure_keys(table, needed=("amount",))
    return _AMOUNTS[unit](cast("int", table["amount"]))


def duration_table(duration: Duration) -> dict[str, str | int]:
    """Write a duration as `parse_duration` reads it."""
    match duration:
        case Window(start, end):
            return {"unit": "window", "start": _month_day_text(start), "end": _month_day_text(end)}
        case Recurring():
            return {"unit": "recurring", **{key: value for key, value in asdict(duration).items() if value}}
    units = {kind: unit for unit, kind in _AMOUNTS.items()}
    return {"unit": units[type(duration)], "amount": duration.amount}


def due(duration: Duration, start: datetime, *, calendar: Calendar) -> Due:
    """Tell when a duration that began at `start` (aware) ends; all days are local to China.

    - The day of the start is not counted; hours run from the start itself (Civil Code art. 201).
    - Days and months end at 24:00 of their last day (art. 203), so `at` is the midnight after it.
    - Months end on the same day number, or on the month's last day if there is none (art. 202).
    - An end in calendar days or months is NOT moved behind a holiday: stricter than art. 203,
      because policy limits bind the administration and art. 204 lets a rule differ.
    - A window gives the end of the window open at the start, else of the next one; a recurring
      duty gives the end of the calendar period that holds the start, or its `by_day`, the next
      month's where that has passed.

    Read as a minimum, the same instant is the first permitted one: a posting of at least five
    days stands for five full days after the day of posting. Parts of a second in `start` are
    dropped, as the journal keeps none.
    """
    first = local_date(start)
    match duration:
        case Hours(amount):
            at = _whole_second(start) + timedelta(hours=amount)
            return Due(at, local_date(at - _ONE_SECOND))
        case WorkingDays(amount):
            last = _nth_working_day(first, amount, calendar=calendar)
            certain = calendar.is_covered(first + _ONE_DAY) and calendar.is_covered(last)
            return _end_of(last, provisional=not certain)
        case CalendarDays(amount):
            return _end_of(first + timedelta(days=amount))
        case Months(amount):
            return _end_of(_add_months(first, amount))
        case Window():
            return _end_of(_window_days(duration, first)[1])
        case Recurring(every, _, by_day):
            begins, after = _period_days(every, first)
            if not by_day:
                return _end_of(after - _ONE_DAY)
            return _end_of((begins if first.day <= by_day else after).replace(day=by_day))


def explain(duration: Duration, start: datetime, *, calendar: Calendar) -> list[DayStep]:
    """Walk from the day of the start to the last day that `due` gives, and say what each day is."""
    first, last = local_date(start), due(duration, start, calendar=calendar).last_day
    days = [first + timedelta(days=step) for step in range((last - first).days + 1)]
    reasons = [(day, _why(duration, day, first=first, calendar=calendar)) for day in days]
    return [DayStep(day, why not in _NOT_COUNTED, why) for day, why in reasons]


def _why(duration: Duration, day: date, *, first: date, calendar: Calendar) -> Why:
    match duration:
        case Hours():
            return "clock_hours"
        case Recurring():
            return "calendar_day"
        case Window():
            return "in_window" if day >= _window_days(duration, first)[0] else "outside_window"
    if day == first:
        return "start_day"
    return calendar.day_kind(day) if isinstance(duration, WorkingDays) else "calendar_day"


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


def _nth_working_day(day: date, amount: int, *, calendar: Calendar) -> date:
    while amount:
        day += _ONE_DAY
        amount -= calendar.is_working_day(day)
    return day


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


def _ensure_count(key: str, value: object) -> None:
    # bool is an int to Python, and `amount = true` is a slip.
    if type(value) is not int or not 1 <= value <= _MAX_AMOUNT:
        raise ValueError(f"{key} = {value!r}: must be a whole number from 1 to {_MAX_AMOUNT}")


def _ensure_month_day(key: str, month_day: MonthDay) -> None:
    month, day = month_day
    if not (1 <= month <= 12 and 1 <= day <= _DAYS_IN_MONTH[month - 1]):
        raise ValueError(f'{key} = "{_month_day_text(month_day)}": there is no such day')


def _ensure_keys(table: Mapping[str, object], *, needed: tuple[str, ...], optional: tuple[str, ...] = ()) -> None:
    unit, known = table["unit"], ("unit", *needed, *optional)
    for key in needed:
        if key not in table:
            raise ValueError(f'{key} is missing beside unit = "{unit}"')
    for key, value in table.items():
        if key not in known:
            raise ValueError(f'{key} = {value!r}: unknown beside unit = "{unit}"')


def _month_day(key: str, text: object) -> MonthDay:
    if not isinstance(text, str) or not re.fullmatch("[0-9]{2}-[0-9]{2}", text):
        raise ValueError(f'{key} = {text!r}: must be a text like "03-31"')
    return int(text[:2]), int(text[3:])


def _month_day_text(month_day: MonthDay) -> str:
    return f"{month_day[0]:02}-{month_day[1]:02}"


def _words(words: tuple[str, ...]) -> str:
    return ", ".join(words)
