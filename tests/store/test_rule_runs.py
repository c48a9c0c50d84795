"""Other rules for running cases: rehearsed without a trace, applied with an entry each, taken back, cut off."""

import json
from collections.abc import Sequence
from functools import partial

import pytest
from sqlalchemy import select

from app import printing
from app.labels import Labels, Speech
from app.runtime import EXTENSION
from app.services import cases, check, moving, people, rule_runs
from app.services.isolated import never
from app.services.moving import Run
from app.services.trail import trail_text
from app.store.transaction import reading
from app.tables import CaseRow, DeadlineRow, JournalRow, OutboxRow, Wait, db
from reports.trail import read_trail, self_check
from tests.factories import PACKS
from tests.print.test_render import text_of
from tests.world import StoredWalker, World
from workflows import repin
from workflows.errors import BadRules, BadValue, NotFound, WrongOffice
from workflows.machine import Compiled
from workflows.model import Dossier
from workflows.registry import POLICIES, Rules, load_rules
from workflows.repin import NOTE

COUNTY = "500241"
SHIPPED = (POLICIES / f"{COUNTY}-xiushan.toml").read_text(encoding="utf-8")
WHOLE = 'timer = "household_case.id_total"\nunit = "calendar_days"\namount = 15'
# The county allows ten days, wants the comparison before the visit, and asks the county for its decision within a day.
STRICTER = (
    SHIPPED.replace(WHOLE, WHOLE.replace("15", "10"))
    + """
[[sequences]]
definition = "household_case"
purposes = ["include"]
steps = ["nominate", "authorize", "compare", "verify", "review", "post", "publicize", "township_audit",
         "county_approve", "announce", "register"]
clause = "S4 17"
[[limits]]
timer = "household_case.county_review"
unit = "calendar_days"
amount = 1
bound = "max"
own = true
"""
)


def install(world: World, *packs: str) -> Rules:
    """Start the installation anew with other packs in its folder."""
    with world.app.app_context():
        folder = world.folder / f"packs-{len(list(world.folder.glob('packs-*')))}"
        folder.mkdir()
        for number, text in enumerate(packs):
            (folder / f"{number}.toml").write_text(text, encoding="utf-8")
    found = load_rules(PACKS, folder)
    world.app.extensions[EXTENSION].rules = found
    return found


def standing(world: World, *states: str) -> list[StoredWalker]:
    """One household in each state, the first on the way in."""
    walkers = []
    for serial, state in enumerate(states, 1):
        walker = world.walker(serial)
        walker.clue().walk(state)
        walkers.append(walker)
    world.now = max(walker.now for walker in walkers)
    return walkers


def done(world: World, run: Run) -> Run:
    """Let the scheduler work, and return the run as it ended."""
    rule_runs.work()
    return rule_runs.run_of(world.person("county_lead"), run.id)


def rehearsed(world: World, *packs: str) -> Run:
    """A rehearsal that ended well."""
    run = done(world, rule_runs.ask_rehearsal(world.person("county_lead"), COUNTY, packs=packs))
    assert run.state == "done", run.trouble
    return run


def applied(world: World) -> Run:
    """A change that ended well."""
    asked = rule_runs.ask_change(world.person("county_lead"), rehearsed(world).id, reason="新办法施行")
    run = done(world, asked)
    assert run.state == "done", run.trouble
    return run


def everything() -> list[list[object]]:
    """All that tells of cases, as it stands in the database."""
    tables = (CaseRow, JournalRow, DeadlineRow, Wait, OutboxRow)
    with reading():
        return [
            [tuple(row) for row in db.session.execute(select(*t.__table__.columns).order_by(*t.__table__.primary_key))]
            for t in tables
        ]


def sound(world: World) -> None:
    """Everything that is stored fits together."""
    found: list[object] = []
    check.check(check.counties(), report=found.append)
    assert found == []


