"""Lists of clauses: shipped ones hold, mistakes are named all at once with file and clause."""

from pathlib import Path

import pytest

from workflows.clauses import has_rule, load_clause_lists, place_key
from workflows.registry import POLICIES, load_rules
from workflows.tables import BadTable

RULES = load_rules()
FILE = POLICIES / "clauses" / "500241-xiushan.toml"
TEXT = FILE.read_text(encoding="utf-8")
COUNTS = {
    "500241-xiushan": 77,
    "500230-fengdu": 142,
    "621000-qingyang": 105,
    "621000-qingyang-2023": 105,
    "430527-suining": 111,
}
MUTATIONS = [
    pytest.param("fp-clauses-v1", "fp-clauses-v9", "format must be fp-clauses-v1", id="format"),
    pytest.param('clause = "S4 附件9"', 'clause = "S4 附件78"', "'S4 附件78' is no place", id="no such clause"),
    pytest.param('clause = "S4 附件9"', 'clause = "S9 附件9"', "'S9 附件9' is no place", id="no such document"),
    pytest.param('clause = "S4 附件9"', 'clause = "S4 附件8"', "stands twice", id="twice"),
    pytest.param('repeats = "S4 6"', 'repeats = "S4 66"', "'S4 66' is no place", id="repeats nothing"),
    pytest.param(
        '"limit assist.plan"', '"limit assist.plam"', "rule 'limit assist.plam' is not there", id="no such rule"
    ),
    pytest.param('"limit assist.plan"', '"law assist.plan"', "rule 'law assist.plan' is not there", id="no such kind"),
    pytest.param(
        '"option clue_source.self_report"', '"option clue_source.rumour"', "is not there", id="no such option"
    ),
    pytest.param('source = "S4"', 'source = "S5"', "document 'S5' is no source", id="foreign document"),
    pytest.param(
        'packs = ["500241-xiushan"]', 'packs = ["500241-xiushna"]', "'500241-xiushna' is not there", id="no such pack"
    ),
    pytest.param('places = [\n  "1..23"', 'places = [\n  "1..16"', "names S4 '17'", id="a rule's clause is missing"),
    pytest.param(
        'title = {zh = "各级专班、月调度季专题会", en', 'title = {zh = "", en', "label needs zh and en", id="no words"
    ),
    pytest.param("partly = true", "partly = 1", "bool is needed", id="type"),
    pytest.param("partly = true", "partly = true\nwhole = true", "unknown key 'whole'", id="unknown key"),
    pytest.param("partly = true", "partly = true\noutside = true", "name one", id="both"),
    pytest.param("outside = true", "partly = true", "partly by what", id="partly by nothing"),
    pytest.param("[[documents]]", "[[documents", "500241-xiushan.toml", id="no toml"),
]


def test_shipped_lists_count_every_item() -> None:
    assert {name: len(one.items) for name, one in RULES.clauses.items()} == COUNTS


def test_items_that_rules_carry_out_name_them() -> None:
    items = {item.clause: item for item in RULES.clauses["500241-xiushan"].items}
    assert items["S4 附件49"].state == "implemented"
    assert items["S4 附件53"].state == "open"
    assert items["S4 附件9"].state == "outside"
    assert {item.state for one in RULES.clauses.values() for item in one.items} == {
        "implemented",
        "partly",
        "outside",
        "open",
    }


@pytest.mark.parametrize(("old", "new", "reason"), MUTATIONS)
def test_a_mistake_is_named(tmp_path: Path, old: str, new: str, reason: str) -> None:
    assert old in TEXT
    (tmp_path / FILE.name).write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BadTable) as error:
        load_clause_lists([tmp_path], RULES.packs, RULES.definitions)
    assert reason in str(error.value)
    assert FILE.name in str(error.value)


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    text = TEXT.replace('"limit assist.plan"', '"limit assist.plam"').replace(
        'clause = "S4 附件9"', 'clause = "S4 附件99"', 1
    )
    (tmp_path / FILE.name).write_text(text, encoding="utf-8")
    with pytest.raises(BadTable) as error:
        load_clause_lists([tmp_path], RULES.packs, RULES.definitions)
    assert len(str(error.value).splitlines()) == 2


def test_a_sites_list_stands_in_its_own_folder_and_stops_the_start_when_wrong(tmp_path: Path) -> None:
    (tmp_path / "clauses").mkdir()
    (tmp_path / "clauses" / "mine.toml").write_text(
        TEXT.replace('"limit assist.plan"', '"limit assist.plam"'), encoding="utf-8"
    )
    with pytest.raises(BadTable, match=r"mine\.toml: clause S4 附件50: rule 'limit assist\.plam' is not there"):
        load_rules(tmp_path)


def test_places_sort_as_documents_number_them() -> None:
    places = [
        "附件10",
        "附件9",
        "17",
        "2",
        "二（十一）.1",
        "二（二）.10",
        "二（二）.9",
        "一（三）.1",
        "第十二章第一节",
        "第二章第二节",
    ]
    assert sorted(places, key=place_key) == [
        "一（三）.1",
        "2",
        "二（二）.9",
        "二（二）.10",
        "二（十一）.1",
        "17",
        "第二章第二节",
        "第十二章第一节",
        "附件9",
        "附件10",
    ]


def test_rules_are_known_by_kind_and_name() -> None:
    pack, definitions = RULES.packs["500230-fengdu"], RULES.definitions
    for name in (
        "sequence household_case",
        "parameter income_line",
        "step household_case.compare",
        "timer assist.plan",
        "field household_case.category",
        "evidence assist.plan",
        "action monitor_status.flag_safety_net",
    ):
        assert has_rule(name, pack, definitions), name
    for name in (
        "sequence assist",
        "parameter",
        "step household_case.dance",
        "",
        "action household_case",
        "aside verify",
    ):
        assert not has_rule(name, pack, definitions), name
