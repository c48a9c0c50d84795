"""The trail of a household as PDF; each print is in the access ledger, so it is a command."""

from collections.abc import Mapping
from typing import Any

from flask import Response, make_response
from marshmallow import Schema, fields, validate

from app import printing
from app.api.auth import actor
from app.api.resources import Resource
from app.views.shown import language
from workflows.variants import FULL, VARIANTS

pages = Resource("trails", "Trails as PDF")


class TrailQuery(Schema):
    """Which variant: ``full``, ``masked`` (names the household only) or ``public`` (opens no personal value).

    ``as_of``: a day of China at whose end the trail is told; empty: as it stands now.
    """

    variant = fields.String(load_default=FULL, validate=validate.OneOf(VARIANTS))
    as_of = fields.String(load_default="", validate=validate.Regexp("^([0-9]{4}-[0-9]{2}-[0-9]{2})?$"))


PDF = {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}


@pages.route("/cases/<number>/trail", methods=["POST"])
@pages.doc(responses={"200": {"description": "PDF/A-3u with its data inside", "content": PDF}})
@pages.arguments(TrailQuery, location="query")
@pages.answers(refusals=(409,))
def trail(query: Mapping[str, Any], number: str) -> Response:
    """Print the trail of a case's household. It changes nothing but the ledger, so no key is asked for."""
    asked = {"variant": query["variant"], "as_of": query["as_of"]}
    pdf = printing.print_trail(actor(), case=number, lang=language(), **asked)
    response = make_response(pdf)
    response.headers["Content-Type"] = "application/pdf"
    response.headers["Content-Disposition"] = 'attachment; filename="trail.pdf"'
    return response
