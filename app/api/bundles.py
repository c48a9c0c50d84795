"""Bundles of trails: asked for, made in the background, fetched as one PDF or one zip."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from app.api.auth import actor
from app.api.resources import Resource
from app.api.schemas import nested
from app.services import bundles
from app.services.bundles import KINDS, MOST_CASES, Job, Wish
from app.views.bundles import TYPES, handed_out
from app.views.shown import language
from workflows.variants import FULL, VARIANTS

pages = Resource("bundles", "Bundles of trails")
BINARY = {"schema": {"type": "string", "format": "binary"}}
DAY = validate.Regexp("^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")


class BundleBody(Schema):
    """Households of an area (or some cases), of which something was done at a gate and in a time; both days count."""

    area = fields.String(load_default="", validate=validate.Regexp("^([0-9]{12})?$"))
    cases = fields.List(
        fields.String(validate=validate.Length(min=7, max=32)),
        load_default=[],
        validate=validate.Length(max=MOST_CASES),
    )
    gate = fields.String(load_default="", validate=validate.Length(max=40))
    since = fields.String(load_default="", validate=DAY)
    until = fields.String(load_default="", validate=DAY)
    kind = fields.String(load_default="pdf", validate=validate.OneOf(KINDS))
    variant = fields.String(load_default=FULL, validate=validate.OneOf(VARIANTS))


class BundleHead(Schema):
    """A bundle and where it stands: ``done`` of ``total`` trails are there, ``failed`` of them without a print."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    at = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(["waiting", "done", "failed"]))
    kind = fields.String(required=True)
    variant = fields.String(required=True, validate=validate.OneOf(VARIANTS))
    total = fields.Integer(required=True)
    done = fields.Integer(required=True)
    failed = fields.Integer(required=True)
    bytes = fields.Integer(required=True)
    pages = fields.Integer(required=True)


class BundleAnswer(BundleHead):
    """A bundle that was asked for."""

    repeated = fields.Boolean(required=True)


class Bundles(Schema):
    """One's own bundles of the last days, the latest first."""

    rows = nested(BundleHead, many=True)


class BundleDropped(Schema):
    """Whether the key was used before."""

    repeated = fields.Boolean(required=True)


EXAMPLE = {
    "id": "8f14e45fceea167a5a36dedd4bea2543",
    "name": "trails-500241103000.pdf",
    "at": "2026-11-22T08:00:00Z",
    "state": "waiting",
    "kind": "pdf",
    "variant": "full",
    "total": 412,
    "done": 0,
    "failed": 0,
    "bytes": 0,
    "pages": 0,
}


@pages.route("/bundles", methods=["GET"])
@pages.answers(Bundles, example={"rows": [EXAMPLE]})
def mine() -> dict[str, Any]:
    """One's own bundles of the last days."""
    return {"rows": [_head(job) for job in bundles.jobs(actor())]}


@pages.route("/bundles", methods=["POST"])
@pages.arguments(BundleBody, example={"area": "500241103000", "kind": "pdf"})
@pages.answers(BundleAnswer, status=202, example={**EXAMPLE, "repeated": False}, refusals=(409,))
@pages.command
def submit(body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Ask for a bundle; ask where it stands until its state is `done`, then fetch it."""
    cases = tuple(number.upper() for number in body["cases"])
    return 202, _head(bundles.submit(actor(), Wish(**{**body, "cases": cases}, lang=language())))


@pages.route("/bundles/<token>", methods=["GET"])
@pages.answers(BundleHead, example=EXAMPLE)
def bundle(token: str) -> dict[str, Any]:
    """Where a bundle stands."""
    return _head(bundles.job_of(actor(), token))


@pages.route("/bundles/<token>/file", methods=["POST"])
@pages.doc(responses={"200": {"description": "A PDF or a zip", "content": dict.fromkeys(TYPES.values(), BINARY)}})
@pages.answers()
def fetch(token: str) -> Response:
    """Fetch a bundle that is made. It changes nothing but the ledger, so no key is asked for."""
    return handed_out(actor(), token)


@pages.route("/bundles/<token>/drop", methods=["POST"])
@pages.answers(BundleDropped, example={"repeated": False})
@pages.command
def drop(token: str) -> tuple[int, dict[str, Any]]:
    """Throw a bundle away, also one that is being made."""
    bundles.drop(actor(), token)
    return 200, {}


def _head(job: Job) -> dict[str, Any]:
    return {
        "id": job.token,
        "name": job.name,
        "at": job.at,
        "state": job.state,
        "kind": job.wish.kind,
        "variant": job.wish.variant,
        "total": job.total,
        "done": job.done,
        "failed": job.failed,
        "bytes": job.size,
        "pages": job.pages,
    }
