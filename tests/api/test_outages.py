"""The machine fails, not a person: pages and API say by code what happened and what to do, and nothing is half done."""

import io
import logging
import random
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
import pytest
from PIL import Image
from sqlalchemy import event, text

from app.services.outages import AWAY, BUSY, FULL, outage_of
from app.tables import db
from tests.api.site import Caller, caller
from tests.api.test_cases import nomination
from tests.postgres import closed_database
from tests.web.site import Browser, browser
from tests.world import StoredWalker, World
from workflows.errors import BadValue

CASE = "/cases/500241H0000001-C1"
SENTENCES = {AWAY: "数据库暂时无法连接", FULL: "服务器磁盘已满", BUSY: "此刻办理的人太多"}


@pytest.fixture
def walker(world: World) -> StoredWalker:
    """A household whose case waits for its nomination."""
    return world.walker().clue()


def ensure_page(one: Browser, code: str) -> None:
    """The page that was just answered says what happened and what to do, and shows nothing of ours."""
    assert (one.status, one.code) == (503, code)
    assert one.last is not None
    assert int(one.last.headers["Retry-After"]) > 0
    assert SENTENCES[code] in one.text
    assert "暂时不能办理" in one.text
    for secret in ("Traceback", "Error", "sqlite", "postgres", "SELECT", "INSERT"):
        assert secret not in one.text


def ensure_problem(one: Caller, body: Any, code: str) -> None:
    """The same as problem+json."""
    assert (one.status, body["status"], body["code"], one.code) == (503, 503, code, code)
    assert one.last is not None
    assert one.last.mimetype == "application/problem+json"
    assert int(one.last.headers["Retry-After"]) > 0
    assert SENTENCES[code] in body["detail"]
    assert len(body["reference"]) == 8


