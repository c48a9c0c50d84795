"""The command line where the machine fails: one line with a code that says what to do, and nothing left behind."""

import sqlite3

import pytest

from tests.api.test_outages import largest_file
from tests.cli.conftest import Machine


def test_a_backup_that_finds_no_room_says_so_and_leaves_nothing(machine: Machine) -> None:
    target = machine.folder / "backups"
    target.mkdir()
    with largest_file(4096):
        line = machine.fails("backup", target, reason="disk_full")
    assert "磁盘已满" in line
    assert list(target.iterdir()) == []
    machine.run("backup", target)


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_a_lock_that_is_not_given_back_is_named(machine: Machine) -> None:
    machine.environ["FANGPIN_BUSY_SECONDS"] = "1"
    holder = sqlite3.connect(machine.folder / "fangpin.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        act = ("case", "clue", "500241H0000001", "--purpose", "include", "--as", "cun")
        assert "数据库正忙" in machine.fails(*act, reason="database_busy")
    finally:
        holder.close()