def test_rehearsal_tells_and_changes_nothing(world: World) -> None:
    """Days that get fewer, a step that is left behind, more to sign; nothing of it is written."""
    standing(world, "clue_open", "verifying", "county_review")
    before = everything()
    run = rehearsed(world, STRICTER)
    assert everything() == before
    found = run.result
    assert found["cases"] == 6  # each household's candidate status runs too
    assert found["changed"] == 6
    assert not run.is_stuck
    totals = next(row for row in found["deadlines"] if row["timer"] == "id_total")
    assert totals["earlier"] == 3
    assert found["skipped"] == [{"definition": "household_case", "step": "compare", "cases": 1}]
    review = next(row for row in found["deadlines"] if row["timer"] == "county_review")
    assert review["earlier"] == 1
    assert found["work"] == [{"roles": ["county_lead", "sector_dept"], "more": -1, "townships": {"500241001000": -1}}]
    assert found["packs"] == [{"pack": "500241-xiushan", "digest": found["packs"][0]["digest"], "cases": 6}]


def test_change_moves_every_case_with_an_entry(world: World) -> None:
    """Pins, periods and journals are the new ones, replay says the same, and the cases go on to the end."""
    walkers = standing(world, "clue_open", "verifying", "county_review")
    before = {w.case.number: w.case for w in walkers}
    rules = install(world, STRICTER)
    run = applied(world)
    assert run.result["moved"] == 6
    assert run.result["left"] == []
    pack = rules.packs["500241-xiushan"]
    for walker in walkers:
        walker.rules = rules
        walker.refresh()
        case, old = walker.case, before[walker.case.number]
        entry = json.loads(walker.chains[case.number][-1])
        assert (case.policy_digest, case.state, case.seq) == (pack.digest, old.state, old.seq + 1)
        assert entry["action"] == "change_rules"
        assert entry["policy"] == f"{pack.id}:{pack.digest}"
        noted = entry["changes"][NOTE]["after"]
        assert noted["reason"] == "新办法施行"
        assert {"limits household_case.id_total", "sequences household_case.include"} <= {
            c["rule"] for c in noted["changes"]
        }
        total = next(c for c in noted["changes"] if c["rule"] == "limits household_case.id_total")
        assert total["clause"] == "S4 17"
        assert "15天" in total["zh"]
        assert "10天" in total["zh"]
        assert "15" in total["en"]
        clock = case.clocks["id_total"]
        assert (clock.start, clock.generation) == (old.clocks["id_total"].start, 2)
        assert clock.due < old.clocks["id_total"].due
    sound(world)
    for walker in walkers:
        walker.now = world.now
        walker.walk()
        assert walker.case.closed
    sound(world)


def test_change_is_taken_back(world: World) -> None:
    """The former texts hold again, with the former ends of periods; what went on since goes on."""
    walkers = standing(world, "clue_open", "publicizing")
    before = {w.case.number: w.case for w in walkers}
    install(world, STRICTER)
    changed = applied(world)
    back = done(world, rule_runs.ask_return(world.person("county_lead"), changed.id, reason="暂缓施行"))
    assert back.state == "done", back.trouble
    assert back.result["moved"] == 4
    rules = install(world)
    for walker in walkers:
        walker.rules = rules
        walker.refresh()
        case, old = walker.case, before[walker.case.number]
        assert (case.policy_digest, case.definition_digest) == (old.policy_digest, old.definition_digest)
        assert {k: c.due for k, c in case.clocks.items()} == {k: c.due for k, c in old.clocks.items()}
    sound(world)
    walkers[0].now = world.now
    walkers[0].walk()
    assert walkers[0].case.closed


