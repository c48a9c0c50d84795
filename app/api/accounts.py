"""Accounts of the county, as its administrator keeps them."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from app.api.auth import actor
from app.api.resources import After, Resource
from app.api.schemas import Listed, nested
from app.schemas import narrow
from app.services import accounts as service
from app.services import mail_addresses
from workflows.clock import utc_text

pages = Resource("accounts", "Accounts of the county")
SHORT = validate.Length(max=64)


class OfficeBody(Schema):
    """An office held today."""

    role = fields.String(required=True)
    area = fields.String(required=True)
    area_name = fields.String(required=True)


class AccountBody(Schema):
    """An account with its offices."""

    username = fields.String(required=True)
    name = fields.String(required=True)
    active = fields.Boolean(required=True)
    helps = fields.Integer(required=True, metadata={"description": "households that the account helps"})
    mail = fields.String(required=True, metadata={"description": "address, masked"})
    mail_state = fields.String(required=True)
    offices = nested(OfficeBody, many=True)


class AccountsBody(Listed):
    """A page of accounts by log-in name."""

    rows = nested(AccountBody, many=True)


class Office(Schema):
    """A role in an area."""

    role = fields.String(required=True, validate=SHORT)
    area = fields.String(required=True, validate=SHORT)


class Appointed(Office):
    """An office to give; the ID number ties the account to a person and is kept as a keyed digest only."""

    id_number = fields.String(load_default="", validate=SHORT)


class NewAccount(Appointed):
    """An account to add, with its first office."""

    username = fields.String(required=True, validate=SHORT)
    name = fields.String(required=True, validate=SHORT)
    password = fields.String(required=True, validate=validate.Length(max=128))


class AccountDone(Schema):
    """The account that was changed."""

    username = fields.String(required=True)
    repeated = fields.Boolean(required=True)


DONE_EXAMPLE = {"username": "xs-village3", "repeated": False}
OFFICE_EXAMPLE = {"role": "village_cadre", "area": "500241103204"}
NEW_EXAMPLE = {"username": "xs-village3", "name": "李某", "password": "a long passphrase", "id_number": "…"}


@pages.route("/accounts", methods=["GET"])
@pages.arguments(After, location="query")
@pages.answers(AccountsBody)
def accounts(query: Mapping[str, Any]) -> dict[str, Any]:
    """The accounts of the administrator's county."""
    found = service.accounts(actor(), after=query["after"])
    letters = mail_addresses.of_accounts([account.username for account in found.rows])
    none = mail_addresses.ABSENT
    rows = [
        {
            "username": account.username,
            "name": account.name,
            "active": account.active,
            "helps": account.helps,
            "mail": letters.get(account.username, none).masked,
            "mail_state": letters.get(account.username, none).state,
            "offices": [{"role": role, "area": area, "area_name": name} for role, area, name in account.offices],
        }
        for account in found.rows
    ]
    return {"rows": rows, "next": found.following, "as_of": utc_text(found.now)}


@pages.route("/accounts", methods=["POST"])
@pages.arguments(NewAccount, example={**NEW_EXAMPLE, **OFFICE_EXAMPLE})
@pages.answers(AccountDone, status=201, example=DONE_EXAMPLE, refusals=(409,))
@pages.command
def add(body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Add an account with one office."""
    typed = {name: narrow(body[name]) for name in ("username", "name", "role", "area")}
    service.add(actor(), password=body["password"], id_number=body["id_number"], **typed)
    return 201, {"username": typed["username"]}


@pages.route("/accounts/<username>/disable", methods=["POST"])
@pages.answers(AccountDone, example=DONE_EXAMPLE, refusals=(409,))
@pages.command
def disable(username: str) -> tuple[int, dict[str, Any]]:
    """Disable an account; its log-ins and tokens end at once."""
    service.disable(actor(), username)
    return 200, {"username": username}


@pages.route("/accounts/<username>/enable", methods=["POST"])
@pages.answers(AccountDone, example=DONE_EXAMPLE, refusals=(409,))
@pages.command
def enable(username: str) -> tuple[int, dict[str, Any]]:
    """Enable a disabled account again; its log-ins and tokens stay dead."""
    service.enable(actor(), username)
    return 200, {"username": username}


@pages.route("/accounts/<username>/offices", methods=["POST"])
@pages.arguments(Appointed, example=OFFICE_EXAMPLE)
@pages.answers(AccountDone, example=DONE_EXAMPLE, refusals=(409,))
@pages.command
def appoint(body: Mapping[str, Any], username: str) -> tuple[int, dict[str, Any]]:
    """Give an account an office from today on."""
    role, area = narrow(body["role"]), narrow(body["area"])
    service.appoint(actor(), username, role=role, area=area, id_number=body["id_number"])
    return 200, {"username": username}


@pages.route("/accounts/<username>/offices/end", methods=["POST"])
@pages.arguments(Office, example=OFFICE_EXAMPLE)
@pages.answers(AccountDone, example=DONE_EXAMPLE, refusals=(409,))
@pages.command
def end_office(body: Mapping[str, Any], username: str) -> tuple[int, dict[str, Any]]:
    """End an office of an account at once."""
    service.end_office(actor(), username, role=narrow(body["role"]), area=narrow(body["area"]))
    return 200, {"username": username}
