"""Where people want to be told, by channel: set by them or the administrator, confirmed by a code, marked when bad."""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

from app import gateways
from app.services import letters, mails
from app.services.accounts import ensure_own
from app.services.offices import named
from app.smtp import is_address
from app.store import ledger, people
from app.store import mails as store
from app.store.mails import CODE, DIGEST, EACH, MAIL, NONE, SMS
from app.store.transaction import reading, writing
from app.tables import ChannelAddress
from workflows.clock import parse_utc, utc_text
from workflows.errors import BadValue, NotFound, Throttled
from workflows.model import Actor

CHOICES = (EACH, DIGEST, NONE)
CODE_HOLDS = timedelta(hours=24)
MOST_TRIES = 5  # of one code
MOST_CODES = 5  # a day: nobody is to flood a stranger's mailbox
REPORTED = "reported"


@dataclass(frozen=True)
class Standing:
    """An address as people see it: masked, the choice, and whether it is confirmed, asked for, or no good."""

    masked: str
    choice: str
    state: str
    bounce: str


ABSENT = Standing("", EACH, "absent", "")


def masked(address: str) -> str:
    """Return an address so that its owner knows it and nobody else learns it: z***@example.com."""
    name, at, domain = address.partition("@")
    return f"{name[:1]}***{at}{domain}" if at else ""


def shown(address: str, channel: str) -> str:
    """Return an address of a channel so that its owner knows it and nobody else learns it: 138****0000, z***."""
    if channel == MAIL:
        return masked(address)
    return f"{address[:3]}****{address[-4:]}" if channel == SMS else f"{address[:1]}***"


def _standing(row: ChannelAddress | None, now: datetime) -> Standing:
    if row is None:
        return ABSENT
    if row.bounced_at:
        state = "bounced"
    elif row.confirmed_at:
        state = "confirmed"
    else:
        state = "asked" if row.asked_at and now - parse_utc(row.asked_at) < CODE_HOLDS else "unconfirmed"
    return Standing(shown(row.address, row.channel), row.choice, state, row.bounce)


def mine(user_id: int, channel: str = MAIL) -> Standing:
    """Return how one's own address on a channel stands."""
    with reading() as now:
        return _standing(store.address_of(user_id, channel), now)


def of_account(username: str, channel: str = MAIL) -> Standing | None:
    """Return how one account's address on a channel stands, None without one; raises NotFound for no account."""
    with reading() as now:
        row = store.address_of(int(named(username).id), channel)
        return _standing(row, now) if row else None


def of_accounts(usernames: Iterable[str], channel: str = MAIL) -> Mapping[str, Standing]:
    """Return how the addresses of some accounts on a channel stand, by user name; one query."""
    with reading() as now:
        return {name: _standing(row, now) for name, row in store.addresses_of(usernames, channel).items()}


# --- setting ---
def ensure_channel(channel: str) -> None:
    """Raise BadValue unless this installation has the channel; mail may be set up later."""
    if channel != MAIL and not mails.is_on(channel):
        raise BadValue(field="channel", value=channel[:20])


def keep(user_id: int, *, address: str, choice: str, channel: str = MAIL) -> Standing:
    """Keep one's own address and choice; an address that is new, unconfirmed or bounced is sent a code.

    An empty address leaves the present one as it is. Raises BadValue (address, choice, channel) or Throttled.
    """
    ensure_channel(channel)
    if choice not in CHOICES:
        raise BadValue(field="choice", value=choice[:20])
    with writing() as now:
        row = store.address_of(user_id, channel)
        kept = address or (row.address if row else "")
        _put(user_id, kept, choice, now, is_asked=bool(address), channel=channel)
        return _standing(store.address_of(user_id, channel), now)


def remove(user_id: int, channel: str = MAIL) -> None:
    """Forget one's own address."""
    with writing():
        store.remove_address(user_id, channel)


def assign(actor: Actor, username: str, *, address: str, channel: str = MAIL) -> None:
    """Set the address of an account of the administrator's county; its owner still has to confirm it.

    Raises NotFound for accounts elsewhere, NotAllowed, BadValue (address, channel) or Throttled.
    """
    ensure_channel(channel)
    ensure_own(actor, username)
    with writing() as now:
        put_for(username, address, by=actor.id, now=now, channel=channel)


def put_for(username: str, address: str, *, by: str, now: datetime, channel: str = MAIL) -> None:
    """Set an account's address inside the caller's transaction; raises as ``assign`` does."""
    user = people.user_by_name(username)
    if user is None:
        raise NotFound(user=username)
    row = store.address_of(int(user.id), channel)
    _put(int(user.id), address, row.choice if row else EACH, now, is_asked=True, channel=channel)
    of_channel = {} if channel == MAIL else {"channel": channel}
    detail = {"address": shown(address, channel), **of_channel}
    ledger.append(user.county, user=by, kind="mail_address", subject=f"u{user.id}", now=now, detail=detail)


