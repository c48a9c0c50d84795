"""Mail reminders: one's own address and choice, confirmed by a code; the administrator sets those of the county."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from app.api.auth import actor, bearer
from app.api.resources import Resource
from app.schemas import narrow
from app.services import mail_addresses as service
from app.services import mails
from app.services.mail_addresses import CHOICES, Standing
from app.store.mails import MAIL, MARKS

pages = Resource("mail", "Mail reminders")


class MailBody(Schema):
    """How an address stands (absent, asked, unconfirmed, confirmed, bounced); it is shown masked."""

    address = fields.String(required=True)
    state = fields.String(required=True)
    choice = fields.String(required=True)
    bounce = fields.String(required=True)
    enabled = fields.Boolean(required=True, metadata={"description": "whether this site sends mails"})


class MailDone(MailBody):
    """How an address stands after a command."""

    repeated = fields.Boolean(required=True)


class OfChannel(Schema):
    """Which channel: mail unless it is named."""

    channel = fields.String(load_default=MAIL, validate=validate.OneOf(tuple(MARKS)))


class MailWanted(OfChannel):
    """An address ("" leaves the present one) and when to write: each, digest or none."""

    address = fields.String(load_default="", validate=validate.Length(max=254))
    choice = fields.String(required=True, validate=validate.OneOf(CHOICES))


class MailCode(OfChannel):
    """The code that came to the address."""

    code = fields.String(required=True, validate=validate.Length(max=8))


class MailAddressBody(OfChannel):
    """An address to set for somebody."""

    address = fields.String(required=True, validate=validate.Length(1, 254))


class MailAssigned(Schema):
    """Whose address was set."""

    username = fields.String(required=True)
    repeated = fields.Boolean(required=True)


EXAMPLE = {"address": "z***@county.example", "state": "asked", "choice": "digest", "bounce": "", "enabled": True}
DONE_EXAMPLE = {**EXAMPLE, "repeated": False}


def _shown(found: Standing, channel: str) -> dict[str, Any]:
    return {
        "address": found.masked,
        "state": found.state,
        "choice": found.choice,
        "bounce": found.bounce,
        "enabled": mails.is_on(channel),
    }


@pages.route("/me/mail", methods=["GET"])
@pages.arguments(OfChannel, location="query")
@pages.answers(MailBody, example=EXAMPLE)
def mine(query: Mapping[str, Any]) -> dict[str, Any]:
    """How one's own address stands."""
    return _shown(service.mine(bearer().signed.user_id, query["channel"]), query["channel"])


@pages.route("/me/mail", methods=["PUT"])
@pages.arguments(MailWanted, example={"address": "zhao@county.example", "choice": "digest"})
@pages.answers(MailDone, example=DONE_EXAMPLE, refusals=(409,))
@pages.command
def keep(body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Keep address and choice; a new address is sent a code."""
    wanted = {"address": narrow(body["address"]), "choice": body["choice"], "channel": body["channel"]}
    return 200, _shown(service.keep(bearer().signed.user_id, **wanted), body["channel"])


@pages.route("/me/mail/confirm", methods=["POST"])
@pages.arguments(MailCode, example={"code": "12345678"})
@pages.answers(MailDone, example={**DONE_EXAMPLE, "state": "confirmed"}, refusals=(409,))
@pages.command
def confirm(body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Confirm the address by the code that came there."""
    channel = body["channel"]
    return 200, _shown(service.confirm(bearer().signed.user_id, narrow(body["code"]), channel), channel)


@pages.route("/me/mail/remove", methods=["POST"])
@pages.arguments(OfChannel, example={"channel": "mail"})
@pages.answers(MailDone, example={**DONE_EXAMPLE, "address": "", "state": "absent"}, refusals=(409,))
@pages.command
def remove(body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Forget the address."""
    service.remove(bearer().signed.user_id, body["channel"])
    return 200, _shown(service.mine(bearer().signed.user_id, body["channel"]), body["channel"])


@pages.route("/accounts/<username>/mail", methods=["PUT"])
@pages.arguments(MailAddressBody, example={"address": "zhao@county.example"})
@pages.answers(MailAssigned, example={"username": "xs-village3", "repeated": False}, refusals=(409,))
@pages.command
def assign(body: Mapping[str, Any], username: str) -> tuple[int, dict[str, Any]]:
    """Set the address of an account of the county; its owner confirms it."""
    service.assign(actor(), username, address=narrow(body["address"]), channel=body["channel"])
    return 200, {"username": username}
