"""The text of each mail, in the language of its reader: household numbers and what is due, never names or reasons."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from app.labels import Labels, Speech
from app.runtime import runtime
from app.services import duty_desk, lists
from app.services.lists import CaseLine
from app.smtp import Mailer
from app.store import mails as store
from app.store import people, seals
from app.store.cases import household_of
from app.store.mails import CODE, DIGEST, MAIL, MARKS, REMINDER, SEAL, Due
from app.store.transaction import reading
from app.tables import Reminder
from app.told import reminder_words
from workflows.clock import local_date
from workflows.model import Actor

MOST_LINES = 40
CODE_DIGITS = 8


@dataclass(frozen=True)
class Letter:
    """What a mail says."""

    subject: str
    paragraphs: Sequence[str]


@dataclass(frozen=True)
class _Reader:
    """Whom something is written to, their unread reminders of the range, and their words."""

    actor: Actor
    rows: Sequence[Reminder]
    words: Speech


def _reader(due: Due) -> _Reader | None:
    """Return the reader; None when nothing is to be written any more."""
    if not due.is_active or not due.address:
        return None
    with reading() as now:
        user = people.user_by_id(due.user_id)
        actor = people.actor_of(user, now) if user else None
        rows = store.unread(due.user_id, due.first, due.last) if due.first and due.last else ()
    if actor is None or not (due.is_usable or due.kind == CODE):
        return None
    return _Reader(actor, rows, Speech(due.lang, local_date(now), next((o.area for o in actor.offices), "")))


def letter_of(due: Due) -> Letter | None:
    """Return what to write; None when nothing is to be said any more: read, out of sight, or not wanted."""
    reader = _reader(due)
    if reader is None:
        return None
    words = reader.words
    if due.kind == CODE:
        return _code(due, words) if is_asked(due) else None
    if due.kind in (REMINDER, DIGEST):
        return _of_reminders(due.kind, reader)
    if due.kind == SEAL:
        return _of_seal(due.ref, words)
    return Letter(words.say("mail.test_subject"), [words.say("mail.test_body")])


def is_asked(due: Due) -> bool:
    """Tell whether the code of this mail is the one that was asked for last."""
    return due.asked_at is not None and due.ref == due.asked_at + MARKS[due.channel]


def brief_of(due: Due) -> str | None:
    """Return the text for a channel that may carry no personal data: counts, a word, and to log in; None for nothing.

    Nothing of a household is in it, nor a case's number: other companies carry it, and locked screens show it.
    """
    reader = _reader(due)
    if reader is None:
        return None
    words = reader.words
    if due.kind == CODE:
        code = code_of(due.user_id, due.address, due.asked_at or "", due.channel)
        return words.say("channel.code", code=code) if is_asked(due) else None
    if due.kind not in (REMINDER, DIGEST):
        return words.say("channel.test")
    lines = lists.case_lines(reader.actor, [row.case for row in reader.rows])
    fresh = sum(not row.case or row.case in lines for row in reader.rows)
    work = _work(reader.actor)
    if not fresh and not (due.kind == DIGEST and _pressing(work)):
        return None
    key = "channel.digest" if due.kind == DIGEST else "channel.reminder"
    base = runtime().settings.base_url
    return words.say(key, count=fresh, **work, url=f" {base}" if base else "")


# --- what is due ---
def _work(actor: Actor) -> Mapping[str, int]:
    """Return what waits for somebody, by time left, and the duties of theirs that are open or missed."""
    duties = duty_desk.counts_of(actor)
    return {**lists.work_of(actor), "duties": duties["open"] + duties["missed"], "missed": duties["missed"]}


def _pressing(work: Mapping[str, int]) -> bool:
    """Tell whether something is due today or was before."""
    return bool(work["late"] or work["today"] or work["missed"])


def _code(due: Due, words: Speech) -> Letter:
    code = code_of(due.user_id, due.address, due.asked_at or "")
    return Letter(words.say("mail.code_subject"), [words.say("mail.code_body", code=code)])


def _of_seal(ref: str, words: Speech) -> Letter:
    """Tell a checkpoint whole, so that the mail can be handed to a witness or to the verifier as it is."""
    county, _, seq = ref.partition(":")
    with reading():
        row = seals.checkpoint(county, int(seq))
    if row is None:
        raise LookupError(ref)
    told = {"county": county, "seq": seq, "size": row.size}
    return Letter(words.say("mail.seal_subject", **told), [words.say("mail.seal_body", **told), row.text.rstrip("\n")])


def code_of(user_id: int, address: str, asked_at: str, channel: str = MAIL) -> str:
    """Return the code that confirms an address; only whoever is reached there can know it. Nothing of it is stored."""
    text = f"{channel}-code\0{user_id}\0{address}\0{asked_at}"
    digest = hmac.new(runtime().keys.cookie, text.encode(), hashlib.sha256).digest()
    return f"{int.from_bytes(digest[:8], 'big') % 10**CODE_DIGITS:0{CODE_DIGITS}}"


# --- reminders ---
def _of_reminders(kind: str, reader: _Reader) -> Letter | None:
    """Tell of what the reader may see today: who has lost an office since is told nothing of its cases."""
    rows, words = reader.rows, reader.words
    lines = lists.case_lines(reader.actor, [row.case for row in rows])
    told = [_worded(row, lines.get(row.case), words) for row in rows if not row.case or row.case in lines]
    if kind == DIGEST:
        work = _work(reader.actor)
        return _digest([title for title, _ in told], work, words) if told or _pressing(work) else None
    if not told:
        return None
    title, body = told[0]
    return Letter(title, [body, *_link(words, f"cases/{rows[0].case}" if rows[0].case else "duties")])


def _worded(row: Reminder, line: CaseLine | None, words: Speech) -> tuple[str, str]:
    """What is told of no case concerns an area of the reader's."""
    if line is None:
        return reminder_words(words, None, word=row.word, case="", household="", params=row.params)
    labels = Labels(replace(words, area=line.house.area), runtime().rules.machine_of(line.case))
    number = household_of(row.case)
    return reminder_words(words, labels, word=row.word, case=row.case, household=number, params=row.params)


