"""A second calculation of ends, written apart from ``workflows.clock``: cumulative counts over arrays of days.

It shares no code with the first. Time is whole seconds of Chinese local time since 1 January 2000, days are numbers;
an end is found by bisection in a count that is known in closed form, never by walking from day to day.
"""

import calendar
import random
import tomllib
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

FILE = Path(__file__).parents[2] / "workflows" / "policies" / "calendars" / "cn-workdays.toml"
DAY = 86_400
FIRST_YEAR, LAST_YEAR = 2000, 2060
Pause = tuple[int, int]


@dataclass(frozen=True)
class Case:
    """A period: its unit and amount, the second of its start, counting rule, bound and pauses in order of time."""

    unit: str
    amount: int
    start: int
    starts: bool
    moves: bool
    minimum: bool
    pauses: tuple[Pause, ...]


@dataclass(frozen=True)
class End:
    """The first second behind a period, its last day, and whether days without a notice had a part in it."""

    second: int
    day: int
    provisional: bool


class Second:
    """Arrays over all days: worked or not, and how many were worked up to each."""

    def __init__(self) -> None:
        self.first_of = {}  # (year, month) → number of its first day
        number, weekday = 0, calendar.weekday(FIRST_YEAR, 1, 1)
        flags: list[int] = []
        for year in range(FIRST_YEAR, LAST_YEAR + 1):
            for month in range(1, 13):
                self.first_of[year, month] = number
                for _ in range(calendar.monthrange(year, month)[1]):
                    flags.append(int((weekday + number) % 7 < 5))
                    number += 1
        years = tomllib.loads(FILE.read_text(encoding="utf-8"))["years"]
        for row in (row for year in years for row in year["days"]):
            for key, value in (("off", 0), ("worked", 1)):
                for text in row.get(key, ()):
                    first, _, last = text.partition("..")
                    begin, end = self.number(first), self.number(last or first)
                    flags[begin : end + 1] = [value] * (end - begin + 1)
        self.worked_days = [day for day, flag in enumerate(flags) if flag]
        self.worked_until = [0, *accumulate(flags)]  # how many of the days before this one were worked
        self.covered = (self.number("2004-01-01"), self.number("2026-12-28"))

    def number(self, text: str) -> int:
        """The number of a day like 2026-01-31."""
        year, month, day = (int(part) for part in text.split("-"))
        return self.first_of[year, month] + day - 1

    def date(self, number: int) -> tuple[int, int, int]:
        """Year, month and day of a number."""
        months = list(self.first_of)
        place = bisect_left(list(self.first_of.values()), number + 1) - 1
        year, month = months[place]
        return year, month, number - self.first_of[year, month] + 1

    def is_settled(self, day: int) -> bool:
        """Tell whether a notice settles a day."""
        return self.covered[0] <= day <= self.covered[1]

    # --- the end of a period ---
    def end(self, case: Case) -> End:
        """The end of a period."""
        if case.unit == "hours":
            return self._after_hours(case)
        before = case.start // DAY - (case.starts and not case.minimum)
        out = spoilt_days(case)
        if case.unit == "working_days":
            last = self._bisect(before, case.amount, out, worked=True)
            certain = self.is_settled(before + 1) and self.is_settled(last)
            return End((last + 1) * DAY, last, not certain)
        amount = case.amount if case.unit == "calendar_days" else self._days_of_months(case)
        last = self._bisect(before, amount, out, worked=False)
        if case.minimum or not case.moves:
            return End((last + 1) * DAY, last, provisional=False)
        moved = self._next_worked(last, out)
        return End((moved + 1) * DAY, moved, not (self.is_settled(last) and self.is_settled(moved)))

    def _after_hours(self, case: Case) -> End:
        """The first second at which so much of the time has run as the period is long."""
        long = case.amount * 3600

        def run(until: int) -> int:
            stood = (max(0, min(until, b) - max(case.start, a)) for a, b in case.pauses)
            return until - case.start - sum(stood)

        low, high = case.start, case.start + long + sum(b - a for a, b in case.pauses)
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if run(middle) >= long else (middle + 1, high)
        return End(low, (low - 1) // DAY, provisional=False)

    def _days_of_months(self, case: Case) -> int:
        """How many days are to be counted until so many months are over."""
        start = case.start // DAY
        year, month, day = self.date(start)
        whole = year * 12 + month - 1 + case.amount
        year, month = whole // 12, whole % 12 + 1
        longest = calendar.monthrange(year, month)[1]
        last = self.first_of[year, month] + min(day, longest) - 1
        if case.starts and not case.minimum:
            # From the day before the start; the month is over on the eve of its day, where there is such a day.
            return last - (start - 1) - (day <= longest)
        return last - start

    def _counted(self, after: int, until: int, out: Sequence[Pause], *, worked: bool) -> int:
        """How many days after one, until and with another one, count."""

        def known(a: int, b: int) -> int:
            return (self.worked_until[b + 1] - self.worked_until[a] if worked else b - a + 1) if a <= b else 0

        return known(after + 1, until) - sum(known(max(a, after + 1), min(b, until)) for a, b in out)

    def _bisect(self, after: int, amount: int, out: Sequence[Pause], *, worked: bool) -> int:
        low = after + 1
        high = after + amount * 3 + 40 + sum(b - a + 1 for a, b in out)
        while low < high:
            middle = (low + high) // 2
            enough = self._counted(after, middle, out, worked=worked) >= amount
            low, high = (low, middle) if enough else (middle + 1, high)
        return low

    def _next_worked(self, day: int, out: Sequence[Pause]) -> int:
        place = bisect_left(self.worked_days, day)
        return next(d for d in self.worked_days[place:] if not any(a <= d <= b for a, b in out))


def spoilt_days(case: Case) -> list[Pause]:
    """The days that pauses take out, as stretches (first, last) without overlap, in order."""
    found: list[Pause] = []
    for begin, end in case.pauses:
        if begin == end:
            continue
        # Of a maximum the days whose end lies behind the pause's beginning and not behind its end; of a minimum all
        # days that share a second with the pause.
        first, last = begin // DAY, ((end - 1) // DAY if case.minimum else end // DAY - 1)
        if found:
            first = max(first, found[-1][1] + 1)
        if first <= last:
            found.append((first, last))
    return found


# --- random cases ---
UNITS = {"hours": 400, "calendar_days": 120, "working_days": 60, "months": 18}


def any_case(chance: random.Random, second: Second) -> Case:
    """A random period between 2003 and 2029 with up to three pauses, often at midnights and around festivals."""
    unit = chance.choice(list(UNITS))
    low, high = second.number("2003-06-01"), second.number("2029-06-01")
    start = chance.randrange(low, high) * DAY + _second_of_day(chance)
    pauses, at = [], start
    for _ in range(chance.choice((0, 0, 1, 1, 2, 3))):
        begin = at + chance.randrange(0, 25 * DAY)
        begin -= begin % DAY * chance.randrange(2) * (begin - begin % DAY >= at)
        end = begin + chance.choice((0, 1, 3600, DAY, chance.randrange(1, 40 * DAY), chance.randrange(1, 3 * DAY)))
        pauses.append((begin, end))
        at = end
    starts, moves, minimum = (chance.random() < share for share in (0.3, 0.6, 0.2))
    return Case(unit, chance.randint(1, UNITS[unit]), start, starts, moves, minimum, tuple(pauses))


def _second_of_day(chance: random.Random) -> int:
    return chance.choice((0, 1, DAY - 1, chance.randrange(DAY), chance.randrange(DAY)))
