"""The steps lead to exactly the schema that the tables describe, on both engines."""

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.exc import IntegrityError

from app.tables import APPEND_ONLY, Base
from tests import postgres
from tests.migration.databases import opened, rows

# What Alembic does not compare: conditions of partial indexes, uniqueness, references, the order of columns.
POSTGRES_CATALOGUE = (
    (
        "SELECT table_name, ordinal_position, column_name, data_type, character_maximum_length, is_nullable,"
        " column_default FROM information_schema.columns WHERE table_schema = 'public'"
    ),
    "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    (
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace"
    ),
)


def _described(url: str) -> str:
    with opened(url) as engine:
        Base.metadata.create_all(engine)
    return url


def _postgres_catalogue(url: str) -> set[str]:
    found = {str(row) for query in POSTGRES_CATALOGUE for row in rows(url, query)}
    return {row for row in found if "alembic_version" not in row}


def _sqlite_catalogue(url: str) -> set[str]:
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    pragmas = ("table_info", "foreign_key_list")
    found = {
        f"{name} {row}"
        for name in names
        for pragma in pragmas
        for row in connection.execute(f"PRAGMA {pragma}({name})")
    }
    query = "SELECT tbl_name || ' ' || coalesce(sql, name) FROM sqlite_master WHERE type = 'index'"
    found |= {text for (text,) in connection.execute(query)}
    connection.close()
    # A table without rowid has its key as its tree and no index of its own for it.
    own = {f"{name} sqlite_autoindex_{name}_1" for name in APPEND_ONLY}
    return {row for row in found if "alembic_version" not in row} - own


# On SQLite it reads no index over an expression; the catalogues below compare those word by word.
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
def test_alembic_finds_nothing_to_do(migrated_url: str) -> None:
    with opened(migrated_url) as engine, engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata) == []


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_the_catalogues_are_equal_on_postgresql(migrated_url: str) -> None:
    described = _described(postgres.new_database())
    try:
        assert _postgres_catalogue(migrated_url) == _postgres_catalogue(described)
    finally:
        postgres.drop_database(described)


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_the_catalogues_are_equal_on_sqlite(migrated_url: str, tmp_path: Path) -> None:
    described = _described(f"sqlite:///{tmp_path / 'described.db'}")
    assert _sqlite_catalogue(migrated_url) == _sqlite_catalogue(described)


def test_one_open_case_a_subject_is_held_by_the_database(migrated_url: str) -> None:
    cases = Base.metadata.tables["cases"]
    values: dict[str, object] = {column.name: "x" for column in cases.columns}
    values |= {"due_at": None, "seq": 1}
    with opened(migrated_url) as engine:
        for number, closed in (("1", True), ("2", True), ("3", False)):
            _insert(engine, cases, values | {"number": number, "closed": closed})
        with pytest.raises(IntegrityError):
            _insert(engine, cases, values | {"number": "4", "closed": False})
        _insert(engine, cases, values | {"number": "5", "closed": False, "subject": "another"})


def _insert(engine: sa.Engine, table: sa.Table, values: dict[str, object]) -> None:
    with engine.begin() as connection:
        connection.execute(sa.insert(table).values(**values))
