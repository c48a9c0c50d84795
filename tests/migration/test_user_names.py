"""Names of accounts stored before they had one form: brought to it, or refused where two become one."""

import pytest

from app.migrations.versions.v0002_user_names import canonical as of_the_step
from app.store import schema
from app.store.people import canonical
from tests.migration.databases import rows, run

USER = "INSERT INTO users VALUES ({id}, '{name}', '测试', 'p{id}', '500241', 'x', {true}, 'zh', '2026-01-01T00:00:00Z')"
NAMES = "SELECT username FROM users ORDER BY id"


def older(url: str, *names: str) -> None:
    """A database of the first revision with accounts of some names."""
    schema.upgrade(url)
    schema.downgrade(url, "0001")
    run(url, *(USER.format(id=n, name=name, true="TRUE") for n, name in enumerate(names, 1)))


def test_names_stored_in_other_letters_are_brought_to_the_one_form(database_url: str) -> None:
    older(database_url, "Wang.Li", " Ｃｕｎ１ ", "root1")
    run(database_url, "INSERT INTO login_failures VALUES (1, 'Wang.Li', '10.0.0.1', '2026-01-01T00:00:00Z')")
    assert schema.upgrade(database_url) == schema.head()
    assert rows(database_url, NAMES) == [("wang.li",), ("cun1",), ("root1",)]
    assert rows(database_url, "SELECT username FROM login_failures") == [("wang.li",)]


@pytest.mark.parametrize("names", [("wang", "Wang", "li"), ("li", "ＬＩ"), ("li", "  ")])
def test_names_that_clash_stop_the_upgrade_and_nothing_is_changed(database_url: str, names: tuple[str, ...]) -> None:
    older(database_url, *names)
    with pytest.raises(schema.Blocked, match=r"1 'wang' = 2 'Wang'|1 'li' = 2 'ＬＩ'|2 '  '"):
        schema.upgrade(database_url)
    assert rows(database_url, NAMES) == [(name,) for name in names]
    assert rows(database_url, "SELECT version_num FROM alembic_version") == [("0001",)]


@pytest.mark.parametrize("name", ["Straße", " Ａb ", "İ", "王Li"])
def test_the_step_writes_what_the_program_looks_for(name: str) -> None:
    assert of_the_step(name) == canonical(name) == canonical(canonical(name))
