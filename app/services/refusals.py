"""Refusals that no command came to: noted in the access ledger like those of commands."""

from collections.abc import Mapping

import structlog

from app.services.people import Signed
from app.store import ledger
from app.store.transaction import writing
from workflows.errors import BrokenChain, Refused

log = structlog.stdlib.get_logger("alarm")


def is_alarm(refused: Refused) -> bool:
    """Tell whether a refusal must come before the auditors however it was met, by a look as by an act."""
    return refused.code == BrokenChain.code


def note(who: Signed, *, subject: str, detail: Mapping[str, str]) -> None:
    """Write a refusal to the ledger of the subject's county if the person holds an office there, else of their own."""
    held = {office.area[:6] for office in who.actor.offices}
    county = subject[:6] if subject[:6] in held else who.county
    with writing() as now:
        ledger.append(county, user=who.actor.id, kind="refused", subject=subject, now=now, detail=detail)
    if detail["code"] == BrokenChain.code:
        log.error("chain_broken", subject=subject)


def note_broken(user: str, subject: str, page: str) -> None:
    """Write to the ledger, and to the log, that a chain is not what was sealed; whoever audits sees it there."""
    log.error("chain_broken", subject=subject)
    detail = {"page": page, "code": BrokenChain.code, "action": ""}
    with writing() as now:
        ledger.append(subject[:6], user=user, kind="refused", subject=subject, now=now, detail=detail)
