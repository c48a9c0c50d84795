"""The calendar of record: a year of it, its documents, and what they do to running deadlines."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from app.api.auth import actor
from app.api.resources import Resource
from app.api.rule_runs import RuleRunBody
from app.api.schemas import nested
from app.services import calendars
from app.services.calendars import Decision, Record
from app.services.moving import Run
from app.store.transaction import reading
from workflows.clock import local_date

pages = Resource("calendar", "The calendar of record")


class YearQuery(Schema):
    """Which year (by default the present one) of which of one's counties (by default the first)."""

    year = fields.Integer(load_default=None, allow_none=True, validate=validate.Range(2004, 2200))
    county = fields.String(load_default="", validate=validate.Regexp("^([0-9]{6})?$"))


class CalendarDay(Schema):
    """A day that belongs to a festival or is not as its weekday says."""

    date = fields.Date(required=True)
    kind = fields.String(required=True)
    worked = fields.Boolean(required=True)
    zh = fields.String(required=True)
    en = fields.String(required=True)


class CalendarDocument(Schema):
    """A notice, an amendment or closing days: who brought it, when, and where it stands."""

    id = fields.Integer(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(["notice", "amendment", "closing"]))
    year = fields.Integer(required=True)
    area = fields.String(required=True)
    title = fields.String(required=True)
    number = fields.String(required=True)
    date = fields.String(required=True)
    reason = fields.String(required=True)
    digest = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(["proposed", "in_force", "withdrawn"]))
    user = fields.String(required=True)
    created_at = fields.String(required=True)
    decided_by = fields.String(required=True)
    decided_at = fields.String(required=True)
    withdrawn_by = fields.String(required=True)
    withdrawn_at = fields.String(required=True)


class CalendarYear(Schema):
    """A year of a county's calendar; ``settled`` is false while no notice covers it (only weekends are off then)."""

    year = fields.Integer(required=True)
    county = fields.String(required=True)
    version = fields.String(required=True)
    digest = fields.String(required=True)
    settled = fields.Boolean(required=True)
    working_days = fields.Integer(required=True)
    days = nested(CalendarDay, many=True)
    documents = nested(CalendarDocument, many=True)


class DocumentBody(Schema):
    """The text of a document: a notice as it was published, or our format fp-calendar-v1 (TOML)."""

    text = fields.String(required=True, validate=validate.Length(min=1, max=calendars.LONGEST))
    year = fields.Integer(load_default=0, validate=validate.Range(0, 2200))


class ClosingBody(Schema):
    """Days on which a county's own offices are closed, and the document that says so."""

    county = fields.String(required=True, validate=validate.Regexp("^[0-9]{6}$"))
    days = fields.List(
        fields.String(validate=validate.Length(max=24)), required=True, validate=validate.Length(min=1, max=60)
    )
    zh = fields.String(required=True, validate=validate.Length(min=1, max=100))
    en = fields.String(required=True, validate=validate.Length(min=1, max=100))
    title = fields.String(required=True, validate=validate.Length(min=1, max=200))
    number = fields.String(required=True, validate=validate.Length(min=1, max=200))
    date = fields.String(required=True, validate=validate.Length(max=10))
    reason = fields.String(required=True, validate=validate.Length(min=1, max=200))


class CodeBody(Schema):
    """The code that the preview gave: it confirms just this document over just this calendar."""

    code = fields.String(required=True, validate=validate.Length(max=20))


class CalendarDecision(CalendarDocument):
    """A document with what it would do (`looks`) and did (`moves`); ``code`` once every preview has ended."""

    next = fields.String(required=True, validate=validate.OneOf(["", "in_force", "withdrawn"]))
    code = fields.String(required=True)
    looks = nested(RuleRunBody, many=True)
    moves = nested(RuleRunBody, many=True)


class CalendarAnswer(CalendarDocument):
    """A document that was proposed, or about which something was asked."""

    repeated = fields.Boolean(required=True)


class CalendarMoves(Schema):
    """The runs that count deadlines anew."""

    runs = fields.List(fields.Integer(), required=True)
    repeated = fields.Boolean(required=True)


DOCUMENT = {
    "id": 3,
    "kind": "notice",
    "year": 2027,
    "area": "",
    "title": "国务院办公厅关于2027年部分节假日安排的通知",
    "number": "国办发明电〔2026〕9号",
    "date": "2026-11-20",
    "reason": "",
    "digest": "0" * 64,
    "state": "proposed",
    "user": "u7",
    "created_at": "2026-11-22T08:00:00Z",
    "decided_by": "",
    "decided_at": "",
    "withdrawn_by": "",
    "withdrawn_at": "",
}
DAY = {"date": "2026-10-01", "kind": "holiday", "worked": False, "zh": "国庆节", "en": "National Day"}
YEAR = {
    "year": 2026,
    "county": "500241",
    "version": "cn-2004-2026",
    "digest": "0" * 64,
    "settled": True,
    "working_days": 248,
    "days": [DAY],
    "documents": [],
}
CLOSING = {
    "county": "500241",
    "days": ["2026-12-30"],
    "zh": "县庆日",
    "en": "County Day",
    "title": "关于县庆日放假的通知",
    "number": "秀山府办〔2026〕3号",
    "date": "2026-11-01",
    "reason": "自治县成立纪念日",
}


