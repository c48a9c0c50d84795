"""SQLite's one write lock under many hands: nobody who waits is passed by for long, and the wait has an end."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.exc import OperationalError

from app.store.transaction import WRITING, prepare_engine, writing
from app.tables import db
from tests.world import World

on_sqlite = pytest.mark.parametrize("engine_name", ["sqlite"])
HANDS, SECONDS, HOLD = 12, 6.0, 0.004


@on_sqlite
def test_who_waits_is_not_passed_by(world: World) -> None:
    """Each of many hands takes the lock again and again; the longest wait is a few times the fair one, not seconds."""
    waits: list[float] = []

    def hand() -> None:
        with world.app.app_context():
            until = time.monotonic() + SECONDS
            while time.monotonic() < until:
                begun = time.monotonic()
                with writing():
                    waits.append(time.monotonic() - begun)
                    time.sleep(HOLD)
            db.session.remove()

    hands = [threading.Thread(target=hand) for _ in range(HANDS)]
    for one in hands:
        one.start()
    for one in hands:
        one.join()
    assert max(waits) < SECONDS / 2
    assert len(waits) > HANDS * 2


@on_sqlite
def test_the_wait_ends_and_the_next_one_is_as_long(world: World) -> None:
    """A lock that is never given back is an error of the database; the connection waits as long as before after it."""
    with world.app.app_context():
        db.session.connection().exec_driver_sql("PRAGMA busy_timeout=200")
        with db.engine.connect() as other:
            other.exec_driver_sql("ROLLBACK")
            other.exec_driver_sql("BEGIN IMMEDIATE")
            for _ in range(2):
                begun = time.monotonic()
                with pytest.raises(OperationalError, match="locked"), writing():
                    pytest.fail("the lock is held by another")
                assert 0.2 <= time.monotonic() - begun < 5
        with writing() as now:
            assert now == world.now


def test_those_who_open_a_new_file_at_once_wait_for_each_other(tmp_path: Path) -> None:
    def opened_at_once(url: str) -> str:
        engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": 10})
        prepare_engine(engine)
        with engine.connect() as connection, connection.execution_options(**{WRITING: True}).begin():
            return str(connection.scalar(text("PRAGMA journal_mode")))

    with ThreadPoolExecutor(3) as pool:
        for serial in range(60):
            url = f"sqlite:///{tmp_path}/{serial}.db"
            assert list(pool.map(opened_at_once, [url] * 3)) == ["wal"] * 3
