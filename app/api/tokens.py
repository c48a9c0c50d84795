"""Tokens: list, make, revoke. A token makes none that is wider than itself."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from app.api.auth import actor, token
from app.api.reminders import Before
from app.api.resources import Resource
from app.api.schemas import nested
from app.services import tokens as service
from app.services.tokens import LONGEST_DAYS, SCOPES

pages = Resource("tokens", "Tokens of the API")


class TokenQuery(Before):
    """One's own tokens, or (for an administrator) those of the county."""

    county = fields.Boolean(load_default=False)


class TokenBody(Schema):
    """A token; the secret itself is never shown again."""

    id = fields.Integer(required=True)
    username = fields.String(required=True)
    name = fields.String(required=True)
    scopes = fields.List(fields.String(), required=True)
    area = fields.String(required=True)
    created_at = fields.String(required=True)
    expires_at = fields.String(required=True)
    used_at = fields.String(required=True)
    ended_at = fields.String(required=True)
    is_alive = fields.Boolean(required=True)


class TokensBody(Schema):
    """A page, newest first; ``next`` is null at the end."""

    rows = nested(TokenBody, many=True)
    next = fields.Integer(required=True, allow_none=True)


class NewToken(Schema):
    """What a token is to be for; ``username`` only by an administrator, for an account that signs nothing."""

    name = fields.String(required=True, validate=validate.Length(max=60))
    scopes = fields.List(fields.String(validate=validate.OneOf(SCOPES)), required=True)
    area = fields.String(required=True, validate=validate.Length(max=15))
    days = fields.Integer(required=True, strict=True, validate=validate.Range(1, LONGEST_DAYS))
    username = fields.String(load_default="", validate=validate.Length(max=64))


class TokenMade(TokenBody):
    """The token that was made: ``secret`` is shown this once, a repeated command answers without it."""

    secret = fields.String()
    repeated = fields.Boolean(required=True)


class Revoked(Schema):
    """The token that is dead now."""

    id = fields.Integer(required=True)
    repeated = fields.Boolean(required=True)


NEW_EXAMPLE = {"name": "县数据平台", "scopes": ["cases:read"], "area": "500241000000", "days": 90}


@pages.route("/tokens", methods=["GET"])
@pages.arguments(TokenQuery, location="query")
@pages.answers(TokensBody)
def tokens(query: Mapping[str, Any]) -> dict[str, Any]:
    """Tokens of the account, or of the administrator's county, newest first."""
    listed = service.of_county if query["county"] else service.own
    found = listed(actor(), before=query["before"])
    return {"rows": [vars(line) for line in found.lines], "next": found.before}


@pages.route("/tokens", methods=["POST"])
@pages.arguments(NewToken, example=NEW_EXAMPLE)
@pages.answers(TokenMade, status=201, refusals=(409,))
@pages.command
def add(body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Make a token that is no wider than the one that asks."""
    line, secret = service.make(actor(), by_token=token(), **body)
    return 201, {**vars(line), "secret": secret}


@pages.route("/tokens/<int(max=1000000000000):number>/revoke", methods=["POST"])
@pages.answers(Revoked, example={"id": 7, "repeated": False}, refusals=(409,))
@pages.command
def revoke(number: int) -> tuple[int, dict[str, Any]]:
    """Revoke a token of one's own or, as administrator, of the county."""
    service.revoke(actor(), number)
    return 200, {"id": number}
