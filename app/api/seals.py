"""Seals: checkpoints of the caller's counties, the proof of a case, and the next step for a witness."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate
from werkzeug.wrappers import Response

from app.api.auth import actor
from app.api.resources import After, Resource
from app.api.schemas import Listed, nested
from app.services import seal_desk
from app.views.seals import as_file
from workflows.clock import utc_text

pages = Resource("seals", "Checkpoints of the counties' logs")
TEXT = {"text/plain": {"schema": {"type": "string"}}}


class CheckpointBody(Schema):
    """One checkpoint: leaves, root in hex, and the signed text (C2SP tlog-checkpoint)."""

    county = fields.String(required=True)
    number = fields.Integer(required=True)
    era = fields.Integer(required=True)
    at = fields.String(required=True)
    size = fields.Integer(required=True)
    root = fields.String(required=True)
    text = fields.String(required=True)


class CheckpointsBody(Listed):
    """A page of checkpoints, the newest first, and the public keys that they are verified by."""

    rows = nested(CheckpointBody, many=True)
    keys = fields.List(fields.String(), required=True)


class StepQuery(Schema):
    """How many leaves the witness knows of; 0 when none."""

    old = fields.Integer(load_default=0, validate=validate.Range(0, 2**62))


@pages.route("/seals", methods=["GET"])
@pages.arguments(After, location="query")
@pages.answers(CheckpointsBody)
def seals(query: Mapping[str, Any]) -> dict[str, Any]:
    """The checkpoints of the caller's counties."""
    found = seal_desk.checkpoints(actor(), after=query["after"])
    return {
        "rows": [vars(line) for line in found.rows],
        "keys": seal_desk.keys_of(actor()),
        "next": found.following,
        "as_of": utc_text(found.now),
    }


@pages.route("/seals/<county>/<int(max=999999999):serial>", methods=["GET"])
@pages.doc(responses={"200": {"description": "The signed text, as it was given out", "content": TEXT}})
@pages.answers()
def checkpoint(county: str, serial: int) -> Response:
    """The text of one checkpoint."""
    return as_file(seal_desk.checkpoint(actor(), county, serial).text, f"checkpoint-{county}-{serial}.txt")


@pages.route("/seals/<county>/step", methods=["GET"])
@pages.arguments(StepQuery, location="query")
@pages.doc(responses={"200": {"description": "C2SP tlog-witness: old size, proof, checkpoint", "content": TEXT}})
@pages.answers(refusals=(409,))
def step(query: Mapping[str, Any], county: str) -> Response:
    """The newest checkpoint with the proof that it goes on from a tree of `old` leaves; for `fangpin witness`."""
    return as_file(seal_desk.step(actor(), county, query["old"]).text, f"step-{county}.txt")


@pages.route("/cases/<number>/leaf", methods=["GET"])
@pages.doc(responses={"200": {"description": "C2SP tlog-proof", "content": TEXT}})
@pages.answers()
def leaf(number: str) -> Response:
    """The proof that a case's newest sealed head is in the newest checkpoint."""
    return as_file(seal_desk.proof(actor(), number).text, f"{number}.tlog-proof")
