"""Accounts by the command line."""

import json

import pytest
from sqlalchemy import select

from app.idnumber import make_synthetic
from app.store.transaction import reading
from app.tables import AccessRow, User, db
from tests.cli.conftest import Machine
from tests.unit.roster_books import BIRTH

NUMBER = make_synthetic(BIRTH, 7, sex="male")


def add(machine: Machine, username: str, *offices: str, code: int = 0, number: str | None = None) -> str:
    """Add an account; return what was said."""
    return machine.add(username, *offices, code=code, number=number).output


def test_accounts_are_added_listed_and_disabled(bare: Machine) -> None:
    bare.init()
    assert "u2" in add(bare, "zhen", "township_leader@500241103", "township_officer@500241103000")
    listed = bare.run("user", "list", "--county", "500241").output
    assert "乡镇分管领导@500241103000、乡镇经办人员@500241103000" in listed
    bare.run("user", "disable", "zhen", "--as", "guan")
    line = next(row for row in bare.run("user", "list").output.splitlines() if row.startswith("zhen"))
    assert "否" in line
    bare.fails("user", "enable", "zhen", "--as", "zhen", reason="not_allowed")
    assert "已启用" in bare.run("user", "enable", "zhen", "--as", "guan").output
    line = next(row for row in bare.run("user", "list").output.splitlines() if row.startswith("zhen"))
    assert "否" not in line
    bare.fails("user", "enable", "zhen", "--as", "guan", reason="bad_value")
    bare.fails("user", "enable", "niemand", "--as", "guan", reason="not_found")
    assert "zhen" not in bare.run("user", "list", "--county", "500230").output


def test_accounts_of_one_identity_number_are_one_person(bare: Machine) -> None:
    bare.init()
    add(bare, "a", "township_officer@500241103", number=NUMBER)
    add(bare, "b", "county_lead@500241", number=f" {NUMBER[:6]} {NUMBER[6:]}")
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
    said = add(bare, "y", "county_lead@500241", code=1, number=NUMBER[:17])
    assert "[bad_value]" in said
    assert NUMBER[:17] not in said
    add(bare, "z", "county_lead", code=2)
    bare.fails("user", "disable", "niemand", "--as", "guan", reason="not_found")


def test_an_office_that_signs_needs_the_number(bare: Machine) -> None:
    bare.init()
    assert "[no_id_number]" in add(bare, "x", "village_cadre@500241103204", number="", code=2)
    add(bare, "y", "auditor@500241", number="")
    assert "--id-number " not in bare.run("user", "add", "--help").output


def test_who_keeps_accounts_administers_the_county_and_is_named(bare: Machine) -> None:
    bare.init()
    add(bare, "xian", "county_lead@500241")
    bare.fails("user", "disable", "xian", "--as", "xian", reason="not_allowed")
    bare.fails("user", "disable", "guan", "--as", "guan", reason="not_allowed")
    assert "--as" in bare.run("user", "disable", "xian", code=2).stderr
    bare.run("user", "disable", "xian", "--as", "guan")
    with bare.application(), reading():
        rows = [json.loads(text) for text in db.session.scalars(select(AccessRow.text).order_by(AccessRow.seq))]
    told = [(row["kind"], row["user"], row["subject"]) for row in rows if row["kind"].startswith("user")]
    assert told == [("user_added", "cli", "u1"), ("user_added", "u1", "u2"), ("user_disabled", "u1", "u2")]


def test_offices_are_given_and_ended(bare: Machine) -> None:
    bare.init()
    add(bare, "shen", "auditor@500241", number="")
    give = ("user", "appoint", "shen", "--office", "township_officer@500241103", "--as", "guan")
    bare.fails(*give, reason="no_id_number", code=2)
    assert "township_officer@500241103000" in bare.run(*give, "--id-number-file", bare.number(NUMBER)).output
    assert "乡镇经办人员@500241103000" in bare.run("user", "list").output
    end = ("user", "end-office", "shen", "--office", "township_officer@500241103", "--as", "guan")
    bare.run(*end)
    bare.fails(*end, reason="not_found")
    assert "乡镇经办人员" not in bare.run("user", "list").output


def test_an_office_at_the_wrong_level_says_which_is_needed(bare: Machine) -> None:
    bare.init()
    add(bare, "zhen", "township_officer@500241103000")
    given = ("user", "appoint", "zhen", "--office", "sector_dept@500241103000", "--as", "guan")
    assert "须为县级" in bare.fails(*given, reason="bad_value")
