"""A simulation over a real county: who comes inside, what follows, the same on both engines, and nothing written."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.services import rule_runs
from app.services.moving import Run
from app.services.simulation.wishes import changed, judge
from app.store import schema
from app.store.transaction import reading, writing
from app.tables import Household, db
from tests import postgres
from tests.bench import simulate as bench
from tests.bench.moves import opened
from tests.factories import rules
from tests.world import World
from workflows.clock import CalendarDays, Recurring
from workflows.errors import BadValue, NotFound, WrongOffice

COUNTY = "500241"
FENGDU_VILLAGE = "500230001201"


def simulated(world: World, **asked: str) -> Run:
    """A simulation that the scheduler made."""
    lead = world.person("county_lead")
    run = rule_runs.ask_simulation(lead, COUNTY, {key.replace("__", "."): text for key, text in asked.items()})
    assert run.is_open
    rule_runs.work()
    found = rule_runs.run_of(lead, run.id)
    assert found.state == "done", found.trouble
    return found


def total(table: Mapping[str, list[int]]) -> int:
    """All figures of a table by month."""
    return sum(map(sum, table.values()))


def everything() -> dict[str, list[tuple[object, ...]]]:
    """All tables as they stand, but the runs."""
    with reading():
        return {
            name: sorted(map(tuple, db.session.execute(select(table))), key=repr)
            for name, table in db.metadata.tables.items()
            if name != "rule_runs"
        }


@pytest.fixture
def county(world: World) -> World:
    """A county of three hundred households with incomes around the line, some of them monitored."""
    bench.fill(world, 300)
    world.person("county_lead")
    return world


def test_a_higher_line_brings_households_inside_and_writes_nothing(county: World) -> None:
    before = everything()
    found = simulated(county, line="+10%", seed="7").result
    assert everything() == before
    houses = found["households"]
    assert (houses["line"], houses["line_after"]) == (830_000, 913_000)
    assert houses["newly_inside"] == houses["inside_after"] - houses["inside"] > 0
    assert sum(row["inside"] for row in houses["townships"]) == houses["newly_inside"]
    assert sum(row["inside"] for row in houses["near"]) == houses["newly_inside"]
    assert all(not row["inside"] for row in houses["near"] if not 0 <= row["from"] < 10)
    assert found["after"]["cases"]["include"] > found["before"]["cases"]["include"]
    assert total(found["after"]["visits_by_month"]) > total(found["before"]["visits_by_month"])
    assert found["to"] == "2027-03-13"
    assert found["provisional"]


def test_a_lower_line_puts_monitored_households_outside(county: World) -> None:
    houses = simulated(county, line="6000").result["households"]
    assert houses["newly_inside"] == 0
    assert houses["newly_outside"] == sum(row["outside"] for row in houses["townships"]) > 0


def test_the_same_seed_gives_the_same_and_another_one_not(county: World) -> None:
    first, again = (simulated(county, line="+5%", seed="3").result for _ in range(2))
    assert first == again
    assert simulated(county, line="+5%", seed="4").result != first


def test_nothing_moved_stands_beside_itself(county: World) -> None:
    found = simulated(county).result
    assert found["before"] == found["after"]
    assert found["pack"]["digest"] == found["pack"]["digest_after"]


def test_limits_visits_and_staff_do_what_they_say(county: World) -> None:
    short = simulated(county, limit__household_case__id_total="8 calendar_days", apply="20").result
    assert total(short["after"]["broken"]) > total(short["before"]["broken"])
    assert short["after"]["acts_by_month"] == short["before"]["acts_by_month"]
    often = simulated(county, limit__assist__visit_open="3 month").result
    asked = [often[side]["visits"]["asked"] for side in ("before", "after")]
    assert asked[1] > 2 * asked[0]
    # Notices end on the same days for many, so one act a day for the whole county is too few.
    few = simulated(county, staff__county_lead="1", acts__county_lead="1", apply="100").result
    assert few["after"]["used"]["county_lead"] > few["before"]["used"]["county_lead"]
    assert few["after"]["cases"]["waiting"] > few["before"]["cases"]["waiting"]
    assert few["after"]["queues"][0]["roles"] == ["county_lead"]
    for side in ("before", "after"):
        cases = few[side]["cases"]
        ended = sum(cases[name] for name in ("include", "eliminate", "assist", "refused"))
        assert cases["arrived"] == ended + cases["waiting"]


def test_both_engines_tell_the_same(tmp_path: Path) -> None:
    results: list[Any] = []
    for engine in ("sqlite", "postgresql"):
        url = f"sqlite:///{tmp_path / 'x.db'}" if engine == "sqlite" else postgres.new_database()
        schema.upgrade(url)
        (tmp_path / engine).mkdir()
        with opened(url, tmp_path / engine) as world:
            bench.fill(world, 200)
            run = rule_runs.ask_simulation(world.person("county_lead"), COUNTY, bench.ASKED)
            results.append(rule_runs.carry_out_now(run, lambda _: None).result)
    assert json.dumps(results[0], sort_keys=True) == json.dumps(results[1], sort_keys=True)


def test_verified_income_counts_before_the_rosters(world: World) -> None:
    """The case's income is the newer one; without either the household is told as not known."""
    walker = world.walker(1).clue()
    walker.walk("comparing")
    verified = walker.case.fields["income_per_head"]
    world.household(2)
    with writing():
        one = db.session.get_one(Household, (COUNTY, walker.household.number))
        one.details = {"incomes": {"net_per_head": verified * 9}}
    world.now = walker.now
    houses = simulated(world).result["households"]
    assert (houses["total"], houses["unknown"]) == (2, 1)


