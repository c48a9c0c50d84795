"""A site with its API in a test, and callers who send tokens."""

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.api import init_api
from app.services import tokens
from app.services.tokens import SCOPES
from tests.web.site import add_pages
from tests.world import World
from workflows.model import Actor

BASE = "/api/v1"


def add_api(world: World) -> World:
    """Add pages and API to a world's application where they are not there yet."""
    add_pages(world)
    if "api_cases" not in world.app.blueprints:
        init_api(world.app)
    return world


@dataclass
class Caller:
    """Another system: sends a token with each request; each request gets an application context of its own."""

    app: Flask
    client: FlaskClient
    token: str
    last: TestResponse | None = field(default=None)

    def send(self, method: str, path: str, body: Any = None, *, key: str = "", raw: bytes = b"", **more: Any) -> Any:
        """Send a request and return the body of the answer."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if method != "GET":
            headers["Idempotency-Key"] = key or uuid.uuid4().hex
        headers |= more.pop("headers", {})
        headers = {name: value for name, value in headers.items() if value}
        sent: dict[str, Any] = {"data": raw} if raw else {} if body is None else {"json": body}
        with self.app.app_context():
            self.last = self.client.open(BASE + path, method=method, headers=headers, **sent, **more)
            data = self.last.get_data()
        kind = self.last.headers.get("Content-Type", "")
        return json.loads(data) if "json" in kind and data else data

    def get(self, path: str, **more: Any) -> Any:
        """Read."""
        return self.send("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> Any:
        """Command."""
        return self.send("POST", path, {} if body is None else body, **more)

    @property
    def status(self) -> int:
        """The last status."""
        assert self.last is not None
        return self.last.status_code

    @property
    def code(self) -> str:
        """The code of the last refusal."""
        assert self.last is not None
        return self.last.headers.get("X-Fangpin-Code", "")


def caller(world: World, who: Actor, *, scopes: Iterable[str] = SCOPES, area: str = "", days: int = 30) -> Caller:
    """A caller with a fresh token of an account, by default for all scopes and the widest office."""
    widest = min((o.area for o in who.offices), key=lambda code: len(code.rstrip("0")))
    _, token = tokens.make(who, name="test", scopes=scopes, area=area or widest, days=days)
    return Caller(world.app, world.app.test_client(), token)
