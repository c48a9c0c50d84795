"""Rosters of households: sent, checked by the scheduler, confirmed, taken in; and the same layout out again."""

from collections.abc import Mapping
from typing import Any

from flask import Response, request
from marshmallow import Schema, fields, validate

from app.api.auth import actor
from app.api.evidence import BINARY
from app.api.resources import Resource
from app.api.schemas import nested
from app.api.staff import WrongRow
from app.roster.workbook import MAX_FILE
from app.services import export, roster_jobs
from app.services.roster_jobs import Job
from app.sheets import XLSX, workbook_of
from app.views.shown import download, language

pages = Resource("rosters", "Rosters of households")


class RosterQuery(Schema):
    """A name to know the roster by, and whether past status is taken over."""

    name = fields.String(load_default="", validate=validate.Length(max=roster_jobs.LONGEST_NAME))
    openings = fields.Boolean(load_default=False)


class TakeBody(Schema):
    """The code of the differences to change (none: only what is new comes in), all or some households of them."""

    code = fields.String(load_default="", validate=validate.Length(max=8))
    households = fields.List(fields.String(validate=validate.Length(max=24)), load_default=None, allow_none=True)


class ExportBody(Schema):
    """An area within one's own; with a purpose numbers are whole, and both stand in the access ledger."""

    area = fields.String(load_default="", validate=validate.Regexp("^([0-9]{12})?$"))
    purpose = fields.String(load_default="", validate=validate.Length(max=export.LONGEST_PURPOSE))


class RosterChange(Schema):
    """One column that the roster says otherwise; telephone numbers are masked, some values are not shown."""

    column = fields.String(required=True)
    before = fields.String(required=True)
    after = fields.String(required=True)


class RosterDiffering(Schema):
    """A registered household that the roster would change."""

    row = fields.Integer(required=True)
    household = fields.String(required=True)
    changes = nested(RosterChange, many=True)


class RosterHead(Schema):
    """A roster and where it stands; ``rows`` of about ``total`` (0: unknown) were read by the present work."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    at = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(["check", "checked", "take", "done", "failed"]))
    openings = fields.Boolean(required=True)
    rows = fields.Integer(required=True)
    total = fields.Integer(required=True)


class RosterBody(RosterHead):
    """A roster with what its last work said; with errors nothing was done."""

    refusal = fields.String(required=True)
    added = fields.Integer(required=True)
    people = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
    changed = fields.Integer(required=True)
    opened = fields.Integer(required=True)
    error_count = fields.Integer(required=True)
    errors = nested(WrongRow, many=True)
    difference_count = fields.Integer(required=True)
    differences = nested(RosterDiffering, many=True)
    confirmation = fields.String(required=True)
    ignored = fields.List(fields.String(), required=True)


class RosterAnswer(RosterHead):
    """A roster that was sent or is to be worked on."""

    repeated = fields.Boolean(required=True)


class Rosters(Schema):
    """One's own rosters of the last day, the latest first."""

    rows = nested(RosterHead, many=True)


class Dropped(Schema):
    """Whether the key was used before."""

    repeated = fields.Boolean(required=True)


HEAD_EXAMPLE = {
    "id": "8f14e45fceea167a5a36dedd4bea2543",
    "name": "2026-11.xlsx",
    "at": "2026-11-22T08:00:00Z",
    "state": "checked",
    "openings": False,
    "rows": 0,
    "total": 320001,
}
TO_CHECK = {**HEAD_EXAMPLE, "state": "check", "repeated": False}
TO_TAKE = {**HEAD_EXAMPLE, "state": "take", "repeated": False}
COUNTS = ("added", "people", "unchanged", "changed", "opened", "error_count", "difference_count")


@pages.before_app_request  # type: ignore[untyped-decorator] # flask-smorest ships no types
def allow_rosters() -> None:
    """Before the body is read: a roster may be larger than any photo."""
    if request.endpoint == "api_rosters.submit":
        request.max_content_length = MAX_FILE


