"""Webhooks: other systems told of events in an area; signed, without personal data, tried for a day, replayed."""

import hashlib
import hmac
import http.client
import json
import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from app.outward import SECONDS, Allowed, ensure_open, post, target_of
from app.runtime import runtime
from app.services.isolated import never
from app.store import ledger
from app.store import webhooks as store
from app.store.cases import household_of
from app.store.outbox import Sendable
from app.store.transaction import reading, writing
from app.store.webhooks import DEAD, DELIVERED, MOVED, Due
from app.tables import Webhook, WebhookDelivery
from workflows.clock import utc_text
from workflows.errors import BadValue, ForbiddenAddress, NotAllowed, NotFound
from workflows.model import Actor, area_root

EVENTS = (
    MOVED, "waiting", "overdue", "period_ended", "due_soon", "raised", "escalated", "to_urge", "nudged", "urged",
    "substitute", "helper",
)  # fmt: skip
# What a body may say of an event: states, codes, times; never a name, nor who is meant.
TOLD = ("action", "source", "target", "seq", "closed", "state", "timer", "due")
FORMAT = "fp-event-v1"
SIGNATURE, STAMP, EVENT_ID = "Fangpin-Signature", "Fangpin-Timestamp", "Fangpin-Event"
MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
SIZE, BATCH = 25, 50
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=4)
MOST_TRIES = 14  # 30 s doubled up to 4 h: a day and some hours in all
MOST_HOOKS = 20  # of a county
ROUND_SECONDS = 60


@dataclass(frozen=True)
class Hook:
    """A webhook as lists show it; its secret is never shown again."""

    id: int
    url: str
    area: str
    events: Sequence[str]
    active: bool
    created_at: str
    waiting: int = 0
    dead: int = 0


@dataclass(frozen=True)
class Sent:
    """One delivery: the event's id, how it stands, how often it was tried, the last answer."""

    id: int
    event: str
    state: str
    tries: int
    created_at: str
    next_at: str
    last_status: str


def allowed() -> Allowed:
    """Return what this site lets through."""
    return runtime().settings.webhook_allowed


# --- from the outbox ---
def fan_out(messages: Iterable[Sendable], place_of: Callable[[Sendable], str], now: datetime) -> None:
    """Put messages of the outbox on their way to the webhooks that want them, in the transaction that delivers them."""
    hooks: dict[str, list[Webhook]] = {}
    for sendable in messages:
        if sendable.county not in hooks:
            hooks[sendable.county] = store.active(sendable.county)
        wanting = [hook for hook in hooks[sendable.county] if sendable.message.key in hook.events.split()]
        if wanting:
            _send_out(sendable, wanting, place_of(sendable), now)


def _send_out(sendable: Sendable, hooks: Iterable[Webhook], area: str, now: datetime) -> None:
    message = sendable.message
    body = {
        "format": FORMAT,
        "id": sendable.key,
        "event": message.key,
        "county": sendable.county,
        "case": message.case,
        "household": household_of(message.case),
        "data": {name: message.params[name] for name in TOLD if name in message.params},
    }
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    inside = [int(hook.id) for hook in hooks if area.startswith(area_root(hook.area))]
    store.add_deliveries(inside, sendable.key, text, now)


# --- sending ---
def send_due(*, stop: Callable[[], bool] = never, seconds: float = ROUND_SECONDS) -> Counter[str]:
    """Make the deliveries that are due; return how many were delivered, failed, dead, passed.

    No transaction is open while another system is waited for. A host that fails is left alone for the rest of the
    round, so that a hanging one delays the others by one time limit at most.
    """
    tally: Counter[str] = Counter()
    with reading() as now:
        numbers, ends = store.due(now, limit=BATCH), now + timedelta(seconds=seconds)
    failing: set[str] = set()
    for number in numbers:
        with writing() as now:
            one = None if stop() or now > ends else store.claimed(number, now)
        if one is not None:
            tally[_send(one, failing)] += 1
    return tally


def _send(one: Due, failing: set[str]) -> str:
    host = urlsplit(one.url).netloc
    status = "host failed before" if host in failing else _answer_of(one)
    is_taken = status.isdigit() and 200 <= int(status) < 300
    if not status.isdigit() and not status.startswith(ForbiddenAddress.code):
        failing.add(host)
    with writing() as now:
        if is_taken:
            store.finish(one.id, DELIVERED, status, now)
            return "delivered"
        if one.tries + 1 >= MOST_TRIES:
            store.finish(one.id, DEAD, status, now)
            return "dead"
        store.again(one.id, status, now, now + wait_after(one.tries))
        return "failed"


def wait_after(tries: int) -> timedelta:
    """Return how long to wait after so many failed tries: doubled each time, four hours at most."""
    return min(timedelta(seconds=FIRST_WAIT.total_seconds() * 2.0 ** min(tries, 20)), LONGEST_WAIT)


def _answer_of(one: Due) -> str:
    """Return the status as text, or in a word why there was none; never what the other side said."""
    with reading() as now:
        stamp = str(int(now.timestamp()))
    data = one.body.encode()
    secret = runtime().keys.decrypt(one.secret_cipher, place=secret_place(one.webhook))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "fangpin",
        EVENT_ID: one.event,
        STAMP: stamp,
        SIGNATURE: f"v1={signature(secret, stamp, data)}",
    }
    try:
        return str(post(one.url, data, headers, allowed=allowed(), seconds=SECONDS))
    except ForbiddenAddress as refused:
        return f"{refused.code} {refused.params['reason']}"
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__


