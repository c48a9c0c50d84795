"""Sending mails and messages of other channels: queued with the reminders, sent apart, at least once each."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from datetime import time as time_of_day
from email.message import EmailMessage
from functools import cache, partial
from typing import Any, Protocol

from app.gateways import MAKERS, Gateway, Site
from app.office_hours import office_hours
from app.runtime import runtime
from app.services import letters
from app.services.isolated import Trouble, attempt, never
from app.smtp import BOUNCED, LATER, SENT, UNTOUCHED, Answer, Link
from app.store import mails as store
from app.store import people, upkeep
from app.store.mails import DIGEST, DROPPED, MAIL, REMINDER, STUCK, TEST, WAITING, Due, Line
from app.store.outbox import Told
from app.store.transaction import reading, writing
from workflows.clock import CHINA, local_date, parse_utc, utc_text
from workflows.errors import NotAllowed, NotFound
from workflows.ladder import Quiet

BATCH = 50
ROUND = 60.0  # seconds in which a round begins new mails
PASSED, BROKEN = "passed", "broken"
SERVER, DIGEST_JOB = "mail_server", "mail_digest"
FAILURES = "failures"
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=2), timedelta(days=1)
MOST_TRIES = 12  # two minutes doubled up to a day: three and a half days in all
SERVER_WAIT, LONGEST_SERVER_WAIT = timedelta(seconds=30), timedelta(minutes=10)
LATEST_DIGEST = time_of_day(20)  # local; a digest missed all day is made up for the next working morning
MOST_SINGLE = 3  # reminders that wait for one person on one channel; more of them are told in one message
# Whoever keeps a checkpoint in a mailbox of their own can hold it against a history written anew.
KEEP_SEALS = ("township_leader", "auditor")
# What is told at once, not with the next morning's digest: due, late, above, pressed by hand, formally urged.
URGENT = ("due_soon", "overdue", "raised", "escalated", "to_urge", "nudged", "urged", "chain_broken")


def is_on(channel: str = MAIL) -> bool:
    """Tell whether this installation sends mails, or messages of another channel, at all."""
    return channel in channels_on()


def channels_on() -> tuple[str, ...]:
    """Return the channels that this installation has, mail first."""
    settings = runtime().settings
    return (*((MAIL,) if settings.mail else ()), *settings.gateways)


# --- queueing ---
def announce(told: Iterable[Told], now: datetime) -> None:
    """Queue the mails of reminders in the transaction that wrote these; in quiet hours they wait for the digest."""
    channels = channels_on()
    if not channels:
        return
    open_now = [one for one in told if one.accounts and office_hours(one.sendable.county).first(now) <= now]
    for is_urgent in (True, False):
        those = [one for one in open_now if (one.sendable.message.key in URGENT) == is_urgent]
        if those:
            store.add_for_reminders(those, now, channels=channels, is_urgent=is_urgent)


def announce_seal(county: str, seq: int, now: datetime) -> None:
    """Queue a checkpoint's mail to the townships and auditors of its county, in the transaction that makes it."""
    if is_on():
        store.add_for_seal(county, seq, KEEP_SEALS, now)


def queue_digests() -> int:
    """Queue the digests of this morning on all channels, once on each working day; return how many."""
    with reading() as now:
        done = upkeep.beats().get(DIGEST_JOB)
    day, local = local_date(now), now.astimezone(CHINA).time()
    morning = (runtime().settings.quiet or Quiet()).morning
    is_time = morning <= local < LATEST_DIGEST and runtime().rules.calendar_for("").is_working_day(day)
    if not is_time or (done and done[1] == day.isoformat()):
        return 0
    with writing() as now:
        upkeep.note_beat(DIGEST_JOB, day.isoformat(), now)
        return sum(store.add_digests(day.isoformat(), now, channel) for channel in channels_on())


# --- sending ---
class Sender(Protocol):
    """A link to a mail server or a gateway, for a batch."""

    def send(self, message: Any, address: str) -> Answer:
        """Send what was written for this channel to one address."""


@contextmanager
def _link(channel: str, stop: Callable[[], bool]) -> Iterator[Sender]:
    settings = runtime().settings
    if channel != MAIL:
        yield gateway_of(channel, settings.gateways[channel])
    elif settings.mail is not None:
        with Link(settings.mail, stop) as link:
            yield link


@cache
def gateway_of(channel: str, site: Site) -> Gateway:
    """Return a gateway, the same for all threads: its token is asked for once."""
    return MAKERS[channel][0](site)


def send_due(*, stop: Callable[[], bool] = never, seconds: float = ROUND, channel: str = MAIL) -> Counter[str]:
    """Send what is due on a channel over one link; return how many were sent, put off, bounced and so on.

    No transaction is open while the server is waited for. When the server is in trouble the round ends and the next
    one waits, longer each time, so that nothing is lost and a wrong password is not tried without end.
    """
    if not is_on(channel):
        return Counter()
    tally = Counter({"digests": queue_digests()})
    with reading() as now:
        numbers = [] if _server_rests(channel, now) else store.due(now, limit=BATCH, channel=channel)
    return tally + (_send_all(channel, numbers, stop, seconds) if numbers else Counter())


def _send_all(channel: str, numbers: Sequence[int], stop: Callable[[], bool], seconds: float) -> Counter[str]:
    tally: Counter[str] = Counter()
    ends, last = time.monotonic() + seconds, None
    with _link(channel, stop) as link:
        for number in numbers:
            if stop() or time.monotonic() > ends or (last is not None and last.is_down):
                break
            with writing() as now:
                due = _taken(number, now)
            answer = _send(due, link, now) if due else Answer(PASSED, "")
            if due:
                settle(due, answer)
            last = answer if answer.state not in (PASSED, DROPPED, BROKEN) else last
            tally[answer.state] += 1
    if last is not None and not stop():
        _note_server(channel, last)
    return tally


