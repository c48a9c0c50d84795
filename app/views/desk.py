"""My desk: what waits for me, by time left."""

from flask import Blueprint, request, url_for

from app.access import signed
from app.runtime import runtime
from app.services import lists
from app.services.lists import Desk
from app.views.plain import case_row, more_url
from app.views.shown import page, speech

pages = Blueprint("desk", __name__)


@pages.get("/desk")
def desk() -> str:
    """What waits for the person who is logged in."""
    band = request.args.get("band", "")
    band = band if band in lists.BANDS else ""
    found = lists.desk(signed().actor, band=band, after=request.args.get("after", ""))
    words = speech(now=found.found.now)
    rows = [case_row(line, words, found.found.now, runtime().rules) for line in found.found.rows]
    return page(
        "desk",
        words=words,
        rows=rows,
        tiles=tiles(found, band),
        band=band,
        desk=found,
        more=more_url("desk.desk", found.found.following, band=band),
        first=bool(request.args.get("after")),
    )


def tiles(found: Desk, band: str) -> list[dict[str, object]]:
    """Return the numbers above the list; each is a link to exactly the rows that it counts."""
    numbers = {"late": found.late, "today": found.today, "week": found.week, "later": found.later}
    shown = [
        {
            "name": name,
            "word": f"ui.band_{name}",
            "count": count,
            "chosen": name == band,
            "url": url_for("desk.desk", band=name),
        }
        for name, count in numbers.items()
    ]
    everything = {
        "name": "all",
        "word": "ui.band_all",
        "count": found.total,
        "chosen": not band,
        "url": url_for("desk.desk"),
    }
    return [everything, *shown]
