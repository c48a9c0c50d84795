"""Overdue views: the board by area and gate, what fell late by month, the list with reasons, the urging notice."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from app import printing
from app.api.auth import actor
from app.api.resources import After, Resource
from app.api.schemas import CaseLine, Listed, nested
from app.api.shapes import case_line
from app.runtime import runtime
from app.schemas import narrow
from app.services import late as service
from app.services import late_reasons, lists, urging_notice
from app.services.late import ALL, BANDS, Asked, Cell, LateLine
from app.views.late import column_label
from app.views.shown import download, labels_for, speech
from app.views.urging import notice_values
from workflows.clock import utc_text
from workflows.errors import BadValue

pages = Resource("late", "Overdue views")
AREA = validate.Regexp("^([0-9]{12})?$")
PDF = {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}
HIGHEST = 10**9


class AreaQuery(Schema):
    """A township, or all."""

    area = fields.String(load_default="", validate=AREA)


class CellBody(Schema):
    """Numbers of one place; ``hours`` are whole office hours of the nearest period, negative when late."""

    late = fields.Integer(required=True)
    today = fields.Integer(required=True)
    week = fields.Integer(required=True)
    due = fields.String(required=True)
    hours = fields.Integer(required=True, allow_none=True)


class BoardLine(Schema):
    """An area with its numbers by column."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    cells = fields.Dict(keys=fields.String(), values=fields.Nested(CellBody), required=True)
    total = nested(CellBody)


class BoardBody(Schema):
    """Rows are areas, least hours left first; columns gates, or a kind of case where it knows none."""

    columns = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    rows = nested(BoardLine, many=True)
    total = nested(CellBody)
    as_of = fields.String(required=True)


class LateQuery(After):
    """What a number of the board or of the months counts; nothing asked for: all that is late."""

    area = fields.String(load_default="", validate=AREA)
    column = fields.String(load_default="", validate=validate.Length(max=40))
    band = fields.String(load_default="", validate=validate.OneOf(("", *BANDS, ALL)))
    month = fields.String(load_default="", validate=validate.Length(max=7))


class LateReasonBody(Schema):
    """Why it is late; ``text`` is null when it was erased."""

    user = fields.String(required=True)
    at = fields.String(required=True)
    text = fields.String(required=True, allow_none=True)


class LateRow(CaseLine):
    """A period; ``ended`` is empty while it runs, else "late"."""

    timer = fields.String(required=True)
    timer_label = fields.String(required=True)
    generation = fields.Integer(required=True)
    provisional = fields.Boolean(required=True)
    hours = fields.Integer(required=True)
    ended = fields.String(required=True)
    reason = fields.Nested(LateReasonBody, required=True, allow_none=True)
    can_answer = fields.Boolean(required=True)


class LateList(Listed):
    """A page of periods, the earliest due first, and how many there are in all."""

    rows = nested(LateRow, many=True)
    total = fields.Integer(required=True)


