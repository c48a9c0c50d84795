"""Overdue views: the board by area and gate (live), what fell late by month, the list of the late with reasons."""

import hashlib
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from app.access import signed, visitor
from app.labels import Speech, definition_label, short_area
from app.runtime import runtime
from app.schemas import whole
from app.services import late as service
from app.services import late_reasons
from app.services.late import ALL, BANDS, Asked, Board, Cell, Heat, LateLine
from app.sheets import XLSX, csv_of, workbook_of
from app.sheets import Cell as Datum
from app.views.errors import refused_page
from app.views.plain import more_url, plain_state, time_cell
from app.views.shown import download, labels_for, page, speech
from workflows.clock import utc_text
from workflows.errors import BadValue, NotFound, Refused

pages = Blueprint("late", __name__)
EVERY = 30  # seconds between two looks of a page that stands open
SHADES = 4  # steps of the heat map above nothing


# --- board ---
@pages.get("/board")
def board() -> str:
    """What is late, due today and due this week, by area and gate."""
    found = service.board(signed().actor, area=area_asked(), by=order_asked())
    words = speech(now=found.now)
    return page(
        "board", words=words, every=EVERY, part_url=url_for("late.part", **kept()), **board_values(found, words)
    )


@pages.get("/board/part")
def part() -> Response:
    """The changing part of the board, with its digest: whoever has it already gets none."""
    found = service.board(signed().actor, area=area_asked(), by=order_asked())
    words = speech(now=found.now)
    html = render_template(
        "partials/board.html", t=words.say, words=words, lang=words.lang, **board_values(found, words)
    )
    response = make_response(html)
    response.set_etag(hashlib.sha256(html.encode()).hexdigest()[:32])
    response.headers["X-Fangpin-Now"] = words.time(utc_text(found.now))
    return response.make_conditional(request)  # type: ignore[return-value]


def area_asked() -> str:
    """Return the area that an address names, or an empty text."""
    area = request.args.get("area", "")
    return area if whole(area) is not None and len(area) == 12 else ""


def order_asked() -> str:
    """Return how the rows of the board are ordered."""
    return "area" if request.args.get("by") == "area" else "hours"


def kept() -> dict[str, Any]:
    """Return what an address of the board says."""
    asked = {"area": area_asked(), "by": "area" if order_asked() == "area" else ""}
    return {name: value for name, value in asked.items() if value}


def board_values(found: Board, words: Speech) -> dict[str, Any]:
    """Return the board in words."""
    area = area_asked()
    return {
        "columns": [column_label(words, column) for column in found.columns],
        "lines": [
            {
                "name": short_area(line.name),
                "url": "" if area or line.code[9:].strip("0") else url_for("late.board", area=line.code),
                "cells": [cell_row(line.cells.get(c), words, line.code, c) for c in found.columns],
                "total": cell_row(line.total, words, line.code, ""),
            }
            for line in found.lines
        ],
        "sums": [cell_row(cell, words, area, column) for column, cell in found.sums().items()],
        "total": cell_row(found.total, words, area, ""),
        "path": [(code, name) for code, name in found.path if code[6:].strip("0")],
        "area": area,
        "by": order_asked(),
        "as_of": words.time(utc_text(found.now)),
    }


def column_label(words: Speech, column: str) -> str:
    """Return what a column of the board is called: a gate, or a kind of case."""
    for definition in runtime().rules.definitions.values():
        if column in definition.gates:
            return words.named(f"gate.{column}", definition.gates[column].label, column)
        if column == definition.id:
            return definition_label(words, definition)
    return column


def cell_row(cell: Cell | None, words: Speech, area: str, column: str) -> dict[str, Any] | None:
    """Return a cell in words; each number leads to exactly the rows that it counts."""
    if cell is None or not cell.total:
        return None
    counts = {"late": cell.late, "today": cell.today, "week": cell.week}
    numbers = [
        {"band": band, "count": counts[band], "url": rows_url(area, column, band), "word": words.say(f"ui.band_{band}")}
        for band in BANDS
        if counts[band]
    ]
    return {"numbers": numbers, "hours": hours_text(words, cell), "late": bool(cell.late), "total": cell.total,
            "url": rows_url(area, column, ALL)}  # fmt: skip


