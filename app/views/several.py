"""One action on several cases at once: those chosen on the desk, what is said of them all, what became of each."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from app.access import signed
from app.labels import Labels, Speech, refusal_sentence, short_area
from app.runtime import runtime
from app.schemas import read_form, whole
from app.services import lists, several
from app.services.lists import CaseLine
from app.services.several import Answer, Wanted
from app.views.cases import UNREAD, sent_key
from app.views.errors import code_of, refused_page
from app.views.forms import Asked, Filled, first_refusal, form_rows, new_key
from app.views.plain import case_row
from app.views.shown import labels_for, page, present, speech
from workflows.definition import Step
from workflows.errors import UnknownAction
from workflows.model import Case

pages = Blueprint("several", __name__)


def choice(case: Case, roles: frozenset[str]) -> dict[str, str] | None:
    """Return what a case's box on the desk says: action, case and version; None where it is for its own page only."""
    step = several.step_for_several(runtime().rules.machine_of(case), case.state)
    return {"action": step.action, "value": f"{case.number}~{case.seq}"} if step and roles & {*step.roles} else None


@pages.get("/desk/acts/<action>")
def form(action: str) -> str | Response:
    """The chosen cases, and what is said of all of them."""
    wanted = chosen(request.args.getlist("case"))
    return show_form(action, wanted, None) if wanted else redirect(url_for("desk.desk"))


@pages.post("/desk/acts/<action>")
def act(action: str) -> str | Response:
    """Carry it out and say what became of each case."""
    wanted = chosen(request.form.getlist("case"))
    if not wanted:
        return redirect(url_for("desk.desk"), 303)
    asked = asked_of(action, list(lines_of(wanted, action).values()))
    read = read_form(asked.fields, asked.optional, {spec.id: request.form.get(spec.id, "") for spec in asked.fields})
    refused = first_refusal(read.errors, asked)
    if refused:
        filled = Filled(asked, request.form, read, errors=read.errors, refusal=refused)
        return refused_page(refused, show_form(action, wanted, filled))
    answers = several.act_on_several(signed().actor, action=action, wanted=wanted, data=read.values, key=sent_key())
    return show_answers(action, answers)


def chosen(sent: Sequence[str]) -> list[Wanted]:
    """Return the cases of boxes that were ticked, each once."""
    pairs = {number: whole(version) for number, _, version in (box.partition("~") for box in sent)}
    return [Wanted(number, UNREAD if version is None else version) for number, version in pairs.items()]


def lines_of(wanted: Sequence[Wanted], action: str) -> dict[str, CaseLine]:
    """Return those of the chosen cases that the person sees and whose rules know the action, by number."""
    found = lists.case_lines(signed().actor, [one.case for one in wanted])
    return {number: line for number, line in found.items() if step_of(line, action)}


def step_of(line: CaseLine, action: str) -> Step | None:
    """Return the step that an action completes in a case."""
    return runtime().rules.machine_of(line.case).step_of(action)


def asked_of(action: str, lines: Sequence[CaseLine]) -> Asked:
    """Return what is said of all the cases; raise UnknownAction where an action is none that several cases share."""
    if not lines:
        raise UnknownAction(action=action)
    compiled = runtime().rules.machine_of(lines[0].case)
    step = compiled.step_of(action)
    if step is None or several.step_for_several(compiled, step.state) is None:
        raise UnknownAction(action=action)
    shared = [name for name in step.fields if name in several.SHARED]
    return Asked(tuple(compiled.fields[name] for name in shared), optional=step.optional)


def show_form(action: str, wanted: Sequence[Wanted], filled: Filled | None) -> str:
    """Render the chosen cases with their boxes, and the shared fields."""
    lines, now = lines_of(wanted, action), present()
    asked = asked_of(action, list(lines.values()))
    labels = labels_in(next(iter(lines.values())))
    versions = {one.case: one.version for one in wanted}
    rows = [case_row(line, labels.speech, now, runtime().rules) for line in lines.values()]
    refusal = filled.refusal if filled else None
    return page(
        "several",
        words=labels.speech,
        title=labels.action(action),
        action_url=url_for("several.act", action=action),
        rows=[{**row, "value": f"{row['number']}~{versions[row['number']]}"} for row in rows],
        fields=form_rows(labels, asked, filled, now),
        key=filled.typed.get("key", "") if filled else new_key(),
        problem=refusal_sentence(labels.speech, refusal, labels) if refusal else "",
        code=code_of(refusal) if refusal else "",
    )


def labels_in(line: CaseLine) -> Labels:
    """Return the labels of a case's own rules."""
    return labels_for(runtime().rules.machine_of(line.case), speech(line.house.area))


def show_answers(action: str, answers: Sequence[Answer]) -> str:
    """Render what became of each case, those that were refused first."""
    lines = lists.case_lines(signed().actor, [one.case for one in answers])
    words = speech()
    rows = sorted((answer_row(one, lines.get(one.case), words) for one in answers), key=lambda row: row["done"])
    done = sum(row["done"] for row in rows)
    known = next(iter(lines.values()), None)
    title = labels_in(known).action(action) if known else words.say("ui.several_result")
    return page("answers", words=words, title=title, rows=rows, done=done, refused=len(rows) - done)


def answer_row(one: Answer, line: CaseLine | None, words: Speech) -> dict[str, Any]:
    """Return what became of one case: where it stands now, or why it was refused."""
    labels = labels_in(line) if line else None
    return {
        "number": one.case,
        "url": url_for("cases.case", number=one.case),
        "head": line.house.head_name if line else one.case,
        "village": short_area(line.house.village_name) if line else "",
        "state": labels.state(line.case.state) if labels and line else "",
        "done": one.refusal is None,
        "repeated": bool(one.done and one.done.repeated),
        "code": code_of(one.refusal) if one.refusal else "",
        "sentence": refusal_sentence(words, one.refusal, labels) if one.refusal else "",
    }
