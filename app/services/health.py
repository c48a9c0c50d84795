"""The health of an installation: figures, and which duty is not being done."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from app import office_seal
from app.office_seal import NoOfficeSeal
from app.runtime import runtime
from app.services.mails import SERVER, channels_on, failures_in, server_beat
from app.services.mails import is_on as is_mail_on
from app.services.selftest import RESULT, has_failed
from app.services.steady import CLOCK, has_jumped
from app.services.upkeep import BACKUP, CHECK, SEAL, SEAL_TROUBLES, SILENT_AFTER, TICK
from app.store import accounts, deadlines, mails, outbox, schema, upkeep, webhooks
from app.store.transaction import reading
from app.store.webhooks import GivenUp
from app.tables import db
from workflows.clock import parse_utc
from workflows.model import Actor

DELIVER, MAIL = "deliver", "mail"
# The check runs each night; one that was missed is made up for the night after.
CHECK_WITHIN = timedelta(hours=50)
# Sealed soon after midnight; who misses a day is told of.
SEAL_WITHIN = timedelta(hours=26)
# Backups are asked of no installation, but where one was made, the next is expected.
BACKUP_WITHIN = timedelta(days=3)
MESSAGE_WITHIN = timedelta(hours=1)
LEAST_FREE = 1 << 30
# Root, seal, clock or revocation list of the electronic seal: after its end nothing is printed, so it is told before.
OFFICE_SEAL_BEFORE = timedelta(days=30)
# What the web needs to answer at all; the other duties are those of the scheduler and of the operator.
NEEDED = ("database", "schema")
# A round of mails may last a minute, and more where the server is slow.
MAIL_WITHIN = timedelta(minutes=5)
DUTIES = (
    *NEEDED, "disk", "clock", "sweep", "deliver", "messages", "mail", "gateways", "periods", "self_test", "check",
    "seal", "backup", "office_seal",
)  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """What can be measured; ages in seconds, None for what never was."""

    disk_free: int
    disk_size: int
    beats: Mapping[str, float]
    installed: float | None = None
    office_seal: float | None = None  # until the electronic seal ends; 0: it can't be read
    troubled_periods: int = 0
    waiting_messages: int = 0
    failed_messages: int = 0
    oldest_message: float | None = None
    damages: int = 0
    seal_troubles: int = 0
    has_jumped: bool = False
    has_failed_test: bool = False
    is_mail_on: bool = False
    mail_failures: int = 0
    gateway_failures: int = 0
    waiting_mails: int = 0
    stuck_mails: int = 0
    waiting_deliveries: int = 0
    dead_deliveries: int = 0


@dataclass(frozen=True)
class Health:
    """Facts, where the database could be asked, and the duties that fail, in the order of ``DUTIES``."""

    facts: Facts
    failing: tuple[str, ...]

    @property
    def can_serve(self) -> bool:
        """Tell whether the web can answer at all."""
        return not set(NEEDED) & set(self.failing)


def health() -> Health:
    """Return how the installation is doing; a database that does not answer is a finding, not an error."""
    free, size = _disk()
    try:
        is_current = schema.revision(db.engine) == schema.head()
        facts = _facts(free, size) if is_current else Facts(free, size, {})
    except SQLAlchemyError:
        return Health(Facts(free, size, {}), ("database", *_if(free < LEAST_FREE, "disk")))
    if not is_current:
        return Health(facts, ("schema", *_if(free < LEAST_FREE, "disk")))
    found = failures(facts)
    return Health(facts, tuple(duty for duty in DUTIES if duty in found))


def _if(fails: bool, duty: str) -> tuple[str, ...]:
    return (duty,) if fails else ()


def _disk() -> tuple[int, int]:
    found = shutil.disk_usage(runtime().settings.data)
    return found.free, found.total


def _facts(free: int, size: int) -> Facts:
    with reading() as now:
        beats = upkeep.beats()
        detail = beats[CHECK][1] if CHECK in beats else ""
        letters, sent = mails.counts(), webhooks.standing()
        return Facts(
            disk_free=free,
            disk_size=size,
            beats={name: _age(at, now) for name, (at, _) in beats.items()},
            installed=_age_of(accounts.first_made(), now),
            troubled_periods=deadlines.troubled(),
            waiting_messages=outbox.undelivered(),
            failed_messages=outbox.undelivered(failed=True),
            oldest_message=_age_of(outbox.oldest_waiting(), now),
            has_jumped=has_jumped(beats[CLOCK][1]) if CLOCK in beats else False,
            office_seal=_office_seal(now),
            has_failed_test=has_failed(beats[RESULT][1]) if RESULT in beats else False,
            damages=_counted(detail, "damages"),
            seal_troubles=sum(_counted(beats[SEAL][1], name) for name in SEAL_TROUBLES) if SEAL in beats else 0,
            is_mail_on=is_mail_on(),
            mail_failures=failures_in(beats[SERVER][1]) if SERVER in beats else 0,
            gateway_failures=_gateway_failures(beats),
            waiting_mails=letters.get(mails.WAITING, 0),
            stuck_mails=sum(letters.get(state, 0) for state in mails.STUCK),
            waiting_deliveries=sent.get(webhooks.WAITING, 0),
            dead_deliveries=sent.get(webhooks.DEAD, 0),
        )


def _office_seal(now: datetime) -> float | None:
    try:
        end = office_seal.ends(runtime().settings.office_seal)
    except NoOfficeSeal:
        return 0
    return None if end is None else max(0, (end - now).total_seconds())


def _gateway_failures(beats: Mapping[str, tuple[str, str]]) -> int:
    """How often in a row the worst of the other channels was in trouble; a channel that is off counts no more."""
    noted = (beats.get(server_beat(channel), ("", ""))[1] for channel in channels_on() if channel != MAIL)
    return max(map(failures_in, noted), default=0)


def _age(at: str, now: datetime) -> float:
    return (now - parse_utc(at)).total_seconds()


def _age_of(at: str | None, now: datetime) -> float | None:
    return None if at is None else _age(at, now)


def _counted(detail: str, name: str) -> int:
    """Read a figure out of what a job noted of itself."""
    pairs = dict(word.split("=", 1) for word in detail.split() if "=" in word)
    return int(pairs.get(name, "0"))


@dataclass(frozen=True)
class Abandoned:
    """What nobody tries any more: mails by state, and deliveries by webhook of the administrator's counties."""

    mails: Mapping[str, int]
    webhooks: Sequence[GivenUp]


