"""The sweep: goes up the ladder before and after a period's end, and notices that end; each exactly once."""

import secrets
from collections import Counter
from collections.abc import Callable
from datetime import datetime

from app.office_hours import OfficeHours, office_hours
from app.services.cases import ensure_rules, loaded_rules, perform_inside
from app.services.isolated import alone, never, work_through
from app.store import cases, deadlines
from app.store.deadlines import ESCALATED, LAPSED, RAISED, URGED, Key, Moment
from app.store.outbox import add_messages, hold_messages
from app.store.transaction import reading
from app.tables import DeadlineRow
from workflows.errors import NotFound
from workflows.messages import KEEPERS, superior_of
from workflows.model import Command, Message, system_actor

BATCH = 200
HELD = "held"
# What each stage beside the lapse tells, and whom; the early steps tell those for whom the case waits.
TOLD = {RAISED: "raised", ESCALATED: "escalated", URGED: "to_urge"}
COUNTY = ("county_lead",)


def sweep(*, batch: int = BATCH, stop: Callable[[], bool] = never) -> Counter[str]:
    """Do everything that is due about running periods; return how many were done, passed, busy, failed.

    Goes round until a round gets nothing done, so that after downtime each period missed is
    noticed in order. ``stop`` is asked before each group. Any number of sweeps may run at once; on SQLite one works.
    """
    with alone("sweep") as is_mine:
        return _rounds(batch, stop) if is_mine else Counter()


def _rounds(batch: int, stop: Callable[[], bool]) -> Counter[str]:
    tally: Counter[str] = Counter()
    progress = True
    while progress and not stop():
        with reading() as now:
            keys = deadlines.due_keys(now, limit=batch)
        done = work_through(keys, _look_at, deadlines.note_trouble, stop=stop)
        tally += done
        progress = done["done"] > 0
    return tally


def _look_at(key: Key, now: datetime) -> str:
    household = cases.household_of(key.case)
    if not deadlines.is_household_free(key.county, household):
        return "busy"
    row = deadlines.due_row(key, now)
    if row is None:
        return "passed"
    hours = office_hours(key.county)
    before, stage = row.stage, due_stage(deadlines.moments_of(row, hours), row.stage, now)
    if before < stage != LAPSED and hours.first(now) > now:
        deadlines.look_again(key, hours.first(now))  # no reminder on a day off spends a step of the ladder
        return HELD
    _mark(key, row, stage=stage, now=now, hours=hours)
    if stage > before:
        _do(key, row, stage=stage, household=household, now=now)
    return "done"


def due_stage(plan: list[Moment], done: int, now: datetime) -> int:
    """Return the stage that a period has reached, one step at a time from its lapse on.

    An early step that the next one or the end itself has overtaken is left out.
    """
    reached = [stage for stage, at in plan if stage > done and at <= now]
    early = [stage for stage in reached if stage <= LAPSED]
    return max(early) if early else min(reached, default=done)


def _mark(key: Key, row: DeadlineRow, *, stage: int, now: datetime, hours: OfficeHours) -> None:
    """Mark before the effect: that may end the period, and then has the last word."""
    # After an outage, too, whoever is told next is told on another day: those below had no chance to act before.
    earliest = hours.day_after(now) if stage > row.stage else now
    later = [(number, at) for number, at in deadlines.moments_of(row, hours) if number > stage]
    looks = (at if number == LAPSED else max(at, earliest) for number, at in later)
    deadlines.mark_stage(key, stage, next_at=min(looks, default=None), now=now)


def _do(key: Key, row: DeadlineRow, *, stage: int, household: str, now: datetime) -> None:
    if stage == LAPSED:
        _lapse(key, row, household=household, now=now)
        return
    message = Message(
        case=key.case,
        key=TOLD.get(stage, "due_soon"),
        roles=COUNTY if stage > RAISED else _told(key, household, is_raised=stage == RAISED),
        params={"timer": key.kind, "due": row.due_at},
    )
    add_messages(key.county, [message], f"{key}:{stage}", now)


def _lapse(key: Key, row: DeadlineRow, *, household: str, now: datetime) -> None:
    """Let the system say in the journal that a period has ended; the key makes it one entry.

    The entry has its true time; that somebody is late is told in office hours, on a day of its own.
    """
    command = Command(
        action=row.fires or "lapse",
        key=str(key),
        salt_seed=secrets.token_bytes(32),
        definition="",
        case=key.case,
        data={"timer": key.kind, "generation": key.generation},
    )
    hours, steps = office_hours(key.county), row.mode in deadlines.STEPPED_MODES
    until = max(hours.first(now), deadlines.end_told_at(row, hours)) if steps else now
    perform_inside(system_actor(key.county), household, command, now)
    if until > now:
        hold_messages(key.county, str(key), until)


def _told(key: Key, household: str, *, is_raised: bool) -> tuple[str, ...]:
    """Return the roles for which the case waits, or their superiors."""
    rules = loaded_rules()
    dossier = cases.read_dossier(key.county, household)
    ensure_rules(rules, dossier)
    case = dossier.by_number(key.case)
    if case is None:
        raise NotFound(case=key.case)
    waiting = rules.machine_of(case).waits_for(case.state) or KEEPERS
    return tuple(dict.fromkeys(map(superior_of, waiting))) if is_raised else waiting
