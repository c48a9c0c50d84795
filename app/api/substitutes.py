"""Absences and substitutes: one's own, those of offices that one administers or leads; record one, end one."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from app.api.auth import actor
from app.api.resources import Resource
from app.api.schemas import nested
from app.schemas import narrow
from app.services import substitutes as service
from app.services.substitutes import Asked, Page
from workflows.clock import utc_text

pages = Resource("substitutes", "Absences and substitutes")
NAME = validate.Length(max=64)
MOST = 10**12


class Absence(Schema):
    """Somebody away from an office; ``to`` is the first day back. ``reason`` is empty for who need not know it."""

    id = fields.Integer(required=True)
    username = fields.String(required=True)
    name = fields.String(required=True)
    substitute = fields.String(required=True)
    substitute_name = fields.String(required=True)
    role = fields.String(required=True)
    area = fields.String(required=True)
    area_name = fields.String(required=True)
    part = fields.String(required=True)
    begins = fields.String(required=True, data_key="from")
    ends = fields.String(required=True, data_key="to")
    reason = fields.String(required=True)
    state = fields.String(required=True, metadata={"description": "planned, running, over or ended"})
    can_end = fields.Boolean(required=True)


class AbsencesBody(Schema):
    """A page of absences, newest first; ``before`` asks for the next page."""

    rows = nested(Absence, many=True)
    before = fields.Integer(required=True, allow_none=True)
    as_of = fields.String(required=True)


class AbsencesQuery(Schema):
    """Which page."""

    before = fields.Integer(load_default=None, validate=validate.Range(1, MOST))


class NewAbsence(Schema):
    """Away from which office, from which day to which (exclusive); nobody named as substitute: a plain vacation."""

    username = fields.String(load_default="", validate=NAME, metadata={"description": "empty: oneself"})
    role = fields.String(required=True, validate=NAME)
    area = fields.String(required=True, validate=validate.Length(max=15))
    part = fields.String(load_default="", validate=validate.Length(max=15))
    substitute = fields.String(load_default="", validate=NAME)
    begins = fields.String(required=True, data_key="from", validate=validate.Length(max=10))
    ends = fields.String(required=True, data_key="to", validate=validate.Length(max=10))
    reason = fields.String(required=True, validate=validate.Length(1, service.LONGEST_REASON))


class AbsenceDone(Schema):
    """The absence that was recorded or ended."""

    id = fields.Integer(required=True)
    repeated = fields.Boolean(required=True)


NEW_EXAMPLE = {
    "role": "township_leader",
    "area": "500241103000",
    "substitute": "xs-leader2",
    "from": "2026-11-24",
    "to": "2026-12-01",
    "reason": "年休假",
}
DONE_EXAMPLE = {"id": 7, "repeated": False}


@pages.route("/substitutions", methods=["GET"])
@pages.arguments(AbsencesQuery, location="query")
@pages.answers(AbsencesBody)
def substitutions(query: Mapping[str, Any]) -> dict[str, Any]:
    """One's own absences, and those in which one stands in."""
    return body_of(service.mine(actor(), before=query["before"]))


def body_of(found: Page) -> dict[str, Any]:
    """Return a page of absences."""
    return {"rows": [vars(line) for line in found.lines], "before": found.before, "as_of": utc_text(found.now)}


@pages.route("/substitutions/area", methods=["GET"])
@pages.arguments(AbsencesQuery, location="query")
@pages.answers(AbsencesBody)
def governed(query: Mapping[str, Any]) -> dict[str, Any]:
    """The absences of offices that one administers or leads."""
    return body_of(service.governed(actor(), before=query["before"]))


@pages.route("/substitutions", methods=["POST"])
@pages.arguments(NewAbsence, example=NEW_EXAMPLE)
@pages.answers(AbsenceDone, status=201, example=DONE_EXAMPLE, refusals=(409,))
@pages.command
def add(body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Record an absence, with or without a substitute."""
    return 201, {"id": service.add(actor(), Asked(**{name: narrow(value) for name, value in body.items()}))}


@pages.route("/substitutions/<int(max=1000000000000):number>/end", methods=["POST"])
@pages.answers(AbsenceDone, example=DONE_EXAMPLE, refusals=(409,))
@pages.command
def end(number: int) -> tuple[int, dict[str, Any]]:
    """End an absence as of now."""
    service.end(actor(), number)
    return 200, {"id": number}
