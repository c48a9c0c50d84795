"""The text of each mail, in the language of its reader: household numbers and what is due, never names or reasons."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from app.labels import Labels, Speech
from app.runtime import runtime
from app.services import lists
from app.services.lists import CaseLine
from app.smtp import Mailer
from app.store import mails as store
from app.store import people
from app.store.cases import household_of
from app.store.mails import CODE, DIGEST, REMINDER, Due
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


def letter_of(due: Due) -> Letter | None:
    """Return what to write; None when nothing is to be said any more: read, out of sight, or not wanted."""
    if not due.is_active or not due.address:
        return None
    with reading() as now:
        user = people.user_by_id(due.user_id)
        actor = people.actor_of(user, now) if user else None
        rows = store.unread(due.user_id, due.first, due.last) if due.first and due.last else ()
    if actor is None:
        return None
    words = Speech(due.lang, local_date(now), next((o.area for o in actor.offices), ""))
    if due.kind == CODE:
        return _code(due, words) if due.asked_at == due.ref else None
    if not due.is_usable:
        return None
    if due.kind in (REMINDER, DIGEST):
        return _of_reminders(due.kind, rows, actor, words)
    return Letter(words.say("mail.test_subject"), [words.say("mail.test_body")])


def _code(due: Due, words: Speech) -> Letter:
    code = code_of(due.user_id, due.address, due.ref)
    return Letter(words.say("mail.code_subject"), [words.say("mail.code_body", code=code)])


def code_of(user_id: int, address: str, asked_at: str) -> str:
    """Return the code that confirms an address; only whoever reads mail there can know it. Nothing of it is stored."""
    text = f"mail-code\0{user_id}\0{address}\0{asked_at}"
    digest = hmac.new(runtime().keys.cookie, text.encode(), hashlib.sha256).digest()
    return f"{int.from_bytes(digest[:8], 'big') % 10**CODE_DIGITS:0{CODE_DIGITS}}"


# --- reminders ---
def _of_reminders(kind: str, rows: Sequence[Reminder], actor: Actor, words: Speech) -> Letter | None:
    """Tell of what the reader may see today: who has lost an office since is told nothing of its cases."""
    lines = lists.case_lines(actor, [row.case for row in rows])
    told = [_worded(row, lines.get(row.case), words) for row in rows if not row.case or row.case in lines]
    if not told:
        return None
    if kind == REMINDER:
        title, body = told[0]
        return Letter(title, [body, *_link(words, f"cases/{rows[0].case}" if rows[0].case else "duties")])
    return _digest([title for title, _ in told], words)


def _worded(row: Reminder, line: CaseLine | None, words: Speech) -> tuple[str, str]:
    """What is told of no case concerns an area of the reader's."""
    if line is None:
        return reminder_words(words, None, word=row.word, case="", household="", params=row.params)
    labels = Labels(replace(words, area=line.house.area), runtime().rules.machine_of(line.case))
    number = household_of(row.case)
    return reminder_words(words, labels, word=row.word, case=row.case, household=number, params=row.params)


def _digest(titles: Sequence[str], words: Speech) -> Letter:
    more = len(titles) - MOST_LINES
    body = "\n".join(f"- {title}" for title in titles[:MOST_LINES])
    rest = [words.say("mail.digest_more", count=more)] if more > 0 else []
    return Letter(
        words.say("mail.digest_subject", count=len(titles)),
        [words.say("mail.digest_intro", count=len(titles)), body, *rest, *_link(words, "reminders")],
    )


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
