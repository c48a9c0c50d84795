"""The two engines of the tests are real, empty and apart."""

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


def test_the_server_is_durable_and_wide_enough() -> None:
    url = postgres.new_database()
    assert _scalar(url, "SHOW fsync") == "on"
    assert _scalar(url, "SHOW synchronous_commit") == "on"
    assert _scalar(url, "SHOW max_connections") == "300"
    assert str(_scalar(url, "SELECT version()")).startswith("PostgreSQL")
    postgres.drop_database(url)


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
