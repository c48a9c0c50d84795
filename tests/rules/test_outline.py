"""What the rules say of themselves: every action in matrix and handbook, bars as the guards decide, boxes apart."""

from datetime import date
from itertools import combinations
from typing import Any

import pytest

from app.services.clause_list import clauses
from app.services.drawing import Track, diagram
from app.services.guide import Apart, Guide, guides
from app.services.handbook import handbook
from app.services.matrix import matrix
from reports.diagram import SHAPES, Drawing, draw, lay_out
from reports.typed import text_width, wrapped
from tests.factories import PACKS
from workflows.outline import deed_names, deeds, periods
from workflows.registry import Rules, load_rules

RULES = load_rules()
SHIPPED = sorted(RULES.packs)
ON = date(2026, 11, 23)
SITE = load_rules(PACKS)


def words(lang: str, pack: str, rules: Rules = RULES) -> Apart:
    return Apart(lang, ON, rules.packs[pack].area)


def told(values: dict[str, Any]) -> set[str]:
    """The actions that a part of the handbook tells of, those that are alike with another part's included."""
    return {item["id"] for section in values["sections"] for item in section["items"]}


@pytest.mark.parametrize("pack", SHIPPED)
def test_every_action_stands_in_matrix_and_handbook(pack: str) -> None:
    speech = words("zh", pack)
    book, table = handbook(speech, RULES.packs[pack], RULES), matrix(speech, RULES.packs[pack], RULES)
    for guide, part, rows in zip(guides(speech, RULES.packs[pack], RULES), book["parts"], table["parts"], strict=True):
        names = deed_names(guide.compiled)
        assert {row["id"] for row in rows["rows"]} == names
        alike = "".join(section["alike"] for section in part["sections"])
        missing = names - told(part)
        assert all(guide.action(guide.deed(name)) in alike for name in missing), missing
        assert guide.compiled.purpose == "eliminate" or not missing


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("pack", SHIPPED)
def test_nothing_overlaps_and_no_text_leaves_its_box(pack: str, lang: str) -> None:
    for guide in guides(words(lang, pack), RULES.packs[pack], RULES):
        for shape in SHAPES.values():
            ensure_tidy(lay_out(diagram(guide), shape))


@pytest.mark.parametrize("pack", ["tests-eight-steps", "tests-seven-steps"])
def test_a_county_with_steps_of_its_own_is_drawn_too(pack: str) -> None:
    known = next(p for p in SITE.packs if pack.removeprefix("tests-") in p or p == pack)
    speech = words("zh", known, SITE)
    for guide in guides(speech, SITE.packs[known], SITE):
        values = diagram(guide)
        for shape in SHAPES.values():
            ensure_tidy(lay_out(values, shape))
        for step in guide.compiled.order:
            assert any(box["title"] == step.label["zh"] for box in values["boxes"])
    assert handbook(speech, SITE.packs[known], SITE)["parts"]


def ensure_tidy(drawing: Drawing) -> None:
    """Boxes lie inside the sheet and apart, their texts inside them, and free lines end before the edge."""
    for one, other in combinations(drawing.boxes, 2):
        apart_x = one.x + one.width <= other.x or other.x + other.width <= one.x
        assert apart_x or one.bottom <= other.y or other.bottom <= one.y, (one.key, other.key)
    for box in drawing.boxes:
        assert box.x >= 0
        assert box.x + box.width <= drawing.width
        assert box.bottom <= drawing.height
        for line in box.lines:
            assert box.y < line.y < box.bottom, (box.key, line.text)
            assert line.x + text_width(line.text, line.size) <= box.x + box.width, (box.key, line.text)
    for line in drawing.lines:
        assert line.x + text_width(line.text.removeprefix("· "), line.size) <= drawing.width + 1, line.text
        assert line.y <= drawing.height
    for way in drawing.ways:
        badges = way.badges
        assert len(badges) >= 2, way.label
        assert all(0 < x < drawing.width and 0 < y < drawing.height for x, y in badges), way.label


def test_numbers_on_ways_lie_apart() -> None:
    for pack in SHIPPED:
        for guide in guides(words("zh", pack), RULES.packs[pack], RULES):
            for shape in SHAPES.values():
                spots = [spot for way in lay_out(diagram(guide), shape).ways for spot in way.badges]
                for (x, y), (u, v) in combinations(spots, 2):
                    assert abs(x - u) >= 15 or abs(y - v) >= 15, (pack, guide.title, (x, y), (u, v))


def test_the_same_rules_give_the_same_drawing() -> None:
    def once() -> str:
        pack = RULES.packs["500241-xiushan"]
        return draw(diagram(guides(words("zh", pack.id), pack, RULES)[0]))

    assert once() == once()
    assert "<title" in once()
    assert "<desc" in once()
    assert "http" not in once().replace("http://www.w3.org/2000/svg", "")


def xiushan(lang: str = "zh", purpose: str = "include") -> Guide:
    found = guides(words(lang, "500241-xiushan"), RULES.packs["500241-xiushan"], RULES)
    return next(guide for guide in found if guide.compiled.purpose == purpose)


def test_boxes_name_signers_limits_and_clauses() -> None:
    boxes = {box["key"]: box for box in diagram(xiushan())["boxes"]}
    assert [line["text"] for line in boxes["verifying"]["lines"]] == [
        "签署：村干部、驻村工作队员，须2人共同签署", "入户核实：最长5个工作日（系统默认）",
    ]  # fmt: skip
    assert "公示期：不少于5天（S4 第17条）" in [line["text"] for line in boxes["publicizing"]["lines"]]
    assert boxes["objection_hold"]["side"]
    assert not boxes["concluded"]["side"]