def test_a_changed_case_is_printed_and_read_in_the_words_of_each_day(world: World) -> None:
    """The trail carries every text that an entry was made under; an entry is told by the machine of its own day."""
    (walker,) = standing(world, "reviewing")
    lighter = (
        SHIPPED.replace(WHOLE, WHOLE.replace("15", "20"))
        + """
[[sequences]]
definition = "household_case"
purposes = ["include"]
steps = ["nominate", "authorize", "verify", "review", "post", "publicize", "township_audit", "county_approve",
         "announce", "register"]
own = ["nominate"]
"""
    )
    install(world, lighter)
    applied(world)
    auditor = world.person("auditor")
    trail = read_trail(trail_text(auditor, case=walker.case.number))
    assert self_check(trail) == []
    assert len(trail.texts) == 2 + 2 + 1  # definitions of gates and status, packs of before and of now, the calendar
    found = printing.print_trail(auditor, case=walker.case.number)
    assert "由最长15天（S4第17条）改为最长20天（S4第17条）" in text_of(found)
    view = cases.case_view(auditor, case=walker.case.number)
    with world.app.test_request_context():
        labels = Labels(Speech("zh", world.now.date(), COUNTY), view.compiled)
        assert view.compiled.step_of("record_comparison") is None
        compared = next(entry for entry in view.entries if entry["action"] == "record_comparison")
        assert labels.of_act(compared).action("record_comparison") == "信息比对"


class Cut(RuntimeError):
    """The process was ended."""


def test_change_cut_off_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it was cut off: each case gets one entry, none two, and the count is right."""
    standing(world, *["clue_open"] * 5)
    install(world, STRICTER)
    monkeypatch.setattr(moving, "BATCH", 2)
    asked = rule_runs.ask_change(world.person("county_lead"), rehearsed(world).id, reason="新办法施行")
    for pieces in (1, 1):
        rule_runs.work(partial(_after, [pieces]))
        assert rule_runs.run_of(world.person("county_lead"), asked.id).is_open
    run = done(world, asked)
    assert run.result["moved"] == 10
    with reading():
        rows = db.session.execute(select(JournalRow.text)).scalars()
        told = [json.loads(text)["case"] for text in rows if '"action":"change_rules"' in text]
    assert len(told) == len(set(told)) == 10
    sound(world)


def _after(left: list[int]) -> bool:
    """Stop after some pieces (the first question comes before the run is looked at)."""
    left[0] -= 1
    return left[0] < -1


def test_state_where_a_case_stands_is_kept(world: World) -> None:
    """Rules without a step where somebody waits are shown as such and can't be applied."""
    walkers = standing(world, "comparing")
    lighter = (
        SHIPPED
        + """
[[sequences]]
definition = "household_case"
purposes = ["include"]
steps = ["nominate", "authorize", "verify", "review", "post", "publicize", "township_audit", "county_approve",
         "announce", "register"]
own = ["nominate"]
"""
    )
    assert walkers[0].case.state == "comparing"
    install(world, lighter)
    run = rehearsed(world)
    assert run.is_stuck
    assert run.result["stuck_cases"] == [{"case": walkers[0].case.number, "state": "comparing", "reason": "state_gone"}]
    with pytest.raises(BadValue):
        rule_runs.ask_change(world.person("county_lead"), run.id, reason="不行")


def test_who_may(world: World) -> None:
    """The county decides; administrators may look; others and other counties see nothing."""
    standing(world, "clue_open")
    lead = world.person("county_lead")
    run = rehearsed(world)
    for role in ("township_leader", "village_cadre"):
        with pytest.raises(WrongOffice):
            rule_runs.ask_rehearsal(world.person(role), COUNTY)
        with pytest.raises(NotFound):
            rule_runs.run_of(world.person(role), run.id)
    admin = world.person("admin")
    assert rule_runs.run_of(admin, run.id) == run
    with pytest.raises(WrongOffice):
        rule_runs.ask_change(admin, run.id, reason="我来")
    with pytest.raises(BadValue):
        rule_runs.ask_change(lead, run.id, reason="  ")


