"""Households: search and browse, one with its members and cases."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from app.api.auth import actor
from app.api.resources import After, Resource
from app.api.schemas import AreaCount, Head, House, Listed, Member, Named, nested
from app.api.shapes import house_body, member_bodies, named, other_case
from app.labels import masked_phone, state_of
from app.schemas import narrow
from app.services import grids, lists
from app.views.shown import speech
from workflows.clock import utc_text

pages = Resource("households", "Households")
STATUS = "monitor_status"


class SearchQuery(After):
    """A name or number, or an area to browse."""

    q = fields.String(load_default="", validate=validate.Length(max=60))
    area = fields.String(load_default="", validate=validate.Regexp("^([0-9]{12})?$"))


class FoundHouse(House):
    """A household with its monitoring state."""

    status = nested(Named)


class SearchBody(Listed):
    """Households found, or the areas to choose from."""

    rows = nested(FoundHouse, many=True)
    inside = nested(AreaCount, many=True)


class GridBody(Schema):
    """A grid of the household's village."""

    code = fields.String(required=True)
    name = fields.String(required=True)


class HouseholdBody(House):
    """A household with members and cases; numbers of identity and telephone are masked."""

    area = fields.String(required=True)
    phone_masked = fields.String(required=True)
    members = nested(Member, many=True)
    cases = nested(Head, many=True)
    grids = nested(GridBody, many=True)


@pages.route("/households", methods=["GET"])
@pages.arguments(SearchQuery, location="query")
@pages.answers(SearchBody, example={"rows": [], "inside": [], "next": "", "as_of": "2026-11-22T08:00:00Z"})
def search(query: Mapping[str, Any]) -> dict[str, Any]:
    """Find households by name or number, or browse the areas."""
    found = lists.search(actor(), words=narrow(query["q"]), area=query["area"], after=query["after"])
    words = speech(now=found.found.now)
    rows = [
        {**house_body(house, words), "status": named(state, state_of(words, STATUS, state))}
        for house, state in found.found.rows
    ]
    return {
        "rows": rows,
        "inside": [vars(item) for item in found.inside],
        "next": found.found.following,
        "as_of": utc_text(found.found.now),
    }


@pages.route("/households/<number>", methods=["GET"])
@pages.answers(HouseholdBody)
def household(number: str) -> dict[str, Any]:
    """A household with its members and all its cases."""
    found = lists.household_page(actor(), number)
    words = speech(found.house.area, now=found.now)
    return {
        **house_body(found.house, words),
        "area": found.house.area,
        "phone_masked": masked_phone(found.phone),
        "members": member_bodies(found.members, words, found.now),
        "cases": [other_case(case, words) for case in found.cases],
        "grids": [{"code": code, "name": name} for code, name in grids.grids_of(found.house.village)],
    }