@pages.route("/calendar", methods=["GET"])
@pages.arguments(YearQuery, location="query")
@pages.answers(CalendarYear, example=YEAR)
def year(query: Mapping[str, Any]) -> dict[str, Any]:
    """A year of a county's calendar: days off, make-up days, closing days, and the documents behind it."""
    county = calendars.county_of(actor(), query["county"])
    found = calendars.calendar_for(county)
    with reading() as now:
        chosen = query["year"] or local_date(now).year
    return {
        "year": chosen,
        "county": county,
        "version": found.version,
        "digest": found.digest,
        "settled": found.first_year <= chosen <= found.last_year,
        "working_days": calendars.working_days(found, chosen),
        "days": [
            {"date": day.date, "kind": day.kind, "worked": found.is_working_day(day.date), **day.name}
            for day in calendars.special_days(found, chosen)
        ],
        "documents": [_document(record) for record in calendars.records(county)],
    }


@pages.route("/calendar/documents", methods=["POST"])
@pages.arguments(DocumentBody, example={"text": "国务院办公厅关于2027年部分节假日安排的通知 …", "year": 2027})
@pages.answers(CalendarAnswer, status=202, example={**DOCUMENT, "repeated": False}, refusals=(409,))
@pages.command
def propose(body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Propose a notice or an amendment; nothing moves. Ask for the document until `code` is there."""
    return 202, _document(calendars.propose(actor(), calendars.read(body["text"], year=body["year"])))


@pages.route("/calendar/closings", methods=["POST"])
@pages.arguments(ClosingBody, example=CLOSING)
@pages.answers(CalendarAnswer, status=202, example={**DOCUMENT, "kind": "closing", "repeated": False}, refusals=(409,))
@pages.command
def close(body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Propose days on which a county's own offices are closed; nothing moves yet."""
    told = {name: body[name] for name in ("zh", "en", "title", "number", "reason")}
    return 202, _document(
        calendars.propose(actor(), calendars.closing(body["county"], body["days"], dated=body["date"], **told))
    )


@pages.route("/calendar/documents/<int:number>", methods=["GET"])
@pages.answers(CalendarDecision, example={**DOCUMENT, "next": "in_force", "code": "1f0c2a9b", "looks": [], "moves": []})
def document(number: int) -> dict[str, Any]:
    """One document: what it would do to running deadlines, what it did, and the code that confirms the next step."""
    return _decision(calendars.decision(actor(), number))


@pages.route("/calendar/documents/<int:number>/decide", methods=["POST"])
@pages.arguments(CodeBody, example={"code": "1f0c2a9b"})
@pages.answers(CalendarMoves, status=202, example={"runs": [5], "repeated": False}, refusals=(409,))
@pages.command
def decide(body: Mapping[str, Any], number: int) -> tuple[int, dict[str, Any]]:
    """Put a document in force, or out of it; running deadlines are counted anew, an entry for each case."""
    return 202, {"runs": [run.id for run in calendars.decide(actor(), number, body["code"])]}


@pages.route("/calendar/documents/<int:number>/look", methods=["POST"])
@pages.answers(CalendarAnswer, status=202, example={**DOCUMENT, "repeated": False}, refusals=(409,))
@pages.command
def look(number: int) -> tuple[int, dict[str, Any]]:
    """Look through a proposal once more, as the calendar has changed since."""
    return 202, _document(calendars.look_again(actor(), number))


@pages.route("/calendar/documents/<int:number>/withdraw", methods=["POST"])
@pages.answers(CalendarAnswer, status=202, example={**DOCUMENT, "repeated": False}, refusals=(409,))
@pages.command
def withdraw(number: int) -> tuple[int, dict[str, Any]]:
    """Ask what would follow from a document going out of force; a proposal is dropped at once."""
    return 202, _document(calendars.take_back(actor(), number))


def _document(record: Record) -> dict[str, Any]:
    told = {
        name: getattr(record.document, name) for name in ("kind", "year", "area", "title", "number", "date", "reason")
    }
    names = ("id", "digest", "state", "user", "created_at", "decided_by", "decided_at", "withdrawn_by", "withdrawn_at")
    return {**told, **{name: getattr(record, name) for name in names}}


def _decision(told: Decision) -> dict[str, Any]:
    runs = {name: [_run(run) for run in getattr(told, name)] for name in ("looks", "moves")}
    return {**_document(told.record), "next": told.how, "code": told.code, **runs}


def _run(run: Run) -> dict[str, Any]:
    names = ("id", "county", "kind", "state", "user", "done", "created_at", "ended_at")
    return {**{name: getattr(run, name) for name in names}, "inputs": dict(run.inputs), "result": dict(run.result)}
