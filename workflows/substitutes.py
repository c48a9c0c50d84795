"""Standing in for somebody who is absent: who may stand in for whom, and who may say so.

A substitute must hold an office of the same level in the same county: only then does it know the work, and gains no
authority of a higher level. Offices of the county that carry no decision of the county's own (a department, a helper)
stand in for their own kind only.
"""

from collections.abc import Iterable

from workflows.model import Actor, Office, area_prefix

# Offices of one row stand in for each other; what is in no row (administrator, auditor, level above) for nobody.
KINDS: tuple[tuple[str, ...], ...] = (
    ("grid_member",),
    ("village_cadre", "resident_team"),
    ("township_officer", "township_leader"),
    ("county_lead",),
    ("sector_dept",),
    ("helper",),
)
# Who leads a level: may say who stands in for people there, within the own area.
SUPERIORS = {
    "grid": ("village_cadre", "township_leader", "county_lead"),
    "village": ("township_leader", "county_lead"),
    "township": ("county_lead",),
    "county": ("county_lead",),
}


def kind_of(role: str) -> tuple[str, ...]:
    """Return the roles that stand in for a role, itself among them; empty for one that nobody stands in for."""
    return next((kind for kind in KINDS if role in kind), ())


def can_stand_in(held: Iterable[Office], office: Office) -> bool:
    """Tell whether somebody's own offices let him stand in for another one's."""
    kind, county = kind_of(office.role), area_prefix(office.area, "county")
    own = (o for o in held if o.behalf is None)
    return any(o.role in kind and area_prefix(o.area, "county") == county for o in own)


def is_superior(actor: Actor, office: Office) -> bool:
    """Tell whether a person leads the area of an office, in an office of his own."""
    roles = SUPERIORS.get(office.level, ())
    return any(o.role in roles and o.covers(office.area) for o in actor.own_offices)
