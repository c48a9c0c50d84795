"""What offices report in the demo year: most duties in time, some too late, some never; many with nothing found.

Drawn from the seed and the period alone, so that the same day of today gives the same ledger.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from app.services import duty_desk, duty_reports
from app.services.duty_desk import Due
from app.services.duty_reports import Report
from app.services.story import Stage, seeded
from workflows.clock import local_date, parse_utc
from workflows.journal import digest
from workflows.model import Actor

EVERY = timedelta(days=3)
REPORTERS = ("helper", "village_cadre", "resident_team", "township_officer", "township_leader", "county_lead")
NEVER, LATE = 0.05, 0.12  # of all periods
NIL = 0.8  # of surveys
TOO_LATE = timedelta(days=4)
NOTE = "演示：已按要求完成"
FOUND = "演示：发现一户饮水不稳定，已交村里处理"
WARNED = "演示：收到饮水预警"
WARNINGS_EVERY = 20  # rounds


def rounds(
    stage: Stage, first: int, everybody: Sequence[Actor], places: Sequence[str], seed: str
) -> Iterator[datetime]:
    """Yield an afternoon every few days, and let everybody report then what he would have done by that time."""
    when, turn = stage.day(first) + timedelta(hours=7), 0
    people = _one_each(everybody)
    while True:
        yield when
        turn += 1
        if turn % WARNINGS_EVERY == 0:
            village = places[turn // WARNINGS_EVERY % len(places)]
            officer = stage.actor(village, "township_officer", 0)
            duty_reports.register_warning(officer, village, local_date(when), note=WARNED, key=f"demo-{turn}")
        for actor in people:
            _report(actor, when, seed)
        when += EVERY


def _one_each(everybody: Sequence[Actor]) -> list[Actor]:
    """Of those who hold the same office one reports; each helper reports for his own households."""
    found: dict[object, Actor] = {}
    for actor in everybody:
        office = actor.offices[0]
        if office.role in REPORTERS:
            found.setdefault(actor.id if office.role == "helper" else (office.role, office.area), actor)
    return list(found.values())


def _report(actor: Actor, now: datetime, seed: str) -> None:
    due = [one for one in duty_desk.to_report(actor) if _is_time(one, now, seed)]
    for (duty, begins), group in groupby(due, key=lambda one: (one.duty, one.begins)):
        together = list(group)
        for start in range(0, len(together), duty_reports.MOST_SUBJECTS):
            _report_of(actor, duty, begins, together[start : start + duty_reports.MOST_SUBJECTS], now, seed)


def _is_time(one: Due, now: datetime, seed: str) -> bool:
    """Tell whether a period would have been reported by now."""
    fate = seeded(seed, one.duty, one.begins, one.subject).random()
    begins, due = parse_utc(one.begins), parse_utc(one.due_at)
    if fate < NEVER:
        return False
    if fate < NEVER + LATE:
        return now > due + TOO_LATE
    return now >= begins + (due - begins) * (0.2 + 0.5 * fate)


def _report_of(actor: Actor, duty: str, begins: str, together: Sequence[Due], now: datetime, seed: str) -> None:
    one = together[0]
    is_nil = seeded(seed, duty, begins, one.subject, "nil").random() < NIL
    said = Report(
        duty=duty,
        begins=begins,
        subjects=tuple(due.subject for due in together),
        on=local_date(now),
        mode=one.modes[0] if one.modes else "",
        amount=min(one.missing, duty_reports.MOST_DAYS) if one.counts_days else 1,
        nil=is_nil and one.kind == "village",
        note=NOTE if is_nil else FOUND,
    )
    key = digest(f"{duty}~{begins}~{one.subject}~{local_date(now)}")
    duty_reports.report(actor, one.county, said, key=key)
