"""Rows of running periods: started and ended by commands, picked and marked by the sweep."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, select, update

from app.store.batch import Part, write_rows
from app.store.bulk import among
from app.tables import DeadlineRow, Household, db
from workflows.clock import at_percent, parse_utc, utc_text
from workflows.errors import NotFound
from workflows.model import Deadline, EndedDeadline

LAPSED, ESCALATED = 3, 4
WARNED_MODES = ("lapse", "recurring")
MOST_WARNINGS = LAPSED - 1
SHORTEST_DELAY, LONGEST_DELAY = timedelta(minutes=1), timedelta(hours=6)

Moment = tuple[int, datetime]


@dataclass(frozen=True)
class Key:
    """One running period: the unique key by which each of its effects happens once."""

    county: str
    case: str
    kind: str
    generation: int

    def __str__(self) -> str:
        """Return the key of the period's effects, at most 80 characters."""
        return f"t:{self.case}:{self.kind}:{self.generation}"


def moments(start: datetime, due: datetime, *, mode: str, warn: Sequence[int]) -> list[Moment]:
    """Return what is to be done about a period, as (stage, when) in order of time.

    Somebody may be late (lapse, recurring): a warning at each percent of ``warn``, then the lapse;
    escalation once the period has passed twice (lapse only: a duty of each period starts anew).
    Source: reminder levels of the domain notes, section 5.
    """
    warnings = sorted(warn)[-MOST_WARNINGS:] if mode in WARNED_MODES else []
    plan = [(n, at_percent(start, due, percent=p)) for n, p in enumerate(warnings, 1)]
    plan.append((LAPSED, due))
    if mode == "lapse":
        plan.append((ESCALATED, at_percent(start, due, percent=200)))
    return plan


def moments_of(period: "DuePeriod") -> list[Moment]:
    """Return what is to be done about a period."""
    start, due = parse_utc(period.start_at), parse_utc(period.due_at)
    return moments(start, due, mode=period.mode, warn=period.warn)


def started_row(deadline: Deadline, percents: Sequence[int], at: str, **place: str) -> dict[str, object]:
    """Return the row of a period that a command started at a time; ``percents`` of it are when to warn.

    One that goes on with another end (resumed, extended, recounted) has the start of before: warnings of the past are
    not given again, but an end that has passed is still noticed. A paused one falls due never and is not looked at.
    """
    clock = deadline.clock
    stage, next_at = (0, None) if clock.is_paused else _first_look(deadline, percents, parse_utc(at))
    return {
        **place,
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
        "warn": list(percents),
        "stage": stage,
        "next_at": next_at,
    }


def _first_look(deadline: Deadline, percents: Sequence[int], now: datetime) -> tuple[int, str]:
    """Return the stage of a period as it is begun, and when the sweep looks at it for the first time."""
    start, due = parse_utc(deadline.clock.start), parse_utc(deadline.clock.due)
    plan = moments(start, due, mode=deadline.mode, warn=percents)
    past = [stage for stage, at in plan if stage < LAPSED and at < now]
    stage = max(past, default=0)
    return stage, utc_text(next(at for number, at in plan if number > stage))


def ended_row(county: str, one: EndedDeadline, at: str) -> dict[str, object]:
    """Return what closes a period that a command ended, so that the sweep passes it by."""
    key = {"county": county, "case": one.case, "kind": one.kind, "generation": one.generation}
    return {**key, "ended_how": one.how, "ended_at": at}


def due_keys(now: datetime, *, limit: int) -> list[Key]:
    """Return periods about which something is to be done, the longest waiting first; locks none."""
    rows = db.session.execute(
        select(DeadlineRow.county, DeadlineRow.case, DeadlineRow.kind, DeadlineRow.generation)
        .where(DeadlineRow.next_at <= utc_text(now))
        .order_by(DeadlineRow.next_at, DeadlineRow.due_at, DeadlineRow.case, DeadlineRow.kind)
        .limit(limit)
    )
    return [Key(*row) for row in rows]


