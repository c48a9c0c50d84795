"""Search and browse households, the household page, and the clue that begins a case."""

from typing import Any

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from app.access import PAGES, signed, visitor
from app.labels import Labels, Speech, masked_phone, purpose_label, refusal_sentence, short_area, state_of
from app.places import is_grouping
from app.runtime import runtime
from app.schemas import narrow, whole
from app.services import cases, duty_desk, grids, lists
from app.services.findings import OPENED_BY
from app.services.lists import House, HouseholdPage
from app.services.rights import seen_for
from app.views.casepage import chain_rows
from app.views.cases import done_url, sent_key
from app.views.duties import household_rows
from app.views.errors import code_of, refused_page
from app.views.forms import Asked, Filled, fill, form_rows, new_key
from app.views.household import people_rows
from app.views.plain import more_url
from app.views.shown import labels_for, page, speech
from workflows.clock import local_date
from workflows.definition import Action
from workflows.errors import NotFound, Refused, WrongState
from workflows.guards import Context, ensure_standing
from workflows.machine import Compiled
from workflows.model import Dossier, Subject

pages = Blueprint("households", __name__)
CLUE, GATES, STATUS = "report_clue", "household_case", "monitor_status"


@pages.get("/households")
def search() -> str:
    """Find a household by name or number, or by going down the areas."""
    words_typed = narrow(request.args.get("q", ""))[:60]
    area = request.args.get("area", "")
    area = area if whole(area) is not None and len(area) == 12 else ""
    found = lists.search(signed().actor, words=words_typed, area=area, after=request.args.get("after", ""))
    words = speech(now=found.found.now)
    home = lists.home_area(signed().actor)
    return page(
        "households",
        words=words,
        q=words_typed,
        area=area,
        path=[(code, short_area(name), reachable(code, home)) for code, name in found.path if not is_grouping(name)],
        inside=found.inside,
        grids_url=grids_url(area or home),
        rows=[house_row(house, state, words) for house, state in found.found.rows],
        more=more_url("households.search", found.found.following, q=words_typed, area=area),
    )


def grids_url(area: str) -> str:
    """Return the page of a village's grids, or an empty text where the reader files nobody under one."""
    is_village = len(area) == 12 and area[9:] != "000"
    return url_for("grids.grids", village=area) if is_village and grids.may_assign(signed().actor, area) else ""


def reachable(code: str, home: str) -> bool:
    """Tell whether an area on the path can be opened: the person's own and those inside it."""
    return code >= home and len(code.rstrip("0")) >= len(home.rstrip("0"))


def house_row(house: House, state: str, words: Speech) -> dict[str, Any]:
    """Return a household as lists show it."""
    return {
        "url": url_for("households.household", number=house.number),
        "number": house.number,
        "head": house.head_name,
        "behalf": seen_for(signed().actor, house.area),
        "place": " ".join(filter(None, (house.township_name, short_area(house.village_name), house.group))),
        "kind": words.say(f"kind.{house.kind}"),
        "members": house.member_count,
        "status": state_of(words, STATUS, state),
        "monitored": state != "none",
    }


@pages.get("/households/<number>")
def household(number: str) -> str:
    """A household with its members, the flags of its status and all its cases."""
    found = lists.household_page(signed().actor, number)
    words = speech(found.house.area, now=found.now)
    return page(
        "household",
        words=words,
        h=house_row(found.house, state_of_house(found), words),
        national=found.house.national_number,
        phone=masked_phone(found.phone),
        grid=grid_choice(found.house),
        members=people_rows(found.members, words, found.now),
        whole=found.is_whole,
        chains=chain_rows(found.cases, words),
        duties=duties_of(found, words),
        purposes=purpose_rows(found, words) if may_report() else [],
        findings=finding_rows(number, words) if visitor().may_open("findings.form") else [],
    )


def finding_rows(number: str, words: Speech) -> list[dict[str, str]]:
    """Return the links by which an auditor makes a finding of what is seen."""
    return [
        {"label": words.say(f"kit.find_{level}"), "url": url_for("findings.form", number=number, level=level)}
        for level in OPENED_BY
    ]


def duties_of(found: HouseholdPage, words: Speech) -> dict[str, Any] | None:
    """Return the household's duties of the last year; a department, which sees a part of it, gets none."""
    if not found.is_whole or not visitor().may_open("duties.duties"):
        return None
    lines = duty_desk.of_household(signed().actor, found.house.county, found.house.number)
    return household_rows(lines, words, found.now)


def grid_choice(house: House) -> dict[str, Any]:
    """Return the household's grid, the village's grids, and whether the reader may choose another one."""
    there = grids.grids_of(house.village)
    return {
        "now": house.area,
        "name": short_area(dict(there).get(house.area, "")),
        "options": [(code, short_area(name)) for code, name in there],
        "open": bool(there) and grids.may_assign(signed().actor, house.village),
    }


