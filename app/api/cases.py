"""Cases: where one stands, what may be done and why not the rest, doing it, and the clue that begins one."""

from collections.abc import Mapping
from typing import Any

from flask import Response, jsonify, request, url_for
from marshmallow import Schema, ValidationError, fields, validate

from app.api.auth import actor
from app.api.resources import KEY_HEADER, Resource, sent_key
from app.api.schemas import CaseBody, ClueForm, DoneBody, FormBody, SeveralBody
from app.api.shapes import allowed_body, case_body, field_body, labels_of, named, reason_body, several_body
from app.services import cases, lists, several
from app.services.cases import Done
from app.services.several import MOST, Wanted
from app.views.cases import allowed_of
from app.views.forms import correctable, people_for
from app.views.households import asked_for, machine_for, refusal_of
from workflows.definition import Action, Step
from workflows.errors import BadValue, MissingEvidence, VersionMissing
from workflows.model import Evidence

pages = Resource("cases", "Cases and what may be done about them")
NUMBER = "500241H0000001-C1"
VERSION_HEADER = {
    "in": "header",
    "name": "If-Match",
    "required": False,
    "schema": {"type": "string"},
    "example": '"3"',
    "description": "The version that the command was made for; or `version` in the body. 428 without either.",
}


def ensure_value(value: object) -> None:
    """A value of a form is a text, a whole number, yes or no, or a list of texts."""
    is_list = isinstance(value, list) and all(isinstance(item, str) for item in value)
    if not is_list and not isinstance(value, str | int):
        raise ValidationError("text, integer, boolean or list of texts")


class Handed(Schema):
    """A piece of evidence that was uploaded before by the same account."""

    kind = fields.String(required=True, validate=validate.Length(1, 40))
    sha256 = fields.String(required=True, validate=validate.Regexp("^[0-9a-f]{64}$"))


class Clue(Schema):
    """The values of a form by field, and evidence handed in before."""

    data = fields.Dict(keys=fields.String(), values=fields.Raw(validate=ensure_value), load_default=dict)
    evidence = fields.List(fields.Nested(Handed), load_default=list, validate=validate.Length(max=50))


class Act(Clue):
    """A command on a case."""

    version = fields.Integer(load_default=None, strict=True, metadata={"description": "entries that were seen"})
    target = fields.String(load_default="", metadata={"description": "where several states may follow"})


class AsOf(Schema):
    """The day (ISO, of China) at whose end a case is shown; empty: now."""

    as_of = fields.String(load_default="", validate=validate.Regexp("^([0-9]{4}-[0-9]{2}-[0-9]{2})?$"))


class ForOne(Schema):
    """A case with the version that the command was made for."""

    case = fields.String(required=True, validate=validate.Length(1, 32))
    version = fields.Integer(required=True, strict=True)


class ActOnSeveral(Clue):
    """The same command on several cases; the values, and evidence handed in before in the county, are shared."""

    action = fields.String(required=True, validate=validate.Length(1, 40))
    cases = fields.List(fields.Nested(ForOne), required=True, validate=validate.Length(1, MOST))


