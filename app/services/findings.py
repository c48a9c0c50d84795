"""Findings of auditors: one opens a rectification item for a household, answered by township or county."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.services.cases import Done, loaded_rules, make_command, perform
from app.services.lists import HouseholdPage
from workflows.clock import local_date
from workflows.definition import Action
from workflows.errors import AlreadyOpen, NotFound, Refused
from workflows.guards import Context, ensure_standing
from workflows.machine import Compiled
from workflows.model import Actor, Dossier, Evidence, Subject

DEFINITION, PURPOSE = "rectification", "rectify"
OPENED_BY = {"township": "find_for_township", "county": "find_for_county"}


def action_for(level: str) -> str:
    """Return the action that opens an item for a level; raise NotFound."""
    if level not in OPENED_BY:
        raise NotFound(level=level[:20])
    return OPENED_BY[level]


def find(
    actor: Actor, *, household: str, level: str, data: Mapping[str, Any], key: str, evidence: Sequence[Evidence] = ()
) -> Done:
    """Open an item; raises Refused (AlreadyOpen where one is open: add to that one), and then nothing has changed."""
    command = make_command(action_for(level), data, evidence, key, definition=DEFINITION, purpose=PURPOSE)
    return perform(actor, household, command)


def machine_for(found: HouseholdPage) -> Compiled:
    """Return the machine of an item that would open today."""
    return loaded_rules().current(DEFINITION, found.house.area, PURPOSE, local_date(found.now))


def form_for(compiled: Compiled, level: str) -> Action:
    """Return the form of an action that opens an item; raise NotFound."""
    return compiled.definition.actions[action_for(level)]


def refusal_of(actor: Actor, found: HouseholdPage, level: str) -> Refused | None:
    """Return why a person may not open an item now, by the guards that decide it, or None."""
    house, compiled = found.house, machine_for(found)
    subject = Subject("household", house.number, house.county, house.area, house.head_name, house.kind)
    dossier = Dossier(subject, tuple(found.cases))
    if dossier.open_case(DEFINITION):
        return AlreadyOpen(definition=DEFINITION)
    form, calendar = form_for(compiled, level), loaded_rules().calendar_for(house.county)
    try:
        ensure_standing(Context(compiled, dossier, None, form, actor, found.now, calendar))
    except Refused as refusal:
        return refusal
    return None
