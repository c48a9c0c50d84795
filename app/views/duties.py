"""The ledger of duties: what is open, missed and done, the form of a report, warnings that were received."""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from app.access import signed
from app.labels import Speech, action_of, refusal_sentence, short_area
from app.runtime import runtime
from app.schemas import whole
from app.services import duty_desk, duty_reports, evidence
from app.services.duty_desk import Covered, Ledger, Line
from app.services.duty_reports import Report
from app.store.duty_lists import STATES, Wanted
from app.views.cases import sent_key
from app.views.errors import refused_page
from app.views.forms import new_key
from app.views.plain import more_url, time_cell
from app.views.shown import page, present, speech
from workflows.clock import local_date, parse_utc
from workflows.duties import REPORT
from workflows.errors import BadValue, NotFound, Refused

pages = Blueprint("duties", __name__)
ALL, MINE = "all", "mine"
NAME_LENGTH = 40


@pages.get("/duties")
def duties() -> str:
    """My duties, or all of my area: by state, by duty, by place."""
    wanted = wanted_of(request.args)
    found = duty_desk.ledger(signed().actor, wanted, request.args.get("after", ""))
    words = speech(now=found.found.now)
    chosen = {"state": wanted.state, "area": wanted.area, "duty": wanted.duty, "whose": MINE if wanted.mine else ALL}
    return page(
        "duties",
        words=words,
        rows=[line_row(line, words, found.found.now) for line in found.found.rows],
        tiles=[tile(state, found, chosen) for state in STATES],
        whose=[whose(name, chosen) for name in (MINE, ALL)],
        by_duty=[duty_link(row, words, chosen) for row in found.duties],
        every_url=here(chosen, duty=""),
        coverage=[covered_row(one, words) for one in found.coverage],
        visits=found.visits,
        more=more_url("duties.duties", found.found.following, **chosen),
        chosen=chosen,
        warn=warn_form(words) if duty_reports.registers(signed().actor) else None,
        said=request.args.get("said", "").partition("~"),
    )


def wanted_of(given: Mapping[str, str]) -> Wanted:
    """Return what an address asks for; what it does not know it leaves out."""
    state, area = given.get("state", "missed"), given.get("area", "")
    area = area if whole(area) is not None and len(area) == 12 else ""
    return Wanted(
        state=state if state in ("", *STATES) else "",
        area=area,
        duty=given.get("duty", "")[:NAME_LENGTH],
        mine=given.get("whose", MINE) != ALL,
    )


def here(chosen: Mapping[str, str], **other: str) -> str:
    """Return the address of the list as it is chosen, with something else chosen."""
    values: dict[str, Any] = {**chosen, **other}
    return url_for("duties.duties", **values)


def tile(state: str, found: Ledger, chosen: Mapping[str, str]) -> dict[str, Any]:
    """Return the link to the periods of one state, with their number where it is counted."""
    return {
        "name": {"missed": "late", "open": "today"}.get(state, "later"),
        "word": f"duty.state_{state}",
        "count": found.counts.get(state),
        "chosen": chosen["state"] == state,
        "url": here(chosen, state=state),
    }


def whose(name: str, chosen: Mapping[str, str]) -> dict[str, Any]:
    """Return the link to one's own duties or to all of the area."""
    url = here(chosen, whose=name)
    return {"word": f"duty.{name}", "url": url, "chosen": chosen["whose"] == name}


def duty_link(row: tuple[str, Any, int, int], words: Speech, chosen: Mapping[str, str]) -> dict[str, Any]:
    """Return the link to the periods of one duty with how many are open and missed."""
    name, label, running, missed = row
    url = here(chosen, duty=name)
    return {"label": words.pick(label), "url": url, "open": running, "missed": missed, "chosen": chosen["duty"] == name}


def covered_row(one: Covered, words: Speech) -> dict[str, Any]:
    """Return how far a duty's rounds have come: so many of so many."""
    return {
        "label": words.pick(one.label),
        "period": words.say("duty.period", begins=words.date(one.begins), due=words.last_day(one.due_at)),
        "text": words.say("duty.covered", done=one.done, subjects=one.subjects),
        "done": one.done,
        "subjects": one.subjects,
    }


def line_row(line: Line, words: Speech, now: Any) -> dict[str, Any]:
    """Return a period as lists show it."""
    key = "duty.days_progress" if line.counts_days else "duty.progress"
    place = short_area(line.place) if line.kind == "household" else ""
    period = words.say("duty.period", begins=words.date(line.begins), due=words.last_day(line.due_at))
    return {
        "label": words.pick(line.label),
        "name": line.name if line.kind == "household" else short_area(line.name),
        "place": place,
        "subject": line.subject,
        "url": url_for("duties.duty", county=line.county, period=line.key),
        "status": line.status,
        "state": words.say(f"duty.state_{line.status}"),
        "period": period,
        "by": words.say("duty.by", roles=words.roles(line.roles)),
        "progress": words.say(key, done=line.done, needed=line.needed),
        "settled": words.say("duty.settled", at=words.time(line.settled_at)) if line.settled_at else "",
        "clause": line.clause,
        "may_report": line.may_report,
        **time_cell(words, line.due_at, now, provisional=line.provisional),
    }


def household_rows(lines_of: Iterable[Line], words: Speech, now: Any) -> dict[str, Any]:
    """Return a household's duties of the last year with how many were done, late, missed."""
    kept = list(lines_of)
    counts = {state: sum(line.status == state for line in kept) for state in STATES}
    rows = [{**line_row(line, words, now), "timed": not line.name} for line in kept]
    return {"rows": rows, "summary": words.say("duty.summary", **counts)}


