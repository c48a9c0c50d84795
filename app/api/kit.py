"""The auditor's kit: samples by a seed, and exception lists; by the same services as the pages."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from app import sampling
from app.api.auth import actor
from app.api.cases import Clue, done_answer, ensure_known, handed_in
from app.api.resources import KEY_HEADER, After, Resource, sent_key
from app.api.schemas import CaseLine, DoneBody, Listed, nested
from app.api.shapes import case_line
from app.exception_catalogue import exception_lists
from app.exception_told import about, told
from app.services import audit_sample, exceptions, findings, rectifications
from app.services import lists as list_service
from app.services.exceptions import Hit
from app.views.shown import speech
from workflows.clock import utc_text
from workflows.errors import BadValue

pages = Resource("kit", "Samples and exception lists for auditors")
AREA = validate.Regexp("^([0-9]{6,12})?$")
DAY = validate.Regexp("^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")


class SampleQuery(Schema):
    """A sample: ``from``, ``to``: days of China, both inside; with ``gate`` of cases in which that gate was signed."""

    seed = fields.String(required=True, validate=validate.Length(1, sampling.LONGEST_SEED))
    size = fields.Integer(load_default=20, validate=validate.Range(1, sampling.MOST))
    definition = fields.String(load_default="household_case", validate=validate.Length(max=40))
    area = fields.String(load_default="", validate=AREA)
    gate = fields.String(load_default="", validate=validate.Length(max=40))
    begins = fields.String(load_default="", data_key="from", validate=DAY)
    ends = fields.String(load_default="", data_key="to", validate=DAY)


class DrawnBody(CaseLine):
    """A case of a sample; ``rank`` is SHA-256 over seed, line feed and case number."""

    place = fields.Integer(required=True)
    rank = fields.String(required=True)


class SampleBody(Schema):
    """A sample; ``digest`` is SHA-256 over the sorted numbers of all cases drawn from, a line feed behind each."""

    seed = fields.String(required=True)
    population = fields.Integer(required=True)
    digest = fields.String(required=True)
    rows = nested(DrawnBody, many=True)
    as_of = fields.String(required=True)


@pages.route("/audit/sample", methods=["GET"])
@pages.arguments(SampleQuery, location="query")
@pages.answers(SampleBody)
def sample(query: Mapping[str, Any]) -> dict[str, Any]:
    """Draw a sample of the auditor's counties; the same seed and the same cases give the same sample."""
    found = audit_sample.draw(actor(), audit_sample.Asked(**query))
    words = speech(now=found.now)
    rows = [{"place": one.place, "rank": one.rank, **case_line(one.line, words)} for one in found.rows]
    return {
        "seed": found.asked.seed,
        "population": found.population,
        "digest": found.digest,
        "rows": rows,
        "as_of": utc_text(found.now),
    }


class ItemsQuery(After):
    """Open rectification items of an area (12 digits), in a state, or late ones only."""

    area = fields.String(load_default="", validate=AREA)
    state = fields.String(load_default="", validate=validate.Length(max=40))
    late = fields.Boolean(load_default=False)


class ItemBody(CaseLine):
    """An open item: ``roles`` over ``office`` (12 digits) answer for it; ``answer_names`` are up to three of them."""

    late = fields.Boolean(required=True)
    roles = fields.List(fields.String(), required=True)
    office = fields.String(required=True)
    answer_names = fields.List(fields.String(), required=True)


