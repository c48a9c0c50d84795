"""Several cases at once on the desk: boxes where nothing differs from case to case, and what became of each."""

import re

from tests.web.site import Browser, browser
from tests.world import StoredWalker, World

BOX = re.compile(r'type="checkbox" name="case" value="([^"]+)"( checked)?')
KEY = re.compile(r'name="key" value="([^"]+)"')


def waiting(world: World, count: int) -> list[StoredWalker]:
    """Households that wait for the county."""
    walkers = [world.walker(serial).clue().walk("county_review") for serial in range(1, count + 1)]
    world.now = max(walker.now for walker in walkers)
    return walkers


def chosen(lead: Browser, boxes: list[str]) -> Browser:
    """The page with the chosen cases."""
    return lead.get("/desk/acts/county_approve?" + "&".join(f"case={box}" for box in boxes))


def test_chosen_on_the_desk_and_done_at_once(world: World) -> None:
    walkers = waiting(world, 3)
    lead = browser(world, world.person("county_lead")).get("/desk")
    boxes = [value for value, _ in BOX.findall(lead.text)]
    assert sorted(boxes) == [f"{w.case.number}~{w.case.seq}" for w in walkers]
    assert 'formaction="/desk/acts/county_approve"' in lead.text
    assert all(checked for _, checked in BOX.findall(lead.get("/desk?ticked=1").text))
    assert len(BOX.findall(chosen(lead, boxes[:2]).text)) == 2
    sent = {"case": boxes[:2], "opinion": "同意", "key": KEY.findall(lead.text)[0]}
    assert "已办成2件" in lead.post("/desk/acts/county_approve", sent).text
    assert "此前已办成" in lead.post("/desk/acts/county_approve", sent).text
    states = []
    for walker in walkers:
        walker.refresh()
        states.append(walker.case.state)
    assert sorted(states) == ["announcing", "announcing", "county_review"]


def test_each_refusal_is_told_with_its_reason(world: World) -> None:
    first, second = waiting(world, 2)
    lead = browser(world, world.person("county_lead")).get("/desk")
    boxes = [value for value, _ in BOX.findall(lead.text)]
    first.now = world.now
    first.act("county_approve")
    page = chosen(lead, boxes)
    answer = page.post("/desk/acts/county_approve", {"case": boxes, "opinion": "同意", "key": "k"})
    assert answer.status == 200
    assert "已办成1件" in answer.text
    assert "未办成1件" in answer.text
    assert "<code>stale</code>" in answer.text
    second.refresh()
    assert second.case.state == "announcing"


def test_what_is_missing_is_said_and_nothing_is_done(world: World) -> None:
    (walker,) = waiting(world, 1)
    lead = browser(world, world.person("county_lead"))
    boxes = [f"{walker.case.number}~{walker.case.seq}"]
    answer = chosen(lead, boxes).post("/desk/acts/county_approve", {"case": boxes, "opinion": " ", "key": "k"})
    assert (answer.status, answer.code) == (422, "missing_field")
    walker.refresh()
    assert walker.case.state == "county_review"


def test_no_boxes_where_each_case_needs_its_own_words(world: World) -> None:
    world.walker(1).clue()
    cadre = browser(world, world.person("village_cadre")).get("/desk")
    assert BOX.findall(cadre.text) == []
    assert cadre.get("/desk/acts/nominate?case=500241H0000001-C1~1").status == 404
    assert cadre.get("/desk/acts/nominate").status == 302
    assert cadre.get("/desk/acts/no_such?case=x~y").status == 404


def test_english_pages_are_whole(world: World) -> None:
    waiting(world, 1)
    lead = browser(world, world.person("county_lead"))
    lead.post("/language", {"lang": "en"})
    boxes = [value for value, _ in BOX.findall(lead.get("/desk").text)]
    assert "With those ticked" in lead.text
    assert "1 cases at once" in chosen(lead, boxes).text
    answer = lead.post("/desk/acts/county_approve", {"case": boxes, "opinion": "agreed", "key": "k"})
    assert "Done: 1." in answer.text
