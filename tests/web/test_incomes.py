"""The verify form with its income sheet: what it says beforehand, errors that keep what was typed, the case page."""

import re
from typing import Any

import pytest

from tests.factories import SUINING
from tests.web.filling import typed
from tests.web.site import Browser, browser
from tests.world import StoredWalker, World

FILES = ("visit_photo", "collection_form")


@pytest.fixture
def walker(world: World) -> StoredWalker:
    """A household whose verification waits, of a category that the line does not point to."""
    found = world.walker().clue().walk("verifying")
    world.now = found.now
    return found


def page_of(walker: StoredWalker) -> tuple[Browser, str, dict[str, Any]]:
    form = walker.rules.machine_of(walker.case).step_of("verify")
    assert form is not None
    path = f"/cases/{walker.case.number}/acts/verify"
    return browser(walker.place, walker.actor("village_cadre")), path, typed(form.fields, walker)


def test_the_form_says_window_basis_and_line_before_a_figure_is_typed(walker: StoredWalker) -> None:
    one, path, _ = page_of(walker)
    text = one.get(path).text
    assert "2025-03-01 至 2026-02-28" in text
    assert "人均纯收入" in text
    assert "8,300 元（含）" in text
    assert "收入线只作参考" in text
    assert 'name="income_per_head"' not in text
    assert text.index("核算期内家庭收入") < text.index("三保障和饮水安全") < text.index("救助和资产情况")


def test_a_missing_explanation_is_marked_and_nothing_typed_is_lost(walker: StoredWalker) -> None:
    one, path, data = page_of(walker)
    data |= {"asset_flags": ["car", "deposit"], "opinion": "独特的一句话", "income_wage": "21,000.05"}
    one.move(path, data, FILES)
    assert (one.status, one.code) == (422, "needs_explanation")
    assert "“资产线索”需要说明" in one.text
    assert re.search(r'id="e-asset_note">请写明情况', one.text)
    for kept in ("独特的一句话", "21,000.05", 'value="car" checked', 'value="deposit" checked'):
        assert kept in one.text
    assert one.text.count('name="have.') == len(FILES)
    one.post(path, {**data, **one.hidden(), "asset_note": "车用于拉货", **haves(one)})
    walker.refresh()
    assert one.status == 200, one.text
    assert walker.case.fields["income_per_head"] == (2_100_005 + 900_000 + 100_000 - 400_000) // 3


def haves(one: Browser) -> dict[str, str]:
    """The files that a refused form has kept."""
    return dict(re.findall(r'name="(have\.[a-z_]+)" value="([0-9a-f]{64})"', one.text))


def test_a_category_off_the_line_asks_for_reasons(walker: StoredWalker) -> None:
    one, path, data = page_of(walker)
    data.pop("judgement")
    one.move(path, data, FILES)
    assert (one.status, one.code) == (422, "needs_judgement")
    assert "提名类别“脱贫不稳定户”与收入参考线提示的“突发严重困难户”不一致" in one.text
    assert 'id="e-judgement"' in one.text


def test_the_case_page_shows_the_sheet_and_what_decides_nothing(walker: StoredWalker) -> None:
    one, path, data = page_of(walker)
    one.move(path, {**data, "asset_flags": ["car"], "asset_note": "车用于拉货", "social_aid": "dibao"}, FILES)
    text = browser(walker.place, walker.actor("township_officer")).get(f"/cases/{walker.case.number}").text
    for said in (
        "家庭收入核算",
        "9,000 元",
        "参考线附近",
        "小汽车等非生产车辆",
        "车用于拉货",
        "农村低保",
        "突发严重困难户",
    ):
        assert said in text, said
    part = browser(walker.place, walker.actor("sector_dept")).get(f"/cases/{walker.case.number}").text
    assert "家庭收入核算" not in part
    assert "车用于拉货" not in part


def test_a_refusal_says_what_is_no_ground_for_it(world: World) -> None:
    walker = world.walker(area=SUINING).clue().walk("verifying")
    world.now = walker.now
    one = browser(world, walker.actor("village_cadre"))
    text = one.get(f"/cases/{walker.case.number}/acts/refuse").text
    assert "“社会救助情况”不得作为不予认定的理由" in text
    assert "绥农发〔2024〕5号" in text
    assert "不得作为" not in one.get(f"/cases/{walker.case.number}/acts/return_case").text


def test_the_portrait_is_asked_of_its_sources(world: World) -> None:
    walker = world.walker(area=SUINING).clue(clue_source="dibao_margin")
    world.now = walker.now
    one = browser(world, walker.actor("village_cadre"))
    text = one.get(f"/cases/{walker.case.number}/acts/nominate").text
    assert "一户一画像" in text
    assert 'name="portrait_school"' in text
