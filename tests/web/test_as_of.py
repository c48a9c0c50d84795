"""A case as it stood at the end of a day: page, API, the same as the case really was then."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from app.printing import print_trail
from app.services import cases
from app.tables import AccessRow, db
from tests.api.site import add_api, caller
from tests.factories import XIUSHAN
from tests.print.test_render import text_of
from tests.store.test_trail_as_of import evenings
from tests.web.site import browser
from tests.web.test_check import ask, stranger
from tests.world import StoredWalker, World
from workflows.clock import local_date
from workflows.errors import BadValue, NotFound
from workflows.model import Case

Walked = tuple[StoredWalker, dict[str, tuple[Case, ...]]]


@pytest.fixture
def walked(world: World) -> Walked:
    """A case through all its gates, a day and more between two steps, with what it was on each evening."""
    walker, then = world.walker().clue(), {}
    for action in ("nominate", "sign_authorization", "verify"):
        then[local_date(walker.now).isoformat()] = walker.dossier.cases
        walker.wait(days=1)
        if action in ("nominate", "verify") or walker.allowed(walker.actor("village_cadre")).get(action):
            walker.act(action)
    then[local_date(walker.now).isoformat()] = walker.dossier.cases
    world.now = walker.now + timedelta(days=3)
    return walker, then


def test_each_evening_is_replayed_as_it_was(world: World, walked: Walked) -> None:
    walker, then = walked
    auditor = world.person("auditor", XIUSHAN)
    assert len({known[0].seq for known in then.values()}) == len(then)
    for day, known in then.items():
        view = cases.case_view(auditor, case=walker.case.number, as_of=day)
        assert view.dossier.cases == known, day
        assert view.case == known[0]
        assert len(view.entries) == view.case.seq
        assert (view.allowed, view.as_of) == ((), day)
    noted = db.session.scalars(select(AccessRow.text).order_by(AccessRow.seq.desc())).first() or ""
    db.session.rollback()
    assert f'"as_of":"{day}"' in noted


def test_days_that_cannot_be_shown(world: World, walked: Walked) -> None:
    walker, then = walked
    auditor, number = world.person("auditor", XIUSHAN), walker.case.number
    first = min(then)
    for day in ("gestern", "2026-02-30", (local_date(world.now) + timedelta(days=1)).isoformat(), "0001-01-01"):
        with pytest.raises(BadValue):
            cases.case_view(auditor, case=number, as_of=day)
    before = (local_date(world.now) - timedelta(days=40)).isoformat()
    assert before < first
    with pytest.raises(NotFound):
        cases.case_view(auditor, case=number, as_of=before)
    today = cases.case_view(auditor, case=number, as_of=local_date(world.now).isoformat())
    assert today.case == walker.case


def test_the_page_says_so_on_its_face(world: World, walked: Walked) -> None:
    walker, then = walked
    one = browser(world, world.person("village_cadre", XIUSHAN))
    day = min(then)
    page = one.get(f"/cases/{walker.case.number}?as_of={day}").text
    assert "终了时的情况" in page
    assert "不能在此办理" in page
    assert "/acts/" not in page
    assert f'name="as_of" value="{day}"' in one.text  # what is printed from here is told as of that day
    assert "情况属实" not in page or then[day][0].seq > 1
    assert one.get(f"/cases/{walker.case.number}?as_of=x").status == 422
    assert one.get(f"/cases/{walker.case.number}?as_of=2020-01-01").status == 404
    assert "终了时的情况" not in one.get(f"/cases/{walker.case.number}").text


def test_the_api_gives_no_version_to_act_on(world: World, walked: Walked) -> None:
    walker, then = walked
    add_api(world)
    one = caller(world, world.person("village_cadre", XIUSHAN))
    day = min(then)
    found = one.get(f"/cases/{walker.case.number}?as_of={day}")
    assert (found["version"], found["is_past"], found["allowed_actions"]) == (1, True, [])
    assert found["as_of"] == f"{day}T15:59:59Z"
    assert one.last is not None
    assert "ETag" not in one.last.headers
    assert not one.get(f"/cases/{walker.case.number}")["is_past"]
    assert one.get(f"/cases/{walker.case.number}?as_of=heute")["code"]
    assert one.status == 422


def test_nobody_sees_more_than_today(world: World, walked: Walked) -> None:
    walker, then = walked
    one = browser(world, world.person("village_cadre", "500241001202"))
    assert one.get(f"/cases/{walker.case.number}?as_of={min(then)}").status == 404


def test_a_broken_chain_is_not_replayed(world: World, walked: Walked) -> None:
    """What came later is checked too: a history is shown only where all of it holds."""
    walker, then = walked
    with db.engine.begin() as connection:
        connection.execute(text("UPDATE cases SET head = :head WHERE number = :number"),
                           {"head": "0" * 64, "number": walker.case.number})  # fmt: skip
    one = browser(world, world.person("auditor", XIUSHAN)).get(f"/cases/{walker.case.number}?as_of={min(then)}")
    assert one.code == "broken_chain"


def test_the_trail_of_that_evening_is_printed_from_its_page(world: World) -> None:
    walker, then = evenings(world)
    number, day = walker.case.number, min(then)
    one = browser(world, world.person("auditor", XIUSHAN)).get(f"/cases/{number}?as_of={day}")
    assert f'name="as_of" value="{day}"' in one.text
    one.post(f"/cases/{number}/trail", {"as_of": day})
    assert one.last is not None
    assert one.last.headers["Content-Disposition"] == f'attachment; filename="trail-{number}-{day}.pdf"'
    assert f"{day}终了时的情况" in text_of(one.last.data)
    anybody = stranger(world)
    assert ask(anybody, file=one.last.data) == "later"
    assert ask(anybody, file=print_trail(world.person("auditor"), case=number)) == "newest"
    line = db.session.scalars(select(AccessRow.text).where(AccessRow.text.contains('"trail_print"'))).all()
    db.session.rollback()
    assert any(f'"as_of":"{day}"' in text for text in line)
