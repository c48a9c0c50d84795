"""A village's grids: open one, and file households under it, by whole groups or one by one."""

from typing import Any

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from app.access import signed
from app.labels import Speech, short_area
from app.schemas import narrow
from app.services import grids as service
from app.services import lists
from app.services.grids import VillageGrids
from app.views.errors import refused_page
from app.views.shown import page, speech
from workflows.errors import BadValue

pages = Blueprint("grids", __name__)


@pages.get("/villages/<village>/grids")
def grids(village: str) -> str:
    """A village's grids and groups."""
    return show_grids(service.village_grids(signed().actor, village), None)


def show_grids(found: VillageGrids, refused: BadValue | None) -> str:
    """Render the page, with what is wrong when a form of it was refused."""
    words = speech(found.village)
    field = str(refused.params.get("field", "")) if refused else ""
    return page(
        "grids",
        words=words,
        village=found.village,
        name=short_area(found.name),
        grids=[{"code": code, "name": short_area(name), "count": counted(found, code)} for code, name in found.grids],
        groups=group_rows(found, words),
        typed=request.form.get("name", ""),
        problem=words.say("refused.bad_value", field=words.say(f"ui.grids_{field}")) if field else "",
    )


def counted(found: VillageGrids, grid: str) -> int:
    """Return how many households are filed under a grid."""
    return sum(line.households for line in found.groups if line.grid == grid)


def group_rows(found: VillageGrids, words: Speech) -> list[dict[str, Any]]:
    """Return the groups, each with the grids that its households are filed under."""
    names = {"": words.say("ui.no_grid"), **{code: short_area(name) for code, name in found.grids}}
    rows: dict[str, dict[str, Any]] = {}
    for line in found.groups:
        row = rows.setdefault(
            line.group, {"group": line.group, "label": line.group or words.say("ui.no_group"), "count": 0, "filed": []}
        )
        row["count"] += line.households
        row["filed"].append({"name": names.get(line.grid, line.grid), "count": line.households, "none": not line.grid})
    return list(rows.values())


@pages.post("/villages/<village>/grids")
def add(village: str) -> Response:
    """Open a grid."""
    try:
        service.open_grid(signed().actor, village, narrow(request.form.get("name", "")))
    except BadValue as refused:
        return refused_page(refused, show_grids(service.village_grids(signed().actor, village), refused))
    return redirect(url_for("grids.grids", village=village), 303)


@pages.post("/villages/<village>/grids/assign")
def assign(village: str) -> Response:
    """File the households of whole groups under a grid."""
    try:
        service.assign(signed().actor, village, request.form.get("grid", ""), groups=request.form.getlist("group"))
    except BadValue as refused:
        return refused_page(refused, show_grids(service.village_grids(signed().actor, village), refused))
    return redirect(url_for("grids.grids", village=village), 303)


@pages.post("/households/<number>/grid")
def move(number: str) -> Response:
    """File one household under a grid."""
    actor = signed().actor
    house = lists.household_page(actor, number).house
    service.assign(actor, house.village, request.form.get("grid", ""), numbers=[number])
    return redirect(url_for("households.household", number=number), 303)
