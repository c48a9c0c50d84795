"""What a roster says otherwise than what is registered: column by column, fit to be shown and confirmed."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Row

from app.idnumber import mask
from app.services.prepared import SEALED, Prepared, details_before_account

COMPARED = ("group_name", "head_name", "member_count", "kind", "phone", "national_number")
STATUS = ("category", "identified", "eliminated", "helper", "measures", "risks")
MASKED = ("phone",)


@dataclass(frozen=True)
class Change:
    """One column, before and after; a telephone number is masked, of what is not shown both are empty."""

    column: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class Difference:
    """A household that is registered with other values."""

    row: int
    household: str
    changes: tuple[Change, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that differ."""
        return tuple(change.column for change in self.changes)

    def as_json(self) -> dict[str, Any]:
        """Return the form whose digest a person confirms; the row does not matter."""
        return {"household": self.household, "changes": [asdict(change) for change in self.changes]}


def difference(
    one: Prepared, area: str, found: Row[Any], members: Sequence[Row[Any]], *, has_status: bool
) -> Difference | None:
    """Hold a household of a roster against the registered one; None when they agree.

    Once a household has its status here, a roster says nothing of it any more: only the gates do.
    """
    changes = [] if _is_filed_so(one, area, found) else [Change("area", found.area, area)]
    changes += [
        Change(name, _shown(name, getattr(found, name)), _shown(name, getattr(one, name)))
        for name in COMPARED
        if getattr(one, name) != getattr(found, name)
    ]
    left_out = {SEALED, *(STATUS if has_status else ())}
    if not _are_same(one, found.details) and _details(one.details, left_out) != _details(found.details, left_out):
        changes.append(Change("details"))
    people = _people(one, members)
    changes += [people] if people else []
    return Difference(one.row, found.number, tuple(changes)) if changes else None


def _is_filed_so(one: Prepared, area: str, found: Row[Any]) -> bool:
    """A roster that names no grid says nothing of it."""
    return bool(area == found.area if one.grid else one.village == found.village)


def _shown(column: str, value: object) -> str:
    text = "" if value is None else str(value)
    return mask(text) if column in MASKED else text


def _are_same(one: Prepared, details: str) -> bool:
    """Tell whether stored details are surely the same; that they are written otherwise says nothing yet."""
    return details.startswith(details_before_account(one)) if one.account else details == one.details


def _details(text: str, left_out: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in json.loads(text).items() if name not in left_out}


def _people(one: Prepared, members: Sequence[Row[Any]]) -> Change | None:
    """Who came, went or changed, by name."""
    there = {m.id_key: (m.name, m.relation, m.sex, m.born, m.details) for m in members}
    here = {m.id_key: (m.name, m.relation, m.sex, m.born, m.details) for m in one.members}
    if there == here:
        return None
    there, here = _decoded(there), _decoded(here)
    if there == here:
        return None
    before = [person[0] for key, person in there.items() if person != here.get(key)]
    after = [person[0] for key, person in here.items() if person != there.get(key)]
    return Change("members", "、".join(before), "、".join(after))


def _decoded(people: Mapping[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
    """The same people with what their JSON says, as the same may be written in two ways."""
    return {key: (*person[:-1], json.loads(person[-1])) for key, person in people.items()}
