"""What may be asked for, and by whom: packs that people send, rules that changed since they were shown."""

import re
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest

from app.services import rule_runs
from app.services.isolated import held
from tests.store.test_rule_moves import from_day, limited, under
from tests.store.test_rule_runs import COUNTY, SHIPPED, done, install, rehearsed
from tests.world import World
from workflows.clock import local_date
from workflows.errors import BadRules, NotFound


def test_rules_that_changed_before_the_work_began(world: World) -> None:
    """Other rules than those that were rehearsed are applied to nobody."""
    walker = under(world, install(world, SHIPPED), "county_review")
    lead = world.person("county_lead")
    install(world, limited(1))
    asked = rule_runs.ask_change(lead, rehearsed(world).id, reason="新办法施行")
    install(world, limited(2))
    run = done(world, asked)
    assert run.state == "failed"
    before = walker.case.seq
    walker.refresh()
    assert walker.case.seq == before


def test_pack_that_comes_into_force_after_the_rehearsal(world: World) -> None:
    """What was rehearsed as of one day is not what holds from another day on."""
    under(world, install(world, SHIPPED), "county_review")
    lead = world.person("county_lead")
    day = local_date(world.now + timedelta(days=2)).isoformat()
    install(world, limited(1), from_day(limited(3), day))
    shown = rehearsed(world)
    world.now += timedelta(days=3)
    assert not rule_runs.may_be_applied(shown)
    world.now -= timedelta(days=3)
    asked = rule_runs.ask_change(lead, shown.id, reason="新办法施行")
    world.now += timedelta(days=3)
    assert done(world, asked).state == "failed"


@pytest.mark.parametrize(
    "name", ["../../outside", "/nowhere/outside", "a/b", "x\\u0000y", "n" * 300, "", "500241-"], ids=range(7)
)
def test_name_of_a_sent_pack_leads_nowhere(world: World, name: str) -> None:
    """What people send is written into no folder but the one made for it."""
    before = sorted(world.folder.parent.rglob("*.toml"))
    text = SHIPPED.replace('id = "500241-xiushan"', f'id = "{name}"', 1)
    with pytest.raises(BadRules):
        rule_runs.ask_rehearsal(world.person("county_lead"), COUNTY, packs=[text])
    assert sorted(world.folder.parent.rglob("*.toml")) == before


@pytest.mark.parametrize(
    "text",
    [
        "id = " + "[" * 50_000,
        "id = " + "9" * 5_000,
        "x" + ".x" * 200_000 + " = 1",
        'id = ["x"]',
        SHIPPED.replace("warn = [60, 80]", "warn = true"),
        SHIPPED.replace('area = "500241"', "area = 5"),
        re.sub("label = {.*}", 'label = "x"', SHIPPED, count=1),
        SHIPPED.replace('clause = "S4 17"', "clause = true", 1),
    ],
    ids=range(8),
)
def test_bombs_are_refused(world: World, text: str) -> None:
    """Depth, length and odd kinds are a mistake of the file, not of the program."""
    with pytest.raises(BadRules):
        rule_runs.ask_rehearsal(world.person("county_lead"), COUNTY, packs=[text])


def test_two_packs_of_one_name(world: World) -> None:
    """None of them silently wins."""
    with pytest.raises(BadRules):
        rule_runs.ask_rehearsal(world.person("county_lead"), COUNTY, packs=[SHIPPED, limited(3)])


def test_narrowed_token_sees_no_county(world: World) -> None:
    """Who acts with a part of an office looks after no county's rules."""
    lead = world.person("county_lead")
    run = rehearsed(world)
    narrow = replace(lead, offices=tuple(replace(office, within="500241001") for office in lead.offices))
    assert rule_runs.runs(narrow) == []
    with pytest.raises(NotFound):
        rule_runs.run_of(narrow, run.id)


def test_command_line_waits_for_the_scheduler(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run is done by one process: who comes second finds it done and counts nothing anew."""
    under(world, install(world, SHIPPED), "verifying")
    install(world, limited(1))
    lead = world.person("county_lead")
    asked = rule_runs.ask_change(lead, rehearsed(world).id, reason="新办法施行")
    with ExitStack() as holding:
        monkeypatch.setattr(time, "sleep", lambda _: holding.close())
        assert holding.enter_context(held(world.folder / rule_runs.LOCK))
        assert rule_runs.work() == {"done": 0, "failed": 0}
        run = rule_runs.carry_out_now(asked, lambda _: None)
    assert (run.state, run.result["moved"]) == ("done", 2)
    assert rule_runs.carry_out_now(asked, lambda _: None) == run


def test_list_of_runs_reads_no_large_parts(world: World) -> None:
    """Fifty runs with packs of a megabyte each are listed by their heads and reasons."""
    under(world, install(world, SHIPPED), "verifying")
    install(world, limited(1))
    lead = world.person("county_lead")
    shown = rehearsed(world, limited(2))
    asked = rule_runs.ask_change(lead, rehearsed(world).id, reason="新办法施行")
    found = {run.id: run for run in rule_runs.runs(lead)}
    assert found[asked.id].inputs == {"reason": "新办法施行"}
    assert (found[shown.id].inputs, found[shown.id].result) == ({}, {})
    assert shown.inputs["packs"]
