"""Anybody checks a print: by its code or its file, without logging in. The answer says nothing of any person."""

from datetime import date
from typing import Any

from flask import Blueprint, request

from app import printing
from app.labels import Speech
from app.services import public_check
from app.services.public_check import Answer
from app.views.shown import page, speech
from workflows.errors import Throttled

pages = Blueprint("check", __name__)


@pages.route("/check", methods=["GET", "POST"])
def check() -> str | tuple[str, int]:
    """The form, and what is found of a code or a file."""
    if request.method != "POST":
        return page("check", answer=None, code="", sentence="")
    code = request.form.get("code", "").strip()[:200]
    try:
        return page("check", answer=_shown(asked(code)), code=code, sentence="")
    except Throttled as refused:
        sentence = speech().say("refused.throttled", **refused.params)
        return page("check", answer=None, code=code, sentence=sentence), 429


def asked(code: str) -> Answer | None:
    """Return the answer to what was sent: a file goes before a code; None where there is neither."""
    file, source = request.files.get("file"), request.remote_addr or ""
    if file and file.filename:
        return public_check.of_file(file.stream.read(), printing.judge_apart, source=source)
    return public_check.of_code(code, source=source) if code else None


def told_of_paper(words: Speech, answer: Answer) -> str:
    """Return what is to be compared with an official paper at hand; empty for other answers."""
    if not answer.paper:
        return ""
    number = answer.number or words.say("check.by_hand")
    told = {
        "title": words.say(f"paper.{answer.paper}"),
        "number": number,
        "day": words.date(date.fromisoformat(answer.day)),
    }
    return words.say("check.paper", **told, count=answer.households)


def told_of_seal(words: Speech, answer: Answer) -> str:
    """Return what the electronic seal of a file is; empty where it has none, or the verdict says it."""
    if answer.seal not in ("good", "no_root"):
        return ""
    at = words.time(answer.seal_at) if answer.seal_at else ""
    return words.say(f"check.seal_{answer.seal}", who=answer.seal_by, at=at)


def _shown(answer: Answer | None) -> dict[str, Any] | None:
    if answer is None:
        return None
    words = speech()
    said = words.say(f"check.{answer.verdict}", count=answer.later)
    entries = words.say("check.entries", count=answer.entries) if answer.entries else told_of_paper(words, answer)
    seal = told_of_seal(words, answer)
    return {"is_good": answer.is_true, "text": said, "entries": entries, "seal": seal, "verdict": answer.verdict}
