"""The access ledger: what is no decision (reads, prints, exports, refusals), chained county by county."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update

from app.store.transaction import insert_once
from app.tables import AccessRow, LedgerHead, db
from workflows.clock import utc_text
from workflows.journal import GENESIS, canonical, digest

FORMAT = "fp-access-v1"
# Whoever runs the machine and acts under no account.
OPERATOR = "cli"


def append(county: str, *, user: str, kind: str, subject: str, now: datetime, detail: Mapping[str, Any]) -> None:
    """Seal one line into a county's access ledger; the head row is locked until the transaction ends."""
    seq, previous = _locked_head(county)
    body = {
        "format": FORMAT,
        "county": county,
        "seq": seq + 1,
        "prev": previous,
        "at": utc_text(now),
        "user": user,
        "kind": kind,
        "subject": subject,
        "detail": detail,
    }
    text = canonical(body)
    row = {
        "county": county,
        "seq": seq + 1,
        "text": text,
        "hash": digest(text),
        "at": utc_text(now),
    }
    db.session.execute(insert(AccessRow).values(**row))
    db.session.execute(update(LedgerHead).where(LedgerHead.county == county).values(seq=seq + 1, head=row["hash"]))


def _locked_head(county: str) -> tuple[int, str]:
    """Return the end of a county's ledger under lock; the first line of all makes its head row, whoever is first."""
    query = select(LedgerHead.seq, LedgerHead.head).where(LedgerHead.county == county).with_for_update()
    head = db.session.execute(query).one_or_none()
    if head is None:
        db.session.execute(insert_once(LedgerHead).values(county=county, seq=0, head=GENESIS))
        head = db.session.execute(query).one()
    return head.seq, head.head
