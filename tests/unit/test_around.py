"""Around the gates: returns, refusal and appeal, objection, fast track, withdrawal, merge, corrections."""

from datetime import timedelta

import pytest

from tests.factories import FENGDU, actor_in, included, walker
from workflows.clock import parse_utc
from workflows.decide import allowed_actions
from workflows.errors import (
    AlreadyOpen,
    AlreadySigned,
    BadValue,
    OwnHousehold,
    Refused,
    ReturnFirst,
    SameHand,
    TooEarly,
    TooLate,
    VoteMismatch,
    WrongOffice,
    WrongState,
)


class TestReturn:
    def test_goes_to_the_chosen_gate_and_the_whole_clock_goes_on(self) -> None:
        w = walker().clue().walk("county_review")
        whole = w.case.clocks["id_total"]
        w.act("return_case", "county_lead", target="reviewing")
        assert w.state == "reviewing"
        assert w.last["changes"]["reason"]["after"].keys() == {"sha256"}
        assert w.case.clocks["id_total"] == whole
        w.walk()
        assert w.status == "active"

    def test_a_second_notice_stands_as_long_as_the_first(self) -> None:
        w = walker().clue().walk("township_audit")
        w.act("return_case", "township_officer", target="reviewing")
        w.walk("publicizing")
        assert w.case.clocks["publicity_min"].generation == 2
        with pytest.raises(TooEarly):
            w.act("close_publicity")

    @pytest.mark.parametrize("target", ["", "county_review", "registering", "nowhere", "comparing"])
    def test_only_to_an_earlier_gate(self, target: str) -> None:
        w = walker().clue().walk("township_audit")
        with pytest.raises(BadValue):
            w.act("return_case", "township_officer", target=target)

    def test_never_elsewhere_than_asked_although_only_one_place_is_open(self) -> None:
        w = walker().clue().walk("verifying")
        with pytest.raises(BadValue) as refusal:
            w.act("return_case", target="county_review")
        assert refusal.value.params == {"field": "target", "value": "county_review"}
        w.act("return_case", target="clue_open")
        assert w.state == "clue_open"

    def test_who_returned_at_a_gate_has_signed_it(self) -> None:
        both = actor_in(["township_officer", "county_lead"], person="p9")
        w = walker().clue().walk("township_audit")
        w.act("return_case", both, target="reviewing")
        w.walk("county_review")
        with pytest.raises(SameHand):
            w.act("county_approve", both)

    def test_a_comparison_beside_the_notice_is_done_again_when_its_own_gate_is(self) -> None:
        w = walker(FENGDU).clue().walk("township_audit")
        w.act("return_case", "township_officer", target="verifying")
        w.step("verify")
        w.act("record_review")
        w.act("post_notice")
        assert "compare" in w.case.clocks
        w.after("publicity_min")
        with pytest.raises(Refused) as refusal:
            w.act("close_publicity")
        assert refusal.value.code == "step_open"

    def test_a_comparison_stands_when_only_the_review_is_done_again(self) -> None:
        w = walker(FENGDU).clue().walk("township_audit")
        w.act("return_case", "township_officer", target="reviewing")
        w.act("record_review")
        w.act("post_notice")
        assert "compare" not in w.case.clocks


class TestComparisonBeside:
    def test_its_clock_runs_while_its_neighbour_waits(self) -> None:
        w = walker(FENGDU).clue().walk("posting")
        assert "compare" not in w.case.clocks
        w.act("post_notice")
        assert "compare" in w.case.clocks
        w.act("object")
        w.act("record_comparison")
        assert "compare" not in w.case.clocks

    def test_is_not_asked_again_after_an_objection_was_upheld(self) -> None:
        w = walker(FENGDU).clue().walk("posting")
        w.act("post_notice")
        w.act("record_comparison")
        w.act("object")
        w.act("uphold_objection")
        w.act("record_review")
        w.act("post_notice")
        assert "compare" not in w.case.clocks
        w.after("publicity_min").act("close_publicity")
        assert w.state == "township_audit"


