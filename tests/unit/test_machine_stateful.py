"""Random people do random things to one household; the oracle, written from the policy alone, must agree each time."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.factories import CUT, FENGDU, HAINAN, QINGYANG, SUINING, XIUSHAN, Walker, helper_value, office, subject
from tests.unit.oracle import BESIDE, CASE_ACTS, HELPER_ACTS, STATUS_ACTS, STEPS, Oracle, Who
from workflows.clock import utc_text
from workflows.errors import BadValue, NoQuorum, Refused, VoteMismatch
from workflows.model import ROLE_LEVELS, Actor, Office

ROLES = tuple(role for role in ROLE_LEVELS if role != "system")
VILLAGE_ROLES = ("village_cadre", "resident_team", "township_officer", "township_leader", "county_lead", "sector_dept")
STATUS_LIKE = (*STATUS_ACTS, *HELPER_ACTS)
PLACES = ("here", "next village", "next county")
HEAD = "head"  # a member of the household
# What is other than in Xiushan: S2 (Fengdu; our default), W2 and W3 (Hainan). S3 and S1 name no steps of their own.
RULES_OF: dict[str, dict[str, Any]] = {
    FENGDU: {"compares": "beside"},
    HAINAN: {"compares": "first", "bars": True, "announces_out": frozenset({"county_lead"})},
}


def area_of(role: str, home: str, place: str) -> str:
    """An area code for an office: the household's, or one beside it."""
    digits = CUT[ROLE_LEVELS[role]]
    code = {"here": home, "next village": home[:9] + "999", "next county": home[:4] + "99" + home[6:]}[place]
    return code[:digits].ljust(12, "0")


def who(actor: Actor) -> Who:
    """A person in the words of the oracle."""
    return Who(actor.id, actor.person, tuple((o.role, o.area) for o in actor.offices))


