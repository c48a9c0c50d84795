"""A household in and out through every gate: Xiushan, Fengdu and an imaginary county of seven steps."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.factories import (
    ELIMINATE,
    FENGDU,
    INCLUDE,
    INCLUDE_FENGDU,
    SEVEN,
    XIUSHAN,
    Walker,
    actor,
    actor_in,
    helper_value,
    included,
    walker,
)
from workflows.clock import parse_utc
from workflows.errors import ConditionBars, MissingEvidence, NoQuorum, TooEarly, WrongState

INCLUDE_SEVEN = (
    "nominate", "file_application", "verify", "record_comparison", "hear_group", "record_review", "post_notice",
    "close_publicity", "sign_stations", "township_audit", "record_study", "county_approve", "announce",
)  # fmt: skip
PLACES = {XIUSHAN: INCLUDE, FENGDU: INCLUDE_FENGDU, SEVEN: INCLUDE_SEVEN}


def actions_of(w: Walker) -> list[str]:
    """The steps of the newest case in the order of their first signature."""
    entries = [m.entry.body for o in w.outcomes for m in o.moves if m.case.number == w.case.number]
    return list(dict.fromkeys(body["action"] for body in entries))


@pytest.mark.parametrize("area", PLACES)
def test_in_through_every_gate(area: str) -> None:
    w = included(area)
    assert actions_of(w) == ["report_clue", *PLACES[area]]
    assert (w.state, w.case.closed, w.status) == ("concluded", True, "active")
    assert w.latest("assist").state == "assigning"
    w.check()


@pytest.mark.parametrize("area", [XIUSHAN, FENGDU])
def test_out_through_the_same_gates(area: str) -> None:
    w = included(area).assist().wait(days=200).eliminate()
    assert actions_of(w) == ["report_clue", *ELIMINATE]
    assert w.status == "eliminated_observing"
    assert w.latest("assist").state == "watching"
    assert w.case.fields["warnings"] == []
    w.after("observe", "monitor_status").clock("observe", "monitor_status", "stabilise")
    assert (w.status, w.latest("assist").state) == ("eliminated_stable", "stable")
    w.check()


def test_whether_the_risk_is_gone_is_asked_only_when_it_is_to_be_struck_off() -> None:
    w = included()
    assert "risk_gone" not in w.case.fields
    w.assist().wait(days=200).eliminate()
    assert w.case.fields["risk_gone"] is True


def test_every_entry_names_definition_pack_and_clause() -> None:
    w = included()
    first = w.outcomes[0].moves[0].entry.body
    assert first["definition"].split(":")[0] == "household_case"
    assert first["policy"].split(":")[0] == "500241-xiushan"
    assert first["clauses"] == ["S4 17"]
    assert first["actor"]["role"] == "grid_member"
    assert first["changes"]["head_name"]["after"].keys() == {"sha256"}


def test_no_personal_value_stands_in_an_entry() -> None:
    w = included()
    text = "".join(entry for chain in w.chains.values() for entry in chain)
    assert "张三" not in text
    assert "重病" not in text
    assert {d.value for d in w.disclosures} >= {"张三", "家中有人患重病", '["illness"]'}


# --- the seven-step county, by data alone ------------------------------------------------------------
def test_seven_steps_have_their_own_limits() -> None:
    w = walker(SEVEN).clue()
    clocks = w.case.clocks
    assert clocks["clue_accept"].due == "2026-03-03T14:00:00Z"  # 36 hours by the clock
    assert clocks["id_total"].due == "2026-04-14T16:00:00Z"  # 30 working days, Qingming (6 April) left out
    assert clocks["id_total"].clause == "T7 四"
    w.walk("county_review")
    assert w.case.clocks["county_review"].due == "2026-04-10T16:00:00Z"  # the window's last day
    w.walk()
    assert w.latest("assist").clocks["visit_open"].due == "2026-06-30T16:00:00Z"  # the next whole quarter


def test_seven_steps_publish_for_seven_days() -> None:
    w = walker(SEVEN).clue().walk("publicizing")
    start = w.now
    with pytest.raises(TooEarly):
        w.wait(days=7).act("close_publicity")
    w.now = parse_utc(w.case.clocks["publicity_min"].due)
    assert (w.now - start).days == 7
    w.act("close_publicity")
    assert w.state == "stations_signing"


def test_seven_steps_ask_three_quarters_of_the_meeting() -> None:
    w = walker(SEVEN).clue().walk("reviewing")
    few: dict[str, Any] = {
        "votes_due": 12,
        "votes_present": 8,
        "votes_for": 8,
        "votes_against": 0,
        "votes_abstain": 0,
    }
    with pytest.raises(NoQuorum) as refusal:
        w.act("record_review", **few)
    assert refusal.value.params["share"] == "3/4"
    w.act("record_review", **{**few, "votes_present": 9, "votes_for": 9})
    assert w.state == "posting"


def test_seven_steps_need_each_of_three_stations() -> None:
    w = walker(SEVEN).clue().walk("stations_signing")
    assert "township_audit" in w.case.clocks
    for role in ("sector_dept", "township_officer"):
        w.act("sign_stations", role)
        assert w.state == "stations_signing"
    w.act("sign_stations", "township_leader")
    assert w.state == "township_audit"
    assert w.case.clocks["township_audit"].generation == 1


def test_seven_steps_may_return_and_refuse_at_their_own_steps() -> None:
    w = walker(SEVEN).clue().walk("stations_signing")
    offered = w.allowed(w.actor("township_officer"))
    assert offered["return_case"].targets == ("clue_open", "verifying", "reviewing")
    w.act("return_case", "township_officer", target="verifying")
    assert w.state == "verifying"
    w.walk("hearing_group")
    w.act("refuse")
    assert w.state == "refused"


def test_seven_steps_may_withdraw_until_the_decision() -> None:
    w = walker(SEVEN).clue().walk("county_review")
    w.act("withdraw")
    assert (w.state, w.status) == ("withdrawn", "none")


def test_seven_steps_ask_their_own_evidence() -> None:
    w = walker(SEVEN).clue().walk("county_review")
    with pytest.raises(MissingEvidence) as refusal:
        w.act("county_approve", without=["audit_sheet"])
    assert refusal.value.params == {"kind": "audit_sheet"}


def test_seven_steps_bar_elimination_before_half_a_year() -> None:
    w = included(SEVEN).assist()
    w.now = datetime(2026, 8, 1, 2, 0, tzinfo=UTC)
    w.clue("eliminate").walk("township_audit")
    with pytest.raises(ConditionBars) as refusal:
        w.act("township_audit")
    assert refusal.value.params == {"condition": "min_age", "clause": "T7 三"}
    w.now = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)
    w.walk()
    assert w.status == "eliminated_observing"


def test_seven_steps_have_their_own_word() -> None:
    machine = walker(SEVEN).clue().rules.machine_of(walker(SEVEN).clue().case)
    assert machine.pack.terms["level.village"][0].labels["zh"] == "社区"


# --- one household, one life ------------------------------------------------------------
def test_reentry_keeps_the_household_number() -> None:
    w = included().assist().wait(days=200).eliminate()
    w.after("observe", "monitor_status").clock("observe", "monitor_status", "stabilise")
    w.clue("include", clue_source="reentry")
    assert w.case.number == "500241H0000001-C3"
    assert w.case.subject == "household:500241H0000001"
    assert w.status == "candidate"
    w.walk()
    assert (w.status, w.latest("assist").number) == ("active", "500241H0000001-A1")
    assert len([c for c in w.dossier.cases if c.definition == "monitor_status"]) == 1
    w.check()


def test_reentry_while_being_watched_falls_back_when_dropped() -> None:
    w = included().assist().wait(days=200).eliminate()
    watch = w.latest("monitor_status").clocks["observe"]
    w.wait(days=30).clue("include", clue_source="reentry")
    assert "observe" not in w.latest("monitor_status").clocks
    w.act("close_no_risk")
    assert w.status == "eliminated_observing"
    again = w.latest("monitor_status").clocks["observe"]
    assert (again.due, again.generation) == (watch.due, 2)


def test_household_kind_stands_apart_from_status() -> None:
    w = walker(household_kind="former_poor").include()
    assert w.case.fields["household_kind"] == "former_poor"
    assert "household_kind" not in {name for m in w.outcomes[3].moves for name in m.entry.body["changes"]}
    assert w.status == "active"


def test_not_eliminated_before_included() -> None:
    with pytest.raises(WrongState) as refusal:
        walker().clue("eliminate")
    assert refusal.value.params["state"] == "monitor_status.none"


def test_an_office_acted_in_stands_in_the_entries_of_all_cases() -> None:
    """Who approves as county lead does so in the status case too, whatever else the person is."""
    w = walker().clue().walk("county_review")
    w.act("county_approve", actor_in(["helper", "county_lead"], person="p9"))
    assert [m.entry.body["actor"]["role"] for m in w.outcomes[-1].moves] == ["county_lead"] * 3


def test_two_districts_of_one_county_share_no_village() -> None:
    w = included()
    stranger = actor("village_cadre", "500241002201")
    assert all(not item.is_allowed for item in w.allowed(stranger).values())


def test_former_helper_is_remembered() -> None:
    w = included().assist()
    other = w.actor("helper", person="second")
    w.act("change_helper", helper=helper_value(other))
    assert w.latest("assist").fields["_helpers"] == ["helper@500241001201", "second"]
