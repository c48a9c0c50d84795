"""What the database refuses of journal and access ledger, whoever sends it, on both engines."""

import sqlite3

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.store import append_only, schema
from app.tables import APPEND_ONLY, Base
from tests.migration.databases import opened, rows, run

JOURNAL = 'INTO journal (county, "case", seq, text, hash, at) VALUES '
LEDGER = "INTO access_ledger (county, seq, text, hash, at) VALUES "
HONEST = (
    f"INSERT {JOURNAL} ('500241', 'A', 1, 'a1', 'x', 't')",
    f"INSERT {JOURNAL} ('500241', 'A', 2, 'a2', 'x', 't'), ('500241', 'A', 3, 'a3', 'x', 't')",
    f"INSERT {JOURNAL} ('500241', 'B', 1, 'b1', 'x', 't'), ('500230', 'A', 1, 'c1', 'x', 't')",
    f"INSERT {LEDGER} ('500241', 1, 'l1', 'x', 't'), ('500241', 2, 'l2', 'x', 't'), ('500230', 1, 'm1', 'x', 't')",
)
FORBIDDEN = (
    "UPDATE journal SET text = 'other'",
    "UPDATE journal SET text = text WHERE seq = 3",
    "UPDATE journal SET seq = 4 WHERE \"case\" = 'A' AND seq = 3",
    "DELETE FROM journal",
    "DELETE FROM journal WHERE \"case\" = 'A' AND seq = 3",
    "UPDATE access_ledger SET text = 'other' WHERE seq = 2",
    "DELETE FROM access_ledger WHERE seq = 2",
    f"INSERT {JOURNAL} ('500241', 'A', 3, 'other', 'x', 't')",
    (
        f"INSERT {JOURNAL} ('500241', 'A', 3, 'other', 'x', 't') "
        'ON CONFLICT (county, "case", seq) DO UPDATE SET text = excluded.text'
    ),
    f"INSERT {LEDGER} ('500241', 2, 'other', 'x', 't') ON CONFLICT (county, seq) DO UPDATE SET text = excluded.text",
)
OUT_OF_ORDER = (
    f"INSERT {JOURNAL} ('500241', 'A', 5, 'a5', 'x', 't')",
    f"INSERT {JOURNAL} ('500241', 'A', 0, 'a0', 'x', 't')",
    f"INSERT {JOURNAL} ('500241', 'A', -1, 'a0', 'x', 't')",
    f"INSERT {JOURNAL} ('500241', 'C', 2, 'c2', 'x', 't')",
    f"INSERT {JOURNAL} ('500241', 'A', 5, 'a5', 'x', 't'), ('500241', 'A', 4, 'a4', 'x', 't')",
    f"INSERT {LEDGER} ('500241', 4, 'l4', 'x', 't')",
    f"INSERT {LEDGER} ('500236', 2, 'n2', 'x', 't')",
)
SQLITE_FORBIDDEN = (
    f"INSERT OR REPLACE {JOURNAL} ('500241', 'A', 3, 'other', 'x', 't')",
    f"REPLACE {JOURNAL} ('500241', 'A', 1, 'other', 'x', 't')",
    f"REPLACE {LEDGER} ('500241', 2, 'other', 'x', 't')",
    f"INSERT OR IGNORE {JOURNAL} ('500241', 'A', 3, 'other', 'x', 't')",
    f"INSERT OR REPLACE {JOURNAL} ('500241', 'A', '3', 'other', 'x', 't')",
    f"INSERT OR REPLACE {JOURNAL} ('500241', 'A', 3.0, 'other', 'x', 't')",
    f"INSERT {JOURNAL} ('500241', 'A', 3.5, 'other', 'x', 't')",
    f"INSERT {JOURNAL} ('500241', 'A', NULL, 'other', 'x', 't')",
    f"INSERT {JOURNAL} ('500241', 'A', 3, 'other', 'x', 't') ON CONFLICT DO UPDATE SET text = 'other'",
    "UPDATE OR REPLACE journal SET seq = 3 WHERE \"case\" = 'A' AND seq = 2",
    "UPDATE OR IGNORE journal SET text = 'other'",
    "UPDATE OR REPLACE access_ledger SET seq = 2 WHERE seq = 1",
    "REPLACE INTO journal SELECT county, \"case\", seq, 'other', hash, at FROM journal",
)
SQLITE_PRAGMAS = ("recursive_triggers=OFF", "recursive_triggers=ON", "ignore_check_constraints=ON", "foreign_keys=OFF")
POSTGRES_FORBIDDEN = (
    "TRUNCATE journal",
    "TRUNCATE access_ledger",
    "TRUNCATE cases, journal CASCADE",
    "SET session_replication_role = replica; DELETE FROM journal",
    "SET session_replication_role = replica; TRUNCATE access_ledger",
    "MERGE INTO journal USING (SELECT 1) AS one ON true WHEN MATCHED THEN DELETE",
    "MERGE INTO access_ledger USING (SELECT 1) AS one ON true WHEN MATCHED THEN UPDATE SET text = 'other'",
    "WITH gone AS (DELETE FROM journal RETURNING *) SELECT count(*) FROM gone",
    # A temporary table of the same name must not lend its rows to the guard.
    (
        "CREATE TEMPORARY TABLE journal (LIKE public.journal);"
        " INSERT INTO journal VALUES ('500241', 'A', 8, 'a8', 'x', 't');"
        " INSERT INTO public.journal VALUES ('500241', 'A', 9, 'a9', 'x', 't')"
    ),
)


