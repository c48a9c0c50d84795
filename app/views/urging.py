"""The monthly urging notice: for which place and month, and the paper."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, request
from werkzeug.wrappers import Response

from app import printing
from app.access import signed
from app.labels import Speech, short_area
from app.runtime import runtime
from app.services import urging_notice as service
from app.services.late import LateLine
from app.services.urging_notice import DONE, Notice
from app.views.errors import refused_page
from app.views.late import column_label
from app.views.shown import download, labels_for, page, present, speech
from workflows.clock import local_date, utc_text
from workflows.errors import BadValue

pages = Blueprint("urging", __name__)


@pages.get("/board/notice")
def form() -> str:
    """Choose place and month."""
    return show_form()


def show_form(refused: BadValue | None = None) -> str:
    """Render the form, with what was chosen when it was refused."""
    words = speech()
    field = str(refused.params.get("field", "")) if refused else ""
    return page(
        "urging",
        words=words,
        areas=service.areas(signed().actor),
        area=request.values.get("area", ""),
        month=request.form.get("month") or f"{local_date(present()):%Y-%m}",
        problem=words.say("refused.bad_value", field=words.say(f"board.{field}")) if field else "",
    )


@pages.post("/board/notice")
def print_notice() -> Response:
    """Print the notice; that stands in the access ledger."""
    area, month = request.form.get("area", ""), request.form.get("month", "")
    try:
        found = service.make(signed().actor, area=area, month=month)
    except BadValue as refused:
        return refused_page(refused, show_form(refused))
    pdf = printing.print_notice(notice_values(found, speech(area, now=found.now)))
    return download(pdf, "application/pdf", f"urging-{area}-{month}.pdf")


def notice_values(found: Notice, words: Speech) -> dict[str, Any]:
    """Return the notice in words; nothing but texts, numbers and lists of them."""
    year, month = found.month.split("-")
    when = {"year": year, "month": str(int(month))}
    rest = found.total - len(found.lines)
    running = None if rest else sum(not line.ended for line in found.lines)
    opening = [words.say("urging.opening", area=found.name, count=found.total, **when)]
    if found.total:
        opening.append(words.say("urging.demand"))
    return {
        "lang": words.lang,
        "title": words.say("urging.title", **when),
        "number": words.say("urging.number", code=found.area[:9].removesuffix("000"), **when),
        "created": utc_text(found.now)[:10],
        "to": words.say("urging.to_county" if found.is_county else "urging.to_township", area=found.name),
        "opening": opening if found.total else [words.say("urging.nothing", area=found.name, **when)],
        "columns": [words.say("urging.done") if c == DONE else column_label(words, c) for c in found.columns],
        "rows": [{"name": short_area(name), "counts": list(n), "sum": sum(n)} for name, n in found.rows],
        "sums": [sum(n[i] for _, n in found.rows) for i in range(len(found.columns))],
        "total": found.total,
        "totals_title": words.say("urging.totals"),
        "area_head": words.say("ui.area"),
        "sum_head": words.say("board.sum"),
        "list_title": words.say("urging.list") if running is None else words.say("urging.list_of", running=running),
        "heads": [words.say(f"urging.col_{name}") for name in ("case", "place", "timer", "day", "how", "reason")],
        "lines": notice_lines(found.lines, words),
        "rest": words.say("urging.rest", count=rest) if rest else "",
        "issuer": issuer_of(found, words),
        "seal": words.say("urging.seal"),
        "day": words.date(found.now),
    }  # fmt: skip


def issuer_of(found: Notice, words: Speech) -> str:
    """Return who sends the notice: the county's office, or the township."""
    if found.issuer.level == "county":
        return f"{found.issuer.name}{' ' if words.lang == 'en' else ''}{words.say('office.lead')}"
    return found.issuer.name


def notice_lines(lines: Sequence[LateLine], words: Speech) -> list[dict[str, str]]:
    """Return the list: number of the case, place, period, last day; no name, and no word of a reason."""
    made = []
    for line in lines:
        labels = labels_for(runtime().rules.machine_of(line.case), words)
        given = line.reason is not None and line.reason.text is not None
        made.append({
            "number": line.case.number,
            "place": f"{line.house.township_name} {short_area(line.house.village_name)}".strip(),
            "timer": labels.timer(line.timer),
            "day": words.last_day(line.due_at),
            "how": words.say("board.ended_late") if line.ended else words.say("board.running"),
            "reason": words.say("urging.given") if given else words.say("urging.not_given"),
        })  # fmt: skip
    return made
