"""Sending mails: queued with the reminders, sent by a thread of its own, at least once each, never lost."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from functools import partial

from app.runtime import runtime
from app.services import letters
from app.services.isolated import Trouble, attempt, never
from app.smtp import BOUNCED, LATER, SENT, UNTOUCHED, Answer, Link, Mailer
from app.store import mails as store
from app.store import people, upkeep
from app.store.mails import DROPPED, STUCK, TEST, WAITING, Due, Line
from app.store.outbox import Sendable
from app.store.transaction import reading, writing
from workflows.clock import CHINA, local_date, parse_utc, utc_text
from workflows.errors import NotAllowed, NotFound

BATCH = 50
ROUND = 60.0  # seconds in which a round begins new mails
PASSED, BROKEN = "passed", "broken"
SERVER, DIGEST_JOB = "mail_server", "mail_digest"
FAILURES = "failures"
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=2), timedelta(days=1)
MOST_TRIES = 12  # two minutes doubled up to a day: three and a half days in all
SERVER_WAIT, LONGEST_SERVER_WAIT = timedelta(seconds=30), timedelta(minutes=10)
DIGEST_HOURS = range(8, 20)  # local; a digest missed all day is made up for the next working morning


def is_on() -> bool:
    """Tell whether this installation sends mails at all."""
    return runtime().settings.mail is not None


# --- queueing ---
def announce(sendable: Sendable, accounts: set[int], now: datetime) -> None:
    """Queue the mails of reminders in the transaction that wrote these."""
    if accounts and is_on():
        store.add_for_reminders(sendable.key, accounts, now)


def queue_digests() -> int:
    """Queue the digests of this morning, once on each working day from eight o'clock; return how many."""
    with reading() as now:
        done = upkeep.beats().get(DIGEST_JOB)
    day = local_date(now)
    is_time = now.astimezone(CHINA).hour in DIGEST_HOURS and runtime().rules.calendar_for("").is_working_day(day)
    if not is_time or (done and done[1] == day.isoformat()):
        return 0
    with writing() as now:
        upkeep.note_beat(DIGEST_JOB, day.isoformat(), now)
        return store.add_digests(day.isoformat(), now)


# --- sending ---
def send_due(*, stop: Callable[[], bool] = never, seconds: float = ROUND) -> Counter[str]:
    """Send the mails that are due over one link; return how many were sent, put off, bounced and so on.

    No transaction is open while the server is waited for. When the server is in trouble the round ends and the next
    one waits, longer each time, so that nothing is lost and a wrong password is not tried without end.
    """
    mailer = runtime().settings.mail
    if mailer is None:
        return Counter()
    tally = Counter({"digests": queue_digests()})
    with reading() as now:
        numbers = [] if _server_rests(now) else store.due(now, limit=BATCH)
    return tally + (_send_all(mailer, numbers, stop, seconds) if numbers else Counter())


def _send_all(mailer: Mailer, numbers: Sequence[int], stop: Callable[[], bool], seconds: float) -> Counter[str]:
    tally: Counter[str] = Counter()
    ends, last = time.monotonic() + seconds, None
    with Link(mailer, stop) as link:
        for number in numbers:
            if stop() or time.monotonic() > ends or (last is not None and last.is_down):
                break
            with writing() as now:
                due = store.claimed(number, now)
            answer = _send(due, mailer, link, now) if due else Answer(PASSED, "")
            if due:
                settle(due, answer)
            last = answer if answer.state not in (PASSED, DROPPED, BROKEN) else last
            tally[answer.state] += 1
    if last is not None and not stop():
        _note_server(last)
    return tally


def _send(due: Due, mailer: Mailer, link: Link, now: datetime) -> Answer:
    """Write and send one mail; one that cannot be written is put off like one that is not taken."""
    made = attempt(partial(_written, due, mailer, now))
    if isinstance(made, Trouble):
        return Answer(BROKEN, made.what)
    return link.send(made, due.address) if made else Answer(DROPPED, "")


def _written(due: Due, mailer: Mailer, now: datetime) -> EmailMessage | None:
    letter = letters.letter_of(due)
    return letters.message_of(due, letter, mailer, now) if letter else None


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
        elif due.tries + 1 >= MOST_TRIES:
            store.note(due.id, state=store.DEAD, answer=text, next_at=None, tries=due.tries + 1)
        else:
            again = utc_text(now + wait_after(due.tries))
            store.note(due.id, answer=text, next_at=again, tries=due.tries + 1)
        if answer.state == BOUNCED:
            _mark_bounced(due, text, now)


def _mark_bounced(due: Due, why: str, now: datetime) -> None:
    """Mark the address, unless its owner has changed it since the mail was taken up."""
    row = store.address_of(due.user_id)
    if row is not None and row.address == due.address:
        store.mark_bounced(due.user_id, why, now)


def wait_after(tries: int) -> timedelta:
    """Return how long to wait after so many failed tries: doubled each time, a day at most."""
    return min(FIRST_WAIT * (1 << min(tries, 20)), LONGEST_WAIT)


# --- the server ---
def _server_rests(now: datetime) -> bool:
    at, failures = _server()
    wait = min(SERVER_WAIT * (1 << min(failures - 1, 10)), LONGEST_SERVER_WAIT) if failures else timedelta(0)
    return failures > 0 and now < parse_utc(at) + wait


def _server() -> tuple[str, int]:
    """Return when the server was last spoken to, and how often in a row it was in trouble."""
    at, detail = upkeep.beats().get(SERVER, ("", ""))
    return at, failures_in(detail)


def failures_in(detail: str) -> int:
    """Read out of the note about the server how often in a row it was in trouble."""
    first = detail.partition(" ")[0]
    return int(first.removeprefix(f"{FAILURES}=")) if first.startswith(f"{FAILURES}=") else 0


def _note_server(answer: Answer) -> None:
    with writing() as now:
        _, before = _server()
        count = before + 1 if answer.is_down else 0
        upkeep.note_beat(SERVER, f"{FAILURES}={count} {answer.text}", now)


# --- for whoever runs the machine ---
def send_test(username: str) -> Answer:
    """Send a test mail to an account's confirmed address now; return the server's answer.

    Raises NotFound, or NotAllowed (mail is off, or the address is not confirmed).
    """
    mailer = runtime().settings.mail
    if mailer is None:
        raise NotAllowed(reason="mail_off")
    with writing() as now:
        user = people.user_by_name(username)
        if user is None:
            raise NotFound(user=username)
        row = store.address_of(int(user.id))
        if row is None or not store.is_usable(row):
            raise NotAllowed(reason="mail_unconfirmed")
        number = store.add_one(int(user.id), TEST, utc_text(now), now)
        due = store.claimed(number, now)
    if due is None:
        return Answer(LATER, "")
    with Link(mailer, never) as link:
        answer = _send(due, mailer, link, now)
    settle(due, answer)
    _note_server(answer)
    return answer


def lines(*, failed: bool = False, limit: int = 100) -> list[Line]:
    """Return mails, newest first: those that wait or are stuck, or only the stuck ones."""
    with reading():
        return store.lines(STUCK if failed else (WAITING, *STUCK), limit=limit)


def retry() -> int:
    """Send anew, from now on, what waits, failed or was given up; return how many. Bounced ones need an address."""
    with writing() as now:
        upkeep.note_beat(SERVER, f"{FAILURES}=0", now)
        return store.queue_again(now)


def tidy() -> dict[str, int]:
    """Remove mails that are done and old."""
    with writing() as now:
        return {"mails": store.forget(now)}