def hours_text(words: Speech, cell: Cell) -> str:
    """Return the office hours that the nearest period of a cell has left, or has passed."""
    hours = cell.hours or 0
    return words.say("board.hours_late" if cell.late else "board.hours_left", hours=abs(hours))


def rows_url(area: str, column: str, band: str) -> str:
    """Return the address of the rows of a number."""
    asked = {"area": area, "column": column, "band": band}
    return url_for("late.rows", **{name: value for name, value in asked.items() if value})  # type: ignore[arg-type]


# --- the list ---
@pages.get("/board/rows")
def rows() -> str:
    """The periods that a number counts, with the reasons given."""
    return show_rows()


def show_rows(refused: Refused | None = None) -> str:
    """Render the list; with what is wrong when a reason was refused."""
    asked = asked_of(request.values)
    found = service.listed(signed().actor, asked, after=request.args.get("after", ""))
    words = speech(now=found.now)
    sent = {name: value for name, value in vars(asked).items() if value}
    return page(
        "late",
        words=words,
        rows=[late_row(line, words, found.now) for line in found.rows],
        total=service.count(signed().actor, asked),
        title=title_of(asked, words),
        asked=sent,
        longest=late_reasons.LONGEST_REASON,
        problem=words.say("refused.bad_value", field=words.say("board.reason")) if refused else "",
        tables=[(kind, url_for("late.table", kind=kind, **sent)) for kind in ("csv", "xlsx")],
        more=more_url("late.rows", found.following, **sent),
    )


def asked_of(sent: Any) -> Asked:
    """Return what a list is asked for; what is not known asks for nothing."""
    area, band, month = sent.get("area", ""), sent.get("band", ""), sent.get("month", "")
    columns = {*service.all_columns()}
    column = sent.get("column", "")
    return Asked(
        area=area if whole(area) is not None and len(area) == 12 else "",
        column=column if column in columns else "",
        band=band if band in (*BANDS, ALL) else "",
        month=month if service.is_month(month) else "",
    )


def title_of(asked: Asked, words: Speech) -> str:
    """Return what a list shows, in words."""
    band = words.say("board.month_late", month=asked.month) if asked.month else (
        words.say("board.all") if asked.band == ALL else words.say(f"ui.band_{asked.band or 'late'}")
    )  # fmt: skip
    return " · ".join([band, *([column_label(words, asked.column)] if asked.column else [])])


def late_row(line: LateLine, words: Speech, now: Any) -> dict[str, Any]:
    """Return a period as the list shows it."""
    labels = labels_for(runtime().rules.machine_of(line.case), words)
    is_late = not line.ended and line.due_at <= utc_text(now)
    return {
        "url": url_for("cases.case", number=line.case.number),
        "number": line.case.number,
        "head": line.house.head_name,
        "place": f"{line.house.township_name} {short_area(line.house.village_name)}".strip(),
        "timer": labels.timer(line.timer),
        "state": plain_state(labels, line.case, now),
        "waits": words.roles(labels.compiled.waits_for(line.case.state)),
        "hours": words.say("board.hours_late" if is_late else "board.hours_left", hours=abs(line.hours)),
        "ended": words.say("board.ended_late") if line.ended else "",
        "reason": reason_text(line, words),
        "has_reason": line.reason is not None and line.reason.text is not None,
        "reason_at": words.date(line.reason.at) if line.reason else "",
        "is_mine": line.reason is not None and line.reason.user == signed().actor.id,
        "can_answer": line.can_answer,
        "behalf": line.behalf,
        "kind": line.timer,
        "generation": line.generation,
        **time_cell(words, line.due_at, now, provisional=line.provisional),
    }  # fmt: skip


