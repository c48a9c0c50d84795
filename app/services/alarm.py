"""The alarm: says that a duty fails although the scheduler, which tells everything else, may be what stands still."""

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

import structlog
from flask import Flask

from app.labels import Speech
from app.runtime import runtime
from app.services.health import DUTIES, health
from app.services.isolated import Trouble, attempt, held, never
from app.smtp import Link, Mailer
from app.store import outbox, people, upkeep
from app.store.outbox import Sendable, Told
from app.store.transaction import reading, writing
from workflows.clock import local_date, parse_utc
from workflows.model import Message

ALARM = "alarm"
LOOK_EVERY = 15.0  # seconds; with the silence that health allows, a dead scheduler is told of within two minutes
AGAIN_AFTER = timedelta(hours=12)
log = structlog.stdlib.get_logger("alarm")


class Watcher:
    """Looks again and again; alarms when a duty fails twice in a row, once for each set of failing duties.

    Any number of web processes may watch: what was told last stands in the database, and who changes it tells.
    """

    def __init__(self) -> None:
        self._before: frozenset[str] = frozenset()

    def look(self) -> tuple[str, ...]:
        """Look once; return the failing duties that were told of now, or none."""
        found = health()
        lasting = self._before & set(found.failing)
        self._before = frozenset(found.failing)
        if found.can_serve:
            return _tell(found.failing, lasting)
        log.error(ALARM, failing=list(found.failing))  # where nothing can be noted, only the log can be told
        return ()


def _tell(found: Sequence[str], lasting: frozenset[str]) -> tuple[str, ...]:
    """Tell the administrators in their lists and the addresses of the settings; note it in the same transaction."""
    with writing() as now:
        at, noted = upkeep.beats().get(ALARM, ("", ""))
        failing = [duty for duty in found if duty in lasting or duty in noted.split()]
        words = " ".join(failing)
        is_new = bool(set(failing) - set(noted.split()))
        is_old = bool(failing) and bool(at) and now - parse_utc(at) > AGAIN_AFTER
        if words == noted and not is_old:
            return ()
        upkeep.note_beat(ALARM, words, now)
        if not is_new and not is_old:
            log.info("alarm_over", failing=failing, before=noted.split())
            return ()
        _remind(failing, now)
    log.error(ALARM, failing=failing)
    _mail(failing, now)
    return tuple(failing)


def _remind(failing: Sequence[str], now: datetime) -> None:
    """Straight into the lists, as delivery may be what stands still."""
    for county, accounts in people.administrators(now).items():
        message = Message(case="", key=ALARM, params={"failing": list(failing)})
        sendable = Sendable(0, county, f"{ALARM}:{now:%Y%m%d%H%M%S}", message)
        outbox.add_reminders([Told(sendable, accounts)], now)


def _mail(failing: Sequence[str], now: datetime) -> None:
    settings = runtime().settings
    if settings.mail is None or not settings.alarm_mail:
        return
    with Link(settings.mail, never, seconds=30) as link:
        for address in settings.alarm_mail:
            answer = link.send(letter(failing, address, settings.mail, now), address)
            log.info("alarm_mail", state=answer.state, answer=answer.text)


def letter(failing: Sequence[str], address: str, mailer: Mailer, now: datetime) -> EmailMessage:
    """Return the mail about failing duties, in both languages: each with what to do about it."""
    message = EmailMessage(policy=policy.SMTP)
    spoken = [Speech(lang, local_date(now)) for lang in ("zh", "en")]
    message["From"] = Address(spoken[0].say("mail.from"), addr_spec=mailer.sender)
    message["To"] = Address(addr_spec=address)
    message["Subject"] = " / ".join(words.say("mail.alarm_subject") for words in spoken)
    message["Date"] = format_datetime(now)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n\n".join(_paragraph(failing, words) for words in spoken) + "\n", cte="base64")
    return message


def _paragraph(failing: Sequence[str], words: Speech) -> str:
    rows = [f"- {words.say(f'ui.duty_{duty}')}: {words.say(f'ui.todo_{duty}')}" for duty in failing]
    return "\n".join([words.say("mail.alarm_body", url=runtime().settings.base_url), *rows])


def standing() -> tuple[str, ...]:
    """Return the duties that the alarm told of last and that have not recovered since, for a line on every page."""
    with reading():
        noted = upkeep.beats().get(ALARM, ("", ""))[1]
    return tuple(duty for duty in noted.split() if duty in DUTIES)


# --- beside the web ---
def start_watching(app: Flask) -> threading.Event:
    """Look every some seconds in a thread, in one process of this machine at a time; set the event to stop it."""
    stop = threading.Event()
    threading.Thread(target=_watch, args=(app, stop), name=ALARM, daemon=True).start()
    return stop


def _watch(app: Flask, stop: threading.Event) -> None:
    with app.app_context():
        lock = runtime().settings.data / "alarm.lock"
        while not stop.wait(LOOK_EVERY):
            with held(lock) as is_mine:
                if is_mine:
                    _look_on(stop)


def _look_on(stop: threading.Event) -> None:
    watcher = Watcher()
    while not stop.wait(LOOK_EVERY):
        answer = attempt(watcher.look)
        if isinstance(answer, Trouble):
            log.error("alarm_failed", what=answer.what)