class Household(RuleBasedStateMachine):
    """One household, a cast of people who change offices, and a clock that only goes on."""

    @initialize(area=st.sampled_from([XIUSHAN, FENGDU, SUINING, QINGYANG, HAINAN]))
    def begin(self, area: str) -> None:
        self.w = Walker(subject(area, people=frozenset({HEAD})))
        self.oracle = Oracle(area, frozenset({HEAD}), **RULES_OF.get(area, {}))
        self.area = area
        self.cast = [
            self.person(i, [role]) for i, role in enumerate([*VILLAGE_ROLES, "helper", "grid_member", "auditor"])
        ]
        self.cast += [self.person(10 + i, [role]) for i, role in enumerate(VILLAGE_ROLES)]
        self.cast.append(self.person(20, ["village_cadre", "township_officer", "county_lead"]))
        self.cast.append(self.person(20, ["helper", "township_leader"], account="u20b"))  # the same human being
        self.cast.append(Actor("u-head", "张三", HEAD, tuple(office(role, area) for role in VILLAGE_ROLES)))
        self.act("report_clue", self.cast[0], purpose="include")

    def person(self, number: int, roles: list[str], account: str = "") -> Actor:
        """Somebody with offices over the household."""
        offices = tuple(office(role, self.area) for role in roles)
        return Actor(account or f"u{number}", f"人{number}", f"p{number}", offices)

    # --- what may happen ------------------------------------------------------------
    @rule(index=st.integers(0, 17), act=st.sampled_from(CASE_ACTS), pick=st.integers(0, 3))
    def somebody_tries_anything(self, index: int, act: str, pick: int) -> None:
        self.act(act, self.cast[index], pick=pick)

    @rule(index=st.integers(0, 17), turn=st.integers(0, 11), pick=st.integers(0, 3), sound=st.booleans())
    def somebody_tries_what_may_be_done_here(self, index: int, turn: int, pick: int, *, sound: bool) -> None:
        place = self.oracle.place
        here = [act for act, (places, _, _) in BESIDE.items() if place in places]
        here += [STEPS[place][0], "record_comparison"] if place in STEPS else []
        if here:
            self.act(here[turn % len(here)], self.cast[index], pick=pick, sound=sound)

    @rule(turn=st.integers(0, 11), pick=st.integers(0, 3))
    def somebody_able_does_what_may_be_done_here(self, turn: int, pick: int) -> None:
        """Returns, refusals, appeals and objections happen often enough only when those who may do them try."""
        here = [act for act, (places, _, _) in BESIDE.items() if self.oracle.place in places]
        pairs = [(act, p) for act in here for p in self.cast if not self.oracle.reasons(who(p), act, self.w.now)]
        if pairs:
            act, actor = pairs[turn * 7 % len(pairs)]
            self.act(act, actor, pick=pick)

    @precondition(lambda self: not self.oracle.is_open)
    @rule(index=st.integers(0, 5))
    def another_case_opens(self, index: int) -> None:
        purpose = "eliminate" if self.oracle.status == "active" else "include"
        able = [p for p in self.cast if not self.oracle.open_reasons(who(p), purpose)]
        if able:
            self.act("report_clue", able[index % len(able)], purpose=purpose)

    @rule(index=st.integers(0, 17), act=st.sampled_from(STATUS_LIKE), helper=st.integers(0, 17))
    def somebody_sees_to_the_status(self, index: int, act: str, helper: int) -> None:
        self.act(act, self.cast[index], helper=self.cast[helper])

    @rule(index=st.integers(0, 17), purpose=st.sampled_from(["include", "eliminate"]))
    def somebody_reports(self, index: int, purpose: str) -> None:
        self.act("report_clue", self.cast[index], purpose=purpose)

    @precondition(lambda self: self.oracle.place in STEPS)
    @rule(rounds=st.integers(1, 12), turn=st.integers(0, 17))
    def the_case_goes_on(self, rounds: int, turn: int) -> None:
        """As far as anybody may take it in so many acts; the notice is waited for."""
        for _ in range(rounds):
            if self.oracle.place not in STEPS:
                return
            acts = [STEPS[self.oracle.place][0]]
            if self.oracle.place == "publicizing":
                self.w.wait(days=6)
                acts.insert(0, "record_comparison")
            for act in acts:
                people = [*self.cast[turn:], *self.cast[:turn]]
                able = [p for p in people if not self.oracle.reasons(who(p), act, self.w.now)]
                if able:
                    self.act(act, able[0])

    @precondition(lambda self: self.oracle.place in STEPS)
    @rule(index=st.integers(0, 17), account=st.sampled_from(["", "second"]))
    def a_hand_of_this_case_tries_again(self, index: int, account: str) -> None:
        """Reassigned to where the case is now, or with a second account, whoever signed before tries to sign here."""
        act, roles = STEPS[self.oracle.place]
        signed = sorted(set().union(*self.oracle.hands.values()) | self.oracle.recused | self.oracle.helpers)
        if signed:
            person = signed[index % len(signed)]
            role = sorted(roles)[index % len(roles)]
            self.act(act, Actor(account or f"u-{person}", person, person, (office(role, self.area),)))

    @rule(days=st.sampled_from([0, 1, 4, 5, 6, 31, 200]), seconds=st.sampled_from([0, 1, 57_600]))
    def time_passes(self, days: int, seconds: int) -> None:
        self.w.wait(days=days, seconds=seconds)

    @rule(index=st.integers(0, 16), roles=st.lists(st.sampled_from(ROLES), max_size=3), place=st.sampled_from(PLACES))
    def somebody_changes_office(self, index: int, roles: list[str], place: str) -> None:
        """Reassigned, promoted, moved away or left without office; the person and the signatures stay."""
        offices = tuple(Office(role, area_of(role, self.area, place)) for role in roles)
        old = self.cast[index]
        self.cast[index] = Actor(old.id, old.name, old.person, offices)

    @rule(index=st.integers(0, 5), other=st.integers(0, 5))
    def somebody_takes_over(self, index: int, other: int) -> None:
        """The first people of the cast get back an office that moves cases on."""
        old = self.cast[index]
        self.cast[index] = Actor(old.id, old.name, old.person, (office(VILLAGE_ROLES[other], self.area),))

    @precondition(lambda self: self.oracle.watch_ends() is not None)
    @rule()
    def the_watch_ends(self) -> None:
        end = self.oracle.watch_ends()
        assert end is not None
        if self.w.now < end:
            self.refused(lambda: self.w.clock("observe", "monitor_status", "stabilise"), {"wrong_state"})
            self.w.now = end
        self.w.clock("observe", "monitor_status", "stabilise")
        self.oracle.stable()

    @rule()
    def the_clock_notices_what_is_late(self) -> None:
        """A lapse is noted, and moves no case."""
        for case in self.w.dossier.cases:
            for kind in case.clocks:
                fires = kind == "observe"
                lapsed = case.fields.get("_lapsed", {}).get(kind) == case.clocks[kind].generation
                due = case.clocks[kind].due <= utc_text(self.w.now)
                if due and case == self.w.latest(case.definition) and not fires and not lapsed:
                    self.w.clock(kind, case.definition)

    @precondition(lambda self: self.oracle.place == "reviewing")
    @rule(votes=st.tuples(*[st.integers(0, 13)] * 5), index=st.integers(0, 5))
    def a_meeting_with_odd_figures(self, votes: tuple[int, ...], index: int) -> None:
        """At least two thirds of those entitled, more than half of those present in favour, each vote counted once."""
        due, present, favour, against, abstain = votes
        if self.oracle.reasons(who(self.cast[index]), "record_review", self.w.now):
            return
        names = ("votes_due", "votes_present", "votes_for", "votes_against", "votes_abstain")
        held = present <= due and favour + against + abstain == present and 3 * present >= 2 * due and present > 0
        given: dict[str, Any] = dict(zip(names, votes, strict=True))
        if held and 2 * favour > present:
            self.w.act("record_review", self.cast[index], **given)
            self.oracle.done(who(self.cast[index]), "record_review", self.w.now)
            return
        refusal = self.refused(lambda: self.w.act("record_review", self.cast[index], **given), set())
        assert isinstance(refusal, VoteMismatch if held else NoQuorum)

    @precondition(lambda self: self.oracle.place in BESIDE["return_case"][0])
    @rule(index=st.integers(0, 17), wanted=st.sampled_from([*STEPS, "refused", "concluded", ""]))
    def somebody_returns_to_anywhere(self, index: int, wanted: str) -> None:
        actor = self.cast[index]
        if wanted in self.oracle.earlier() or self.oracle.reasons(who(actor), "return_case", self.w.now):
            return
        if not wanted and len(self.oracle.earlier()) == 1:
            return
        refusal = self.refused(lambda: self.w.act("return_case", actor, target=wanted), set())
        assert isinstance(refusal, BadValue)

    # --- comparing ------------------------------------------------------------
    def act(
        self,
        act: str,
        actor: Actor,
        *,
        purpose: str = "",
        pick: int = 0,
        sound: bool = True,
        helper: Actor | None = None,
    ) -> None:
        """Try an act with good input: the oracle, ``allowed_actions`` and ``apply`` must agree."""
        person = who(actor)
        opening = act == "report_clue"
        if not opening and self.lacks_case(act):
            return
        reasons = self.oracle.open_reasons(person, purpose) if opening else self.oracle.reasons(person, act, self.w.now)
        data, target = self.input(act, pick, sound=sound, helper=helper or actor)
        offered = None if opening else self.offered(act, actor)
        if reasons:
            refusal = self.refused(lambda: self.w.act(act, actor, purpose=purpose, **data), reasons)
            if offered is not None:
                assert offered == refusal.code
            return
        if act in HELPER_ACTS and (helper or actor).person in self.oracle.people:
            # Nobody is named as the helper of the own household.
            self.refused(lambda: self.w.act(act, actor, **data), {"own_household"})
            return
        before = self.oracle.place
        self.w.act(act, actor, purpose=purpose, **data)
        assert offered in (None, "allowed"), (act, before, offered)
        self.note(act, actor, purpose=purpose, target=target, sound=sound, helper=helper or actor)

    def lacks_case(self, act: str) -> bool:
        definition = "assist" if act in HELPER_ACTS else "monitor_status" if act in STATUS_ACTS else "household_case"
        return self.w.dossier.latest(definition) is None

    def input(self, act: str, pick: int, *, sound: bool, helper: Actor) -> tuple[dict[str, Any], str]:
        """Good input for an act."""
        earlier = self.oracle.earlier()
        if act == "return_case" and earlier:
            return {"target": earlier[pick % len(earlier)]}, earlier[pick % len(earlier)]
        if act == "verify":
            return {"risk_gone": sound, "housing_safe": sound}, ""
        if act == "fail_review":
            return {"votes_for": 3, "votes_against": 7}, ""
        return ({"helper": helper_value(helper)}, "") if act in HELPER_ACTS else ({}, "")

    def offered(self, act: str, actor: Actor) -> str | None:
        """What ``allowed_actions`` says: "allowed", a code, or None when it does not list the act."""
        case = self.w._case_for(act)
        item = self.w.allowed(actor, case).get(act)
        if item is None:
            return None
        return item.refusal.code if item.refusal else "allowed"

    def refused(self, attempt: Callable[[], object], reasons: set[str]) -> Refused:
        """The act is refused for one of the reasons, and nothing at all has changed."""
        before = (self.w.dossier, {n: len(c) for n, c in self.w.chains.items()}, len(self.w.disclosures))
        with pytest.raises(Refused) as refusal:
            attempt()
        assert (self.w.dossier, {n: len(c) for n, c in self.w.chains.items()}, len(self.w.disclosures)) == before
        assert not reasons or refusal.value.code in reasons
        return refusal.value

    def note(self, act: str, actor: Actor, *, purpose: str, target: str, sound: bool, helper: Actor) -> None:
        """Tell the oracle what succeeded."""
        person = who(actor)
        if act == "report_clue":
            self.oracle.open(purpose)
        elif act in HELPER_ACTS:
            self.oracle.assigned(who(helper))
        elif act == "close_natural":
            self.oracle.gone()
        elif act in STATUS_ACTS:
            self.oracle.flagged(person, act, self.w.last["actor"]["role"])
        else:
            self.oracle.done(person, act, self.w.now, target=target, sound=sound)

    # --- always ------------------------------------------------------------
    @invariant()
    def the_case_stands_where_the_policy_says(self) -> None:
        assert self.w.state == self.oracle.place
        assert self.w.case.closed == (not self.oracle.is_open)
        status = self.w.dossier.latest("monitor_status")
        assert (status.state if status else "none") == self.oracle.status
        assist = self.w.dossier.latest("assist")
        assert (assist.state if assist else "none") == self.oracle.assist

    @invariant()
    def at_most_one_case_of_a_kind_is_open(self) -> None:
        opened = [case.definition for case in self.w.dossier.cases if not case.closed]
        assert len(opened) == len(set(opened))

    @invariant()
    def a_decision_stands_on_every_gate_and_three_pairs_of_hands(self) -> None:
        if self.oracle.place in ("announcing", "registering", "concluded"):
            hands = [self.oracle.hands[gate] for gate in ("verify", "township", "county")]
            assert all(hands)
            assert self.oracle.hands.keys() >= {"nominate", "review"}
            assert sum(map(len, hands)) == len(hands[0] | hands[1] | hands[2])

    def teardown(self) -> None:
        if hasattr(self, "w"):
            self.w.check()


TestHousehold = Household.TestCase
TestHousehold.settings = settings(max_examples=settings().max_examples, stateful_step_count=40)
