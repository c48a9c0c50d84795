"""A case as it stood at the end of a day: replayed from the entries up to then, after all of them were checked."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from workflows.clock import local_date, local_midnight, utc_text
from workflows.errors import BadValue
from workflows.journal import Sealed
from workflows.model import Case, Dossier
from workflows.replay import replay

SECOND = timedelta(seconds=1)


def end_of(day: str, now: datetime) -> datetime:
    """Return the last second of a day of China (ISO), or now for today; raise BadValue for a later day or no day."""
    try:
        asked = date.fromisoformat(day)
    except ValueError as error:
        raise BadValue(field="as_of", value=day[:10]) from error
    if not date(1950, 1, 1) <= asked <= local_date(now):
        raise BadValue(field="as_of", value=day[:10])
    return min(local_midnight(asked + timedelta(days=1)) - SECOND, now)


def entries_until(entries: Sequence[Sealed], moment: datetime) -> list[Sealed]:
    """Return the entries sealed up to a moment."""
    until = utc_text(moment)
    return [entry for entry in entries if str(entry.body["at"]) <= until]


def dossier_until(dossier: Dossier, chains: Mapping[str, Sequence[Sealed]], moment: datetime) -> Dossier:
    """Return a household with its cases as they stood at a moment; those that began later are not among them."""
    found = (replay(entry.text for entry in entries_until(chains[case.number], moment)) for case in dossier.cases)
    cases: tuple[Case, ...] = tuple(case for case in found if case is not None)
    return replace(dossier, cases=cases)
