"""Pausing, resuming and extending: by whom, with what, which periods, and what stands in the journal afterwards."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.factories import Walker, actor, subject
from tests.unit.clock_values import china
from workflows.clock import local_date, parse_utc
from workflows.definition import parse_definition
from workflows.errors import (
    BadValue,
    ExtensionBound,
    MissingEvidence,
    MissingField,
    MixedDuration,
    NoPeriod,
    OutOfArea,
    OwnHousehold,
    PeriodEnded,
    PeriodFixed,
    PeriodPaused,
    PeriodRuns,
    Refused,
    WrongOffice,
)
from workflows.guards import Context
from workflows.journal import canonical
from workflows.pauses import EXTEND, PAUSE, RESUME, ensure_any, ensure_period
from workflows.policy import parse_pack
from workflows.prove.pauses import check_pauses
from workflows.registry import Rules, load_rules

VILLAGE = "500241001201"
PLACES = (
    "500230001201",
    "500241001201",
    "430527001201",
    "621025001201",
    "360703001201",
    "530302001201",
    "410581001201",
)
LEAD = "county_lead"


@pytest.fixture
def walker() -> Walker:
    """A case found on Monday 2 March 2026 that waits for its check at home (five working days, to Monday 9)."""
    walker = Walker(subject(VILLAGE), china("2026-03-02 10:00")).clue()
    for action in ("nominate", "sign_authorization"):
        walker.act(action)
    return walker


def last(walker: Walker, kind: str, definition: str = "household_case") -> str:
    """The last local day of a period."""
    return local_date(parse_utc(walker.latest(definition).clocks[kind].due) - timedelta(seconds=1)).isoformat()


def unchanged(walker: Walker, reason: type[Refused], act: str, who: Any = LEAD, **data: Any) -> Refused:
    """An act is refused for a reason, and nothing has changed."""
    before = (walker.dossier, {number: list(chain) for number, chain in walker.chains.items()})
    with pytest.raises(reason) as caught:
        walker.act(act, who, **data)
    assert (walker.dossier, walker.chains) == before
    return caught.value


# --- what they do ---
def test_a_pause_stops_the_clock_until_it_is_resumed(walker: Walker) -> None:
    before = walker.case.clocks["verify"]
    assert before.due == "2026-03-09T16:00:00Z"
    walker.now = china("2026-03-04 09:00")
    walker.act("pause_clock", LEAD, period="verify", reason="道路塌方")
    paused = walker.case.clocks["verify"]
    assert (paused.is_paused, paused.generation, paused.start) == (True, 2, before.start)
    assert walker.last["deadlines"]["ended"] == [
        {"kind": "verify", "generation": 1, "due": before.due, "how": "paused"}
    ]
    assert [e["kind"] for e in walker.last["evidence"]] == ["clock_document"]
    assert walker.state == "verifying"

    walker.now = china("2026-03-10 09:00")
    walker.act("resume_clock", LEAD, period="verify", reason="道路恢复")
    resumed = walker.case.clocks["verify"]
    # Counted: 3 March; 10, 11, 12 and 13 after it (the 4th to the 9th do not run at their end).
    assert (resumed.due, resumed.generation) == ("2026-03-13T16:00:00Z", 3)
    assert resumed.pauses == (("2026-03-04T01:00:00Z", "2026-03-10T01:00:00Z"),)
    assert walker.last["deadlines"]["ended"][0]["how"] == "resumed"
    walker.check()


def test_the_work_goes_on_while_a_clock_is_paused_and_is_never_late(walker: Walker) -> None:
    walker.act("pause_clock", LEAD, period="verify")
    walker.now = china("2026-06-01 09:00")
    walker.walk(to="reviewing")
    ended = {e["kind"]: e["how"] for o in walker.outcomes for e in o.moves[0].body["deadlines"]["ended"]}
    assert ended["verify"] == "met"


def test_a_paused_clock_does_not_lapse(walker: Walker) -> None:
    walker.act("pause_clock", LEAD, period="verify")
    walker.now = china("2027-01-01 09:00")
    with pytest.raises(Refused):
        walker.clock("verify")


def test_an_extension_is_added_to_the_end(walker: Walker) -> None:
    walker.act("extend_deadline", LEAD, period="verify", extra="5 working days")
    verify = walker.case.clocks["verify"]
    assert (verify.due, verify.extended, verify.generation) == ("2026-03-16T16:00:00Z", ("5 working_days",), 2)
    assert walker.last["deadlines"]["ended"][0]["how"] == "extended"
    assert walker.last["changes"]["extra"]["after"] == "5 working_days"


def test_a_paused_clock_may_be_extended_and_ends_later_once_it_is_resumed(walker: Walker) -> None:
    walker.now = china("2026-03-04 09:00")
    walker.act("pause_clock", LEAD, period="verify")
    walker.act("extend_deadline", LEAD, period="verify", extra="2 working_days")
    assert walker.case.clocks["verify"].is_paused
    walker.now = china("2026-03-10 09:00")
    walker.act("resume_clock", LEAD, period="verify")
    assert walker.case.clocks["verify"].due == "2026-03-17T16:00:00Z"


def test_a_right_may_be_extended_when_the_case_is_closed() -> None:
    walker = Walker(subject(VILLAGE), china("2026-03-02 10:00")).clue().walk(to="reviewing")
    walker.act("refuse")
    walker.act("tell_refusal")
    assert walker.case.closed
    assert last(walker, "appeal_window") == "2026-04-02"
    walker.act("extend_deadline", LEAD, period="appeal_window", extra="1 months")
    # 2 April, and a month from there: Saturday 2 May lies in the holiday of May, which ends on Tuesday the 5th.
    assert last(walker, "appeal_window") == "2026-05-06"


# --- what is refused ---
@pytest.mark.parametrize("act", ["pause_clock", "resume_clock", "extend_deadline"])
@pytest.mark.parametrize(("missing", "reason"), [("reason", MissingField), ("clock_document", MissingEvidence),
                                                 ("period", MissingField)])  # fmt: skip
def test_neither_without_a_reason_nor_without_a_document(
    walker: Walker, act: str, missing: str, reason: type[Refused]
) -> None:
    if act == "resume_clock":
        walker.act("pause_clock", LEAD, period="verify")
    data = {"period": "verify", "extra": "1 working_days"}
    unchanged(walker, reason, act, without=[missing], **{k: v for k, v in data.items() if k != missing})


def test_extending_asks_by_how_much(walker: Walker) -> None:
    unchanged(walker, MissingField, "extend_deadline", period="verify")


def test_pausing_twice_is_named(walker: Walker) -> None:
    walker.act("pause_clock", LEAD, period="verify")
    refused = unchanged(walker, PeriodPaused, "pause_clock", period="verify")
    assert refused.params == {"timer": "verify", "since": "2026-03-02T02:00:00Z"}


def test_resuming_what_runs_is_named(walker: Walker) -> None:
    walker.act("pause_clock", LEAD, period="id_total")
    unchanged(walker, PeriodRuns, "resume_clock", period="verify")


def test_what_has_ended_is_neither_paused_nor_extended(walker: Walker) -> None:
    walker.now = china("2026-03-10 00:00")
    for act in ("pause_clock", "extend_deadline"):
        unchanged(walker, PeriodEnded, act, period="verify", extra="1 working_days")
        unchanged(walker, PeriodEnded, act, period="county_review", extra="1 working_days")


def test_a_part_of_the_calendar_and_a_right_are_not_paused() -> None:
    walker = Walker(subject(VILLAGE), china("2026-03-02 10:00")).include().assist()
    assist = walker.latest("assist")
    unchanged(walker, NoPeriod, "pause_clock", period="visit_open", case=assist)
    walker = Walker(subject(VILLAGE), china("2026-03-02 10:00")).clue().walk(to="reviewing")
    walker.act("refuse")
    walker.act("tell_refusal")
    walker.act("appeal", "village_cadre")
    unchanged(walker, PeriodEnded, "pause_clock", period="appeal_window")
    machine = walker.rules.machine_of(walker.case)
    assert not machine.targets("pause_clock", "closed_ineligible")


@pytest.mark.parametrize("extra", ["5 calendar_days", "36 hours", "1 months", "window 03-01 03-31"])
def test_kinds_of_durations_are_not_mixed(walker: Walker, extra: str) -> None:
    refused = unchanged(walker, MixedDuration, "extend_deadline", period="verify", extra=extra)
    assert refused.params["limit"] == "working_days"


@pytest.mark.parametrize("extra", ["10 working calendar days", "bald", "0 working_days", "5", "x" * 50])
def test_what_is_no_duration_is_named(walker: Walker, extra: str) -> None:
    assert unchanged(walker, BadValue, "extend_deadline", period="verify", extra=extra).params["field"] == "extra"


def test_an_extension_is_bounded_by_the_pack(walker: Walker) -> None:
    assert unchanged(walker, ExtensionBound, "extend_deadline", period="verify", extra="6 working_days").params == {
        "timer": "verify", "most": 1, "longest": 5,
    }  # fmt: skip
    walker.act("extend_deadline", LEAD, period="verify", extra="5 working_days")
    unchanged(walker, ExtensionBound, "extend_deadline", period="verify", extra="1 working_days")


@pytest.mark.parametrize(
    "who", ["village_cadre", "resident_team", "township_officer", "sector_dept", "helper", "auditor"]
)
def test_only_the_level_that_the_pack_names(walker: Walker, who: str) -> None:
    unchanged(walker, WrongOffice, "pause_clock", who, period="verify")
    unchanged(walker, WrongOffice, "extend_deadline", who, period="verify", extra="1 working_days")


def test_a_leader_of_the_township_pauses_and_does_not_extend(walker: Walker) -> None:
    walker.act("pause_clock", "township_leader", period="verify")
    unchanged(walker, WrongOffice, "extend_deadline", "township_leader", period="id_total", extra="1 calendar_days")
    elsewhere = actor("township_leader", "500241002201")
    unchanged(walker, OutOfArea, "resume_clock", elsewhere, period="verify")


def test_nobody_does_it_for_the_own_household(walker: Walker) -> None:
    own = Walker(subject(VILLAGE, people=frozenset({"me"})), walker.now).clue()
    for act in ("pause_clock", "extend_deadline"):
        unchanged(own, OwnHousehold, act, actor(LEAD, VILLAGE, person="me"), period="id_total", extra="1 calendar_days")


def test_the_page_knows_beforehand_whether_there_is_anything_to_do(walker: Walker) -> None:
    lead = walker.actor(LEAD)
    assert walker.allowed(lead)["pause_clock"].is_allowed
    assert isinstance(walker.allowed(lead)["resume_clock"].refusal, NoPeriod)
    walker.act("pause_clock", LEAD, period="verify")
    assert walker.allowed(lead)["resume_clock"].is_allowed


# --- parameters of the pack ---
def with_parameters(**values: Any) -> Rules:
    """The shipped rules with other values in Xiushan's pack."""
    rules = load_rules()
    packs = {}
    for name, pack in rules.packs.items():
        tables = json.loads(pack.text)
        for row in tables["parameters"]:
            row["value"] = values.get(row["id"], row["value"])
        packs[name] = parse_pack(canonical(tables))
    return Rules(rules.definitions, packs)


