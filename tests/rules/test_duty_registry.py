"""The timer registry of the domain notes, row by row: each is a timer with a limit or a duty that the ledger keeps."""

from datetime import date

import pytest

from tests.factories import FENGDU, SUINING, XIUSHAN, rules
from workflows.clock import CalendarDays, Recurring, Window, WorkingDays
from workflows.duties import WARNING, in_force

NATION = "110000000000"  # a place without a pack of its own
ON = date(2026, 6, 1)
TIMERS = {
    "id_total": "household_case.id_total", "clue_accept": "household_case.clue_accept",
    "verify": "household_case.verify", "compare": "household_case.compare",
    "publicity_min": "household_case.publicity_min", "township_audit": "household_case.township_audit",
    "county_review": "household_case.county_review", "refusal_notice": "household_case.refusal_notice",
    "assign_helper": "assist.assign_helper", "plan": "assist.plan", "first_measure": "assist.first_measure",
    "visit_open": "assist.visit_open", "visit_stable": "assist.visit_stable", "observe": "monitor_status.observe",
}  # fmt: skip
# (id, where, household or area, each period or event)
DUTIES = [
    ("contact_stable", NATION, "household", "month"), ("visit_former_poor", NATION, "household", "quarter"),
    ("evaluate", NATION, "household", "quarter"), ("risk_study", NATION, "household", "quarter"),
    ("elim_review", NATION, "household", "quarter"), ("warn_verify", FENGDU, "township", CalendarDays(3)),
    ("warn_rectify", FENGDU, "township", CalendarDays(10)), ("issue_zero", XIUSHAN, "county", "month"),
    ("care_general", XIUSHAN, "village", "month"), ("care_special", XIUSHAN, "village", "week"),
    ("data_copy", SUINING, "county", "month"), ("dibao_adjust", SUINING, "township", "month"),
    ("disclose", NATION, "household", WorkingDays(20)), ("water_test", FENGDU, "county", "half_year"),
    ("campaign_q2", FENGDU, "village", Window((4, 1), (6, 30))),
    ("campaign_q4", FENGDU, "village", Window((10, 1), (12, 31))),
    ("campaign_visit_03", FENGDU, "household", Window((3, 1), (3, 31))),
    ("campaign_visit_08", XIUSHAN, "household", Window((8, 1), (8, 31))),
    ("campaign_visit_11", XIUSHAN, "household", Window((11, 1), (11, 30))),
    # What the issue names besides the registry.
    ("team_visit", NATION, "household", "month"), ("survey_monthly", NATION, "village", "month"),
    ("income_account", NATION, "household", "year"), ("plan_yearly", NATION, "household", "year"),
    ("patron_check", NATION, "village", "month"), ("unit_visit", NATION, "village", "quarter"),
    ("rounds_village", NATION, "household", "year"), ("rounds_township", XIUSHAN, "village", "year"),
    ("rounds_county", XIUSHAN, "township", "year"), ("county_study", FENGDU, "county", "quarter"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "timer"), TIMERS.items())
def test_a_timer_has_a_limit_or_its_condition(name: str, timer: str) -> None:
    definition, _, own = timer.partition(".")
    assert own in rules().definitions[definition].timers
    assert any(pack.limits_of(timer) for pack in rules().packs.values()), name


def test_the_least_age_at_elimination_is_a_condition() -> None:
    assert any(condition.id == "min_age" for condition in rules().pack_for(NATION, ON).conditions)


@pytest.mark.parametrize(("name", "place", "subject", "when"), DUTIES)
def test_a_duty_is_kept(name: str, place: str, subject: str, when: object) -> None:
    duty = rules().pack_for(place, ON).duty(name, ON)
    assert duty is not None
    assert (duty.is_run, duty.subject) == (True, subject)
    if isinstance(when, str):
        assert isinstance(duty.duration, Recurring)
        assert duty.duration.every == when
    else:
        assert duty.duration == when
    assert duty.is_recurring != bool(duty.events)
    assert (duty.events == (WARNING,)) == name.startswith("warn_")
    assert duty.coverage == name.startswith("rounds_")


def test_the_fifth_is_the_last_day_and_care_is_twice_a_month() -> None:
    suining, xiushan = rules().pack_for(SUINING, ON), rules().pack_for(XIUSHAN, ON)
    assert {row.duration for row in suining.duties if row.id in ("data_copy", "dibao_adjust")} == {
        Recurring("month", 1, 5)
    }
    (care,) = [row for row in xiushan.duties if row.id == "care_general"]
    assert care.duration == Recurring("month", 2)


def test_every_shipped_duty_is_kept_but_one() -> None:
    """Wenshan is a city inside Yunnan for which there is no pack: its row is listed, and no other place's."""
    listed = {row.id for pack in rules().packs.values() for row in in_force(pack.duties, ON) if not row.is_run}
    assert listed == {"disclose_wenshan"}


def test_telephone_counts_for_the_team_and_never_for_the_helper_s_visit() -> None:
    pack = rules().pack_for(XIUSHAN, ON)
    team, rounds = pack.duty("team_visit", ON), pack.duty("rounds_village", ON)
    assert team is not None
    assert rounds is not None
    assert ("phone" in team.modes, "phone" in rounds.modes) == (True, False)
    assert pack.parameter("visit_modes", ON).value == ["home"]
