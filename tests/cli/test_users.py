"""Accounts by the command line."""

import pytest
from sqlalchemy import select

from app.idnumber import make_synthetic
from app.store.transaction import reading
from app.tables import User, db
from tests.cli.conftest import Machine
from tests.unit.roster_books import BIRTH

NUMBER = make_synthetic(BIRTH, 7, sex="male")


def add(machine: Machine, username: str, *offices: str, code: int = 0, id_number: str = "") -> str:
    """Add an account; return what was said."""
    words = [word for office in offices for word in ("--office", office)]
    more = ["--id-number", id_number] if id_number else []
    arguments = ["user", "add", username, "--name", "测试", *words, *more, "--password-file", machine.password()]
    return machine.run(*arguments, code=code).output


def test_accounts_are_added_listed_and_disabled(bare: Machine) -> None:
    bare.init()
    assert "u2" in add(bare, "zhen", "township_leader@500241103", "township_officer@500241103000")
    listed = bare.run("user", "list", "--county", "500241").output
    assert "乡镇分管领导@500241103000、乡镇经办人员@500241103000" in listed
    bare.run("user", "disable", "zhen")
    line = next(row for row in bare.run("user", "list").output.splitlines() if row.startswith("zhen"))
    assert "否" in line
    assert "zhen" not in bare.run("user", "list", "--county", "500230").output


def test_accounts_of_one_identity_number_are_one_person(bare: Machine) -> None:
    bare.init()
    add(bare, "a", "township_officer@500241103", id_number=NUMBER)
    add(bare, "b", "county_lead@500241", id_number=f" {NUMBER[:6]} {NUMBER[6:]}")
    with bare.application(), reading():
        people = list(db.session.scalars(select(User.person).where(User.username.in_(["a", "b"]))))
    assert len(set(people)) == 1
    assert NUMBER not in people[0]


@pytest.mark.parametrize(
    ("office", "reason"),
    [
        ("koenig@500241", "bad_value"),
        ("system@500241", "bad_value"),
        ("village_cadre@500241103", "bad_value"),
        ("county_lead@500999", "not_found"),
    ],
)
def test_an_office_needs_a_known_role_and_area(bare: Machine, office: str, reason: str) -> None:
    bare.init()
    assert f"[{reason}]" in add(bare, "x", office, code=1)
    assert "x " not in bare.run("user", "list").output


def test_bad_accounts_are_refused(bare: Machine) -> None:
    bare.init()
    add(bare, "x", "county_lead@500241")
    assert "[bad_value]" in add(bare, "x", "county_lead@500241", code=1)
    said = add(bare, "y", "county_lead@500241", code=1, id_number=NUMBER[:17])
    assert "[bad_value]" in said
    assert NUMBER[:17] not in said
    add(bare, "z", "county_lead", code=2)
    bare.fails("user", "disable", "niemand", reason="not_found")