def test_the_pack_names_other_levels_and_bounds() -> None:
    rules = with_parameters(pause_by=["township_officer"], extend_by=["township_leader"], most_extensions=2)
    walker = Walker(subject(VILLAGE), china("2026-03-02 10:00"), rules).clue()
    unchanged(walker, WrongOffice, "pause_clock", LEAD, period="id_total")
    for _ in range(2):
        walker.act("extend_deadline", "township_leader", period="id_total", extra="15 calendar_days")
    walker.act("pause_clock", "township_officer", period="id_total")


def posted(rules: Rules | None = None) -> Walker:
    """A notice of five days from Monday 2 March 2026, objected to on Wednesday."""
    walker = Walker(subject(VILLAGE), china("2026-03-02 10:00"), rules).clue().walk(to="publicizing")
    walker.now = china("2026-03-04 10:00")
    walker.act("object", "village_cadre")
    return walker


def test_by_default_an_objection_lets_every_clock_run_on() -> None:
    walker = posted()
    assert not any(clock.is_paused for clock in walker.case.clocks.values())
    assert last(walker, "publicity_min") == "2026-03-07"


def test_an_objection_pauses_what_the_pack_says() -> None:
    walker = posted(with_parameters(objection_pauses=["publicity_min", "id_total", "objection_check"]))
    clocks = walker.case.clocks
    assert {kind for kind, clock in clocks.items() if clock.is_paused} == {"publicity_min", "id_total"}
    assert not clocks["objection_check"].is_paused
    walker.now = china("2026-03-06 10:00")
    walker.act("dismiss_objection")
    assert not any(clock.is_paused for clock in walker.case.clocks.values())
    # Of the notice only whole days count: 3 March, and 7 to 10. Of the whole: the 4th and 5th do not.
    assert (last(walker, "publicity_min"), last(walker, "id_total")) == ("2026-03-10", "2026-03-19")
    unchanged(walker, Refused, "close_publicity", "village_cadre")