def free_households(county: str, numbers: Collection[str]) -> set[str]:
    """Lock the rows of those of some households that nobody else holds, and return these.

    Commands lock this row before anything else, and so does the sweep: one lock, never waited for here, so that it can
    be part of no deadlock. On SQLite the transaction itself is the lock. Raises NotFound for one that is not there.
    """
    wanted = select(Household.number).where(Household.county == county, among(Household.number, numbers))
    free = set(db.session.scalars(wanted.order_by(Household.number).with_for_update(skip_locked=True)))
    if len(free) < len(numbers):
        gone = set(numbers) - set(db.session.scalars(wanted))
        if gone:
            raise NotFound(household=min(gone))
    return free


@dataclass(frozen=True)
class DuePeriod:
    """A period about which something is to be done, as its row froze it; times are RFC 3339 UTC."""

    key: Key
    mode: str
    fires: str | None
    start_at: str
    due_at: str
    warn: Sequence[int]
    stage: int


DUE = (
    DeadlineRow.mode,
    DeadlineRow.fires,
    DeadlineRow.start_at,
    DeadlineRow.due_at,
    DeadlineRow.warn,
    DeadlineRow.stage,
)


def due_periods(county: str, keys: Collection[Key], now: datetime) -> dict[Key, DuePeriod]:
    """Return those of some periods of a county that are still due, as they are under their households' locks."""
    rows = db.session.execute(
        select(DeadlineRow.case, DeadlineRow.kind, DeadlineRow.generation, *DUE)
        .where(DeadlineRow.county == county, among(DeadlineRow.case, {key.case for key in keys}))
        .where(DeadlineRow.ended_how.is_(None), DeadlineRow.next_at <= utc_text(now))
    )
    found = (DuePeriod(Key(county, *row[:3]), *row[3:]) for row in rows)
    return {period.key: period for period in found if period.key in keys}


@dataclass(frozen=True)
class Mark:
    """How far the sweep has come with a period, and when to look at it again."""

    key: Key
    stage: int
    next_at: datetime | None


MARKED = Part(
    DeadlineRow,
    ("county", "case", "kind", "generation", "stage", "next_at", "noticed_at"),
    "UPDATE deadlines AS d SET stage = r.stage, next_at = r.next_at, trouble = NULL,"
    " noticed_at = coalesce(r.noticed_at, d.noticed_at)"
    ' FROM {rows} WHERE d.county = r.county AND d."case" = r."case" AND d.kind = r.kind'
    " AND d.generation = r.generation",
)


def mark_stages(marks: Sequence[Mark], now: datetime) -> None:
    """Note how far the sweep has come with some periods."""
    write_rows(MARKED, [_marked(mark, now) for mark in marks])


def _marked(mark: Mark, now: datetime) -> dict[str, object]:
    noticed = utc_text(now) if mark.stage == LAPSED else None
    again = utc_text(mark.next_at) if mark.next_at else None
    return {**vars(mark.key), "stage": mark.stage, "next_at": again, "noticed_at": noticed}


def note_trouble(key: Key, what: str, now: datetime) -> None:
    """Note why a period could not be dealt with and put it off: as long again as it has been broken.

    The note begins with the time of the first failure. Only this one row is locked.
    """
    query = select(DeadlineRow.trouble).where(_is(key), DeadlineRow.next_at.is_not(None))
    before = db.session.scalar(query)
    since = parse_utc(before[:20]) if before else now
    delay = min(max(now - since, SHORTEST_DELAY), LONGEST_DELAY)
    db.session.execute(
        update(DeadlineRow)
        .where(_is(key), DeadlineRow.next_at.is_not(None))
        .values(trouble=f"{utc_text(since)} {what}"[:300], next_at=utc_text(now + delay))
        .execution_options(synchronize_session=False)
    )


def troubled(county: str | None = None) -> int:
    """Count the periods that the sweep could not deal with at its last try."""
    query = select(func.count()).select_from(DeadlineRow).where(DeadlineRow.trouble.is_not(None))
    query = query.where(DeadlineRow.county == county) if county else query
    return int(db.session.scalar(query) or 0)


def _is(key: Key) -> ColumnElement[bool]:
    return and_(
        DeadlineRow.county == key.county,
        DeadlineRow.case == key.case,
        DeadlineRow.kind == key.kind,
        DeadlineRow.generation == key.generation,
    )