def reason_text(line: LateLine, words: Speech) -> str:
    """Return the reason given, that it was erased, or nothing."""
    if line.reason is None:
        return ""
    return words.say("board.erased") if line.reason.text is None else line.reason.text


@pages.get("/board/rows.<kind>")
def table(kind: str) -> Response:
    """The whole list as a table to take away."""
    if kind not in ("csv", "xlsx"):
        raise NotFound(page=kind[:10])
    lines = service.everything(signed().actor, asked_of(request.args))
    cells = table_rows(lines, speech())
    data, mime = (csv_of(cells), "text/csv; charset=utf-8") if kind == "csv" else (workbook_of(cells), XLSX)
    return download(data, mime, f"late.{kind}")


def table_rows(lines: list[LateLine], words: Speech) -> list[list[Datum]]:
    """Return the list as lines of a table, its headings first."""
    heads = (
        "number",
        "head",
        "township",
        "village",
        "timer",
        "last_day",
        "hours",
        "waits",
        "how",
        "reason",
        "reason_at",
    )
    made: list[list[Datum]] = [[words.say(f"board.col_{name}") for name in heads]]
    for line in lines:
        labels = labels_for(runtime().rules.machine_of(line.case), words)
        made.append([
            line.case.number, line.house.head_name, line.house.township_name, line.house.village_name,
            labels.timer(line.timer), words.last_day(line.due_at), line.hours,
            words.roles(labels.compiled.waits_for(line.case.state)),
            words.say("board.ended_late") if line.ended else words.say("board.running"),
            (line.reason.text or "") if line.reason else "", words.date(line.reason.at) if line.reason else "",
        ])  # fmt: skip
    return made


@pages.post("/cases/<number>/late")
def answer(number: str) -> AnyResponse:
    """Say why a period is late."""
    kind, generation = period_sent()
    text = request.form.get("text", "")
    try:
        late_reasons.give_reason(signed().actor, case=number, kind=kind, generation=generation, text=text)
    except BadValue as refused:
        return refused_page(refused, show_rows(refused))
    return redirect(back(), 303)


@pages.post("/cases/<number>/late/erase")
def erase(number: str) -> AnyResponse:
    """Erase the words of the reasons of a period."""
    kind, generation = period_sent()
    late_reasons.erase_reasons(signed().actor, case=number, kind=kind, generation=generation)
    return redirect(back(), 303)


def period_sent() -> tuple[str, int]:
    """Return the kind and generation of the period that a form is about."""
    return request.form.get("kind", "")[:40], whole(request.form.get("generation", "")) or 0


def back() -> str:
    """Return the list from which a form was sent."""
    return url_for("late.rows", **{name: value for name, value in vars(asked_of(request.form)).items() if value})


# --- by month ---
@pages.get("/board/months")
def heat() -> str:
    """What fell late by township and month, of the last twelve months."""
    found = service.heat(signed().actor, area=area_asked())
    words = speech(now=found.now)
    return page("heat", words=words, area=area_asked(), **heat_values(found, words))


def heat_values(found: Heat, words: Speech) -> dict[str, Any]:
    """Return the heat map in words: each number in one of ``SHADES`` steps, which the legend names."""
    area = area_asked()
    step = max(1, -(-found.most // SHADES))
    return {
        "months": found.months,
        "lines": [
            {
                "name": short_area(name),
                "url": "" if area or code[9:].strip("0") else url_for("late.heat", area=code),
                "cells": [
                    {"count": n, "shade": -(-n // step), "url": url_for("late.rows", area=code, month=month)}
                    for n, month in zip(counts, found.months, strict=True)
                ],
                "sum": sum(counts),
            }
            for code, name, counts in found.lines
        ],
        "sums": found.sums,
        "total": sum(found.sums),
        "legend": [(n, f"{(n - 1) * step + 1}–{n * step}" if n else "0") for n in range(SHADES + 1)],
        "path": [(code, name) for code, name in found.path if code[6:].strip("0")],
        "can_urge": visitor().may_open("urging.form"),
    }
