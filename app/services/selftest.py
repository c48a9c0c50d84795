"""The weekly self-test: a period that ends in a minute goes through sweep, outbox and delivery to administrators."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from app.office_hours import office_hours
from app.store import people, selftest, upkeep
from app.store.deadlines import Key
from app.store.outbox import add_keyed
from app.store.transaction import reading, writing
from workflows.clock import local_date, parse_utc
from workflows.model import Message

SELF_TEST = selftest.SELF_TEST
RESULT = "self_test_result"  # the note; under the job's own name stands when it ran
RUNS_FOR = timedelta(minutes=1)
WITHIN = timedelta(minutes=10)  # from the end of its period to the list; after that it has failed
PASSED, FAILED = "passed", "failed"


def work() -> Mapping[str, int] | None:
    """Begin this week's test in office hours, or see what became of it; return what was counted, or None."""
    with reading() as now:
        county = min(people.administrators(now), default="")
        week = week_of(now)
        noted = upkeep.beats().get(RESULT, ("", ""))[1]
        due = selftest.due_of(selftest.key_of(county, week)) if county else None
        arrived = selftest.arrived(county, week) if due else None
    if not county or f"week={week}" in noted.split():
        return None
    if due is None:
        return _begin(county, week, now)
    if arrived is None and now - parse_utc(due) <= WITHIN:
        return None
    return _conclude(week, due, arrived)


def week_of(now: datetime) -> str:
    """Return the local week, as 2026-W48."""
    year, week, _ = local_date(now).isocalendar()
    return f"{year}-W{week:02}"


def _begin(county: str, week: str, now: datetime) -> Mapping[str, int] | None:
    if office_hours(county).first(now) > now:
        return None
    with writing() as now:
        key = selftest.key_of(county, week)
        if selftest.due_of(key) is not None:  # another scheduler was here first
            return None
        selftest.start(key, now, now + RUNS_FOR)
    return {"begun": 1}


def _conclude(week: str, due: str, arrived: str | None) -> Mapping[str, int]:
    seconds = round((parse_utc(arrived) - parse_utc(due)).total_seconds()) if arrived else -1
    with writing() as now:
        upkeep.note_beat(RESULT, f"{PASSED if arrived else FAILED} week={week} seconds={seconds}", now)
    return {PASSED if arrived else FAILED: 1}


def fire(key: Key, now: datetime) -> str:
    """Tell the administrators of a test that is due: what the sweep does with its row, in the sweep's transaction."""
    due = selftest.take(key, now)
    if due is None:
        return "passed"
    week = key.case.removeprefix(selftest.PREFIX)
    message = Message(
        case="", key=SELF_TEST, roles=("admin",), area=key.county.ljust(12, "0"), params={"week": week, "due": due}
    )
    add_keyed([(str(key), message)], key.county, now)
    return "done"


def has_failed(noted: str) -> bool:
    """Tell from the note of the last test whether its message never arrived."""
    return noted.startswith(FAILED)
