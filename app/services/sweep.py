"""The sweep: warns before a period ends, notices its end, escalates; each exactly once."""

import secrets
from collections import Counter
from collections.abc import Callable
from datetime import datetime

from app.services.cases import ensure_rules, loaded_rules, perform_inside
from app.services.isolated import alone, never, work_through
from app.store import cases, deadlines
from app.store.deadlines import ESCALATED, LAPSED, Key, Moment
from app.store.outbox import add_messages
from app.store.transaction import reading
from app.tables import DeadlineRow
from workflows.errors import NotFound
from workflows.model import Command, Message, system_actor

BATCH = 200
ESCALATE_TO = ("county_lead",)


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
    before, stage = row.stage, due_stage(deadlines.moments_of(row), row.stage, now)
    _mark(key, row, stage=stage, now=now)
    if stage > before:
        _do(key, row, stage=stage, household=household, now=now)
    return "done"


def due_stage(plan: list[Moment], done: int, now: datetime) -> int:
    """Return the stage that a period has reached, one step at a time from its lapse on.

    A warning that the next one or the end itself has overtaken is left out.
    """
    reached = [stage for stage, at in plan if stage > done and at <= now]
    return min(max(reached, default=done), max(done + 1, LAPSED))


def _mark(key: Key, row: DeadlineRow, *, stage: int, now: datetime) -> None:
    """Mark before the effect: that may end the period, and then has the last word."""
    later = (at for number, at in deadlines.moments_of(row) if number > stage)
    deadlines.mark_stage(key, stage, next_at=next(later, None), now=now)


def _do(key: Key, row: DeadlineRow, *, stage: int, household: str, now: datetime) -> None:
    if stage == LAPSED:
        _lapse(key, row.fires or "lapse", household=household, now=now)
        return
    message = Message(
        case=key.case,
        key="escalated" if stage == ESCALATED else "due_soon",
        roles=ESCALATE_TO if stage == ESCALATED else _awaited(key, household),
        params={"timer": key.kind, "due": row.due_at},
    )
    add_messages(key.county, [message], f"{key}:{stage}", now)


def _lapse(key: Key, action: str, *, household: str, now: datetime) -> None:
    """Let the system say in the journal that a period has ended; the key makes it one entry."""
    command = Command(
        action=action,
        key=str(key),
        salt_seed=secrets.token_bytes(32),
        definition="",
        case=key.case,
        data={"timer": key.kind, "generation": key.generation},
    )
    perform_inside(system_actor(key.county), household, command, now)


def _awaited(key: Key, household: str) -> tuple[str, ...]:
    """Return the roles for which the case waits."""
    rules = loaded_rules()
    dossier = cases.read_dossier(key.county, household)
    ensure_rules(rules, dossier)
    case = dossier.by_number(key.case)
    if case is None:
        raise NotFound(case=key.case)
    return rules.machine_of(case).waits_for(case.state)