class TestRefusalAndAppeal:
    def test_the_applicant_is_told_and_may_appeal(self) -> None:
        w = walker().clue().walk("township_audit")
        w.act("refuse", "township_officer")
        assert w.state == "refused"
        assert "refusal_notice" in w.case.clocks
        w.act("tell_refusal")
        assert (w.state, w.case.closed, w.status) == ("closed_ineligible", True, "none")
        assert w.case.clocks.keys() == {"appeal_window"}
        w.act("appeal")
        assert (w.state, w.case.closed, w.status) == ("appealing", False, "candidate")

    def test_the_appeal_is_decided_by_a_fresh_hand(self) -> None:
        w = walker().clue().walk("township_audit")
        w.act("refuse", "township_officer")
        w.act("tell_refusal")
        w.act("appeal")
        with pytest.raises(SameHand):
            w.act("uphold_appeal", "township_officer")
        w.act("uphold_appeal", "township_leader")
        assert w.state == "verifying"
        assert w.case.clocks["id_total"].generation == 2
        with pytest.raises(SameHand) as refusal:
            w.act("verify", "village_cadre")
        assert refusal.value.params == {"gate": "verify"}
        for role in ("village_cadre", "resident_team"):
            w.act("verify", w.actor(role, person=f"other {role}"))
        w.walk()
        assert w.status == "active"

    def test_who_refused_at_a_clerical_step_does_not_decide_the_appeal(self) -> None:
        both = actor_in(["county_lead", "township_officer"], person="p9")
        w = walker().clue().walk("comparing")
        w.act("refuse", both)
        w.act("tell_refusal")
        w.act("appeal")
        with pytest.raises(SameHand) as refusal:
            w.act("dismiss_appeal", both)
        assert refusal.value.params == {"gate": "verify"}

    def test_dismissed_it_is_final(self) -> None:
        w = walker().clue().walk("reviewing")
        w.act("refuse")
        w.act("tell_refusal")
        w.act("appeal")
        w.act("dismiss_appeal")
        assert (w.state, w.case.closed, w.status) == ("closed_final", True, "none")
        with pytest.raises(WrongState):
            w.act("appeal")

    def test_too_late(self) -> None:
        w = walker().clue().walk("reviewing")
        w.act("refuse")
        w.act("tell_refusal")
        w.after("appeal_window")
        with pytest.raises(TooLate) as refusal:
            w.act("appeal")
        assert refusal.value.params["timer"] == "appeal_window"
        w.clock("appeal_window")
        assert w.case.clocks == {}
        with pytest.raises(TooLate):
            w.act("appeal")

    def test_in_time_in_the_last_second(self) -> None:
        w = walker().clue().walk("reviewing")
        w.act("refuse")
        w.act("tell_refusal")
        w.after("appeal_window", seconds=-1).act("appeal")
        assert w.state == "appealing"

    @pytest.mark.parametrize("purpose", ["include", "eliminate"])
    def test_no_second_open_case_by_an_appeal(self, purpose: str) -> None:
        w = included().assist() if purpose == "eliminate" else walker()
        w.clue(purpose).walk("reviewing")
        first = w.case
        w.act("refuse")
        w.act("tell_refusal")
        w.clue(purpose)
        with pytest.raises(AlreadyOpen):
            w.act("appeal", case=w.dossier.by_number(first.number))


