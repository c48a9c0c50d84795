"""Papers of the process as PDF: of a case, of a place; each print is in the access ledger, so it is a command."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from app import printing
from app.api.auth import actor
from app.api.resources import Resource
from app.api.schemas import nested
from app.api.trails import PDF
from app.services import cases, papers
from app.services.papers import Made
from app.views.shown import download, speech
from workflows.errors import NotFound

pages = Resource("papers", "Papers of the process as PDF")
PRINTED = {"200": {"description": "PDF/A with a bookmark for each paper", "content": PDF}}


class PaperBody(Schema):
    """A paper of the catalogue; ``of`` says what it is about: case, village, township, county or place."""

    id = fields.String(required=True)
    title = fields.String(required=True)
    of = fields.String(required=True)
    has_blank = fields.Boolean(required=True)


class OptionBody(Schema):
    """A paper of a case: printable filled (``ready`` and ``mine``), else after one of which actions."""

    id = fields.String(required=True)
    title = fields.String(required=True)
    ready = fields.Boolean(required=True)
    mine = fields.Boolean(required=True)
    after = fields.List(fields.String(), required=True)
    has_blank = fields.Boolean(required=True)


class PapersBody(Schema):
    """The papers that the caller may print."""

    papers = nested(PaperBody, many=True)


class OptionsBody(Schema):
    """The papers of a case."""

    papers = nested(OptionBody, many=True)


class CasePaperWanted(Schema):
    """Which variant of a case's paper."""

    blank = fields.Boolean(load_default=False)


class PaperWanted(Schema):
    """Which area (12 digits) and purpose a list is for, or which cases; without either a blank form is printed."""

    area = fields.String(load_default="", validate=validate.Length(0, 12))
    purpose = fields.String(load_default="", validate=validate.Length(0, 20))
    cases = fields.List(
        fields.String(validate=validate.Length(1, 32)), load_default=list, validate=validate.Length(0, 200)
    )


ROW = {"id": "application", "title": "监测对象申请书及承诺授权书", "of": "case", "has_blank": True}
OPTION = {
    "id": "application",
    "title": "监测对象申请书及承诺授权书",
    "ready": True,
    "mine": True,
    "after": [],
    "has_blank": True,
}


@pages.route("/papers", methods=["GET"])
@pages.answers(PapersBody, example={"papers": [ROW]})
def overview() -> dict[str, Any]:
    """The papers that the caller may print, in the order of the catalogue."""
    words = speech()
    found = papers.printable(actor())
    return {
        "papers": [{"id": p.id, "title": words.say(f"paper.{p.id}"), "of": p.of, "has_blank": p.blank} for p in found]
    }


@pages.route("/papers/<paper>", methods=["POST"])
@pages.arguments(PaperWanted, example={"area": "500241001201"})
@pages.doc(responses=PRINTED)
@pages.answers(refusals=(409,))
def print_paper(body: Mapping[str, Any], paper: str) -> Response:
    """Print a blank form, a leaflet, a list or notice of an area, or a paper of several cases as one file."""
    if body["cases"]:
        several = papers.of_cases(actor(), cases=body["cases"], paper=paper)
        return download(printing.print_papers(actor(), several), "application/pdf", f"{paper}-{len(several)}.pdf")
    if body["area"]:
        return _printed(papers.of_area(actor(), paper=paper, area=body["area"], purpose=body["purpose"]))
    return _printed(papers.blank_of(actor(), paper=paper))


@pages.route("/households/<number>/papers", methods=["POST"])
@pages.doc(responses=PRINTED)
@pages.answers(refusals=(409,))
def print_file(number: str) -> Response:
    """Print a household's whole file (一户一档): cover, catalogue, all papers and photos in order."""
    pdf = printing.print_archive(actor(), papers.archive_of(actor(), household=number))
    return download(pdf, "application/pdf", f"archive-{number}.pdf")


@pages.route("/cases/<number>/papers", methods=["GET"])
@pages.answers(OptionsBody, example={"papers": [OPTION]})
def of_case(number: str) -> dict[str, Any]:
    """The papers of a case: what can be printed now, and what must come first."""
    view = cases.case_view(actor(), case=number)
    words = speech(view.household.area, now=view.now)
    return {
        "papers": [
            {"id": one.paper.id, "title": words.say(f"paper.{one.paper.id}"), "ready": one.is_ready,
             "mine": one.is_mine, "after": list(one.after), "has_blank": one.paper.blank}
            for one in papers.options_of(actor(), view)
        ]
    }  # fmt: skip


@pages.route("/cases/<number>/papers", methods=["POST"])
@pages.doc(responses=PRINTED)
@pages.answers(refusals=(409,))
def print_case(number: str) -> Response:
    """Print all papers of a case that can be printed now."""
    view = cases.case_view(actor(), case=number)
    made = papers.ready_of(actor(), view)
    if not made:
        raise NotFound(case=number)
    return download(printing.print_papers(actor(), made), "application/pdf", f"papers-{number}.pdf")


@pages.route("/cases/<number>/papers/<paper>", methods=["POST"])
@pages.arguments(CasePaperWanted, example={"blank": False})
@pages.doc(responses=PRINTED)
@pages.answers(refusals=(409,))
def print_case_paper(body: Mapping[str, Any], number: str, paper: str) -> Response:
    """Print one paper of a case."""
    return _printed(papers.of_case(actor(), case=number, paper=paper, blank=body["blank"]))


def _printed(made: Made) -> Response:
    return download(printing.print_papers(actor(), [made]), "application/pdf", made.file_name)
