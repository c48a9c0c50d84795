"""Rosters on pages: sent, checked by the scheduler, confirmed by a person, taken in; and the same layout out again."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, make_response, redirect, request, url_for
from werkzeug.wrappers import Response

from app.access import signed
from app.labels import Speech
from app.roster_told import change_words
from app.services import export, roster_jobs
from app.services.openings import OPENERS
from app.services.roster_jobs import Job
from app.sheets import XLSX, workbook_of
from app.views.errors import refused_page
from app.views.shown import download, page, speech
from workflows.errors import BadValue

pages = Blueprint("rosters", __name__)
SHOWN = 200
SECONDS = 2


@pages.get("/households/rosters")
def rosters() -> str:
    """The form to send a roster, one's own rosters of the last day, and the export."""
    return _form()


def _form(**values: Any) -> str:
    actor = signed().actor
    opens = any(office.role in OPENERS for office in actor.offices)
    return page("rosters", jobs=roster_jobs.jobs(actor), areas=export.areas(actor), opens=opens, **values)


@pages.post("/households/rosters")
def submit() -> Response | str:
    """Take a roster to be checked."""
    sent = request.files.get("file")
    try:
        job = roster_jobs.submit(
            signed().actor,
            data=sent.read() if sent else b"",
            name=(sent.filename if sent else "") or "",
            openings=bool(request.form.get("openings")),
        )
    except BadValue as refused:
        return refused_page(refused, _form(problem=refused.params["field"]))
    return redirect(url_for("rosters.roster", token=job.token))


@pages.get("/households/rosters/<token>")
def roster(token: str) -> Response | str:
    """Where a roster stands; while it waits the page comes again by itself."""
    job = roster_jobs.job_of(signed().actor, token)
    words = speech()
    response = make_response(page("roster", words=words, job=job, **_told(words, job)))
    if job.is_waiting:
        response.headers["Refresh"] = str(SECONDS)
    return response


def _told(words: Speech, job: Job) -> dict[str, Any]:
    answer: Mapping[str, Any] = job.answer
    return {
        "ignored": words.listed(list(answer.get("ignored", ()))),
        "errors": [_error(words, error) for error in answer.get("errors", ())[:SHOWN]],
        "differences": [_difference(words, one) for one in answer.get("differences", ())],
        "reason": words.say(f"refused.{job.refusal}") if words.knows(f"refused.{job.refusal}") else "",
    }


def _error(words: Speech, error: Mapping[str, Any]) -> dict[str, str]:
    why = error["message_zh"] if words.lang == "zh" else error["message_en"]
    return {"row": str(error["row"] or ""), "column": error["column"], "value": error["value"], "why": why}


def _difference(words: Speech, one: Mapping[str, Any]) -> dict[str, Any]:
    changes = [change_words(words, change) for change in one["changes"]]
    return {"row": one["row"], "household": one["household"], "changes": changes}


@pages.post("/households/rosters/<token>/take")
def take(token: str) -> Response:
    """Ask for a checked roster to be taken in, with the differences that were ticked."""
    code = request.form.get("code", "")
    chosen = request.form.getlist("only")
    every = request.form.get("every")
    roster_jobs.take_in(signed().actor, token, code=code if chosen or every else "", only=None if every else chosen)
    return redirect(url_for("rosters.roster", token=token))


@pages.post("/households/rosters/<token>/check")
def check_again(token: str) -> Response:
    """Ask for another check."""
    roster_jobs.check_again(signed().actor, token)
    return redirect(url_for("rosters.roster", token=token))


@pages.post("/households/rosters/<token>/drop")
def drop(token: str) -> Response:
    """Throw a roster away."""
    roster_jobs.drop(signed().actor, token)
    return redirect(url_for("rosters.rosters"))


@pages.post("/households/rosters/<token>/errors")
def errors(token: str) -> Response:
    """The wrong rows of a checked roster in its own layout, with the reasons beside."""
    return download(roster_jobs.wrong_rows(signed().actor, token, speech().lang), XLSX, "roster-errors.xlsx")


@pages.post("/households/rosters/export")
def export_page() -> Response | str:
    """Households of an area in the layout of a roster; noted in the access ledger, so this is a POST."""
    area, purpose = request.form.get("area", ""), request.form.get("purpose", "").strip()
    try:
        lines = export.export_households(signed().actor, area=area, purpose=purpose, most=export.MOST_ON_A_PAGE)
    except BadValue as refused:
        return refused_page(refused, _form(problem=refused.params["field"]))
    return download(workbook_of(lines), XLSX, f"households-{area}.xlsx")
