"""Formal urging: what may be urged, the letters, one letter to print, its answer."""

from datetime import datetime
from typing import Any

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from app import printing
from app.access import signed
from app.labels import Speech, definition_label, short_area
from app.runtime import runtime
from app.services import urgings as service
from app.services.urgings import Candidate, Letter
from app.views.plain import plain_state, time_cell
from app.views.shown import download, labels_for, page, speech

pages = Blueprint("urgings", __name__)


@pages.get("/urgings")
def urgings() -> str:
    """What is twice overdue, and the letters."""
    found = service.overview(signed().actor)
    words = speech(now=found.now)
    return page(
        "urgings",
        words=words,
        rows=[candidate_row(one, words, found.now) for one in found.candidates],
        letters=[letter_row(one, words, found.now) for one in found.letters],
    )


def candidate_row(one: Candidate, words: Speech, now: datetime) -> dict[str, Any]:
    """Return a period that may be urged as the page shows it."""
    labels = labels_for(runtime().rules.machine_of(one.case), words)
    return {
        "case": one.case.number,
        "kind": one.kind,
        "url": url_for("cases.case", number=one.case.number),
        "head": one.house.head_name,
        "place": f"{short_area(one.house.township_name)} {short_area(one.house.village_name)}".strip(),
        "timer": labels.timer(one.kind),
        "state": plain_state(labels, one.case, now),
        "waits": words.roles(labels.compiled.waits_for(one.case.state)),
        **time_cell(words, one.due, now, provisional=False),
    }


def letter_row(one: Letter, words: Speech, now: datetime) -> dict[str, Any]:
    """Return a letter as lists show it."""
    state = "answered" if one.answered_at else "late" if one.is_late(now) else "open"
    return {
        "number": one.full_number,
        "url": url_for("urgings.urging", county=one.county, year=one.year, serial=one.number),
        "case": one.case,
        "case_url": url_for("cases.case", number=one.case),
        "to": short_area(one.area_name),
        "timer": timer_of(one, words),
        "issued": words.date(one.issued_at),
        "issuer": one.issuer,
        "answer_by": words.last_day(one.answer_by),
        "state": state,
        "answered": words.date(one.answered_at) if one.answered_at else "",
        "answerer": one.answerer,
        "answer": one.answer,
    }


def timer_of(one: Letter, words: Speech) -> str:
    """Return what the period is called, as the definition of its case has it."""
    definition = runtime().rules.definitions[one.facts["definition"]]
    timer = definition.timers.get(one.kind)
    return words.named(f"timer.{definition.id}.{one.kind}", timer.label if timer else None, one.kind)


@pages.get("/urgings/<county>/<int:year>/<int:serial>")
def urging(county: str, year: int, serial: int) -> str:
    """One letter, with its answer or the form for it."""
    one = service.letter(signed().actor, county, year, serial)
    words = speech()
    now = datetime.fromisoformat(one.issued_at)
    return page("urging_letter", words=words, l={**letter_row(one, words, now), **sheet_of(one, words)}, one=one)


@pages.post("/urgings")
def issue() -> Response:
    """Issue a letter."""
    one = service.issue(signed().actor, case=request.form.get("case", ""), kind=request.form.get("kind", ""))
    return redirect(url_for("urgings.urging", county=one.county, year=one.year, serial=one.number), 303)


@pages.post("/urgings/<county>/<int:year>/<int:serial>/print")
def pdf(county: str, year: int, serial: int) -> Response:
    """The letter as PDF; that it was printed is written down."""
    one = service.letter(signed().actor, county, year, serial)
    data = printing.print_urging(signed().actor, one, sheet_of(one, speech()))
    return download(data, "application/pdf", f"urging-{one.year}-{one.number}.pdf")


@pages.post("/urgings/<county>/<int:year>/<int:serial>/answer")
def answer(county: str, year: int, serial: int) -> Response:
    """Record the answer."""
    service.answer(signed().actor, county, year, serial, text=request.form.get("answer", ""))
    return redirect(url_for("urgings.urging", county=county, year=year, serial=serial), 303)


def sheet_of(one: Letter, words: Speech) -> dict[str, Any]:
    """Return the letter in words of the day on which it was issued; no name stands in it, only the case's number."""
    words = words.of_act(one.issued_at, policy=str(one.facts["policy"]), county=one.county)
    definition = runtime().rules.definitions[one.facts["definition"]]
    is_street = one.area_name.endswith("街道")  # has an office of the district's, no government of its own
    told = {
        "case": one.case,
        "household": one.facts["household"],
        "village": short_area(one.village_name),
        "kind": definition_label(words, definition),
        "timer": timer_of(one, words),
        "due": words.last_day(one.due),
        "start": words.date(one.facts["start"]),
        "answer_by": words.last_day(one.answer_by),
        "ground": words.aside(str(one.facts["clause"])) if one.facts["clause"] else "",
    }
    return {
        "lang": words.lang,
        "full_number": one.full_number,
        "title": words.say("urging.title"),
        "office": words.say("urging.office", county=one.county_name),
        "to": words.say("urging.to_street" if is_street else "urging.to", township=one.area_name),
        "paragraphs": [words.say(f"urging.p{number}", **told) for number in (1, 2, 3)],
        "day": words.date(one.issued_at),
        "seal": words.say("urging.seal"),
        "foot": words.say("urging.foot", number=one.full_number),
    }