SEVERAL_EXAMPLE = {
    "action": "county_approve",
    "cases": [{"case": "500241H0000001-C1", "version": 7}],
    "data": {"opinion": "同意"},
}
CASE_EXAMPLE = {
    "number": NUMBER,
    "version": 3,
    "state": {"id": "village_review", "label": "待村级评议"},
    "allowed_actions": [
        {
            "action": "approve",
            "label": "县级批准",
            "allowed": False,
            "reason": {"code": "wrong_office", "sentence": "此事项应由县级主管部门人员办理……", "params": {}},
        }
    ],
}
ACT_EXAMPLE = {
    "version": 1,
    "data": {"category": "marginal_vulnerable", "risks": ["illness"], "income_per_head": 720000, "opinion": "同意提名"},
    "evidence": [],
}
# The visit at home: amounts in fen over the accounting window; income per head is counted from them.
VERIFY_EXAMPLE = {
    "version": 3,
    "data": {
        "visited_on": "2026-03-02",
        "income_members": 3,
        "income_wage": 1_580_000,
        "income_business": 640_000,
        "income_property": 0,
        "income_transfer": 100_000,
        "business_cost": 160_000,
        "selfpaid_expense": 1_860_000,
        "labour_members": 1,
        "education_safe": True,
        "medical_safe": True,
        "housing_safe": False,
        "housing_remark": "屋面渗水",
        "water_safe": True,
        "social_aid": "dibao",
        "asset_flags": ["car"],
        "asset_note": "旧微型车，用于接送就医",
        "judgement": "患病支出大，按户综合研判",
        "opinion": "情况属实",
    },
    "evidence": [
        {"kind": "visit_photo", "sha256": "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"},
        {"kind": "collection_form", "sha256": "ef2d127de37b942baad06145e54b0c619a1f22327b2ebbcfbec78f5564afe39d"},
    ],
}
ACT_EXAMPLES = {
    "nominate": {"summary": "村提名 / nominate", "value": ACT_EXAMPLE},
    "verify": {"summary": "入户核实 / verify at home, with the income sheet", "value": VERIFY_EXAMPLE},
}


@pages.route("/cases/<number>", methods=["GET"])
@pages.arguments(AsOf, location="query")
@pages.answers(CaseBody, example=CASE_EXAMPLE, refusals=(409,))
def case(query: Mapping[str, Any], number: str) -> Response:
    """A case: state, clocks, entries, and every action with the reason why not; or as it stood at the end of a day."""
    view = cases.case_view(actor(), case=number, as_of=query["as_of"])
    labels = labels_of(view.compiled, view.household.area, view.now)
    codes = {e["actor"]["office"] for e in view.entries} | {view.household.village, view.household.township}
    response = jsonify(CaseBody().dump(case_body(view, labels, lists.area_names(codes))))
    if not view.as_of:
        response.set_etag(str(view.case.seq))
    return response


@pages.route("/cases/<number>/acts/<action>", methods=["GET"])
@pages.answers(FormBody, refusals=(409,))
def form(number: str, action: str) -> dict[str, Any]:
    """The form of one action, also when it may not be done now: fields, evidence, people, records to correct."""
    view = cases.case_view(actor(), case=number)
    labels = labels_of(view.compiled, view.household.area, view.now)
    allowed = allowed_of(view, action)
    specs = [view.compiled.fields[name] for name in allowed.fields]
    people = {spec.id: people_for(view, spec) for spec in specs if spec.type == "person"}
    corrects = correctable(view) if "corrected_field" in allowed.fields else []
    return {
        **allowed_body(labels, allowed),
        "version": view.case.seq,
        "people": {name: [{"account": a, "name": n} for a, n in found] for name, found in people.items()},
        "correctable": [named(name, labels.field(name)) for name in corrects],
    }


@pages.route("/cases/<number>/acts/<action>", methods=["POST"])
@pages.arguments(Act, examples=ACT_EXAMPLES)
@pages.doc(parameters=[KEY_HEADER, VERSION_HEADER])
@pages.answers(DoneBody, example={"case": NUMBER, "entry": 4, "repeated": False}, refusals=(409, 428))
def act(body: Mapping[str, Any], number: str, action: str) -> Response:
    """Carry out an action: all of it or nothing; the same key again gets the same answer."""
    key, version = sent_key(), seen_version(body["version"])
    view = cases.case_view(actor(), case=number)
    labels_of(view.compiled, view.household.area, view.now)
    ensure_known(allowed_of(view, action).form, body["data"])
    data = {**body["data"], **({"target": body["target"]} if body["target"] else {})}
    evidence = handed_in(view.case.county, body["evidence"])
    done = cases.act(actor(), case=number, action=action, data=data, evidence=evidence, version=version, key=key)
    return done_answer(done)


