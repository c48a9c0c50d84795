"""Work sent by a person and done later: by which offices it was sent, and as far as those still reach."""

from collections.abc import Collection
from dataclasses import replace

from workflows.model import Actor

Offices = tuple[tuple[str, str, str], ...]  # role, area, and to what a token narrowed it


def offices_of(actor: Actor, roles: Collection[str]) -> Offices:
    """Return the offices by which a person sends work."""
    return tuple((o.role, o.area, o.within) for o in actor.offices if o.role in roles)


def is_within(offices: Offices, actor: Actor) -> bool:
    """Tell whether whoever asks holds all offices by which work was sent, as far as they reached then."""
    held = {(o.role, o.area): o.within for o in actor.offices}
    return all(within.startswith(held.get((role, area), "-")) for role, area, within in offices)


def narrowed(actor: Actor, offices: Offices) -> Actor:
    """Return the person as far as the token reached by which work was sent."""
    sent = {(role, area): within for role, area, within in offices}
    held = (o for o in actor.offices if (o.role, o.area) in sent)
    return replace(actor, offices=tuple(replace(o, within=sent[(o.role, o.area)]) for o in held))
