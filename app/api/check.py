"""What the public page says of a print: by its check code or its file."""

from collections.abc import Mapping
from typing import Any

from flask import request
from marshmallow import Schema, fields, validate

from app import printing
from app.api.resources import Resource
from app.services import public_check
from app.services.public_check import Answer
from app.views.check import told_of_seal
from app.views.shown import speech

pages = Resource("check", "Checking prints")
BINARY = {"schema": {"type": "string", "format": "binary"}}
EXAMPLE = {"verdict": "later", "sentence": "真实，但案件此后又有 2 条新的记录。", "entries": 33, "later": 2,
           "paper": "", "number": "", "day": "", "households": 0,
           "seal": "good", "seal_by": "秀山县农业农村委员会", "seal_at": "2026-11-22T08:00:00Z",
           "seal_sentence": "机关电子印章有效，盖章后没有改动：秀山县农业农村委员会，2026-11-22 16:00。"}  # fmt: skip


class CheckBody(Schema):
    """A check code as typed, or the text of a QR symbol."""

    code = fields.String(required=True, validate=validate.Length(1, 200))


class Verdict(Schema):
    """What was found; ``entries`` of the printed state, ``later`` those that came after it.

    Of an official paper (issued, reissued): which one, its number, its day and how many households stand on it. Of a
    file's electronic seal: good, no_root, foreign, broken, empty (none); whose it is, when it was set, a sentence.
    """

    verdict = fields.String(required=True)
    sentence = fields.String(required=True)
    entries = fields.Integer(required=True)
    later = fields.Integer(required=True)
    paper = fields.String(required=True)
    number = fields.String(required=True)
    day = fields.String(required=True)
    households = fields.Integer(required=True)
    seal = fields.String(required=True)
    seal_by = fields.String(required=True)
    seal_at = fields.String(required=True)
    seal_sentence = fields.String(required=True)


@pages.route("/check", methods=["POST"])
@pages.arguments(CheckBody, example={"code": "F8GH-0000-2402-4C9G-JX1X-ZR65"})
@pages.answers(Verdict, example=EXAMPLE, refusals=(429,))
def code(body: Mapping[str, Any]) -> dict[str, Any]:
    """Check a code. It changes nothing, so no key is asked for."""
    return _told(public_check.of_code(body["code"], source=request.remote_addr or ""))


@pages.route("/check/file", methods=["POST"])
@pages.doc(requestBody={"required": True, "content": {"application/octet-stream": BINARY}})
@pages.answers(Verdict, example=EXAMPLE, refusals=(413, 429))
def file() -> dict[str, Any]:
    """Check a printed trail or official paper (PDF) or a bundle (ZIP) as the body; it is not kept."""
    data = request.get_data(cache=True)
    return _told(public_check.of_file(data, printing.judge_apart, source=request.remote_addr or ""))


def _told(answer: Answer) -> dict[str, Any]:
    words = speech()
    said = {"sentence": words.say(f"check.{answer.verdict}", count=answer.later)}
    return {**vars(answer), **said, "seal_sentence": told_of_seal(words, answer)}
