"""Deadlines explained day by day: of a case, and of a question by the rules of a place."""

from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import Schema, fields, validate

from app.api.auth import actor
from app.api.resources import Resource
from app.api.schemas import nested
from app.labels import Speech
from app.services import cases, explained
from app.services.explained import Told
from app.views.shown import labels_for, speech
from workflows.errors import NotFound
from workflows.explain_words import Words, end_text, rule_lines

pages = Resource("clocks", "Deadlines, explained day by day")


class DayBody(Schema):
    """One local day: whether it counts, why, what the calendar calls it, and which pause takes it out (-1: none)."""

    date = fields.String(required=True)
    counted = fields.Boolean(required=True)
    why = fields.String(required=True)
    moved = fields.Boolean(required=True)
    pause = fields.Integer(required=True)
    name = fields.Dict(required=True, allow_none=True)


class SpanBody(Schema):
    """From when to when, in UTC; ``to`` is empty while a pause lasts."""

    class Meta:
        """``from`` is no name in Python."""

        include: ClassVar = {"from": fields.String(required=True)}

    to = fields.String(required=True)
    runs = fields.Boolean()


class PartBody(Schema):
    """The limit itself, or one extension, with its days (or stretches, where it is counted in hours)."""

    limit = fields.String(required=True)
    start = fields.String(required=True)
    end = fields.String(required=True)
    last_day = fields.String(required=True)
    counted = fields.Integer(required=True)
    days = nested(DayBody, many=True)
    stretches = nested(SpanBody, many=True)


class PackBody(Schema):
    """The pack whose rules it follows."""

    id = fields.String(required=True)
    version = fields.String(required=True)
    digest = fields.String(required=True)


class CalendarBody(Schema):
    """The calendar by which it is told."""

    version = fields.String(required=True)
    digest = fields.String(required=True)


class ExplainedBody(Schema):
    """A deadline with all that its end follows from. ``due`` is exclusive, empty while it is paused.

    ``own_calendar``: the calendar is the one that it was counted by. ``text``: the rule and the end in words.
    """

    kind = fields.String(required=True)
    limit = fields.String(required=True)
    extended = fields.List(fields.String(), required=True)
    bound = fields.String(required=True)
    start = fields.String(required=True)
    due = fields.String(required=True)
    paused = fields.Boolean(required=True)
    pauses = nested(SpanBody, many=True)
    counting = fields.List(fields.String(), required=True)
    clause = fields.String(required=True)
    provisional = fields.Boolean(required=True)
    pack = nested(PackBody)
    calendar = nested(CalendarBody)
    own_calendar = fields.Boolean(required=True)
    parts = nested(PartBody, many=True)
    text = fields.List(fields.String(), required=True)


class QuestionQuery(Schema):
    """Where (6, 9 or 12 digits), from when (local time), how long, and whether it is a minimum."""

    area = fields.String(required=True, validate=validate.Length(max=12))
    start = fields.String(required=True, validate=validate.Length(max=40))
    limit = fields.String(required=True, validate=validate.Length(max=60))
    bound = fields.String(load_default="max", validate=validate.OneOf(("max", "min")))


@pages.route("/cases/<number>/deadlines/<timer>", methods=["GET"])
@pages.answers(ExplainedBody, refusals=(409,))
def deadline(number: str, timer: str) -> dict[str, Any]:
    """Why a running deadline of a case ends when it ends: every day and why it counts or not."""
    view = cases.case_view(actor(), case=number)
    told = explained.explain_case(view, timer)
    if told is None:
        raise NotFound(timer=timer)
    return _body(told, explained.words_of(labels_for(view.compiled, speech(now=view.now))))


@pages.route("/deadlines/explained", methods=["GET"])
@pages.arguments(QuestionQuery, location="query")
@pages.answers(ExplainedBody)
def question(query: Mapping[str, Any]) -> dict[str, Any]:
    """When a limit that begins at a time would end, by the rules and the calendar of a place."""
    told = explained.explain_question(query["area"], query["start"], query["limit"], bound=query["bound"])
    words: Speech = speech()
    return _body(told, explained.words_in(words, told.pack))


def _body(told: Told, words: Words) -> dict[str, Any]:
    text = [end_text(told.found, words), *rule_lines(told.found, told.pack, told.on, words)]
    return {**explained.body_of(told), "text": text}
