"""Counting running periods anew by another calendar: what moves, the entry of it, and what stays."""

import json
from dataclasses import replace
from datetime import date

import pytest

from tests.factories import Walker, actor, subject
from tests.unit.clock_values import CALENDAR, china
from workflows.calendars import Calendar
from workflows.definition import Definition, parse_definition
from workflows.errors import UnknownAction
from workflows.journal import canonical
from workflows.model import Outcome
from workflows.recount import ACTION, NOTE, can_recount, recount, shifts
from workflows.registry import Rules

VILLAGE = "500241001201"
# As a notice for 2027 may read: New Year's Day with the two days after it, Sunday the 10th worked for it.
NOTICE = Calendar(
    CALENDAR.holidays | {date(2027, 1, 1)}, CALENDAR.workdays | {date(2027, 1, 10)}, CALENDAR.first_year, 2027, "2027"
)


def told() -> Walker:
    """A household whose case waits for its check at home over New Year: five working days, provisional."""
    walker = Walker(subject(VILLAGE), china("2026-12-29 10:00")).clue()
    for action in ("nominate", "sign_authorization"):
        walker.act(action)
    return walker


def recounted(walker: Walker, calendar: Calendar, definition: str = "household_case") -> Outcome | None:
    """Count a case anew as a run does."""
    case, lead = walker.latest(definition), actor("county_lead", VILLAGE)
    command = walker.command(ACTION, {}, (), "", case)
    outcome = recount(
        walker.rules.machine_of(case), walker.dossier, case, command, actor=lead, office=lead.offices[0],
        calendar=calendar, now=walker.now, note={"reason": "国办发明电〔2026〕号", "run": 1},
    )  # fmt: skip
    return walker.take(outcome) if outcome else None


def test_a_provisional_period_is_counted_by_the_notice() -> None:
    walker = told()
    before = walker.case.clocks["verify"]
    assert (before.limit, before.provisional, before.calendar) == ("5 working_days", True, CALENDAR.digest)
    found = {one.kind: one for one in shifts(walker.case, NOTICE, walker.now)}
    assert found["verify"].moves
    outcome = recounted(walker, NOTICE)
    assert outcome is not None
    after = walker.case.clocks["verify"]
    assert (before.due, after.due) == ("2027-01-05T16:00:00Z", "2027-01-06T16:00:00Z")
    assert (after.generation, after.start, after.provisional) == (2, before.start, False)
    assert after.calendar == NOTICE.digest
    body = walker.last
    assert body["action"] == ACTION
    moved = {row["kind"]: (row["from"], row["to"]) for row in body["changes"][NOTE]["after"]["moved"]}
    assert moved["verify"] == (before.due, after.due)
    assert body["changes"][NOTE]["after"]["reason"] == "国办发明电〔2026〕号"
    assert {(e["kind"], e["how"]) for e in body["deadlines"]["ended"]} == {(kind, "recounted") for kind in moved}
    assert walker.state == "verifying"
    assert shifts(walker.case, NOTICE, walker.now) == ()
    assert recounted(walker, NOTICE) is None


def test_what_stays_where_it_is_becomes_certain() -> None:
    walker = told()
    total = walker.case.clocks["id_total"]
    assert total.provisional
    found = {one.kind: one for one in shifts(walker.case, NOTICE, walker.now)}
    assert not found["id_total"].moves
    recounted(walker, NOTICE)
    assert (walker.case.clocks["id_total"].due, walker.case.clocks["id_total"].provisional) == (total.due, False)


def test_who_becomes_late_by_it_is_known() -> None:
    """A day that was thought off and is worked brings ends nearer."""
    walker = told()
    worked = replace(NOTICE, holidays=CALENDAR.holidays, workdays=NOTICE.workdays | {date(2027, 1, 2)})
    walker.now = china("2027-01-05 09:00")
    late = {one.kind for one in shifts(walker.case, worked, walker.now) if one.is_late_by_it(walker.now)}
    assert late == {"verify"}


def test_a_period_that_is_over_by_both_stays_as_it_was_told() -> None:
    walker = told()
    walker.now = china("2027-03-01 09:00")
    assert "verify" not in {one.kind for one in shifts(walker.case, NOTICE, walker.now)}


def test_a_minimum_is_never_shortened() -> None:
    walker = told()
    minimum = replace(walker.case.clocks["verify"], kind="publicity_min", bound="min")
    case = replace(walker.case, clocks={"publicity_min": minimum})
    sooner = replace(NOTICE, holidays=CALENDAR.holidays, workdays=NOTICE.workdays | {date(2027, 1, 2)})
    assert shifts(case, sooner, walker.now) == ()
    assert [one.moves for one in shifts(case, NOTICE, walker.now)] == [True]


def test_paused_periods_and_those_of_before_are_left() -> None:
    walker = told()
    verify = walker.case.clocks["verify"]
    paused = replace(verify, pauses=(("2026-12-30T02:00:00Z", ""),))
    old = replace(verify, limit="", calendar="", counting="")
    for clock in (paused, old):
        assert shifts(replace(walker.case, clocks={"verify": clock}), NOTICE, walker.now) == ()


def test_a_definition_of_before_does_not_know_the_act() -> None:
    rules = Walker(subject(VILLAGE)).rules
    before = rules.definitions["household_case"]
    old = without_recount(before)
    walker = Walker(subject(VILLAGE), china("2026-12-29 10:00"), Rules({**rules.definitions, old.id: old}, rules.packs))
    walker.clue()
    assert not can_recount(walker.rules.machine_of(walker.case))
    with pytest.raises(UnknownAction):
        recounted(walker, NOTICE)


def without_recount(definition: Definition) -> Definition:
    """A definition's text as it was before the act was known."""
    tables = json.loads(definition.text)
    tables["actions"] = [row for row in tables["actions"] if row["id"] != ACTION]
    return parse_definition(canonical(tables))
