"""The administrator's page: accounts of the county, add one, disable one, give and end offices."""

from collections.abc import Sequence

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from app.access import signed
from app.labels import Speech, short_area
from app.schemas import narrow
from app.services import accounts as service
from app.services import mail_addresses, mails
from app.services.people import SHORTEST_PASSWORD
from app.views.errors import refused_page
from app.views.plain import more_url, standing_text
from app.views.shown import page, speech
from workflows.errors import BadValue, Refused

pages = Blueprint("accounts", __name__)
TYPED = ("username", "name", "role", "area")


@pages.get("/accounts")
def accounts() -> str:
    """The accounts of the county."""
    return show_accounts(None)


def show_accounts(refused: Refused | None, *, form: str = "add") -> str:
    """Render the page, with what was typed into one of its forms when it was refused; never an ID number."""
    found = service.accounts(signed().actor, after=request.args.get("after", ""))
    words = speech(now=found.now)
    field = str(refused.params.get("field", "")) if refused else ""
    problem = words.say("refused.bad_value", field=words.say(f"ui.account_{field}")) if field else ""
    letters = mail_texts(words, [a.username for a in found.rows])
    rows = [
        {
            "username": a.username,
            "name": a.name,
            "active": a.active,
            "helps": a.helps,
            "mail": letters.get(a.username),
            "offices": [
                (role, code, words.role(role) + words.aside(short_area(area))) for role, code, area in a.offices
            ],
            "url": url_for("accounts.disable" if a.active else "accounts.enable", username=a.username),
        }
        for a in found.rows
    ]
    return page(
        "accounts",
        words=words,
        rows=rows,
        typed={name: request.form.get(name, "") for name in TYPED},
        roles=[(role, words.role(role)) for role in service.GIVEN],
        shortest=SHORTEST_PASSWORD,
        problem=problem,
        form=form,
        channels=mails.channels_on(),
        more=more_url("accounts.accounts", found.following),
    )


def mail_texts(words: Speech, usernames: Sequence[str]) -> dict[str, str]:
    """Return the masked addresses of accounts and how each stands, in words."""
    told: dict[str, list[str]] = {}
    for channel in mails.channels_on():
        for name, one in mail_addresses.of_accounts(usernames, channel).items():
            told.setdefault(name, []).append(f"{one.masked} {standing_text(words, one, channel)}")
    return {name: " · ".join(texts) for name, texts in told.items()}


@pages.post("/accounts")
def add() -> Response:
    """Add an account with one office."""
    typed = {name: narrow(request.form.get(name, "")) for name in TYPED}
    password, id_number = request.form.get("password", ""), request.form.get("id_number", "")
    try:
        service.add(signed().actor, password=password, id_number=id_number, **typed)
    except BadValue as refused:
        return refused_page(refused, show_accounts(refused))
    return redirect(url_for("accounts.accounts"), 303)


@pages.post("/accounts/offices")
def appoint() -> Response:
    """Give an account an office."""
    username, role, area = (narrow(request.form.get(name, "")) for name in ("username", "role", "area"))
    id_number = request.form.get("id_number", "")
    try:
        service.appoint(signed().actor, username, role=role, area=area, id_number=id_number)
    except BadValue as refused:
        return refused_page(refused, show_accounts(refused, form="office"))
    return redirect(url_for("accounts.accounts"), 303)


@pages.post("/accounts/offices/end")
def end_office() -> Response:
    """End an office of an account."""
    username, role, area = (request.form.get(name, "") for name in ("username", "role", "area"))
    service.end_office(signed().actor, username, role=role, area=area)
    return redirect(url_for("accounts.accounts"), 303)


@pages.post("/accounts/<username>/disable")
def disable(username: str) -> Response:
    """Disable an account; its log-ins end at once."""
    service.disable(signed().actor, username)
    return redirect(url_for("accounts.accounts"), 303)


@pages.post("/accounts/<username>/enable")
def enable(username: str) -> Response:
    """Enable a disabled account again."""
    service.enable(signed().actor, username)
    return redirect(url_for("accounts.accounts"), 303)
