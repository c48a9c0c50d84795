"""Photos and scans: hand one in, then name it by its digest in a command; fetch the copy that is shown."""

from typing import Any

from flask import Response, make_response, request
from marshmallow import Schema, fields

from app.api.auth import actor
from app.api.resources import Resource
from app.services import evidence
from workflows.errors import NotFound

pages = Resource("evidence", "Evidence")
BINARY = {"schema": {"type": "string", "format": "binary"}}
SHOWN = {"image/jpeg": BINARY, "application/pdf": BINARY}


class Taken(Schema):
    """A file that was taken in: digest, size and type of the original."""

    sha256 = fields.String(required=True)
    bytes = fields.Integer(required=True)
    mime = fields.String(required=True)
    repeated = fields.Boolean(required=True)


TAKEN_EXAMPLE = {"sha256": "9f" * 32, "bytes": 184203, "mime": "image/jpeg", "repeated": False}


@pages.route("/evidence/<county>", methods=["POST"])
@pages.doc(requestBody={"required": True, "content": {"application/octet-stream": BINARY}})
@pages.answers(Taken, status=201, example=TAKEN_EXAMPLE, refusals=(409, 413))
@pages.command
def upload(county: str) -> tuple[int, dict[str, Any]]:
    """Hand in one picture (JPEG, PNG, WebP) or PDF as the body; it is checked and kept whole or not at all."""
    if all(office.area[:6] != county for office in actor().offices):
        raise NotFound(area=county)
    taken = evidence.take_in(actor(), county=county, kind="", data=request.get_data(cache=True))
    return 201, {"sha256": taken.sha256, "bytes": taken.bytes, "mime": taken.mime}


@pages.route("/evidence/<county>/<sha256>", methods=["GET"])
@pages.doc(responses={"200": {"description": "The copy that is shown", "content": SHOWN}})
@pages.answers(refusals=(409,))
def download(county: str, sha256: str) -> Response:
    """The copy of a photo or scan that is shown: re-encoded, without what was hidden in the original."""
    data, mime = evidence.open_file(actor(), county=county, sha256=sha256)
    response = make_response(data)
    response.headers["Content-Type"] = mime
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    ending = "pdf" if mime == "application/pdf" else "jpg"
    response.headers["Content-Disposition"] = f'attachment; filename="{sha256[:12]}.{ending}"'
    return response
