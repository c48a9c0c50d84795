"""The sweep: goes up the ladder before and after a period's end, and notices that end; each exactly once."""

import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from app.office_hours import OfficeHours, office_hours
from app.services import upkeep
from app.services.cases import ensure_rules, judge, loaded_rules
from app.services.isolated import alone, never, work_together
from app.services.selftest import SELF_TEST, fire
from app.store import cases, deadlines
from app.store.deadlines import ESCALATED, LAPSED, RAISED, URGED, DuePeriod, Key, Mark, Moment, Plan
from app.store.outbox import add_keyed
from app.store.transaction import reading
from workflows.errors import NotFound
from workflows.messages import KEEPERS, superior_of
from workflows.model import Command, Dossier, Message, system_actor

BATCH = 1000  # periods asked for at once
TOGETHER = 100  # periods a transaction: its locks are held for a tenth of a second
HELD = "held"
# What each stage beyond the lapse tells; the early steps and the first one beyond it ask the case whom.
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
        done = work_together(keys, _look_at, deadlines.note_trouble, stop=stop, size=TOGETHER)
        tally += done
        progress = done["done"] + done[HELD] > 0
        if progress:
            upkeep.beat(upkeep.TICK, tally)  # rounds after an outage may last longer than the silence that alarms
    return tally


def _look_at(keys: Sequence[Key], now: datetime) -> list[str]:
    """Do what is due about some periods in one transaction: counties one after the other, of a household one period.

    What is left of a household is done in the next round, as the first may have ended it.
    """
    answers = {key: fire(key, now) if key.kind == SELF_TEST else "later" for key in keys}
    periods = [key for key in keys if key.kind != SELF_TEST]
    first = {(key.county, cases.household_of(key.case)): key for key in reversed(periods)}
    for county in sorted({county for county, _ in first}):
        wanted = {household: key for (of, household), key in first.items() if of == county}
        answers |= _look_at_county(county, wanted, now)
    return [answers[key] for key in keys]


def _look_at_county(county: str, wanted: Mapping[str, Key], now: datetime) -> dict[Key, str]:
    free = deadlines.free_households(county, wanted.keys())
    mine = {household: key for household, key in wanted.items() if household in free}
    periods = deadlines.due_periods(county, set(mine.values()), now)
    held = _do(county, {h: periods[key] for h, key in mine.items() if key in periods}, now) if periods else set()
    answers = {key: "done" if key in periods else "passed" for key in mine.values()} | dict.fromkeys(held, HELD)
    return dict.fromkeys(wanted.values(), "busy") | answers


def _do(county: str, periods: Mapping[str, DuePeriod], now: datetime) -> set[Key]:
    """Mark before the effects: a lapse may end the period, and then has the last word. Return what has to wait.

    No reminder on a day off or in quiet hours spends a step of the ladder.
    """
    hours = office_hours(county)
    plans = {h: deadlines.plan_of(one, hours) for h, one in periods.items()}
    reached = {h: due_stage(plans[h].moments, one.stage, now) for h, one in periods.items()}
    if hours.first(now) > now:
        held = {h for h, one in periods.items() if reached[h] not in (one.stage, LAPSED)}
    else:
        held = set()
    waiting = [Mark(periods[h].key, periods[h].stage, hours.first(now), is_new=False) for h in held]
    due = {h: one for h, one in periods.items() if h not in held}
    deadlines.mark_stages([*waiting, *(_mark(one, reached[h], plans[h], hours, now) for h, one in due.items())], now)
    moved = {h: one for h, one in due.items() if reached[h] > one.stage}
    locked = cases.lock_dossiers(county, sorted(moved))
    lapsed = {h: one for h, one in moved.items() if reached[h] == LAPSED}
    told = {h: one for h, one in moved.items() if reached[h] != LAPSED}
    add_keyed([_message(one, reached[h], locked[h].dossier) for h, one in told.items()], county, now)
    _lapse(county, lapsed, plans, locked, now)
    return {mark.key for mark in waiting}


def due_stage(plan: list[Moment], done: int, now: datetime) -> int:
    """Return the stage that a period has reached, one step at a time from its lapse on.

    An early step that the next one or the end itself has overtaken is left out.
    """
    reached = [stage for stage, at in plan if stage > done and at <= now]
    early = [stage for stage in reached if stage <= LAPSED]
    return max(early) if early else min(reached, default=done)


def _mark(period: DuePeriod, stage: int, plan: Plan, hours: OfficeHours, now: datetime) -> Mark:
    """Also after an outage whoever is told next is told on another day: those below had no chance to act before."""
    earliest = hours.day_after(now) if stage > period.stage else now
    later = [(number, at) for number, at in plan.moments if number > stage]
    looks = (at if number == LAPSED else max(at, earliest) for number, at in later)
    return Mark(period.key, stage, min(looks, default=None), is_new=stage > period.stage)


def _message(period: DuePeriod, stage: int, dossier: Dossier) -> tuple[str, Message]:
    """Return what is told, with the key that makes it one."""
    key = period.key
    message = Message(
        case=key.case,
        key=TOLD.get(stage, "due_soon"),
        roles=COUNTY if stage > RAISED else _concerned(key, dossier, is_raised=stage == RAISED),
        params={"timer": key.kind, "due": period.due_at},
    )
    return f"{key}:{stage}", message


def _concerned(key: Key, dossier: Dossier, *, is_raised: bool) -> tuple[str, ...]:
    """Return the roles for which the case waits, or their superiors."""
    rules = loaded_rules()
    ensure_rules(rules, dossier)
    case = dossier.by_number(key.case)
    if case is None:
        raise NotFound(case=key.case)
    waiting = rules.machine_of(case).waits_for(case.state) or KEEPERS
    return tuple(dict.fromkeys(map(superior_of, waiting))) if is_raised else waiting


def _lapse(
    county: str,
    lapsed: Mapping[str, DuePeriod],
    plans: Mapping[str, Plan],
    locked: Mapping[str, cases.Locked],
    now: datetime,
) -> None:
    """Let the system say in the journals that periods have ended; the keys make each of them one entry.

    The entry has its true time; that somebody is late is told in office hours, on a day of its own.
    """
    hours = office_hours(county)
    commands = {household: _command(period) for household, period in lapsed.items()}
    earlier = cases.earlier_commands(county, [command.key for command in commands.values()])
    clock, decided = system_actor(county), []
    for household, command in commands.items():
        found = judge(clock, replace(locked[household], earlier=earlier.get(command.key)), command, now=now)
        if isinstance(found, cases.Decided):
            decided.append(replace(found, tell_at=_told_at(lapsed[household], plans[household], hours, now)))
    if decided:
        cases.record(loaded_rules(), *decided)


def _told_at(period: DuePeriod, plan: Plan, hours: OfficeHours, now: datetime) -> datetime | None:
    if period.mode not in deadlines.STEPPED_MODES:
        return None
    return max(hours.first(now), plan.end_told)


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
