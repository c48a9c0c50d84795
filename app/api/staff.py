"""Staff by sheet: the body is the workbook; what was done, what differs, what is wrong, and first passwords once."""

from collections.abc import Mapping
from typing import Any

from flask import Response, request
from marshmallow import Schema, fields, validate

from app.api.auth import actor
from app.api.evidence import BINARY
from app.api.resources import Resource
from app.api.schemas import nested
from app.services.staff import MOST_ONLINE, FirstPassword, Imported, export_staff, import_staff
from app.services.staff_sheet import book_of
from app.sheets import XLSX
from app.views.shown import download, language

pages = Resource("staff", "Staff by sheet")


class StaffQuery(Schema):
    """Check only, or change also what differs, by the code of just these differences."""

    dry_run = fields.Boolean(load_default=False)
    confirm = fields.String(load_default="", validate=validate.Length(max=8))


class WrongRow(Schema):
    """What is wrong with a row (0: with the whole file); numbers are masked."""

    row = fields.Integer(required=True)
    column = fields.String(required=True)
    value = fields.String(required=True)
    code = fields.String(required=True)
    why = fields.String(required=True)


class StaffChange(Schema):
    """One thing that the sheet says otherwise; an office is role@area, its days follow as first/last."""

    column = fields.String(required=True)
    before = fields.String(required=True)
    after = fields.String(required=True)


class StaffDiffering(Schema):
    """An account that the sheet would change, or did."""

    row = fields.Integer(required=True)
    username = fields.String(required=True)
    changes = nested(StaffChange, many=True)


class InitialPassword(Schema):
    """A first password; a repeated answer no longer holds it."""

    username = fields.String(required=True)
    password = fields.String(required=True)


class StaffTaken(Schema):
    """What became of a sheet: with errors nothing was done; differences wait for their code."""

    applied = fields.Boolean(required=True)
    added = fields.List(fields.String(), required=True)
    unchanged = fields.Integer(required=True)
    changed = fields.Integer(required=True)
    differences = nested(StaffDiffering, many=True)
    confirmation = fields.String(required=True)
    errors = nested(WrongRow, many=True)
    ignored = fields.List(fields.String(), required=True)
    secret = fields.Nested(InitialPassword, many=True)
    repeated = fields.Boolean(required=True)


TAKEN_EXAMPLE = {
    "applied": True,
    "added": ["xs-helper9"],
    "unchanged": 3,
    "changed": 0,
    "differences": [],
    "confirmation": "",
    "errors": [],
    "ignored": ["单位"],
    "secret": [{"username": "xs-helper9", "password": "k7mq-r2vd-8hxp"}],
    "repeated": False,
}


@pages.route("/accounts/staff", methods=["POST"])
@pages.arguments(StaffQuery, location="query")
@pages.doc(requestBody={"required": True, "content": {XLSX: BINARY}})
@pages.answers(StaffTaken, example=TAKEN_EXAMPLE, refusals=(409, 413))
@pages.command
def take(query: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Take a sheet of staff (.xlsx): all rows or none; known accounts change only by the code of their differences."""
    told: list[FirstPassword] = []
    done = import_staff(actor(), data=request.get_data(cache=True), hand_out=told.extend, most=MOST_ONLINE, **query)
    secret = [{"username": one.username, "password": one.password} for one in told]
    return 200, {**_answer(done), **({"secret": secret} if secret else {})}


def _answer(done: Imported) -> dict[str, Any]:
    return {
        "applied": done.is_applied,
        "added": [one.username for one in done.added],
        "unchanged": done.unchanged,
        "changed": done.changed,
        "differences": [
            {"row": one.row, "username": one.username, "changes": [vars(change) for change in one.changes]}
            for one in done.differences
        ],
        "confirmation": done.confirmation,
        "errors": [
            {
                "row": e.row,
                "column": e.column,
                "value": e.value,
                "code": e.code,
                "why": e.message_zh if language() == "zh" else e.message_en,
            }
            for e in done.errors
        ],
        "ignored": list(done.ignored),
    }


@pages.route("/accounts/staff/export", methods=["POST"])
@pages.doc(responses={"200": {"description": "A workbook", "content": {XLSX: BINARY}}})
@pages.answers(refusals=(409,))
def export() -> Response:
    """The staff of the administrator's counties in the layout of the import; noted in the access ledger."""
    return download(book_of(export_staff(actor())), XLSX, "staff.xlsx")
