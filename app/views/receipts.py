"""What became of reminders, for county office and auditors; pressing a case by hand."""

from typing import Any

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from app.access import signed
from app.labels import Labels, Speech, short_area
from app.runtime import runtime
from app.schemas import narrow, whole
from app.services import lists, nudges
from app.services import reminders as service
from app.services.reminders import Receipt
from app.store.receipts import STATES, Wanted
from app.told import reminder_words
from app.views.shown import labels_for, page, speech

pages = Blueprint("receipts", __name__)
WORDS = ("waiting", "due_soon", "overdue", "raised", "escalated", "to_urge", "nudged", "urged", "period_ended")


def wanted_of(state: str, word: str, township: str) -> Wanted:
    """Return the filter of a query; what is not known filters nothing."""
    is_place = whole(township) is not None and len(township) == 12
    return Wanted(state if state in STATES else "", word if word in WORDS else "", township if is_place else "")


@pages.get("/receipts")
def receipts() -> str:
    """Who was reminded of what, by filter, newest first; made to be printed too."""
    query = request.args
    wanted = wanted_of(*(query.get(name, "") for name in ("state", "word", "township")))
    found = service.ledger_of(signed().actor, wanted, before=whole(query.get("before", "")))
    words = speech(now=found.now)
    cases = lists.case_lines(signed().actor, [one.case for one in found.rows])
    townships = lists.area_names({one.township for one in found.rows if one.township} | {wanted.township} - {""})
    rows = []
    for one in found.rows:
        line = cases.get(one.case)
        labels = labels_for(runtime().rules.machine_of(line.case), words) if line else None
        rows.append({**receipt_row(one, labels, words), "place": short_area(townships.get(one.township, ""))})
    kept = vars(wanted)
    return page(
        "receipts", words=words, rows=rows, wanted=wanted, states=STATES, kinds=WORDS,
        townships=sorted(townships.items()), first_url=url_for("receipts.receipts", **kept),
        more=url_for("receipts.receipts", **kept, before=found.before) if found.before else "",
    )  # fmt: skip


def receipt_row(one: Receipt, labels: Labels | None, words: Speech) -> dict[str, Any]:
    """Return a receipt in words: who, what, and each time with its word."""
    household = one.head_name or one.case
    title, _ = reminder_words(words, labels, word=one.word, case=one.case, household=household, params=one.params)
    by = words.listed([f"{words.say(f'channel.{name}')} {words.time(at)}" for name, at in one.by])
    return {
        "id": one.id,
        "name": one.name,
        "title": title,
        "case": one.case,
        "url": url_for("cases.case", number=one.case) if labels else "",
        "sent": words.time(one.sent_at),
        "by": by,
        "read": words.time(one.read_at) if one.read_at else "",
        "answered": words.time(one.answered_at) if one.answered_at else "",
        "answer": words.say(f"receipt.{one.answer}") if one.answer in ("acted", "reason") else "",
        "escalated": words.time(one.escalated_at) if one.escalated_at else "",
    }


@pages.post("/cases/<number>/nudge")
def nudge(number: str) -> Response:
    """Press a case by hand, once a day."""
    nudges.press(signed().actor, number, reason=narrow(request.form.get("reason", "")))
    return redirect(url_for("cases.case", number=number), 303)