def _put(user_id: int, address: str, choice: str, now: datetime, *, is_asked: bool, channel: str) -> None:
    fits = is_address(address) if channel == MAIL else gateways.is_address(channel, address)
    if not fits:
        raise BadValue(field="address", value="")
    row = store.put_address(user_id, address, choice, channel)
    if is_asked and not store.is_usable(row):
        _ask(row, now)


def _ask(row: ChannelAddress, now: datetime) -> None:
    """Send a code; whatever was sent before no longer counts."""
    if store.count_since(row.user_id, CODE, now - timedelta(days=1), row.channel) >= MOST_CODES:
        raise Throttled(minutes=24 * 60)
    row.asked_at, row.tries = utc_text(now), 0
    store.add_one(row.user_id, CODE, utc_text(now), now, row.channel)


def confirm(user_id: int, code: str, channel: str = MAIL) -> Standing:
    """Confirm one's address by the code that was sent to it; raises BadValue (code), or Throttled after five tries."""
    with writing() as now:
        row = store.address_of(user_id, channel)
        is_open = row is not None and row.asked_at and now - parse_utc(row.asked_at) < CODE_HOLDS
        fits = False
        if row is not None and row.asked_at and is_open and row.tries < MOST_TRIES:
            row.tries += 1
            known = letters.code_of(user_id, row.address, row.asked_at, channel)
            fits = hmac.compare_digest(known.encode(), code.encode())
            if fits:
                row.confirmed_at, row.asked_at, row.bounced_at, row.bounce = utc_text(now), None, None, ""
        is_spent = row is not None and is_open and not fits and row.tries >= MOST_TRIES
        standing = _standing(row, now)
    if is_spent:
        raise Throttled(minutes=24 * 60)
    if not fits:
        raise BadValue(field="code", value="")
    return standing


# --- bounces that come later ---
def bounce(name: str, *, why: str = REPORTED) -> int:
    """Mark the address of an account, or an address wherever it stands, as no good; return of how many accounts."""
    with writing() as now:
        user = people.user_by_name(name)
        found = [int(user.id)] if user and store.address_of(int(user.id)) else store.accounts_at(name)
        for user_id in found:
            store.mark_bounced(user_id, why, now)
    if not found:
        raise NotFound(user=masked(name) or name)
    return len(found)


def read_report(data: bytes) -> int:
    """Mark the address that a delivery report (RFC 3464) says failed for good; return of how many accounts, or 0.

    Anybody can write such a report: only one that carries the Message-ID of a mail of ours is believed, and it speaks
    of that mail's address alone. Raises BadValue (report) for what is none, or none about a mail of ours.
    """
    report = message_from_bytes(data, policy=policy.default)
    parts = list(report.walk())
    status = next((s for part in parts if (s := _failed_status(part))), None)
    number = next((n for part in parts if (n := _ours(part))), None)
    if number is None or not any(part.get_content_type() == "message/delivery-status" for part in parts):
        raise BadValue(field="report", value="")
    if status is None:
        return 0
    with writing() as now:
        mail = store.by_id(number)
        row = store.address_of(mail.user_id) if mail else None
        if mail is None or row is None or not _is_newer(mail.created_at, row):
            return 0
        store.mark_bounced(mail.user_id, f"DSN {status}", now)
        store.note(number, state=store.BOUNCED, next_at=None, answer=f"DSN {status}")
    return 1


def _is_newer(sent: str, row: ChannelAddress) -> bool:
    """A mail from before the present address was confirmed says nothing about it."""
    since = row.confirmed_at or row.asked_at
    return since is not None and sent >= since


def _failed_status(part: EmailMessage) -> str | None:
    """Return the status of a recipient whom the mail failed to reach for good: 5.x.x."""
    status = str(part.get("Status", "")).strip()
    failed = str(part.get("Action", "")).strip().lower() == "failed"
    return status[:12] if failed and status.startswith("5.") and status.isascii() else None


def _ours(part: EmailMessage) -> int | None:
    """Return the mail of ours that a returned message, or its returned headers, carries."""
    if part.get_content_type() == "text/rfc822-headers":
        part = message_from_bytes(part.get_payload(decode=True) or b"", policy=policy.default)  # type: ignore[arg-type]
    return letters.number_of(str(part.get("Message-ID", "")))
