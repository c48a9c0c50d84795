"""Many rows at once: COPY on PostgreSQL, one statement for many rows on SQLite; never row objects."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from sqlalchemy import ColumnElement, Text, any_, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import IntegrityError

from app.store.statements import table
from app.store.transaction import is_sqlite
from app.tables import Base, db


class Clash(Exception):
    """A row clashes with one that is there; the transaction is lost."""


def insert_rows(model: type[Base], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows of values in the order of ``columns`` (JSON as text); raises Clash."""
    name, listed = table(model).name, ", ".join(columns)  # our own names, never what anybody typed
    connection = db.session.connection()
    try:
        if is_sqlite():
            marks = ", ".join("?" * len(columns))
            values = [tuple(row) for row in rows]
            if values:
                connection.exec_driver_sql(f"INSERT INTO {name} ({listed}) VALUES ({marks})", values)  # noqa: S608
            return
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)  # noqa: S101 - narrows the type; the engine has no other driver
        with driver.cursor() as cursor, cursor.copy(f"COPY {name} ({listed}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    except (IntegrityError, psycopg.errors.IntegrityError) as error:
        raise Clash(name) from error


def refresh_statistics(*models: type[Base]) -> None:
    """Let PostgreSQL know at once what has come in: until its own daemon looks it plans by tables that were empty.

    A look for the members of one household then read those of the whole county (measured).
    """
    if not is_sqlite():
        db.session.connection().exec_driver_sql(f"ANALYZE {', '.join(table(model).name for model in models)}")


def among(column: Any, values: Iterable[str]) -> ColumnElement[bool]:
    """Return that a column is one of many texts, which go to the engine as one parameter whatever their number."""
    listed = sorted(set(values))
    if is_sqlite():
        return column.in_(select(func.json_each(json.dumps(listed)).table_valued("value").c.value))  # type: ignore[no-any-return]
    return column == any_(literal(listed, ARRAY(Text)))  # type: ignore[no-any-return]
