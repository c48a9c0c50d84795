"""Tokens of the API: my own, and for an administrator those of the county; a new one is shown this once."""

from typing import Any

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from app.access import signed, visitor
from app.labels import Speech
from app.schemas import narrow, whole
from app.services import tokens as service
from app.services.tokens import LONGEST_DAYS, SCOPES, Line
from app.views.errors import refused_page
from app.views.shown import page, speech
from workflows.errors import BadValue, NotAllowed, NotFound, Refused

pages = Blueprint("tokens", __name__)
USUAL_DAYS = 90


@pages.get("/tokens")
def tokens() -> str:
    """The tokens of the account, or of the administrator's county."""
    return show_tokens()


def show_tokens(*, secret: str = "", refused: Refused | None = None) -> str:
    """Render the page: with the token just made, or with what was typed when that was refused."""
    words, actor = speech(), signed().actor
    before = whole(request.args.get("before", ""))
    is_admin = "admin" in visitor().roles
    found = service.of_county(actor, before=before) if is_admin else service.own(actor, before=before)
    field = str(refused.params.get("field", "")) if refused else ""
    problem = words.say("refused.bad_value", field=words.say(f"ui.token_{field}")) if field else ""
    if refused and not field:
        problem = words.say(f"refused.{refused.code}")
    return page(
        "tokens",
        words=words,
        rows=[token_row(line, words) for line in found.lines],
        secret=secret,
        problem=problem,
        is_admin=is_admin,
        typed=request.form,
        area=request.form.get("area") or next((o.area for o in actor.offices), ""),
        days=request.form.get("days") or USUAL_DAYS,
        longest=LONGEST_DAYS,
        scopes=[(scope, words.say(f"scope.{scope.replace(':', '_')}")) for scope in SCOPES],
        chosen=request.form.getlist("scope"),
        more=url_for("tokens.tokens", before=found.before) if found.before else "",
    )


def token_row(line: Line, words: Speech) -> dict[str, Any]:
    """Return a token as the page shows it."""
    return {
        "id": line.id,
        "username": line.username,
        "name": line.name,
        "scopes": words.listed([words.say(f"scope.{scope.replace(':', '_')}") for scope in line.scopes]),
        "area": line.area,
        "until": words.date(line.expires_at),
        "used": words.time(line.used_at) if line.used_at else words.say("ui.token_unused"),
        "alive": line.is_alive,
    }


@pages.post("/tokens")
def add() -> Response | str:
    """Make a token and show it once."""
    form = request.form
    try:
        _, secret = service.make(
            signed().actor,
            name=form.get("name", "").strip(),
            scopes=form.getlist("scope"),
            area=narrow(form.get("area", "")),
            days=whole(form.get("days", "")) or 0,
            username=form.get("username", "").strip(),
        )
    except (BadValue, NotAllowed, NotFound) as refused:
        return refused_page(refused, show_tokens(refused=refused))
    return show_tokens(secret=secret)


@pages.post("/tokens/<int(max=1000000000000):number>/revoke")
def revoke(number: int) -> Response:
    """Revoke a token; it is dead at once."""
    service.revoke(signed().actor, number)
    return redirect(url_for("tokens.tokens"), 303)
