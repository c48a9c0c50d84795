"""Pages about now speak in today's words, the acts on them in those of their own day; API, notices and sheets too."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.labels import Labels, Speech
from app.services.export import export_households
from app.services.staff import export_staff
from app.tables import db
from tests.factories import XIUSHAN, rules
from tests.web.site import add_pages, browser
from tests.world import StoredWalker, World

OLD, NEW = datetime(2024, 12, 2, 2, 0, tzinfo=UTC), datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


@pytest.fixture
def world(migrated_url: str, tmp_path: Path) -> Iterator[World]:
    """An installation whose clock stands in December 2024."""
    one = add_pages(World(migrated_url, tmp_path, now=OLD))
    with one.app.app_context():
        yield one
        db.session.remove()
    one.close()


@pytest.fixture
def old(world: World) -> StoredWalker:
    """A case compared by the county's lead office in 2024, which waits for its approval in 2026."""
    walker = world.walker().clue().walk("comparing")
    walker.act("record_comparison", "county_lead")
    walker.walk("county_review")
    world.now = NEW
    return walker


@pytest.mark.parametrize(
    ("lang", "then", "now"),
    [
        ("zh", "县乡村振兴局人员", "县农业农村委人员"),
        ("en", "officer of the county rural revitalization bureau",
         "officer of the county commission of agriculture and rural affairs"),
    ],
)  # fmt: skip
def test_a_case_page_in_2026_of_a_case_of_2024(world: World, old: StoredWalker, lang: str, then: str, now: str) -> None:
    one = browser(world, world.person("township_leader"))
    one.get("/desk").post("/language", {"lang": lang, "back": f"/cases/{old.case.number}"})
    assert then in one.text  # who compared
    assert now in one.text  # whom it waits for today


def test_the_foot_and_the_kind_of_case_follow_the_day(world: World, old: StoredWalker) -> None:
    one = browser(world, world.person("township_leader"))
    page = re.sub("《[^》]*》", "", one.get(f"/cases/{old.case.number}").text)  # titles of documents stay as they are
    assert "常态化防止返贫致贫 ·" in page
    assert "防止返贫动态监测和帮扶" not in page


def test_labels_of_an_entry_are_those_of_its_day(world: World, old: StoredWalker) -> None:
    with world.app.test_request_context():
        labels = Labels(Speech("zh", NEW.date(), XIUSHAN), rules().machine_of(old.case))
        pins = {"definition": f"x:{old.case.definition_digest}", "policy": f"x:{old.case.policy_digest}"}
        entry = {"at": "2024-12-09T02:00:00Z", "county": "500241", **pins}
        assert labels.field("category") == "防止返贫致贫对象类别"
        assert labels.of_act(entry).field("category") == "监测对象类别"
        assert labels.definition() == "防止返贫致贫对象认定与风险消除"
        assert labels.of_act(entry).definition() == "监测对象认定与风险消除"


def test_whoever_reads_from_outside_sees_the_places_words(world: World) -> None:
    with world.app.test_request_context():
        city = Speech("zh", NEW.date(), "500000000000")
        act = city.of_act("2023-05-02T02:00:00Z", policy="x:unknown", county="500241")
        assert city.role("county_lead") == "县农业农村委人员"
        assert act.role("county_lead") == "县乡村振兴局人员"
        assert act.say("office.education") == "县教委"


def test_a_notice_speaks_as_on_the_day_it_was_posted(world: World) -> None:
    walker = world.walker()
    walker.now = datetime(2025, 12, 29, 2, 0, tzinfo=UTC)
    walker.clue().walk("publicizing")
    world.now = datetime(2026, 1, 2, 2, 0, tzinfo=UTC)
    text = browser(world, world.person("village_cadre")).get(f"/notices/{XIUSHAN}").text
    assert "拟认定为监测对象的农户" in text
    assert "防止返贫致贫对象" not in text.partition("<main")[2]


def test_sheets_name_offices_and_the_group_as_today(world: World) -> None:
    world.household()
    clerk = world.person("county_lead")
    admin = world.person("admin")
    was, present = ("县乡村振兴局人员", "监测对象类别"), ("县农业农村委人员", "防止返贫致贫对象类别")
    for now, (role, heading) in ((OLD, was), (NEW, present)):
        world.now = now
        cells = [cell for row in export_staff(admin) for cell in row]
        assert role in cells
        assert heading in next(iter(export_households(clerk)))


def test_a_hundred_labels_of_a_list_are_looked_up_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with world.app.test_request_context():
        words = Speech("zh", NEW.date(), XIUSHAN)
        assert words.role("county_lead") == "县农业农村委人员"
        monkeypatch.setattr("workflows.terms.Terms.wording", None)
        assert {words.role("county_lead") for _ in range(100)} == {"县农业农村委人员"}
