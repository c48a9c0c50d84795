"""What a simulation reads of a county: households, their cases and the people in office, each in one query."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Text, case, cast, func, or_, select

from app.tables import Appointment, CaseRow, Household, User, Wait, db

HELPER = "helper"
Rows = Sequence[Sequence[Any]]


def households(county: str) -> Rows:
    """Return (number, township, village, kind, member_count, details as text) of all households, by number."""
    columns = (Household.number, Household.township, Household.village, Household.kind, Household.member_count)
    query = select(*columns, cast(Household.details, Text)).where(Household.county == county)
    return [tuple(row) for row in db.session.execute(query.order_by(Household.number))]


def cases(county: str) -> Rows:
    """Return the cases of a county, the latest of a household last; fields only where its income may stand."""
    fields = case((CaseRow.definition == "household_case", CaseRow.fields), else_="")
    columns = (CaseRow.subject, CaseRow.definition, CaseRow.purpose, CaseRow.state, CaseRow.closed, CaseRow.clocks)
    query = select(*columns, fields, CaseRow.opened_at).where(CaseRow.county == county)
    return [tuple(row) for row in db.session.execute(query.order_by(CaseRow.opened_at, CaseRow.number))]


def offices(county: str, day: date) -> Rows:
    """Return (role, area, how many active accounts) of the offices that are held on a day."""
    lasts = or_(Appointment.ends.is_(None), Appointment.ends > day.isoformat())
    query = select(Appointment.role, Appointment.area, func.count(Appointment.user_id.distinct()))
    query = query.join(User, User.id == Appointment.user_id).where(User.active.is_(True), lasts)
    query = query.where(Appointment.begins <= day.isoformat(), Appointment.area.startswith(county))
    return [tuple(row) for row in db.session.execute(query.group_by(Appointment.role, Appointment.area))]


def helpers(county: str) -> dict[str, int]:
    """Return how many helpers have households in each township."""
    query = select(Wait.township, func.count(Wait.user_id.distinct()))
    query = query.where(Wait.county == county, Wait.role == HELPER, Wait.user_id != 0).group_by(Wait.township)
    return {township: int(count) for township, count in db.session.execute(query)}


def villages(county: str) -> dict[str, int]:
    """Return how many villages with households each township has."""
    query = select(Household.township, func.count(Household.village.distinct())).where(Household.county == county)
    return {township: int(count) for township, count in db.session.execute(query.group_by(Household.township))}


def helped(county: str) -> dict[str, int]:
    """Return how many households of each township are helped now."""
    query = select(CaseRow.township, func.count()).where(CaseRow.county == county, CaseRow.definition == "assist")
    query = query.where(CaseRow.closed.is_(False)).group_by(CaseRow.township)
    return {township: int(count) for township, count in db.session.execute(query)}
