"""Accounts in the database: what an error shows, columns that hold their codes, throttling, persons, offices."""

import json
import subprocess
import sys
import traceback
from collections.abc import Iterable
from datetime import timedelta

import pytest
from argon2 import Type, extract_parameters
from sqlalchemy import insert, select
from sqlalchemy.exc import SQLAlchemyError

from app.services import areas, people
from app.services.households import import_households
from app.services.offices import UNKNOWN
from app.store.transaction import reading, writing
from app.tables import AccessRow, Member, Setting, db
from tests.factories import XIUSHAN
from tests.unit.roster_books import HEAD, WIFE, book
from tests.world import KEYS, PASSWORD, World, id_number
from workflows.errors import BadValue, NotAllowed, NotFound, Refused, Throttled
from workflows.model import ROLE_LEVELS, Actor

AREA = "500241103204"
WRONG = "wrong password"
NUMBER = id_number("somebody")


def refusals(username: str, sources: Iterable[str]) -> list[type[Refused]]:
    """Try a wrong password from some sources; return how each was refused."""
    found = []
    for source in sources:
        with pytest.raises(Refused) as caught:
            people.log_in(username, WRONG, source=source)
        found.append(type(caught.value))
    return found


def test_passwords_are_hashed_at_no_less_than_the_floor() -> None:
    """OWASP's floor for Argon2id; the tests' accounts have cheaper hashes, so the real ones are made by a process."""
    told = subprocess.run(
        [sys.executable, "-c", "from app.services.people import hasher; print(hasher().hash('x'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    cost = extract_parameters(told.strip())
    assert (cost.type, cost.memory_cost >= 19 * 1024, cost.time_cost >= 2) == (Type.ID, True, True)


def test_a_database_error_shows_no_values(world: World) -> None:
    """Neither the parameters nor PostgreSQL's DETAIL ("Failing row contains …")."""
    with pytest.raises(SQLAlchemyError) as caught, writing():
        db.session.execute(insert(Setting).values(name=str(HEAD["姓名"]), value=None))
    told = "".join(traceback.format_exception(caught.value))
    assert "settings" in told
    assert str(HEAD["姓名"]) not in told


def test_the_sex_of_a_person_is_stored_as_its_code(world: World) -> None:
    areas.import_shipped(AREA[:6])
    clerk = world.person("county_lead", AREA)
    import_households(clerk, data=book([HEAD, WIFE]))
    with reading():
        assert db.session.scalars(select(Member.sex).order_by(Member.position)).all() == ["male", "female"]


def test_failures_block_an_account_from_one_source_and_leave_its_person_alone(world: World) -> None:
    world.person("village_cadre")
    name = next(iter(world.accounts))
    assert refusals(f" {name.upper()} ", ["bad"] * 3) == [NotAllowed] * 3
    assert refusals(name, ["bad"] * 3) == [NotAllowed, NotAllowed, Throttled]
    assert people.log_in(f" {name.title()}", PASSWORD, source="desk")
    with pytest.raises(Throttled):
        people.log_in(name, PASSWORD, source="bad")
    world.now += timedelta(minutes=16)
    assert people.log_in(name, PASSWORD, source="bad")


def test_fifty_failures_block_an_account_or_a_source(world: World) -> None:
    world.person("village_cadre")
    name = next(iter(world.accounts))
    assert refusals(name, [f"s{n // 4}" for n in range(50)]) == [NotAllowed] * 50
    with pytest.raises(Throttled):
        people.log_in(name, PASSWORD, source="desk")
    for number in range(50):
        assert refusals(f"nobody{number}", ["bad"]) == [NotAllowed]
    assert refusals("nobody", ["bad", "desk"]) == [Throttled, NotAllowed]


def test_an_empty_name_counts_only_itself(world: World) -> None:
    assert refusals("someone", ["desk"] * 5) == [NotAllowed] * 5
    assert refusals(" ", ["desk"]) == [NotAllowed]


def test_a_wrong_old_password_counts_and_blocks(world: World) -> None:
    number = int(world.person("village_cadre").id[1:])
    name, new = next(iter(world.accounts)), "a longer sentence here"
    for expected in (*[NotAllowed] * 5, Throttled):
        with pytest.raises(expected):
            people.change_password(number, old=WRONG, new=new, keep_token="t", source="desk")
    with pytest.raises(Throttled):
        people.log_in(name, PASSWORD, source="desk")
    people.change_password(number, old=PASSWORD, new=new, keep_token="t", source="home")
    assert people.log_in(name, new, source="home")


# --- one human being, one key; offices come and go ---
LEAD = ("county_lead", "500241000000")


def account(username: str, *offices: tuple[str, str], number: str | None = None, by: str | None = None) -> Actor:
    """Add an account and return its person."""
    people.add_user(
        username=username, name=username, password=PASSWORD, county="500241", offices=offices, id_number=number, by=by
    )
    return people.actor_named(username)


def kinds() -> list[str]:
    """The kinds of lines in the access ledger."""
    with reading():
        return [json.loads(text)["kind"] for text in db.session.scalars(select(AccessRow.text))]


@pytest.mark.parametrize("role", [role for role in ROLE_LEVELS if role != "system"])
def test_an_office_that_signs_needs_an_id_number(world: World, role: str) -> None:
    if role in ("admin", "auditor", "upper_level"):
        assert account("x", (role, "500241000000")).person.startswith(UNKNOWN)
        return
    for number in (None, "", "500241", NUMBER[:17] + "0"):
        with pytest.raises(BadValue) as caught:
            account("x", (role, "500241000000"), number=number)
        assert dict(caught.value.params) == {"field": "id_number", "value": ""}


def test_two_accounts_of_one_number_are_one_hand(world: World) -> None:
    walker = world.walker()
    officer = account("one", ("township_officer", f"{XIUSHAN[:9]}000"), number=NUMBER)
    walker.clue().walk("township_audit")
    walker.act("township_audit", officer)
    lead = account("two", LEAD, number=f" {NUMBER[:6]} {NUMBER[6:]}")
    walker.walk("county_review")
    with pytest.raises(Refused) as caught:
        walker.act("county_approve", lead)
    assert caught.value.code == "same_hand"


def test_offices_are_given_and_ended_at_once(world: World) -> None:
    world.household()
    admin = account("guan", ("admin", "500241000000"))
    cadre = account("cadre", ("village_cadre", XIUSHAN), number=NUMBER)
    token = people.log_in("cadre", PASSWORD, source="desk")
    people.appoint("cadre", *LEAD, by=admin.id)
    people.end_office("cadre", "village_cadre", XIUSHAN, by=admin.id)
    signed = people.session_actor(token)
    assert signed is not None
    assert [(o.role, o.area) for o in signed.actor.offices] == [LEAD]
    assert signed.actor.person == cadre.person
    assert kinds() == ["office_given", "office_ended"]
    for act, refusal in ((people.end_office, NotFound), (people.appoint, BadValue)):
        with pytest.raises(refusal):
            act("cadre", *(LEAD if act is people.appoint else ("village_cadre", XIUSHAN)), by=admin.id)
    assert kinds() == ["office_given", "office_ended"]


def test_an_office_that_signs_ties_an_account_to_its_person(world: World) -> None:
    admin = account("guan", ("admin", "500241000000"))
    account("shen", ("auditor", "500241000000"))
    with pytest.raises(BadValue):
        people.appoint("shen", *LEAD, by=admin.id)
    people.appoint("shen", *LEAD, by=admin.id, id_number=NUMBER)
    assert people.actor_named("shen").person == KEYS.person_key(NUMBER)
    with pytest.raises(BadValue):
        people.appoint("shen", "helper", LEAD[1], by=admin.id, id_number=id_number("another"))


def test_an_administrator_gives_himself_nothing_that_signs(world: World) -> None:
    admin = account("guan", ("admin", "500241000000"), number=NUMBER)
    account("second", ("auditor", "500241000000"), number=NUMBER)
    unknown = account("new", ("admin", "500241000000"))
    for username, by, number in (("guan", admin, None), ("second", admin, None), ("new", unknown, id_number("new"))):
        with pytest.raises(NotAllowed):
            people.appoint(username, *LEAD, by=by.id, id_number=number)
    with pytest.raises(NotAllowed):
        account("third", LEAD, number=NUMBER, by=admin.id)
    with pytest.raises(NotAllowed):
        people.end_office("guan", "admin", "500241000000", by=admin.id)
    assert kinds() == []
    assert people.actor_named("new").person == unknown.person
    people.appoint("guan", "auditor", "500241000000", by=admin.id)


def test_account_and_line_come_together_or_not_at_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    admin = account("guan", ("admin", "500241000000"))
    account("x", LEAD, number=NUMBER)

    def broken(*args: object, **more: object) -> None:
        raise LookupError

    monkeypatch.setattr("app.store.ledger._locked_head", broken)
    for act in (
        lambda: account("y", LEAD, number=NUMBER, by=admin.id),
        lambda: people.disable_user("x", by=admin.id),
        lambda: people.appoint("x", "auditor", LEAD[1], by=admin.id),
        lambda: people.end_office("x", *LEAD, by=admin.id),
    ):
        with pytest.raises(LookupError):
            act()
    assert [o.role for o in people.actor_named("x").offices] == ["county_lead"]
    with pytest.raises(NotFound):
        people.actor_named("y")