class TownshipBody(Schema):
    """How many items are open in a township, and late."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    open = fields.Integer(required=True)
    late = fields.Integer(required=True)


class ItemsBody(Listed):
    """A page of open items, soonest due first, and the townships that have any."""

    townships = nested(TownshipBody, many=True)
    rows = nested(ItemBody, many=True)


@pages.route("/rectifications", methods=["GET"])
@pages.arguments(ItemsQuery, location="query")
@pages.answers(ItemsBody)
def open_items(query: Mapping[str, Any]) -> dict[str, Any]:
    """Rectification items that are not closed: where, until when, who answers for each."""
    asked = rectifications.Asked(query["area"], query["state"], query["late"])
    found = rectifications.listed(actor(), asked, after=query["after"])
    words, now = speech(now=found.found.now), utc_text(found.found.now)
    return {
        "townships": [vars(one) for one in found.townships],
        "rows": [
            {**case_line(one.line, words), "late": bool(one.line.due_at) and one.line.due_at <= now,
             "roles": list(one.answerer.roles), "office": one.answerer.area, "answer_names": list(one.answerer.names)}
            for one in found.found.rows
        ],
        "next": found.found.following,
        "as_of": now,
    }  # fmt: skip


class ThresholdBody(Schema):
    """A number that a list is cut by."""

    name = fields.String(required=True)
    default = fields.Integer(required=True)
    least = fields.Integer(required=True)
    most = fields.Integer(required=True)


class ListBody(Schema):
    """A list of the catalogue."""

    name = fields.String(required=True)
    title = fields.String(required=True)
    about = fields.String(required=True)
    thresholds = nested(ThresholdBody, many=True)


class ListsBody(Schema):
    """All lists."""

    rows = nested(ListBody, many=True)


class ListQuery(After):
    """An area, two days of China (both inside), and thresholds of the list as ``name=number,name=number``."""

    area = fields.String(load_default="", validate=AREA)
    begins = fields.String(load_default="", data_key="from", validate=DAY)
    ends = fields.String(load_default="", data_key="to", validate=DAY)
    thresholds = fields.String(load_default="", validate=validate.Length(max=200))


class HitBody(CaseLine):
    """A row: ``entry`` is 0 where a period stands behind it."""

    entry = fields.Integer(required=True)
    at = fields.String(required=True)
    what = fields.String(required=True)
    why = fields.String(required=True)
    by = fields.String(required=True)


class HitsBody(Listed):
    """A page of a list, the newest first."""

    list = nested(ListBody)
    rows = nested(HitBody, many=True)


@pages.route("/audit/exceptions", methods=["GET"])
@pages.answers(ListsBody)
def lists() -> dict[str, Any]:
    """The exception lists that there are."""
    return {"rows": [list_body(name) for name in exception_lists()]}


def list_body(name: str, numbers: Mapping[str, int] | None = None) -> dict[str, Any]:
    """Return a list with its thresholds; ``numbers`` are those in force."""
    one, words = exceptions.list_named(name), speech()
    return {
        "name": name,
        "title": one.text("title", words.lang),
        "about": about(one, dict(numbers or one.cut({})), words),
        "thresholds": [{"name": key, **vars(known)} for key, known in one.thresholds.items()],
    }


@pages.route("/audit/exceptions/<name>", methods=["GET"])
@pages.arguments(ListQuery, location="query")
@pages.answers(HitsBody)
def exception(query: Mapping[str, Any], name: str) -> dict[str, Any]:
    """One exception list of the auditor's counties."""
    asked = exceptions.Asked(query["area"], query["begins"], query["ends"], thresholds_of(query["thresholds"], name))
    found = exceptions.listed(actor(), name, asked, after=query["after"])
    words = speech(now=found.found.now)
    return {
        "list": list_body(name, found.numbers),
        "rows": [hit_body(hit, told(hit, found.list, words)) | case_line(hit.line, words) for hit in found.found.rows],
        "next": found.found.following,
        "as_of": utc_text(found.found.now),
    }


def thresholds_of(text: str, name: str) -> dict[str, str]:
    """Return thresholds given as ``name=number,…``; raise BadValue for one that the list does not have."""
    pairs = [part.partition("=") for part in text.split(",") if part]
    for key, _, _ in pairs:
        if key not in exceptions.list_named(name).thresholds:
            raise BadValue(field="thresholds", value=key[:20])
    return {key: value for key, _, value in pairs}


def hit_body(hit: Hit, row: Mapping[str, str]) -> dict[str, Any]:
    """Return why a case is listed."""
    return {"entry": hit.seq, "at": hit.at, "what": row["what"], "why": row["why"], "by": row["who"]}


FINDING = {"data": {"found_by": "exceptions", "found_at": "500241H0000001-C1 第4步", "finding": "打开页面3秒即签字"}}


@pages.route("/households/<number>/findings/<level>", methods=["POST"])
@pages.arguments(Clue, example=FINDING)
@pages.doc(parameters=[KEY_HEADER])
@pages.answers(DoneBody, example={"case": "500241H0000001-R1", "entry": 1, "repeated": False}, refusals=(409,))
def find(body: Mapping[str, Any], number: str, level: str) -> Response:
    """Open a rectification item for a household; ``level``, who answers it: township or county."""
    key = sent_key()
    found = list_service.household_page(actor(), number)
    ensure_known(findings.form_for(findings.machine_for(found), level), body["data"])
    handed = handed_in(found.house.county, body["evidence"])
    done = findings.find(actor(), household=number, level=level, data=body["data"], key=key, evidence=handed)
    return done_answer(done)