@pages.route("/acts", methods=["POST"])
@pages.arguments(ActOnSeveral, example=SEVERAL_EXAMPLE)
@pages.doc(parameters=[KEY_HEADER])
@pages.answers(SeveralBody)
def act_on_several(body: Mapping[str, Any]) -> dict[str, Any]:
    """Carry out an action on several cases, each decided as alone: a refused one stops no other, and says why."""
    wanted = [Wanted(one["case"], one["version"]) for one in body["cases"]]
    evidence = handed_in(wanted[0].case[:6], body["evidence"])
    answers = several.act_on_several(
        actor(), action=body["action"], wanted=wanted, data=body["data"], key=sent_key(), evidence=evidence
    )
    return several_body(answers, lists.case_lines(actor(), [one.case for one in answers]))


def seen_version(sent: int | None) -> int:
    """Return the version that a command was made for, from If-Match or the body; they must not differ."""
    tags = [tag or "" for tag in request.if_match]  # an empty tag is read as None
    if len(tags) > 1 or (tags and not (tags[0].isascii() and tags[0].isdigit() and len(tags[0]) < 10)):
        raise BadValue(field="version", value="")
    found = {int(tag) for tag in tags} | ({sent} if sent is not None else set())
    if not found:
        raise VersionMissing()
    if len(found) > 1:
        raise BadValue(field="version", value="")
    return found.pop()


def ensure_known(asked: Step | Action, data: Mapping[str, Any]) -> None:
    """Raise BadValue for a field that the form does not have: a misspelt one must not be lost in silence."""
    for name in data:
        if name not in asked.fields:
            raise BadValue(field=name[:60], value="")


def handed_in(county: str, wanted: list[dict[str, str]]) -> list[Evidence]:
    """Return the evidence that a command names; MissingEvidence for what this account did not hand in."""
    pairs = [(item["kind"], item["sha256"]) for item in wanted]
    mine = lists.own_uploads(actor(), county, pairs) if pairs else []
    found = {(item.kind, item.sha256) for item in mine}
    for kind, digest in pairs:
        if (kind, digest) not in found:
            raise MissingEvidence(kind=kind)
    return mine


def done_answer(done: Done) -> Response:
    """Return the answer to a command on a case; 201 for a case that was opened is said by its address."""
    response = jsonify({"case": done.case, "entry": done.seq, "repeated": done.repeated})
    response.headers["Location"] = url_for("api_cases.case", number=done.case)
    return response


@pages.route("/households/<number>/clues/<purpose>", methods=["GET"])
@pages.answers(ClueForm)
def clue_form(number: str, purpose: str) -> dict[str, Any]:
    """The form of a clue, or why none may be registered now."""
    found = lists.household_page(actor(), number)
    compiled = machine_for(found, purpose)
    labels, asked = labels_of(compiled, found.house.area, found.now), asked_for(compiled)
    refusal = refusal_of(found, compiled)
    return {
        "allowed": refusal is None,
        "reason": reason_body(labels, refusal) if refusal else None,
        "fields": [field_body(labels, spec, asked.optional) for spec in asked.fields],
    }


@pages.route("/households/<number>/clues/<purpose>", methods=["POST"])
@pages.arguments(Clue, example={"data": {"clue_source": "self_report", "clue_note": "家中有人患重病"}})
@pages.doc(parameters=[KEY_HEADER])
@pages.answers(DoneBody, example={"case": NUMBER, "entry": 1, "repeated": False}, refusals=(409,))
def clue(body: Mapping[str, Any], number: str, purpose: str) -> Response:
    """Register a clue, which opens a case for a household."""
    key = sent_key()
    house = lists.household_page(actor(), number).house
    evidence = handed_in(house.county, body["evidence"])
    done = cases.register_clue(
        actor(), household=number, purpose=purpose, data=body["data"], evidence=evidence, key=key
    )
    return done_answer(done)
