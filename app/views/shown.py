"""What every template can say: words, menu, dates; and the one function that renders a page."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, g, make_response, render_template, request, session, url_for
from sqlalchemy.exc import SQLAlchemyError

from app.access import PAGES, Visitor, visitor
from app.labels import Labels, Speech, short_area
from app.runtime import runtime
from app.services.alarm import standing
from workflows.clock import local_date
from workflows.machine import Compiled

MENU = (
    ("desk.desk", "ui.menu_desk"),
    ("audit.cases", "ui.menu_audit"),
    ("audit.ledger", "ui.menu_ledger"),
    ("households.search", "ui.menu_households"),
    ("boards.overdue", "ui.menu_overdue"),
    ("urgings.urgings", "urging.menu"),
    ("receipts.receipts", "receipt.title"),
    ("duties.duties", "duty.menu"),
    ("findings.items", "kit.open_items"),
    ("audit.pauses", "ui.menu_pauses"),
    ("seals.seals", "seal.menu"),
    ("audit.totals", "ui.menu_totals"),
    ("accounts.accounts", "ui.menu_accounts"),
    ("health.page", "ui.menu_health"),
    ("boards.reminders", "ui.menu_reminders"),
)
LANGUAGES = ("zh", "en")


def language() -> str:
    """Return the reader's language: the account's, else the one chosen on the log-in page, else Chinese."""
    who: Visitor | None = g.get("visitor")
    chosen = g.get("lang") or (who.signed.lang if who and who.signed else session.get("lang"))
    return chosen if chosen in LANGUAGES else "zh"


def present() -> datetime:
    """Return the present moment for pages that read none from the database."""
    clock = runtime().clock
    return clock() if clock else datetime.now(UTC)


def speech(area: str = "", *, now: datetime | None = None) -> Speech:
    """Return the reader's words for today in an area (by default that of the first office held)."""
    moment = now or present()
    who: Visitor | None = g.get("visitor")
    offices = who.signed.actor.offices if who and who.signed else ()
    return Speech(language(), local_date(moment), area or (offices[0].area if offices else ""))


def labels_for(compiled: Compiled, words: Speech) -> Labels:
    """Return the labels of a machine, kept for the time of the request, as lists ask for them row by row."""
    kept: dict[tuple[int, Speech], Labels] = g.setdefault("labels", {})
    return kept.setdefault((id(compiled), words), Labels(words, compiled))


def page(template: str, **values: Any) -> str:
    """Render a page with the reader's words."""
    words = values.pop("words", None) or speech()
    return render_template(f"pages/{template}.html", t=words.say, words=words, lang=words.lang, **values)


def download(data: bytes, kind: str, name: str) -> Response:
    """Answer with a file to be saved."""
    response = make_response(data)
    response.headers["Content-Type"] = kind
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@cache
def stamp(path: Path) -> str:
    """A static file's age, so that a new version is fetched at once and an old one never again."""
    return format(int(path.stat().st_mtime), "x")


def asset(name: str) -> str:
    """Return the address of one of our static files."""
    folder = Path(str(current_app.static_folder))
    return url_for("static", filename=name, v=stamp(folder / name))


def menu() -> list[dict[str, object]]:
    """Return the links that a visitor may open."""
    who = g.get("visitor")
    if who is None or who.signed is None:
        return []
    named = {endpoint for endpoint, _ in MENU}
    present = request.endpoint if request.endpoint in named else NEAREST.get(str(request.endpoint).split(".")[0])
    return [
        {"url": url_for(endpoint), "word": word, "present": endpoint == present}
        for endpoint, word in MENU
        if who.may_open(endpoint)
    ]


NEAREST = {
    "kit": "audit.cases",
    "findings": "audit.cases",
    "duties": "duties.duties",
    "households": "households.search",
    "accounts": "accounts.accounts",
    "staff": "accounts.accounts",
}


def alarms() -> list[str]:
    """Return the failing duties in words for those who can see to them: administrators, on every page."""
    who: Visitor | None = g.get("visitor")
    if who is None or who.signed is None or not who.may_open("health.page"):
        return []
    try:
        failing = standing()
    except SQLAlchemyError:
        return []  # this page says already that the database is away
    return [speech().say(f"ui.duty_{duty}") for duty in failing]


def init_words(app: Flask) -> None:
    """Make words, menu and assets known to templates."""
    unknown = set(PAGES) - set(app.view_functions)
    if unknown:
        raise LookupError(f"rights for pages that do not exist: {sorted(unknown)}")
    app.jinja_env.filters["short_area"] = short_area
    app.jinja_env.globals.update(alarms=alarms, menu=menu, asset=asset, visitor=visitor)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
