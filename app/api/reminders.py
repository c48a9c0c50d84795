"""My reminders: of a narrowed token only those of cases that it sees."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from app.api.auth import actor
from app.api.resources import Resource
from app.api.schemas import nested
from app.services import lists
from app.services import reminders as service
from app.views.boards import reminder_row
from app.views.shown import speech

pages = Resource("reminders", "Reminders")
NUMBER = validate.Range(0, 10**12)


class Before(Schema):
    """The ``next`` of the page before."""

    before = fields.Integer(load_default=None, validate=NUMBER)


class ReminderBody(Schema):
    """A reminder in words."""

    id = fields.Integer(required=True)
    case = fields.String(required=True)
    word = fields.String(required=True)
    title = fields.String(required=True)
    body = fields.String(required=True)
    sent_at = fields.String(required=True)
    is_read = fields.Boolean(required=True)


class RemindersBody(Schema):
    """A page, newest first; ``next`` is null at the end."""

    rows = nested(ReminderBody, many=True)
    unread = fields.Integer(required=True)
    next = fields.Integer(required=True, allow_none=True)


class Read(Schema):
    """One reminder, or all up to the newest that was seen."""

    id = fields.Integer(load_default=None, validate=NUMBER, strict=True)
    newest = fields.Integer(load_default=None, validate=NUMBER, strict=True)


class ReadBody(Schema):
    """How many were marked."""

    marked = fields.Integer(required=True)
    repeated = fields.Boolean(required=True)


@pages.route("/reminders", methods=["GET"])
@pages.arguments(Before, location="query")
@pages.answers(RemindersBody, example={"rows": [], "unread": 0, "next": None})
def reminders(query: Mapping[str, Any]) -> dict[str, Any]:
    """The account's reminders, newest first."""
    found = service.list_reminders(actor(), before=query["before"])
    cases = lists.case_lines(actor(), [item.case for item in found.items])
    words, is_narrow = speech(), any(office.within for office in actor().own_offices)
    rows = []
    for item in found.items:
        if item.case in cases or not is_narrow:
            row = reminder_row(item, cases.get(item.case), words)
            plain = {"case": item.case, "word": item.word, "sent_at": item.sent_at, "is_read": item.is_read}
            rows.append({"id": item.id, "title": row["title"], "body": row["body"], **plain})
    return {"rows": rows, "unread": found.unread, "next": found.before}


@pages.route("/reminders/read", methods=["POST"])
@pages.arguments(Read, example={"newest": 120})
@pages.answers(ReadBody, example={"marked": 1, "repeated": False}, refusals=(409,))
@pages.command
def read(body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Mark one reminder read, or all up to the newest that was seen."""
    if body["id"] is not None:
        return 200, {"marked": service.mark_read(actor(), reminder=body["id"])}
    newest = body["newest"]
    return 200, {"marked": service.mark_all_read(actor(), newest=newest) if newest is not None else 0}
