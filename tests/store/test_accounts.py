"""Accounts in the database: what an error shows, columns that hold their codes, throttling, persons, offices."""

import traceback

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import SQLAlchemyError

from app.services import areas
from app.services.households import import_households
from app.store.transaction import reading, writing
from app.tables import Member, Setting, db
from tests.unit.roster_books import HEAD, WIFE, book
from tests.world import World

AREA = "500241103204"


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
