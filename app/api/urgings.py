"""Formal urging: what may be urged, the letters, their answers."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from app import printing
from app.api.auth import actor
from app.api.resources import Resource
from app.api.schemas import nested
from app.services import urgings as service
from app.services.urgings import Letter
from app.views.shown import download, speech
from app.views.urgings import sheet_of

pages = Resource("urgings", "Letters of formal urging")


class CandidateBody(Schema):
    """A period that is twice overdue."""

    case = fields.String(required=True)
    kind = fields.String(required=True)
    due = fields.String(required=True)


class LetterBody(Schema):
    """A letter; ``answer_by`` is exclusive, ``answered_at`` empty while it waits."""

    county = fields.String(required=True)
    year = fields.Integer(required=True)
    number = fields.Integer(required=True)
    full_number = fields.String(required=True)
    case = fields.String(required=True)
    kind = fields.String(required=True)
    due = fields.String(required=True)
    area = fields.String(required=True)
    issued_at = fields.String(required=True)
    answer_by = fields.String(required=True)
    answered_at = fields.String(required=True)
    answer = fields.String(required=True)


class LetterDone(LetterBody):
    """A letter after a command."""

    repeated = fields.Boolean(required=True)


class UrgingsBody(Schema):
    """What may be urged (to the county's office), and the letters that the reader may see."""

    candidates = nested(CandidateBody, many=True)
    letters = nested(LetterBody, many=True)


class UrgingWanted(Schema):
    """Which late period to urge."""

    case = fields.String(required=True, validate=validate.Length(1, 32))
    kind = fields.String(required=True, validate=validate.Length(1, 40))


class UrgingAnswer(Schema):
    """The answer to a letter."""

    answer = fields.String(required=True, validate=validate.Length(1, 1000))


EXAMPLE = {
    "county": "500241", "year": 2026, "number": 3, "full_number": "县防返贫办督〔2026〕3号",
    "case": "500241H0000001-C1", "kind": "id_total", "due": "2026-10-10T16:00:00Z", "area": "500241001000",
    "issued_at": "2026-11-23T02:00:00Z", "answer_by": "2026-11-30T16:00:00Z", "answered_at": "", "answer": "",
}  # fmt: skip
DONE = {**EXAMPLE, "repeated": False}


def _shown(one: Letter) -> dict[str, Any]:
    return {name: getattr(one, name) for name in EXAMPLE}


@pages.route("/urgings", methods=["GET"])
@pages.answers(UrgingsBody, example={"candidates": [], "letters": [EXAMPLE]})
def urgings() -> dict[str, Any]:
    """What may be urged, and the letters."""
    found = service.overview(actor())
    rows = [{"case": one.case.number, "kind": one.kind, "due": one.due} for one in found.candidates]
    return {"candidates": rows, "letters": [_shown(one) for one in found.letters]}


@pages.route("/urgings", methods=["POST"])
@pages.arguments(UrgingWanted, example={"case": "500241H0000001-C1", "kind": "id_total"})
@pages.answers(LetterDone, status=201, example=DONE, refusals=(409,))
@pages.command
def issue(body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Issue a letter about a late period."""
    return 201, _shown(service.issue(actor(), case=body["case"], kind=body["kind"]))


@pages.route("/urgings/<county>/<int:year>/<int:serial>", methods=["GET"])
@pages.answers(LetterBody, example=EXAMPLE)
def urging(county: str, year: int, serial: int) -> dict[str, Any]:
    """One letter."""
    return _shown(service.letter(actor(), county, year, serial))


@pages.route("/urgings/<county>/<int:year>/<int:serial>/answer", methods=["POST"])
@pages.arguments(UrgingAnswer, example={"answer": "已入户核实，责任人为村干部，本周五前办结。"})
@pages.answers(LetterDone, example=DONE, refusals=(409,))
@pages.command
def answer(body: Mapping[str, Any], county: str, year: int, serial: int) -> tuple[int, dict[str, Any]]:
    """Record the answer to a letter."""
    return 200, _shown(service.answer(actor(), county, year, serial, text=body["answer"]))


@pages.route("/urgings/<county>/<int:year>/<int:serial>/print", methods=["POST"])
@pages.answers()
def pdf(county: str, year: int, serial: int) -> Response:
    """The letter as PDF; that it was printed is written down."""
    one = service.letter(actor(), county, year, serial)
    data = printing.print_urging(actor(), one, sheet_of(one, speech()))
    return download(data, "application/pdf", f"urging-{one.year}-{one.number}.pdf")
