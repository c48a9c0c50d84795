"""One's own e-mail address and choice, on the page of the password; the administrator sets those of the county."""

from typing import Any

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from app.access import signed
from app.labels import Speech, refusal_sentence
from app.schemas import narrow
from app.services import mail_addresses as service
from app.services import mails
from app.services.mail_addresses import CHOICES, Standing
from app.services.people import SHORTEST_PASSWORD
from app.views.accounts import show_accounts
from app.views.errors import refused_page
from app.views.shown import page, speech
from workflows.errors import BadValue, Refused, Throttled

pages = Blueprint("mail", __name__)


def box(words: Speech, refused: Refused | None = None) -> dict[str, Any] | None:
    """Return the form for the page of one's own settings; None where this installation sends no mail."""
    if not mails.is_on():
        return None
    now = service.mine(signed().user_id)
    return {
        "address": now.masked,
        "state": now.state,
        "standing": standing_text(words, now),
        "choice": now.choice,
        "choices": [(name, words.say(f"mail.choice_{name}")) for name in CHOICES],
        "problem": _problem(words, refused) if refused else "",
    }


def standing_text(words: Speech, standing: Standing) -> str:
    """Return how an address stands, in words; what a server said only as its code."""
    return words.say(f"mail.state_{standing.state}", why=standing.bounce)


def _problem(words: Speech, refused: Refused) -> str:
    field = str(refused.params.get("field", ""))
    return words.say(f"mail.wrong_{field}") if field in ("address", "code") else refusal_sentence(words, refused)


def _shown(refused: Refused) -> Response:
    words = speech()
    form = page("password", words=words, shortest=SHORTEST_PASSWORD, mail=box(words, refused))
    return refused_page(refused, form)


def _done() -> Response:
    return redirect(url_for("session.password"), 303)


@pages.post("/mail")
def keep() -> Response:
    """Keep the address and the choice; a new address is sent a code."""
    form = request.form
    try:
        service.keep(signed().user_id, address=narrow(form.get("address", "")), choice=form.get("choice", ""))
    except (BadValue, Throttled) as refused:
        return _shown(refused)
    return _done()


@pages.post("/mail/confirm")
def confirm() -> Response:
    """Confirm the address by the code that came there."""
    try:
        service.confirm(signed().user_id, narrow(request.form.get("code", "")))
    except (BadValue, Throttled) as refused:
        return _shown(refused)
    return _done()


@pages.post("/mail/remove")
def remove() -> Response:
    """Forget the address."""
    service.remove(signed().user_id)
    return _done()


@pages.post("/accounts/mail")
def assign() -> Response:
    """Set the address of an account of the county; its owner confirms it."""
    username, address = (narrow(request.form.get(name, "")) for name in ("username", "address"))
    try:
        service.assign(signed().actor, username, address=address)
    except BadValue as refused:
        return refused_page(refused, show_accounts(refused, form="mail"))
    return redirect(url_for("accounts.accounts"), 303)
