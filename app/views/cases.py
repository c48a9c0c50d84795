"""The case on one screen, a form for each move, the files of evidence, and the clue that begins a case."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Blueprint, make_response, redirect, request, url_for
from werkzeug.wrappers import Response

from app.access import signed
from app.labels import Labels, refusal_sentence, short_area
from app.opened import is_forged
from app.runtime import runtime
from app.schemas import whole
from app.services import cases, evidence, lists
from app.services.cases import CaseView, Done
from app.views.casepage import absent_of, case_page, entry_row
from app.views.errors import code_of, refused_answer, refused_page
from app.views.forms import Filled, asked_of, correctable, file_rows, fill, form_rows, new_key, sent_of, target_rows
from app.views.incomes import no_ground, reference_box
from app.views.plain import plain_state
from app.views.shown import labels_for, page, speech
from workflows.clock import local_date
from workflows.decide import Allowed
from workflows.errors import NotFound, Refused, Stale, UnknownAction, WrongState

pages = Blueprint("cases", __name__)
UNREAD = 0


@pages.get("/cases/<number>")
def case(number: str) -> str:
    """The case on one screen."""
    view = cases.case_view(signed().actor, case=number, as_of=request.args.get("as_of", "")[:10])
    words = speech(view.household.area, now=view.now)
    done = request.args.get("done", "")
    return page(
        "case", words=words, c=case_page(view, words), note=done_note(view, labels_for(view.compiled, words), done)
    )


def done_note(view: CaseView, labels: Labels, done: str) -> str:
    """Return what the person's move did: where the case stands, and who still has to sign."""
    entry = next((e for e in view.entries if str(e["seq"]) == done), None)
    if entry is None:
        return ""
    words = labels.speech
    rest = still_to_sign(view, labels, entry)
    if rest:
        return words.say("ui.done_partial", action=labels.action(entry["action"]), rest=rest)
    waits = words.roles(view.compiled.waits_for(view.case.state))
    key = "ui.done_waits" if waits else "ui.done"
    return words.say(key, action=labels.action(entry["action"]), state=labels.state(view.case.state), roles=waits)


def still_to_sign(view: CaseView, labels: Labels, entry: Mapping[str, Any]) -> str:
    """Return who must still sign after a partial signature, or an empty text."""
    form = labels.form(entry["action"])
    given = view.case.fields.get("_signatures", {}).get(form.id, []) if form else []
    if form is None or not given:
        return ""
    words, roles = labels.speech, form.roles
    if form.sign.get("mode") == "all":
        return words.roles([role for role in roles if role not in {s["role"] for s in given}])
    return words.say("ui.more_signers", count=int(form.sign.get("count", 1)) - len(given), roles=words.roles(roles))


# --- a form for each move ---
@pages.get("/cases/<number>/acts/<action>")
def form(number: str, action: str) -> str | Response:
    """The form of one move."""
    view = cases.case_view(signed().actor, case=number)
    labels = labels_of(view)
    allowed = allowed_of(view, action)
    if allowed.refusal:
        return refused_answer(allowed.refusal, labels)
    if "corrected_field" in allowed.fields and request.args.get("corrected_field") not in correctable(view):
        return page(
            "correct", words=labels.speech, **frame(view, labels, action), rows=correct_rows(view, labels, action)
        )
    return show_form(view, labels, allowed, None)


def labels_of(view: CaseView) -> Labels:
    """Return the labels of a case for the reader."""
    return labels_for(view.compiled, speech(view.household.area, now=view.now))


def allowed_of(view: CaseView, action: str) -> Allowed:
    """Return what the machine says of an action here; raise UnknownAction or WrongState."""
    found = next((a for a in view.allowed if a.action == action), None)
    if found:
        return found
    if labels_of(view).form(action) is None:
        raise UnknownAction(action=action)
    form = labels_of(view).form(action)
    refusal = WrongState(action=action, state=view.case.state)
    if form is None:
        raise refusal
    return Allowed(action, form, refusal, None, (), form.fields, form.evidence, ())


def correct_rows(view: CaseView, labels: Labels, action: str) -> list[dict[str, str]]:
    """Return the records that may be corrected, with their present values."""
    return [
        {
            "label": labels.field(name),
            "value": labels.value(name, view.case.fields[name]),
            "entry": str(view.case.fields["_provenance"][name]),
            "url": url_for("cases.form", number=view.case.number, action=action, corrected_field=name),
        }
        for name in correctable(view)
    ]


def frame(view: CaseView, labels: Labels, action: str) -> dict[str, Any]:
    """Return what stands around every form of a case."""
    return {
        "number": view.case.number,
        "title": labels.action(action),
        "head": view.household.head_name,
        "state": plain_state(labels, view.case, view.now),
        "back": url_for("cases.case", number=view.case.number),
    }


