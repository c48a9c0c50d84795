"""Whole tables out of one database and into another, on either engine: the ground of backup, restore and move.

A row is one line: a JSON array of its values in the order of the columns. The lines of a table stand in the order of
its key, compared byte by byte, so the same rows give the same lines, and the same digest, on both engines.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy import Connection

from app.store import schema
from app.store.households import batches
from app.store.transaction import WRITING
from app.tables import Base

# Log-ins and heartbeats belong to the machine that ran: on another one people log in anew and jobs have not run yet.
LEFT_OUT = frozenset({"login_sessions", "heartbeats"})
KINDS: tuple[tuple[type[sa.types.TypeEngine[Any]], str], ...] = (
    (sa.Boolean, "bool"),
    (sa.Integer, "int"),
    (sa.JSON, "json"),
    (sa.String, "text"),
)
TYPES: dict[str, type[sa.types.TypeEngine[Any]]] = {
    "bool": sa.Boolean,
    "int": sa.BigInteger,
    "json": sa.Text,
    "text": sa.Text,
}
BATCH = 1_000
FROZEN_WAIT = "30s"


class LoadFailed(RuntimeError):
    """The database refused rows of a table; says which table and the database's first sentence, never a value."""

    def __init__(self, table: str, reason: str) -> None:
        super().__init__(f"{table}: {reason}")
        self.table, self.reason = table, reason


@dataclass(frozen=True)
class Shape:
    """A table as a dump knows it: (name, kind) of each column, the key, and the columns that count up by themselves."""

    name: str
    columns: Sequence[tuple[str, str]]
    key: Sequence[str]

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [name for name, _ in self.columns]

    @property
    def counted(self) -> str:
        """The column whose numbers the database gives out, empty when there is none."""
        is_number = len(self.key) == 1 and dict(self.columns)[self.key[0]] == "int"
        return self.key[0] if is_number else ""


def shapes() -> list[Shape]:
    """Return every table that a dump holds, those that others point to first."""
    tables = (table for table in Base.metadata.sorted_tables if table.name not in LEFT_OUT)
    return [
        Shape(
            table.name,
            tuple((column.name, _kind(column)) for column in table.columns),
            tuple(column.name for column in table.primary_key),
        )
        for table in tables
    ]


def _kind(column: sa.Column[Any]) -> str:
    return next(kind for made, kind in KINDS if isinstance(column.type, made))


@contextmanager
def snapshot(url: str, *, frozen: bool = False) -> Iterator[Connection]:
    """Open one consistent view of a database while others go on writing; ``frozen`` lets nobody write meanwhile."""
    engine = schema.own_engine(url)
    is_sqlite = engine.dialect.name == "sqlite"
    options: dict[str, Any] = {WRITING: frozen} if is_sqlite else {"isolation_level": "REPEATABLE READ"}
    try:
        with engine.connect() as opened, opened.execution_options(**options).begin():
            if frozen and not is_sqlite:
                _freeze(opened)
            yield opened
    finally:
        engine.dispose()


def _freeze(connection: Connection) -> None:
    """Locked before the first reading, so that the snapshot holds all that was ever committed."""
    connection.execute(sa.text("SELECT set_config('lock_timeout', :wait, true)"), {"wait": FROZEN_WAIT})
    quote = connection.dialect.identifier_preparer.quote
    names = ", ".join(quote(shape.name) for shape in shapes())
    connection.exec_driver_sql(f"LOCK TABLE {names} IN SHARE MODE")


