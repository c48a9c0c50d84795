"""Auditors of two counties: both counties on every page of their lists, each line once."""

from datetime import timedelta

import pytest

from app.services import boards, people
from app.services.boards import LedgerLine
from app.store import ledger
from app.store.lists import CaseFilter
from app.store.transaction import writing
from tests.factories import FENGDU, XIUSHAN
from tests.world import PASSWORD, World
from workflows.model import Actor

COUNTIES = (XIUSHAN[:6], FENGDU[:6])


@pytest.fixture
def auditor(world: World) -> Actor:
    """An auditor of both counties."""
    offices = [("auditor", county.ljust(12, "0")) for county in COUNTIES]
    people.add_user(username="shen", name="何审计", password=PASSWORD, county=COUNTIES[0], offices=offices)
    return people.actor_named("shen")


def test_cases_of_both_counties_stand_on_the_pages(
    world: World, auditor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [world.walker(n, area).clue().case.number for area in (XIUSHAN, FENGDU) for n in (1, 2, 3)]
    monkeypatch.setattr("app.services.boards.paged", lambda rows: (rows[:2], len(rows) > 2))
    seen: list[str] = []
    after = ""
    for _ in numbers:
        found = boards.audit(auditor, CaseFilter(), after=after)
        seen += [line.case.number for line in found.found.rows]
        after = found.found.following
        if not after:
            break
    assert seen == sorted(numbers)
    assert found.total == len(numbers)
    assert {area.code[:6] for area in found.townships} == set(COUNTIES)


def fill(world: World, count: int) -> None:
    """Lines in both ledgers, turn by turn."""
    for number in range(count):
        world.now += timedelta(minutes=1)
        with writing() as now:
            ledger.append(COUNTIES[number % 2], user="u1", kind="list_read", subject=str(number), now=now, detail={})


def pages_of(auditor: Actor, kind: str = "") -> list[list[LedgerLine]]:
    """All pages of the ledger."""
    pages, after = [], ""
    while True:
        found = boards.access_ledger(auditor, kind=kind, after=after)
        pages.append(list(found.rows))
        after = found.following
        if not after:
            return pages


def test_both_ledgers_are_read_page_by_page_newest_first(world: World, auditor: Actor) -> None:
    fill(world, 80)
    pages = pages_of(auditor, "list_read")
    lines = [line for page in pages for line in page]
    assert [len(page) for page in pages] == [25, 25, 25, 5]
    assert {line.county for line in pages[0]} == set(COUNTIES)
    assert [line.subject for line in lines] == [str(n) for n in reversed(range(80))]


def test_a_line_of_a_clock_set_back_hides_none(world: World, auditor: Actor) -> None:
    fill(world, 60)
    world.now -= timedelta(hours=3)
    fill(world, 40)
    lines = [line for page in pages_of(auditor, "list_read") for line in page]
    assert len({(line.county, line.seq) for line in lines}) == len(lines) == 100
    for county in COUNTIES:
        numbers = [line.seq for line in lines if line.county == county]
        assert numbers == sorted(numbers, reverse=True)


@pytest.mark.parametrize("after", ["~", "x.y", "500241.-1", "500241.9999999999999999999", "500999.3", "17"])
def test_a_key_of_another_list_is_the_first_page(world: World, auditor: Actor, after: str) -> None:
    fill(world, 3)
    assert [line.seq for line in boards.access_ledger(auditor, after=after).rows] == [
        line.seq for line in boards.access_ledger(auditor).rows
    ]
