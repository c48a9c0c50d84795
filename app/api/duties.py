"""The ledger of duties: list, one period, reports, warnings that were received."""

import json
from collections.abc import Mapping
from typing import Any

from flask import url_for
from marshmallow import Schema, fields, validate

from app.api.auth import actor
from app.api.resources import After, Resource, sent_key
from app.api.schemas import Listed, nested
from app.services import duty_desk, duty_reports, lists
from app.services.duty_desk import Covered, Done, Line
from app.services.duty_reports import LONGEST_NOTE, MOST_DAYS, MOST_SUBJECTS, Report
from app.store.duty_lists import STATES, Wanted
from app.views.shown import speech
from workflows.clock import utc_text
from workflows.errors import MissingEvidence

pages = Resource("duties", "The ledger of duties")
AREA = validate.Regexp("^([0-9]{12})?$")
DIGEST = validate.Regexp("^[0-9a-f]{64}$")
EVIDENCE = "duty_report"
EXAMPLE: dict[str, Any] = {
    "on": "2026-11-20", "mode": "", "amount": 1, "nil": True, "note": "", "files": [], "subjects": [],
}  # fmt: skip


class DutiesQuery(After):
    """What to list: a state ("" for all), an area, one duty, and whether only what the account itself reports."""

    state = fields.String(load_default="", validate=validate.OneOf(("", *STATES)))
    area = fields.String(load_default="", validate=AREA)
    duty = fields.String(load_default="", validate=validate.Length(max=40))
    mine = fields.Boolean(load_default=False)


class DidBody(Schema):
    """One thing that was done for a period; ``why`` (mode, day) says why it does not count, "" when it does."""

    act = fields.String(required=True)
    role = fields.String(required=True)
    mode = fields.String(required=True)
    on = fields.String(required=True)
    amount = fields.Integer(required=True)
    nil = fields.Boolean(required=True)
    why = fields.String(required=True)
    case = fields.String(required=True)
    note = fields.String(required=True)
    files = fields.List(fields.String(), required=True)
    at = fields.String(required=True)


class DutyBody(Schema):
    """A period of a duty; ``status`` is open, missed, done, made_up (too late) or dropped."""

    county = fields.String(required=True)
    period = fields.String(required=True, metadata={"description": "its name in addresses"})
    url = fields.String(required=True)
    duty = fields.String(required=True)
    label = fields.String(required=True)
    subject = fields.String(required=True)
    kind = fields.String(required=True)
    name = fields.String(required=True)
    village = fields.String(required=True)
    begins = fields.String(required=True)
    due_at = fields.String(required=True)
    provisional = fields.Boolean(required=True)
    needed = fields.Integer(required=True)
    done = fields.Integer(required=True)
    status = fields.String(required=True)
    settled_at = fields.String(required=True)
    roles = fields.List(fields.String(), required=True)
    modes = fields.List(fields.String(), required=True)
    acts = fields.List(fields.String(), required=True)
    clause = fields.String(required=True)
    may_report = fields.Boolean(required=True)
    did = nested(DidBody, many=True)


class CoveredBody(Schema):
    """How many subjects of a duty were reached in a period."""

    duty = fields.String(required=True)
    label = fields.String(required=True)
    begins = fields.String(required=True)
    due_at = fields.String(required=True)
    subjects = fields.Integer(required=True)
    done = fields.Integer(required=True)


class DutiesBody(Listed):
    """A page of periods, what is due first; the counts are those of all that was asked for."""

    rows = nested(DutyBody, many=True)
    counts = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    coverage = nested(CoveredBody, many=True)


class ReportBody(Schema):
    """A report: the day, the way, days of work, nothing found; ``subjects`` besides that of the address."""

    on = fields.Date(required=True)
    mode = fields.String(load_default="", validate=validate.Length(max=12))
    amount = fields.Integer(load_default=1, strict=True, validate=validate.Range(1, MOST_DAYS))
    nil = fields.Boolean(load_default=False)
    note = fields.String(load_default="", validate=validate.Length(max=LONGEST_NOTE))
    files = fields.List(fields.String(validate=DIGEST), load_default=list, validate=validate.Length(max=20))
    subjects = fields.List(
        fields.String(validate=validate.Length(max=24)), load_default=list, validate=validate.Length(max=MOST_SUBJECTS)
    )


