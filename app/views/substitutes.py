"""Vacations and substitutes: my own, and those of the offices that I administer or lead."""

from datetime import date, timedelta
from typing import Any

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from app.access import signed, visitor
from app.labels import Speech, refusal_sentence, short_area
from app.schemas import narrow, whole
from app.services import substitutes as service
from app.services.substitutes import Asked, Line, Page
from app.views.errors import refused_page
from app.views.shown import page, speech
from workflows.errors import (
    BadValue,
    ChainedSubstitute,
    NotAllowed,
    NotFound,
    OverlappingAbsence,
    Refused,
    UnfitSubstitute,
)

pages = Blueprint("substitutes", __name__)
TYPED = ("username", "office", "role", "area", "part", "substitute", "begins", "last", "reason")
SAID = (BadValue, NotFound, NotAllowed, UnfitSubstitute, ChainedSubstitute, OverlappingAbsence)


@pages.get("/substitutes")
def mine() -> str:
    """My absences, and for whom I stand in."""
    return show(False)


@pages.get("/substitutes/area")
def governed() -> str:
    """The absences of the offices that I administer or lead."""
    return show(True)


def show(is_area: bool, refused: Refused | None = None) -> str:
    """Render either page, with what was typed when it was refused."""
    actor, before = signed().actor, whole(request.args.get("before", ""))
    found = service.governed(actor, before=before) if is_area else service.mine(actor, before=before)
    words = speech(now=found.now)
    here = "substitutes.governed" if is_area else "substitutes.mine"
    offices = service.own_offices(actor)
    return page(
        "substitutes",
        words=words,
        is_area=is_area,
        can_govern=visitor().may_open("substitutes.governed"),
        rows=rows_of(found, words),
        offices=[(f"{o.role}@{o.area}", words.role(o.role) + words.aside(short_area(o.name))) for o in offices],
        roles=[(role, words.role(role)) for role in service.STOOD_IN],
        candidates=sorted({one for office in offices for one in service.candidates(office, actor.id)}),
        typed={name: request.form.get(name, "") for name in TYPED},
        longest=service.LONGEST_REASON,
        problem=problem_of(words, refused) if refused else "",
        more=url_for(here, before=found.before) if found.before else "",
    )


def problem_of(words: Speech, refused: Refused) -> str:
    """Return what is wrong with the form."""
    field = str(refused.params.get("field", ""))
    if field:
        return words.say("refused.bad_value", field=words.say(f"absence.{field}"))
    return refusal_sentence(words, refused)


def rows_of(found: Page, words: Speech) -> list[dict[str, Any]]:
    """Return absences as the pages list them."""
    return [row_of(line, words) for line in found.lines]


def row_of(line: Line, words: Speech) -> dict[str, Any]:
    """Return one absence in words."""
    last = date.fromisoformat(line.ends) - timedelta(days=1)
    part = words.say("absence.only_part", part=line.part) if line.part else ""
    return {
        "id": line.id,
        "name": line.name,
        "username": line.username,
        "substitute": line.substitute_name,
        "substitute_username": line.substitute,
        "office": words.role(line.role) + words.aside(short_area(line.area_name)) + part,
        "days": f"{words.date(date.fromisoformat(line.begins))} – {words.date(last)}",
        "reason": line.reason,
        "state": words.say(f"absence.state_{line.state}"),
        "is_running": line.state == "running",
        "can_end": line.can_end,
    }


@pages.post("/substitutes")
def add() -> Response:
    """Record an absence."""
    is_area = request.form.get("of") == "area" and visitor().may_open("substitutes.governed")
    try:
        service.add(signed().actor, asked(is_area))
    except SAID as refused:
        return refused_page(refused, show(is_area, refused))
    return redirect(url_for("substitutes.governed" if is_area else "substitutes.mine"), 303)


def asked(is_area: bool) -> Asked:
    """Return the absence that a form asks for; its last day is included, ours is not."""
    sent = {name: narrow(request.form.get(name, "")) for name in TYPED}
    role, _, area = sent["office"].partition("@")
    if is_area:
        role, area = sent["role"], sent["area"]
    return Asked(
        role=role,
        area=area,
        begins=sent["begins"],
        ends=day_after(sent["last"]),
        reason=sent["reason"],
        username=sent["username"] if is_area else "",
        substitute=sent["substitute"],
        part=sent["part"],
    )


def day_after(text: str) -> str:
    """Return the day after one; what is no day stays as it was typed."""
    try:
        return (date.fromisoformat(text) + timedelta(days=1)).isoformat()
    except (ValueError, OverflowError):
        return text


@pages.post("/substitutes/<int(max=1000000000000):number>/end")
def end(number: int) -> Response:
    """End an absence as of now."""
    service.end(signed().actor, number)
    is_area = request.form.get("of") == "area" and visitor().may_open("substitutes.governed")
    return redirect(url_for("substitutes.governed" if is_area else "substitutes.mine"), 303)
