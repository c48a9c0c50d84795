"""Refusals that no command came to: noted in the access ledger like those of commands."""

from collections.abc import Mapping
from datetime import datetime

import structlog

from app.services.people import Signed
from app.store import ledger, outbox
from app.store.transaction import writing
from workflows.clock import local_date
from workflows.errors import BrokenChain, Refused
from workflows.model import Message

BROKEN, TOLD = "chain_broken", ("auditor", "admin")
log = structlog.stdlib.get_logger("alarm")


def is_alarm(refused: Refused) -> bool:
    """Tell whether a refusal must come before the auditors however it was met, by a look as by an act."""
    return refused.code == BrokenChain.code


def note(who: Signed, refused: Refused, *, subject: str, detail: Mapping[str, str]) -> None:
    """Write a refusal to the ledger of the subject's county if the person holds an office there, else of their own."""
    held = {office.area[:6] for office in who.actor.offices}
    county = subject[:6] if subject[:6] in held else who.county
    with writing() as now:
        ledger.append(county, user=who.actor.id, kind="refused", subject=subject, now=now, detail=detail)
        if is_alarm(refused):
            _alarm(str(refused.params["case"]), now)  # the address may name no case, or several


def note_broken(user: str, subject: str, page: str) -> None:
    """Write to the ledger, and to the log, that a chain is not what was sealed, and tell whoever audits."""
    detail = {"page": page, "code": BrokenChain.code, "action": ""}
    with writing() as now:
        ledger.append(subject[:6], user=user, kind="refused", subject=subject, now=now, detail=detail)
        _alarm(subject, now)


def _alarm(subject: str, now: datetime) -> None:
    """Once a day for each case, however often it is met: auditors, and those who keep the system."""
    log.error("chain_broken", subject=subject)
    county = subject[:6]
    told = Message(case="", key=BROKEN, roles=TOLD, area=county.ljust(12, "0"), params={"subject": subject})
    outbox.add_once(f"{BROKEN}:{subject}:{local_date(now)}", told, county, now)
