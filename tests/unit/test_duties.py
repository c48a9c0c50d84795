"""What hangs on the status: watching, visits, helper, plan, measures, the safety net; lapses and escalation."""

import pytest

from tests.factories import FENGDU, HAINAN, Walker, actor_in, included
from workflows.clock import parse_utc, utc_text
from workflows.errors import AlreadyOpen, AlreadySigned, ConditionBars, MissingField, ReturnFirst, WrongState


def eliminated() -> Walker:
    return included().assist().wait(days=200).eliminate()


def visits(w: Walker) -> str:
    return w.latest("assist").clocks["visit_open"].due


class TestWatching:
    def test_six_months_and_not_a_second_less(self) -> None:
        w = eliminated()
        clock = w.latest("monitor_status").clocks["observe"]
        assert (w.case.opened_at[:7], clock.due) == ("2026-09", "2027-03-30T16:00:00Z")
        w.after("observe", "monitor_status", seconds=-1)
        with pytest.raises(WrongState):
            w.clock("observe", "monitor_status", "stabilise")
        w.after("observe", "monitor_status").clock("observe", "monitor_status", "stabilise")
        assert w.status == "eliminated_stable"
        assert w.last["actor"]["id"] == "system"
        assert w.last["deadlines"]["ended"][0]["how"] == "fired"

    def test_nobody_fires_it_by_hand(self) -> None:
        w = eliminated().after("observe", "monitor_status")
        with pytest.raises(Exception, match="unknown_action"):
            w.act("stabilise", "county_lead")

    def test_a_new_risk_ends_it_without_a_met(self) -> None:
        w = eliminated().clue("include", clue_source="reentry")
        entry = w.outcomes[-1].moves[1].entry.body
        assert [(e["kind"], e["how"]) for e in entry["deadlines"]["ended"]] == [("observe", "cancelled")]

    def test_visits_go_on_while_watched_and_become_quarterly_after(self) -> None:
        w = eliminated()
        assert "visit_open" in w.latest("assist").clocks
        w.after("observe", "monitor_status").clock("observe", "monitor_status", "stabilise")
        assert w.latest("assist").clocks.keys() == {"visit_stable"}


class TestVisits:
    def test_begin_with_the_next_whole_month(self) -> None:
        w = included()
        assert visits(w) == "2026-04-30T16:00:00Z"
        w.assist().act("record_visit")
        assert visits(w) == "2026-04-30T16:00:00Z"  # still March

    def test_one_a_month_is_met(self) -> None:
        w = included().assist().wait(days=30)
        w.act("record_visit")
        assert [(e["kind"], e["how"]) for e in w.last["deadlines"]["ended"]] == [("visit_open", "met")]
        assert visits(w) == "2026-05-31T16:00:00Z"
        w.act("record_visit")
        assert visits(w) == "2026-05-31T16:00:00Z"  # a second one in April is none for May
        assert w.latest("assist").fields["visits_made"] == 2

    @pytest.mark.parametrize("mode", ["phone", "wechat"])
    def test_a_call_is_no_visit(self, mode: str) -> None:
        w = included().assist().wait(days=30)
        w.act("record_visit", visit_mode=mode)
        assert visits(w) == "2026-04-30T16:00:00Z"

    def test_the_team_s_visit_is_not_the_helper_s(self) -> None:
        w = included().assist().wait(days=30)
        w.act("record_visit", "resident_team")
        assert visits(w) == "2026-04-30T16:00:00Z"

    def test_a_missed_month_is_late_and_the_next_one_runs(self) -> None:
        w = included().assist()
        for due in ("2026-05-31T16:00:00Z", "2026-06-30T16:00:00Z"):
            w.after("visit_open", "assist").clock("visit_open", "assist")
            assert w.last["deadlines"]["ended"][0]["how"] == "late"
            assert visits(w) == due

    def test_after_downtime_each_month_is_noticed_with_its_own_due_date(self) -> None:
        w = included().assist().wait(days=120)
        noticed = []
        while parse_utc(visits(w)) <= w.now:
            w.clock("visit_open", "assist")
            noticed.append(w.latest("assist").fields["lapsed"]["due"])
        assert noticed == ["2026-04-30T16:00:00Z", "2026-05-31T16:00:00Z", "2026-06-30T16:00:00Z"]

    def test_a_month_that_ends_early_was_not_met(self) -> None:
        w = included().assist().wait(days=200)
        while parse_utc(visits(w)) <= w.now:
            w.clock("visit_open", "assist")
        w.act("close_natural")
        ended = {e.kind: e.how for e in w.outcomes[-1].ended}
        assert ended["visit_open"] == "cancelled"
        assert (w.status, w.latest("assist").state) == ("closed_natural", "ended")

    def test_becoming_stable_is_no_visit(self) -> None:
        w = eliminated()
        watch = parse_utc(w.latest("monitor_status").clocks["observe"].due)
        while parse_utc(visits(w)) <= watch:
            w.after("visit_open", "assist").clock("visit_open", "assist")
        w.after("observe", "monitor_status").clock("observe", "monitor_status", "stabilise")
        assert {e.kind: e.how for e in w.outcomes[-1].ended}["visit_open"] == "cancelled"