def signature(secret: str, stamp: str, body: bytes) -> str:
    """Return the HMAC-SHA256 over time stamp, a dot and the body, as receivers compute it too."""
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def secret_place(number: int) -> str:
    """Return the place to which a webhook's encrypted secret is bound."""
    return f"webhook:{number}:secret"


# --- keeping ---
def add(actor: Actor, *, url: str, area: str, events: Iterable[str]) -> tuple[Hook, str]:
    """Add a webhook for the administrator's county; return it with the secret that signs, which is shown this once.

    Raises NotAllowed, BadValue (area, events, url: too many) or ForbiddenAddress.
    """
    county, chosen = county_of(actor), set(events)
    ensure_inside(county, area)
    if not chosen or not chosen <= set(EVENTS):
        raise BadValue(field="events", value=" ".join(sorted(chosen - set(EVENTS)))[:60])
    ensure_open(target_of(url, allowed()), allowed())
    secret = secrets.token_urlsafe(32)
    with writing() as now:
        if len(store.of_county(county, after=0, limit=MOST_HOOKS)) >= MOST_HOOKS:
            raise BadValue(field="url", value="")
        row = Webhook(
            county=county,
            area=area,
            url=url,
            events=" ".join(name for name in EVENTS if name in chosen),
            secret_cipher="",
            active=True,
            created_at=utc_text(now),
            created_by=actor.id,
        )
        row.secret_cipher = runtime().keys.encrypt(secret, place=secret_place(store.add(row)))
        detail = {"webhook": str(row.id), "host": urlsplit(url).hostname or "", "events": row.events, "area": area}
        ledger.append(county, user=actor.id, kind="webhook_added", subject=county, now=now, detail=detail)
        return _hook(row), secret


def county_of(actor: Actor) -> str:
    """Return the county that a person administers; raise NotAllowed for anybody else."""
    counties = [o.area[:6] for o in actor.offices if o.role == "admin"]
    if not counties:
        raise NotAllowed(page="webhooks")
    return counties[0]


def ensure_inside(county: str, area: str) -> None:
    """Raise BadValue unless an area (12 or 15 digits) lies in the county."""
    is_code = len(area) in (12, 15) and area.isascii() and area.isdigit()
    if not is_code or not area_root(area).startswith(county):
        raise BadValue(field="area", value=area[:15])


def hooks(actor: Actor, *, after: int = 0) -> tuple[Sequence[Hook], int]:
    """Return a page of the county's webhooks and the key of the next one (0 at the end)."""
    county = county_of(actor)
    with reading():
        rows = store.of_county(county, after=after, limit=SIZE + 1)
        found = [_hook(row, waiting, dead) for row, waiting, dead in rows[:SIZE]]
    return found, found[-1].id if len(rows) > SIZE else 0


def _own(actor: Actor, number: int) -> Webhook:
    row = store.by_id(number)
    if row is None or row.county != county_of(actor):
        raise NotFound(webhook=number)
    return row


def switch(actor: Actor, number: int, *, active: bool) -> Hook:
    """Switch a webhook on or off; what waits while it is off is given up and can be replayed."""
    county = county_of(actor)
    with writing() as now:
        row = _own(actor, number)
        if row.active != active:
            row.active = active
            detail = {"webhook": str(number), "active": str(active)}
            ledger.append(county, user=actor.id, kind="webhook_changed", subject=county, now=now, detail=detail)
        return _hook(row)


def deliveries(
    actor: Actor, number: int, *, state: str = "", before: int | None = None
) -> tuple[Sequence[Sent], int | None]:
    """Return a page of a webhook's deliveries, newest first, and the key of the next one."""
    county_of(actor)
    with reading():
        _own(actor, number)
        rows = store.deliveries(number, state=state, before=before, limit=SIZE + 1)
        found = [_sent(row) for row in rows[:SIZE]]
    return found, found[-1].id if len(rows) > SIZE else None


def replay(actor: Actor, number: int, *, delivery: int | None = None, since: str = "") -> int:
    """Send deliveries again, one by its number or all since a time (RFC 3339 UTC); return how many are queued."""
    county = county_of(actor)
    if (delivery is None) == (not since) or (since and not MOMENT.fullmatch(since)):
        raise BadValue(field="since", value=since[:20])
    with writing() as now:
        _own(actor, number)
        count = store.queue_again(number, now, number=delivery, since=since)
        if delivery is not None and not count:
            raise NotFound(delivery=delivery)
        detail = {"webhook": str(number), "rows": count}
        ledger.append(county, user=actor.id, kind="webhook_replayed", subject=county, now=now, detail=detail)
        return count


def _hook(row: Webhook, waiting: int = 0, dead: int = 0) -> Hook:
    events = tuple(row.events.split())
    return Hook(int(row.id), row.url, row.area, events, bool(row.active), row.created_at, waiting, dead)


def _sent(row: WebhookDelivery) -> Sent:
    return Sent(int(row.id), row.event, row.state, row.tries, row.created_at, row.next_at or "", row.last_status)