def test_only_what_was_rehearsed_is_applied(world: World) -> None:
    """A rehearsal of files that are not installed, or of other rules than those in force, opens no way."""
    standing(world, "clue_open")
    lead = world.person("county_lead")
    with pytest.raises(BadValue):
        rule_runs.ask_change(lead, rehearsed(world, STRICTER).id, reason="未安装")
    shown = rehearsed(world)
    install(world, STRICTER)
    with pytest.raises(BadValue):
        rule_runs.ask_change(lead, shown.id, reason="规则已变")


def test_a_rehearsal_opens_one_change(world: World) -> None:
    """What was rehearsed before a change says nothing of the cases any more."""
    standing(world, "clue_open")
    install(world, STRICTER)
    lead = world.person("county_lead")
    shown = rehearsed(world)
    rule_runs.ask_change(lead, shown.id, reason="新办法施行")
    with pytest.raises(BadValue):
        rule_runs.ask_change(lead, shown.id, reason="再来一次")
    rule_runs.work()
    with pytest.raises(BadValue):
        rule_runs.ask_change(lead, rehearsed(world).id, reason="没有要改的")


@pytest.mark.parametrize("text", ["not TOML [", SHIPPED.replace("amount = 15", "amount = 0")])
def test_wrong_pack_is_refused_with_its_reason(world: World, text: str) -> None:
    """Nothing is asked for, and every mistake is named."""
    lead = world.person("county_lead")
    with pytest.raises(BadRules):
        rule_runs.ask_rehearsal(lead, COUNTY, packs=[text])
    assert rule_runs.runs(lead) == []


def test_failing_run_is_told_and_stops_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its trouble is kept; the next one is done."""
    standing(world, "clue_open")
    lead = world.person("county_lead")
    first, second = rule_runs.ask_rehearsal(lead, COUNTY), rule_runs.ask_rehearsal(lead, COUNTY)
    real = rule_runs.carry_out

    def failing(run: Run, **more: object) -> object:
        if run.id == first.id:
            raise Cut
        return real(run, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(rule_runs, "carry_out", failing)
    assert rule_runs.work(never) == {"done": 1, "failed": 1}
    states: Sequence[str] = [rule_runs.run_of(lead, run.id).state for run in (first, second)]
    assert states == ["failed", "done"]
    assert "Cut" in rule_runs.run_of(lead, first.id).trouble


@pytest.mark.parametrize("place", [1, 3])
def test_one_broken_household_stops_no_other(world: World, monkeypatch: pytest.MonkeyPatch, place: int) -> None:
    """It is left as it is and named, also the last one; all others are moved, each once."""
    walkers = standing(world, *["clue_open"] * 4)
    install(world, STRICTER)
    asked = rule_runs.ask_change(world.person("county_lead"), rehearsed(world).id, reason="新办法施行")
    real = repin.repin

    def broken(new: Compiled, old: Compiled, dossier: Dossier, *more: object, **named: object) -> object:
        if dossier.subject.number == walkers[place].household.number:
            raise Cut
        return real(new, old, dossier, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(rule_runs, "repin", broken)
    run = done(world, asked)
    assert (run.state, run.result["moved"], run.result["left_count"]) == ("done", 6, 1)
    assert run.result["left"] == [{"case": walkers[place].household.number, "reason": "trouble"}]
    sound(world)


def test_a_change_ends_with_the_office(world: World) -> None:
    """Whoever asked must still hold the office when the cases are moved."""
    standing(world, "clue_open")
    install(world, STRICTER)
    lead = world.person("county_lead")
    asked = rule_runs.ask_change(lead, rehearsed(world).id, reason="新办法施行")
    people.disable_user("county_lead-500241000000", by="u1")
    rule_runs.work()
    other = world.person("county_lead", name="other")
    assert rule_runs.run_of(other, asked.id).state == "failed"
    assert "NotFound" in rule_runs.run_of(other, asked.id).trouble
    sound(world)
