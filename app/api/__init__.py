"""The REST API under /api/v1: one file a resource; the same services as the pages, asked by tokens."""

from flask import Flask
from flask_smorest import Api

from app.api import (
    accounts,
    audit,
    calendar,
    cases,
    clocks,
    desk,
    duties,
    evidence,
    grids,
    handover,
    households,
    kit,
    late,
    mail,
    me,
    papers,
    receipts,
    reminders,
    rosters,
    rule_runs,
    seals,
    staff,
    substitutes,
    tokens,
    trails,
    urgings,
    webhooks,
)
from app.api.auth import RIGHTS
from app.api.resources import PREFIX, PROBLEM_EXAMPLE, REFUSED, Problem

RESOURCES = (
    me,
    cases,
    clocks,
    households,
    rosters,
    evidence,
    desk,
    late,
    duties,
    reminders,
    receipts,
    urgings,
    trails,
    papers,
    grids,
    handover,
    rule_runs,
    calendar,
    audit,
    kit,
    seals,
    accounts,
    staff,
    substitutes,
    mail,
    tokens,
    webhooks,
)
INTRO = (
    "Everything that the pages do, for people and for other systems. Each request carries `Authorization: Bearer …`;"
    " each command an `Idempotency-Key`, each act on a case also the version that it was made for."
    " Refusals are application/problem+json with a stable `code`. Accept-Language: zh or en."
)


class Described(Api):  # type: ignore[misc] # flask-smorest ships no types
    """flask-smorest without its own error pages: every error of ours is a problem (see problems)."""

    ERROR_SCHEMA = Problem

    def _register_error_handlers(self) -> None:
        """Leave errors to the blueprints."""


def init_api(app: Flask) -> None:
    """Add the API to an application that has its pages; raises LookupError for a route without its rights."""
    app.config.update(
        API_TITLE="fangpin 防贫",
        API_VERSION="v1",
        OPENAPI_VERSION="3.0.3",
        OPENAPI_URL_PREFIX=PREFIX,
        OPENAPI_JSON_PATH="openapi.json",
    )
    api = Described(app, spec_kwargs={"info": {"description": INTRO}})
    api.spec.components.security_scheme("token", {"type": "http", "scheme": "bearer"})
    content = {"application/problem+json": {"schema": Problem, "example": PROBLEM_EXAMPLE}}
    api.spec.components.response(REFUSED, {"description": "Refused; nothing was done", "content": content})
    api.spec.options["security"] = [{"token": []}]
    for module in RESOURCES:
        api.register_blueprint(module.pages)
        app.extensions["csrf"].exempt(module.pages)
    routes = {rule.endpoint for rule in app.url_map.iter_rules() if rule.endpoint.startswith("api_")}
    if routes != set(RIGHTS):
        raise LookupError(f"API routes and rights differ: {sorted(routes ^ set(RIGHTS))}")