class TestObjection:
    def test_dismissed_the_notice_goes_on(self) -> None:
        w = walker().clue().walk("publicizing")
        period = w.case.clocks["publicity_min"]
        w.act("object", "grid_member")
        assert w.state == "objection_hold"
        assert "objection_check" in w.case.clocks
        w.act("dismiss_objection")
        assert w.state == "publicizing"
        assert w.case.clocks["publicity_min"] == period
        with pytest.raises(TooEarly) as refusal:
            w.act("close_publicity")
        assert refusal.value.params == {"timer": "publicity_min", "until": period.due}

    def test_upheld_the_village_meets_anew(self) -> None:
        w = walker().clue().walk("publicizing")
        w.act("object", "grid_member")
        w.act("uphold_objection")
        assert w.state == "reviewing"
        assert "publicity_min" not in w.case.clocks
        ended = {e["kind"]: e["how"] for e in w.last["deadlines"]["ended"]}
        assert ended == {"objection_check": "met", "publicity_min": "cancelled"}

    def test_the_notice_is_not_closed_while_it_is_checked(self) -> None:
        w = walker().clue().walk("publicizing")
        w.act("object")
        w.wait(days=10)
        with pytest.raises(WrongState):
            w.act("close_publicity")

    def test_the_notice_ends_not_a_second_early(self) -> None:
        w = walker().clue().walk("publicizing")
        w.after("publicity_min", seconds=-1)
        with pytest.raises(TooEarly):
            w.act("close_publicity")
        w.after("publicity_min").act("close_publicity")
        assert w.last["deadlines"]["ended"][0]["how"] == "met"


class TestFastTrack:
    def test_helps_first_and_asks_for_the_procedure_after(self) -> None:
        w = walker().clue()
        w.act("fast_track")
        assert w.state == "clue_open"
        assert w.case.fields["emergency_assisted"] is True
        due = parse_utc(w.case.clocks["complete_procedure"].due)
        assert timedelta(days=30) < due - w.now <= timedelta(days=31)
        assert w.latest("assist").state == "assigning"
        w.assist().walk()
        assert "complete_procedure" not in w.case.clocks
        assert (w.status, w.latest("assist").state) == ("active", "assisting")

    def test_once(self) -> None:
        w = walker().clue()
        w.act("fast_track")
        with pytest.raises(AlreadySigned):
            w.act("fast_track", "county_lead")

    def test_ends_with_a_refusal(self) -> None:
        w = walker().clue()
        w.act("fast_track")
        w.walk("reviewing")
        w.act("refuse")
        w.act("tell_refusal")
        assert w.latest("assist").state == "ended"

    def test_is_open_again_after_an_upheld_appeal(self) -> None:
        w = walker().clue()
        w.act("fast_track")
        w.walk("reviewing")
        w.act("refuse")
        w.act("tell_refusal")
        w.act("appeal")
        w.act("uphold_appeal", "township_leader")
        assert "complete_procedure" not in w.case.clocks
        w.act("fast_track", "county_lead")
        assert w.case.clocks["complete_procedure"].generation == 2
        assert w.latest("assist").state == "assigning"

    def test_is_late_when_the_procedure_is(self) -> None:
        w = walker().clue()
        w.act("fast_track")
        w.after("complete_procedure").clock("complete_procedure")
        assert w.case.fields["lapsed"]["kind"] == "complete_procedure"
        assert w.outcomes[-1].messages[0].key == "overdue"

    def test_not_for_the_own_household(self) -> None:
        w = walker().clue()
        with pytest.raises(OwnHousehold):
            w.act("fast_track", w.actor("township_leader", person="head"))


class TestLeaving:
    @pytest.mark.parametrize("state", ["clue_open", "publicizing", "county_review"])
    def test_withdrawn_at_the_household_s_wish(self, state: str) -> None:
        w = walker().clue().walk(state)
        w.act("withdraw")
        assert (w.state, w.status, dict(w.case.clocks)) == ("withdrawn", "none", {})
        w.clue()
        assert w.case.number.endswith("-C2")

    def test_merged_as_a_duplicate(self) -> None:
        w = walker().clue()
        w.act("merge_duplicate")
        assert w.state == "merged"
        assert w.case.fields["merged_into"] == "500241H0000009-C1"

    def test_not_withdrawn_after_the_decision(self) -> None:
        w = walker().clue().walk("announcing")
        with pytest.raises(WrongState):
            w.act("withdraw")

    def test_one_open_case(self) -> None:
        w = walker().clue()
        with pytest.raises(AlreadyOpen):
            w.clue()
        with pytest.raises(AlreadyOpen):
            w.clue("eliminate")


