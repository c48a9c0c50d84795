"""One's own addresses and choices by channel, on the page of the password; the administrator sets others'."""

from typing import Any

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from app.access import signed
from app.labels import Speech, refusal_sentence
from app.schemas import narrow
from app.services import mail_addresses as service
from app.services import mails
from app.services.mail_addresses import CHOICES
from app.services.people import SHORTEST_PASSWORD
from app.store.mails import MAIL, MARKS
from app.views.accounts import show_accounts
from app.views.errors import refused_page
from app.views.plain import standing_text
from app.views.shown import page, speech
from workflows.errors import BadValue, Refused, Throttled

pages = Blueprint("mail", __name__)


def boxes(words: Speech, refused: Refused | None = None, channel: str = MAIL) -> list[dict[str, Any]]:
    """Return the forms for the page of one's own settings, one for each channel that this installation has."""
    return [_box(words, name, refused if name == channel else None) for name in mails.channels_on()]


def _box(words: Speech, channel: str, refused: Refused | None) -> dict[str, Any]:
    now = service.mine(signed().user_id, channel)
    own = "mail" if channel == MAIL else "channel"
    return {
        "channel": channel,
        "title": words.say("mail.title") if channel == MAIL else _titled(words, channel),
        "label": words.say("mail.address" if channel == MAIL else f"channel.address_{channel}"),
        "hint": words.say("mail.address_hint" if channel == MAIL else "channel.hint"),
        "remove": words.say("mail.remove" if channel == MAIL else "channel.remove"),
        "address": now.masked,
        "state": now.state,
        "standing": standing_text(words, now, channel),
        "choice": now.choice,
        "choices": [(name, words.say(f"{own}.choice_{name}")) for name in CHOICES],
        "problem": _problem(words, refused, own) if refused else "",
    }


def _titled(words: Speech, channel: str) -> str:
    return words.say("channel.title", channel=words.say(f"channel.{channel}"))


def _channel() -> str:
    """Return the channel that a form is about."""
    name = request.form.get("channel", MAIL)
    return name if name in MARKS else MAIL


def _problem(words: Speech, refused: Refused, own: str) -> str:
    field = str(refused.params.get("field", ""))
    if field in ("address", "code"):
        return words.say(f"{own if field == 'address' else 'mail'}.wrong_{field}")
    return refusal_sentence(words, refused)


def _shown(refused: Refused) -> Response:
    words = speech()
    form = page("password", words=words, shortest=SHORTEST_PASSWORD, mails=boxes(words, refused, _channel()))
    return refused_page(refused, form)


def _done() -> Response:
    return redirect(url_for("session.password"), 303)


@pages.post("/mail")
def keep() -> Response:
    """Keep the address and the choice; a new address is sent a code."""
    form = request.form
    try:
        address, choice = narrow(form.get("address", "")), form.get("choice", "")
        service.keep(signed().user_id, address=address, choice=choice, channel=_channel())
    except (BadValue, Throttled) as refused:
        return _shown(refused)
    return _done()


@pages.post("/mail/confirm")
def confirm() -> Response:
    """Confirm the address by the code that came there."""
    try:
        service.confirm(signed().user_id, narrow(request.form.get("code", "")), _channel())
    except (BadValue, Throttled) as refused:
        return _shown(refused)
    return _done()


@pages.post("/mail/remove")
def remove() -> Response:
    """Forget the address."""
    service.remove(signed().user_id, _channel())
    return _done()


@pages.post("/accounts/mail")
def assign() -> Response:
    """Set the address of an account of the county; its owner confirms it."""
    username, address = (narrow(request.form.get(name, "")) for name in ("username", "address"))
    try:
        service.assign(signed().actor, username, address=address, channel=_channel())
    except BadValue as refused:
        return refused_page(refused, show_accounts(refused, form="mail"))
    return redirect(url_for("accounts.accounts"), 303)
