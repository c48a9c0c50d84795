"""What waits for me, what is overdue, the public notices, totals for levels above the county."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from app.api.auth import actor
from app.api.resources import After, Resource
from app.api.schemas import AreaCount, CaseLine, Listed, nested
from app.api.shapes import case_line
from app.runtime import runtime
from app.services import boards, lists
from app.services import notices as notice_service
from app.services.boards import LateLine
from app.services.lists import BANDS
from app.services.notices import Notice
from app.views.shown import labels_for, speech
from workflows.clock import utc_text
from workflows.errors import BadValue, NotFound

pages = Resource("desk", "My desk, what is overdue, notices, totals")
AREA = validate.Regexp("^([0-9]{12})?$")


class DeskQuery(After):
    """One band of time left, or all."""

    band = fields.String(load_default="", validate=validate.OneOf(("", *BANDS)))


class DeskBody(Listed):
    """What waits for the account; the counts are those of the whole list, of 5,000 at most; ``more_than``: of more."""

    rows = nested(CaseLine, many=True)
    counts = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    more_than = fields.List(fields.String(), required=True)


class OverdueQuery(After):
    """A township or village, or all."""

    area = fields.String(load_default="", validate=AREA)


class LateBody(CaseLine):
    """A period that somebody should have met."""

    timer = fields.String(required=True)
    timer_label = fields.String(required=True)
    provisional = fields.Boolean(required=True)


class OverdueBody(Listed):
    """What is overdue, most late first."""

    rows = nested(LateBody, many=True)
    total = fields.Integer(required=True)
    by_area = nested(AreaCount, many=True)


class NoticeRow(Schema):
    """One household on a notice: nothing more than hangs in the village."""

    case = fields.String(required=True)
    purpose = fields.String(required=True)
    group = fields.String(required=True)
    head_name = fields.String(required=True)
    member_count = fields.Integer(required=True)
    category = fields.String(required=True)
    begins = fields.String(required=True)
    ends = fields.String(required=True)


class NoticeBody(Schema):
    """What hangs in one village now."""

    village = fields.String(required=True)
    village_name = fields.String(required=True)
    township_name = fields.String(required=True)
    rows = nested(NoticeRow, many=True)


class NoticesBody(Listed):
    """The notices of an area, village by village."""

    rows = nested(NoticeBody, many=True)


class TotalBody(Schema):
    """Numbers of a county or township; no household stands in them."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    is_county = fields.Boolean(required=True)
    states = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    open_cases = fields.Integer(required=True)
    late = fields.Integer(required=True)


class TotalsBody(Schema):
    """Totals by county and township."""

    rows = nested(TotalBody, many=True)


class VillageQuery(Schema):
    """One village, or all; ``after`` is the last village of the page before."""

    village = fields.String(load_default="", validate=AREA)
    after = fields.String(load_default="", validate=AREA)


@pages.route("/desk", methods=["GET"])
@pages.arguments(DeskQuery, location="query")
@pages.answers(
    DeskBody, example={"rows": [], "counts": {"late": 0}, "more_than": [], "next": "", "as_of": "2026-11-22T08:00:00Z"}
)
def desk(query: Mapping[str, Any]) -> dict[str, Any]:
    """What waits for the account, soonest first."""
    found = lists.desk(actor(), band=query["band"], after=query["after"])
    words = speech(now=found.found.now)
    return {
        "rows": [case_line(line, words) for line in found.found.rows],
        "counts": {"late": found.late, "today": found.today, "week": found.week, "later": found.later},
        "more_than": list(found.more_than),
        "next": found.found.following,
        "as_of": utc_text(found.found.now),
    }


@pages.route("/overdue", methods=["GET"])
@pages.arguments(OverdueQuery, location="query")
@pages.answers(OverdueBody)
def overdue(query: Mapping[str, Any]) -> dict[str, Any]:
    """What is overdue in the area of the account, most late first."""
    board = boards.overdue(actor(), area=query["area"], after=query["after"])
    return {
        "rows": [late_body(line) for line in board.found.rows],
        "total": board.total,
        "by_area": [vars(item) for item in board.by_area],
        "next": board.found.following,
        "as_of": utc_text(board.found.now),
    }


def late_body(line: LateLine) -> dict[str, Any]:
    """Return an overdue period with its case."""
    words = speech()
    labels = labels_for(runtime().rules.machine_of(line.case), words)
    return {
        **case_line(lists.CaseLine(line.case, line.house, line.due_at), words),
        "timer": line.timer,
        "timer_label": labels.timer(line.timer),
        "provisional": line.provisional,
    }


@pages.route("/notices", methods=["GET"])
@pages.arguments(VillageQuery, location="query")
@pages.answers(NoticesBody)
def notices(query: Mapping[str, Any]) -> dict[str, Any]:
    """The public notices that hang in the area of the account, by village."""
    if query["village"] and query["after"]:
        raise BadValue(field="after", value=query["after"])
    found = notice_service.notices(actor(), village=query["village"], after=query["after"])
    if query["village"] and not found.rows:
        raise NotFound(village=query["village"])
    return {
        "rows": [notice_body(one) for one in found.rows],
        "next": found.following,
        "as_of": utc_text(found.now),
    }


def notice_body(found: Notice) -> dict[str, Any]:
    """Return one village's notice."""
    return {**vars(found), "rows": [vars(line) for line in found.lines]}


@pages.route("/totals", methods=["GET"])
@pages.answers(TotalsBody)
def totals() -> dict[str, Any]:
    """Numbers by county and township, for levels above the county."""
    return {"rows": [vars(total) for total in boards.totals(actor())]}
