"""For auditors: the cases of their counties by filter, and the access ledger. Each look is itself in the ledger."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from app.api.auth import actor
from app.api.resources import After, Resource
from app.api.schemas import AreaCount, CaseLine, Listed, nested
from app.api.shapes import case_line
from app.labels import Speech
from app.runtime import runtime
from app.services import boards, tokens
from app.services import pauses as pause_service
from app.services.lists import CaseLine as CaseLineOf
from app.services.pauses import Change
from app.store.lists import CaseFilter
from app.views.audit import KINDS
from app.views.shown import labels_for, speech
from workflows.clock import utc_text
from workflows.errors import BadValue, OutOfScope

pages = Resource("audit", "What auditors look at")


class CasesQuery(After):
    """Which cases to list."""

    definition = fields.String(load_default="household_case", validate=validate.Length(max=40))
    state = fields.String(load_default="", validate=validate.Length(max=40))
    township = fields.String(load_default="", validate=validate.Regexp("^([0-9]{12})?$"))
    late = fields.Boolean(load_default=False)


class CasesBody(Listed):
    """A page of cases and how many there are in all, of 5,000 at most; ``is_more``: there are more."""

    rows = nested(CaseLine, many=True)
    total = fields.Integer(required=True)
    is_more = fields.Boolean(required=True)
    townships = nested(AreaCount, many=True)


class LedgerQuery(After):
    """One kind of line, or all."""

    kind = fields.String(load_default="", validate=validate.Length(max=40))


class LedgerBody(Schema):
    """One line of the access ledger with its place in the chain."""

    county = fields.String(required=True)
    seq = fields.Integer(required=True)
    at = fields.String(required=True)
    user = fields.String(required=True)
    kind = fields.String(required=True)
    subject = fields.String(required=True)
    detail = fields.Dict(required=True)
    hash = fields.String(required=True)


class LinesBody(Listed):
    """A page of the ledger, newest first."""

    rows = nested(LedgerBody, many=True)


@pages.route("/audit/cases", methods=["GET"])
@pages.arguments(CasesQuery, location="query")
@pages.answers(CasesBody)
def cases(query: Mapping[str, Any]) -> dict[str, Any]:
    """The cases of the auditor's counties."""
    if query["definition"] not in runtime().rules.definitions:
        raise BadValue(field="definition", value=query["definition"])
    wanted = CaseFilter(definition=query["definition"], state=query["state"], township=query["township"])
    found = boards.audit(actor(), wanted, late=query["late"], after=query["after"])
    words = speech(now=found.found.now)
    return {
        "rows": [case_line(line, words) for line in found.found.rows],
        "total": found.total,
        "is_more": found.is_more,
        "townships": [vars(item) for item in found.townships],
        "next": found.found.following,
        "as_of": utc_text(found.found.now),
    }


class ChangeBody(CaseLine):
    """One pause or extension: ``how`` is paused or extended; ``until`` is empty while a pause lasts.

    ``extra`` is by how much it was extended, from one exclusive end to the other. ``entry`` is the number of the entry,
    ``documents`` the SHA-256 of what was handed in with it; the reason stands in the entry, which the case shows.
    """

    timer = fields.String(required=True)
    timer_label = fields.String(required=True)
    how = fields.String(required=True)
    at = fields.String(required=True)
    until = fields.String(required=True)
    days = fields.Integer(required=True)
    before = fields.String(required=True)
    after = fields.String(required=True)
    extra = fields.String(required=True)
    by = fields.String(required=True)
    role = fields.String(required=True)
    entry = fields.Integer(required=True)
    documents = fields.List(fields.String(), required=True)
    marked = fields.Boolean(required=True)


class ChangesBody(Listed):
    """A page of pauses and extensions, the newest first."""

    rows = nested(ChangeBody, many=True)


@pages.route("/audit/pauses", methods=["GET"])
@pages.arguments(After, location="query")
@pages.answers(ChangesBody)
def pauses(query: Mapping[str, Any]) -> dict[str, Any]:
    """Which deadlines were paused or extended, by whom, with which document, for how many days."""
    found = pause_service.pauses(actor(), after=query["after"])
    words = speech(now=found.now)
    return {
        "rows": [change_body(change, words) for change in found.rows],
        "next": found.following,
        "as_of": utc_text(found.now),
    }


def change_body(change: Change, words: Speech) -> dict[str, Any]:
    """Return a pause or an extension."""
    labels, entry = labels_for(runtime().rules.machine_of(change.case), words), change.entry
    actor_of = entry.get("actor", {})
    return {
        **case_line(CaseLineOf(change.case, change.house, change.before), words),
        "timer": change.timer,
        "timer_label": labels.timer(change.timer),
        **{name: getattr(change, name) for name in ("how", "at", "until", "days", "before", "after", "extra")},
        "by": actor_of.get("name", ""),
        "role": actor_of.get("role", ""),
        "entry": entry.get("seq", 0),
        "documents": [item["sha256"] for item in entry.get("evidence", [])],
        "marked": change.is_marked,
    }


@pages.route("/audit/ledger", methods=["GET"])
@pages.arguments(LedgerQuery, location="query")
@pages.answers(LinesBody)
def ledger(query: Mapping[str, Any]) -> dict[str, Any]:
    """Who looked at what in the auditor's counties, newest first; not for a token of a part of a county."""
    if tokens.is_narrow(actor(), "auditor"):
        raise OutOfScope(scope="audit:read")
    if query["kind"] not in ("", *KINDS):
        raise BadValue(field="kind", value=query["kind"])
    found = boards.access_ledger(actor(), kind=query["kind"], after=query["after"])
    rows = [{**vars(line), "detail": dict(line.detail)} for line in found.rows]
    return {"rows": rows, "next": found.following, "as_of": utc_text(found.now)}
