"""Who may see what: one rule, asked by every service before it shows anything of a household."""

from collections.abc import Iterable

from workflows.errors import NotAllowed, NotFound
from workflows.model import Actor, Dossier, Office

SEES_HOUSEHOLDS = (
    "grid_member",
    "village_cadre",
    "resident_team",
    "township_officer",
    "township_leader",
    "county_lead",
    "sector_dept",
    "auditor",
)


def seeing_offices(actor: Actor) -> tuple[Office, ...]:
    """Return the offices through which a person sees households of an area (a helper sees assigned ones only)."""
    return tuple(o for o in actor.offices if o.role in SEES_HOUSEHOLDS)


def can_see(actor: Actor, area: str) -> bool:
    """Tell whether one of a person's offices covers an area (12 or 15 digits)."""
    return actor.is_system or any(o.covers(area) for o in seeing_offices(actor))


def seen_for(actor: Actor, area: str) -> str:
    """Return the name of the absent person through whose office alone an area is seen; empty when by an own office."""
    seeing = [o for o in seeing_offices(actor) if o.covers(area)]
    return (
        "" if not seeing or any(o.behalf is None for o in seeing) else str(seeing[0].behalf and seeing[0].behalf.name)
    )


def is_helper_of(actor: Actor, dossier: Dossier) -> bool:
    """Tell whether the person is the household's present helper."""
    assist = dossier.open_case("assist")
    helping = [o for o in actor.offices if o.role == "helper" and o.covers(dossier.subject.area)]
    return bool(assist) and dossier_helper(dossier) in {actor.account_in(office) for office in helping}


def dossier_helper(dossier: Dossier) -> str:
    """Return the account id of the household's present helper, or an empty text."""
    assist = dossier.open_case("assist")
    return str(assist.fields.get("helper", {}).get("id", "")) if assist else ""


def ensure_visible(actor: Actor, dossier: Dossier) -> None:
    """Raise NotFound when the household lies outside what the person may see: the same answer as for none at all."""
    if not can_see(actor, dossier.subject.area) and not is_helper_of(actor, dossier):
        raise NotFound(household=dossier.subject.number)


def only_audits(actor: Actor, roles: Iterable[str] = ("auditor",)) -> bool:
    """Tell whether a person looks on as an auditor: each such look is written to the access ledger."""
    return any(o.role in roles for o in actor.offices)


PRINTS = ("village_cadre", "resident_team", "township_officer", "township_leader", "county_lead", "auditor")


def may_print(actor: Actor) -> bool:
    """Tell whether a person may print whole trails; grid members, helpers and departments need less."""
    return any(o.role in PRINTS for o in actor.offices)


def ensure_may_print(actor: Actor) -> None:
    """Raise NotAllowed unless the person may print trails."""
    if not may_print(actor):
        raise NotAllowed(reason="print")
