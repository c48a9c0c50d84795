"""The REST API under /api/v1: one file a resource; the same services as the pages, asked by tokens."""

from threading import Lock
from typing import Any, cast

from flask import Flask, Response
from flask_smorest import Api, Blueprint

from app.api import (
    accounts,
    audit,
    bundles,
    calendar,
    cases,
    check,
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
    bundles,
    papers,
    grids,
    handover,
    rule_runs,
    calendar,
    audit,
    kit,
    seals,
    check,
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
    """flask-smorest without its own error pages: every error of ours is a problem (see problems).

    The document is made when it is first asked for: it takes half a second, and most processes are never asked.
    """

    ERROR_SCHEMA = Problem

    def __init__(self, app: Flask, **options: Any) -> None:
        """Add the document's address to an application."""
        self._undescribed: list[Blueprint] = []
        self._describing = Lock()
        super().__init__(app, **options)

    def _register_error_handlers(self) -> None:
        """Leave errors to the blueprints."""

    def register_blueprint(self, blueprint: Blueprint) -> None:
        """Add a resource's routes now and its part of the document later."""
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blueprint.name] = self
        self._app.register_blueprint(blueprint)
        self._undescribed.append(blueprint)

    def _openapi_json(self) -> Response:
        with self._describing:
            for blueprint in self._undescribed:
                blueprint.register_views_in_doc(self, self._app, self.spec, name=blueprint.name, parameters=None)
                self.spec.tag({"name": blueprint.name, "description": blueprint.description})
            self._undescribed.clear()
        return cast("Response", super()._openapi_json())


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
