"""What a test sees in the database: rows of periods, messages, reminders, entries of the clock."""

import json
from typing import Any

from sqlalchemy import select

from app.store.transaction import reading
from app.tables import DeadlineRow, JournalRow, OutboxRow, Reminder, db
from tests.world import StoredWalker, World


def opened(world: World, serial: int = 1, *, to: str = "") -> StoredWalker:
    """A household with a case fresh from a clue, or walked to a state."""
    walker = world.walker(serial)
    walker.clue()
    if to:
        walker.walk(to=to)
    return walker


def included(world: World, serial: int = 1) -> StoredWalker:
    """A household that came in through every gate."""
    walker = world.walker(serial)
    walker.include()
    return walker


def period(case: str, kind: str, generation: int = 1) -> dict[str, Any]:
    """The row of a period."""
    with reading():
        row = db.session.get_one(DeadlineRow, (case[:6], case, kind, generation))
        return {column.name: getattr(row, column.name) for column in DeadlineRow.__table__.columns}


def messages(case: str = "", *, timer: str = "") -> list[tuple[str, list[str], dict[str, Any]]]:
    """Word, roles and parameters of the messages about a case, oldest first."""
    with reading():
        bodies = [row.body for row in db.session.scalars(select(OutboxRow).order_by(OutboxRow.id))]
    return [
        (body["word"], body["roles"], body["params"])
        for body in bodies
        if case in ("", body["case"]) and timer in ("", body["params"].get("timer"))
    ]


def clock_entries(case: str, kind: str = "") -> list[dict[str, Any]]:
    """The entries that the system made in a case's journal."""
    with reading():
        texts = db.session.scalars(
            select(JournalRow.text).where(JournalRow.case == case).order_by(JournalRow.seq)
        ).all()
    bodies = [body for body in map(json.loads, texts) if body["actor"]["id"] == "system"]
    return [body for body in bodies if kind in ("", body["changes"]["lapsed"]["after"]["kind"])]


def lists() -> dict[int, list[tuple[str, str]]]:
    """Word and case of everybody's reminders, by account."""
    found: dict[int, list[tuple[str, str]]] = {}
    with reading():
        for row in db.session.scalars(select(Reminder).order_by(Reminder.id)):
            found.setdefault(row.user_id, []).append((row.word, row.case))
    return found