class TestCorrection:
    def test_is_a_correcting_entry(self) -> None:
        w = walker().clue().walk("comparing")
        before = list(w.chains[w.case.number])
        w.act("correct", "village_cadre", corrected_field="income_wage", corrected_value=1_350_000)
        assert w.chains[w.case.number][:-1] == before
        assert w.last["changes"]["income_wage"] == {"before": 2_100_000, "after": 1_350_000}
        assert w.last["changes"]["income_per_head"] == {"before": 900_000, "after": 650_000}
        wrong = next(n for n, t in enumerate(before, 1) if '"action":"verify"' in t)
        assert w.case.fields["corrected_entry"] == wrong
        w.act("correct", "village_cadre", corrected_field="income_wage", corrected_value=1_320_000)
        assert w.case.fields["corrected_entry"] == w.case.seq - 1
        w.check()

    @pytest.mark.parametrize(
        ("name", "value"),
        [("income_per_head", 1), ("income_wage", "viel"), ("income_wage", True), ("income_members", 0),
         ("category", "rich"), ("education_safe", "yes"), ("opinion", "x"), ("no_such", 1), ("head_name", "王五")],
    )  # fmt: skip
    def test_only_what_may_be_corrected_by_values_that_fit(self, name: str, value: object) -> None:
        w = walker().clue().walk("comparing")
        with pytest.raises(BadValue):
            w.act("correct", corrected_field=name, corrected_value=value)

    def test_is_weighed_like_the_gate_that_recorded_it(self) -> None:
        """Otherwise one person corrects away what bars a decision and then decides."""
        w = walker().clue().walk("township_audit")
        with pytest.raises(WrongOffice):
            w.act("correct", "township_officer", corrected_field="housing_safe", corrected_value=False)
        both = actor_in(["village_cadre", "township_officer"], person="p7")
        w.act("correct", both, corrected_field="housing_safe", corrected_value=False)
        with pytest.raises(SameHand):
            w.act("township_audit", both)
        w.act("township_audit")
        with pytest.raises(ReturnFirst) as refusal:
            w.act("correct", corrected_field="housing_safe", corrected_value=True)
        assert refusal.value.params == {"gate": "township_audit"}

    def test_not_for_the_own_household(self) -> None:
        w = walker().clue().walk("comparing")
        with pytest.raises(OwnHousehold):
            w.act("correct", w.actor("village_cadre", person="head"),
                  corrected_field="income_per_head", corrected_value=1)  # fmt: skip

    def test_also_of_a_closed_case(self) -> None:
        w = included()
        w.act("correct", corrected_field="labour_members", corrected_value=2)
        assert (w.state, w.case.closed) == ("concluded", True)


class TestRecusal:
    def test_is_recorded_and_bars(self) -> None:
        w = walker().clue().walk("township_audit")
        other = w.actor("township_officer", person="other")
        value = {"id": other.id, "name": other.name, "person": other.person}
        outcome = w.act("recuse", "township_officer", substitute=value)
        assert w.case.fields["_recused"][0]["person"] == "township_officer@500241001201"
        assert ("substitute", other.id) in [(m.key, m.person) for m in outcome.messages]
        offered = allowed_actions(w.rules, w.dossier, w.case, w.actor("township_officer"), w.now)
        codes = {item.action: item.refusal.code for item in offered if item.refusal}
        assert codes["township_audit"] == codes["return_case"] == codes["withdraw"] == "recused"
        w.act("township_audit", other)
        assert w.state == "county_review"


def test_a_failed_review_is_on_record_with_its_votes() -> None:
    """The votes decide which of the two results may be recorded; a failed review leads to a refusal that is told."""
    w = walker().clue().walk("reviewing")
    with pytest.raises(VoteMismatch):
        w.act("fail_review")
    w.act("fail_review", votes_for=5, votes_against=5)
    assert w.state == "refused"
    assert w.case.fields["votes_against"] == 5
    assert "refusal_notice" in w.case.clocks
    w.act("tell_refusal")
    assert (w.state, w.status) == ("closed_ineligible", "none")
    w.check()