class WarningBody(Schema):
    """A warning that was received for a township or village."""

    area = fields.String(required=True, validate=validate.Regexp("^[0-9]{12}$"))
    on = fields.Date(required=True)
    note = fields.String(load_default="", validate=validate.Length(max=LONGEST_NOTE))


class TakenBody(Schema):
    """The line of the county's ledger, and how many periods it concerns."""

    seq = fields.Integer(required=True)
    count = fields.Integer(required=True)
    repeated = fields.Boolean(required=True)


@pages.route("/duties", methods=["GET"])
@pages.arguments(DutiesQuery, location="query")
@pages.answers(
    DutiesBody,
    example={"rows": [], "counts": {"open": 0}, "coverage": [], "next": "", "as_of": "2026-11-22T08:00:00Z"},
)
def duties(query: Mapping[str, Any]) -> dict[str, Any]:
    """The duties of the account's area, or of its own to report."""
    wanted = Wanted(query["state"], query["area"], query["duty"], query["mine"])
    found = duty_desk.ledger(actor(), wanted, query["after"])
    return {
        "rows": [line_body(line) for line in found.found.rows],
        "counts": dict(found.counts),
        "coverage": [covered_body(one) for one in found.coverage],
        "next": found.found.following,
        "as_of": utc_text(found.found.now),
    }


def line_body(line: Line) -> dict[str, Any]:
    """Return a period as the API shows it."""
    url = url_for("api_duties.duty", county=line.county, period=line.key)
    return {
        **{name: getattr(line, name) for name in vars(line)},
        "label": speech().pick(line.label),
        "period": line.key,
        "url": url,
        "did": [did_body(one) for one in line.did],
    }


def did_body(one: Done) -> dict[str, Any]:
    """Return what was done."""
    return {**vars(one), "files": json.loads(one.files)}


def covered_body(one: Covered) -> dict[str, Any]:
    """Return how far rounds have come."""
    return {**vars(one), "label": speech().pick(one.label)}


@pages.route("/duties/<county>/<period>", methods=["GET"])
@pages.answers(DutyBody)
def duty(county: str, period: str) -> dict[str, Any]:
    """One period of a duty."""
    line, _ = duty_desk.one(actor(), county, period)
    return line_body(line)


@pages.route("/duties/<county>/<period>/reports", methods=["POST"])
@pages.arguments(ReportBody, example=EXAMPLE)
@pages.answers(TakenBody, status=201, example={"seq": 812, "count": 1, "repeated": False}, refusals=(409,))
@pages.command
def report(body: Mapping[str, Any], county: str, period: str) -> tuple[int, dict[str, Any]]:
    """Report a period done; files were handed in before by the same account."""
    line, _ = duty_desk.one(actor(), county, period)
    said = Report(
        duty=line.duty,
        begins=line.begins,
        subjects=tuple(dict.fromkeys((line.subject, *body["subjects"]))),
        on=body["on"],
        mode=body["mode"],
        amount=body["amount"],
        nil=body["nil"],
        note=body["note"].strip(),
        files=_handed(county, body["files"]),
    )
    return 201, taken_body(duty_reports.report(actor(), county, said, key=sent_key()))


def _handed(county: str, digests: list[str]) -> Any:
    found = lists.own_uploads(actor(), county, [(EVIDENCE, digest) for digest in dict.fromkeys(digests)])
    if len(found) != len(set(digests)):
        raise MissingEvidence(kind=EVIDENCE)
    return tuple(found)


def taken_body(taken: duty_reports.Taken) -> dict[str, Any]:
    """Return the answer to a report; whether it was repeated is said by the key's own answer."""
    return {"seq": taken.seq, "count": taken.count}


@pages.route("/duties/warnings", methods=["POST"])
@pages.arguments(WarningBody, example={"area": "500241103204", "on": "2026-11-20", "note": ""})
@pages.answers(TakenBody, status=201, example={"seq": 813, "count": 2, "repeated": False}, refusals=(409,))
@pages.command
def warn(body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Note that a warning was received: its limits run from that day."""
    note = body["note"].strip()
    taken = duty_reports.register_warning(actor(), body["area"], body["on"], note=note, key=sent_key())
    return 201, taken_body(taken)
