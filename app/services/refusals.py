"""Refusals that no command came to: noted in the access ledger like those of commands."""

from collections.abc import Mapping

from app.services.people import Signed
from app.store import ledger
from app.store.transaction import writing


def note(who: Signed, *, subject: str, detail: Mapping[str, str]) -> None:
    """Write a refusal to the ledger of the subject's county if the person holds an office there, else of their own."""
    held = {office.area[:6] for office in who.actor.offices}
    county = subject[:6] if subject[:6] in held else who.county
    with writing() as now:
        ledger.append(county, user=who.actor.id, kind="refused", subject=subject, now=now, detail=detail)
