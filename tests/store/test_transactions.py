"""One writing transaction for the session and for what goes around it: all of both or nothing."""

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.store.statements import run, table
from app.store.transaction import committing, present, reading, writing
from app.tables import Area, JoiningSession, db
from tests.world import World
from workflows.errors import NotFound

DIRECTLY = table(Area).insert()


def area(code: str) -> dict[str, str]:
    """A row of the areas."""
    return {"code": code, "name": "某地", "level": "village", "parent": "", "county": code[:6]}


def kept() -> set[str]:
    """What a later transaction finds of it."""
    with reading():
        return set(db.session.scalars(select(Area.code).where(Area.name == "某地")))


def test_the_session_writes_into_the_same_transaction(world: World) -> None:
    with writing():
        assert db.session.connection() is present()
        run(DIRECTLY, area("500241000001"))
        db.session.add(Area(**area("500241000002")))
        assert db.session.scalar(select(Area.code).where(Area.code == "500241000001"))
    assert kept() == {"500241000001", "500241000002"}


@pytest.mark.parametrize("is_used", [False, True])
def test_a_refusal_takes_back_both(world: World, is_used: bool) -> None:
    with pytest.raises(NotFound):
        _refused_after_both(flushed=is_used)
    assert kept() == set()


def test_what_fails_only_at_the_end_takes_back_what_was_written_before(world: World) -> None:
    with pytest.raises(IntegrityError):
        _twice_the_same()
    assert kept() == set()


def _refused_after_both(*, flushed: bool) -> None:
    with writing():
        run(DIRECTLY, area("500241000001"))
        db.session.add(Area(**area("500241000002")))
        if flushed:
            db.session.flush()
        raise NotFound(household="")


def _twice_the_same() -> None:
    with writing():
        run(DIRECTLY, area("500241000001"))
        db.session.add(Area(**area("500241000001")))


def test_a_row_of_a_transaction_can_be_read_and_changed_in_the_next(world: World) -> None:
    with writing():
        row = Area(**area("500241000001"))
        db.session.add(row)
    with writing():
        found = db.session.get(Area, "500241000001")
        assert found is not None
        found.county = "500230"
    with reading():
        assert db.session.scalar(select(Area.county).where(Area.code == "500241000001")) == "500230"


def test_afterwards_the_session_stands_alone_again(world: World) -> None:
    """Whether the transaction was committed or not, no later one runs on its connection."""
    session = db.session()
    assert isinstance(session, JoiningSession)
    with committing() as connection:
        assert present() is connection
    _ensure_alone(session)
    with pytest.raises(NotFound), committing():
        raise NotFound(household="")
    _ensure_alone(session)


def _ensure_alone(session: JoiningSession) -> None:
    assert session.joined is None
    assert not session.in_transaction()
    assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
