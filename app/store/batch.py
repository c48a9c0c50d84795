"""Writing what commands do: rows gathered by part, then written at once, for one command as for hundreds.

PostgreSQL gets one statement with a JSON list of rows for each part, SQLite one statement a part: what a move costs is
the way to the server and the interpreter, not the rows (measured). The text of each statement is made once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import orjson
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import JSON

from app.store.statements import table
from app.store.transaction import present
from app.tables import (
    Base,
    CaseRow,
    CommandRow,
    DeadlineRow,
    DisclosureRow,
    EvidenceUse,
    JournalRow,
    OutboxRow,
    Reminder,
    Wait,
)
from workflows.errors import Stale

Row = Mapping[str, Any]
POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]
NO_COLUMNS = {"before": "INTEGER", "kept": "TEXT"}


@dataclass(frozen=True)
class Part:
    """One kind of writing: the names in its rows, and a statement for both engines that reads them from {rows}."""

    model: type[Base]
    names: tuple[str, ...]
    statement: str

    @cached_property
    def for_row(self) -> str:
        """The statement for one row, by SQLite's named parameters."""
        values = ", ".join(f':{name} AS "{name}"' for name in self.names)
        return self.statement.format(rows=f"(SELECT {values}) AS r")

    def for_list(self, parameter: str) -> str:
        """Return the statement for a JSON list of rows, by PostgreSQL's function."""
        columns = table(self.model).c
        kinds = (columns[n].type.compile(POSTGRESQL) if n in columns else NO_COLUMNS[n] for n in self.names)
        declared = ", ".join(f'"{name}" {kind}' for name, kind in zip(self.names, kinds, strict=True))
        return self.statement.format(rows=f"json_to_recordset(%({parameter})s) AS r({declared})")

    @cached_property
    def json_names(self) -> tuple[str, ...]:
        """The names whose values SQLite keeps as JSON text."""
        columns = table(self.model).c
        return tuple(n for n in self.names if n in columns and isinstance(columns[n].type, JSON))

    def as_stored(self, row: Row) -> Row:
        """Return a row as SQLite's driver takes it."""
        return {**row, **{name: as_json(row[name]) for name in self.json_names}} if self.json_names else row


def as_json(value: object) -> str:
    """Return rows or values as the engines take them; in a tenth of the time of ``json``, which shows in bulk."""
    return orjson.dumps(value).decode()


def _insert(model: type[Base], *names: str, then: str = "") -> Part:
    listed, chosen = (", ".join(f'{of}"{name}"' for name in names) for of in ("", "r."))
    # The names are those of our own tables; what anybody typed is always a parameter.
    return Part(model, names, f"INSERT INTO {table(model).name} ({listed}) SELECT {chosen} FROM {{rows}} {then}")  # noqa: S608


PINS = ("definition_digest", "policy", "policy_digest")
CASE_STATE = ("state", "seq", "head", "closed", "fields", "clocks", "due_at", "updated_at", "village", "township")
CASE = (
    "county", "number", "definition", "definition_digest", "policy", "policy_digest", "purpose", "subject",
    "opened_at", *CASE_STATE,
)  # fmt: skip
PLACE = ("county", "case", "village", "township")
PERIOD = (
    "kind", "generation", "mode", "fires", "start_at", "due_at", "bound", "clause", "provisional", "warn", "stage",
    "next_at",
)  # fmt: skip
MESSAGE = ("county", "key", "body", "created_at", "tries", "wait_until")


def _moving(*names: str) -> Part:
    """Only from the entry before: anything else means that somebody was here without the lock."""
    return Part(
        CaseRow,
        ("county", "number", "before", *names),
        f"UPDATE cases AS c SET {', '.join(f'{name} = r.{name}' for name in names)} FROM {{rows}}"  # noqa: S608
        " WHERE c.county = r.county AND c.number = r.number AND c.seq = r.before",
    )


