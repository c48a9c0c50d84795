"""Findings: the form that makes one a rectification item, and the list of the items that are open."""

from typing import Any

from flask import Blueprint, redirect, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from app.access import signed, visitor
from app.labels import Labels, Speech, refusal_sentence, short_area
from app.runtime import runtime
from app.schemas import Read
from app.services import findings, lists, rectifications
from app.services.lists import HouseholdPage
from app.services.rectifications import Asked as Wanted
from app.services.rectifications import Item, Listed
from app.sheets import csv_of
from app.views.cases import done_url, sent_key
from app.views.errors import code_of, refused_page
from app.views.forms import Asked, Filled, fill, form_rows, new_key
from app.views.plain import more_url, plain_state, time_cell
from app.views.shown import download, labels_for, page, speech
from workflows.clock import utc_text
from workflows.errors import BadValue, NotFound, Refused

pages = Blueprint("findings", __name__)
GIVEN = ("found_by", "found_at")
ONE_PAGE = 500  # rows of the list to print


# --- the items that are open ---
@pages.get("/rectifications")
def items() -> str:
    """Open rectification items by area, due time and whom they wait for."""
    asked, problem = wanted(), ""
    size = ONE_PAGE if request.args.get("print") == "1" else lists.SIZE
    try:
        found = rectifications.listed(signed().actor, asked, after=request.args.get("after", ""), size=size)
    except BadValue as refused:
        asked, problem = Wanted(), refusal_sentence(speech(), refused)
        found = rectifications.listed(signed().actor, asked)
    words = speech(now=found.found.now)
    kept = kept_of(asked)
    return page(
        "rectifications",
        words=words,
        asked=asked,
        problem=problem,
        total=sum(one.open for one in found.townships),
        as_of=words.time(utc_text(found.found.now)),
        rows=[item_row(one, found, words) for one in found.found.rows],
        townships=[
            {**vars(one), "name": short_area(one.name), "url": url_for("findings.items", area=one.code)}
            for one in found.townships
        ],
        states=states_of(words),
        csv=url_for("findings.items_table", **kept),
        whole=url_for("findings.items", **{**kept, "print": "1"}) if size == lists.SIZE else "",
        first=url_for("findings.items", **kept),
        more=more_url("findings.items", found.found.following, **kept),
        audit=url_for("audit.cases") if visitor().may_open("audit.cases") else "",
    )


def wanted() -> Wanted:
    """Return what an address asks for."""
    sent = request.args
    return Wanted(sent.get("area", "")[:13], sent.get("state", "")[:40], sent.get("late") == "1")


def kept_of(asked: Wanted) -> dict[str, Any]:
    """Return what an address of the list says."""
    sent = {"area": asked.area, "state": asked.state, "late": "1" if asked.late else ""}
    return {name: value for name, value in sent.items() if value}


def states_of(words: Speech) -> list[tuple[str, str]]:
    """Return the states in which an item is open."""
    labels = Labels(words, runtime().rules.current(findings.DEFINITION, words.area, findings.PURPOSE, words.day))
    states = labels.compiled.definition.states.values()
    return [(state.id, labels.state(state.id)) for state in states if not state.closed]


def item_row(one: Item, found: Listed, words: Speech) -> dict[str, Any]:
    """Return an item as the list shows it."""
    case, house = one.line.case, one.line.house
    labels = labels_for(runtime().rules.machine_of(case), words)
    clock = next((c for c in case.clocks.values() if c.due == one.line.due_at), None)
    township = short_area(found.names.get(house.township, house.township))
    return {
        "number": case.number,
        "url": url_for("cases.case", number=case.number),
        "head": house.head_name,
        "place": f"{township} {short_area(house.village_name)}",
        "state": plain_state(labels, case, found.found.now),
        "opened": words.date(case.opened_at),
        "timer": labels.timer(clock.kind) if clock else "",
        **time_cell(words, one.line.due_at, found.found.now, provisional=bool(clock and clock.provisional)),
        **answerer_cells(one, found, words),
    }


def answerer_cells(one: Item, found: Listed, words: Speech) -> dict[str, str]:
    """Return the office that answers for an item, and who holds it."""
    who = one.answerer
    place = short_area(found.names.get(who.area, who.area))
    names = words.listed(list(who.names)) or words.say("kit.no_holder")
    more = words.say("kit.holders_more", count=len(who.names) + who.more) if who.more else ""
    return {"office": f"{place} {words.roles(tuple(who.roles))}", "names": f"{names} {more}".strip()}


@pages.get("/rectifications.csv")
def items_table() -> Response:
    """The same as a table."""
    found = rectifications.listed(signed().actor, wanted(), size=rectifications.MOST_ROWS)
    words = speech(now=found.found.now)
    heads = ["kit.case", "ui.col_household", "kit.village", "ui.col_state", "ui.due", "ui.col_left", "kit.answers"]
    rows = [item_row(one, found, words) for one in found.found.rows]
    body = [(r["number"], r["head"], r["place"], r["state"], r["due"], r["left"], f"{r['office']}：{r['names']}")
            for r in rows]  # fmt: skip
    csv = csv_of([[words.say(head) for head in heads], *body])
    return download(csv, "text/csv; charset=utf-8", "rectifications.csv")


# --- the form of a finding ---


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