class MonthLine(Schema):
    """An area with its counts, month by month."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    counts = fields.List(fields.Integer(), required=True)


class MonthsBody(Schema):
    """How many periods fell late by area and month."""

    months = fields.List(fields.String(), required=True)
    rows = nested(MonthLine, many=True)
    sums = fields.List(fields.Integer(), required=True)
    as_of = fields.String(required=True)


class LatePeriod(Schema):
    """A period of a case."""

    kind = fields.String(required=True, validate=validate.Length(1, 40))
    generation = fields.Integer(required=True, validate=validate.Range(0, HIGHEST))


class NewReason(LatePeriod):
    """Why it is late."""

    text = fields.String(required=True, validate=validate.Length(1, late_reasons.LONGEST_REASON))


class ReasonDone(Schema):
    """The case whose period it was."""

    case = fields.String(required=True)
    repeated = fields.Boolean(required=True)


class UrgingNotice(Schema):
    """For which county or township, and which month."""

    area = fields.String(required=True, validate=validate.Regexp("^[0-9]{12}$"))
    month = fields.String(required=True, validate=validate.Length(max=7))


REASON_EXAMPLE = {"kind": "verify", "generation": 1, "text": "道路中断，预计下周三办结"}
PERIOD_EXAMPLE = {"kind": "verify", "generation": 1}
DONE_EXAMPLE = {"case": "500241H0000001-C1", "repeated": False}


@pages.route("/board", methods=["GET"])
@pages.arguments(AreaQuery, location="query")
@pages.answers(BoardBody)
def board(query: Mapping[str, Any]) -> dict[str, Any]:
    """What is late, due today and due this week, by area and gate."""
    found, words = service.board(actor(), area=query["area"]), speech()
    rows = [
        {
            "code": line.code,
            "name": line.name,
            "cells": {column: cell_body(cell) for column, cell in line.cells.items()},
            "total": cell_body(line.total),
        }
        for line in found.lines
    ]
    columns = {column: column_label(words, column) for column in found.columns}
    return {"columns": columns, "rows": rows, "total": cell_body(found.total), "as_of": utc_text(found.now)}


def cell_body(cell: Cell) -> dict[str, Any]:
    """Return the numbers of one place."""
    return dict(vars(cell))


@pages.route("/late", methods=["GET"])
@pages.arguments(LateQuery, location="query")
@pages.answers(LateList)
def rows(query: Mapping[str, Any]) -> dict[str, Any]:
    """The periods that a number counts, with the reasons given."""
    if query["month"] and not service.is_month(query["month"]):
        raise BadValue(field="month", value=query["month"])
    asked = Asked(**{name: query[name] for name in ("area", "column", "band", "month")})
    found = service.listed(actor(), asked, after=query["after"])
    total = service.count(actor(), asked)
    lines = [late_body(line) for line in found.rows]
    return {"rows": lines, "total": total, "next": found.following, "as_of": utc_text(found.now)}


def late_body(line: LateLine) -> dict[str, Any]:
    """Return a period with its case."""
    words = speech()
    labels = labels_for(runtime().rules.machine_of(line.case), words)
    return {
        **case_line(lists.CaseLine(line.case, line.house, line.due_at, line.behalf), words),
        "timer": line.timer,
        "timer_label": labels.timer(line.timer),
        "generation": line.generation,
        "provisional": line.provisional,
        "hours": line.hours,
        "ended": line.ended,
        "reason": dict(vars(line.reason)) if line.reason else None,
        "can_answer": line.can_answer,
    }


@pages.route("/board/months", methods=["GET"])
@pages.arguments(AreaQuery, location="query")
@pages.answers(MonthsBody)
def months(query: Mapping[str, Any]) -> dict[str, Any]:
    """How many periods fell late by area and month, of the last twelve months."""
    found = service.heat(actor(), area=query["area"])
    lines = [{"code": code, "name": name, "counts": counts} for code, name, counts in found.lines]
    return {"months": found.months, "rows": lines, "sums": found.sums, "as_of": utc_text(found.now)}


@pages.route("/cases/<number>/late", methods=["POST"])
@pages.arguments(NewReason, example=REASON_EXAMPLE)
@pages.answers(ReasonDone, example=DONE_EXAMPLE, refusals=(409,))
@pages.command
def answer(body: Mapping[str, Any], number: str) -> tuple[int, dict[str, Any]]:
    """Say why a period is late."""
    text = narrow(body["text"])
    late_reasons.give_reason(actor(), case=number, kind=body["kind"], generation=body["generation"], text=text)
    return 200, {"case": number}


@pages.route("/cases/<number>/late/erase", methods=["POST"])
@pages.arguments(LatePeriod, example=PERIOD_EXAMPLE)
@pages.answers(ReasonDone, example=DONE_EXAMPLE, refusals=(409,))
@pages.command
def erase(body: Mapping[str, Any], number: str) -> tuple[int, dict[str, Any]]:
    """Erase the words of the reasons of a period; their digests stay in the ledger."""
    late_reasons.erase_reasons(actor(), case=number, kind=body["kind"], generation=body["generation"])
    return 200, {"case": number}


@pages.route("/board/notice", methods=["POST"])
@pages.arguments(UrgingNotice, example={"area": "500241103000", "month": "2026-11"})
@pages.doc(responses={"200": {"description": "The notice", "content": PDF}})
@pages.answers()
def notice(body: Mapping[str, Any]) -> Response:
    """Print the urging notice of a month. It changes nothing but the ledger, so no key is asked for."""
    found = urging_notice.make(actor(), area=body["area"], month=body["month"])
    pdf = printing.print_notice(notice_values(found, speech(body["area"], now=found.now)))
    return download(pdf, "application/pdf", f"urging-{body['area']}-{found.month}.pdf")
