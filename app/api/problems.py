"""Refusals as application/problem+json: the stable code, the sentence in the reader's language, the parameters."""

from collections.abc import Mapping

from flask import Response, g, request
from werkzeug.exceptions import HTTPException

from app.access import Visitor
from app.labels import Labels, refusal_sentence
from app.services import refusals
from app.views.errors import NUMBER, broken, cause_of, code_of, problem, status_of
from app.views.shown import speech
from workflows.errors import Refused

HTTP_CODES = {404: "not_found", 405: "unknown_action", 413: "too_large"}


def refused(refusal: Refused) -> Response:
    """Return the answer to a refusal; what was refused to a person stands in the access ledger as for pages."""
    note(refusal)
    words, code = speech(), code_of(refusal)
    labels: Labels | None = g.get("case_labels")
    if code == "not_found":
        return problem(404, code, words.say("refused.not_found"))
    sentence = refusal_sentence(words, _named(refusal), labels)
    answer = problem(status_of(refusal), code, sentence, params=plain(refusal.params))
    if answer.status_code == 401:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="fangpin"'
    if answer.status_code == 429:
        answer.headers["Retry-After"] = str(60 * int(str(refusal.params.get("minutes", 1))))
    return answer


def _named(refusal: Refused) -> Refused:
    """A parameter called key would stand in for the key of the sentence itself."""
    return type(refusal)(**{name: value for name, value in refusal.params.items() if name != "key"})


def plain(params: Mapping[str, object]) -> dict[str, object]:
    """Return parameters as JSON has them: numbers, texts and lists of texts."""
    return {name: _plain(value) for name, value in params.items()}


def _plain(value: object) -> object:
    if isinstance(value, list | tuple):
        return [str(item) for item in value]
    return value if isinstance(value, str | int) else str(value)


def note(refusal: Refused) -> None:
    """Write a refused command to the access ledger unless its service did; of the address only numbers of ours."""
    who: Visitor | None = g.get("visitor")
    is_noted = request.method != "GET" or refusals.is_alarm(refusal)
    if refusal.noted or not is_noted or who is None or who.signed is None:
        return
    refusal.noted = True
    number = str((request.view_args or {}).get("number", ""))
    endpoint = str(request.endpoint)
    subject = number if NUMBER.fullmatch(number) else endpoint
    refusals.note(who.signed, refusal, subject=subject, detail={"page": endpoint, "code": refusal.code, "action": ""})


def http(error: HTTPException) -> Response:
    """Return what Flask or the reader of arguments refused: a missing address, a wrong method, a malformed body."""
    status = error.code or 500
    messages = getattr(error, "data", None) or {}
    if status == 422:
        field, errors = first_fault(messages.get("messages", {}))
        sentence = speech().say("refused.bad_value", field=field)
        return problem(422, "bad_value", sentence, params={"field": field}, errors=errors)
    code = HTTP_CODES.get(status, "bad_request")
    words = speech()
    key = "refused.not_found" if code == "not_found" else f"ui.error_{code}"
    return problem(status, code, words.say(key))


def first_fault(messages: Mapping[str, object]) -> tuple[str, dict[str, str]]:
    """Return the first wrong field, and each of them with what is wrong."""
    found: dict[str, str] = {}
    for faults in messages.values():
        for name, said in faults.items() if isinstance(faults, Mapping) else ():
            found[str(name)[:60]] = str(said[0] if isinstance(said, list) else said)[:200]
    return next(iter(found), "body"), found


def fault(error: Exception) -> Response:
    """Return a fault of ours or an outage, with the number under which the log says what broke."""
    status, code, sentence, reference = broken(cause_of(error))
    return problem(status, code, sentence, reference=reference)