def _digest(titles: Sequence[str], work: Mapping[str, int], words: Speech) -> Letter:
    more = len(titles) - MOST_LINES
    body = "\n".join(f"- {title}" for title in titles[:MOST_LINES])
    listed = [words.say("mail.digest_intro", count=len(titles)), body] if titles else []
    rest = [words.say("mail.digest_more", count=more)] if more > 0 else []
    due = (
        [words.say("mail.digest_work", **work)]
        if any(work[name] for name in ("late", "today", "week", "duties"))
        else []
    )
    subject = words.say("mail.digest_subject", count=len(titles)) if titles else words.say("mail.digest_due")
    return Letter(subject, [*due, *listed, *rest, *_link(words, "reminders")])


def _link(words: Speech, path: str) -> list[str]:
    base = runtime().settings.base_url
    return [words.say("mail.open", url=f"{base}/{path}")] if base else []


# --- the message ---
def message_of(due: Due, letter: Letter, mailer: Mailer, now: datetime) -> EmailMessage:
    """Return the mail as it is sent; the same mail always has the same Message-ID, so that a second copy is known."""
    words = Speech(due.lang, local_date(now))
    text = "\n\n".join([*letter.paragraphs, f"-- \n{words.say('mail.footer')}"]) + "\n"
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = Address(words.say("mail.from"), addr_spec=mailer.sender)
    message["To"] = Address(addr_spec=due.address)
    # One line, whatever a label holds; the library refuses the rest of what could begin a header of its own.
    message["Subject"] = " ".join(letter.subject.split())
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{mark_of(due.id)}@{mailer.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(text, cte="quoted-printable" if text.isascii() else "base64")
    return message


def mark_of(number: int) -> str:
    """Return the left part of a mail's Message-ID, which nobody who did not get the mail can make up."""
    seal = hmac.new(runtime().keys.person, f"mail-id\0{number}".encode(), hashlib.sha256).hexdigest()[:20]
    return f"fangpin.{number}.{seal}"


def number_of(message_id: str) -> int | None:
    """Return which mail a Message-ID belongs to; None when it is none of ours."""
    parts = message_id.strip().strip("<>").partition("@")[0].split(".")
    number = int(parts[1]) if len(parts) == 3 and parts[1].isascii() and parts[1].isdigit() else 0
    return number if number and hmac.compare_digest(mark_of(number).encode(), ".".join(parts).encode()) else None