def test_what_was_paused_by_hand_stays_paused_after_the_objection() -> None:
    rules = with_parameters(objection_pauses=["publicity_min", "id_total"])
    walker = Walker(subject(VILLAGE), china("2026-03-02 10:00"), rules).clue().walk(to="publicizing")
    walker.act("pause_clock", LEAD, period="id_total")
    walker.act("object", "village_cadre")
    walker.act("dismiss_objection")
    assert walker.case.clocks["id_total"].is_paused
    assert not walker.case.clocks["publicity_min"].is_paused


def test_a_paused_minimum_lets_nobody_go_on() -> None:
    walker = Walker(subject(VILLAGE), china("2026-03-02 10:00")).clue().walk(to="publicizing")
    walker.act("pause_clock", LEAD, period="publicity_min")
    walker.now = china("2026-05-02 10:00")
    unchanged(walker, PeriodPaused, "close_publicity", "village_cadre")


# --- the whole ---
@pytest.mark.parametrize("place", PLACES)
def test_returning_a_case_never_restarts_its_overall_clock(place: str) -> None:
    walker = Walker(subject(place), china("2026-03-02 10:00")).clue()
    whole = {kind: clock for kind, clock in walker.case.clocks.items() if kind in ("id_total", "check_total")}
    assert whole
    walker.walk(to="township_audit")
    whole = {kind: clock for kind, clock in walker.case.clocks.items() if kind.endswith("_total")}
    walker.now = china("2026-03-11 10:00")
    walker.act("return_case", "township_officer", target="verifying")
    kept = {kind: walker.case.clocks.get(kind) for kind in whole}
    assert kept == whole


