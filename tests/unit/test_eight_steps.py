"""A county with eight steps in an odd order runs end to end by data alone (tests/packs/eight-steps.toml)."""

import pytest

from tests.factories import EIGHT, Walker, included, walker
from workflows.clock import local_date, parse_utc
from workflows.errors import BadValue, ConditionBars, SameHand, TooEarly, UnknownAction, WrongOffice

IN = (
    "report_clue", "accept_application", "nominate", "record_comparison", "verify", "hear_group", "record_review",
    "post_notice", "close_publicity", "township_audit", "county_approve", "register", "announce",
)  # fmt: skip
OUT = (
    "report_clue", "nominate", "verify", "look_back", "record_review", "post_notice", "record_comparison",
    "close_publicity", "township_audit", "county_approve", "register",
)  # fmt: skip


def acts(w: Walker) -> list[str]:
    """What was done in the newest case, as often as it was."""
    return [m.entry.body["action"] for o in w.outcomes for m in o.moves if m.case.number == w.case.number]


def once(actions: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(actions))


@pytest.fixture
def entered() -> Walker:
    """A household on its way in; other people than those who nominate lead the review, as the pack asks."""
    return reviewed_by_others(walker(EIGHT).clue())


def reviewed_by_others(w: Walker) -> Walker:
    """Nominated by somebody who signs nothing else."""
    while w.state != "clue_open":
        step = w.rules.machine_of(w.case).step_at(w.state)
        assert step is not None
        w.step(step.action)
    w.act("nominate", w.actor("resident_team", "first-secretary"))
    return w


def test_in_and_out(entered: Walker) -> None:
    w = entered.walk()
    assert once(acts(w)) == IN
    assert [acts(w).count(name) for name in ("verify", "township_audit", "county_approve")] == [3, 3, 2]
    assert (w.status, w.latest("assist").state) == ("active", "assigning")
    w.assist().act("deliver_measure")
    w = reviewed_by_others(w.wait(days=200).clue("eliminate")).walk()
    assert once(acts(w)) == OUT
    assert [acts(w).count(name) for name in ("verify", "record_comparison")] == [2, 2]
    assert w.status == "eliminated_observing"
    w.check()


def test_a_period_ends_with_the_last_of_several_signatures(entered: Walker) -> None:
    w = entered.walk("county_review")
    w.act("county_approve")
    assert (w.state, "id_total" in w.case.clocks) == ("county_review", True)
    w.act("county_approve", w.actor("county_lead", "second"))
    assert (w.state, "id_total" in w.case.clocks) == ("registering", False)


def test_a_comparison_beside_the_notice_is_done_with_both_hands() -> None:
    w = reviewed_by_others(included_here().wait(days=200).clue("eliminate")).walk("publicizing")
    w.after("publicity_min").act("record_comparison")
    assert not w.case.fields.get("_done")
    w.act("record_comparison", w.actor("sector_dept", "second"))
    assert w.case.fields["_done"] == ["compare"]
    assert w.case.fields["_signatures"] == {}


def included_here() -> Walker:
    return reviewed_by_others(walker(EIGHT).clue()).walk()


def test_who_nominated_leads_no_vote() -> None:
    w = walker(EIGHT).clue().walk("hearing_group")
    w.step("hear_group")
    with pytest.raises(SameHand) as refusal:
        w.act("record_review")
    assert refusal.value.params == {"gate": "nominate"}
    w.act("record_review", w.actor("resident_team", "second"))
    assert w.state == "posting"


def test_stations_sign_with_the_township_and_the_label_names_the_body(entered: Walker) -> None:
    machine = entered.rules.machine_of(entered.case)
    step = machine.step_of("record_review")
    assert step is not None
    assert step.label["zh"] == "村级民主评议（通过）（村民代表会议）"
    entered.walk("township_audit")
    for role in ("township_officer", "township_leader"):
        entered.act("township_audit", role)
    assert entered.state == "township_audit"
    entered.act("township_audit", "sector_dept")
    assert entered.state == "county_review"


def test_what_the_place_does_not_have_is_not_there(entered: Walker) -> None:
    machine = entered.rules.machine_of(entered.case)
    assert "appealing" not in machine.states
    assert {"appeal_window", "appeal_check", "complete_procedure"}.isdisjoint(t.id for t in machine.timers)
    with pytest.raises(UnknownAction):
        entered.act("fast_track")
    entered.walk("reviewing").act("refuse", entered.actor("village_cadre", "second"))
    entered.act("tell_refusal")
    assert set(entered.case.clocks) == set()
    with pytest.raises(UnknownAction):
        entered.act("appeal")


@pytest.mark.parametrize(
    ("kind", "source", "last", "clause"),
    [
        ("ordinary", "self_report", "2026-04-07", "T8 十"),
        ("ordinary", "village_bell", "2026-04-07", "T8 十"),
        ("former_poor", "self_report", "2026-03-30", "T8 十"),
        ("former_poor", "village_bell", "2026-03-12", "T8 十一"),
    ],
)
def test_the_most_specific_limit_counts(kind: str, source: str, last: str, clause: str) -> None:
    w = walker(EIGHT, household_kind=kind).clue(clue_source=source)
    clock = w.case.clocks["id_total"]
    assert (clock.due, clock.clause) == (f"{last}T16:00:00Z", clause)


def test_another_place_does_not_know_the_option() -> None:
    with pytest.raises(BadValue):
        walker().clue(clue_source="village_bell")


def test_the_notice_stands_for_seven_days_in_and_three_out(entered: Walker) -> None:
    w = entered.walk("publicizing")
    with pytest.raises(TooEarly):
        w.wait(days=7).act("close_publicity")
    w = reviewed_by_others(w.walk().wait(days=200).clue("eliminate")).walk("publicizing")
    start = local_date(parse_utc(w.case.clocks["publicity_min"].start))
    assert (
        local_date(parse_utc(w.case.clocks["publicity_min"].due)) - start
    ).days == 1 + 3  # the day of posting and three


def test_whose_visit_counts_and_in_which_way() -> None:
    w = included_here().assist().wait(days=40)
    due = w.latest("assist").clocks["visit_open"].due
    w.act("record_visit")
    w.act("record_visit", "resident_team", visit_mode="phone")
    assert w.latest("assist").clocks["visit_open"].due == due
    w.act("record_visit", "resident_team", visit_mode="boat")
    assert w.latest("assist").clocks["visit_open"].due > due


def test_two_measures_bar_only_what_ended_by_help() -> None:
    w = reviewed_by_others(included_here().assist().wait(days=200).clue("eliminate")).walk("township_audit")
    with pytest.raises(ConditionBars) as refusal:
        w.act("township_audit")
    assert refusal.value.params == {"condition": "measure_delivered", "clause": "T8 三"}
    w.act("return_case", "township_officer", target="verifying")
    w.extra["elimination_mode"] = "natural"
    w.walk()
    assert w.status == "eliminated_observing"


def test_only_the_roles_of_the_pack_compare(entered: Walker) -> None:
    with pytest.raises(WrongOffice):
        entered.act("record_comparison", "county_lead")


def test_seven_steps_stay_as_they_are() -> None:
    assert included("520999001201").case.closed