def test_who_may_ask_and_see(world: World) -> None:
    for role in ("village_cadre", "township_officer", "auditor", "helper"):
        with pytest.raises(WrongOffice):
            rule_runs.ask_simulation(world.person(role), COUNTY, {})
    other = world.person("county_lead", FENGDU_VILLAGE)
    with pytest.raises(WrongOffice):
        rule_runs.ask_simulation(other, COUNTY, {})
    run = rule_runs.ask_simulation(world.person("admin"), COUNTY, {})
    with pytest.raises(NotFound):
        rule_runs.run_of(other, run.id)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("line", "abc"), ("line", "-100%"), ("line", "0"), ("line", "NaN"), ("limit.household_case.verify", "3"),
        ("limit.household_case.verify", "0 working_days"), ("limit.household_case.verify", "1 month"),
        ("limit.assist.visit_open", "3 working_days"), ("limit.household_case.nothing", "3 working_days"),
        ("limit.household_case.appeal_window", "3 working_days"), ("staff.nobody", "3"), ("staff.helper", "-1"),
        ("staff.helper@50", "1"), ("acts.helper@500241001", "1"), ("visits.helper", "1.5"), ("seed", "x"),
        ("months", "25"), ("apply", "101"), ("other", "1"), ("seed", "٣"),
    ],
)  # fmt: skip
def test_wrong_inputs_are_named(world: World, key: str, text: str) -> None:
    with pytest.raises(BadValue) as caught:
        rule_runs.ask_simulation(world.person("county_lead"), COUNTY, {"seed": "1", key: text})
    assert caught.value.params == {"field": key, "value": text}


def test_all_wrong_inputs_are_named_at_once_and_the_pack_is_changed_as_asked() -> None:
    pack, on = rules().packs["500241-xiushan"], date(2026, 3, 2)
    texts = {"line": "9,000", "limit.household_case.verify": "3 calendar_days", "limit.assist.visit_open": "2 week"}
    inputs, wrong = judge({**texts, "seed": "x", "acts.helper": "many"}, pack, rules().definitions, on)
    assert wrong == {"seed": "x", "acts.helper": "many"}
    new = changed(pack, inputs, on)
    assert new.digest != pack.digest
    assert new.parameter("income_line", on).value == 900_000
    lengths = {limit.timer: limit.duration for limit in new.limits}
    assert lengths["household_case.verify"] == CalendarDays(3)
    assert lengths["assist.visit_open"] == Recurring("week", 2)
    assert lengths["household_case.id_total"] == CalendarDays(15)
