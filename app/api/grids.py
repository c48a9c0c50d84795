"""Grids of a village: list, open one, file households under one."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from app.api.auth import actor
from app.api.resources import Resource
from app.api.schemas import nested
from app.schemas import narrow
from app.services import grids as service

pages = Resource("grids", "Grids of a village")
VILLAGE = "500241103204"


class Grid(Schema):
    """A grid."""

    code = fields.String(required=True)
    name = fields.String(required=True)


class Group(Schema):
    """The households of a villagers' group under one grid ("" for none)."""

    group = fields.String(required=True)
    grid = fields.String(required=True)
    households = fields.Integer(required=True)


class VillageBody(Schema):
    """A village with grids and groups."""

    village = fields.String(required=True)
    name = fields.String(required=True)
    grids = nested(Grid, many=True)
    groups = nested(Group, many=True)


class NewGrid(Schema):
    """The name of a grid to open."""

    name = fields.String(required=True, validate=validate.Length(1, 60))


class GridMade(Schema):
    """The code of the grid that was opened."""

    code = fields.String(required=True)
    repeated = fields.Boolean(required=True)


class Filing(Schema):
    """Whole groups or single households to file under a grid, or under none ("")."""

    grid = fields.String(required=True, validate=validate.Length(max=15))
    groups = fields.List(fields.String(), load_default=list, validate=validate.Length(max=200))
    households = fields.List(fields.String(), load_default=list, validate=validate.Length(max=1000))


class Filed(Schema):
    """How many households changed."""

    changed = fields.Integer(required=True)
    repeated = fields.Boolean(required=True)


@pages.route("/villages/<village>/grids", methods=["GET"])
@pages.answers(VillageBody)
def grids(village: str) -> dict[str, Any]:
    """A village's grids and groups."""
    found = service.village_grids(actor(), village)
    return {
        "village": found.village,
        "name": found.name,
        "grids": [{"code": code, "name": name} for code, name in found.grids],
        "groups": [vars(line) for line in found.groups],
    }


@pages.route("/villages/<village>/grids", methods=["POST"])
@pages.arguments(NewGrid, example={"name": "第一网格"})
@pages.answers(GridMade, status=201, example={"code": f"{VILLAGE}001", "repeated": False}, refusals=(409,))
@pages.command
def add(body: Mapping[str, Any], village: str) -> tuple[int, dict[str, Any]]:
    """Open a grid."""
    return 201, {"code": service.open_grid(actor(), village, narrow(body["name"]))}


@pages.route("/villages/<village>/grids/assign", methods=["POST"])
@pages.arguments(Filing, example={"grid": f"{VILLAGE}001", "groups": ["一组"]})
@pages.answers(Filed, example={"changed": 12, "repeated": False}, refusals=(409,))
@pages.command
def assign(body: Mapping[str, Any], village: str) -> tuple[int, dict[str, Any]]:
    """File households under a grid."""
    numbers, groups = body["households"], body["groups"]
    return 200, {"changed": service.assign(actor(), village, body["grid"], groups=groups, numbers=numbers)}
