"""The statements of the write path, built once: the interpreter, not the disk, is what a move costs (measured)."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Executable,
    Select,
    Table,
    and_,
    bindparam,
    exists,
    func,
    insert,
    literal,
    select,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg

from app.store.calendars import STAMP
from app.store.transaction import present, utc_now
from app.tables import Base, CaseRow, CommandRow, Household, Member, OutboxRow, Webhook


def table(model: type[Base]) -> Table:
    """Return the table behind a model."""
    found = model.__table__
    assert isinstance(found, Table)  # noqa: S101 - narrows the type; a model is never mapped to anything else
    return found


CASES, HOUSEHOLDS = table(CaseRow), table(Household)
MEMBERS, COMMANDS, WEBHOOKS = table(Member), table(CommandRow), table(Webhook)

CASE_COLUMNS = (
    "county", "number", "definition", "definition_digest", "policy", "policy_digest", "purpose", "subject",
    "state", "seq", "head", "closed", "fields", "clocks", "opened_at", "updated_at",
)  # fmt: skip
ONE: ColumnElement[bool] = HOUSEHOLDS.c.number == bindparam("k_number")
SEVERAL: ColumnElement[bool] = HOUSEHOLDS.c.number.in_(bindparam("k_numbers", expanding=True))


def _lock(which: ColumnElement[bool]) -> Select[Any]:
    """Always in the order of the numbers, so that two who lock several never wait for each other."""
    query = select(HOUSEHOLDS.c.number).where(HOUSEHOLDS.c.county == bindparam("k_county"), which)
    return query.order_by(HOUSEHOLDS.c.number).with_for_update()


def _dossiers(which: ColumnElement[bool]) -> Select[Any]:
    """Households with the people in them, one row for each of their cases (one without any), oldest first."""
    listens = exists().where(WEBHOOKS.c.county == bindparam("k_county"), WEBHOOKS.c.active.is_(True))
    people = select(func.aggregate_strings(MEMBERS.c.id_key, ",")).where(
        MEMBERS.c.county == HOUSEHOLDS.c.county, MEMBERS.c.household == HOUSEHOLDS.c.number
    )
    of_household = and_(
        CASES.c.county == HOUSEHOLDS.c.county, CASES.c.subject == literal("household:").concat(HOUSEHOLDS.c.number)
    )
    return (
        select(
            HOUSEHOLDS.c.number.label("household"),
            HOUSEHOLDS.c.area,
            HOUSEHOLDS.c.head_name,
            HOUSEHOLDS.c.kind,
            people.scalar_subquery().label("people"),
            utc_now().label("now"),
            listens.label("listens"),
            STAMP.label("stamp"),
            *(CASES.c[name] for name in CASE_COLUMNS),
        )
        .select_from(HOUSEHOLDS.outerjoin(CASES, of_household))
        .where(HOUSEHOLDS.c.county == bindparam("k_county"), which)
        .order_by(HOUSEHOLDS.c.number, CASES.c.opened_at, CASES.c.number)
    )


def _with_command(dossiers: Select[Any]) -> Select[Any]:
    """The same with what one key did before, so that a command needs no reading of its own for it."""
    same_key = and_(COMMANDS.c.county == HOUSEHOLDS.c.county, COMMANDS.c.key == bindparam("k_key"))
    answer = (COMMANDS.c.digest.label("was_digest"), COMMANDS.c.case.label("was_case"), COMMANDS.c.seq.label("was_seq"))
    return dossiers.outerjoin(COMMANDS, same_key).add_columns(*answer)


LOCK_ONE, LOCK_SEVERAL = _lock(ONE), _lock(SEVERAL)
READ_ONE, READ_SEVERAL = _dossiers(ONE), _dossiers(SEVERAL)
READ_FOR_COMMAND = _with_command(READ_ONE)
SELECT_COMMANDS = select(COMMANDS.c.key, COMMANDS.c.digest, COMMANDS.c.case, COMMANDS.c.seq).where(
    COMMANDS.c.county == bindparam("k_county"), COMMANDS.c.key.in_(bindparam("k_keys", expanding=True))
)
INSERT_MESSAGE = insert(table(OutboxRow))


def run(statement: Executable, values: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> CursorResult[Any]:
    """Run a prepared statement in the present transaction; a list of values runs it once for each."""
    return present().execute(statement, values)


def run_text(statement: Select[Any], values: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
    """Return the rows of one of the statements above as text that is made once: no move goes through the compiler.

    Its columns must be texts, numbers and flags, which both drivers give as they are.
    """
    connection = present()
    on_sqlite = connection.dialect.name == "sqlite"
    text, fixed = _text(statement, is_sqlite=on_sqlite)
    if on_sqlite:
        return read_all(connection.connection.cursor(), text, {**fixed, **values})
    return connection.exec_driver_sql(text, {**fixed, **values}).all()


def read_all(cursor: Any, text: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Read by SQLite's driver itself (the bench listens here)."""
    found: list[tuple[Any, ...]] = cursor.execute(text, values).fetchall()
    return found


@cache
def _text(statement: Select[Any], *, is_sqlite: bool) -> tuple[str, Mapping[str, Any]]:
    """Return a statement for the driver, and the values that it holds itself."""
    dialect = sqlite.dialect(paramstyle="named") if is_sqlite else psycopg.dialect()  # type: ignore[no-untyped-call]
    compiled = statement.compile(dialect=dialect)
    given = {bind.key: "" for bind in compiled.binds.values() if bind.required}
    made = compiled.construct_expanded_state(given)
    return made.statement, {name: value for name, value in made.parameters.items() if name not in given}
