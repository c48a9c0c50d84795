"""Accounts in the database: what an error shows, columns that hold their codes, throttling, persons, offices."""

import traceback
from collections.abc import Iterable
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import insert, select
from sqlalchemy.exc import SQLAlchemyError

from app.services import areas, people
from app.services.households import import_households
from app.store.transaction import reading, writing
from app.tables import Member, Setting, db
from tests.unit.roster_books import HEAD, WIFE, book
from tests.world import PASSWORD, World
from workflows.errors import NotAllowed, Refused, Throttled

AREA = "500241103204"
WRONG = "wrong password"


def refusals(username: str, sources: Iterable[str]) -> list[type[Refused]]:
    """Try a wrong password from some sources; return how each was refused."""
    found = []
    for source in sources:
        with pytest.raises(Refused) as caught:
            people.log_in(username, WRONG, source=source)
        found.append(type(caught.value))
    return found


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cheap hashes: what is tested is the counting."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    people._nobody.cache_clear()
    monkeypatch.setattr(people, "hasher", lambda: cheap)


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


def test_failures_block_an_account_from_one_source_and_leave_its_person_alone(world: World, quick: None) -> None:
    world.person("village_cadre")
    name = next(iter(world.accounts))
    assert refusals(f" {name.upper()} ", ["bad"] * 3) == [NotAllowed] * 3
    assert refusals(name, ["bad"] * 3) == [NotAllowed, NotAllowed, Throttled]
    assert people.log_in(f" {name.title()}", PASSWORD, source="desk")
    with pytest.raises(Throttled):
        people.log_in(name, PASSWORD, source="bad")
    world.now += timedelta(minutes=16)
    assert people.log_in(name, PASSWORD, source="bad")


def test_fifty_failures_block_an_account_or_a_source(world: World, quick: None) -> None:
    world.person("village_cadre")
    name = next(iter(world.accounts))
    assert refusals(name, [f"s{n // 4}" for n in range(50)]) == [NotAllowed] * 50
    with pytest.raises(Throttled):
        people.log_in(name, PASSWORD, source="desk")
    for number in range(50):
        assert refusals(f"nobody{number}", ["bad"]) == [NotAllowed]
    assert refusals("nobody", ["bad", "desk"]) == [Throttled, NotAllowed]


def test_an_empty_name_counts_only_itself(world: World, quick: None) -> None:
    assert refusals("someone", ["desk"] * 5) == [NotAllowed] * 5
    assert refusals(" ", ["desk"]) == [NotAllowed]


def test_a_wrong_old_password_counts_and_blocks(world: World, quick: None) -> None:
    number = int(world.person("village_cadre").id[1:])
    name, new = next(iter(world.accounts)), "a longer sentence here"
    for expected in (*[NotAllowed] * 5, Throttled):
        with pytest.raises(expected):
            people.change_password(number, old=WRONG, new=new, keep_token="t", source="desk")
    with pytest.raises(Throttled):
        people.log_in(name, PASSWORD, source="desk")
    people.change_password(number, old=PASSWORD, new=new, keep_token="t", source="home")
    assert people.log_in(name, new, source="home")
