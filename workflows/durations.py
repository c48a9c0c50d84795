"""Durations: their types, which never mix, and how files, people and entries write them."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal, cast, get_args

Every = Literal["week", "month", "quarter", "half_year", "year"]

_MAX_AMOUNT = 9999
_SHORTEST_MONTH = 28
_DAYS_IN_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

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


FORMS = (
    "36 hours", "15 calendar_days", "10 working_days", "6 months", "window 03-01 03-31", "recurring month",
    "recurring month 2", "recurring month by 5",
)  # fmt: skip

_AMOUNT_TEXT = re.compile(r"([0-9]{1,4}) (hour|calendar[ _]day|working[ _]day|month)s?")
_WINDOW_TEXT = re.compile(r"window ([0-9]{2}-[0-9]{2}) ([0-9]{2}-[0-9]{2})")
_RECURRING_TEXT = re.compile(r"recurring ([a-z_]+)(?: ([0-9]{1,4}))?(?: by ([0-9]{1,2}))?")


def duration_text(duration: Duration) -> str:
    """Write a duration in one line, as entries and people do: "10 working_days", "recurring month by 5"."""
    table = duration_table(duration)
    match duration:
        case Window():
            return f"window {table['start']} {table['end']}"
        case Recurring(every, times, by_day):
            return f"recurring {every}" + (f" {times}" if times > 1 else "") + (f" by {by_day}" if by_day else "")
    return f"{table['amount']} {table['unit']}"


def parse_duration_text(text: str) -> Duration:
    """Read what `duration_text` writes, and "10 working days" too; anything else, a mixed one such as
    "10 working calendar days" among them, raises ValueError with the forms that there are.
    """
    wanted = " ".join(text.lower().split())
    if found := _AMOUNT_TEXT.fullmatch(wanted):
        unit = found[2].replace(" ", "_") + "s"
        return parse_duration({"unit": unit, "amount": int(found[1])})
    if found := _WINDOW_TEXT.fullmatch(wanted):
        return parse_duration({"unit": "window", "start": found[1], "end": found[2]})
    if found := _RECURRING_TEXT.fullmatch(wanted):
        return Recurring(cast("Every", found[1]), int(found[2] or 1), int(found[3] or 0))
    raise ValueError(f"{text!r} is no duration; write one of these forms, of one kind only: {', '.join(FORMS)}")


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
