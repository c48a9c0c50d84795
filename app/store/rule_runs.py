"""Runs over a county's cases with other rules: their rows, and the households that they go through."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import defer

from app.tables import CaseRow, KeptText, RuleRun, db
from workflows.clock import utc_text

WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"
OPEN = (WAITING, RUNNING)
CHANGING = ("apply", "revert", "calendar")


def add(county: str, *, kind: str, user: str, inputs: Mapping[str, Any], now: datetime) -> RuleRun:
    """Add a run that waits for the scheduler."""
    run = RuleRun(county=county, kind=kind, user=user, inputs=dict(inputs), created_at=utc_text(now))
    db.session.add(run)
    db.session.flush()
    return run


def run_of(number: int) -> RuleRun | None:
    """Return a run by its number."""
    return db.session.get(RuleRun, number)


def runs(counties: Iterable[str], *, limit: int = 50) -> Sequence[tuple[RuleRun, str | None]]:
    """Return the runs of some counties and why they were asked for, the latest first; their large parts unread."""
    query = select(RuleRun, RuleRun.inputs["reason"].as_string())
    query = query.options(defer(RuleRun.inputs, raiseload=True), defer(RuleRun.result, raiseload=True))
    query = query.where(RuleRun.county.in_(list(counties))).order_by(RuleRun.id.desc())
    return [(row[0], row[1]) for row in db.session.execute(query.limit(limit))]


def waiting() -> list[int]:
    """Return the numbers of runs that have something left to do, the oldest first."""
    return list(db.session.scalars(select(RuleRun.id).where(RuleRun.state.in_(OPEN)).order_by(RuleRun.id)))


def is_changing(county: str) -> bool:
    """Tell whether cases of a county are being moved to other rules now."""
    query = select(RuleRun.id).where(RuleRun.county == county, RuleRun.kind.in_(CHANGING), RuleRun.state.in_(OPEN))
    return db.session.scalar(query.limit(1)) is not None


def is_changed_since(county: str, number: int) -> bool:
    """Tell whether cases of a county were moved, or asked to be, after a run."""
    query = select(RuleRun.id).where(RuleRun.county == county, RuleRun.kind.in_(CHANGING), RuleRun.id > number)
    return db.session.scalar(query.limit(1)) is not None


def latest(county: str, kind: str, document: int) -> RuleRun | None:
    """Return the latest run of a kind about a document of the calendar."""
    query = select(RuleRun).where(RuleRun.county == county, RuleRun.kind == kind)
    query = query.where(RuleRun.inputs["document"].as_integer() == document)
    return db.session.scalars(query.order_by(RuleRun.id.desc()).limit(1)).first()


def note(number: int, **values: Any) -> None:
    """Change a run's row."""
    db.session.execute(update(RuleRun).where(RuleRun.id == number).values(**values))


def households(county: str, after: str, size: int) -> list[str]:
    """Return the numbers of the next households with an open case, in their order."""
    query = select(CaseRow.subject).where(CaseRow.county == county, CaseRow.closed.is_(False))
    found = query.where(CaseRow.subject > f"household:{after}").distinct().order_by(CaseRow.subject).limit(size)
    return [subject.partition(":")[2] for subject in db.session.scalars(found)]


def pinned(county: str) -> list[tuple[str, str]]:
    """Return the digests (definition, pack) that open cases of a county are pinned to."""
    pins = select(CaseRow.definition_digest, CaseRow.policy_digest).where(
        CaseRow.county == county, CaseRow.closed.is_(False)
    )
    return [(row[0], row[1]) for row in db.session.execute(pins.distinct())]


def packs() -> list[KeptText]:
    """Return every kept text of a pack."""
    return list(db.session.scalars(select(KeptText).where(KeptText.kind == "pack")))