class TestAssist:
    def test_limits_begin_with_the_approval(self) -> None:
        w = included()
        dues = {kind: clock.due for kind, clock in w.latest("assist").clocks.items()}
        assert dues == {
            "assign_helper": "2026-03-20T16:00:00Z",
            "plan": "2026-03-20T16:00:00Z",
            "first_measure": "2026-04-07T16:00:00Z",
            "visit_open": "2026-04-30T16:00:00Z",
        }
        assert w.latest("assist").clocks["plan"].clause == "S4 17"

    def test_each_county_names_its_own_clause(self) -> None:
        assert included(FENGDU).latest("assist").clocks["assign_helper"].clause == "S0 一（一）"
        assert included(FENGDU).latest("assist").clocks["plan"].clause == ""

    def test_a_lapse_is_told_to_those_it_waits_for(self) -> None:
        """Their superiors hear of it by the ladder, as long as it stays undone."""
        w = included().after("assign_helper", "assist")
        outcome = w.clock("assign_helper", "assist")
        (message,) = outcome.messages
        assert message.key == "overdue"
        assert set(message.roles) == set(w.rules.machine_of(w.latest("assist")).waits_for("assigning"))
        assert message.params["due"] == utc_text(w.now)
        w.assist()
        ended = [e["how"] for o in w.outcomes for e in o.moves[0].entry.body["deadlines"]["ended"]
                 if e["kind"] == "assign_helper"]  # fmt: skip
        assert ended == ["late"]

    def test_the_helper_is_told(self) -> None:
        w = included().assist()
        told = [(m.key, m.person) for o in w.outcomes for m in o.messages if m.person]
        assert told == [("helper", w.actor("helper").id)]

    def test_a_plan_needs_measures(self) -> None:
        w = included()
        w.act("assign_helper", helper={"id": "u6", "name": "赵六", "person": "p6"})
        with pytest.raises(MissingField):
            w.act("record_plan", actor_in(["helper"], person="p6", account="u6"), measures_planned=[])

    def test_measures_count_and_developmental_ones_apart(self) -> None:
        w = included().assist()
        w.act("deliver_measure", measure_kind="health")
        fields = w.latest("assist").fields
        assert (fields["measures_delivered"], fields["developmental_measures"]) == (2, 1)


class TestElimination:
    def test_warnings_are_recorded_and_do_not_bar(self) -> None:
        w = included().clue("eliminate").walk("township_audit")
        w.act("township_audit")
        assert w.case.fields["warnings"] == ["min_age", "measure_delivered"]
        assert w.walk().status == "eliminated_observing"

    def test_fengdu_wants_a_developmental_measure_where_there_is_labour(self) -> None:
        w = included(FENGDU).clue("eliminate").walk("county_review")
        assert "developmental_measure" in w.allowed(w.actor("county_lead"))["county_approve"].warnings

    @pytest.mark.parametrize(("fact", "condition"), [("housing_safe", "safeguards_firm"), ("risk_gone", "risk_gone")])
    def test_what_no_source_calls_a_bar_warns_only(self, fact: str, condition: str) -> None:
        """No seed bars elimination (domain notes, section 0.5): the guide's conditions warn, and the entry says so."""
        w = included().assist().wait(days=200)
        w.extra[fact] = False
        w.clue("eliminate").walk("county_review")
        assert w.case.fields["warnings"] == [condition]
        assert w.walk().status == "eliminated_observing"

    @pytest.mark.parametrize(
        ("fact", "value", "condition", "clause"),
        [
            ("housing_safe", False, "safeguards_firm", "W3 不得标注"),
            ("income_stable", False, "income_stable", "W3 不得标注"),
            ("expense_controlled", False, "expense_controlled", "W3 不得标注"),
            ("labour_members", 0, "has_labour", "W3 继续跟踪"),
        ],
    )
    def test_hainan_bars_until_facts_are_corrected_with_evidence(
        self, fact: str, value: object, condition: str, clause: str
    ) -> None:
        w = included(HAINAN).assist().wait(days=200)
        w.extra[fact] = value
        w.clue("eliminate").walk("township_audit")
        with pytest.raises(ConditionBars) as refusal:
            w.act("township_audit")
        assert refusal.value.params == {"condition": condition, "clause": clause}
        w.act("correct", corrected_field=fact, corrected_value=2 if fact == "labour_members" else True)
        w.walk("county_review")
        with pytest.raises(ReturnFirst):
            w.act("correct", corrected_field=fact, corrected_value=value)

    @pytest.mark.parametrize(
        ("mode", "warnings"), [("natural", ["min_age"]), ("assisted", ["min_age", "measure_delivered"])]
    )
    def test_a_risk_that_ended_by_itself_asks_for_no_measure(self, mode: str, warnings: list[str]) -> None:
        w = included()
        w.extra["elimination_mode"] = mode
        w.clue("eliminate").walk("county_review")
        assert w.case.fields["warnings"] == warnings

    @pytest.mark.parametrize(("area", "warns"), [(FENGDU, False), (HAINAN, True)])
    def test_who_stands_at_the_line_itself(self, area: str, *, warns: bool) -> None:
        """Fengdu watches who is below the line (S2), Hainan who is at or below it (W19)."""
        w = included(area).assist().wait(days=200)
        w.extra |= {"income_members": 1, "income_wage": 830_000 if area == FENGDU else 650_000}
        w.extra |= {"income_business": 0, "income_transfer": 0, "business_cost": 0}
        w.clue("eliminate").walk("county_review")
        assert ("income_above_line" in w.case.fields["warnings"]) is warns


