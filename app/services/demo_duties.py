"""What offices report in the demo year: most duties in time, some too late, some never; many with nothing found.

Drawn from the seed and the period alone, so that the same day of today gives the same ledger.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import cache
from itertools import groupby

from app.services import duty_reports
from app.services.cases import loaded_rules
from app.services.duty_desk import may_report
from app.services.duty_reports import Report
from app.services.story import Stage, seeded
from app.store import duty_acts, duty_lists
from app.store.transaction import reading
from app.tables import DutyPeriod
from workflows.clock import local_date, parse_utc, utc_text
from workflows.duties import Duty
from workflows.duty_periods import counts_days
from workflows.journal import digest
from workflows.model import Actor

EVERY = timedelta(days=7)
REPORTERS = ("helper", "village_cadre", "resident_team", "township_officer", "township_leader", "county_lead")
NEVER, LATE = 0.05, 0.12  # of all periods
NIL = 0.8  # of surveys
TOO_LATE = timedelta(days=4)
NOTE = "演示：已按要求完成"
FOUND = "演示：发现一户饮水不稳定，已交村里处理"
WARNED = "演示：收到饮水预警"
WARNINGS_EVERY = 8  # rounds


def rounds(
    stage: Stage, first: int, everybody: Sequence[Actor], places: Sequence[str], seed: str
) -> Iterator[datetime]:
    """Yield an afternoon every week, and let everybody report then what he would have done by that time."""
    when, turn = stage.day(first) + timedelta(hours=7), 0
    people = _one_each(everybody)
    while True:
        yield when
        turn += 1
        if turn % WARNINGS_EVERY == 0:
            village = places[turn // WARNINGS_EVERY % len(places)]
            officer = stage.actor(village, "township_officer", 0)
            duty_reports.register_warning(officer, village, local_date(when), note=WARNED, key=f"demo-{turn}")
        _report_all(people, when, seed)
        when += EVERY


def _one_each(everybody: Sequence[Actor]) -> list[Actor]:
    """Of those who hold the same office one reports; each helper reports for his own households."""
    found: dict[object, Actor] = {}
    for actor in everybody:
        office = actor.offices[0]
        if office.role in REPORTERS:
            found.setdefault(actor.id if office.role == "helper" else (office.role, office.area), actor)
    return list(found.values())


def _report_all(people: Sequence[Actor], now: datetime, seed: str) -> None:
    """Let each period be reported for which it is time, by the first who may, those of one duty and time at once."""
    for actor, row, together in _to_report(people, now, seed):
        duty = duty_acts.duty_of(loaded_rules(), row)
        for start in range(0, len(together), duty_reports.MOST_SUBJECTS):
            if duty is not None:
                _report_of(actor, duty, together[start : start + duty_reports.MOST_SUBJECTS], now, seed)


def _to_report(people: Sequence[Actor], now: datetime, seed: str) -> list[tuple[Actor, DutyPeriod, list[DutyPeriod]]]:
    counties = sorted({actor.offices[0].area[:6] for actor in people})
    with reading():
        # What is late was reported in the week after; what is later than that will never be.
        rows = duty_lists.open_since(counties, utc_text(now - TOO_LATE - 2 * EVERY))
        duty_acts.ensure_packs(loaded_rules(), {row.pack for row in rows})
    due = [row for row in rows if _is_time(row, now, seed)]
    whose = _reporters(people, due)
    named = [(whose[_place(row)], row) for row in due if _place(row) in whose]
    named.sort(key=lambda pair: (pair[1].duty, pair[1].begins, pair[0].id, pair[1].subject))
    groups = groupby(named, key=lambda pair: (pair[1].duty, pair[1].begins, pair[0].id))
    found = [list(group) for _, group in groups]
    return [(group[0][0], group[0][1], [row for _, row in group]) for group in found]


def _place(row: DutyPeriod) -> tuple[str, ...]:
    """Whatever decides who may report a period."""
    return row.pack, row.duty, row.begins, row.county, row.township, row.village, str(row.user_id)


def _reporters(people: Sequence[Actor], rows: Sequence[DutyPeriod]) -> dict[tuple[str, ...], Actor]:
    """Return who reports the periods of each place: the first of the people who may."""
    found: dict[tuple[str, ...], Actor] = {}
    for row in {_place(row): row for row in rows}.values():
        duty = duty_acts.duty_of(loaded_rules(), row)
        actor = next((one for one in people if may_report(one, row, duty)), None)
        if actor is not None:
            found[_place(row)] = actor
    return found


@cache
def _fate(seed: str, duty: str, begins: str, subject: str) -> float:
    return seeded(seed, duty, begins, subject).random()


def _is_time(row: DutyPeriod, now: datetime, seed: str) -> bool:
    """Tell whether a period would have been reported by now."""
    fate = _fate(seed, row.duty, row.begins, row.subject)
    begins, due = parse_utc(row.begins), parse_utc(row.due_at)
    if fate < NEVER:
        return False
    if fate < NEVER + LATE:
        return now > due + TOO_LATE
    return now >= begins + (due - begins) * (0.2 + 0.5 * fate)


def _report_of(actor: Actor, duty: Duty, together: Sequence[DutyPeriod], now: datetime, seed: str) -> None:
    one, days = together[0], counts_days(duty)
    is_nil = seeded(seed, one.duty, one.begins, one.subject, "nil").random() < NIL
    said = Report(
        duty=one.duty,
        begins=one.begins,
        subjects=tuple(row.subject for row in together),
        on=local_date(now),
        mode=duty.modes[0] if duty.modes else "",
        amount=min(one.needed - one.done, duty_reports.MOST_DAYS) if days else 1,
        nil=is_nil and one.kind == "village",
        note=NOTE if is_nil else FOUND,
    )
    key = digest(f"{one.duty}~{one.begins}~{one.subject}~{local_date(now)}")
    duty_reports.report(actor, one.county, said, key=key)
