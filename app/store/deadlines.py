"""Rows of running periods: started and ended by commands, picked and marked by the sweep."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, select, update

from app.office_hours import OfficeHours
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


def moments(start: datetime, due: datetime, *, mode: str, steps: Sequence[str], hours: OfficeHours) -> list[Moment]:
    """Return what is to be done about a period, as (stage, when) in order of time.

    Somebody may be late (lapse, recurring): the early steps of the ladder, then the lapse at its true time; where
    the period runs on (lapse: a duty of each period starts anew) superior, county and urging as the ladder says.
    """
    told = ladder.plan(start, due, ladder.parse_ladder(steps), calendar=hours.calendar, quiet=hours.quiet)
    early = [step for step in ladder.parse_ladder(steps) if step.percent < ladder.END]
    found = [(early.index(step) + 1, at) for step, at in told if step in early and mode in STEPPED_MODES]
    found.append((LAPSED, due))
    late = [(LATER_STAGES[step.whom], at) for step, at in told if step.percent > ladder.END]
    return found + (late if mode == "lapse" else [])


def end_told_at(row: DeadlineRow, hours: OfficeHours) -> datetime:
    """Return when the owner is told that a period has lapsed: on a day of its own, and never on a rest day."""
    steps = ladder.parse_ladder(row.warn)
    told = ladder.plan(
        parse_utc(row.start_at), parse_utc(row.due_at), steps, calendar=hours.calendar, quiet=hours.quiet
    )
    return next(at for step, at in told if step.percent == ladder.END)


def first_next_at(start: datetime, due: datetime, *, mode: str, steps: Sequence[str], hours: OfficeHours) -> datetime:
    """Return when the sweep has to look at a new period for the first time."""
    return moments(start, due, mode=mode, steps=steps, hours=hours)[0][1]


def moments_of(row: DeadlineRow, hours: OfficeHours) -> list[Moment]:
    """Return what is to be done about the period of a row, by the calendar as it is known now."""
    start, due = parse_utc(row.start_at), parse_utc(row.due_at)
    return moments(start, due, mode=row.mode, steps=row.warn, hours=hours)


def started_row(deadline: Deadline, steps: Sequence[str], hours: OfficeHours, **place: str) -> dict[str, object]:
    """Return the row of a period that a command started; ``steps`` is its ladder."""
    clock = deadline.clock
    start, due = parse_utc(clock.start), parse_utc(clock.due)
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
        "stage": 0,
        "next_at": utc_text(first_next_at(start, due, mode=deadline.mode, steps=steps, hours=hours)),
    }


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


def is_household_free(county: str, household: str) -> bool:
    """Lock a household's row unless somebody else holds it; tell whether it is ours now.

    Commands lock this row before anything else, and so does the sweep: one lock, never waited for
    here, so that it can be part of no deadlock. On SQLite the transaction itself is the lock.
    """
    query = select(Household.number).where(Household.county == county, Household.number == household)
    if db.session.scalar(query.with_for_update(skip_locked=True)) is not None:
        return True
    if db.session.scalar(query) is None:
        raise NotFound(household=household)
    return False


def due_row(key: Key, now: datetime) -> DeadlineRow | None:
    """Return a period as it is under the household's lock, or None when nothing is to be done."""
    return db.session.scalar(
        select(DeadlineRow)
        .where(_is(key), DeadlineRow.ended_how.is_(None), DeadlineRow.next_at <= utc_text(now))
        .execution_options(populate_existing=True)
    )


def mark_stage(key: Key, stage: int, *, next_at: datetime | None, now: datetime) -> None:
    """Note how far the sweep has come with a period, and when to look at it again."""
    noticed = {"noticed_at": utc_text(now)} if stage == LAPSED else {}
    again = utc_text(next_at) if next_at else None
    db.session.execute(
        update(DeadlineRow)
        .where(_is(key))
        .values(stage=stage, next_at=again, trouble=None, **noticed)
        .execution_options(synchronize_session=False)
    )


def look_again(key: Key, at: datetime) -> None:
    """Note when to look at a period again, without a stage having been reached."""
    query = update(DeadlineRow).where(_is(key)).values(next_at=utc_text(at), trouble=None)
    db.session.execute(query.execution_options(synchronize_session=False))


def is_settled(county: str, case: str, kind: str, due_at: str) -> bool:
    """Tell whether a period with this end was late and has been dealt with since; a duty of each period never is."""
    query = (
        select(func.count())
        .select_from(DeadlineRow)
        .where(
            DeadlineRow.county == county,
            DeadlineRow.case == case,
            DeadlineRow.kind == kind,
            DeadlineRow.due_at == due_at,
            DeadlineRow.mode == "lapse",
            DeadlineRow.ended_how.is_not(None),
        )
    )
    return bool(db.session.scalar(query))


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
