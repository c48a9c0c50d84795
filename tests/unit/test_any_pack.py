"""Random people do what they are offered, under every pack: what is offered works, and no gate is ever passed over."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.factories import (
    EIGHT,
    FENGDU,
    HAINAN,
    QINGYANG,
    SEVEN,
    SUINING,
    XIUSHAN,
    Walker,
    actor,
    evidence,
    walker,
)
from workflows.decide import Allowed
from workflows.errors import Refused
from workflows.model import Actor

ROLES = ("village_cadre", "resident_team", "township_officer", "township_leader", "county_lead", "sector_dept")
# A correction needs to be told what to correct; a household's own wish or a duplicate only ends the walk early.
LEFT_OUT = ("correct", "withdraw", "merge_duplicate", "recuse")
TURNS = st.lists(st.tuples(st.integers(0, 17), st.integers(0, 9), st.integers(0, 9)), min_size=40, max_size=60)
OPENINGS = st.tuples(
    st.sampled_from(["ordinary", "former_poor", "five_noes", "low_income"]), st.sampled_from(["self_report", "linked"])
)


def do(w: Walker, item: Allowed, who: Actor, pick: int) -> None:
    """Do what is offered, with good input."""
    if "period" in item.fields:
        change_period(w, item, who)
        return
    data: dict[str, Any] = {"target": item.targets[pick % len(item.targets)]} if item.targets else {}
    if item.action == "fail_review":
        data.update(votes_for=3, votes_against=7)
    w.act(item.action, who, files=["other" if kind == "@any" else kind for kind in item.evidence], **data)


def change_period(w: Walker, item: Allowed, who: Actor) -> None:
    """Pause, resume or extend the first of the running periods that this may be done to: there must be one."""
    refusals = []
    for kind, clock in w.case.clocks.items():
        unit = clock.limit.partition(" ")[2]
        try:
            w.act(item.action, who, files=item.evidence, period=kind, extra=f"1 {unit}")
        except Refused as refusal:
            refusals.append(refusal.code)
        else:
            return
    raise AssertionError(f"{item.action} is offered, but: {refusals}")


def step_or_any(w: Walker, offered: list[Allowed], pick: int) -> Allowed:
    """Mostly the step itself, so that walks come far."""
    machine = w.rules.machine_of(w.case)
    steps = [item for item in offered if machine.step_of(item.action)]
    return steps[pick % len(steps)] if steps and pick < 7 else offered[pick % len(offered)]


@pytest.mark.parametrize("area", [XIUSHAN, FENGDU, SUINING, QINGYANG, HAINAN, SEVEN, EIGHT])
@settings(max_examples=max(5, settings().max_examples // 20))  # a walk is long, and there is one for each pack
@given(opening=OPENINGS, turns=TURNS)
def test_what_is_offered_works_and_no_gate_is_passed_over(
    area: str, opening: tuple[str, str], turns: list[tuple[int, int, int]]
) -> None:
    kind, source = opening
    w = walker(area, household_kind=kind).clue(clue_source=source)
    cast = [actor(role, area, person=f"{role}{number}") for number in range(3) for role in ROLES]
    for index, pick, days in turns:
        w.wait(days=days)
        offered = [i for i in w.allowed(cast[index]).values() if i.is_allowed and i.action not in LEFT_OUT]
        if offered:
            do(w, step_or_any(w, offered, pick), cast[index], pick)
    w.check()
    ensure_sound(w)


def ensure_sound(w: Walker) -> None:
    """Nobody signed two of the separated gates; who was included came through every gate and the whole notice."""
    hands = w.case.fields.get("_hands", {})
    signed = [set(hands.get(gate, ())) for gate in ("verify", "township_audit", "county_approve")]
    assert not any(one & other for i, one in enumerate(signed) for other in signed[:i])
    if w.status != "active":
        return
    entries = [m.entry.body for o in w.outcomes for m in o.moves if m.case.number == w.case.number]
    machine = w.rules.machine_of(w.case)
    required = [step.action for step in machine.order if step.required]
    assert set(required) <= {body["action"] for body in entries}
    assert all(hands[gate] for gate in machine.definition.gates)
    ended = [e for body in entries for e in body["deadlines"]["ended"] if e["kind"] == "publicity_min"]
    assert ended[-1]["how"] == "met"
    assert evidence("minutes").sha256 in str(entries)
