"""Two calculations of ends, written apart, agree on any number of random periods."""

import random
import time
from datetime import datetime, timedelta

from tests.unit.second_count import Case, End, Second, any_case
from workflows.calendars import load_calendar
from workflows.clock import CHINA, LAST_MOVES, START_COUNTS, due, parse_duration, utc_text

EPOCH = datetime(2000, 1, 1, tzinfo=CHINA)
CALENDAR = load_calendar()


def first_end(case: Case) -> End:
    """The end as ``workflows.clock`` gives it."""
    end = due(
        parse_duration({"unit": case.unit, "amount": case.amount}),
        EPOCH + timedelta(seconds=case.start),
        calendar=CALENDAR,
        counting=" ".join([START_COUNTS] * case.starts + [LAST_MOVES] * case.moves),
        pauses=[(moment(begin), moment(finish)) for begin, finish in case.pauses],
        bound="min" if case.minimum else "max",
    )
    second = int((end.at - EPOCH).total_seconds())
    return End(second, (end.last_day - EPOCH.date()).days, end.provisional)


def moment(second: int) -> str:
    """A second since the epoch of these proofs as entries write it."""
    return utc_text(EPOCH + timedelta(seconds=second))


def prove(*, cases: int, seed: int) -> str:
    """Compare both on random cases; raise AssertionError with the first on which they differ."""
    chance, second, begun = random.Random(seed), Second(), time.perf_counter()
    for number in range(cases):
        case = any_case(chance, second)
        ours, other = first_end(case), second.end(case)
        if ours != other:
            raise AssertionError(f"case {number} of seed {seed}: {case}: {ours} against {other}")
    return f"{cases} random periods, all ends alike ({time.perf_counter() - begun:.0f} s)"
