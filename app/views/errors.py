"""Refusals become HTTP here and nowhere else: one table, one page, one problem+json."""

import logging
import re
import secrets
import traceback

from flask import Flask, Response, g, jsonify, make_response, request, url_for
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, InternalServerError

from app.access import Visitor
from app.labels import Labels, refusal_sentence
from app.runtime import runtime
from app.services import refusals
from app.services.isolated import described
from app.services.outages import outage_of
from app.tables import db
from app.views.paths import page_before
from app.views.shown import page, speech
from workflows.errors import Refused

HTTP = {
    "key_missing": 400,
    "bad_token": 401,
    "not_found": 404,
    "out_of_area": 404,
    "unknown_action": 404,
    "not_allowed": 403,
    "wrong_office": 403,
    "same_hand": 403,
    "own_household": 403,
    "helper_steps_aside": 403,
    "recused": 403,
    "out_of_scope": 403,
    "return_first": 409,
    "broken_chain": 409,
    "file_altered": 409,
    "wrong_state": 409,
    "stale": 409,
    "clock_back": 409,
    "not_signed": 503,
    "seal_busy": 409,
    "seal_stale": 409,
    "seal_forked": 409,
    "seal_whole": 409,
    "already_signed": 409,
    "already_open": 409,
    "chained_substitute": 409,
    "overlapping_absence": 409,
    "unfit_substitute": 422,
    "key_reused": 409,
    "key_pending": 409,
    "step_open": 409,
    "no_signing_key": 503,
    "paper_not_ready": 409,
    "case_stuck": 409,
    "too_early": 409,
    "too_late": 409,
    "no_period": 409,
    "period_ended": 409,
    "period_paused": 409,
    "period_runs": 409,
    "period_fixed": 409,
    "extension_bound": 409,
    "mixed_duration": 422,
    "bad_duration": 422,
    "bad_start": 422,
    "missing_field": 422,
    "needs_explanation": 422,
    "needs_judgement": 422,
    "bad_value": 422,
    "hidden_character": 422,
    "missing_evidence": 422,
    "bad_file": 422,
    "bad_rules": 422,
    "bad_calendar": 422,
    "no_quorum": 422,
    "vote_mismatch": 422,
    "condition_bars": 422,
    "forbidden_address": 422,
    "version_missing": 428,
    "throttled": 429,
    "nudged_already": 429,
    "urged_already": 409,
}
HIDDEN = {"out_of_area": "not_found"}  # what lies outside one's area answers like what does not exist
API = "/api/"
CODE_HEADER = "X-Fangpin-Code"
OUTAGE, RETRY_SECONDS = 503, "30"
NUMBER = re.compile(r"[0-9]{6}H[0-9]{7}(-[A-Z][0-9]{1,6})?")
log = logging.getLogger(__name__)


def status_of(refused: Refused) -> int:
    """Return the HTTP status of a refusal."""
    return HTTP.get(refused.code, 422)


def code_of(refused: Refused) -> str:
    """Return the code that people outside see."""
    return HIDDEN.get(refused.code, refused.code)


def wants_json() -> bool:
    """Tell whether the answer is asked for as JSON."""
    if request.path.startswith(API):
        return True
    best = request.accept_mimetypes.best_match(["text/html", "application/json", "application/problem+json"])
    return best in ("application/json", "application/problem+json")


def answer(status: int, code: str, sentence: str, *, reference: str = "") -> Response:
    """Return a refusal as a page or as problem+json, with its code in a header."""
    if wants_json():
        return problem(status, code, sentence, **({"reference": reference} if reference else {}))
    shown = page("refused", status=status, code=code, sentence=sentence, reference=reference, ways=ways_on(code))
    return _marked(make_response(shown), status, code)


def problem(status: int, code: str, sentence: str, **more: object) -> Response:
    """Return a refusal as problem+json (RFC 9457): ``title`` in a few words, ``detail`` as a sentence."""
    words = speech()
    title = words.say(f"why.{code}") if words.knows(f"why.{code}") else sentence
    body = {"type": f"urn:fangpin:{code}", "title": title, "status": status, "detail": sentence, "code": code}
    response = jsonify({**body, **more})
    response.headers["Content-Type"] = "application/problem+json"
    return _marked(response, status, code)


def _marked(response: Response, status: int, code: str) -> Response:
    """Give an answer its status and code; what passes by itself may be asked for again."""
    response.status_code = status
    response.headers[CODE_HEADER] = code
    if status == OUTAGE:
        response.headers["Retry-After"] = RETRY_SECONDS
    return response


