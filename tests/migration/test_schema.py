"""From nothing to the newest revision and back, on both engines, and what is said when it does not fit."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from app.store import append_only, schema
from app.tables import Base
from tests.migration.databases import opened, rows, run

VERSION = "SELECT version_num FROM alembic_version"


def _tables(url: str) -> set[str]:
    with opened(url) as engine:
        return set(sa.inspect(engine).get_table_names()) - {"alembic_version"}


def test_an_empty_database_is_brought_to_the_newest_revision(database_url: str) -> None:
    with opened(database_url) as engine:
        assert schema.revision(engine) is None
        with pytest.raises(schema.WrongSchema, match=rf"revision none, program revision {schema.head()}.*fangpin init"):
            schema.ensure_current(engine)
        assert schema.upgrade(engine) == schema.head()
        assert schema.revision(engine) == schema.head()
        schema.ensure_current(engine)
    assert _tables(database_url) == set(Base.metadata.tables)


def test_up_down_up(database_url: str) -> None:
    schema.upgrade(database_url)
    schema.downgrade(database_url, "base")
    assert _tables(database_url) == set()
    assert schema.upgrade(database_url) == schema.head()
    assert _tables(database_url) == set(Base.metadata.tables)
    with opened(database_url) as engine, engine.connect() as connection:
        assert append_only.faults(connection) == []


def test_a_second_upgrade_changes_nothing(migrated_url: str) -> None:
    run(migrated_url, "INSERT INTO counters (county, name, value) VALUES ('500241', 'household', 7)")
    assert schema.upgrade(migrated_url) == schema.head()
    assert rows(migrated_url, "SELECT value FROM counters") == [(7,)]


def test_upgrades_at_the_same_time_do_no_harm(database_url: str) -> None:
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(schema.upgrade, [database_url] * 3)) == [schema.head()] * 3
    assert rows(database_url, VERSION) == [(schema.head(),)]


def test_a_database_of_a_newer_program_is_left_alone(migrated_url: str) -> None:
    run(migrated_url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(schema.WrongSchema, match=r"revision 9999.*newer release"):
        schema.upgrade(migrated_url)
    with opened(migrated_url) as engine, pytest.raises(schema.WrongSchema, match="9999") as caught:
        schema.ensure_current(engine)
    assert (caught.value.found, caught.value.needed) == ("9999", schema.head())
    assert rows(migrated_url, VERSION) == [("9999",)]


def test_sealed_entries_are_not_dropped_with_their_table(migrated_url: str) -> None:
    run(migrated_url, "INSERT INTO journal VALUES ('500241', 'A', 1, 'a1', 'x', 't')")
    with pytest.raises(RuntimeError, match="journal holds sealed entries"):
        schema.downgrade(migrated_url, "base")
    assert rows(migrated_url, VERSION) == [(schema.head(),)]
    assert rows(migrated_url, "SELECT text FROM journal") == [("a1",)]


def test_a_step_that_fails_leaves_nothing_behind(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(connection: sa.Connection, tables: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(append_only, "install", broken)
    with pytest.raises(OSError, match="the disk is full"):
        schema.upgrade(database_url)
    assert _tables(database_url) == set()


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_broken_references_are_not_committed(migrated_url: str) -> None:
    # SQLite's own default is to check no reference; an upgrade runs so too, but looks before it commits.
    with closing(sqlite3.connect(migrated_url.removeprefix("sqlite:///"))) as raw, raw:
        raw.execute("INSERT INTO members VALUES ('500241', 'H', 1, 'n', 'r', '', '', 'k', 'm', 'c', '{}')")
    with pytest.raises(RuntimeError, match="1 broken references, the first in members"):
        schema.upgrade(migrated_url)


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_a_migration_does_not_wait_long_for_a_lock(migrated_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "LOCK_TIMEOUT", "100ms")
    with opened(migrated_url) as engine, engine.begin() as other:
        other.exec_driver_sql("LOCK TABLE reminders IN ROW EXCLUSIVE MODE")
        with pytest.raises(OperationalError, match="lock timeout"):
            schema.downgrade(migrated_url, "base")
    assert _tables(migrated_url) == set(Base.metadata.tables)
