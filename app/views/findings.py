"""A finding becomes a rectification item: the form that an auditor opens from a household, a sample or a list."""

from flask import Blueprint, redirect, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from app.access import signed
from app.labels import Labels, refusal_sentence
from app.schemas import Read
from app.services import findings, lists
from app.services.lists import HouseholdPage
from app.views.cases import done_url, sent_key
from app.views.errors import code_of, refused_page
from app.views.forms import Asked, Filled, fill, form_rows, new_key
from app.views.shown import page, speech
from workflows.errors import NotFound, Refused

pages = Blueprint("findings", __name__)
GIVEN = ("found_by", "found_at")


@pages.get("/households/<number>/findings/<level>")
def form(number: str, level: str) -> str:
    """The form of a finding; where it was found may stand in the address."""
    found = lists.household_page(signed().actor, number)
    asked = asked_for(found, level)
    refusal = findings.refusal_of(signed().actor, found, level)
    if refusal:
        raise refusal
    typed = MultiDict({name: request.args[name][:200] for name in GIVEN if name in request.args})
    return show(found, level, asked, Filled(asked, typed, Read({}, {})))


def asked_for(found: HouseholdPage, level: str) -> Asked:
    """Return what the form asks for."""
    compiled = findings.machine_for(found)
    form = findings.form_for(compiled, level)
    return Asked(fields=tuple(compiled.fields[name] for name in form.fields), optional=form.optional)


def show(found: HouseholdPage, level: str, asked: Asked, filled: Filled, refused: Refused | None = None) -> str:
    """Render the form, with why it was refused."""
    words = speech(found.house.area, now=found.now)
    labels = Labels(words, findings.machine_for(found))
    sentence = refusal_sentence(words, refused, labels) if refused else ""
    return page(
        "form",
        words=words,
        number=found.house.number,
        title=labels.action(findings.action_for(level)),
        head=found.house.head_name,
        state=labels.definition(),
        back=url_for("households.household", number=found.house.number),
        action_url=url_for("findings.find", number=found.house.number, level=level),
        fields=form_rows(labels, asked, filled, found.now),
        files=[],
        targets=[],
        warnings=[],
        version="",
        key=filled.typed.get("key", "") or new_key(),
        corrected=None,
        banner={"code": code_of(refused), "sentence": sentence, "news": []} if refused else None,
        open=True,
    )


@pages.post("/households/<number>/findings/<level>")
def find(number: str, level: str) -> Response:
    """Open the item; when it is refused, show the form again with all that was typed."""
    actor = signed().actor
    found = lists.household_page(actor, number)
    asked = asked_for(found, level)
    filled = fill(actor, found.house.county, asked)
    try:
        if filled.refusal:
            raise filled.refusal
        done = findings.find(actor, household=number, level=level, data=filled.data, key=sent_key())
    except NotFound:
        raise
    except Refused as refused:
        return refused_page(refused, show(found, level, asked, filled, refused))
    return redirect(done_url(done), 303)