def _taken(number: int, now: datetime) -> Due | None:
    """Claim what is to be sent now: nothing in quiet hours but codes and tests, and of many reminders one for all."""
    due = store.claimed(number, now)
    if due is None or due.kind not in (REMINDER, DIGEST):
        return due
    opens = office_hours(due.county).first(now)
    if opens > now:
        store.note(number, next_at=utc_text(opens))
        return None
    one = store.gather(number, due.user_id, due.channel, now, most=MOST_SINGLE) if due.kind == REMINDER else None
    return due if one is None else store.claimed(one, now)


def _send(due: Due, link: Sender, now: datetime) -> Answer:
    """Write and send one mail; one that cannot be written is put off like one that is not taken."""
    made = attempt(partial(_written, due, now))
    if isinstance(made, Trouble):
        return Answer(BROKEN, made.what)
    return link.send(made, due.address) if made else Answer(DROPPED, "")


def _written(due: Due, now: datetime) -> EmailMessage | str | None:
    if due.channel != MAIL:
        return letters.brief_of(due)
    letter, mailer = letters.letter_of(due), runtime().settings.mail
    return letters.message_of(due, letter, mailer, now) if letter and mailer else None


def settle(due: Due, answer: Answer) -> None:
    """Note what became of a mail, and of its address when that is no good."""
    text = answer.text[:120]
    with writing() as now:
        at = utc_text(now)
        if answer.state == UNTOUCHED:
            store.note(due.id, next_at=at, answer=text)
        elif answer.state not in (LATER, BROKEN):
            done = {"state": answer.state, "answer": text, "next_at": None, "tries": due.tries + 1}
            store.note(due.id, **done, sent_at=at if answer.state == SENT else None)
            if answer.state == SENT:
                store.note_delivered(due, now)
        elif due.tries + 1 >= MOST_TRIES:
            store.note(due.id, state=store.DEAD, answer=text, next_at=None, tries=due.tries + 1)
        else:
            again = utc_text(now + wait_after(due.tries))
            store.note(due.id, answer=text, next_at=again, tries=due.tries + 1)
        if answer.state == BOUNCED:
            _mark_bounced(due, text, now)


def _mark_bounced(due: Due, why: str, now: datetime) -> None:
    """Mark the address, unless its owner has changed it since the mail was taken up."""
    row = store.address_of(due.user_id, due.channel)
    if row is not None and row.address == due.address:
        store.mark_bounced(due.user_id, why, now, due.channel)


def wait_after(tries: int) -> timedelta:
    """Return how long to wait after so many failed tries: doubled each time, a day at most."""
    return min(FIRST_WAIT * (1 << min(tries, 20)), LONGEST_WAIT)


# --- the server ---
def server_beat(channel: str) -> str:
    """Return the name under which a channel's server is noted."""
    return SERVER if channel == MAIL else f"{channel}_server"


def _server_rests(channel: str, now: datetime) -> bool:
    at, failures = _server(channel)
    wait = min(SERVER_WAIT * (1 << min(failures - 1, 10)), LONGEST_SERVER_WAIT) if failures else timedelta(0)
    return failures > 0 and now < parse_utc(at) + wait


def _server(channel: str) -> tuple[str, int]:
    """Return when the server was last spoken to, and how often in a row it was in trouble."""
    at, detail = upkeep.beats().get(server_beat(channel), ("", ""))
    return at, failures_in(detail)


def failures_in(detail: str) -> int:
    """Read out of the note about the server how often in a row it was in trouble."""
    first = detail.partition(" ")[0]
    return int(first.removeprefix(f"{FAILURES}=")) if first.startswith(f"{FAILURES}=") else 0


def _note_server(channel: str, answer: Answer) -> None:
    with writing() as now:
        _, before = _server(channel)
        count = before + 1 if answer.is_down else 0
        upkeep.note_beat(server_beat(channel), f"{FAILURES}={count} {answer.text}", now)


# --- for whoever runs the machine ---
def send_test(username: str, channel: str = MAIL) -> Answer:
    """Send a test to an account's confirmed address on a channel now; return the server's answer.

    Raises NotFound, or NotAllowed (the channel is off, or the address is not confirmed).
    """
    if not is_on(channel):
        raise NotAllowed(reason="mail_off")
    with writing() as now:
        user = people.user_by_name(username)
        if user is None:
            raise NotFound(user=username)
        row = store.address_of(int(user.id), channel)
        if row is None or not store.is_usable(row):
            raise NotAllowed(reason="mail_unconfirmed")
        number = store.add_one(int(user.id), TEST, utc_text(now), now, channel)
        due = store.claimed(number, now)
    if due is None:
        return Answer(LATER, "")
    with _link(channel, never) as link:
        answer = _send(due, link, now)
    settle(due, answer)
    _note_server(channel, answer)
    return answer


def lines(*, failed: bool = False, limit: int = 100) -> list[Line]:
    """Return mails, newest first: those that wait or are stuck, or only the stuck ones."""
    with reading():
        return store.lines(STUCK if failed else (WAITING, *STUCK), limit=limit)


def retry() -> int:
    """Send anew, from now on, what waits, failed or was given up; return how many. Bounced ones need an address."""
    with writing() as now:
        for channel in channels_on():
            upkeep.note_beat(server_beat(channel), f"{FAILURES}=0", now)
        return store.queue_again(now)


def tidy() -> dict[str, int]:
    """Remove mails that are done and old."""
    with writing() as now:
        return {"mails": store.forget(now)}
