"""What was read stays readable after its transaction: no row is fetched again, one by one."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, inspect

from app.services import cases, lists
from app.store import statements as prepared
from app.store.transaction import reading
from app.tables import Household, db
from tests.factories import XIUSHAN
from tests.world import World


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements that run meanwhile, without those that open a transaction."""
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        seen.append(statement)

    def read(cursor: Any, text: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """SQLite's driver reads some by itself."""
        seen.append(text)
        return by_driver(cursor, text, values)

    by_driver = prepared.read_all
    event.listen(db.engine, "before_cursor_execute", note)
    prepared.read_all = read
    try:
        yield seen
    finally:
        prepared.read_all = by_driver
        event.remove(db.engine, "before_cursor_execute", note)


def read_all(*rows: Any) -> list[object]:
    """Every column of some rows, as a page would show them."""
    return [getattr(row, column.key) for row in rows for column in inspect(type(row)).columns]


@pytest.mark.parametrize("role", ["village_cadre", "auditor"])
def test_the_case_page_reads_each_row_once(world: World, role: str) -> None:
    case = world.walker().clue().walk("verifying").case.number
    who = world.person(role)
    cases.case_view(who, case=case)
    with statements() as seen:
        view = cases.case_view(who, case=case)
    assert len([text for text in seen if text.startswith("SELECT") and "FROM members" in text]) == 2
    reads = [text for text in seen if text.startswith("SELECT") and "FOR UPDATE" not in text]
    assert len(reads) <= 10, reads
    with statements() as after:
        assert view.household.head_name in read_all(view.household, *view.members)
    assert after == []


def test_a_row_read_is_nobodys_to_change(world: World) -> None:
    """It has left the session: setting an attribute never reaches the database unseen."""
    number = world.household()
    with reading():
        row = db.session.get(Household, (XIUSHAN[:6], number))
    assert row is not None
    assert inspect(row).detached
    row.head_name = "别人"
    assert lists.household_page(world.person("village_cadre"), number).house.head_name == "张三"
