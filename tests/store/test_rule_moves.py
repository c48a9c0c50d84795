"""Cases that stand awkwardly when their rules change: half signed, late, beside a step, under texts of long ago."""

import json
import re

import pytest
from sqlalchemy import select

from app.runtime import EXTENSION
from app.services import rule_runs, sweep
from app.store.transaction import reading
from app.tables import JournalRow, db
from tests.store.test_rule_runs import SHIPPED, applied, done, install, rehearsed, sound
from tests.world import StoredWalker, World
from workflows.clock import local_date, parse_utc
from workflows.definition import parse_definition
from workflows.errors import TooEarly
from workflows.journal import canonical
from workflows.policy import parse_pack
from workflows.registry import Rules
from workflows.repin import NOTE

ALL = """
[[signatures]]
step = "verify"
mode = "all"
roles = [{roles}]
own = true
"""
ORDER = """
[[sequences]]
definition = "household_case"
purposes = ["include"]
steps = [{steps}]
{more}
own = [{steps}]
"""
STEPS = ("nominate", "authorize", "verify", "compare", "review", "post", "publicize", "township_audit",
         "county_approve", "announce", "register")  # fmt: skip


def listed(*names: str) -> str:
    """Names as a TOML list has them."""
    return ", ".join(f'"{name}"' for name in names)


def signed_by(*roles: str) -> str:
    """A pack in which every one of some roles signs the verification."""
    return SHIPPED + ALL.format(roles=listed(*roles))


def ordered(*steps: str, more: str = "") -> str:
    """A pack with an order of its own."""
    return SHIPPED + ORDER.format(steps=listed(*steps), more=more)


def limited(amount: int, more: str = "") -> str:
    """A pack with another length of the county's approval."""
    return SHIPPED + (
        f'\n[[limits]]\ntimer = "household_case.county_review"\nunit = "calendar_days"\namount = {amount}\n'
        f'bound = "max"\nown = true\n{more}'
    )


def from_day(pack: str, day: str) -> str:
    """A pack as one of its own that comes into force on a day."""
    named = pack.replace('id = "500241-xiushan"', 'id = "500241-xiushan-b"', 1)
    return re.sub('effective = "[^"]*"', f'effective = "{day}"', named, count=1)


def under(world: World, rules: Rules, to: str = "") -> StoredWalker:
    """A household that walks under some rules to a state."""
    walker = world.walker()
    walker.rules = rules
    walker.clue()
    if to:
        walker.walk(to)
    world.now = walker.now
    return walker


def moved(world: World, walker: StoredWalker, pack: str) -> None:
    """Move everything to another pack."""
    walker.rules = install(world, pack)
    applied(world)
    walker.refresh()


def test_signers_who_all_signed_already(world: World) -> None:
    """Where the new rules want no more than those who signed, one of them signs again instead of nobody ever."""
    walker = under(world, install(world, signed_by("village_cadre", "resident_team", "township_officer")), "verifying")
    walker.act("verify", "village_cadre")
    walker.act("verify", "resident_team")
    assert walker.state == "verifying"
    moved(world, walker, signed_by("village_cadre", "resident_team"))
    walker.act("verify", "resident_team")
    assert walker.state != "verifying"
    sound(world)


def test_signatures_of_roles_that_no_longer_sign(world: World) -> None:
    """What was signed in a role that the new rules do not ask counts for nobody else."""
    walker = under(world, install(world, signed_by("village_cadre", "resident_team", "township_officer")), "verifying")
    walker.act("verify", "village_cadre")
    two = '\n[[signatures]]\nstep = "verify"\ncount = 2\nroles = ["resident_team"]\nown = true\n'
    moved(world, walker, SHIPPED + two)
    walker.act("verify", "resident_team")
    assert walker.state == "verifying"
    walker.act("verify", walker.actor("resident_team", "second"))
    assert walker.state != "verifying"


def test_step_done_beside_comes_again_in_the_order(world: World) -> None:
    """A step that was done beside another one and now stands behind the case's place can be done there."""
    beside = ordered(*(s for s in STEPS if s != "compare"), more='alongside = {compare = "verify"}')
    walker = under(world, install(world, beside), "verifying")
    walker.act("record_comparison")
    assert walker.case.fields["_done"] == ["compare"]
    walker.rules = install(world, ordered(*STEPS))
    run = rehearsed(world)
    assert run.result["repeated"] == [{"definition": "household_case", "step": "compare", "cases": 1}]
    moved(world, walker, ordered(*STEPS))
    walker.act("return_case", "resident_team", target="clue_open")
    walker.walk()
    assert walker.case.closed
    sound(world)


def test_period_of_a_step_that_is_no_longer_beside(world: World) -> None:
    """Nobody is late with a step for which the case does not wait."""
    beside = ordered(*(s for s in STEPS if s != "compare"), more='alongside = {compare = "publicize"}')
    walker = under(world, install(world, beside), "publicizing")
    assert "compare" in walker.case.clocks
    moved(world, walker, ordered(*STEPS))
    assert "compare" not in walker.case.clocks
    sound(world)


def test_period_of_a_step_that_comes_beside(world: World) -> None:
    """A step that must be done anew, beside the one that waits, has its time from the change on."""
    walker = under(world, install(world, ordered(*STEPS)), "publicizing")
    assert "compare" not in walker.case.clocks
    moved(world, walker, ordered(*(s for s in STEPS if s != "compare"), more='alongside = {compare = "publicize"}'))
    assert "compare" in walker.case.clocks
    sound(world)


