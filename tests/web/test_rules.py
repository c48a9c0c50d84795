"""The rules for everybody who is logged in: pages, SVG, PDF, and the diagram on a case's page."""

import re
from dataclasses import replace

import pytest

from app.runtime import runtime
from tests.factories import FENGDU, XIUSHAN
from tests.web.site import browser
from tests.web.test_rights import ROLES
from tests.world import World

PACK = "/rules/500241-xiushan"
PLACES = (
    "/rules",
    PACK,
    f"{PACK}/draw/household_case",
    f"{PACK}/draw/assist",
    f"{PACK}/handbook",
    f"{PACK}/matrix",
    f"{PACK}/clauses",
    f"{PACK}/draw/monitor_status.svg",
    "/rules/national/matrix",
)
CONTROL = re.compile(r'<svg[^>]* class="diagram (wide|narrow)"')


@pytest.mark.parametrize("role", ROLES)
def test_everybody_who_is_logged_in_reads_the_rules(world: World, role: str) -> None:
    one = browser(world, world.person(role))
    for path in PLACES:
        assert one.get(path).status == 200, (role, path)


def test_a_stranger_is_sent_to_the_log_in_page(world: World) -> None:
    one = browser(world)
    for path in PLACES:
        one.get(path)
        assert one.status == 302, path
        assert one.last is not None
        assert "/login" in one.last.headers["Location"]


def test_the_list_begins_with_the_pack_of_the_readers_place(world: World) -> None:
    people = {area: browser(world, world.person("village_cadre", area)) for area in (XIUSHAN, FENGDU)}
    found = {area: re.findall(r'href="/rules/([^"]+)"', one.get("/rules").text) for area, one in people.items()}
    assert found[XIUSHAN][0] == "500241-xiushan"
    assert found[FENGDU][0] == "500230-fengdu"
    assert set(found[XIUSHAN]) == set(found[FENGDU]) >= {"national", "460000-hainan"}


@pytest.mark.parametrize(
    "path",
    [
        "/rules/nowhere",
        f"{PACK}/draw/nothing",
        f"{PACK}/draw/nothing.svg",
        f"{PACK}/cookbook",
        f"{PACK}/cookbook.pdf",
        "/rules/" + "0" * 64,
        "/rules/..%2f..%2fetc",
    ],
)
def test_what_is_not_there_is_not_found(world: World, path: str) -> None:
    assert browser(world, world.person("village_cadre")).get(path).status == 404


def test_a_diagram_stands_in_both_shapes_with_title_and_words(world: World) -> None:
    one = browser(world, world.person("village_cadre")).get(f"{PACK}/draw/household_case")
    assert CONTROL.findall(one.text) == ["wide", "narrow"] * 2
    ids = re.findall(r'<(?:title|desc) id="([^"]+)"', one.text)
    assert len(ids) == len(set(ids)) == 8
    assert "style=" not in one.text  # the content policy forbids styles within a page
    assert "签署：村干部、驻村工作队员，须2人共同签署" in one.text


def test_an_svg_file_needs_nothing_else(world: World) -> None:
    one = browser(world, world.person("helper")).get(f"{PACK}/draw/household_case.svg?purpose=eliminate")
    assert one.last is not None
    assert one.last.headers["Content-Type"].startswith("image/svg+xml")
    assert one.text.startswith("<svg")
    assert "风险消除" in one.text
    assert "href" not in one.text


def test_the_handbook_prints(world: World) -> None:
    one = browser(world, world.person("auditor")).get(f"{PACK}/matrix.pdf")
    assert one.last is not None
    assert one.last.headers["Content-Type"] == "application/pdf"
    assert one.last.get_data().startswith(b"%PDF")
    assert "500241-xiushan-matrix-" in one.last.headers["Content-Disposition"]


def test_a_cases_page_shows_where_it_stands_what_was_done_and_what_is_next(world: World) -> None:
    walker = world.walker().clue().walk("publicizing")
    world.now = walker.now
    one = browser(world, world.person("village_cadre")).get(f"/cases/{walker.case.number}")
    assert "流程图：现在“村内公示中”，下一步“待乡镇联合审核”" in one.text
    assert CONTROL.findall(one.text) == ["narrow"]
    assert "● 现在在这里" in one.text
    handbook = re.search(r'href="(/rules/[0-9a-f]{64}/handbook)"', one.text)
    assert handbook
    assert one.get(handbook[1]).status == 200
    assert walker.case.policy_digest[:12] in one.text


@pytest.mark.parametrize("letter", ["S", "A"])
def test_the_other_cases_of_a_household_have_their_diagram_too(world: World, letter: str) -> None:
    walker = world.walker().clue().walk("concluded")
    world.now = walker.now
    number = walker.case.number.rpartition("-")[0] + f"-{letter}1"
    one = browser(world, world.person("village_cadre")).get(f"/cases/{number}")
    assert "流程图：" in one.text
    assert "● 现在在这里" in one.text


def test_words_of_a_pack_are_escaped(world: World) -> None:
    from app import printing

    nasty = {
        "lang": "zh",
        "title": "<script>1</script>",
        "under": "&",
        "desc": "]]>",
        "ways": [],
        "ways_head": "",
        "notes": [],
        "boxes": [
            {
                "key": "a",
                "kind": "step",
                "title": "<b>",
                "group": "",
                "side": False,
                "lines": [],
                "mark": "",
                "note": "",
                "taken": False,
                "arrow": True,
            }
        ],
    }
    text = printing.draw(nasty)
    assert "<script>" not in text
    assert "<b>" not in text


def test_a_kept_pack_that_no_definition_of_today_fits_is_not_found(world: World) -> None:
    rules = runtime().rules
    pack = rules.packs["national"]
    kept = replace(pack, id="old", sequences=(), digest="f" * 64)
    rules._packs[kept.digest] = kept
    try:
        one = browser(world, world.person("village_cadre"))
        for path in (f"/rules/{kept.digest}", f"/rules/{kept.digest}/handbook", f"/rules/{kept.digest}/matrix.pdf"):
            assert one.get(path).status == 404, path
        assert one.get(f"/rules/{kept.digest}/draw/assist").status == 200
    finally:
        del rules._packs[kept.digest]
