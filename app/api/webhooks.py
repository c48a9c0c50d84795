"""Webhooks of the county: add, switch, look at deliveries, replay."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from app.api.auth import actor
from app.api.reminders import NUMBER, Before
from app.api.resources import Resource
from app.api.schemas import nested
from app.services import webhooks as service
from app.services.webhooks import EVENTS

pages = Resource("webhooks", "Webhooks: other systems told of events")
URL = "https://data.example.gov.cn/fangpin"


class HookBody(Schema):
    """A webhook; the secret that signs is never shown again."""

    id = fields.Integer(required=True)
    url = fields.String(required=True)
    area = fields.String(required=True)
    events = fields.List(fields.String(), required=True)
    active = fields.Boolean(required=True)
    created_at = fields.String(required=True)
    waiting = fields.Integer(required=True)
    dead = fields.Integer(required=True)


class HooksBody(Schema):
    """A page; ``next`` is 0 at the end."""

    rows = nested(HookBody, many=True)
    next = fields.Integer(required=True)


class HookQuery(Schema):
    """The ``next`` of the page before."""

    after = fields.Integer(load_default=0, validate=NUMBER)


class NewHook(Schema):
    """Where to tell which events of which area; https only, and no address of a closed network."""

    url = fields.String(required=True, validate=validate.Length(1, 500))
    area = fields.String(required=True, validate=validate.Length(max=15))
    events = fields.List(fields.String(validate=validate.OneOf(EVENTS)), required=True)


class HookMade(HookBody):
    """The webhook that was added: ``secret`` is shown this once, a repeated command answers without it."""

    secret = fields.String()
    repeated = fields.Boolean(required=True)


class HookSwitched(HookBody):
    """The webhook as it is now."""

    repeated = fields.Boolean(required=True)


class Switch(Schema):
    """On or off."""

    active = fields.Boolean(required=True)


class SentBody(Schema):
    """One delivery; ``event`` is the id by which receivers know a repeated one."""

    id = fields.Integer(required=True)
    event = fields.String(required=True)
    state = fields.String(required=True)
    tries = fields.Integer(required=True)
    created_at = fields.String(required=True)
    next_at = fields.String(required=True)
    last_status = fields.String(required=True)


class SentPage(Schema):
    """A page, newest first; ``next`` is null at the end."""

    rows = nested(SentBody, many=True)
    next = fields.Integer(required=True, allow_none=True)


class SentQuery(Before):
    """One state, or all."""

    state = fields.String(load_default="", validate=validate.OneOf(("", "waiting", "delivered", "dead")))


class Replay(Schema):
    """One delivery by its number, or all since a time (RFC 3339 UTC)."""

    delivery = fields.Integer(load_default=None, strict=True, validate=NUMBER)
    since = fields.String(load_default="", validate=validate.Length(max=20))


class Replayed(Schema):
    """How many deliveries are queued again."""

    queued = fields.Integer(required=True)
    repeated = fields.Boolean(required=True)


NEW_EXAMPLE = {"url": URL, "area": "500241000000", "events": ["moved", "overdue"]}


@pages.route("/webhooks", methods=["GET"])
@pages.arguments(HookQuery, location="query")
@pages.answers(HooksBody)
def hooks(query: Mapping[str, Any]) -> dict[str, Any]:
    """The webhooks of the county."""
    rows, following = service.hooks(actor(), after=query["after"])
    return {"rows": [vars(row) for row in rows], "next": following}


@pages.route("/webhooks", methods=["POST"])
@pages.arguments(NewHook, example=NEW_EXAMPLE)
@pages.answers(HookMade, status=201, refusals=(409,))
@pages.command
def add(body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Add a webhook."""
    hook, secret = service.add(actor(), **body)
    return 201, {**vars(hook), "secret": secret}


@pages.route("/webhooks/<int(max=1000000000000):number>", methods=["PUT"])
@pages.arguments(Switch, example={"active": False})
@pages.answers(HookSwitched, refusals=(409,))
@pages.command
def switch(body: Mapping[str, Any], number: int) -> tuple[int, dict[str, Any]]:
    """Switch a webhook on or off."""
    return 200, dict(vars(service.switch(actor(), number, active=body["active"])))


@pages.route("/webhooks/<int(max=1000000000000):number>/deliveries", methods=["GET"])
@pages.arguments(SentQuery, location="query")
@pages.answers(SentPage)
def deliveries(query: Mapping[str, Any], number: int) -> dict[str, Any]:
    """What was sent to a webhook and what the other side answered, newest first."""
    rows, following = service.deliveries(actor(), number, state=query["state"], before=query["before"])
    return {"rows": [vars(row) for row in rows], "next": following}


@pages.route("/webhooks/<int(max=1000000000000):number>/replay", methods=["POST"])
@pages.arguments(Replay, example={"since": "2026-11-22T00:00:00Z"})
@pages.answers(Replayed, example={"queued": 3, "repeated": False}, refusals=(409,))
@pages.command
def replay(body: Mapping[str, Any], number: int) -> tuple[int, dict[str, Any]]:
    """Send deliveries again: one, or all since a time."""
    return 200, {"queued": service.replay(actor(), number, **body)}