MOVES = ("moved", "repinned")
PARTS = {
    "commands": _insert(CommandRow, "county", "key", "digest", "user", "case", "seq", "at"),
    "opened": _insert(CaseRow, *CASE),
    "moved": _moving(*CASE_STATE),
    # Only a change of rules pins a case to other texts; one part, as PostgreSQL changes a row once in a statement.
    "repinned": _moving(*CASE_STATE, *PINS),
    "entries": _insert(JournalRow, "county", "case", "seq", "text", "hash", "at"),
    "disclosures": _insert(DisclosureRow, "county", "case", "seq", "field", "salt", "value"),
    "evidence": _insert(EvidenceUse, "county", "case", "seq", "kind", "sha256"),
    # ``kept`` are the roles that still wait, each between commas. PostgreSQL could not insert anew what the same
    # statement deletes, so those are changed.
    "no_waits": Part(
        Wait,
        ("county", "case", "kept"),
        'DELETE FROM waits WHERE (county, "case", role) IN (SELECT w.county, w."case", w.role FROM {rows}'
        ' JOIN waits AS w ON w.county = r.county AND w."case" = r."case"'
        " WHERE replace(r.kept, ',' || w.role || ',', '') = r.kept)",
    ),
    "waits": _insert(
        Wait, *PLACE, "role", "user_id", "due_at",
        then='WHERE true ON CONFLICT (county, "case", role) DO UPDATE SET user_id = excluded.user_id,'
        " due_at = excluded.due_at, village = excluded.village, township = excluded.township",
    ),
    "ended": Part(
        DeadlineRow,
        ("county", "case", "kind", "generation", "ended_how", "ended_at"),
        "UPDATE deadlines AS d SET ended_how = r.ended_how, ended_at = r.ended_at, next_at = NULL, trouble = NULL"
        ' FROM {rows} WHERE d.county = r.county AND d."case" = r."case" AND d.kind = r.kind'
        " AND d.generation = r.generation",
    ),
    "started": _insert(DeadlineRow, *PLACE, *PERIOD),
    # Who acts in a case has answered what was said of it.
    "answered": Part(
        Reminder,
        ("county", "case", "user_id", "answered_at", "answer"),
        "UPDATE reminders AS m SET answered_at = r.answered_at, answer = r.answer FROM {rows}"
        ' WHERE m.county = r.county AND m."case" = r."case" AND m.user_id = r.user_id AND m.answered_at IS NULL',
    ),
    "messages": _insert(OutboxRow, *MESSAGE),
    # Only where the county has a webhook: everywhere else a move leaves nothing to be delivered to nobody. Who has
    # looked already does not even try (``listens``).
    "told": _insert(
        OutboxRow, *MESSAGE, then="WHERE EXISTS (SELECT 1 FROM webhooks AS w WHERE w.county = r.county AND w.active)"
    ),
}  # fmt: skip


class Batch:
    """The rows of one or many commands, by part; written in the caller's transaction, all or nothing."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = {name: [] for name in PARTS}

    def add(self, part: str, rows: Iterable[Row]) -> None:
        """Add rows to a part."""
        self.rows[part] += rows

    def write(self) -> None:
        """Write everything; raise Stale when a case did not stand where its command found it."""
        filled = {name: rows for name, rows in self.rows.items() if rows}
        connection = present()
        write = _write_by_row if connection.dialect.name == "sqlite" else _write_at_once
        moved = write(connection, filled)
        expected = [row for name in MOVES for row in self.rows[name]]
        if moved != len(expected):
            raise Stale(seen=expected[0]["before"], present=expected[0]["seq"])


def _write_by_row(connection: Connection, filled: Mapping[str, list[Row]]) -> int:
    """By the driver itself, without SQLAlchemy's way to it: a fifth less of the processor's time a move (measured)."""
    cursor, moved = connection.connection.cursor(), 0
    for name, rows in filled.items():
        part = PARTS[name]
        write_many(cursor, part.for_row, [part.as_stored(row) for row in rows])
        moved += cursor.rowcount if name in MOVES else 0
    return moved


def write_many(cursor: Any, statement: str, rows: list[Row]) -> None:
    """Run one of the statements above for each row (the bench listens here)."""
    cursor.executemany(statement, rows)


def _write_at_once(connection: Connection, filled: Mapping[str, list[Row]]) -> int:
    values = {name: as_json(rows) for name, rows in filled.items()}
    return int(connection.exec_driver_sql(_at_once(tuple(filled)), values).scalar_one())


def write_rows(part: Part, rows: list[Row]) -> None:
    """Write rows of one kind by itself, at once."""
    if not rows:
        return
    connection = present()
    if connection.dialect.name == "sqlite":
        write_many(connection.connection.cursor(), part.for_row, [part.as_stored(row) for row in rows])
    else:
        connection.exec_driver_sql(part.for_list("rows"), {"rows": as_json(rows)})


@cache
def _at_once(names: tuple[str, ...]) -> str:
    parts = {name: PARTS[name].for_list(name) + (" RETURNING 1" if name in MOVES else "") for name in names}
    listed = ", ".join(f"{name} AS ({statement})" for name, statement in parts.items())
    moved = " + ".join(f"(SELECT count(*) FROM {name})" for name in MOVES if name in names)  # noqa: S608
    return f"WITH {listed} SELECT {moved or '0'}"
