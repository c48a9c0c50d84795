"""Trails prepared when a case changes: a bundle after that is a merge; off by a setting, bounded, nobody's print."""

from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pytest
from sqlalchemy import func, select

from app import bundling, preparing
from app.runtime import runtime
from app.services import bundles, print_store, seals
from app.services.bundles import Job, Wish
from app.store.transaction import reading
from app.tables import AccessRow, db
from tests.factories import XIUSHAN
from tests.world import World

pytestmark = [pytest.mark.timeout(300), pytest.mark.above_store]
NOTHING = {"prepared": 0, "failed": 0}


def bundle(world: World) -> Job:
    actor = world.person("county_lead")
    out = BytesIO()
    return bundling.make(actor, bundles.submit(actor, Wish(area=XIUSHAN), by_command=True), out=out)


def ledger_lines() -> int:
    with reading():
        return int(db.session.scalar(select(func.count()).select_from(AccessRow)) or 0)


def test_what_changed_is_prepared_and_a_bundle_is_a_merge(world: World) -> None:
    old = world.walker(1).clue()
    world.now = old.now + timedelta(minutes=1)
    assert preparing.work() == NOTHING  # what was there before is not prepared
    world.now = world.walker(2).clue().now + timedelta(minutes=1)
    before = ledger_lines()
    assert preparing.work() == {"prepared": 1, "failed": 0}
    assert preparing.work() == NOTHING
    assert ledger_lines() == before
    assert bundle(world).rendered == 1
    assert bundle(world).rendered == 0
    seals.seal(XIUSHAN[:6])
    assert preparing.work() == {"prepared": 2, "failed": 0}
    assert bundle(world).rendered == 0
    seals.seal(XIUSHAN[:6])
    assert preparing.work() == NOTHING


def test_many_changes_are_prepared_by_portions(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparing, "MOST", 2)
    world.household(9)
    world.walker(8).clue()
    world.now += timedelta(minutes=1)
    preparing.work()
    for serial in (1, 2, 3):
        world.walker(serial).clue()
    assert preparing.work() == NOTHING  # this second is not over yet
    world.now += timedelta(minutes=1)
    assert [preparing.work()["prepared"] for _ in range(4)] == [1, 1, 1, 0]  # each moved two cases


def test_it_is_off_by_its_setting_and_with_the_store(world: World) -> None:
    for change in ({"prepare": False}, {"prints_bytes": 0}):
        runtime().settings = replace(runtime().settings, **change)
        world.walker(1 + bool("prints_bytes" in change)).clue()
        assert preparing.work() == NOTHING
    assert not (runtime().settings.data / print_store.PRINTS).exists()
