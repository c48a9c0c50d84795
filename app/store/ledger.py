"""The access ledger: what is no decision (reads, prints, exports, refusals), chained county by county."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, insert, select, update

from app.store.statements import run, table
from app.store.transaction import insert_once
from app.tables import AccessRow, LedgerHead, db
from workflows.clock import utc_text
from workflows.journal import GENESIS, canonical, digest

FORMAT = "fp-access-v1"
# Whoever runs the machine and acts under no account.
OPERATOR = "cli"
# Built once: each refusal, report and look of an auditor runs them.
HEADS = table(LedgerHead)
LINES = table(AccessRow)
ONE_LINE = select(LINES.c.text).where(LINES.c.county == bindparam("of_county"), LINES.c.seq == bindparam("at_seq"))
INSERT_LINES = insert(table(AccessRow))
LOCK_HEAD = select(HEADS.c.seq, HEADS.c.head).where(HEADS.c.county == bindparam("of_county")).with_for_update()
MOVE_HEAD = (
    update(HEADS)
    .where(HEADS.c.county == bindparam("of_county"))
    .values(seq=bindparam("to_seq"), head=bindparam("to_head"))
)


class Line(NamedTuple):
    """What a line tells: its kind, what it is about, and the details."""

    kind: str
    subject: str
    detail: Mapping[str, Any]


def append(county: str, *, user: str, kind: str, subject: str, now: datetime, detail: Mapping[str, Any]) -> int:
    """Seal one line into a county's access ledger and return its number; the head is locked until the commit."""
    return append_all(county, user=user, now=now, lines=[Line(kind, subject, detail)])


def append_all(county: str, *, user: str, now: datetime, lines: Sequence[Line]) -> int:
    """Seal lines of one moment, one after the other, by two statements; return the number of the last one."""
    last, previous = _locked_head(county)
    rows = []
    for seq, (kind, subject, detail) in enumerate(lines, start=last + 1):
        body = {
            "format": FORMAT,
            "county": county,
            "seq": seq,
            "prev": previous,
            "at": utc_text(now),
            "user": user,
            "kind": kind,
            "subject": subject,
            "detail": detail,
        }
        text = canonical(body)
        previous = digest(text)
        rows.append({"county": county, "seq": seq, "text": text, "hash": previous, "at": utc_text(now)})
    if rows:
        run(INSERT_LINES, rows)
        run(MOVE_HEAD, {"of_county": county, "to_seq": last + len(rows), "to_head": previous})
    return last + len(rows)


def lock(county: str) -> None:
    """Keep everybody else from adding to a county's ledger until the commit."""
    _locked_head(county)


def line(county: str, seq: int) -> tuple[Line, str] | None:
    """Return a line and its time, None where the ledger has none of that number."""
    row = run(ONE_LINE, {"of_county": county, "at_seq": seq}).one_or_none()
    body = json.loads(row.text) if row else None
    return (Line(body["kind"], body["subject"], body["detail"]), body["at"]) if body else None


def _locked_head(county: str) -> tuple[int, str]:
    """Return the end of a county's ledger under lock; the first line of all makes its head row, whoever is first."""
    head = run(LOCK_HEAD, {"of_county": county}).one_or_none()
    if head is None:
        run(insert_once(LedgerHead), {"county": county, "seq": 0, "head": GENESIS})
        head = run(LOCK_HEAD, {"of_county": county}).one()
    return head.seq, head.head


def hash_of(county: str, seq: int) -> str:
    """Return the hash that is kept of a line, an empty text when there is none of that number."""
    return db.session.scalar(select(AccessRow.hash).where(AccessRow.county == county, AccessRow.seq == seq)) or ""
