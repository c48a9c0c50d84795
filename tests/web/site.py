"""A site in a test: a world with its pages, and browsers that log in, follow forms and send files."""

import io
import re
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.views import init_views
from tests.world import PASSWORD, World, picture
from workflows.model import Actor

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


def add_pages(world: World) -> World:
    """Add the pages to a world's application where they are not there yet."""
    if "desk" not in world.app.blueprints:
        init_views(world.app)
    return world


@dataclass
class Browser:
    """One person's browser. Each request gets an application context of its own, as it does in service."""

    app: Flask
    client: FlaskClient
    last: TestResponse | None = field(default=None)

    @property
    def text(self) -> str:
        """The last page."""
        assert self.last is not None
        return self.last.get_data(as_text=True)

    @property
    def status(self) -> int:
        """The last status."""
        assert self.last is not None
        return self.last.status_code

    @property
    def code(self) -> str:
        """The code of a refusal, from the header."""
        assert self.last is not None
        return self.last.headers.get("X-Fangpin-Code", "")

    def get(self, path: str, **more: Any) -> "Browser":
        """Open a page."""
        with self.app.app_context():
            self.last = self.client.get(path, **more)
            self.last.get_data()
            self.last.close()
        return self

    def post(self, path: str, data: dict[str, Any], *, follow: bool = True, token: bool = True) -> "Browser":
        """Send a form with the token of the last page."""
        sent = dict(data)
        if token:
            page = self.text if self.last and TOKEN.search(self.text) else self.get("/password").text
            found = TOKEN.search(page)
            sent["csrf_token"] = found.group(1) if found else ""
        with self.app.app_context():
            self.last = self.client.post(path, data=sent, content_type="multipart/form-data")
        while follow and self.status in (302, 303):
            self.get(self.last.headers["Location"])
        return self

    def hidden(self) -> dict[str, str]:
        """The hidden fields of the last page's main form."""
        return {name: value for name, value in HIDDEN.findall(self.text) if name in ("version", "key")}

    def move(self, path: str, data: dict[str, Any], kinds: tuple[str, ...] = (), **more: Any) -> "Browser":
        """Open a form, fill it in and send it."""
        self.get(path)
        assert self.status == 200, (path, self.status, self.code)
        files = {f"file.{kind}": (io.BytesIO(picture(kind)), f"{kind}.jpg") for kind in kinds}
        return self.post(path, {**self.hidden(), **data, **files}, **more)


def browser(world: World, actor: Actor | None = None) -> Browser:
    """A browser, logged in as an actor of the world."""
    one = Browser(world.app, world.app.test_client())
    if actor is not None:
        username = next(name for name, known in world.accounts.items() if known.id == actor.id)
        one.get("/login").post("/login", {"username": username, "password": PASSWORD})
        assert "logout" in one.text, one.text[:400]
    return one
