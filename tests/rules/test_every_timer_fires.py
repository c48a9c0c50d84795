"""Static check: each configured timer is reached by a walk and fired; each ladder step has a stage and its words."""

import copy
from collections.abc import Callable
from dataclasses import replace

import pytest

from app.runtime import all_terms
from app.services.sweep import TOLD
from app.store.deadlines import LAPSED, LATER_STAGES
from tests.factories import EIGHT, FENGDU, HAINAN, QINGYANG, SEVEN, START, SUINING, XIUSHAN, Walker, rules, walker
from workflows.clock import local_date, parse_utc
from workflows.decide import apply
from workflows.definition import Step
from workflows.ladder import DEFAULT_LADDER, END, parse_ladder
from workflows.machine import Compiled
from workflows.model import Actor, Outcome

RULES = rules()
AREAS = (XIUSHAN, FENGDU, SUINING, QINGYANG, HAINAN, SEVEN, EIGHT)
WALK_DAY = local_date(START)
Timer = tuple[str, str, str]
Scenario = Callable[[Walker], object]


class Watching(Walker):
    """After each act every running period that was not seen yet is let end, on a copy: the clock must have its say."""

    fired: set[Timer]

    def take(self, outcome: Outcome) -> Outcome:
        taken = super().take(outcome)
        for case in self.dossier.cases:
            for kind in case.clocks:
                timer = (case.definition, case.purpose, kind)
                if timer not in self.fired:
                    self.fired.add(timer)
                    self._fire(case.definition, kind)
        return taken

    def signers(self, action: str, step: Step) -> list[Actor]:
        """Other people at each step, as a pack may ask."""
        return [
            replace(who, id=f"{who.id}-{action}", person=f"{who.person}-{action}")
            for who in super().signers(action, step)
        ]

    def _fire(self, definition: str, kind: str) -> None:
        other = copy.copy(self)
        other.chains = {number: list(chain) for number, chain in self.chains.items()}
        other.disclosures, other.outcomes = list(self.disclosures), list(self.outcomes)
        case = other.latest(definition)
        machine = other.rules.machine_of(case)
        other.now = max(self.now, parse_utc(case.clocks[kind].due))
        done = other.clock(kind, definition, machine.timers_by_id[kind].fires or "lapse")
        assert done.moves[0].entry.body["actor"]["id"] == "system"
        assert done.moves[0].case.seq == case.seq + 1


def do(w: Walker, action: str) -> None:
    """Do an action beside the steps by fresh hands of a role that may, if this place has the action."""
    machine = w.rules.machine_of(w.case)
    form = machine.definition.actions[action]
    if action in machine.omitted:
        return
    roles = machine.current_roles(w.state) if form.who == "current" else form.roles
    w.act(action, w.actor(roles[-1], f"fresh hand for {action}"))


def helped(w: Walker) -> None:
    """In, with a helper, a plan and two measures."""
    w.include().assist()
    w.act("deliver_measure", "helper")


def whole_life(w: Walker) -> None:
    """In, helped, out, watched, stable; visits in between."""
    helped(w)
    w.wait(days=40)
    w.act("record_visit", "helper")
    w.wait(days=200).eliminate()
    w.after("observe", "monitor_status").clock("observe", "monitor_status", "stabilise")
    w.wait(days=120)


def appeal(w: Walker) -> None:
    w.clue().walk("verifying")
    for action in ("refuse", "tell_refusal", "appeal"):
        do(w, action)


def objection(w: Walker) -> None:
    w.clue().walk("publicizing")
    do(w, "object")


def fast_track(w: Walker) -> None:
    w.clue()
    do(w, "fast_track")


def objection_at_exit(w: Walker) -> None:
    helped(w)
    w.wait(days=240).clue("eliminate").walk("publicizing")
    do(w, "object")


def appeal_at_exit(w: Walker) -> None:
    helped(w)
    w.wait(days=240).clue("eliminate").walk("verifying")
    for action in ("refuse", "tell_refusal", "appeal"):
        do(w, action)


def finding(w: Walker) -> None:
    """An auditor's finding, answered by the township."""
    opening = w.command("find_for_township", {"found_by": "visit", "finding": "无人在家"}, (), "rectify", None)
    opening = replace(opening, definition="rectification")
    w.take(apply(w.rules, w.dossier, opening, w.actor("auditor"), w.now))
    answer = w.command("answer", {"result": "已补"}, ("rectification_proof",), "", w.latest("rectification"))
    w.take(apply(w.rules, w.dossier, answer, w.actor("township_officer"), w.now))


SCENARIOS: tuple[Scenario, ...] = (
    whole_life,
    appeal,
    objection,
    fast_track,
    objection_at_exit,
    appeal_at_exit,
    finding,
)


def configured(area: str) -> set[Timer]:
    """Every timer of every definition and purpose for which the pack of an area sets a limit."""
    found: set[Timer] = set()
    for definition in RULES.definitions.values():
        for purpose in definition.purposes:
            machine = RULES.current(definition.id, area, purpose, WALK_DAY)
            found |= {(definition.id, purpose, timer.id) for timer in machine.timers if _has_limit(machine, timer.id)}
    return found


def sources(area: str) -> list[str]:
    """The ways in which a clue may come here."""
    machine = RULES.current("household_case", area, "include", WALK_DAY)
    return [option.id for option in machine.fields["clue_source"].options]


def _has_limit(machine: Compiled, timer: str) -> bool:
    rows = machine.pack.limits_of(f"{machine.definition.id}.{timer}")
    return any(not row.purposes or machine.purpose in row.purposes for row in rows)


@pytest.mark.parametrize("area", AREAS)
def test_every_configured_timer_is_reached_and_its_end_fires(area: str) -> None:
    fired: set[Timer] = set()
    for scenario in SCENARIOS:
        for source in sources(area):
            one = Watching(walker(area).household)
            one.fired, one.extra = fired, {"clue_source": source}
            scenario(one)
    assert configured(area) - fired == set()


# --- ladders ---
LADDERS = {
    tuple(pack.ladder(day)): pack.id
    for pack in RULES.packs.values()
    for day in {pack.effective, *(row.begins for row in pack.parameters if row.id == "ladder")}
} | {DEFAULT_LADDER: "default"}


@pytest.mark.parametrize("texts", LADDERS)
def test_every_step_of_a_ladder_has_a_stage_and_words(texts: tuple[str, ...]) -> None:
    """What the sweep does with each stage is tested step by step in tests/scheduler/test_sweep.py."""
    terms = all_terms()
    for step in parse_ladder(texts):
        stage = LATER_STAGES.get(step.whom, LAPSED)
        word = TOLD.get(stage, "overdue" if step.percent == END else "due_soon")
        assert (step.whom == "owner") == (stage == LAPSED), step
        for part in ("title", "body"):
            assert terms.text(f"message.{word}.{part}", "zh", on=WALK_DAY, area=""), word


def test_every_stage_is_somebodys_step() -> None:
    assert set(TOLD) == set(LATER_STAGES.values())
