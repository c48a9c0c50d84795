"""Each refusal by its code and parameters; a refused command changes nothing."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.factories import (
    START,
    Walker,
    actor,
    actor_in,
    evidence,
    helper_value,
    included,
    rules,
    subject,
    walker,
)
from workflows import errors
from workflows.decide import apply
from workflows.errors import Refused
from workflows.model import Command, Dossier, system_actor


def refusal_of(act: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as refusal:
        act()
    return refusal.value


def at(state: str) -> Walker:
    return walker().clue().walk(state)


VOTE = {"votes_due": 12, "votes_present": 9, "votes_for": 5, "votes_against": 3, "votes_abstain": 1}
IN_STATE: list[tuple[str, str, str, dict[str, Any], str, dict[str, object]]] = [
    ("clue_open", "no_such", "", {}, "unknown_action", {"action": "no_such"}),
    ("clue_open", "lapse", "", {}, "unknown_action", {"action": "lapse"}),
    ("clue_open", "verify", "", {}, "wrong_state", {"action": "verify", "state": "clue_open"}),
    ("clue_open", "township_audit", "", {}, "wrong_state", {"action": "township_audit", "state": "clue_open"}),
    ("clue_open", "nominate", "township_officer", {}, "wrong_office", {"roles": ["village_cadre", "resident_team"]}),
    ("clue_open", "nominate", "", {"without": ["category"]}, "missing_field", {"field": "category"}),
    ("clue_open", "nominate", "", {"risks": []}, "missing_field", {"field": "risks"}),
    ("clue_open", "nominate", "", {"category": "rich"}, "bad_value", {"field": "category", "value": "rich"}),
    ("clue_open", "nominate", "", {"risks": ["illness"] * 2}, "bad_value", {"field": "risks", "value": ""}),
    ("clue_open", "nominate", "", {"opinion": "x" * 2001}, "bad_value", {"field": "opinion", "value": ""}),
    ("clue_open", "nominate", "", {"opinion": "a\x00b"}, "hidden_character", {"character": "U+0000"}),
    ("clue_open", "nominate", "", {"income_per_head": 1.5}, "bad_value", {"field": "income_per_head", "value": "1.5"}),
    ("clue_open", "nominate", "", {"income_per_head": True}, "bad_value",
     {"field": "income_per_head", "value": "True"}),
    ("nominated", "sign_authorization", "", {"signed_on": "2026-03-03"}, "bad_value",
     {"field": "signed_on", "value": "2026-03-03"}),
    ("nominated", "sign_authorization", "", {"files": []}, "missing_evidence", {"kind": "authorization_letter"}),
    ("nominated", "sign_authorization", "", {"files": ["authorization_letter", "cake"]}, "bad_value",
     {"field": "evidence", "value": "cake"}),
    ("verifying", "verify", "", {"labour_members": -1}, "bad_value", {"field": "labour_members", "value": "-1"}),
    ("verifying", "verify", "", {"water_safe": "yes"}, "bad_value", {"field": "water_safe", "value": "yes"}),
    ("verifying", "add_evidence", "", {"files": []}, "missing_evidence", {"kind": "other"}),
    ("reviewing", "record_review", "", {**VOTE, "votes_present": 7}, "no_quorum",
     {"due": 12, "present": 7, "cast": 9, "share": "2/3"}),
    ("reviewing", "record_review", "", {**VOTE, "votes_present": 10}, "no_quorum",
     {"due": 12, "present": 10, "cast": 9, "share": "2/3"}),
    ("reviewing", "record_review", "", {**VOTE, "votes_due": 8}, "no_quorum",
     {"due": 8, "present": 9, "cast": 9, "share": "2/3"}),
    ("reviewing", "record_review", "", {**VOTE, "votes_for": 4, "votes_abstain": 2}, "vote_mismatch",
     {"votes_for": 4, "present": 9, "share": "1/2"}),
    ("publicizing", "close_publicity", "", {}, "too_early",
     {"timer": "publicity_min", "until": "2026-03-07T16:00:00Z"}),
    ("township_audit", "return_case", "township_officer", {"target": "registering"}, "bad_value",
     {"field": "target", "value": "registering"}),
]  # fmt: skip


@pytest.mark.parametrize(("state", "action", "role", "given", "code", "params"), IN_STATE)
def test_refused_with_code_and_parameters(
    state: str, action: str, role: str, given: dict[str, Any], code: str, params: dict[str, object]
) -> None:
    w = at(state)
    before = (w.dossier, {number: list(chain) for number, chain in w.chains.items()})
    refusal = refusal_of(lambda: w.act(action, role, **given))
    assert (refusal.code, dict(refusal.params)) == (code, params)
    assert (w.dossier, w.chains) == before


@pytest.mark.parametrize("kind", [c for c in vars(errors).values() if isinstance(c, type)])
def test_codes_are_stable_names(kind: type) -> None:
    if issubclass(kind, Refused):
        assert kind.code.isidentifier()
        assert str(kind(a=1)).startswith(kind.code)


# --- who -----------------------------------------------------------------------------
class TestPlace:
    def test_out_of_area(self) -> None:
        w = at("clue_open")
        stranger = actor("village_cadre", "500241002201")
        refusal = refusal_of(lambda: w.act("nominate", stranger))
        assert (refusal.code, refusal.params["area"]) == ("out_of_area", "500241002201")

    def test_a_grid_sees_its_own_village_only(self) -> None:
        w = walker()
        neighbour = actor("grid_member", "500241001202")
        assert refusal_of(lambda: w.clue(who=neighbour)).code == "out_of_area"

    @pytest.mark.parametrize("role", ["auditor", "upper_level", "admin", "helper", "system"])
    @pytest.mark.parametrize("state", ["clue_open", "township_audit", "county_review"])
    def test_these_roles_decide_nothing(self, role: str, state: str) -> None:
        w = at(state)
        offered = w.allowed(w.actor(role))
        assert [n for n, item in offered.items() if item.is_allowed and item.form.id != "object"] == []

    def test_a_helper_acts_only_for_the_own_household(self) -> None:
        w = included().assist()
        refusal = refusal_of(lambda: w.act("record_visit", w.actor("helper", person="other")))
        assert refusal.code == "wrong_office"


class TestHands:
    def test_verify_then_audit_by_one_person_in_two_roles(self) -> None:
        both = actor_in(["village_cadre", "township_officer"], person="p9", account="a")
        w = at("verifying")
        w.act("verify", both)
        w.act("verify", "resident_team")
        w.walk("township_audit")
        refusal = refusal_of(lambda: w.act("township_audit", replace(both, id="second-account")))
        assert (refusal.code, dict(refusal.params)) == ("same_hand", {"gate": "verify"})

    def test_verify_then_county_after_a_reassignment(self) -> None:
        w = at("verifying")
        w.act("verify", w.actor("village_cadre", person="p9"))
        w.act("verify", "resident_team")
        w.walk("county_review")
        refusal = refusal_of(lambda: w.act("county_approve", w.actor("county_lead", person="p9")))
        assert refusal.code == "same_hand"

    def test_audit_then_county(self) -> None:
        w = at("township_audit")
        w.act("township_audit", w.actor("township_officer", person="p9"))
        refusal = refusal_of(lambda: w.act("county_approve", w.actor("county_lead", person="p9")))
        assert (refusal.code, dict(refusal.params)) == ("same_hand", {"gate": "township_audit"})

    def test_one_person_is_not_two_verifiers(self) -> None:
        both = actor_in(["village_cadre", "resident_team"], person="p9")
        w = at("verifying")
        w.act("verify", both)
        assert refusal_of(lambda: w.act("verify", both)).code == "already_signed"

    @pytest.mark.parametrize("state", ["clue_open", "verifying", "township_audit", "county_review"])
    def test_own_household(self, state: str) -> None:
        w = at(state)
        role = w.rules.machine_of(w.case).current_roles(state)[0]
        for item in w.allowed(w.actor(role, person="head")).values():
            if item.form.id not in ("recuse", "add_evidence", "object", "appeal"):
                assert item.refusal is not None, item.action
                assert item.refusal.code in ("own_household", "wrong_office"), item.action

    @pytest.mark.parametrize(("state", "action", "role"), [
        ("reviewing", "record_review", "village_cadre"),
        ("township_audit", "township_audit", "township_leader"),
        ("county_review", "county_approve", "county_lead"),
    ])  # fmt: skip
    def test_the_helper_steps_aside(self, state: str, action: str, role: str) -> None:
        w = included()
        helper = actor_in(["helper", role], person="p9")
        w.assist(helper).clue("eliminate").walk(state)
        assert refusal_of(lambda: w.act(action, helper)).code == "helper_steps_aside"

    def test_a_former_helper_too(self) -> None:
        w = included()
        w.assist(actor_in(["helper"], person="p9"))
        w.act("change_helper", helper=helper_value(w.actor("helper", person="new")))
        w.clue("eliminate").walk("county_review")
        late = w.actor("county_lead", person="p9")
        assert refusal_of(lambda: w.act("county_approve", late)).code == "helper_steps_aside"

    def test_a_helper_may_verify_where_the_pack_does_not_bar_it(self) -> None:
        w = included()
        helper = actor_in(["helper", "village_cadre"], person="p9")
        w.assist(helper).clue("eliminate").walk("verifying")
        w.act("verify", helper)
        assert w.case.fields["_hands"]["verify"] == ["p9"]


class TestCommand:
    def command(self, **changes: Any) -> Command:
        base = Command("report_clue", "k", b"s" * 32, "household_case")
        data = {"clue_source": "self_report", "clue_note": "x"}
        return replace(base, data=data, **changes)

    def refused(self, command: Command, who: str = "village_cadre") -> Refused:
        dossier = Dossier(subject())
        return refusal_of(lambda: apply(rules(), dossier, command, actor(who), START))

    def test_no_such_case(self) -> None:
        assert self.refused(self.command(case="500241H0000001-C7")).code == "not_found"

    @pytest.mark.parametrize("changes", [{"definition": "wedding"}, {"purpose": "profit"}])
    def test_no_such_workflow_or_purpose(self, changes: dict[str, str]) -> None:
        refusal = self.refused(self.command(**changes))
        assert refusal.code == "bad_value"
        assert refusal.params["field"] in changes

    def test_a_step_opens_no_case(self) -> None:
        assert self.refused(self.command(action="nominate")).code == "wrong_state"

    @pytest.mark.parametrize("action", ["open_candidate", "include", "eliminate"])
    def test_inner_actions_are_nobody_s_to_ask_for(self, action: str) -> None:
        command = self.command(action=action, definition="monitor_status")
        assert self.refused(command).code == "unknown_action"

    def test_a_stale_page(self) -> None:
        w = at("verifying")
        command = replace(self.command(), action="verify", case=w.case.number, version=w.case.seq - 1)
        refusal = refusal_of(lambda: apply(w.rules, w.dossier, command, w.actor("village_cadre"), w.now))
        assert (refusal.code, dict(refusal.params)) == (
            "stale",
            {"seen": w.case.seq - 1, "present": w.case.seq},
        )


class TestSystem:
    @pytest.mark.parametrize("state", ["verifying", "township_audit", "county_review"])
    def test_the_system_decides_nothing(self, state: str) -> None:
        w = at(state)
        step = w.rules.machine_of(w.case).step_at(state)
        assert step is not None
        who = system_actor("500241")
        assert refusal_of(lambda: w.act(step.action, who)).code == "wrong_office"
        assert refusal_of(lambda: w.act("return_case", who, target="clue_open")).code == "wrong_office"

    def test_a_period_is_not_noticed_before_its_end(self) -> None:
        w = at("clue_open").after("clue_accept", seconds=-1)
        assert refusal_of(lambda: w.clock("clue_accept")).code == "wrong_state"

    def test_nor_twice(self) -> None:
        w = at("clue_open").after("clue_accept")
        w.clock("clue_accept")
        assert refusal_of(lambda: w.clock("clue_accept")).code == "wrong_state"

    def test_a_period_that_acts_is_not_merely_noticed(self) -> None:
        w = included().assist().wait(days=200).eliminate()
        w.after("observe", "monitor_status")
        assert refusal_of(lambda: w.clock("observe", "monitor_status", "lapse")).code == "wrong_state"
        w.clock("observe", "monitor_status", "stabilise")

    def test_a_lapse_changes_no_state_and_stays_late(self) -> None:
        w = at("township_audit").after("township_audit")
        w.clock("township_audit")
        assert w.state == "township_audit"
        w.act("township_audit")
        assert w.last["deadlines"]["ended"] == [
            {"kind": "township_audit", "generation": 1, "due": w.case.fields["lapsed"]["due"], "how": "late"}
        ]


def test_evidence_stands_in_the_entry() -> None:
    w = at("nominated")
    w.act("sign_authorization")
    assert w.last["evidence"] == [evidence("authorization_letter").as_json()]
