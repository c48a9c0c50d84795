"""The sweep: warns before a period ends, notices its end, escalates; each exactly once."""

import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from app.services import upkeep
from app.services.cases import ensure_rules, judge, loaded_rules
from app.services.isolated import alone, never, work_together
from app.store import cases, deadlines
from app.store.deadlines import ESCALATED, LAPSED, DuePeriod, Key, Mark, Moment
from app.store.outbox import add_keyed
from app.store.transaction import reading
from workflows.errors import NotFound
from workflows.model import Command, Dossier, Message, system_actor

BATCH = 1000  # periods asked for at once
TOGETHER = 100  # periods a transaction: its locks are held for a tenth of a second
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
        done = work_together(keys, _look_at, deadlines.note_trouble, stop=stop, size=TOGETHER)
        tally += done
        upkeep.beat(upkeep.TICK, tally)  # a round after an outage may last longer than the silence that alarms
        progress = done["done"] > 0
    return tally


def _look_at(keys: Sequence[Key], now: datetime) -> list[str]:
    """Do what is due about some periods in one transaction: counties one after the other, of a household one period.

    What is left of a household is done in the next round, as the first may have ended it.
    """
    first = {(key.county, cases.household_of(key.case)): key for key in reversed(keys)}
    answers = dict.fromkeys(keys, "later")
    for county in sorted({county for county, _ in first}):
        wanted = {household: key for (of, household), key in first.items() if of == county}
        answers |= _look_at_county(county, wanted, now)
    return [answers[key] for key in keys]


def _look_at_county(county: str, wanted: Mapping[str, Key], now: datetime) -> dict[Key, str]:
    free = deadlines.free_households(county, wanted.keys())
    mine = {household: key for household, key in wanted.items() if household in free}
    periods = deadlines.due_periods(county, set(mine.values()), now)
    if periods:
        _do(county, {h: periods[key] for h, key in mine.items() if key in periods}, now)
    answers = {key: "done" if key in periods else "passed" for key in mine.values()}
    return dict.fromkeys(wanted.values(), "busy") | answers


def _do(county: str, periods: Mapping[str, DuePeriod], now: datetime) -> None:
    """Mark before the effects: a lapse may end the period, and then has the last word."""
    reached = {h: due_stage(deadlines.moments_of(one), one.stage, now) for h, one in periods.items()}
    deadlines.mark_stages([_mark(one, reached[h]) for h, one in periods.items()], now)
    moved = {h: one for h, one in periods.items() if reached[h] > one.stage}
    locked = cases.lock_dossiers(county, sorted(moved))
    lapsed = {h: one for h, one in moved.items() if reached[h] == LAPSED}
    told = {h: one for h, one in moved.items() if reached[h] != LAPSED}
    add_keyed([_message(one, reached[h], locked[h].dossier) for h, one in told.items()], county, now)
    _lapse(county, lapsed, locked, now)


def due_stage(plan: list[Moment], done: int, now: datetime) -> int:
    """Return the stage that a period has reached, one step at a time from its lapse on.

    A warning that the next one or the end itself has overtaken is left out.
    """
    reached = [stage for stage, at in plan if stage > done and at <= now]
    return min(max(reached, default=done), max(done + 1, LAPSED))


def _mark(period: DuePeriod, stage: int) -> Mark:
    later = (at for number, at in deadlines.moments_of(period) if number > stage)
    return Mark(period.key, stage, next(later, None))


def _message(period: DuePeriod, stage: int, dossier: Dossier) -> tuple[str, Message]:
    """Return what is told, with the key that makes it one."""
    key = period.key
    message = Message(
        case=key.case,
        key="escalated" if stage == ESCALATED else "due_soon",
        roles=ESCALATE_TO if stage == ESCALATED else _awaited(key, dossier),
        params={"timer": key.kind, "due": period.due_at},
    )
    return f"{key}:{stage}", message


def _awaited(key: Key, dossier: Dossier) -> tuple[str, ...]:
    """Return the roles for which the case waits."""
    rules = loaded_rules()
    ensure_rules(rules, dossier)
    case = dossier.by_number(key.case)
    if case is None:
        raise NotFound(case=key.case)
    return rules.machine_of(case).waits_for(case.state)


def _lapse(county: str, lapsed: Mapping[str, DuePeriod], locked: Mapping[str, cases.Locked], now: datetime) -> None:
    """Let the system say in the journals that periods have ended; the keys make each of them one entry."""
    commands = {household: _command(period) for household, period in lapsed.items()}
    earlier = cases.earlier_commands(county, [command.key for command in commands.values()])
    clock, decided = system_actor(county), []
    for household, command in commands.items():
        found = judge(clock, replace(locked[household], earlier=earlier.get(command.key)), command, now=now)
        if isinstance(found, cases.Decided):
            decided.append(found)
    if decided:
        cases.record(loaded_rules(), *decided)


def _command(period: DuePeriod) -> Command:
    key = period.key
    return Command(
        action=period.fires or "lapse",
        key=str(key),
        salt_seed=secrets.token_bytes(32),
        definition="",
        case=key.case,
        data={"timer": key.kind, "generation": key.generation},
    )