def act(one: Caller, walker: StoredWalker, key: str) -> Any:
    """Nominate by the API."""
    return one.post(f"{CASE}/acts/nominate", {"data": nomination(walker), "version": 1}, key=key)


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_while_the_database_is_away_everything_says_so_and_then_goes_on(
    world: World, walker: StoredWalker, caplog: pytest.LogCaptureFixture
) -> None:
    cadre = world.person("village_cadre")
    page, system, stranger = browser(world, cadre), caller(world, cadre), browser(world)
    page.get("/desk")
    with closed_database(world.url), caplog.at_level(logging.ERROR):
        for path in ("/desk", CASE, "/households"):
            ensure_page(page.get(path), AWAY)
        ensure_page(page.post("/logout", {}, token=False), AWAY)
        ensure_problem(system, system.get(CASE), AWAY)
        ensure_problem(system, act(system, walker, "k"), AWAY)
        assert stranger.get("/login").status == 200
        ensure_page(stranger.post("/login", {"username": "x", "password": "y"}), AWAY)
        assert stranger.get("/livez").status == 503
    assert all("Traceback" not in line and "File" not in line for line in caplog.messages)
    assert page.get("/desk").status == 200
    assert act(system, walker, "k") == {"case": walker.case.number, "entry": 2, "repeated": False}
    walker.refresh()


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_the_database_goes_while_a_refusal_is_being_noted(
    world: World, walker: StoredWalker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error while another one is answered is answered like any other."""
    system = caller(world, world.person("village_cadre"))
    page = browser(world, world.person("village_cadre"))

    def refuse(*_: object, **__: object) -> None:
        away.enter_context(closed_database(world.url))
        raise BadValue(field="opinion", value="")

    for one in (page, system):
        with ExitStack() as away, monkeypatch.context() as patch:
            patch.setattr("app.services.cases.act", refuse)
            if isinstance(one, Caller):
                ensure_problem(one, act(one, walker, "k2"), AWAY)
            else:
                one.post(f"{CASE}/acts/nominate", {"version": "1", "key": "k3", **nomination(walker)})
                ensure_page(one, AWAY)


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("53100", FULL), ("53300", BUSY), ("40P01", BUSY), ("40001", BUSY), ("55P03", BUSY), ("57014", BUSY),
        ("57P01", AWAY), ("57P02", AWAY), ("08006", AWAY), ("53200", AWAY), ("22012", ""), ("23505", ""), ("42P01", ""),
    ],
)  # fmt: skip
def test_postgresql_says_what_it_is_by_its_state(world: World, state: str, code: str) -> None:
    with db.engine.connect() as connection, pytest.raises(Exception, match="said by a test") as caught:
        connection.execute(text(f"DO $$ BEGIN RAISE EXCEPTION 'said by a test' USING ERRCODE = '{state}'; END $$"))
    assert outage_of(caught.value) == code
    assert isinstance(caught.value.__cause__, psycopg.Error)


def test_other_errors_are_no_outage() -> None:
    assert outage_of(None) == ""
    assert outage_of(FileNotFoundError(2, "nothing there")) == ""
    assert outage_of(sqlite3.OperationalError("no such table")) == ""
    assert outage_of(BadValue(field="x", value="y")) == ""


# --- the disk is full -------------------------------------------------
@contextmanager
def full_database(world: World) -> Iterator[None]:
    """No page more for the database: SQLite refuses by its own limit, PostgreSQL by an error of the real kind."""
    if "sqlite" not in world.url:
        with db.engine.begin() as connection:
            connection.execute(text(FULL_FUNCTION))
            connection.execute(text("CREATE TRIGGER full_disk BEFORE INSERT ON journal EXECUTE FUNCTION full_disk()"))
        yield
        with db.engine.begin() as connection:
            connection.execute(text("DROP TRIGGER full_disk ON journal"))
        return
    with db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()

    def limit(connection: Any, _: object, __: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages}")

    event.listen(db.engine, "checkout", limit)
    try:
        yield
    finally:
        event.remove(db.engine, "checkout", limit)
        db.session.remove()
        db.engine.dispose()


FULL_FUNCTION = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$
"""


def test_a_full_disk_is_said_nothing_is_half_done_and_work_goes_on(world: World, walker: StoredWalker) -> None:
    """On SQLite some acts still find room in the last pages, so tries go on until one does not."""
    system, walkers = caller(world, world.person("village_cadre")), [walker]
    walkers += [world.walker(serial).clue() for serial in range(2, 40)]
    paths = [f"/cases/{one.case.number}/acts/nominate" for one in walkers]
    body = {"data": {**nomination(walker), "opinion": "同意" * 400}, "version": 1}
    with full_database(world):
        answers = {path: system.post(path, body, key=f"k{place}") for place, path in enumerate(paths)}
        refused = [path for path in paths if "entry" not in answers[path]]
        assert refused
        last = system.post(refused[-1], body, key="again")
        ensure_problem(system, last, FULL)
    for path, one in zip(paths, walkers, strict=True):
        one.refresh()  # replay equals the row
        assert one.case.seq == (1 if path in refused else 2)
    for place, path in enumerate(paths):
        answer = system.post(path, body, key=f"k{place}")
        assert (system.status, answer["entry"], answer["repeated"]) == (200, 2, path not in refused)


def test_a_file_that_finds_no_room_leaves_nothing(world: World, walker: StoredWalker) -> None:
    """By a limit of the process on the size of files, which stops a write in its middle as a full disk does."""
    system, big = caller(world, world.person("village_cadre")), noise()
    with largest_file(2**20):
        ensure_problem(system, system.send("POST", "/evidence/500241", raw=big), FULL)
    assert [path for path in world.app.extensions["fangpin"].settings.evidence.rglob("*") if path.is_file()] == []
    walker.refresh()
    assert walker.case.seq == 1
    system.send("POST", "/evidence/500241", raw=big)
    assert system.status == 201


def noise() -> bytes:
    """A picture of three MiB that can't be made smaller."""
    out = io.BytesIO()
    Image.frombytes("RGB", (1024, 1024), random.Random(1).randbytes(3 * 2**20)).save(out, "PNG")
    return out.getvalue()


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file of this process grows beyond a size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_a_write_lock_that_is_not_given_back_is_said(world: World, walker: StoredWalker) -> None:
    system = caller(world, world.person("village_cadre"))

    def wait_shortly(connection: Any, _: object, __: object) -> None:
        connection.execute("PRAGMA busy_timeout=50")

    event.listen(db.engine, "checkout", wait_shortly)
    holder = sqlite3.connect(world.url.removeprefix("sqlite:///"), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        ensure_problem(system, act(system, walker, "k"), BUSY)
    finally:
        holder.close()
    event.remove(db.engine, "checkout", wait_shortly)
    assert act(system, walker, "k")["entry"] == 2
