"""Guards in the database itself: journal, access ledger and seals only ever grow, entry by entry.

They stop mistakes and casual edits on both engines, whoever sends the SQL. They do not stop the owner of the
database, who may drop a trigger or a table: the chain, its head and the anchors outside are for that.
A later change of a guard is a migration that calls `remove` before it and `install` after it.
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, text

# Each table with the key of its chains. This key and ``seq`` are the primary key, and nothing else is unique: on
# SQLite a second unique key, or a rowid, would be a way to replace a row by INSERT OR REPLACE.
GUARDED: Mapping[str, tuple[str, ...]] = {
    "journal": ("county", "case"),
    "access_ledger": ("county",),
    "seal_leaves": ("county",),
    "seal_nodes": ("county", "level"),
    "seal_checkpoints": ("county",),
}
# What revisions before the seals guard.
FIRST = ("journal", "access_ledger")

# A function reads its table by its full name: a temporary table of that name must not stand in for it.
_POSTGRES_REFUSE = """
BEGIN
  RAISE restrict_violation USING MESSAGE = TG_TABLE_NAME || ' is append-only: ' || TG_OP || ' is refused';
END
"""
_POSTGRES_IN_ORDER = """
BEGIN
  IF NEW.seq IS DISTINCT FROM 1 AND NOT EXISTS (SELECT FROM {schema}.{table} AS e WHERE {before}) THEN
    RAISE restrict_violation USING MESSAGE = '{table} is append-only: the entry before this one is missing';
  END IF;
  RETURN NEW;
END
"""
_SQLITE_REFUSE = (
    "CREATE TRIGGER {name} BEFORE {verb} ON {table} BEGIN"
    " SELECT RAISE(ABORT, '{table} is append-only: {verb} is refused'); END"
)
# REPLACE deletes without firing a DELETE trigger (unless recursive_triggers is on), so the key is looked up first.
_SQLITE_IN_ORDER = (
    "CREATE TRIGGER {table}_in_order BEFORE INSERT ON {table} BEGIN"
    " SELECT RAISE(ABORT, '{table} is append-only: this entry exists')"
    " WHERE EXISTS (SELECT 1 FROM {table} AS e WHERE {same});"
    " SELECT RAISE(ABORT, '{table} is append-only: the entry before this one is missing')"
    " WHERE NEW.seq IS NOT 1 AND NOT EXISTS (SELECT 1 FROM {table} AS e WHERE {before}); END"
)


def install(connection: Connection, tables: Iterable[str] = tuple(GUARDED)) -> None:
    """Make the guards, inside the caller's transaction."""
    made = _sqlite_triggers(tables).values() if _is_sqlite(connection) else _postgres_statements(connection, tables)
    for statement in made:
        connection.exec_driver_sql(statement)


def remove(connection: Connection, tables: Iterable[str] = tuple(GUARDED)) -> None:
    """Drop the guards of all that are guarded, inside the caller's transaction."""
    if _is_sqlite(connection):
        drops = [f"DROP TRIGGER {name}" for name in _sqlite_triggers(tables)]
    else:
        drops = [f"DROP FUNCTION {name}() CASCADE" for name in _postgres_functions(connection, tables)]
    for statement in drops:
        connection.exec_driver_sql(statement)


def faults(connection: Connection) -> list[str]:
    """Return the names of guards that are missing, switched off or changed; an empty list is as it should be."""
    if _is_sqlite(connection):
        wanted, found = _sqlite_triggers(GUARDED), _pairs(connection, "SELECT name, sql FROM sqlite_master")
    else:
        wanted, found = _postgres_wanted(connection), _postgres_found(connection)
    return sorted(name for name, what in wanted.items() if found.get(name) != what)


def _is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


def _pairs(connection: Connection, query: str, **parameters: str) -> dict[str, str]:
    return {str(name): str(what) for name, what in connection.execute(text(query), parameters)}


def _match(table: str, offset: str = "") -> str:
    """The condition that row e is the new entry (or, by an offset, its neighbour) in its chain."""
    key = [f'e."{column}" = NEW."{column}"' for column in GUARDED[table]]
    return " AND ".join([*key, f"e.seq = NEW.seq{offset}"])


def _sqlite_triggers(tables: Iterable[str]) -> dict[str, str]:
    made = {}
    for table in tables:
        for verb in ("update", "delete"):
            name = f"{table}_no_{verb}"
            made[name] = _SQLITE_REFUSE.format(name=name, table=table, verb=verb.upper())
        made[f"{table}_in_order"] = _SQLITE_IN_ORDER.format(
            table=table, same=_match(table), before=_match(table, " - 1")
        )
    return made


def _postgres_schema(connection: Connection) -> str:
    schema = str(connection.scalar(text("SELECT current_schema()")))
    return connection.dialect.identifier_preparer.quote(schema)


def _postgres_functions(connection: Connection, tables: Iterable[str]) -> dict[str, str]:
    """The bodies of the trigger functions by name."""
    schema = _postgres_schema(connection)
    bodies = {
        f"{table}_in_order": _POSTGRES_IN_ORDER.format(schema=schema, table=table, before=_match(table, " - 1"))
        for table in tables
    }
    return {"append_only_refuse": _POSTGRES_REFUSE, **bodies}


def _postgres_triggers(tables: Iterable[str]) -> dict[str, str]:
    made = {}
    for table in tables:
        for verb, each in (("update", "ROW"), ("delete", "ROW"), ("truncate", "STATEMENT")):
            when = f"BEFORE {verb.upper()} ON {table} FOR EACH {each}"
            made[f"{table}_no_{verb}"] = f"{when} EXECUTE FUNCTION append_only_refuse()"
        made[f"{table}_in_order"] = f"BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_in_order()"
    return made


def _postgres_statements(connection: Connection, tables: Iterable[str]) -> list[str]:
    functions = [
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $guard${body}$guard$"
        for name, body in _postgres_functions(connection, tables).items()
    ]
    triggers = [f"CREATE TRIGGER {name} {what}" for name, what in _postgres_triggers(tables).items()]
    # ALWAYS: also when session_replication_role says replica. The order is not asked of a replica: it copies
    # rows as they lie on the disk.
    always = [
        f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_no_{verb}"
        for table in tables
        for verb in ("update", "delete", "truncate")
    ]
    return functions + triggers + always


def _postgres_wanted(connection: Connection) -> dict[str, str]:
    triggers = {
        name: f"{'O' if name.endswith('_in_order') else 'A'} CREATE TRIGGER {name} {what}"
        for name, what in _postgres_triggers(GUARDED).items()
    }
    return triggers | {f"{name}()": body for name, body in _postgres_functions(connection, GUARDED).items()}


def _postgres_found(connection: Connection) -> dict[str, str]:
    triggers = _pairs(
        connection,
        "SELECT t.tgname, t.tgenabled::text || ' ' || replace(pg_get_triggerdef(t.oid), :schema, '') FROM pg_trigger t"
        " JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = to_regnamespace(quote_ident(current_schema()))",
        schema=f"{_postgres_schema(connection)}.",
    )
    return triggers | _pairs(
        connection,
        "SELECT proname || '()', prosrc FROM pg_proc"
        " WHERE pronamespace = to_regnamespace(quote_ident(current_schema()))",
    )
