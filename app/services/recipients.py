"""Who is told of a message: the person named, the holders of its roles over the household, and who stands in."""

from collections.abc import Sequence
from datetime import datetime

from app.services.rights import dossier_helper
from app.store import cases, substitutes
from app.store import recipients as store
from app.store.outbox import Sendable
from workflows.errors import NotFound

HELPER = "helper"


class Recipients:
    """The recipients of a batch of messages: a handful of queries, however many messages there are."""

    def __init__(self, batch: Sequence[Sendable], now: datetime) -> None:
        self.areas = _areas(batch)
        self.helpers = _helpers(batch)
        named = {one.message.person for one in batch if one.message.person}
        self.active = store.active(named | set(self.helpers.values()))
        wanted = {(role, self.place(one)) for one in batch if self._is_placed(one) for role in _offices(one)}
        self.holders = store.holders(wanted, now)
        roles = {role for one in batch for role in one.message.roles}
        absent = set().union(*self.holders.values()) | {int(account[1:]) for account in self.active}
        self.absences = substitutes.standing_in(absent, roles, now)

    def of(self, sendable: Sendable) -> set[int]:
        """Return the accounts to be told; raise NotFound for a household that is not there.

        Of the helpers only the household's own is told: others have no part in it. What is told of an area and no
        case goes to the holders over that area.
        """
        message = sendable.message
        if message.person:
            return self._account(message.person)
        place = self.place(sendable)
        return {one for role in message.roles for one in self._with_substitutes(role, place, sendable)}

    def place(self, sendable: Sendable) -> str:
        """Return the area that a message is about: its own, or that of its household; raise NotFound."""
        if sendable.message.area:
            return sendable.message.area
        household = cases.household_of(sendable.message.case)
        if (sendable.county, household) not in self.areas:
            raise NotFound(household=household)
        return self.areas[sendable.county, household]

    def _is_placed(self, sendable: Sendable) -> bool:
        """A message about nobody fails by itself, not with those beside it."""
        message = sendable.message
        return not message.person and bool(message.area or _household(sendable) in self.areas)

    def _account(self, account: str) -> set[int]:
        return {int(account[1:])} if account in self.active else set()

    def _with_substitutes(self, role: str, place: str, sendable: Sendable) -> set[int]:
        """Whoever is absent is told all the same: an absence takes nothing away."""
        if role == HELPER and not sendable.message.area:
            told = self._account(self.helpers.get(_household(sendable), ""))
        else:
            told = store.over(self.holders, role, place)
        rows = (row for row in self.absences if row.user_id in told and row.role == role)
        return told | {int(row.substitute_id or 0) for row in rows if substitutes.office_of(row).covers(place)}


def _household(sendable: Sendable) -> tuple[str, str]:
    return sendable.county, sendable.message.case.rpartition("-")[0]


def _offices(sendable: Sendable) -> Sequence[str]:
    """The roles whose holders are asked for by place."""
    is_of_case = not sendable.message.area
    return [role for role in sendable.message.roles if not (is_of_case and role == HELPER)]


def _by_county(batch: Sequence[Sendable]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for county, household in (_household(one) for one in batch if one.message.case):
        found.setdefault(county, set()).add(household)
    return found


def _areas(batch: Sequence[Sendable]) -> dict[tuple[str, str], str]:
    found = ((county, store.areas_of(county, households)) for county, households in _by_county(batch).items())
    return {(county, number): area for county, areas in found for number, area in areas.items()}


def _helpers(batch: Sequence[Sendable]) -> dict[tuple[str, str], str]:
    """The account of the present helper of each household whose helper is to be told."""
    helped = [one for one in batch if HELPER in one.message.roles and not one.message.person]
    found = ((county, cases.read_dossiers(county, sorted(those))) for county, those in _by_county(helped).items())
    told = {(county, d.subject.number): dossier_helper(d) for county, dossiers in found for d in dossiers}
    return {household: account for household, account in told.items() if account}