def show_form(
    view: CaseView, labels: Labels, allowed: Allowed, filled: Filled | None, *, banner: Mapping[str, Any] | None = None
) -> str:
    """Render the form of a move, empty or as it was filled in."""
    asked = asked_of(view, allowed)
    if filled:
        asked = replace(asked, fixed=filled.asked.fixed, fields=filled.asked.shown(allowed.fields))
    chosen = str(asked.fixed.get("corrected_field", ""))
    return page(
        "form",
        words=labels.speech,
        **frame(view, labels, allowed.action),
        action_url=url_for("cases.act", number=view.case.number, action=allowed.action),
        fields=form_rows(labels, asked, filled, view.now),
        reference=reference_box(labels, asked.fields, local_date(view.now)),
        no_ground=no_ground(labels, allowed.form),
        files=file_rows(labels, asked, filled),
        targets=target_rows(labels, asked, filled),
        warnings=[labels.condition(name) for name in allowed.warnings],
        version=view.case.seq,
        key=filled.typed.get("key", "") if filled else new_key(),
        corrected=corrected_box(view, labels, chosen) if chosen in correctable(view) else None,
        banner=banner,
        open=allowed.is_allowed,
        absent=absent_of(allowed),
    )


def corrected_box(view: CaseView, labels: Labels, name: str) -> dict[str, str]:
    """Return the record that a correcting form is about: its field, label, present value and entry."""
    value = labels.value(name, view.case.fields.get(name))
    entry = str(view.case.fields.get("_provenance", {}).get(name, ""))
    return {"name": name, "label": labels.field(name), "value": value, "entry": entry}


@pages.post("/cases/<number>/acts/<action>")
def act(number: str, action: str) -> Response:
    """Carry out a move; when it is refused, show the form again with all that was typed."""
    actor = signed().actor
    view = cases.case_view(actor, case=number)
    allowed = allowed_of(view, action)
    filled = fill(actor, view.case.county, sent_of(view, allowed), take=allowed.is_allowed)
    seen = seen_version()
    stale = Stale(seen=seen, present=view.case.seq) if seen not in (None, view.case.seq) else None
    try:
        if filled.refusal and stale is None and allowed.is_allowed:
            raise filled.refusal
        done = cases.act(
            actor, case=number, action=action, data=filled.data, evidence=filled.evidence, version=seen, key=sent_key()
        )
    except NotFound:
        raise
    except Refused as refused:
        return refused_form(number, action, with_error(filled, refused), refused, seen)
    return redirect(done_url(done), 303)


def with_error(filled: Filled, refused: Refused) -> Filled:
    """Return a form with a refusal marked at the field that it is about."""
    name = str(refused.params.get("field", ""))
    asked = {spec.id for spec in filled.asked.fields}
    return replace(filled, errors={**filled.errors, name: refused.code}) if name in asked else filled


def done_url(done: Done) -> str:
    """Return the page to show after a move: the same for the first click and the second."""
    return url_for("cases.case", number=done.case, done=done.seq)


def seen_version() -> int | None:
    """Return the entry count that the person's page showed; a text that is no number was shown by no page."""
    sent = request.form.get("version", "")
    seen = whole(sent)
    return UNREAD if sent and seen is None else seen


def sent_key() -> str:
    """Return the form's idempotency key; a form without one, or with one that we never gave out, gets a fresh one."""
    key = request.form.get("key", "")[:80]
    return new_key() if not key or is_forged(runtime().keys.cookie, key) else key


def refused_form(number: str, action: str, filled: Filled, refused: Refused, seen: int | None) -> Response:
    """Answer a refused move: the sentence and code above the form, what was typed in it, what changed since."""
    view = cases.case_view(signed().actor, case=number)
    labels = labels_of(view)
    news = [e for e in view.entries if seen is not None and e["seq"] > seen] if refused.code == "stale" else []
    codes = {e["actor"]["office"] for e in news}
    areas = {code: short_area(name) for code, name in lists.area_names(codes).items()} if codes else {}
    banner = {
        "code": code_of(refused),
        "sentence": refusal_sentence(labels.speech, refused, labels),
        "news": [entry_row(labels, e, view, areas) for e in news],
    }
    return refused_page(refused, show_form(view, labels, allowed_of(view, action), filled, banner=banner))


# --- evidence ---
@pages.get("/files/<county>/<sha256>")
def file(county: str, sha256: str) -> Response:
    """A photo or scan as it may be shown; never run, never kept by a cache."""
    data, mime = evidence.open_file(signed().actor, county=county, sha256=sha256)
    response = make_response(data)
    response.headers["Content-Type"] = mime
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["X-Content-Type-Options"] = "nosniff"
    # A picture is shown in the page; a scan is saved, as a sandboxed page may run no reader.
    how, ending = ("attachment", "pdf") if mime == "application/pdf" else ("inline", "jpg")
    response.headers["Content-Disposition"] = f'{how}; filename="{sha256[:12]}.{ending}"'
    return response
