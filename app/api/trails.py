"""The trail of a household as PDF; each print is in the access ledger, so it is a command."""

from flask import Response, make_response

from app import printing
from app.api.auth import actor
from app.api.resources import Resource
from app.views.shown import language

pages = Resource("trails", "Trails as PDF")
PDF = {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}


@pages.route("/cases/<number>/trail", methods=["POST"])
@pages.doc(responses={"200": {"description": "PDF/A-3u with its data inside", "content": PDF}})
@pages.answers(refusals=(409,))
def trail(number: str) -> Response:
    """Print the trail of a case's household. It changes nothing but the ledger, so no key is asked for."""
    pdf = printing.print_trail(actor(), case=number, lang=language())
    response = make_response(pdf)
    response.headers["Content-Type"] = "application/pdf"
    response.headers["Content-Disposition"] = 'attachment; filename="trail.pdf"'
    return response