def test_rules_that_say_nothing_of_days_before_them(world: World) -> None:
    """A pack whose rows begin with itself ends no period that began before, least of all the public notice."""
    walker = under(world, install(world, SHIPPED), "publicizing")
    before = walker.case.clocks["publicity_min"]
    walker.wait(days=1)
    world.now = walker.now
    day = local_date(world.now).isoformat()
    row = '\n[[limits]]\ntimer = "household_case.publicity_min"\nunit = "working_days"\namount = 7\nbound = "min"\n'
    walker.rules = install(world, SHIPPED, from_day(SHIPPED, day) + f'{row}from = "{day}"\nown = true\n')
    applied(world)
    walker.refresh()
    assert walker.case.policy == "500241-xiushan-b"
    assert walker.case.clocks["publicity_min"] == before
    with pytest.raises(TooEarly):
        walker.act("close_publicity")


def test_way_back_to_a_definition_without_the_act(world: World) -> None:
    """Definitions of before this could be done are gone back to as well."""
    rules = install(world, SHIPPED)
    definition = rules.definitions["household_case"]
    text = json.loads(definition.text)
    text["actions"] = [a for a in text["actions"] if a["id"] != "change_rules"]
    former = parse_definition(canonical(text))
    world.app.extensions[EXTENSION].rules = Rules(
        {**rules.definitions, "household_case": former}, rules.packs, rules.calendar
    )
    walker = under(world, world.app.extensions[EXTENSION].rules, "verifying")
    walker.rules = install(world, SHIPPED)
    changed = applied(world)
    walker.refresh()
    assert walker.case.definition_digest == definition.digest
    run = done(world, rule_runs.ask_return(world.person("county_lead"), changed.id, reason="暂缓施行"))
    assert run.state == "done", run.trouble
    walker.refresh()
    assert walker.case.definition_digest == former.digest
    sound(world)


def lapses(case: str) -> int:
    """How often a case's journal says that a period has ended."""
    with reading():
        rows = db.session.scalars(select(JournalRow.text).where(JournalRow.case == case))
        return sum(json.loads(text)["action"] == "lapse" for text in rows)


def test_who_is_late_is_late_once(world: World) -> None:
    """A period that was noticed as late is not noticed again because its rule became another one."""
    walker = under(world, install(world, limited(5)), "county_review")
    walker.after("county_review", seconds=60)
    world.now = walker.now
    sweep.sweep()
    walker.refresh()
    before = lapses(walker.case.number)
    assert before
    moved(world, walker, limited(4))
    sweep.sweep()
    assert lapses(walker.case.number) == before
    sound(world)


def test_changed_condition_of_coming_in_is_noted(world: World) -> None:
    """Each case's entry names the conditions that it can meet, those of coming in too."""
    walker = under(world, install(world, SHIPPED), "verifying")
    condition = """
[[conditions]]
id = "labour"
test = "fields_positive"
needs = {fields = ["income_per_head"]}
effect = "warn"
purposes = ["include"]
label = {zh = "有收入", en = "Has income"}
own = true
"""
    moved(world, walker, SHIPPED + condition)
    entry = json.loads(walker.chains[walker.case.number][-1])
    assert [c["rule"] for c in entry["changes"][NOTE]["after"]["changes"]] == ["conditions labour"]


def test_new_duty_of_each_period_begins(world: World) -> None:
    """A visit that only the new rules ask of a household reaches those who are in already, from the next period on."""
    rules = install(world, SHIPPED)
    pack = json.loads(rules.packs["500241-xiushan"].text)
    pack["limits"] = [row for row in pack["limits"] if row["timer"] != "assist.visit_open"]
    former = parse_pack(canonical(pack))
    without = Rules(rules.definitions, {**rules.packs, former.id: former}, rules.calendar)
    world.app.extensions[EXTENSION].rules = without
    walker = under(world, without)
    walker.walk()
    assert "visit_open" not in walker.latest("assist").clocks
    world.now = walker.now
    moved(world, walker, SHIPPED)
    clock = walker.latest("assist").clocks["visit_open"]
    assert local_date(parse_utc(clock.start)).day == 1
    assert parse_utc(clock.start) > world.now
    sound(world)


def test_pack_of_before_that_fits_no_definition_of_today(world: World) -> None:
    """Cases under it are rehearsed, and what differs is said, all the same."""
    rules = install(world, SHIPPED)
    definition = json.loads(rules.definitions["household_case"].text)
    extra = next(dict(s) for s in definition["steps"] if s["id"] == "compare")
    extra |= {"id": "compare_again", "state": "comparing_again", "action": "record_again"}
    definition["steps"].append(extra)
    pack = json.loads(rules.packs["500241-xiushan"].text)
    order = next(row for row in pack["sequences"] if "include" in row["purposes"])
    order["steps"].insert(order["steps"].index("compare") + 1, "compare_again")
    former = parse_pack(canonical(pack))
    definitions = {**rules.definitions, "household_case": parse_definition(canonical(definition))}
    then = Rules(definitions, {former.id: former}, rules.calendar)
    world.app.extensions[EXTENSION].rules = then
    under(world, then, "verifying")
    install(world, SHIPPED)
    assert rehearsed(world).result["changed"] == 2
