"""What a simulation reads of a county: households, their cases and the people in office, each in one query."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Row, Text, case, cast, func, or_, select

from app.tables import Appointment, CaseRow, Household, User, Wait, db

HELPER = "helper"


def households(county: str) -> Sequence[Row[Any]]:
    """Return (number, township, village, kind, member_count, details as text) of all households, by number."""
    columns = (Household.number, Household.township, Household.village, Household.kind, Household.member_count)
    query = select(*columns, cast(Household.details, Text)).where(Household.county == county)
    return db.session.execute(query.order_by(Household.number)).all()


def cases(county: str) -> Sequence[Row[Any]]:
    """Return the cases of a county, the latest of a household last; fields only where its income may stand."""
    fields = case((CaseRow.definition == "household_case", CaseRow.fields), else_="")
    columns = (CaseRow.subject, CaseRow.definition, CaseRow.purpose, CaseRow.state, CaseRow.closed, CaseRow.clocks)
    query = select(*columns, fields, CaseRow.opened_at).where(CaseRow.county == county)
    return db.session.execute(query.order_by(CaseRow.opened_at, CaseRow.number)).all()


def offices(county: str, day: date) -> Sequence[Row[Any]]:
    """Return (role, area, how many active accounts) of the offices that are held on a day."""
    lasts = or_(Appointment.ends.is_(None), Appointment.ends > day.isoformat())
    query = select(Appointment.role, Appointment.area, func.count(Appointment.user_id.distinct()))
    query = query.join(User, User.id == Appointment.user_id).where(User.active.is_(True), lasts)
    query = query.where(Appointment.begins <= day.isoformat(), Appointment.area.startswith(county))
    return db.session.execute(query.group_by(Appointment.role, Appointment.area)).all()


def helpers(county: str) -> dict[str, int]:
    """Return how many helpers have households in each township."""
    query = select(Wait.township, func.count(Wait.user_id.distinct()))
    query = query.where(Wait.county == county, Wait.role == HELPER, Wait.user_id != 0).group_by(Wait.township)
    return {township: int(count) for township, count in db.session.execute(query)}
