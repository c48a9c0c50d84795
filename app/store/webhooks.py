"""Webhooks and what is on its way to them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, func, select, update

from app.store.transaction import insert_once
from app.tables import Webhook, WebhookDelivery, db
from workflows.clock import utc_text
from workflows.model import Move

MOVED = "moved"
WAITING, DELIVERED, DEAD = "waiting", "delivered", "dead"
LEASE = timedelta(minutes=2)  # longer than any one sending takes: whoever claimed it and died is followed by another


def move_row(county: str, move: Move, at: str) -> dict[str, object]:
    """Return a move as a row of the outbox."""
    params = {name: move.body[name] for name in ("action", "source", "target", "seq", "closed")}
    body: dict[str, Any] = {"case": move.case.number, "word": MOVED, "roles": [], "person": None, "params": params}
    return {"county": county, "key": f"{county}:{move.case.number}:{move.case.seq}", "body": body,
            "created_at": at, "tries": 0, "wait_until": None}  # fmt: skip


def active(county: str) -> list[Webhook]:
    """Return the webhooks of a county that are told anything."""
    return list(db.session.scalars(select(Webhook).where(Webhook.county == county, Webhook.active.is_(True))))


def add_deliveries(webhooks: Iterable[int], event: str, body: str, now: datetime) -> None:
    """Put an event on its way, once for each webhook however often it is tried."""
    at = utc_text(now)
    made = {"event": event, "body": body, "created_at": at, "next_at": at}
    rows = [{"webhook_id": one, **made, "state": WAITING, "tries": 0, "last_status": ""} for one in webhooks]
    if rows:
        db.session.execute(insert_once(WebhookDelivery), rows)


@dataclass(frozen=True)
class Due:
    """A delivery to make now, with what its webhook says."""

    id: int
    webhook: int
    event: str
    body: str
    tries: int
    url: str
    secret_cipher: str


@dataclass(frozen=True)
class GivenUp:
    """A webhook with deliveries that were given up: how many, since when, and the last answer or what went wrong."""

    webhook: int
    url: str
    count: int
    since: str
    last_status: str


def due(now: datetime, *, limit: int) -> list[int]:
    """Return the deliveries to make now, those that waited longest first."""
    query = select(WebhookDelivery.id).where(WebhookDelivery.next_at <= utc_text(now))
    return list(db.session.scalars(query.order_by(WebhookDelivery.next_at, WebhookDelivery.id).limit(limit)))


def claimed(number: int, now: datetime) -> Due | None:
    """Take a delivery for a while, so that no other process sends it beside this one; None when it is not due."""
    query = update(WebhookDelivery).where(WebhookDelivery.id == number, WebhookDelivery.next_at <= utc_text(now))
    done = db.session.execute(query.values(next_at=utc_text(now + LEASE)))
    if cast("CursorResult[Any]", done).rowcount != 1:
        return None
    row = db.session.execute(
        select(WebhookDelivery, Webhook)
        .join(Webhook, Webhook.id == WebhookDelivery.webhook_id)
        .where(WebhookDelivery.id == number)
    ).one()
    one, hook = row
    if not hook.active:
        finish(number, DEAD, "switched off", now)
        return None
    return Due(one.id, hook.id, one.event, one.body, one.tries, hook.url, hook.secret_cipher)


def finish(number: int, state: str, status: str, now: datetime) -> None:
    """Note how a delivery ended."""
    _set(number, state=state, next_at=None, last_status=status[:60], last_at=utc_text(now))


def again(number: int, status: str, now: datetime, retry_at: datetime) -> None:
    """Note a failed try and when the next one is."""
    _set(number, next_at=utc_text(retry_at), last_status=status[:60], last_at=utc_text(now))


def _set(number: int, **values: object) -> None:
    query = update(WebhookDelivery).where(WebhookDelivery.id == number)
    db.session.execute(query.values(**values, tries=WebhookDelivery.tries + 1))


def queue_again(webhook: int, now: datetime, *, number: int | None = None, since: str = "") -> int:
    """Put deliveries on their way anew, by number or since a time; return how many."""
    query = update(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook)
    query = query.where(WebhookDelivery.id == number) if number is not None else query
    query = query.where(WebhookDelivery.created_at >= since) if since else query
    done = db.session.execute(query.values(state=WAITING, tries=0, next_at=utc_text(now)))
    return cast("CursorResult[Any]", done).rowcount


# --- keeping ---
def add(row: Webhook) -> int:
    """Record a webhook and return its number."""
    db.session.add(row)
    db.session.flush()
    return int(row.id)


def by_id(number: int) -> Webhook | None:
    """Return a webhook."""
    return db.session.get(Webhook, number, populate_existing=True)


def of_county(county: str, *, after: int, limit: int) -> Sequence[tuple[Webhook, int, int]]:
    """Return webhooks of a county with how many deliveries wait and how many are dead."""
    waiting, dead = (_count(state) for state in (WAITING, DEAD))
    query = select(Webhook, waiting, dead).where(Webhook.county == county, Webhook.id > after)
    rows = db.session.execute(query.order_by(Webhook.id).limit(limit)).all()
    return [(row[0], int(row[1]), int(row[2])) for row in rows]


def _count(state: str) -> Any:
    query = select(func.count()).select_from(WebhookDelivery)
    return query.where(WebhookDelivery.webhook_id == Webhook.id, WebhookDelivery.state == state).scalar_subquery()


def standing() -> dict[str, int]:
    """Return how many deliveries of webhooks that are on stand in each state; one query."""
    query = select(WebhookDelivery.state, func.count()).join(Webhook, Webhook.id == WebhookDelivery.webhook_id)
    rows = db.session.execute(query.where(Webhook.active.is_(True)).group_by(WebhookDelivery.state))
    return {state: int(count) for state, count in rows}


def given_up(counties: Iterable[str]) -> list[GivenUp]:
    """Return the webhooks of some counties that are on and have deliveries that were given up; one query."""
    is_dead = (WebhookDelivery.state == DEAD) & (WebhookDelivery.webhook_id == Webhook.id)
    count, since = func.count(WebhookDelivery.id), func.min(WebhookDelivery.created_at)
    latest = select(WebhookDelivery.last_status).where(is_dead).order_by(WebhookDelivery.id.desc()).limit(1)
    query = select(Webhook.id, Webhook.url, count, since, latest.correlate(Webhook).scalar_subquery())
    query = query.join(WebhookDelivery, is_dead).where(Webhook.county.in_(list(counties)), Webhook.active.is_(True))
    rows = db.session.execute(query.group_by(Webhook.id, Webhook.url).order_by(Webhook.id))
    return [GivenUp(int(number), url, int(many), first, status or "") for number, url, many, first, status in rows]


def deliveries(webhook: int, *, state: str, before: int | None, limit: int) -> Sequence[WebhookDelivery]:
    """Return the deliveries of a webhook, newest first."""
    query = select(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook)
    query = query.where(WebhookDelivery.state == state) if state else query
    query = query.where(WebhookDelivery.id < before) if before is not None else query
    return db.session.scalars(query.order_by(WebhookDelivery.id.desc()).limit(limit)).all()


def forget(before: str) -> int:
    """Remove deliveries that are done and old; return how many."""
    gone = db.session.execute(
        delete(WebhookDelivery).where(WebhookDelivery.created_at < before, WebhookDelivery.next_at.is_(None))
    )
    return cast("CursorResult[Any]", gone).rowcount