def abandoned(actor: Actor) -> Abandoned:
    """Return what was given up and waits for somebody to look at it."""
    with reading():
        letters = mails.counts()
        found = webhooks.given_up(sorted({o.area[:6] for o in actor.offices if o.role == "admin"}))
    return Abandoned({state: letters[state] for state in mails.STUCK if letters.get(state)}, found)


def failures(facts: Facts) -> set[str]:
    """Return the duties that fail, of those that the facts can tell."""
    checked = facts.beats.get(CHECK, facts.installed)
    tests = {
        "disk": facts.disk_free < LEAST_FREE,
        "clock": facts.has_jumped,
        "sweep": _is_old(facts.beats.get(TICK), SILENT_AFTER),
        "deliver": _is_old(facts.beats.get(DELIVER), SILENT_AFTER),
        "messages": facts.failed_messages > 0 or (facts.oldest_message or 0) > MESSAGE_WITHIN.total_seconds(),
        "mail": facts.is_mail_on and (facts.mail_failures > 0 or _is_old(facts.beats.get(MAIL), MAIL_WITHIN)),
        "gateways": facts.gateway_failures > 0,
        "periods": facts.troubled_periods > 0,
        "self_test": facts.has_failed_test,
        "check": facts.damages > 0 or (checked or 0) > CHECK_WITHIN.total_seconds(),
        "seal": facts.seal_troubles > 0 or (facts.beats.get(SEAL, facts.installed) or 0) > SEAL_WITHIN.total_seconds(),
        "backup": facts.beats.get(BACKUP, 0) > BACKUP_WITHIN.total_seconds(),
        "office_seal": facts.office_seal is not None and facts.office_seal < OFFICE_SEAL_BEFORE.total_seconds(),
    }
    return {duty for duty, fails in tests.items() if fails}


def _is_old(age: float | None, most: timedelta) -> bool:
    return age is None or age > most.total_seconds()
