"""The open work that hangs on a person: households whose present helper somebody is."""

from collections.abc import Sequence

from sqlalchemy import and_, func, select

from app.store.lists import Scope, visible
from app.tables import CaseRow, Household, User, Wait, db

_IS_CASE = and_(CaseRow.county == Wait.county, CaseRow.number == Wait.case)
_IS_HELPED = and_(Wait.role == "helper", CaseRow.definition == "assist")


def helped(user_id: int) -> list[tuple[str, str]]:
    """Return (case, area of its household) of all open help of an account, by number."""
    household = and_(Household.county == CaseRow.county, Household.number == func.substr(CaseRow.subject, 11))
    query = select(CaseRow.number, Household.area).join(Wait, _IS_CASE).join(Household, household)
    rows = db.session.execute(query.where(_IS_HELPED, Wait.user_id == user_id).order_by(CaseRow.number))
    return [(case, area) for case, area in rows]


def counts(user_ids: Sequence[int]) -> dict[int, int]:
    """Return how many households each of some accounts helps, of those that help any."""
    query = select(Wait.user_id, func.count()).join(CaseRow, _IS_CASE)
    query = query.where(_IS_HELPED, Wait.user_id.in_(user_ids)).group_by(Wait.user_id)
    return {row[0]: row[1] for row in db.session.execute(query)}


def helpers(scope: Scope) -> list[tuple[int, str, bool, int]]:
    """Return (id, name, active, households) of all who help households of a scope, disabled accounts first."""
    households = func.count().label("households")
    household = and_(Household.county == CaseRow.county, Household.number == func.substr(CaseRow.subject, 11))
    query = select(User.id, User.name, User.active, households).join(Wait, Wait.user_id == User.id)
    query = query.join(CaseRow, _IS_CASE).join(Household, household).where(_IS_HELPED, visible(scope))
    query = query.group_by(User.id, User.name, User.active).order_by(User.active, User.name, User.id)
    return [(int(number), name, bool(active), count) for number, name, active, count in db.session.execute(query)]