def test_clocks_of_before_without_a_limit_can_be_paused_when_the_pack_tells_it(walker: Walker) -> None:
    verify = replace(walker.case.clocks["verify"], limit="", calendar="", counting="")
    walker.dossier = walker.dossier.with_case(replace(walker.case, clocks={"verify": verify}))
    ensure_any(context(walker), PAUSE)
    ensure_period(context(walker), EXTEND, "verify")
    odd = replace(verify, due="2026-03-08T16:00:00Z")
    walker.dossier = walker.dossier.with_case(replace(walker.case, clocks={"verify": odd}))
    with pytest.raises(PeriodFixed):
        ensure_period(context(walker), PAUSE, "verify")
    with pytest.raises(PeriodRuns):
        ensure_period(context(walker), RESUME, "verify")


def context(walker: Walker) -> Context:
    """The context in which a lead would pause."""
    machine = walker.rules.machine_of(walker.case)
    form = machine.definition.actions["pause_clock"]
    calendar = walker.rules.calendar
    return Context(machine, walker.dossier, walker.case, form, walker.actor(LEAD), walker.now, calendar)


# --- the proof ---
def mutated(change: str) -> list[str]:
    """What the checker finds in the shipped definition with one thing wrong."""
    rules = load_rules()
    tables = json.loads(rules.definitions["household_case"].text)
    for row in tables["actions"]:
        if change == "no resume" and row["id"] == "resume_clock":
            row["from"] = ["verifying"]
        if change == "no document" and row["id"] == "extend_deadline":
            row["evidence"] = []
        if change == "no reason" and row["id"] == "pause_clock":
            row["optional"] = ["reason"]
    definition = parse_definition(canonical(tables))
    machine = rules.machine(definition, rules.packs["national"], "include")
    return [finding.code for finding in check_pauses({("household_case", "include"): machine})]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("", []),
        ("no resume", ["pause_no_resume"]),
        ("no document", ["pause_unfounded"]),
        ("no reason", ["pause_unfounded"]),
    ],
)
def test_the_checker_finds_what_is_parked_for_ever(change: str, found: list[str]) -> None:
    assert mutated(change) == found