@pages.route("/rosters", methods=["GET"])
@pages.answers(Rosters, example={"rows": [HEAD_EXAMPLE]})
def rosters() -> dict[str, Any]:
    """One's own rosters of the last day."""
    return {"rows": [_head(job) for job in roster_jobs.jobs(actor())]}


@pages.route("/rosters", methods=["POST"])
@pages.arguments(RosterQuery, location="query")
@pages.doc(requestBody={"required": True, "content": {XLSX: BINARY}})
@pages.answers(RosterAnswer, status=202, example=TO_CHECK, refusals=(409, 413))
@pages.command
def submit(query: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Send a roster (.xlsx) to be checked; ask for it again until its state is `checked`."""
    return 202, _head(roster_jobs.submit(actor(), data=request.get_data(cache=True), **query))


@pages.route("/rosters/<token>", methods=["GET"])
@pages.answers(RosterBody)
def roster(token: str) -> dict[str, Any]:
    """Where a roster stands, with its errors and differences."""
    job = roster_jobs.job_of(actor(), token)
    answer = job.answer
    return {
        **_head(job),
        "refusal": job.refusal,
        **{name: answer.get(name, 0) for name in COUNTS},
        "errors": [_error(error) for error in answer.get("errors", ())],
        "differences": list(answer.get("differences", ())),
        "confirmation": answer.get("confirmation", ""),
        "ignored": list(answer.get("ignored", ())),
    }


@pages.route("/rosters/<token>/take", methods=["POST"])
@pages.arguments(TakeBody, example={"code": "8c1f2a90", "households": ["500241H0000002"]})
@pages.answers(RosterAnswer, status=202, example=TO_TAKE, refusals=(409,))
@pages.command
def take(body: Mapping[str, Any], token: str) -> tuple[int, dict[str, Any]]:
    """Let a checked roster be taken in; ask for it again until its state is `done`."""
    return 202, _head(roster_jobs.take_in(actor(), token, code=body["code"], only=body["households"]))


@pages.route("/rosters/<token>/check", methods=["POST"])
@pages.answers(RosterAnswer, status=202, example=TO_CHECK, refusals=(409,))
@pages.command
def check_again(token: str) -> tuple[int, dict[str, Any]]:
    """Check a roster once more."""
    return 202, _head(roster_jobs.check_again(actor(), token))


@pages.route("/rosters/<token>/drop", methods=["POST"])
@pages.answers(Dropped, example={"repeated": False}, refusals=(409,))
@pages.command
def drop(token: str) -> tuple[int, dict[str, Any]]:
    """Throw a roster away."""
    roster_jobs.drop(actor(), token)
    return 200, {}


@pages.route("/rosters/<token>/errors", methods=["GET"])
@pages.doc(responses={"200": {"description": "A workbook", "content": {XLSX: BINARY}}})
@pages.answers()
def errors(token: str) -> Response:
    """The wrong rows of a checked roster in its own layout, with the reasons beside."""
    return download(roster_jobs.wrong_rows(actor(), token, language()), XLSX, "roster-errors.xlsx")


@pages.route("/households/export", methods=["POST"])
@pages.arguments(ExportBody, example={"area": "500241103000", "purpose": ""})
@pages.doc(responses={"200": {"description": "A workbook", "content": {XLSX: BINARY}}})
@pages.answers(refusals=(409,))
def export_households(body: Mapping[str, Any]) -> Response:
    """Up to 20,000 households of an area in the layout of a roster; noted in the access ledger."""
    lines = export.export_households(actor(), most=export.MOST_ON_A_PAGE, **body)
    return download(workbook_of(lines), XLSX, "households.xlsx")


def _head(job: Job) -> dict[str, Any]:
    return {
        "id": job.token,
        "name": job.name,
        "at": job.at,
        "state": job.state,
        "openings": job.openings,
        "rows": job.rows,
        "total": job.total,
    }


def _error(error: Mapping[str, Any]) -> dict[str, Any]:
    why = error["message_zh"] if language() == "zh" else error["message_en"]
    return {**{name: error[name] for name in ("row", "column", "value", "code")}, "why": why}
