"""Whoever the token stands for: offices of today as the token leaves them, scopes, expiry; the reader's language."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from app.api.auth import bearer
from app.api.resources import Resource
from app.api.schemas import nested
from app.services import people
from app.views.shown import LANGUAGES, speech

pages = Resource("me", "The account behind the token")


class MyOffice(Schema):
    """An office; ``within`` are the leading digits to which the token narrows it."""

    role = fields.String(required=True)
    label = fields.String(required=True)
    area = fields.String(required=True)
    within = fields.String(required=True)
    behalf = fields.String(required=True, metadata={"description": "the absent person whose office it is; else empty"})


class Me(Schema):
    """The account and its token."""

    username = fields.String(required=True)
    name = fields.String(required=True)
    lang = fields.String(required=True)
    offices = nested(MyOffice, many=True)
    scopes = fields.List(fields.String(), required=True)
    area = fields.String(required=True)
    expires_at = fields.String(required=True)


class Language(Schema):
    """The language in which the account is spoken to."""

    lang = fields.String(required=True, validate=validate.OneOf(LANGUAGES))


class LanguageKept(Language):
    """The language that is kept."""

    repeated = fields.Boolean(required=True)


ME_EXAMPLE = {
    "username": "xs-village",
    "name": "王村干",
    "lang": "zh",
    "offices": [{"role": "village_cadre", "label": "村干部", "area": "500241103204", "within": "", "behalf": ""}],
    "scopes": ["cases:read"],
    "area": "500241103204",
    "expires_at": "2027-11-22T00:00:00Z",
}


@pages.route("/me", methods=["GET"])
@pages.answers(Me, example=ME_EXAMPLE)
def me() -> dict[str, Any]:
    """Who asks, and what the token is for."""
    found, words = bearer(), speech()
    offices = [
        {
            "role": o.role,
            "label": words.role(o.role),
            "area": o.area,
            "within": o.within,
            "behalf": o.behalf.name if o.behalf else "",
        }
        for o in found.signed.actor.offices
    ]
    return {
        "username": found.signed.username,
        "name": found.signed.actor.name,
        "lang": found.signed.lang,
        "offices": offices,
        "scopes": found.token.scopes,
        "area": found.token.area,
        "expires_at": found.token.expires_at,
    }


@pages.route("/me/language", methods=["PUT"])
@pages.arguments(Language, example={"lang": "en"})
@pages.answers(LanguageKept, example={"lang": "en", "repeated": False}, refusals=(409,))
@pages.command
def language(body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Keep the language that the account chose."""
    people.set_language(bearer().signed.user_id, body["lang"])
    return 200, {"lang": body["lang"]}
