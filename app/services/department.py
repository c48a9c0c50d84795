"""A county department's part of a household: its place, its state, its risks, and what the department itself records.

Least privilege: of a household that it only compares data for or delivers a measure to, it needs neither the people's
details nor incomes, opinions and photos.
"""

from typing import Any

from app.services.rights import is_helper_of, seeing_offices
from app.tables import Household
from workflows.definition import Action, Step
from workflows.machine import Compiled
from workflows.model import Actor, Dossier

DEPARTMENT = "sector_dept"
ALSO = frozenset({"category", "risks"})  # what the help that is asked of it is for


def sees_whole(actor: Actor, dossier: Dossier) -> bool:
    """Tell whether a person sees a household by another office too; the caller has made sure that it is visible."""
    others = (o for o in seeing_offices(actor) if o.role != DEPARTMENT)
    return any(o.covers(dossier.subject.area) for o in others) or is_helper_of(actor, dossier)


def may_be_narrow(actor: Actor) -> bool:
    """Tell whether a person holds a department's office at all, so that others need no second look."""
    return any(o.role == DEPARTMENT for o in actor.offices)


def fields_seen(compiled: Compiled) -> frozenset[str]:
    """Return the fields of a machine that a department sees: those of the forms that it may fill in, and ALSO."""
    forms: list[Step | Action] = [*compiled.order, *compiled.alongside.values()]
    forms += compiled.definition.actions.values()
    return ALSO.union(*((*form.fields, *form.optional) for form in forms if DEPARTMENT in form.roles))


def entry_part(actor: Actor, body: dict[str, Any], compiled: Compiled) -> dict[str, Any]:
    """Return an entry without fields that are others' and without files that somebody else handed in."""
    seen = fields_seen(compiled)
    changes = {name: change for name, change in body["changes"].items() if name in seen or name.startswith("_")}
    own = body["actor"]["id"] == actor.id
    return {**body, "changes": changes, "evidence": body["evidence"] if own else []}


def household_part(row: Household) -> Household:
    """Return a household, of no session, without telephone and roster columns."""
    kept = {column.key: getattr(row, column.key) for column in Household.__table__.columns}
    return Household(**{**kept, "phone": "", "details": {}})