def state_of_house(found: HouseholdPage) -> str:
    """Return the household's monitoring state."""
    return next((c.state for c in reversed(found.cases) if c.definition == STATUS), "none")


def may_report() -> bool:
    """Tell whether the reader may open the page that registers a clue."""
    return bool(visitor().roles & PAGES["households.clue"])


def purpose_rows(found: HouseholdPage, words: Speech) -> list[dict[str, str]]:
    """Return for each purpose a link to register a clue, or the sentence that says why not."""
    rows = []
    for purpose in runtime().rules.definitions[GATES].purposes:
        compiled = machine_for(found, purpose)
        refusal = refusal_of(found, compiled)
        rows.append(
            {
                "label": purpose_label(words, compiled.definition, purpose),
                "url": url_for("households.clue", number=found.house.number, purpose=purpose),
                "why": why_no_clue(found, refusal, compiled, words) if refusal else "",
            }
        )
    return rows


def why_no_clue(found: HouseholdPage, refusal: Refused, compiled: Compiled, words: Speech) -> str:
    """Say why no clue can be registered; where the household's status forbids it, there is no next step to look for."""
    if not isinstance(refusal, WrongState):
        return refusal_sentence(words, refusal, labels_for(compiled, words))
    state = house_row(found.house, state_of_house(found), words)["status"]
    purpose = purpose_label(words, compiled.definition, compiled.purpose)
    return words.say("ui.no_clue_now", state=state, purpose=purpose)


def machine_for(found: HouseholdPage, purpose: str) -> Compiled:
    """Return the machine of a case that would open today; NotFound for a purpose that there is none of."""
    if purpose not in runtime().rules.definitions[GATES].purposes:
        raise NotFound(purpose=purpose)
    return runtime().rules.current(GATES, found.house.area, purpose, local_date(found.now))


def clue_form(compiled: Compiled) -> Action:
    """Return the action that opens a case."""
    return compiled.definition.actions[CLUE]


def refusal_of(found: HouseholdPage, compiled: Compiled) -> Refused | None:
    """Return why the reader may not register a clue now, by the same guards that decide it."""
    house = found.house
    subject = Subject("household", house.number, house.county, house.area, house.head_name, house.kind)
    dossier = Dossier(subject, tuple(found.cases))
    calendar = runtime().rules.calendar_for(house.county)
    try:
        ensure_standing(Context(compiled, dossier, None, clue_form(compiled), signed().actor, found.now, calendar))
    except Refused as refusal:
        return refusal
    return None


@pages.get("/households/<number>/clues/<purpose>")
def clue(number: str, purpose: str) -> str:
    """The form that registers a clue."""
    found = lists.household_page(signed().actor, number)
    compiled = machine_for(found, purpose)
    refusal = refusal_of(found, compiled)
    if refusal:
        raise refusal
    return show_clue(found, compiled, None)


def asked_for(compiled: Compiled) -> Asked:
    """Return what the form of a clue asks for."""
    form = clue_form(compiled)
    return Asked(fields=tuple(compiled.fields[name] for name in form.fields), optional=form.optional)


def show_clue(found: HouseholdPage, compiled: Compiled, filled: Filled | None, refused: Refused | None = None) -> str:
    """Render the form of a clue, empty or as it was filled in."""
    words = speech(found.house.area, now=found.now)
    labels = Labels(words, compiled)
    house = house_row(found.house, state_of_house(found), words)
    banner = (
        {"code": code_of(refused), "sentence": refusal_sentence(words, refused, labels), "news": []}
        if refused
        else None
    )
    return page(
        "form",
        words=words,
        number=found.house.number,
        title=f"{labels.action(CLUE)} · {labels.purpose(compiled.purpose)}",
        head=found.house.head_name,
        state=house["status"],
        back=house["url"],
        action_url=url_for("households.register", number=found.house.number, purpose=compiled.purpose),
        fields=form_rows(labels, asked_for(compiled), filled, found.now),
        files=[],
        targets=[],
        warnings=[],
        version="",
        key=filled.typed.get("key", "") if filled else new_key(),
        corrected=None,
        banner=banner,
        open=True,
    )


@pages.post("/households/<number>/clues/<purpose>")
def register(number: str, purpose: str) -> Response:
    """Register a clue; when it is refused, show the form again with all that was typed."""
    actor = signed().actor
    found = lists.household_page(actor, number)
    compiled = machine_for(found, purpose)
    filled = fill(actor, found.house.county, asked_for(compiled))
    try:
        if filled.refusal:
            raise filled.refusal
        done = cases.register_clue(actor, household=number, purpose=purpose, data=filled.data, key=sent_key())
    except NotFound:
        raise
    except Refused as refused:
        return refused_page(refused, show_clue(found, compiled, filled, refused))
    return redirect(done_url(done), 303)
