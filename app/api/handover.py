"""Handing over a leaver's households: who helps how many, and all of one helper's to another."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from app.api.auth import actor
from app.api.resources import Resource, sent_key
from app.api.schemas import nested
from app.labels import refusal_sentence
from app.services import handover as service
from app.services import lists
from app.views.shown import speech
from workflows.errors import MissingEvidence

pages = Resource("handover", "Handing over households")
ACCOUNT = validate.Regexp("^u[0-9]{1,12}$")


class Giver(Schema):
    """Somebody who helps households where the reader sees any."""

    account = fields.String(required=True)
    name = fields.String(required=True)
    active = fields.Boolean(required=True)
    count = fields.Integer(required=True)


class GiversBody(Schema):
    """All of them, disabled accounts first."""

    rows = nested(Giver, many=True)


class HandOver(Schema):
    """From whom, to whom, why, and the note of assignment, uploaded before."""

    giver = fields.String(required=True, data_key="from", validate=ACCOUNT)
    taker = fields.String(required=True, data_key="to", validate=ACCOUNT)
    reason = fields.String(required=True, validate=validate.Length(1, 2000))
    note = fields.String(required=True, validate=validate.Regexp("^[0-9a-f]{64}$"))


class NotHanded(Schema):
    """A case that stays, and why."""

    case = fields.String(required=True)
    code = fields.String(required=True)
    sentence = fields.String(required=True)


class HandedBody(Schema):
    """What became of each case."""

    done = fields.List(fields.String(), required=True)
    refused = nested(NotHanded, many=True)
    repeated = fields.Boolean(required=True)


HAND_EXAMPLE = {"from": "u7", "to": "u9", "reason": "调离", "note": "9f" * 32}
DONE_EXAMPLE = {"done": ["500241H0000001-A1"], "refused": [], "repeated": False}


@pages.route("/helpers", methods=["GET"])
@pages.answers(GiversBody)
def givers() -> dict[str, Any]:
    """Who helps households where the reader sees any."""
    return {"rows": [vars(one) for one in service.givers(actor())]}


@pages.route("/helpers/hand-over", methods=["POST"])
@pages.arguments(HandOver, example=HAND_EXAMPLE)
@pages.answers(HandedBody, example=DONE_EXAMPLE, refusals=(409,))
@pages.command
def hand_over(body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Change the helper of each household; what is refused stops none of the others."""
    counties = sorted({number[:6] for number in service.mine(actor(), body["giver"])})
    notes = [lists.own_uploads(actor(), county, [(service.NOTE, body["note"])]) for county in counties]
    if not all(notes):
        raise MissingEvidence(kind=service.NOTE)
    found = service.hand_over(
        actor(),
        body["giver"],
        body["taker"],
        reason=body["reason"],
        evidence=notes[0] if notes else [],
        key=sent_key()[:32],
    )
    words = speech()
    refused = [
        {"case": case, "code": refusal.code, "sentence": refusal_sentence(words, refusal)}
        for case, refusal in found.refused
    ]
    return 200, {"done": list(found.done), "refused": refused}