def ways_on(code: str) -> list[dict[str, str]]:
    """Return where a refused person may go: back to the case or the page before, to the search, to the first page."""
    here = request.path if request.method == "GET" else ""
    ways = [{"url": url, "word": word} for url, word in ways_back(code) if url and url.partition("?")[0] != here][:1]
    who: Visitor | None = g.get("visitor")
    if code == "not_found" and who and who.signed and who.may_open("households.search"):
        ways.append({"url": url_for("households.search"), "word": "ui.menu_households"})
    return [*ways, {"url": url_for("home.index"), "word": "ui.to_home"}]


def ways_back(code: str) -> list[tuple[str, str]]:
    """Return the pages to which a refused person may want to return, best first; addresses of this site only."""
    number = str((request.view_args or {}).get("number", ""))
    ways = [(page_before(), "ui.to_page_before")]
    if code == "not_found" or not NUMBER.fullmatch(number):
        return ways
    endpoint, word = ("cases.case", "ui.to_case") if "-" in number else ("households.household", "ui.to_household")
    return [(url_for(endpoint, number=number), word), *ways]


def note_refusal(refused: Refused) -> None:
    """Write a refused POST of a person logged in to the access ledger, unless the service that refused it did so.

    A chain that does not verify is noted however it was met.

    Of the address only what is a number of ours or a name of ours is noted: nothing that a person typed.
    """
    who: Visitor | None = g.get("visitor")
    is_noted = request.method == "POST" or refusals.is_alarm(refused)
    if refused.noted or not is_noted or who is None or who.signed is None:
        return
    refused.noted = True
    sent = request.view_args or {}
    number, action = str(sent.get("number", "")), str(sent.get("action", ""))
    detail = {"page": str(request.endpoint), "code": refused.code, "action": action if _is_action(action) else ""}
    subject = number if NUMBER.fullmatch(number) else str(request.endpoint)
    refusals.note(who.signed, refused, subject=subject, detail=detail)


def _is_action(name: str) -> bool:
    definitions = runtime().rules.definitions.values()
    return any(name in d.actions or name in {step.action for step in d.steps.values()} for d in definitions)


def refused_page(refused: Refused, shown: str) -> Response:
    """Answer a refusal with the page on which it happened, so that what was typed is kept."""
    note_refusal(refused)
    response = make_response(shown)
    response.status_code = status_of(refused)
    response.headers[CODE_HEADER] = code_of(refused)
    return response


def refused_answer(refused: Refused, labels: Labels | None = None) -> Response:
    """Return the answer to a refusal."""
    note_refusal(refused)
    words = speech()
    sentence = (
        words.say("refused.not_found") if code_of(refused) == "not_found" else refusal_sentence(words, refused, labels)
    )
    return answer(status_of(refused), code_of(refused), sentence)


def _http_answer(error: HTTPException) -> Response:
    status = error.code or 500
    codes = {404: "not_found", 405: "unknown_action", 413: "too_large", 403: "not_allowed"}
    code = codes.get(status, "bad_request")
    words = speech()
    key = f"refused.{code}" if words.knows(f"refused.{code}") and code != "unknown_action" else f"ui.error_{code}"
    return answer(status, code, words.say(key))


def _csrf_answer(error: CSRFError) -> Response:
    return answer(400, "csrf", speech().say("ui.error_csrf"))


def broken(error: Exception) -> tuple[int, str, str, str]:
    """Log a fault of ours or an outage; return status, code, sentence and the number under which it was logged.

    The log says what broke and where, never a value. The visitor is not looked up again: that may be what broke.
    """
    reference = secrets.token_hex(4)
    db.session.rollback()
    g.setdefault("visitor", Visitor(None))
    code = outage_of(error)
    if code:
        log.error("reference %s: %s, %s", reference, code, described(error))
        return OUTAGE, code, speech().say(f"ui.error_{code}"), reference
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("reference %s: %s\n%s", reference, described(error), frames)
    return 500, "fault", speech().say("ui.error_fault", reference=reference), reference


def cause_of(error: Exception) -> Exception:
    """Return what broke while another error was being answered, which Flask wraps; else the error itself."""
    inner = error.original_exception if isinstance(error, InternalServerError) else None
    return inner if isinstance(inner, Exception) else error


def _broken_answer(error: Exception) -> Response:
    status, code, sentence, reference = broken(cause_of(error))
    return answer(status, code, sentence, reference=reference)


def init_errors(app: Flask) -> None:
    """Let every refusal and fault end here."""
    app.register_error_handler(Refused, refused_answer)
    app.register_error_handler(CSRFError, _csrf_answer)
    app.register_error_handler(HTTPException, _http_answer)
    app.register_error_handler(InternalServerError, _broken_answer)
    app.register_error_handler(Exception, _broken_answer)
