"""Changes of rules on pages: rehearsed from a file, applied, taken back; mistakes are named and kept."""

import io
import re

import pytest

from app.services import rule_runs
from tests.factories import XIUSHAN
from tests.store.test_rule_runs import COUNTY, SHIPPED, STRICTER, install, standing
from tests.web.site import Browser, browser
from tests.world import World


@pytest.fixture
def lead(world: World) -> Browser:
    """The county's office before a screen, with two running households."""
    standing(world, "clue_open", "verifying")
    return browser(world, world.person("county_lead", XIUSHAN))


def send(one: Browser, text: str = "", on: str = "", lang: str = "") -> Browser:
    """Ask for a rehearsal by the form."""
    one.get("/changes")
    fields: dict[str, object] = {"county": COUNTY, "on": on}
    if text:
        fields["file"] = (io.BytesIO(text.encode()), "new.toml")
    return one.post("/changes", fields, follow=False)


def number(one: Browser) -> int:
    """The number of the run that an answer leads to."""
    assert one.last is not None
    found = re.search(r"/changes/([0-9]+)", one.last.headers["Location"])
    assert found
    return int(found[1])


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_file_is_rehearsed_and_told(world: World, lead: Browser, lang: str) -> None:
    lead.get("/").post("/language", {"lang": lang})
    assert send(lead, STRICTER).status == 303
    run = number(lead)
    assert lead.get(f"/changes/{run}").last is not None
    assert lead.last is not None
    assert lead.last.headers["Refresh"] == "2"
    rule_runs.work()
    text = lead.get(f"/changes/{run}").text
    assert {"zh": "最长15天", "en": "at most 15 days"}[lang] in text
    assert {"zh": "信息比对", "en": "Record the comparison"}[lang] in text
    assert {"zh": "未安装", "en": "not installed"}[lang] in text
    assert f"/changes/{run}/apply" not in text
    assert f"/changes/{run}" in lead.get("/changes").text


def test_a_change_is_applied_and_taken_back(world: World, lead: Browser) -> None:
    install(world, STRICTER)
    shown = number(send(lead))
    rule_runs.work()
    lead.get(f"/changes/{shown}").post(f"/changes/{shown}/apply", {"reason": " "})
    assert lead.status == 422
    assert "请写明理由" in lead.text
    lead.post(f"/changes/{shown}/apply", {"reason": "新办法施行"}, follow=False)
    changed = number(lead)
    rule_runs.work()
    assert "已有 4 件改用新规则" in lead.get(f"/changes/{changed}").text
    case = lead.get("/cases/500241H0000001-C1").text
    assert "新办法施行" in case
    assert "由 最长15天（S4 第17条） 改为 最长10天（S4 第17条）" in case
    assert f"/changes/{shown}/apply" not in lead.get(f"/changes/{shown}").text
    lead.get(f"/changes/{changed}").post(f"/changes/{changed}/revert", {"reason": "暂缓施行"}, follow=False)
    back = number(lead)
    rule_runs.work()
    assert "已有 4 件改回原规则" in lead.get(f"/changes/{back}").text


@pytest.mark.parametrize(
    ("text", "on", "told"),
    [
        (SHIPPED.replace("amount = 10", "amount = 0").replace("amount = 15", "amount = -1"), "", "有 3 处错误"),
        ("id = 3 [", "", "有 1 处错误"),
        ("", "31.12.2026", "日期应写成"),
    ],
)
def test_mistakes_are_named_and_nothing_is_asked(world: World, lead: Browser, text: str, on: str, told: str) -> None:
    assert send(lead, text, on).status == 422
    assert told in lead.text
    assert rule_runs.runs(world.person("county_lead")) == []


def test_a_household_that_met_trouble_is_named_without_a_dead_link(
    world: World, lead: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(world, STRICTER)
    shown = number(send(lead))
    rule_runs.work()
    lead.get(f"/changes/{shown}").post(f"/changes/{shown}/apply", {"reason": "新办法施行"}, follow=False)
    changed = number(lead)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(rule_runs, "repin", broken)
    rule_runs.work()
    text = lead.get(f"/changes/{changed}").text
    assert "500241H0000001" in text
    assert "/cases/500241H0000001" not in text
