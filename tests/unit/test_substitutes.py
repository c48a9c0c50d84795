"""Standing in: whoever acts for somebody, no natural person ever has a part in two gates, neither of the two."""

import json
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import FENGDU, HAINAN, XIUSHAN, Walker, actor_in, helper_value, office, subject, walker
from workflows.errors import AlreadySigned, HelperStepsAside, OwnHousehold, RecusedPerson, Refused, SameHand
from workflows.model import Actor, Behalf, Office
from workflows.substitutes import KINDS, can_stand_in, is_superior, kind_of

ROLES = (
    "village_cadre",
    "resident_team",
    "township_officer",
    "township_leader",
    "county_lead",
    "sector_dept",
    "helper",
)
SEPARATE = ("verify", "township_audit", "county_approve")
ACTS = (
    "nominate", "sign_authorization", "verify", "record_comparison", "record_review", "post_notice", "close_publicity",
    "township_audit", "county_approve", "return_case", "refuse", "appeal", "uphold_appeal", "object", "recuse",
    "uphold_objection", "announce", "assign_helper", "record_plan", "record_visit",
)  # fmt: skip
RELATIVE = 4  # a member of the household


def one(number: int, area: str = XIUSHAN) -> Actor:
    """Somebody with every office."""
    return actor_in(ROLES, area, person="head" if number == RELATIVE else f"p{number}")


def standing_in(substitute: Actor, absent: Actor, roles: tuple[str, ...] = ROLES, area: str = XIUSHAN) -> Actor:
    """Somebody who holds the offices of an absent person and none of his own."""
    behalf = Behalf(absent.id, absent.name, absent.person)
    held = (office(role, area) for role in roles)
    offices = tuple(Office(o.role, o.area, behalf=behalf) for o in held)
    return Actor(substitute.id, substitute.name, substitute.person, offices)


def parts(w: Walker) -> dict[str, dict[str, set[str]]]:
    """For each case, the persons and the separated gates in which they had a part, as the entries say."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for number, chain in w.chains.items():
        for body in map(json.loads, chain):
            hands = [body["actor"]["person"], *([body["behalf"]["person"]] if body["behalf"] else [])]
            step = w.rules.machine_of(w.dossier.by_number(number) or w.case).step_of(body["action"])
            if step and step.required and step.gate in SEPARATE:
                for person in hands:
                    found[number][person].add(step.gate)
    return found


MOVES = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from([None, 0, 1, 2, 3, 4, 5]), st.sampled_from((*ACTS, *["next"] * 3))),
    min_size=20, max_size=60,
)  # fmt: skip


@given(area=st.sampled_from([XIUSHAN, FENGDU, HAINAN]), moves=MOVES)
def test_nobody_gets_a_second_gate_by_substitution(area: str, moves: list[tuple[int, int | None, str]]) -> None:
    w = Walker(subject(area, people=frozenset({"head"})))
    w.clue("include", one(5, area))
    for who, absent, act in moves:
        attempt(w, who, absent, act, area)
        for people in parts(w).values():
            assert all(len(gates) <= 1 for gates in people.values())
            assert not people["head"]
    w.check()


def attempt(w: Walker, who: int, absent: int | None, act: str, area: str) -> None:
    """Let somebody try, for himself or for somebody else; what is recorded names both."""
    person = one(who, area)
    actor = person if absent in (None, who) else standing_in(person, one(absent or 0, area), area=area)
    step = w.rules.machine_of(w.case).step_at(w.state)
    name = step.action if act == "next" and step else act
    try:
        w.act(name, actor, **more(w, name, area))
    except (Refused, AssertionError):
        return
    behalf = w.last["behalf"]
    assert (behalf["person"] if behalf else None) == (None if actor is person else one(absent or 0, area).person)


def more(w: Walker, act: str, area: str) -> dict[str, Any]:
    if act == "close_publicity":
        w.wait(days=6)
    return {"helper": helper_value(one(3, area))} if act == "assign_helper" else {}


# --- one by one ---
A, B, C = (one(number) for number in range(3))


def at(state: str) -> Walker:
    return walker().clue().walk(state)


def test_the_own_office_is_used_where_it_would_do() -> None:
    w = walker().clue()
    both = Actor(B.id, B.name, B.person, (*standing_in(B, A).offices, office("village_cadre")))
    w.act("nominate", both)
    assert w.last["behalf"] is None


def test_both_are_hands_at_the_gate() -> None:
    w = at("verifying")
    w.act("verify", standing_in(B, A))
    assert w.last["behalf"] == {"id": A.id, "name": A.name, "person": A.person}
    assert {A.person, B.person} <= set(w.case.fields["_hands"]["verify"])
    with pytest.raises(AlreadySigned):
        w.act("verify", A)
    with pytest.raises(AlreadySigned):
        w.act("verify", B)
    w.act("verify", C)
    w.walk("township_audit")
    for hand in (A, B, standing_in(C, A), standing_in(C, B), standing_in(one(3), A), standing_in(A, one(3))):
        with pytest.raises(SameHand):
            w.act("township_audit", hand)
    w.act("township_audit", one(3))


def test_neither_may_belong_to_the_household_or_have_stepped_aside() -> None:
    w = at("verifying")
    relative = one(RELATIVE)
    for pair in (standing_in(relative, A), standing_in(A, relative)):
        with pytest.raises(OwnHousehold):
            w.act("verify", pair)
    w.act("recuse", A)
    for pair in (standing_in(A, B), standing_in(B, A)):
        with pytest.raises(RecusedPerson):
            w.act("verify", pair)


def test_a_helper_s_substitute_helps_and_then_steps_aside() -> None:
    w = walker().include()
    helper = one(3)
    w.act("assign_helper", helper=helper_value(helper))
    w.act("record_plan", standing_in(B, helper, ("helper",)))
    w.clue("eliminate", C).walk("township_audit")
    for hand in (B, helper, standing_in(C, B), standing_in(B, C)):
        with pytest.raises(HelperStepsAside):
            w.act("township_audit", hand)


def test_an_appeal_goes_to_neither_of_those_who_refused() -> None:
    w = at("township_audit")
    w.act("refuse", standing_in(B, A))
    w.act("tell_refusal", C)
    w.act("appeal", C)
    for hand in (A, B, standing_in(C, A)):
        with pytest.raises(SameHand):
            w.act("uphold_appeal", hand)


# --- who may stand in for whom ---
def test_a_substitute_holds_an_own_office_of_the_level_and_county() -> None:
    leader = office("township_leader")
    assert can_stand_in([office("township_officer")], leader)
    assert not can_stand_in([office("village_cadre")], leader)
    assert not can_stand_in([office("county_lead")], leader)
    assert not can_stand_in([office("township_officer", FENGDU)], leader)
    assert not can_stand_in(standing_in(B, A, ("township_officer",)).offices, leader)
    assert not can_stand_in([office("helper")], office("county_lead"))
    assert can_stand_in([office("helper")], office("helper"))
    assert kind_of("auditor") == kind_of("admin") == ()
    assert len({role for kind in KINDS for role in kind}) == sum(map(len, KINDS))


def test_whoever_leads_the_area_may_say_so_in_his_own_office() -> None:
    leader = actor_in(["township_leader"], person="leader")
    assert is_superior(leader, office("village_cadre"))
    assert not is_superior(leader, office("village_cadre", FENGDU))
    assert not is_superior(leader, office("township_officer"))
    assert not is_superior(standing_in(B, A, ("township_leader",)), office("village_cadre"))
