"""Delivery: each message of the outbox becomes a reminder for everybody whom it concerns, and for nobody else."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from app.services import mails, upkeep, webhooks
from app.services.isolated import alone, never, work_together
from app.services.recipients import Recipients
from app.store import deadlines, outbox, receipts
from app.store.outbox import Sendable, Told
from app.store.transaction import reading
from app.store.webhooks import MOVED

BATCH = 200
TOGETHER = 50  # messages a transaction
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
        done = work_together(ids, _deliver_all, outbox.put_off, stop=stop, size=TOGETHER)
        tally += done
        progress = done["delivered"] > 0
        if progress:
            upkeep.beat(DELIVER, tally)  # rounds after an outage may last longer than the silence that alarms
    return tally


def _deliver_all(ids: Sequence[int], now: datetime) -> list[str]:
    """Deliver some messages at once; those that somebody else has claimed are passed."""
    claimed = outbox.claimed(ids, now)
    settled = _settled(claimed)
    waiting = [one for one in claimed.values() if one.id not in settled]
    recipients = Recipients(waiting, now)
    told = [Told(one, recipients.of(one)) for one in waiting]
    _add_reminders(told, now)
    mails.announce(told, now)
    webhooks.fan_out(waiting, recipients.place, now)
    outbox.mark_delivered(settled, now, note=SETTLED)
    outbox.mark_delivered([one.sendable.id for one in told if _reaches_nobody(one)], now, note=NOBODY)
    outbox.mark_delivered([one.sendable.id for one in told if not _reaches_nobody(one)], now)
    return ["delivered" if number in claimed else "passed" for number in ids]


def _reaches_nobody(told: Told) -> bool:
    """Tell whether nobody was there to be told; of a move only other systems are told."""
    return not told.accounts and told.sendable.message.key != MOVED


def _add_reminders(told: Sequence[Told], now: datetime) -> None:
    """Add them in the order in which they were left, as a step above the owner is noted at what was told before it."""
    pending: list[Told] = []
    for one in told:
        pending.append(one)
        if one.sendable.message.key in ABOVE and one.accounts:
            outbox.add_reminders(pending, now)
            pending.clear()
            _note_escalated(one, now)
    outbox.add_reminders(pending, now)


def _note_escalated(told: Told, now: datetime) -> None:
    """A step of the ladder above the owner is noted at what those below were told of the same period."""
    sendable = told.sendable
    period = sendable.key.rsplit(":", 2)[0]
    receipts.note_escalated(sendable.county, sendable.message.case, period, told.accounts, now)


def _settled(claimed: Mapping[int, Sendable]) -> list[int]:
    """Return what was overdue at night and done before the morning: it is told to nobody any more."""
    late = {number: _period(one) for number, one in claimed.items() if one.message.key == "overdue"}
    done = deadlines.settled(set(late.values()))
    return [number for number, period in late.items() if period in done]


def _period(sendable: Sendable) -> tuple[str, str, str, str]:
    message, params = sendable.message, sendable.message.params
    return sendable.county, message.case, str(params["timer"]), str(params["due"])
