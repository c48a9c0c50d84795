"""What if: the form of a simulation, its result with plots and tables, and its figures to download."""

import re
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, make_response, redirect, request, url_for
from werkzeug.wrappers import Response

from app.access import signed
from app.labels import Speech, money
from app.schemas import narrow
from app.services import rule_runs
from app.services.moving import Run
from app.services.rule_runs import SIMULATE
from app.services.simulation import figures, form
from app.services.simulation.form import ask_of
from app.services.simulation.wishes import NUMBERS
from app.views.errors import refused_page
from app.views.shown import download, page, speech
from workflows.errors import BadValue, NotFound

pages = Blueprint("simulate", __name__)
SECONDS = 2
NAMES = re.compile(rf"line|(limit|unit|staff|acts|visits)\.[a-z_.]+|{'|'.join(NUMBERS)}")


@pages.get("/simulations")
def simulations() -> str:
    """The form, filled with an earlier simulation's inputs when asked for, and the simulations so far."""
    typed: Mapping[str, str] = {}
    number = request.args.get("like", "")
    if number.isascii() and number.isdigit():
        typed = form.typed_of(_run(int(number)).inputs)
    return _form(typed, {})


def _form(typed: Mapping[str, str], wrong: Mapping[str, str]) -> str:
    actor, words = signed().actor, speech()
    county = rule_runs.counties_of(actor)[0]
    found = [run for run in rule_runs.runs(actor) if run.kind == SIMULATE]
    asked = form.form_of(words, county, typed, wrong)
    return page("simulate", words=words, form=asked, wrong=wrong, runs=[_line(words, run) for run in found])


def _line(words: Speech, run: Run) -> dict[str, Any]:
    houses = run.result.get("households", {})
    return {
        "url": url_for("simulate.result", run=run.id),
        "number": run.id,
        "time": words.time(run.created_at),
        "state": words.say(f"simulate.state_{run.state}"),
        "line": f"{money(houses['line'])} → {money(houses['line_after'])}" if houses else "",
        "newly": houses.get("newly_inside", ""),
    }


@pages.post("/simulations")
def ask() -> Response:
    """Ask for a simulation; what was typed wrong is named, and all that was typed is kept."""
    typed = {k: narrow(v) for k, v in request.form.items() if NAMES.fullmatch(k)}
    actor = signed().actor
    county = rule_runs.counties_of(actor)[0]
    texts = ask_of(typed)
    _, wrong = rule_runs.judge_simulation(county, texts)
    if wrong:
        key, value = next(iter(wrong.items()))
        return refused_page(BadValue(field=key, value=value), _form(typed, wrong))
    run = rule_runs.ask_simulation(actor, county, texts)
    return redirect(url_for("simulate.result", run=run.id), 303)


def _run(number: int) -> Run:
    found = rule_runs.run_of(signed().actor, number)
    if found.kind != SIMULATE:
        raise NotFound(run=str(number))
    return found


@pages.get("/simulations/<int:run>")
def result(run: int) -> Response:
    """What came of a simulation; while it is being made the page comes again by itself."""
    found, words = _run(run), speech()
    told = figures.Teller(words, found.inputs, found.result).told() if found.result else None
    response = make_response(
        page("simulation", words=words, run=found, told=told, asked_at=words.time(found.created_at))
    )
    if found.is_open:
        response.headers["Refresh"] = str(SECONDS)
    return response


@pages.get("/simulations/<int:run>.csv")
def as_csv(run: int) -> Response:
    """All tables for a spreadsheet."""
    found, words = _finished(run), speech()
    data = figures.as_csv(words, figures.Teller(words, found.inputs, found.result).told())
    return download(data, "text/csv; charset=utf-8", f"simulation-{run}.csv")


@pages.get("/simulations/<int:run>.json")
def as_json(run: int) -> Response:
    """All figures and inputs for programs."""
    found = _finished(run)
    return download(
        figures.as_json(speech(), run, found.inputs, found.result), "application/json", f"simulation-{run}.json"
    )


def _finished(number: int) -> Run:
    found = _run(number)
    if not found.result:
        raise NotFound(run=str(number))
    return found
