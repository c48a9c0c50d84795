"""What became of reminders, of a case or of a county; pressing a case by hand."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from app.api.auth import actor
from app.api.reminders import Before
from app.api.resources import Resource
from app.api.schemas import nested
from app.services import nudges
from app.services import reminders as service
from app.services.reminders import Receipt
from app.store.receipts import STATES, Wanted

pages = Resource("receipts", "Receipts of reminders")


class Channel(Schema):
    """A channel beside the app that brought a reminder, and when."""

    channel = fields.String(required=True)
    at = fields.String(required=True)


class ReceiptBody(Schema):
    """What became of one reminder; a time is "" for what has not happened."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    word = fields.String(required=True)
    case = fields.String(required=True)
    timer = fields.String(required=True)
    due = fields.String(required=True)
    sent_at = fields.String(required=True)
    by = nested(Channel, many=True)
    read_at = fields.String(required=True)
    answered_at = fields.String(required=True)
    answer = fields.String(required=True, metadata={"description": "acted, reason or empty"})
    escalated_at = fields.String(required=True)


class OfCase(Schema):
    """The receipts of a case, newest first, and how often it was pressed by hand."""

    rows = nested(ReceiptBody, many=True)
    pressed = fields.Integer(required=True)


class ReceiptQuery(Before):
    """A filter; empty: all."""

    state = fields.String(load_default="", validate=validate.OneOf(("", *STATES)))
    word = fields.String(load_default="", validate=validate.Length(max=40))
    township = fields.String(load_default="", validate=validate.Regexp("^([0-9]{12})?$"))


class ReceiptsBody(Schema):
    """A page, newest first; ``next`` is null at the end."""

    rows = nested(ReceiptBody, many=True)
    next = fields.Integer(required=True, allow_none=True)


class NudgeBody(Schema):
    """Why, in at most 200 characters; may be empty."""

    reason = fields.String(load_default="", validate=validate.Length(max=200))


class NudgeDone(Schema):
    """How often the case was pressed in all."""

    pressed = fields.Integer(required=True)
    repeated = fields.Boolean(required=True)


EXAMPLE = {
    "id": 12, "name": "村干部", "word": "overdue", "case": "500241H0000001-C1", "timer": "id_total",
    "due": "2026-11-10T16:00:00Z", "sent_at": "2026-11-11T00:30:00Z",
    "by": [{"channel": "mail", "at": "2026-11-11T00:30:20Z"}], "read_at": "2026-11-11T01:02:00Z",
    "answered_at": "", "answer": "", "escalated_at": "2026-11-13T02:00:00Z",
}  # fmt: skip


def _shown(one: Receipt) -> dict[str, Any]:
    params = {name: str(one.params.get(name, "")) for name in ("timer", "due")}
    times = {name: getattr(one, name) for name in ("sent_at", "read_at", "answered_at", "answer", "escalated_at")}
    by = [{"channel": name, "at": at} for name, at in one.by]
    return {"id": one.id, "name": one.name, "word": one.word, "case": one.case, "by": by, **params, **times}


@pages.route("/cases/<number>/reminders", methods=["GET"])
@pages.answers(OfCase, example={"rows": [EXAMPLE], "pressed": 1})
def of_case(number: str) -> dict[str, Any]:
    """Who was reminded in a case, and what became of it."""
    rows = [_shown(one) for one in service.of_case(actor(), number)]
    return {"rows": rows, "pressed": len(nudges.pressed(number))}


@pages.route("/receipts", methods=["GET"])
@pages.arguments(ReceiptQuery, location="query")
@pages.answers(ReceiptsBody, example={"rows": [EXAMPLE], "next": None})
def receipts(query: Mapping[str, Any]) -> dict[str, Any]:
    """What became of a county's reminders, for its office and its auditors."""
    wanted = Wanted(query["state"], query["word"], query["township"])
    found = service.ledger_of(actor(), wanted, before=query["before"])
    return {"rows": [_shown(one) for one in found.rows], "next": found.before}


@pages.route("/cases/<number>/nudge", methods=["POST"])
@pages.arguments(NudgeBody, example={"reason": "请本周内入户核实"})
@pages.answers(NudgeDone, example={"pressed": 1, "repeated": False}, refusals=(409,))
@pages.command
def nudge(body: Mapping[str, Any], number: str) -> tuple[int, dict[str, Any]]:
    """Press a case by hand, once a day."""
    return 200, {"pressed": nudges.press(actor(), number, reason=body["reason"])}
