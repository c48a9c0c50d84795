"""The income sheet: borders of windows, whole fen, and that line, dibao and assets decide nothing."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.factories import FENGDU, HAINAN, SUINING, XIUSHAN, Walker, rules, subject, walker
from workflows.errors import BadValue, MissingField, NeedsExplanation, NeedsJudgement
from workflows.income import (
    PARAMETERS,
    IncomeRule,
    fill,
    is_inside,
    is_part,
    position,
    recount,
    rule_of,
    suggested,
    window,
)
from workflows.journal import canonical
from workflows.policy import parse_pack
from workflows.registry import Rules

DAYS = st.dates(date(2000, 3, 1), date(2099, 12, 31))
FEN = st.integers(0, 10**12)
YEAR_BORDERS = [f"{month:02}-{day:02}" for month in range(1, 13) for day in (1, 15, 28)]


class TestWindow:
    @given(DAYS, st.integers(1, 36))
    def test_months_are_whole_and_end_with_the_month_before(self, day: date, months: int) -> None:
        found = window(f"{months} months", day)
        assert found.first.day == 1
        assert found.last + timedelta(days=1) == day.replace(day=1)
        count = (day.year - found.first.year) * 12 + day.month - found.first.month
        assert count == months

    @given(DAYS, st.sampled_from(YEAR_BORDERS))
    def test_a_year_has_ended_and_the_next_one_has_not(self, day: date, border: str) -> None:
        found = window(f"year from {border}", day)
        assert f"{found.first:%m-%d}" == border
        following = found.last + timedelta(days=1)
        assert following == found.first.replace(year=found.first.year + 1)
        assert following <= day < following.replace(year=following.year + 1)

    @pytest.mark.parametrize("rule", ["", "12", "0 months", "100 months", "year", "year from 13-01", "year from 02-29"])
    def test_nothing_else_is_a_window(self, rule: str) -> None:
        with pytest.raises(ValueError, match=r"window|month|day"):
            window(rule, date(2025, 1, 1))


def rule_at(area: str = XIUSHAN, day: date = date(2026, 3, 2)) -> IncomeRule:
    found = rule_of(rules().pack_for(area, day), day)
    assert found is not None
    return found


FIGURES = st.fixed_dictionaries(
    {"income_members": st.integers(1, 30), "income_wage": FEN, "income_business": FEN, "income_property": FEN,
     "income_transfer": FEN, "business_cost": FEN},
    optional={"expense_school": FEN, "insurance_claims": FEN, "selfpaid_expense": FEN, "transfer_expense": FEN},
)  # fmt: skip
KINDS = st.sampled_from(["ordinary", "former_poor", "five_noes", "low_income"])


class TestSheet:
    @given(FIGURES, KINDS, st.sampled_from([XIUSHAN, FENGDU, HAINAN, SUINING]))
    def test_per_head_is_the_total_in_whole_fen(self, values: dict[str, int], kind: str, area: str) -> None:
        rule = rule_at(area)
        sheet = fill(rule, values, kind)
        total = sum(values.get(n, 0) for n in rule.value("income_adds"))
        total -= sum(values.get(n, 0) for n in rule.value("income_takes"))
        assert sheet["total"] == total
        assert sheet["per_head"] * sheet["members"] <= total < (sheet["per_head"] + 1) * sheet["members"]
        assert json.loads(canonical(sheet)) == sheet  # whole numbers and texts only: canonical JSON knows no float
        inside = is_inside(sheet["per_head"], sheet["line"], included=sheet["line_included"])
        assert (sheet["inside"], sheet["suggested"]) == (inside, suggested(kind, inside=inside))

    @given(FIGURES, FIGURES, KINDS)
    def test_a_recount_changes_figures_and_no_rule(self, one: dict[str, int], other: dict[str, int], kind: str) -> None:
        rule = rule_at()
        again = recount(fill(rule, one, kind), other, kind)
        assert again == fill(rule, other, kind)

    @given(st.integers(-(10**9), 10**9), st.integers(0, 10**9), st.integers(0, 100))
    def test_near_is_a_band_around_the_line(self, income: int, line: int, percent: int) -> None:
        found = position(income, line, near=percent)
        assert (found == "near") == (abs(income - line) * 100 <= percent * line)
        assert found == "near" or (found == "below") == (income < line)

    @pytest.mark.parametrize(
        ("kind", "inside", "category"),
        [("former_poor", True, "unstable_alleviated"), ("ordinary", True, "marginal_vulnerable"),
         ("former_poor", False, "sudden_hardship"), ("ordinary", False, "sudden_hardship")],
    )  # fmt: skip
    def test_what_the_line_points_to(self, kind: str, category: str, *, inside: bool) -> None:
        assert suggested(kind, inside=inside) == category


def verify(w: Walker, data: dict[str, Any], without: list[str] | None = None) -> None:
    """Verify with some facts that are named only when the test runs."""
    w.act("verify", without=without or [], **data)


class TestVerification:
    def test_seals_figures_and_the_parameters_with_their_clauses(self) -> None:
        w = walker(FENGDU).clue().walk("verifying")
        w.act("verify", transfer_expense=300_000)
        sheet = w.case.fields["income_sheet"]
        assert (sheet["per_head"], sheet["members"], sheet["basis"]) == (800_000, 3, "disposable")
        assert (sheet["from"], sheet["to"], sheet["line"]) == ("2025-03-01", "2026-02-28", 830_000)
        assert sheet["clauses"]["income_basis"] == "S2 第五章第一节"
        assert sheet["clauses"]["income_line"] == ""  # no source names the line of 2026: our default
        assert {"S2 第五章第一节", "W15 核算期", "N1 家庭范围"} <= set(w.last["clauses"])
        assert w.last["changes"]["income_sheet"]["after"] == sheet
        assert w.case.fields["income_per_head"] == 800_000
        w.check()

    def test_an_amount_left_empty_is_nothing_and_can_be_corrected(self) -> None:
        w = walker().clue().walk("verifying")
        w.act("verify", without=["business_cost"])
        assert w.case.fields["business_cost"] == 0
        before = w.case.fields["income_per_head"]
        w.act("correct", "village_cadre", corrected_field="business_cost", corrected_value=300_000)
        assert w.case.fields["income_per_head"] == before - 100_000
        assert w.case.fields["income_sheet"]["takes"]["business_cost"] == 300_000

    @pytest.mark.parametrize("members", [0, -1, None, "3"])
    def test_needs_somebody_to_share(self, members: Any) -> None:
        w = walker().clue().walk("verifying")
        with pytest.raises(MissingField if members is None else BadValue):
            w.act("verify", income_members=members)

    def test_nobody_types_or_corrects_the_figure_per_head(self) -> None:
        w = walker().clue().walk("verifying")
        assert "income_per_head" not in w.allowed(w.actor("village_cadre"))["verify"].fields
        w.act("verify", income_per_head=1)
        assert w.case.fields["income_per_head"] == 900_000
        assert is_part(w.case.fields["income_sheet"], "income_wage")
        with pytest.raises(BadValue):
            w.act("correct", "village_cadre", corrected_field="income_per_head", corrected_value=1)

    def test_another_category_than_the_line_s_needs_reasons(self) -> None:
        w = walker().clue().walk("verifying")  # nominated as unstable; 9,000 yuan lie above the line
        with pytest.raises(NeedsJudgement) as refused:
            w.act("verify", without=["judgement"])
        assert refused.value.params["suggested"] == "sudden_hardship"
        w.act("verify", judgement="支出远超承受能力")
        assert w.case.fields["income_sheet"]["suggested"] == "sudden_hardship"

    def test_the_category_of_the_line_needs_none(self) -> None:
        w = walker()
        w.extra["category"] = "marginal_vulnerable"
        w.clue().walk("verifying").act("verify", without=["judgement"], income_wage=300_000)
        assert "judgement" not in w.case.fields

    def test_at_elimination_nobody_is_asked_about_category_and_assets(self) -> None:
        w = walker().include().assist().wait(days=200).clue("eliminate").walk("verifying")
        asked = w.allowed(w.actor("village_cadre"))["verify"].fields
        assert not {"judgement", "asset_flags", "asset_note", "social_aid"} & set(asked)
        assert {"income_members", "income_wage"} <= set(asked)

    @pytest.mark.parametrize("fact", ["education", "medical", "housing", "water"])
    def test_a_guarantee_that_is_open_needs_a_remark(self, fact: str) -> None:
        w = walker().clue().walk("verifying")
        with pytest.raises(NeedsExplanation):
            verify(w, {f"{fact}_safe": False}, without=[f"{fact}_remark"])
        verify(w, {f"{fact}_safe": False, f"{fact}_remark": "屋顶漏水"})
        assert w.case.fields[f"{fact}_safe"] is False

    def test_an_asset_asks_for_an_explanation_and_refuses_nobody(self) -> None:
        w = walker().clue().walk("verifying")
        with pytest.raises(NeedsExplanation) as refused:
            w.act("verify", asset_flags=["car"])
        assert refused.value.params == {"field": "asset_note", "question": "asset_flags"}
        w.act("verify", asset_flags=["car", "deposit"], asset_note="车是运货用的")
        w.act("verify", "resident_team")
        w.walk()
        assert w.status == "active"


class TestPortrait:
    """S3: new dibao, scattered 特困, the margin of dibao: a portrait first, then the test by procedure."""

    FIELDS = ("portrait_income", "portrait_illness", "portrait_school", "portrait")

    @pytest.mark.parametrize("source", ["dibao_applicant", "scattered_support", "dibao_margin"])
    def test_comes_with_the_nomination(self, source: str) -> None:
        w = walker(SUINING).clue(clue_source=source)
        assert set(self.FIELDS) <= set(w.allowed(w.actor("village_cadre"))["nominate"].fields)
        with pytest.raises(MissingField):
            w.act("nominate", without=["portrait"])
        w.walk()
        assert (w.status, w.case.fields["portrait_illness"]) == ("active", 1_200_000)

    @pytest.mark.parametrize("area", [SUINING, XIUSHAN])
    def test_is_asked_of_nobody_else(self, area: str) -> None:
        w = walker(area).clue(clue_source="self_report")
        assert not set(self.FIELDS) & set(w.allowed(w.actor("village_cadre"))["nominate"].fields)


AIDS = st.sampled_from(["none", "dibao", "dibao_applicant", "special_support", "dibao_margin"])
FLAGS = st.lists(
    st.sampled_from(["town_house", "car", "company", "public_member", "deposit", "village_cadre", "split"]), unique=True
)
ROLES = ("village_cadre", "resident_team", "township_officer", "township_leader", "county_lead", "sector_dept")
SOURCES = {SUINING: ["self_report", "dibao_applicant", "scattered_support", "dibao_margin"]}


def may(w: Walker) -> dict[tuple[str, str], tuple[str, tuple[str, ...]]]:
    """What each role may do now, with the reason why not and what it is warned of."""
    return {
        (role, action): (item.refusal.code if item.refusal else "allowed", item.warnings)
        for role in ROLES
        for action, item in w.allowed(w.actor(role)).items()
    }


@settings(max_examples=25)
@given(st.data(), AIDS, FLAGS, st.sampled_from([XIUSHAN, FENGDU, SUINING, HAINAN]))
def test_dibao_and_assets_never_change_what_may_be_done(data: Any, aid: str, flags: list[str], area: str) -> None:
    """A household without and one with them: at each step the same acts, reasons and warnings; both come in."""
    plain, marked = walker(area), walker(area)
    plain.extra["social_aid"] = "none"
    marked.extra |= {"social_aid": aid, "asset_flags": flags, "asset_note": "已说明"}
    plain.clue(clue_source="self_report")
    marked.clue(clue_source=data.draw(st.sampled_from(SOURCES.get(area, ["self_report"]))))
    while not plain.case.closed:
        assert may(plain) == may(marked)
        one_step(plain)
        one_step(marked)
    assert (plain.state, marked.status) == (marked.state, "active")


def one_step(w: Walker) -> None:
    """Complete what the case waits for, with the steps beside it."""
    machine = w.rules.machine_of(w.case)
    for beside in machine.beside(w.state):
        if beside.id not in w.case.fields.get("_done", []):
            w.step(beside.action)
    step = machine.step_at(w.state)
    assert step is not None
    w.step(step.action)


def test_a_pack_kept_from_before_goes_on_as_ever() -> None:
    """Without the parameters nothing new is asked: income per head is typed, no sheet is sealed."""
    known = rules()
    tables = json.loads(known.packs["500241-xiushan"].text)
    for name in ("asks", "fields"):
        tables.pop(name)
    tables["parameters"] = [row for row in tables["parameters"] if row["id"] not in PARAMETERS]
    tables["conditions"] = [row for row in tables["conditions"] if "purposes" not in row]
    pack = parse_pack(canonical(tables))
    w = Walker(subject(), using=Rules(known.definitions, {pack.id: pack})).clue().walk("verifying")
    assert w.allowed(w.actor("village_cadre"))["verify"].fields == (
        "visited_on", "income_per_head", "selfpaid_expense", "labour_members", "education_safe", "medical_safe",
        "housing_safe", "water_safe", "opinion",
    )  # fmt: skip
    w.walk()
    assert w.status == "active"
    assert not {"income_sheet", "warnings"} & w.case.fields.keys()
    w.act("correct", "village_cadre", corrected_field="income_per_head", corrected_value=640_000)
    assert w.case.fields["income_per_head"] == 640_000
