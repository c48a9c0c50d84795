"""Chromium and a served world."""

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from app.tables import db
from tests.browser.people import Watch
from tests.browser.town import Town
from tests.web.site import add_pages
from tests.world import World

BROWSERS = ("chromium-headless-shell", "chromium", "google-chrome")
FLAGS = (
    "--lang=zh-CN",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
SHOTS = Path(__file__).parents[2] / "var" / "screenshots"


class Quiet(WSGIRequestHandler):
    """Answers without a line of log for each request."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Say nothing."""


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium with a fresh profile; where there is one, that without windows: a quarter less time."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.fail(
            f"{BROWSERS[0]} is missing: apt-get install {BROWSERS[0]} (the browser tests need it)", pytrace=False
        )
    with tempfile.TemporaryDirectory() as home, sync_playwright() as driver:
        env: dict[str, str | float | bool] = {**os.environ, "HOME": home, "LANGUAGE": "zh_CN"}
        browser = driver.chromium.launch(executable_path=path, headless=True, args=FLAGS, env=env)
        yield browser
        browser.close()


@pytest.fixture
def town(migrated_url: str, tmp_path: Path) -> Iterator[Town]:
    """Xiushan with its accounts; the test runs once for each engine."""
    world = add_pages(World(migrated_url, tmp_path))
    with world.app.app_context():
        one = Town(world)
        one.settle()
        yield one
        db.session.remove()
    world.close()


@pytest.fixture
def address(town: Town) -> Iterator[str]:
    """The address at which the real application answers, from a thread of this process."""
    server = make_server("127.0.0.1", 0, town.world.app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def watch(address: str, engine_name: str) -> Iterator[Watch]:
    """Watches every page; at the end nothing forbidden may have happened. Pictures go to SCREENSHOTS."""
    shots = Path(os.environ.get("SCREENSHOTS") or SHOTS)
    shots.mkdir(parents=True, exist_ok=True)
    # The engines show the same pages: pictures of one of them are enough.
    one = Watch(address.removeprefix("http://"), shots if engine_name == "sqlite" else None)
    yield one
    assert one.faults == []