def _all(url: str) -> list[tuple[object, ...]]:
    journal = rows(url, 'SELECT * FROM journal ORDER BY county, "case", seq')
    return journal + rows(url, "SELECT * FROM access_ledger ORDER BY county, seq")


@pytest.fixture
def filled_url(migrated_url: str) -> str:
    """A migrated database with eight sealed entries, added as the store adds them."""
    run(migrated_url, *HONEST)
    return migrated_url


def _ensure_refused(url: str, *statements: str) -> None:
    before = _all(url)
    assert len(before) == 8
    for statement in statements:
        with pytest.raises(IntegrityError):
            run(url, statement)
        assert _all(url) == before, statement


def test_changes_are_refused(filled_url: str) -> None:
    _ensure_refused(filled_url, *FORBIDDEN)


def test_gaps_are_refused(filled_url: str) -> None:
    _ensure_refused(filled_url, *OUT_OF_ORDER)


def test_the_next_entry_is_still_welcome(filled_url: str) -> None:
    _ensure_refused(filled_url, *FORBIDDEN, *OUT_OF_ORDER)
    run(filled_url, f"INSERT {JOURNAL} ('500241', 'A', 4, 'a4', 'x', 't')")
    run(filled_url, f"INSERT {LEDGER} ('500241', 3, 'l3', 'x', 't')")
    assert len(_all(filled_url)) == 10


def test_the_refusal_says_why(filled_url: str) -> None:
    for statement, why in (
        ("UPDATE journal SET text = ''", "journal is append-only: UPDATE is refused"),
        ("DELETE FROM access_ledger", "access_ledger is append-only: DELETE is refused"),
        (OUT_OF_ORDER[0], "journal is append-only: the entry before this one is missing"),
    ):
        with pytest.raises(IntegrityError, match=why):
            run(filled_url, statement)


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
@pytest.mark.parametrize("pragma", SQLITE_PRAGMAS)
def test_no_pragma_opens_a_way_in_sqlite(filled_url: str, pragma: str) -> None:
    before = _all(filled_url)
    raw = sqlite3.connect(filled_url.removeprefix("sqlite:///"), isolation_level=None)
    raw.execute(f"PRAGMA {pragma}")
    for statement in SQLITE_FORBIDDEN + FORBIDDEN + OUT_OF_ORDER:
        with pytest.raises(sqlite3.IntegrityError):
            raw.execute(statement)
    raw.close()
    assert _all(filled_url) == before


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
@pytest.mark.parametrize("table", APPEND_ONLY)
def test_sqlite_rows_have_no_rowid_to_be_replaced_by(filled_url: str, table: str) -> None:
    with pytest.raises(DBAPIError, match="no such column: rowid"):
        rows(filled_url, f"SELECT rowid FROM {table}")  # noqa: S608 - a name of ours


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_postgresql_refuses_its_own_ways_too(filled_url: str) -> None:
    _ensure_refused(filled_url, *POSTGRES_FORBIDDEN)


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_one_statement_may_seal_several_entries(filled_url: str) -> None:
    run(
        filled_url,
        f"WITH first AS (INSERT {JOURNAL} ('500241', 'D', 1, 'd1', 'x', 't'), ('500241', 'D', 2, 'd2', 'x', 't'))"
        f" INSERT {LEDGER} ('500241', 3, 'l3', 'x', 't')",
    )
    assert len(_all(filled_url)) == 11


def test_a_guarded_table_has_one_unique_key() -> None:
    assert set(append_only.GUARDED) == set(APPEND_ONLY)
    for name, key in append_only.GUARDED.items():
        table = Base.metadata.tables[name]
        assert tuple(column.name for column in table.primary_key) == (*key, "seq")
        assert not any(isinstance(made, sa.UniqueConstraint) for made in table.constraints)
        assert not any(index.unique for index in table.indexes)


def _faults(url: str) -> list[str]:
    with opened(url) as engine, engine.connect() as connection:
        return append_only.faults(connection)


def test_lost_and_hollow_guards_are_named(migrated_url: str, engine_name: str) -> None:
    assert _faults(migrated_url) == []
    if engine_name == "sqlite":
        run(
            migrated_url,
            "DROP TRIGGER journal_no_delete",
            "DROP TRIGGER journal_no_update",
            "CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal WHEN 0 BEGIN SELECT 1; END",
        )
        assert _faults(migrated_url) == ["journal_no_delete", "journal_no_update"]
        return
    run(
        migrated_url,
        "ALTER TABLE journal DISABLE TRIGGER journal_no_delete",
        "DROP TRIGGER journal_no_update ON journal",
        "CREATE OR REPLACE FUNCTION journal_in_order() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    )
    assert _faults(migrated_url) == ["journal_in_order()", "journal_no_delete", "journal_no_update"]


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_a_schema_of_another_name_is_guarded_too(database_url: str) -> None:
    name = rows(database_url, "SELECT quote_ident(current_database())")[0][0]
    run(database_url, 'CREATE SCHEMA "Fang pin"', f"ALTER DATABASE {name} SET search_path = 'Fang pin'")
    schema.upgrade(database_url)
    assert rows(database_url, "SELECT current_schema()") == [("Fang pin",)]
    assert _faults(database_url) == []
    run(database_url, *HONEST)
    _ensure_refused(database_url, *FORBIDDEN, *OUT_OF_ORDER)