def lines(connection: Connection, shape: Shape) -> Iterator[bytes]:
    """Return the rows of a table as lines, in the order of its key."""
    columns = {name: sa.column(name, TYPES[kind]()) for name, kind in shape.columns}
    is_sqlite = connection.dialect.name == "sqlite"
    # Byte order on both engines: PostgreSQL would take that of its locale.
    order = [
        columns[name] if is_sqlite or kind == "int" else columns[name].collate("C")
        for name, kind in shape.columns
        if name in shape.key
    ]
    # The text of JSON as it lies, so that nothing about it can change on the way.
    picked = [
        sa.cast(columns[name], sa.Text) if kind == "json" and not is_sqlite else columns[name]
        for name, kind in shape.columns
    ]
    query = sa.select(*picked).select_from(sa.table(shape.name, *columns.values())).order_by(*order)
    for row in connection.execute(query, execution_options={"yield_per": BATCH}):
        yield json.dumps(list(row), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def digest(connection: Connection, shape: Shape) -> tuple[int, str]:
    """Return the number of rows of a table and the SHA-256 of its lines."""
    found, count = hashlib.sha256(), 0
    for line in lines(connection, shape):
        found.update(line)
        count += 1
    return count, found.hexdigest()


def load(connection: Connection, shape: Shape, rows: Iterable[bytes]) -> None:
    """Put lines into an empty table with its guards on; numbers given out later follow the highest one here.

    Raises LoadFailed when the database refuses a row.
    """
    values = (json.loads(line) for line in rows)
    fill = _fill_sqlite if connection.dialect.name == "sqlite" else _copy
    fill(connection, shape, values)


def _fill_sqlite(connection: Connection, shape: Shape, rows: Iterable[list[Any]]) -> None:
    quote = connection.dialect.identifier_preparer.quote
    names, marks = ", ".join(map(quote, shape.names)), ", ".join("?" * len(shape.columns))
    statement = f"INSERT INTO {quote(shape.name)} ({names}) VALUES ({marks})"  # noqa: S608 - names of tables, quoted
    for part in batches(map(tuple, rows), BATCH):
        try:
            connection.exec_driver_sql(statement, part)
        except sa.exc.SQLAlchemyError as error:
            raise LoadFailed(shape.name, type(error).__name__) from error


def _copy(connection: Connection, shape: Shape, rows: Iterable[list[Any]]) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, shape.names))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(shape.name), names)
    raw = connection.connection.driver_connection
    try:
        with raw.cursor() as cursor, cursor.copy(statement) as copy:  # type: ignore[union-attr]
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:
        # Whatever else the error says repeats the row.
        raise LoadFailed(shape.name, error.diag.message_primary or type(error).__name__) from None
    if shape.counted:
        _count_on(connection, shape)
    # As after an import: what is read next is planned by what lies there now.
    connection.execute(sa.text(f"ANALYZE {connection.dialect.identifier_preparer.quote(shape.name)}"))


def _count_on(connection: Connection, shape: Shape) -> None:
    quote = connection.dialect.identifier_preparer.quote
    last = f"SELECT max({quote(shape.counted)}) FROM {quote(shape.name)}"  # noqa: S608 - names of tables, quoted
    connection.execute(
        sa.text(f"SELECT setval(pg_get_serial_sequence(:name, :counted), ({last})) WHERE ({last}) IS NOT NULL"),
        {"name": quote(shape.name), "counted": shape.counted},
    )


def chains(connection: Connection) -> dict[str, dict[str, Any]]:
    """Return per county the numbers of cases and entries, one digest over all heads, and its ledger's length and head.

    The digest is SHA-256 over the lines ``number seq head`` of all cases by number.
    """
    found: dict[str, dict[str, Any]] = {}
    for line in lines(connection, _only("cases", "county", "number", "seq", "head")):
        county, number, seq, head = json.loads(line)
        one = found.setdefault(county, {"cases": 0, "entries": 0, "heads": hashlib.sha256(), "ledger": None})
        one["cases"], one["entries"] = one["cases"] + 1, one["entries"] + seq
        one["heads"].update(f"{number} {seq} {head}\n".encode())
    for line in lines(connection, _only("ledger_heads", "county", "seq", "head")):
        county, seq, head = json.loads(line)
        one = found.setdefault(county, {"cases": 0, "entries": 0, "heads": hashlib.sha256(), "ledger": None})
        one["ledger"] = [seq, head]
    return {county: {**one, "heads": one["heads"].hexdigest()} for county, one in sorted(found.items())}


def _only(table: str, *names: str) -> Shape:
    shape = next(shape for shape in shapes() if shape.name == table)
    columns = tuple((name, kind) for name, kind in shape.columns if name in names)
    return Shape(shape.name, columns, shape.key)


def clock(connection: Connection) -> str:
    """Return the database's time, as UTC text."""
    if connection.dialect.name == "sqlite":
        return str(connection.scalar(sa.text("SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 'now')")))
    query = "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
    return str(connection.scalar(sa.text(query)))


def last_beat(connection: Connection, job: str) -> str | None:
    """Return when a job of the scheduler last ran to its end."""
    query = sa.text("SELECT at FROM heartbeats WHERE name = :name")
    found = connection.scalar(query, {"name": job})
    return None if found is None else str(found)
