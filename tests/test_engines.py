"""The two engines of the tests are real, empty and apart."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import sqlalchemy as sa

from tests import postgres


def _scalar(url: str, statement: str) -> object:
    engine = sa.create_engine(url)
    try:
        with engine.begin() as connection:
            return connection.execute(sa.text(statement)).scalar()
    finally:
        engine.dispose()


def _execute(url: str, *statements: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
    engine.dispose()


def test_a_database_is_fresh_and_writable(database_url: str) -> None:
    _execute(database_url, "CREATE TABLE t (name TEXT)", "INSERT INTO t VALUES ('秀山')")
    assert _scalar(database_url, "SELECT name FROM t") == "秀山"


def test_the_server_that_is_killed_is_durable_and_wide_enough() -> None:
    folder = Path(tempfile.mkdtemp(prefix="fangpin-pg-", dir="/tmp"))
    try:
        with postgres.own_server(folder) as server:
            url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
            assert _scalar(url, "SHOW fsync") == "on"
            assert _scalar(url, "SHOW synchronous_commit") == "on"
            assert _scalar(url, "SHOW max_connections") == "300"
            assert str(_scalar(url, "SELECT version()")).startswith("PostgreSQL")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_an_installation_on_sqlite_survives_a_power_cut(tmp_path: Path) -> None:
    asked = "import app.store.transaction as t; from app.store import schema; from sqlalchemy import create_engine;"
    asked += f"e = create_engine('sqlite:///{tmp_path / 'x.db'}'); t.prepare_engine(e);"
    asked += "print(e.connect().exec_driver_sql('PRAGMA synchronous').scalar())"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "2"  # FULL; the tests of this process wait for no disk


def test_a_template_is_built_once_and_copied() -> None:
    calls: list[str] = []

    def build(url: str) -> None:
        calls.append(url)
        _execute(url, "CREATE TABLE t (n INTEGER)", "INSERT INTO t VALUES (1)")

    urls = [postgres.new_database(postgres.ensure_template("one row", build)) for _ in range(2)]
    _execute(urls[0], "DELETE FROM t")
    assert [_scalar(url, "SELECT count(*) FROM t") for url in urls] == [0, 1]
    assert len(calls) == 1
    for url in urls:
        postgres.drop_database(url)
