"""What the great check reads of duties: acts with what sealed them, and periods with what was counted for them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, case, func, select

from app.tables import AccessRow, DutyAct, DutyPeriod, JournalRow, db

Rows = Sequence[Any]


def acts_after(county: str, after: int, size: int) -> Rows:
    """Return the next acts by number, with the text of the entry or of the ledger's line that sealed each."""
    entry = and_(JournalRow.county == DutyAct.county, JournalRow.case == DutyAct.case, JournalRow.seq == DutyAct.seq)
    line = and_(DutyAct.case == "", AccessRow.county == DutyAct.county, AccessRow.seq == DutyAct.seq)
    query = select(*DutyAct.__table__.columns, func.coalesce(JournalRow.text, AccessRow.text).label("sealed"))
    query = query.outerjoin(JournalRow, entry).outerjoin(AccessRow, line)
    query = query.where(DutyAct.county == county, DutyAct.id > after)
    return db.session.execute(query.order_by(DutyAct.id).limit(size)).all()


def miscounted(county: str, most: int) -> Rows:
    """Return periods whose count is not that of their acts, or that are done with too few; at most so many."""
    counted = func.coalesce(func.sum(case((DutyAct.why == "", DutyAct.amount), else_=0)), 0)
    key = ("county", "duty", "subject", "begins")
    same = and_(*(getattr(DutyAct, name) == getattr(DutyPeriod, name) for name in key))
    names = [getattr(DutyPeriod, name) for name in (*key, "state", "done", "needed")]
    query = select(*names, counted.label("counted")).outerjoin(DutyAct, same).where(DutyPeriod.county == county)
    query = query.group_by(*names)
    wrong = (DutyPeriod.done != counted) | and_(DutyPeriod.state == "done", counted < DutyPeriod.needed)
    return db.session.execute(query.having(wrong).order_by(DutyPeriod.duty, DutyPeriod.subject).limit(most)).all()
