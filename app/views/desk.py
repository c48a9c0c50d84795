"""My desk: what waits for me, by time left."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, request, url_for

from app.access import signed, visitor
from app.labels import Speech
from app.runtime import runtime
from app.services import duty_desk, lists, nudges
from app.services.lists import CaseLine, Desk
from app.views.duties import link_of
from app.views.plain import case_row, more_url
from app.views.several import choice
from app.views.shown import labels_for, page, speech

pages = Blueprint("desk", __name__)


@pages.get("/desk")
def desk() -> str:
    """What waits for the person who is logged in."""
    band = request.args.get("band", "")
    band = band if band in lists.BANDS else ""
    found = lists.desk(signed().actor, band=band, after=request.args.get("after", ""))
    words = speech(now=found.found.now)
    pressed = nudges.counts(line.case.number for line in found.found.rows)
    rows = [
        {
            **case_row(line, words, found.found.now, runtime().rules),
            "choice": choice(line.case, visitor().roles),
            "pressed": pressed.get(line.case.number, 0),
        }
        for line in found.found.rows
    ]
    return page(
        "desk",
        words=words,
        rows=rows,
        shared=shared_actions(found.found.rows, words),
        ticked=bool(request.args.get("ticked")),
        ticked_url=here(ticked="1"),
        plain_url=here(),
        tiles=tiles(found, band),
        band=band,
        desk=found,
        more=more_url("desk.desk", found.found.following, band=band),
        first=bool(request.args.get("after")),
        duties=link_of(duty_desk.counts_of(signed().actor), words) if visitor().may_open("duties.duties") else None,
    )


def here(**more: Any) -> str:
    """Return the address of the page shown, its boxes ticked or not."""
    kept: dict[str, Any] = {name: request.args[name] for name in ("band", "after") if request.args.get(name)}
    return url_for("desk.desk", **kept, **more)


def shared_actions(lines: Sequence[CaseLine], words: Speech) -> list[dict[str, str]]:
    """Return the actions that may be carried out on several of some cases at once."""
    found: dict[str, str] = {}
    for line in lines:
        chosen = choice(line.case, visitor().roles)
        if chosen:
            labels = labels_for(runtime().rules.machine_of(line.case), words)
            found[chosen["action"]] = labels.action(chosen["action"])
    return [{"url": url_for("several.form", action=action), "label": label} for action, label in found.items()]


def tiles(found: Desk, band: str) -> list[dict[str, object]]:
    """Return the numbers above the list; each is a link to exactly the rows that it counts."""
    numbers = {"late": found.late, "today": found.today, "week": found.week, "later": found.later}
    shown = [
        {
            "name": name,
            "word": f"ui.band_{name}",
            "count": count,
            "more": name in found.more_than,
            "chosen": name == band,
            "url": url_for("desk.desk", band=name),
        }
        for name, count in numbers.items()
    ]
    everything = {
        "name": "all",
        "word": "ui.band_all",
        "count": found.total,
        "more": bool(found.more_than),
        "chosen": not band,
        "url": url_for("desk.desk"),
    }
    return [everything, *shown]
