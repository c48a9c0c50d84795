"""The statements of the write path, built once: the interpreter, not the disk, is what a move costs (measured)."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import CursorResult, Executable, Table, bindparam, delete, insert, select, update

from app.tables import (
    Base,
    CaseRow,
    CommandRow,
    DeadlineRow,
    DisclosureRow,
    EvidenceUse,
    Household,
    JournalRow,
    Member,
    OutboxRow,
    Wait,
    db,
)


def table(model: type[Base]) -> Table:
    """Return the table behind a model."""
    found = model.__table__
    assert isinstance(found, Table)  # noqa: S101 - narrows the type; a model is never mapped to anything else
    return found


CASES, WAITS, DEADLINES = table(CaseRow), table(Wait), table(DeadlineRow)
HOUSEHOLDS, MEMBERS, COMMANDS = table(Household), table(Member), table(CommandRow)

SELECT_HOUSEHOLD = select(
    HOUSEHOLDS.c.county, HOUSEHOLDS.c.number, HOUSEHOLDS.c.area, HOUSEHOLDS.c.head_name, HOUSEHOLDS.c.kind
).where(HOUSEHOLDS.c.county == bindparam("k_county"), HOUSEHOLDS.c.number == bindparam("k_number"))
LOCK_HOUSEHOLD = SELECT_HOUSEHOLD.with_for_update()
SELECT_PEOPLE = select(MEMBERS.c.id_key).where(
    MEMBERS.c.county == bindparam("k_county"), MEMBERS.c.household == bindparam("k_number")
)
SELECT_CASES = (
    select(CASES)
    .where(CASES.c.county == bindparam("k_county"), CASES.c.subject == bindparam("k_subject"))
    .order_by(CASES.c.opened_at, CASES.c.number)
)
SELECT_COMMAND = select(COMMANDS).where(
    COMMANDS.c.county == bindparam("k_county"), COMMANDS.c.key == bindparam("k_key")
)
INSERT_COMMAND = insert(COMMANDS)
INSERT_CASE = insert(CASES)
UPDATE_CASE = update(CASES).where(
    CASES.c.county == bindparam("k_county"),
    CASES.c.number == bindparam("k_number"),
    CASES.c.seq == bindparam("k_seq"),
)
INSERT_ENTRY = insert(table(JournalRow))
INSERT_DISCLOSURE = insert(table(DisclosureRow))
INSERT_EVIDENCE = insert(table(EvidenceUse))
DELETE_WAITS = delete(WAITS).where(WAITS.c.county == bindparam("k_county"), WAITS.c.case == bindparam("k_case"))
INSERT_WAIT = insert(WAITS)
INSERT_DEADLINE = insert(DEADLINES)
END_DEADLINE = update(DEADLINES).where(
    DEADLINES.c.county == bindparam("k_county"),
    DEADLINES.c.case == bindparam("k_case"),
    DEADLINES.c.kind == bindparam("k_kind"),
    DEADLINES.c.generation == bindparam("k_generation"),
)
INSERT_MESSAGE = insert(table(OutboxRow))


def run(statement: Executable, values: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> CursorResult[Any]:
    """Run a prepared statement in the present transaction; a list of values runs it once for each."""
    return db.session.connection().execute(statement, values)
