"""Rows of running periods: started and ended by commands, picked and marked by the sweep."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, select, update

from app.office_hours import OfficeHours
from app.store.batch import Part, write_rows
from app.store.bulk import among
from app.tables import DeadlineRow, Household, db
from workflows import ladder
from workflows.clock import parse_utc, utc_text
from workflows.errors import NotFound
from workflows.model import Deadline, EndedDeadline

LAPSED, RAISED, ESCALATED, URGED = 3, 4, 5, 6
LATER_STAGES = {"superior": RAISED, "county": ESCALATED, "urge": URGED}
STEPPED_MODES = ("lapse", "recurring")
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


@dataclass(frozen=True)
class Plan:
    """What is to be done about a period: (stage, when) in order of time; and when its owner is told of its end."""

    moments: list[Moment]
    end_told: datetime


def planned(start: datetime, due: datetime, *, mode: str, steps: Sequence[str], hours: OfficeHours) -> Plan:
    """Return what is to be done about a period.

    Somebody may be late (lapse, recurring): the early steps of the ladder, then the lapse at its true time; where
    the period runs on (lapse: a duty of each period starts anew) superior, county and urging as the ladder says.
    """
    rungs = ladder.parse_ladder(steps)
    told = ladder.plan(start, due, rungs, calendar=hours.calendar, quiet=hours.quiet)
    early = [step for step in rungs if step.percent < ladder.END]
    found = [(early.index(step) + 1, at) for step, at in told if step in early and mode in STEPPED_MODES]
    found.append((LAPSED, due))
    late = [(LATER_STAGES[step.whom], at) for step, at in told if step.percent > ladder.END]
    end_told = next(at for step, at in told if step.percent == ladder.END)
    return Plan(found + (late if mode == "lapse" else []), end_told)


def plan_of(period: "DuePeriod", hours: OfficeHours) -> Plan:
    """Return what is to be done about a period, by the calendar as it is known now."""
    start, due = parse_utc(period.start_at), parse_utc(period.due_at)
    return planned(start, due, mode=period.mode, steps=period.warn, hours=hours)


def started_row(
    deadline: Deadline, steps: Sequence[str], hours: OfficeHours, at: str, **place: str
) -> dict[str, object]:
    """Return the row of a period that a command started at a time; ``steps`` is its ladder.

    One that goes on with another end (resumed, extended, recounted) has the start of before: warnings of the past are
    not given again, but an end that has passed is still noticed. A paused one falls due never and is not looked at.
    """
    clock = deadline.clock
    stage, next_at = (0, None) if clock.is_paused else _first_look(deadline, steps, hours, parse_utc(at))
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
        "warn": list(steps),
        "stage": stage,
        "next_at": next_at,
    }


def _first_look(deadline: Deadline, steps: Sequence[str], hours: OfficeHours, now: datetime) -> tuple[int, str]:
    """Return the stage of a period as it is begun, and when the sweep looks at it for the first time."""
    start, due = parse_utc(deadline.clock.start), parse_utc(deadline.clock.due)
    plan = planned(start, due, mode=deadline.mode, steps=steps, hours=hours).moments
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
    warn: Sequence[str]
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
    is_new: bool = True


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
    noticed = utc_text(now) if mark.is_new and mark.stage == LAPSED else None
    again = utc_text(mark.next_at) if mark.next_at else None
    return {**vars(mark.key), "stage": mark.stage, "next_at": again, "noticed_at": noticed}


def settled(periods: Collection[tuple[str, str, str, str]]) -> set[tuple[str, str, str, str]]:
    """Return those of some periods (county, case, timer, end) that were late and have been dealt with since.

    A duty of each period never is.
    """
    if not periods:
        return set()
    of = DeadlineRow
    query = select(of.county, of.case, of.kind, of.due_at).where(of.mode == "lapse", of.ended_how.is_not(None))
    query = query.where(
        of.county.in_({county for county, *_ in periods}), of.case.in_({case for _, case, *_ in periods})
    )
    return {(row.county, row.case, row.kind, row.due_at) for row in db.session.execute(query)} & set(periods)


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