# --- one period ---
@pages.get("/duties/<county>/<period>")
def duty(county: str, period: str) -> str:
    """One period: what was done for it, and the form of a report."""
    return show(county, period, None)


def show(county: str, period: str, refused: Refused | None) -> str:
    """Render the page of a period, with what is wrong when a report was refused."""
    line, others = duty_desk.one(signed().actor, county, period)
    words = speech()
    now = present()
    sentence = refusal_sentence(words, refused, None) if refused else ""
    if isinstance(refused, BadValue):
        sentence = words.say("refused.bad_value", field=words.say(f"duty.{refused.params['field']}"))
    return page(
        "duty",
        words=words,
        line=line_row(line, words, now),
        counts=what_counts(line, words),
        did=[did_row(one, line, words) for one in line.did],
        report=line.may_report,
        by_case=REPORT not in line.acts,
        household=line.subject if line.kind == "household" else "",
        late=line.status == "missed",
        modes=[(mode, words.say(f"duty.mode_{mode}")) for mode in line.modes],
        days=line.counts_days,
        left_over=max(line.needed - line.done, 1),
        others=[line_row(other, words, now) for other in others if other.may_report] if line.may_report else [],
        typed=request.form,
        ticked=request.form.getlist("subject"),
        today=local_date(now).isoformat(),
        begins=local_date_text(line.begins),
        key=request.form.get("key", "") or new_key(),
        problem=sentence,
        send_url=url_for("duties.report", county=county, period=period),
    )


def local_date_text(at: str) -> str:
    """Return the local day of a UTC text."""
    return local_date(parse_utc(at)).isoformat()


def what_counts(line: Line, words: Speech) -> str:
    """Say whose acts of which kind fulfil a duty, and in which way."""
    acts = words.listed([act_label(act, words) for act in line.acts])
    modes = words.listed([words.say(f"duty.mode_{mode}") for mode in line.modes])
    allowed = words.say("duty.modes_only", modes=modes) if modes else ""
    return words.say("duty.who_counts", roles=words.roles(line.roles), acts=acts, modes=allowed)


def act_label(act: str, words: Speech) -> str:
    """Return what an act is called: a report, or an action of a case."""
    if act == REPORT:
        return words.say("duty.act_report")
    if act == "warning":
        return words.say("duty.did_warning")
    definition, _, name = act.partition(".")
    return action_of(words, runtime().rules.definitions[definition], name) or act


def did_row(one: duty_desk.Done, line: Line, words: Speech) -> dict[str, Any]:
    """Return one thing that was done for a period."""
    told = [act_label(one.act, words), words.role(one.role)]
    told += [words.say(f"duty.mode_{one.mode}")] if words.knows(f"duty.mode_{one.mode}") else []
    told += [words.say("duty.did_nil")] if one.nil else []
    return {
        "on": words.date(date.fromisoformat(one.on)),
        "at": words.time(one.at),
        "text": words.listed(told),
        "amount": one.amount if line.counts_days else 0,
        "why": words.say(f"duty.why_{one.why}") if one.why else "",
        "note": one.note,
        "case": one.case,
        "files": [(sha, url_for("cases.file", county=line.county, sha256=sha)) for sha in json.loads(one.files)],
    }


@pages.post("/duties/<county>/<period>")
def report(county: str, period: str) -> Response:
    """Take in a report; when it is refused, show the form again with all that was typed."""
    actor = signed().actor
    line, _ = duty_desk.one(actor, county, period)  # nothing of a foreign area is kept
    try:
        taken = duty_reports.report(actor, county, report_of(line, county), key=sent_key())
    except NotFound:
        raise
    except Refused as refused:
        return refused_page(refused, show(county, period, refused))
    return redirect(url_for("duties.duties", said=f"{taken.seq}~{taken.count}"), 303)


def report_of(line: Line, county: str) -> Report:
    """Return what the form says; raise BadValue or BadFile."""
    given = request.form
    actor = signed().actor
    kept = [item for item in request.files.getlist("file") if item.filename]
    return Report(
        duty=line.duty,
        begins=line.begins,
        subjects=(line.subject, *(s for s in given.getlist("subject") if s != line.subject)),
        on=day_of(given.get("on", "")),
        mode=given.get("mode", ""),
        amount=whole(given.get("amount", "1")) or 0,
        nil=bool(given.get("nil")),
        note=given.get("note", "").strip(),
        files=tuple(evidence.take_in(actor, county=county, kind="duty_report", data=item.read()) for item in kept),
    )


def day_of(text: str) -> date:
    """Return a day as forms and commands write it; raise BadValue."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadValue(field="on", value="") from error


# --- warnings ---
def warn_form(words: Speech) -> dict[str, Any]:
    """Return what the form that registers a warning offers: the townships and villages of the reader's area."""
    places = duty_reports.places_of(signed().actor)
    return {
        "places": [(code, short_area(name)) for code, name in places],
        "today": local_date(present()).isoformat(),
        "key": new_key(),
        "label": words.say("duty.warn"),
    }


@pages.post("/duties/warnings")
def warn() -> Response:
    """Note that a warning was received."""
    given = request.form
    area = given.get("area", "")
    if whole(area) is None or len(area) != 12:
        raise BadValue(field="area", value="")
    on, note = day_of(given.get("on", "")), given.get("note", "").strip()
    taken = duty_reports.register_warning(signed().actor, area, on, note=note, key=sent_key())
    return redirect(url_for("duties.duties", said=f"{taken.seq}~{taken.count}", state="open"), 303)


def link_of(counts: Mapping[str, int], words: Speech) -> dict[str, str]:
    """Return the line of the desk that tells how many duties are open and missed."""
    state = "missed" if counts["missed"] else "open"
    return {"text": words.say("duty.desk", **counts), "url": url_for("duties.duties", state=state)}
