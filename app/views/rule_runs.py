"""Changes of rules on pages: rehearsed by the county office, applied to running cases, taken back."""

from datetime import date
from typing import Any

from flask import Blueprint, make_response, redirect, request, url_for
from werkzeug.wrappers import Response

from app.access import signed
from app.labels import Speech
from app.services import calendar_runs, rule_report, rule_runs
from app.services.moving import Run
from app.views.errors import refused_page
from app.views.shown import page, speech
from workflows.errors import BadRules, BadValue

pages = Blueprint("rule_runs", __name__)
SECONDS = 2
LARGEST = 1_000_000  # bytes of a pack


@pages.get("/changes")
def runs() -> str:
    """The latest runs of one's counties, and the form of a rehearsal."""
    return _list()


def _list(**values: Any) -> str:
    actor, words = signed().actor, speech()
    counties = rule_runs.county_names(rule_runs.counties_of(actor))
    rows = [
        {"run": run, "title": _title(words, run, counties[run.county]), "state": _state(words, run)}
        for run in rule_runs.runs(actor)
    ]
    return page("rule_runs", words=words, rows=rows, counties=counties, **values)


@pages.post("/changes")
def rehearse() -> Response | str:
    """Ask for a rehearsal of the rules in force, or of a pack that was sent."""
    sent = request.files.get("file")
    try:
        packs = [_text(sent.read(LARGEST + 1))] if sent and sent.filename else []
        run = rule_runs.ask_rehearsal(
            signed().actor, request.form.get("county", ""), packs=packs, on=_day(request.form.get("on", ""))
        )
    except BadRules as refused:
        return refused_page(refused, _list(reasons=refused.params["reasons"], on=request.form.get("on", "")))
    except BadValue as refused:
        return refused_page(refused, _list(problem=refused.params["field"], on=request.form.get("on", "")))
    return redirect(url_for("rule_runs.run", run=run.id), 303)


def _text(data: bytes) -> str:
    try:
        if len(data) <= LARGEST:
            return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    raise BadValue(field="file", value="")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise BadValue(field="on", value=text[:20]) from error


@pages.get("/changes/<int:run>")
def run(run: int) -> Response | str:
    """One run: where it stands, what it found; while it is at work the page comes again by itself."""
    found = rule_runs.run_of(signed().actor, run)
    if found.kind == rule_runs.SIMULATE:
        return redirect(url_for("simulate.result", run=found.id), 303)
    if found.kind in calendar_runs.KINDS:
        return redirect(url_for("calendar.document", document=found.inputs["document"]), 303)
    response = make_response(_shown(found))
    if found.is_open:
        response.headers["Refresh"] = str(SECONDS)
    return response


def _shown(run: Run, **values: Any) -> str:
    actor, words = signed().actor, speech()
    decides = rule_runs.may_decide(actor, run.county)
    return page(
        "rule_run",
        words=words,
        run=run,
        title=_title(words, run, rule_runs.county_names([run.county])[run.county]),
        state=_state(words, run),
        who=rule_runs.name_of(run.user),
        day=words.date(date.fromisoformat(run.inputs["on"])) if "on" in run.inputs else "",
        report=rule_report.report(run, words),
        differences=rule_report.differences(run, words),
        may_apply=decides and rule_runs.may_be_applied(run),
        may_revert=decides and run.kind == rule_runs.APPLY and not run.is_open,
        **values,
    )


@pages.post("/changes/<int:run>/apply")
def apply(run: int) -> Response | str:
    """Move running cases to the rules that a rehearsal showed."""
    return _asked(run, rule_runs.ask_change)


@pages.post("/changes/<int:run>/revert")
def revert(run: int) -> Response | str:
    """Move the cases of a change back."""
    return _asked(run, rule_runs.ask_return)


def _asked(number: int, ask: Any) -> Response | str:
    actor = signed().actor
    reason = request.form.get("reason", "")
    try:
        asked = ask(actor, number, reason=reason)
    except BadValue as refused:
        shown = _shown(rule_runs.run_of(actor, number), problem=refused.params["field"], reason=reason)
        return refused_page(refused, shown)
    return redirect(url_for("rule_runs.run", run=asked.id), 303)


def _title(words: Speech, run: Run, county: str) -> str:
    return words.say(f"changes.kind.{run.kind}", county=county)


def _state(words: Speech, run: Run) -> str:
    return words.say(f"changes.state.{run.state}")