class TestSafetyNet:
    def flagged(self) -> Walker:
        w = included()
        w.act("flag_safety_net", "village_cadre")
        assert w.status == "active"
        w.act("flag_safety_net", "township_officer")
        return w

    def test_two_offices_flag(self) -> None:
        assert self.flagged().status == "active_safety_net"

    def test_one_person_is_not_two_offices(self) -> None:
        w = included()
        both = actor_in(["village_cadre", "township_officer"], person="p9")
        w.act("flag_safety_net", both)
        with pytest.raises(AlreadySigned):
            w.act("flag_safety_net", both)

    def test_two_cadres_are_not_two_offices(self) -> None:
        w = included()
        w.act("flag_safety_net", "village_cadre")
        with pytest.raises(AlreadySigned):
            w.act("flag_safety_net", w.actor("village_cadre", person="p9"))

    def test_elimination_is_barred(self) -> None:
        w = self.flagged()
        with pytest.raises(WrongState) as refusal:
            w.clue("eliminate")
        assert refusal.value.params["state"] == "monitor_status.active_safety_net"
        w.act("unflag_safety_net", "village_cadre")
        w.act("unflag_safety_net", "township_officer")
        w.assist().eliminate()

    def test_also_when_flagged_while_elimination_runs(self) -> None:
        w = included().assist().clue("eliminate").walk("township_audit")
        w.act("flag_safety_net", "village_cadre")
        w.act("flag_safety_net", "township_officer")
        offered = w.allowed(w.actor("township_officer"))["township_audit"]
        assert offered.refusal is not None
        assert offered.refusal.code == "wrong_state"

    def test_visits_go_on(self) -> None:
        assert "visit_open" in self.flagged().latest("assist").clocks


def test_a_household_closed_out_by_mistake_may_come_back_under_its_number() -> None:
    w = included()
    w.act("close_natural")
    w.include()
    assert w.status == "active"
    assert [c.number[-2:] for c in w.dossier.cases if c.definition == "monitor_status"] == ["S1", "S2"]


def test_nobody_is_closed_out_under_an_open_case() -> None:
    w = included().clue("eliminate")
    with pytest.raises(AlreadyOpen):
        w.act("close_natural")


def test_a_visit_of_another_month_does_not_meet_this_one() -> None:
    w = included().assist().wait(days=40)
    due = w.latest("assist").clocks["visit_open"].due
    w.act("record_visit", visit_on="2026-03-03")
    assert w.latest("assist").clocks["visit_open"].due == due


def test_a_dropped_reentry_keeps_the_watching_help() -> None:
    """Help that began early for a returned household ends with the case, its watching does not."""
    w = eliminated().clue("include", clue_source="reentry")
    w.act("fast_track")
    w.act("close_no_risk")
    assert w.status == "eliminated_observing"
    assert w.latest("assist").state == "watching"
    w.check()


def test_the_village_and_the_helper_are_told_that_the_watch_is_over() -> None:
    w = eliminated().after("observe", "monitor_status")
    outcome = w.clock("observe", "monitor_status", "stabilise")
    assert [m.roles for m in outcome.messages if m.key == "period_ended"] == [("village_cadre", "helper")]
