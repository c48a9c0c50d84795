"""For those who look on: the auditor's list, trail PDF, access ledger; totals for levels above the county."""

from typing import Any

from flask import Blueprint, make_response, request, url_for
from werkzeug.wrappers import Response

from app import printing
from app.access import signed
from app.labels import Speech, definition_label, short_area, state_of
from app.runtime import runtime
from app.services import boards
from app.services import pauses as pause_service
from app.services.boards import Total
from app.services.pauses import Change
from app.store.lists import CaseFilter
from app.views.ledger import ledger_rows
from app.views.plain import case_row, more_url
from app.views.shown import labels_for, language, page, speech
from workflows.clock import parse_duration_text
from workflows.explain_words import length_text
from workflows.variants import FULL

pages = Blueprint("audit", __name__)
KINDS = (
    "case_read",
    "file_read",
    "list_read",
    "trail_print",
    "paper_print",
    "paper_issue",
    "bundle_print",
    "refused",
    "user_added",
    "user_disabled",
    "user_enabled",
    "user_changed",
    "office_given",
    "office_ended",
    "office_changed",
    "staff_imported",
    "staff_exported",
    "areas_imported",
    "calendar",
    "households_imported",
    "households_changed",
    "households_exported",
    "grid_added",
    "grid_assigned",
    "absence_added",
    "absence_ended",
    "late_reason",
    "late_reason_erased",
    "urging_print",
    "mail_address",
    "token_made",
    "token_revoked",
    "webhook_added",
    "webhook_changed",
    "webhook_replayed",
    "case_pressed",
    "urging_issued",
    "urging_answered",
    "urging_printed",
    "duty",
    "duty_begun",
    "seal_accepted",
)


@pages.get("/audit")
def cases() -> str:
    """The cases of the auditor's county, by filter."""
    wanted = CaseFilter(
        definition=_definition(request.args.get("definition", "")),
        state=request.args.get("state", "")[:40],
        township=request.args.get("township", "")[:12],
    )
    late = request.args.get("late") == "1"
    found = boards.audit(signed().actor, wanted, late=late, after=request.args.get("after", ""))
    words = speech(now=found.found.now)
    kept = {
        "definition": wanted.definition,
        "state": wanted.state,
        "township": wanted.township,
        "late": "1" if late else "",
    }
    return page(
        "audit",
        words=words,
        rows=[case_row(line, words, found.found.now, runtime().rules) for line in found.found.rows],
        total=f"{found.total}+" if found.is_more else found.total,
        townships=found.townships,
        kept=kept,
        states=state_options(wanted.definition),
        definitions=[(d.id, definition_label(words, d)) for d in runtime().rules.definitions.values()],
        more=more_url("audit.cases", found.found.following, **kept),
    )


@pages.get("/audit/pauses")
def pauses() -> str:
    """Which deadlines were paused or extended in my area, the newest first."""
    found = pause_service.pauses(signed().actor, after=request.args.get("after", ""))
    words = speech(now=found.now)
    return page(
        "pauses",
        words=words,
        rows=[change_row(change, words) for change in found.rows],
        more=more_url("audit.pauses", found.following),
    )


def change_row(change: Change, words: Speech) -> dict[str, Any]:
    """Return a pause or an extension as the list shows it."""
    labels = labels_for(runtime().rules.machine_of(change.case), words)
    actor = change.entry.get("actor", {})
    kinds = [labels.evidence(item["kind"]) for item in change.entry.get("evidence", [])]
    return {
        "url": url_for("cases.case", number=change.case.number),
        "number": change.case.number,
        "head": change.house.head_name,
        "place": f"{change.house.township_name} {short_area(change.house.village_name)}".strip(),
        "timer": labels.timer(change.timer),
        "how": words.say(f"how.{change.how}"),
        "length": _length(change, words),
        "ends": words.say("ui.pause_moved", before=words.last_day(change.before), after=words.last_day(change.after))
        if change.after else words.say("ui.pause_was", before=words.last_day(change.before)),
        "who": actor.get("name", ""),
        "role": words.role(str(actor.get("role", ""))),
        "at": words.time(change.at),
        "documents": words.listed(list(dict.fromkeys(kinds))),
        "seq": change.entry.get("seq", ""),
        "reason": change.reason,
        "marked": change.is_marked,
        "open": change.how == "paused" and not change.until,
    }  # fmt: skip


def _length(change: Change, words: Speech) -> str:
    if change.how == "paused":
        return words.say("ui.pause_days" if change.until else "ui.pause_open", days=change.days)
    return length_text(parse_duration_text(change.extra), "plain", words.say) if change.extra else ""


def _definition(name: str) -> str:
    return name if name in runtime().rules.definitions else "household_case"


def state_options(definition: str) -> list[tuple[str, str]]:
    """Return the states of a definition with their labels."""
    found = runtime().rules.definitions[definition]
    names = [*(step.state for step in found.steps.values()), *found.states]
    words = speech()
    return [(name, state_of(words, definition, name)) for name in names]


@pages.post("/cases/<number>/trail")
def trail(number: str) -> Response:
    """Print a household's trail; the print is written to the access ledger, so this is a POST."""
    variant = request.form.get("variant", FULL)
    as_of = request.form.get("as_of", "")[:10]
    pdf = printing.print_trail(signed().actor, case=number, lang=language(), variant=variant, as_of=as_of)
    name = "-".join(part for part in ("trail", number, "" if variant == FULL else variant, as_of) if part)
    response = make_response(pdf)
    response.headers["Content-Type"] = "application/pdf"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.pdf"'
    return response


@pages.get("/audit/ledger")
def ledger() -> str:
    """Who looked at what in the auditor's county, newest first."""
    kind = request.args.get("kind", "")
    kind = kind if kind in KINDS else ""
    found = boards.access_ledger(signed().actor, kind=kind, after=request.args.get("after", ""))
    words = speech(now=found.now)
    return page(
        "ledger",
        words=words,
        rows=ledger_rows(found.rows, words),
        kind=kind,
        kinds=KINDS,
        more=more_url("audit.ledger", found.following, kind=kind),
    )


# --- totals ---
@pages.get("/totals")
def totals() -> str:
    """Numbers by county and township; no household stands in them."""
    found = boards.totals(signed().actor)
    words = speech()
    states = [s for s in runtime().rules.definitions["monitor_status"].states if s != "none"]
    counties = [t for t in found if t.is_county]
    return page(
        "totals",
        words=words,
        states=[(name, state_of(words, "monitor_status", name)) for name in states],
        counties=[{"county": c, "townships": _inside(found, c)} for c in counties],
        sums=sums(counties),
    )


def _inside(found: list[Total], county: Total) -> list[Total]:
    return [t for t in found if not t.is_county and t.code.startswith(county.code[:6])]


def sums(counties: list[Total]) -> dict[str, Any]:
    """Return the numbers over all counties."""
    names = {name for c in counties for name in c.states}
    states = {name: sum(c.states.get(name, 0) for c in counties) for name in names}
    return {"states": states, "open_cases": sum(c.open_cases for c in counties), "late": sum(c.late for c in counties)}
