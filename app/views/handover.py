"""Handing over a leaver's households: whose, to whom, why, with the note of assignment; what became of each."""

from typing import Any

from flask import Blueprint, request, url_for
from werkzeug.wrappers import Response

from app.access import signed
from app.labels import Speech, refusal_sentence, short_area
from app.schemas import narrow, person
from app.services import handover, lists
from app.services.handover import Handed
from app.views.errors import refused_page
from app.views.forms import new_key
from app.views.shown import page, speech
from workflows.errors import BadFile, BadValue, MissingEvidence, MissingField, NotFound, Refused

pages = Blueprint("handover", __name__)
LONGEST_REASON = 2000


@pages.get("/hand-over")
def givers() -> str:
    """Who helps households where the reader sees any."""
    rows = [
        {
            "name": one.name,
            "active": one.active,
            "count": one.count,
            "url": url_for("handover.form", account=one.account),
        }
        for one in handover.givers(signed().actor)
    ]
    return page("handover", rows=rows)


@pages.get("/hand-over/<account>")
def form(account: str) -> str:
    """The households of one helper, and the form."""
    return show_form(account, None)


def show_form(account: str, refused: Refused | None) -> str:
    """Render the form, with what was typed when it was refused; NotFound where there is nothing to hand over."""
    actor, words = signed().actor, speech()
    giver = next((one for one in handover.givers(actor) if one.account == account), None)
    if giver is None:
        raise NotFound(user=account[:20])
    numbers = handover.mine(actor, account)
    home = lists.home_area(actor)
    takers = [(one, name) for one, name, _ in lists.candidates(["helper"], home) if one != account]
    return page(
        "handover",
        words=words,
        giver=giver,
        rows=case_rows(numbers),
        takers=sorted(takers, key=lambda pair: pair[1]),
        typed={"taker": request.form.get("taker", ""), "reason": request.form.get("reason", "")},
        key=new_key(),
        longest=LONGEST_REASON,
        problem=problem_of(words, refused) if refused else "",
    )


def problem_of(words: Speech, refused: Refused) -> str:
    """Return what is wrong with the form."""
    field = str(refused.params.get("field", ""))
    if not field:
        return refusal_sentence(words, refused)
    return words.say(f"refused.{refused.code}", field=words.say(f"handover.{field}"))


def case_rows(numbers: list[str]) -> list[dict[str, Any]]:
    """Return the households of some cases as the page lists them."""
    lines = lists.case_lines(signed().actor, numbers)
    return [
        {
            "number": number,
            "head": lines[number].house.head_name,
            "village": short_area(lines[number].house.village_name),
            "url": url_for("cases.case", number=number),
        }
        for number in numbers
        if number in lines
    ]


@pages.post("/hand-over/<account>")
def hand_over(account: str) -> Response | str:
    """Hand over, household by household; what is refused stays with the giver and is said."""
    actor, sent = signed().actor, request.form
    try:
        taker, reason = sent.get("taker", ""), narrow(sent.get("reason", ""))
        ensure_filled(taker, reason)
        note = handover.take_note(actor, handover.mine(actor, account), note_sent())
        done = handover.hand_over(actor, account, taker, reason=reason, evidence=note, key=sent.get("key", ""))
    except (MissingField, MissingEvidence, BadValue, BadFile) as refused:
        return refused_page(refused, show_form(account, refused))
    return show_done(account, done)


def ensure_filled(taker: str, reason: str) -> None:
    """Raise MissingField or BadValue for what no household could be handed over with."""
    for field, value in (("taker", taker), ("reason", reason)):
        if not value:
            raise MissingField(field=field)
    if person(taker) is None:
        raise BadValue(field="taker", value=taker[:20])
    if len(reason) > LONGEST_REASON:
        raise BadValue(field="reason", value="")


def note_sent() -> bytes:
    """Return the note of assignment; raise MissingField when none was sent."""
    file = request.files.get("note")
    data = file.read() if file else b""
    if not data:
        raise MissingField(field="note")
    return data


def show_done(account: str, done: Handed) -> str:
    """Render what became of each household."""
    words = speech()
    lines = {row["number"]: row for row in case_rows([*done.done, *(case for case, _ in done.refused)])}
    return page(
        "handover",
        words=words,
        done=[lines.get(case, {"number": case, "head": "", "url": ""}) for case in done.done],
        refused=[
            {**lines.get(case, {"number": case}), "why": refusal_sentence(words, refusal)}
            for case, refusal in done.refused
        ],
        again=url_for("handover.form", account=account) if done.refused else "",
        is_done=True,
    )
