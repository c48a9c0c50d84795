"""Changes of rules: rehearsals, changes of running cases and their return, as the pages have them."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from app.api.auth import actor
from app.api.resources import Resource
from app.api.schemas import nested
from app.services import rule_runs
from app.services.moving import Run

pages = Resource("rule_runs", "Changes of rules")
KINDS = ["rehearse", "apply", "revert", "simulate", "cal_look", "calendar"]
LONGEST_PACK = 1_000_000


class RehearsalBody(Schema):
    """A county, packs (TOML texts) to put over those in force, and the day whose rules count (today or later)."""

    county = fields.String(required=True, validate=validate.Regexp("^[0-9]{6}$"))
    packs = fields.List(
        fields.String(validate=validate.Length(max=LONGEST_PACK)), load_default=list, validate=validate.Length(max=9)
    )
    on = fields.Date(load_default=None, allow_none=True)


class SimulationBody(Schema):
    """A county, and what differs from today: the options of ``fangpin policy simulate`` as texts by their keys."""

    county = fields.String(required=True, validate=validate.Regexp("^[0-9]{6}$"))
    inputs = fields.Dict(
        keys=fields.String(validate=validate.Length(max=80)),
        values=fields.String(validate=validate.Length(max=80)),
        load_default=dict,
    )


class ReasonBody(Schema):
    """Why; it stands in the entry of every case."""

    reason = fields.String(required=True, validate=validate.Length(min=1, max=rule_runs.LONGEST_REASON))


class RuleRunHead(Schema):
    """A run and where it stands; ``done`` households were gone through so far."""

    id = fields.Integer(required=True)
    county = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    state = fields.String(required=True, validate=validate.OneOf(["waiting", "running", "done", "failed"]))
    user = fields.String(required=True)
    done = fields.Integer(required=True)
    created_at = fields.String(required=True)
    ended_at = fields.String(required=True)


class RuleRunBody(RuleRunHead):
    """A run with its inputs and what it found (of a rehearsal: cases, stuck, deadlines, work, changes)."""

    inputs = fields.Dict(required=True)
    result = fields.Dict(required=True)


class RuleRunAnswer(RuleRunHead):
    """A run that was asked for."""

    repeated = fields.Boolean(required=True)


class RuleRuns(Schema):
    """The latest runs of one's counties, the latest first."""

    rows = nested(RuleRunHead, many=True)


HEAD_EXAMPLE = {
    "id": 4,
    "county": "500241",
    "kind": "rehearse",
    "state": "waiting",
    "user": "u7",
    "done": 0,
    "created_at": "2026-11-22T08:00:00Z",
    "ended_at": "",
}
ASKED_EXAMPLE = {**HEAD_EXAMPLE, "repeated": False}
HEAD = tuple(HEAD_EXAMPLE)


@pages.route("/rule-runs", methods=["GET"])
@pages.answers(RuleRuns, example={"rows": [HEAD_EXAMPLE]})
def runs() -> dict[str, Any]:
    """The latest runs of one's counties."""
    return {"rows": [_head(run) for run in rule_runs.runs(actor())]}


@pages.route("/rule-runs", methods=["POST"])
@pages.arguments(RehearsalBody, example={"county": "500241", "packs": [], "on": "2027-01-01"})
@pages.answers(RuleRunAnswer, status=202, example=ASKED_EXAMPLE, refusals=(409,))
@pages.command
def rehearse(body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Rehearse the rules in force, or packs put over them; ask for the run again until its state is `done`."""
    return 202, _head(rule_runs.ask_rehearsal(actor(), body["county"], packs=body["packs"], on=body["on"]))


@pages.route("/rule-runs/simulations", methods=["POST"])
@pages.arguments(SimulationBody, example={"county": "500241", "inputs": {"line": "8000", "seed": "7"}})
@pages.answers(RuleRunAnswer, status=202, example={**ASKED_EXAMPLE, "kind": "simulate"}, refusals=(409,))
@pages.command
def simulate(body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Ask what would follow from another line, limit, frequency or staffing; no decision, nothing else is written."""
    return 202, _head(rule_runs.ask_simulation(actor(), body["county"], body["inputs"]))


@pages.route("/rule-runs/<int:number>", methods=["GET"])
@pages.answers(RuleRunBody, example={**HEAD_EXAMPLE, "inputs": {}, "result": {}})
def run(number: int) -> dict[str, Any]:
    """One run, with what it found."""
    found = rule_runs.run_of(actor(), number)
    return {**_head(found), "inputs": dict(found.inputs), "result": dict(found.result)}


@pages.route("/rule-runs/<int:number>/apply", methods=["POST"])
@pages.arguments(ReasonBody, example={"reason": "县里新办法自2027年1月1日起施行"})
@pages.answers(RuleRunAnswer, status=202, example={**ASKED_EXAMPLE, "kind": "apply"}, refusals=(409,))
@pages.command
def apply(body: Mapping[str, Any], number: int) -> tuple[int, dict[str, Any]]:
    """Move running cases to the rules that a rehearsal showed; refused when a case would be stuck."""
    return 202, _head(rule_runs.ask_change(actor(), number, reason=body["reason"]))


@pages.route("/rule-runs/<int:number>/revert", methods=["POST"])
@pages.arguments(ReasonBody, example={"reason": "暂缓施行"})
@pages.answers(RuleRunAnswer, status=202, example={**ASKED_EXAMPLE, "kind": "revert"}, refusals=(409,))
@pages.command
def revert(body: Mapping[str, Any], number: int) -> tuple[int, dict[str, Any]]:
    """Move the cases of a change back to what they were pinned to."""
    return 202, _head(rule_runs.ask_return(actor(), number, reason=body["reason"]))


def _head(run: Run) -> dict[str, Any]:
    return {name: getattr(run, name) for name in HEAD}
