"""Delivery: each message of the outbox becomes a reminder for everybody whom it concerns, and for nobody else."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime

from app.services import mails, upkeep, webhooks
from app.services.isolated import alone, never, work_through
from app.services.rights import dossier_helper
from app.store import cases, deadlines, outbox, receipts, substitutes
from app.store.outbox import Sendable
from app.store.transaction import reading
from app.store.webhooks import MOVED

BATCH = 200
ABOVE = ("raised", "escalated")
DELIVER = "deliver"
NOBODY = "nobody holds the office"
SETTLED = "done before it was told"


def deliver(*, batch: int = BATCH, stop: Callable[[], bool] = never) -> Counter[str]:
    """Deliver what waits; return how many were delivered, passed (somebody else's), failed.

    What meets trouble is noted on its row and tried again later. On SQLite one process at a time works.
    """
    with alone("deliver") as is_mine:
        return _rounds(batch, stop) if is_mine else Counter()


def _rounds(batch: int, stop: Callable[[], bool]) -> Counter[str]:
    tally: Counter[str] = Counter()
    progress = True
    while progress and not stop():
        with reading() as now:
            ids = outbox.waiting_ids(now, limit=batch)
        done = work_through(ids, _deliver_one, outbox.put_off, stop=stop)
        tally += done
        progress = done["delivered"] > 0
        if progress:
            upkeep.beat(DELIVER, tally)  # rounds after an outage may last longer than the silence that alarms
    return tally


def _deliver_one(message_id: int, now: datetime) -> str:
    sendable = outbox.claimed(message_id, now)
    if sendable is None:
        return "passed"
    if _is_too_late(sendable):
        outbox.mark_delivered(message_id, now, note=SETTLED)
        return "delivered"
    accounts = recipients(sendable, now)
    outbox.add_reminders(sendable, accounts, now)
    _note_escalated(sendable, accounts, now)
    mails.announce(sendable, accounts, now)
    webhooks.fan_out(sendable, now)
    is_for_nobody = sendable.message.key == MOVED  # only other systems are told of it
    outbox.mark_delivered(message_id, now, note=None if accounts or is_for_nobody else NOBODY)
    return "delivered"


def _note_escalated(sendable: Sendable, accounts: set[int], now: datetime) -> None:
    """A step of the ladder above the owner is noted at what those below were told of the same period."""
    if sendable.message.key in ABOVE and accounts:
        period = sendable.key.rsplit(":", 2)[0]
        receipts.note_escalated(sendable.county, sendable.message.case, period, accounts, now)


def _is_too_late(sendable: Sendable) -> bool:
    """What was overdue at night and done before the morning is told to nobody any more."""
    message, params = sendable.message, sendable.message.params
    if message.key != "overdue":
        return False
    return deadlines.is_settled(sendable.county, message.case, str(params["timer"]), str(params["due"]))


def recipients(sendable: Sendable, now: datetime) -> set[int]:
    """Return the accounts to be told: the one person named, or the holders of each role over the household.

    Of the helpers only the household's own is told: others have no part in it. What is told of an area and no case
    goes to the holders over that area.
    """
    message, county = sendable.message, sendable.county
    if message.person:
        return outbox.active_account(message.person)
    if message.area:
        return {one for role in message.roles for one in _with_substitutes(role, message.area, now)}
    household = cases.household_of(message.case)
    area = outbox.area_of(county, household)
    found: set[int] = set()
    for role in message.roles:
        own = role == "helper"
        found |= _with_substitutes(role, area, now, _helper(county, household) if own else None)
    return found


def _with_substitutes(role: str, area: str, now: datetime, holders: set[int] | None = None) -> set[int]:
    """Whoever is absent is told all the same: an absence takes nothing away."""
    told = outbox.holders_over(role, area, now) if holders is None else holders
    return told | substitutes.acting_for(told, [role], area, now)


def _helper(county: str, household: str) -> set[int]:
    helper = dossier_helper(cases.read_dossier(county, household))
    return outbox.active_account(helper) if helper else set()
