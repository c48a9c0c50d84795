"""Pressing a case by hand (催办): by those above or beside whom it waits for, once a day, counted and written down."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.services.cases import ensure_rules, loaded_rules
from app.services.rights import ensure_visible, is_helper_of
from app.store import cases, ledger, urging
from app.store.lists import user_names
from app.store.outbox import add_messages
from app.store.transaction import reading, writing
from workflows.clock import local_date
from workflows.errors import BadValue, NotAllowed, NotFound, NudgedAlready
from workflows.model import Actor, Case, Dossier, Message

PRESSERS = ("village_cadre", "resident_team", "township_officer", "township_leader", "county_lead")
LONGEST_REASON = 200
DEFAULT_DAYS = 3


@dataclass(frozen=True)
class Pressed:
    """One time that a case was pressed: when, by whom, why (may be empty)."""

    at: str
    name: str
    reason: str


def may_press(actor: Actor, dossier: Dossier, case: Case) -> bool:
    """Tell whether a person may press a case: over the household, the case open, and waiting for somebody else."""
    waiting = loaded_rules().machine_of(case).waits_for(case.state)
    mine = {o.role for o in actor.offices if o.covers(dossier.subject.area)}
    helps = is_helper_of(actor, dossier)
    is_beside = bool(mine & set(PRESSERS)) or helps
    is_awaited = bool(mine & (set(waiting) - {"helper"})) or ("helper" in waiting and helps)
    return bool(waiting) and not case.closed and is_beside and not is_awaited


def press(actor: Actor, case: str, *, reason: str = "") -> int:
    """Press a case; return how often it was pressed in all.

    Raises NotFound, NotAllowed (closed, waits for nobody or for the person), BadValue (reason) or NudgedAlready: today,
    or on as many days running as the policy allows.
    """
    reason = " ".join(reason.split())
    if len(reason) > LONGEST_REASON:
        raise BadValue(field="reason", value="")
    county, household = case[:6], cases.household_of(case)
    with writing() as now:
        dossier = cases.lock_dossier(county, household, "").dossier
        ensure_visible(actor, dossier)
        ensure_rules(loaded_rules(), dossier)
        found = dossier.by_number(case)
        if found is None:
            raise NotFound(case=case)
        if not may_press(actor, dossier, found):
            raise NotAllowed(page="nudge")
        _ensure_not_too_often(actor, found, now)
        _record(actor, found, reason, now)
        return len(urging.nudges_of(county, case))


def _ensure_not_too_often(actor: Actor, case: Case, now: datetime) -> None:
    today = local_date(now)
    most = loaded_rules().machine_of(case).pack.given("nudge_days", today)
    days = int(most.value) if most else DEFAULT_DAYS
    since = today - timedelta(days=days)
    pressed = urging.nudged_days(case.county, case.number, int(actor.id[1:]), since=since.isoformat())
    if today.isoformat() in pressed or len(pressed) >= days:
        raise NudgedAlready(days=days)


def _record(actor: Actor, case: Case, reason: str, now: datetime) -> None:
    day = local_date(now).isoformat()
    urging.add_nudge(case.county, case.number, int(actor.id[1:]), day=day, reason=reason, now=now)
    roles = loaded_rules().machine_of(case).waits_for(case.state)
    told = Message(case.number, "nudged", roles=roles, params={"state": case.state})
    add_messages(case.county, [told], f"n:{case.number}:{actor.id}:{day}", now)
    detail = {"roles": list(roles), "reason": bool(reason)}
    ledger.append(case.county, user=actor.id, kind="case_pressed", subject=case.number, now=now, detail=detail)


def counts(cases: Iterable[str]) -> Mapping[str, int]:
    """Return how often some cases were pressed, those that were; the caller has made sure that the reader sees them."""
    with reading():
        return urging.nudge_counts(cases)


def pressed(case: str) -> Sequence[Pressed]:
    """Return how a case was pressed, newest first; the caller has made sure that the reader sees it."""
    with reading():
        rows = urging.nudges_of(case[:6], case)
        names = user_names({int(row.user_id) for row in rows})
    return [Pressed(row.at, names.get(int(row.user_id), ""), row.reason) for row in rows]
