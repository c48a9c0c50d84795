"""The log of the web: one JSON object a request, and nothing personal after a whole walk."""

import io
import json
import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest

from app.logs import OURS, formatter
from app.services.deliver import deliver
from app.services.sweep import sweep
from tests.factories import VALUES
from tests.web.filling import clue_by_page, step_by_page
from tests.web.site import browser
from tests.world import World, id_number

KEYS = {"event", "request_id", "method", "endpoint", "status", "ms", "account", "logger", "level", "timestamp"}


@pytest.fixture
def heard() -> Iterator[io.StringIO]:
    """Everything that any library logs, from the least level on, in the form of the log."""
    kept, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(kept)
    handler.setFormatter(formatter())
    levels = {name: logging.getLogger(name).level for name in OURS}
    root.addHandler(handler)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield kept
    root.removeHandler(handler)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def lines(heard: io.StringIO) -> list[dict[str, object]]:
    """The log, line by line."""
    return [json.loads(line) for line in heard.getvalue().splitlines()]


def test_a_request_is_one_line_with_its_account(world: World, heard: io.StringIO) -> None:
    number = world.walker().include().household.number
    cadre = world.person("village_cadre")
    one = browser(world, cadre).get(f"/households/{number}?secret=13900000000")
    line = [line for line in lines(heard) if line["event"] == "request"][-1]
    assert set(line) == KEYS
    assert (line["endpoint"], line["status"], line["account"]) == ("households.household", 200, cadre.id)
    assert one.last is not None
    assert line["request_id"] == one.last.headers["X-Request-ID"]
    assert number not in json.dumps(line)


def test_a_fault_is_logged_by_kind_and_place_only(
    world: World, heard: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = browser(world, world.person("village_cadre"))

    secret = "张三 511381199001012345"

    def broken() -> str:
        raise KeyError(secret)

    monkeypatch.setitem(world.app.view_functions, "desk.desk", broken)
    assert one.get("/desk?q=张三").status == 500
    text = heard.getvalue()
    assert "KeyError" in text
    assert "张三" not in text
    assert "511381199001012345" not in text


def test_a_library_that_tells_an_address_tells_no_query(heard: io.StringIO) -> None:
    logging.getLogger("gunicorn.error").error("Error handling request %s", "/households?q=张三&x=1")
    try:
        int("张三")
    except ValueError:
        logging.getLogger("app").exception("broken")
    first, second = lines(heard)
    assert first["event"] == "Error handling request /households?…"
    assert str(second["error"]).startswith("ValueError at test_logs.py")
    assert "张三" not in heard.getvalue()


def test_a_whole_walk_leaves_nothing_personal_in_the_log(world: World, heard: io.StringIO) -> None:
    """By pages: clue, gates, search by name, refusals and wrong passwords; then the clocks and the messages."""
    walker = world.walker()
    clue_by_page(walker, "village_cadre", "include")
    step_by_page(walker, "village_cadre", "nominate")
    world.walker(2).include().assist()
    one = browser(world, world.person("village_cadre"))
    for path in ("/households?q=张三", f"/cases/{walker.household.number}-C1", "/desk", "/nowhere/张三?q=李四"):
        one.get(path)
    one.post("/login", {"username": "张三", "password": "a wrong password"})
    world.now += timedelta(days=90)
    sweep()
    deliver()
    text = heard.getvalue()
    assert len(lines(heard)) > 20
    typed = [value for value in VALUES.values() if isinstance(value, str) and not value.isascii()]
    personal = ["张三", "李四", "测试", "13900000000", "a wrong password", "q=", *typed]
    personal += [id_number(name) for name in world.accounts]
    assert [value for value in personal if value in text] == []