def test_a_comparison_alongside_stands_beside_its_neighbour() -> None:
    pack = RULES.packs["500230-fengdu"]
    values = diagram(guides(words("zh", pack.id), pack, RULES)[0])
    beside = next(box for box in values["boxes"] if box["kind"] == "beside")
    assert beside["title"] == "同时办理：信息比对"
    assert any("信息比对：最长5天" in line["text"] for line in beside["lines"])


def moved(action: str, source: str, target: str, day: int) -> dict[str, str]:
    return {"action": action, "source": source, "target": target, "at": f"2026-03-{day:02}T02:00:00Z"}


def test_a_track_marks_where_the_case_is_its_path_and_what_is_next() -> None:
    entries = (
        moved("report_clue", "", "clue_open", 2), moved("nominate", "clue_open", "nominated", 3),
        moved("sign_authorization", "nominated", "verifying", 4), moved("verify", "verifying", "verifying", 5),
    )  # fmt: skip
    values = diagram(xiushan(), Track("verifying", closed=False, entries=entries))
    marks = {box["key"]: (box["mark"], box["note"]) for box in values["boxes"] if box["mark"]}
    assert marks == {
        "@new": ("done", "✓ 2026年3月2日"),
        "clue_open": ("done", "✓ 2026年3月3日"),
        "nominated": ("done", "✓ 2026年3月4日"),
        "verifying": ("now", "● 现在在这里（2026年3月4日起）"),
        "comparing": ("next", "○ 下一步"),
    }
    assert values["path"]["where"] == "流程图：现在“待入户核实”，下一步“待信息比对”"
    assert len(values["path"]["lines"]) == 3


def test_a_returned_case_has_nothing_done_behind_where_it_stands() -> None:
    entries = (
        moved("report_clue", "", "clue_open", 2), moved("nominate", "clue_open", "nominated", 3),
        moved("sign_authorization", "nominated", "verifying", 4), moved("verify", "verifying", "comparing", 5),
        moved("record_comparison", "comparing", "reviewing", 6), moved("return_case", "reviewing", "verifying", 7),
    )  # fmt: skip
    values = diagram(xiushan(), Track("verifying", closed=False, entries=entries))
    marks = {box["key"]: box["mark"] for box in values["boxes"]}
    assert marks["nominated"] == "done"
    assert marks["verifying"] == "now"
    assert marks["comparing"] == "next"
    assert marks["reviewing"] == ""
    assert [way["taken"] for way in values["ways"] if way["back"]] == [True]


def test_an_objection_shows_both_ways_on() -> None:
    entries = (moved("report_clue", "", "clue_open", 2), moved("close_publicity", "clue_open", "publicizing", 9),
               moved("object", "publicizing", "objection_hold", 10))  # fmt: skip
    values = diagram(xiushan(), Track("objection_hold", closed=False, entries=entries))
    marks = {box["key"]: box["mark"] for box in values["boxes"]}
    assert marks["objection_hold"] == "now"
    assert marks["publicizing"] == marks["reviewing"] == "next"


def test_bars_are_those_of_the_guards() -> None:
    compiled = xiushan().compiled
    found = {deed.id: {bar.code: bar.gates for bar in deed.bars} for deed in deeds(compiled, ON)}
    assert found["verify"] == {"own": (), "gate": ("township_audit", "county_approve"), "twice": ()}
    assert set(found["county_approve"]) == {"own", "gate", "helper"}
    assert set(found["record_review"]) == {"own", "helper"}
    assert set(found["uphold_appeal"]) == {"own", "gate", "helper", "fresh"}
    assert found["report_clue"] == {}


def test_a_period_that_nothing_starts_is_not_told() -> None:
    names = {period.timer.id for period in periods(xiushan(purpose="eliminate").compiled, ON)}
    assert "complete_procedure" not in names
    assert "id_total" not in names
    assert "publicity_min" in names


def test_limits_for_some_households_name_them() -> None:
    pack = RULES.packs["620000-gansu"]
    lines = [
        line
        for guide in guides(words("zh", pack.id), pack, RULES)[:1]
        for n in diagram(guide)["notes"]
        for line in n["lines"]
    ]
    assert any("线索来源为一键报贫的" in line and "20个工作日" in line for line in lines)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("pack", SHIPPED)
def test_every_rule_stands_in_the_clause_list_once(pack: str, lang: str) -> None:
    values = clauses(words(lang, pack), RULES.packs[pack], RULES)
    rows = [row for document in values["documents"] for row in document["rows"]] + values["own_rows"]
    found = RULES.packs[pack]
    parts = (
        found.limits,
        found.parameters,
        found.conditions,
        found.signatures,
        found.omitted,
        found.aside,
        found.duties,
        found.targets,
        found.sequences,
        [field for field in found.fields.values() if field.clause],
    )
    assert len(rows) == sum(map(len, parts))
    assert all(row["rule"] and row["value"] for row in rows)
    anchors = [row["anchor"] for row in rows if row["anchor"]]
    assert len(anchors) == len(set(anchors))
    links = {rule["anchor"] for item in values["items"] for rule in item["rules"] if rule["anchor"]}
    assert links <= set(anchors)


def test_no_line_begins_with_a_mark_or_is_too_wide() -> None:
    for text in (
        "签署：村干部、驻村工作队员，须2人共同签署（系统默认）",
        "Signed by: village cadre, resident team member; 2 persons sign",
        "x" * 90,
    ):
        for width in (60, 118, 240):
            lines = wrapped(text, width, 12.5)
            assert "".join(lines).replace(" ", "") == text.replace(" ", "")
            assert all(text_width(line, 12.5) <= width for line in lines)
            assert all(line[0] not in "，、（）。；" or line[0] == "（" for line in lines)
