"""Rows of running periods: started and ended by commands, read and marked by the sweep."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from sqlalchemy import insert, update

from app.tables import DeadlineRow, db
from workflows.clock import at_percent, parse_utc, utc_text
from workflows.model import Deadline, EndedDeadline

LAPSED, ESCALATED = 3, 4
WARNED_MODES = ("lapse", "recurring")
MOST_WARNINGS = LAPSED - 1

Moment = tuple[int, datetime]


def moments(start: datetime, due: datetime, *, mode: str, warn: Sequence[int]) -> list[Moment]:
    """Return what is to be done about a period, as (stage, when) in order of time.

    Somebody may be late (lapse, recurring): a warning at each percent of ``warn``, then the lapse;
    escalation once the period has passed twice (lapse only: a duty of each period starts anew).
    """
    warnings = sorted(warn)[-MOST_WARNINGS:] if mode in WARNED_MODES else []
    plan = [(n, at_percent(start, due, percent=p)) for n, p in enumerate(warnings, 1)]
    plan.append((LAPSED, due))
    if mode == "lapse":
        plan.append((ESCALATED, at_percent(start, due, percent=200)))
    return plan


def first_next_at(start: datetime, due: datetime, *, mode: str, warn: Sequence[int]) -> datetime:
    """Return when the sweep has to look at a new period for the first time."""
    return moments(start, due, mode=mode, warn=warn)[0][1]


def insert_started(
    county: str,
    deadlines: Iterable[Deadline],
    *,
    village: str,
    township: str,
    warn: Callable[[Deadline], Sequence[int]],
) -> None:
    """Add the periods that a command started; ``warn`` gives the percents at which to warn."""
    for deadline in deadlines:
        percents = list(warn(deadline))
        values = _frozen(deadline, percents)
        db.session.execute(
            insert(DeadlineRow).values(county=county, village=village, township=township, **values)
        )


def _frozen(deadline: Deadline, percents: list[int]) -> dict[str, object]:
    clock = deadline.clock
    start, due = parse_utc(clock.start), parse_utc(clock.due)
    return {
        "case": deadline.case,
        "kind": clock.kind,
        "generation": clock.generation,
        "mode": deadline.mode,
        "fires": deadline.fires,
        "start_at": clock.start,
        "due_at": clock.due,
        "bound": clock.bound,
        "clause": clock.clause,
        "provisional": clock.provisional,
        "warn": percents,
        "stage": 0,
        "next_at": utc_text(first_next_at(start, due, mode=deadline.mode, warn=percents)),
    }


def mark_ended(county: str, ended: Iterable[EndedDeadline], now: datetime) -> None:
    """Close the periods that a command ended, so that the sweep passes them by."""
    for one in ended:
        db.session.execute(
            update(DeadlineRow)
            .where(DeadlineRow.county == county, DeadlineRow.case == one.case)
            .where(DeadlineRow.kind == one.kind, DeadlineRow.generation == one.generation)
            .values(ended_how=one.how, ended_at=utc_text(now), next_at=None, trouble=None)
        )
