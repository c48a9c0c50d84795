"""Duties and targets of packs: mistakes in them, inheritance, words; no case ever meets them."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from app.services.clause_list import clauses
from app.services.guide import Apart
from app.services.handbook import handbook
from app.services.rule_words import differences
from workflows.calendars import Calendar
from workflows.clock import Recurring, due, duration_table, parse_duration
from workflows.compare import compare_packs, concerning
from workflows.explain import explain
from workflows.inherit import merge
from workflows.registry import POLICIES, load_rules
from workflows.tables import BadTable

RULES = load_rules()
FENGDU, SUINING = RULES.packs["500230-fengdu"], RULES.packs["430527-suining"]
HEAD = """
format = "fp-pack-v1"
id = "duties"
area = "999999"
extends = "national"
label = {zh = "试验", en = "Test"}
effective = "2024-01-01"
"""
DUTY = """
[[duties]]
id = "rounds"
label = {zh = "遍访", en = "Rounds"}
by = ["helper", "office.water"]
unit = "recurring"
every = "month"
times = 2
bound = "min"
counts = "working_days"
own = true
from = "2024-02-01"
to = "2025-02-01"
"""
TARGET = """
[[targets]]
id = "rate"
label = {zh = "比率", en = "Rate"}
value = "90%"
own = true
"""
TEXT = HEAD + DUTY + TARGET
MUTATIONS = [
    pytest.param('by = ["helper", ', 'by = ["king", ', "role 'king' is not known", id="role"),
    pytest.param('"office.water"', '"office.fire"', "office 'office.fire' is not known", id="office"),
    pytest.param('["helper", "office.water"]', "[]", "by names nobody", id="nobody"),
    pytest.param('["helper", "office.water"]', '"helper"', "by must be a list", id="by no list"),
    pytest.param('label = {zh = "遍访", en = ', "label = {en = ", "zh and en", id="label"),
    pytest.param('label = {zh = "遍访", en = "Rounds"}\n', "", "zh and en", id="no label"),
    pytest.param('counts = "working', 'for = {zh = "户"}\ncounts = "working', "for: label needs", id="for"),
    pytest.param("times = 2", "hands = 2", "hands = 2", id="unknown key"),
    pytest.param('bound = "min"', 'bound = "soon"', "bound must be max or min", id="bound"),
    pytest.param('"working_days"\nown', '"rest_days"\nown', "counts 'rest_days'", id="counts"),
    pytest.param('counts = "', 'share = "2/3"\ncounts = "', "not both", id="both"),
    pytest.param('counts = "working_days"', 'share = "3/2"', "share '3/2'", id="share"),
    pytest.param('counts = "working_days"', "share = 2", "share must be a text", id="share type"),
    pytest.param("times = 2", "times = 2\nby_day = 31", "by_day = 31", id="day"),
    pytest.param('"month"\ntimes = 2', '"year"\nby_day = 5', "by_day = 5", id="day of a year"),
    pytest.param('"recurring"\nevery = "month"\ntimes = 2', '"months"\namount = 2', "each period has", id="no period"),
    pytest.param('own = true\nfrom = "2024', 'clause = "S9 1"\nfrom = "2024', "names no source", id="clause"),
    pytest.param('own = true\nfrom = "2024', 'own = 1\nfrom = "2024', "own must be true or false", id="own"),
    pytest.param('to = "2025-02-01"', 'to = "2024-01-01"', "from must lie before to", id="dates"),
    pytest.param("[[targets]]", DUTY.replace("2024-02", "2024-03") + "[[targets]]", "two rows hold on 2024-03-01",
                 id="overlap"),
    pytest.param('value = "90%"', "value = true", "value True", id="value"),
    pytest.param('value = "90%"', 'value = {zh = "高"}', "zh and en", id="value in one language"),
    pytest.param('value = "90%"', 'value = "90%"\ngate = true', "unknown key 'gate'", id="target key"),
    pytest.param("[[targets]]", TARGET + "[[targets]]", "target rate: two rows hold", id="target overlap"),
]  # fmt: skip


def load(folder: Path, text: str) -> None:
    (folder / "duties.toml").write_text(text, encoding="utf-8")
    load_rules(folder)


@pytest.mark.parametrize(("right", "wrong", "reason"), MUTATIONS)
def test_a_mistake_is_refused_with_file_and_line(right: str, wrong: str, reason: str, tmp_path: Path) -> None:
    assert right in TEXT
    with pytest.raises(BadTable) as refused:
        load(tmp_path, TEXT.replace(right, wrong, 1))
    assert reason in str(refused.value)
    assert "duties.toml: line " in str(refused.value)


def test_the_rows_themselves_are_taken(tmp_path: Path) -> None:
    load(tmp_path, TEXT)


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadTable) as refused:
        load(tmp_path, TEXT.replace('"helper"', '"king"').replace("own = true", 'clause = "S9 1"'))
    assert all(said in str(refused.value) for said in ("'king'", "duty rounds: clause", "target rate: clause"))


def test_a_timer_may_not_have_a_last_day_of_its_own(tmp_path: Path) -> None:
    row = '[[limits]]\ntimer = "assist.visit_open"\nunit = "recurring"\nevery = "month"\nby_day = 5\n'
    row += 'bound = "max"\nown = true\n'
    with pytest.raises(BadTable, match="by_day is for duties only"):
        load(tmp_path, HEAD + row)


def test_a_child_replaces_the_rows_of_an_id_and_keeps_the_others() -> None:
    parent = {"duties": [{"id": "a", "n": 1}, {"id": "b", "n": 1}], "targets": [{"id": "t"}]}
    merged = merge(parent, {"area": "1", "duties": [{"id": "a", "n": 2}]})
    assert merged["duties"] == [{"id": "b", "n": 1}, {"id": "a", "n": 2}]
    assert merged["targets"] == [{"id": "t"}]
    assert not {"duties", "targets"} & merge({}, {"area": "1"}).keys()


def test_no_case_meets_a_duty_or_target() -> None:
    bare = replace(FENGDU, duties=(), targets=())
    changes = compare_packs(FENGDU, bare)
    assert {change.part for change in changes} == {"duties", "targets"}
    definition = RULES.definitions["household_case"]
    one, other = (RULES.machine(definition, pack, "include") for pack in (FENGDU, bare))
    assert concerning(changes, one, other) == ()
    readers = ("guards", "decide", "machine", "clocks", "draft", "inputs")
    texts = [(POLICIES.parent / f"{name}.py").read_text(encoding="utf-8") for name in readers]
    assert not any(word in text for text in texts for word in (".duties", "pack.target", ".duty(", ".target("))


def test_the_handbook_tells_them_with_clause() -> None:
    book = handbook(Apart("zh", date(2024, 8, 1), "430527"), SUINING, RULES)
    parts = {part["heading"].partition("、")[2] or part["heading"]: part for part in book["more"]}
    work = next(part for name, part in parts.items() if "其他有时限的工作" in name)
    rows = {row[0]: row[1:] for row in work["rows"]}
    assert rows["驻村干部在村天数"] == ["驻村工作队员", "—", "每月至少20天", "S3 二（一）"]
    assert rows["基础数据交部门比对"] == ["县农业农村局", "—", "每月5日前（含当日）", "S3 二（二）五"]
    assert rows["预警核实"][2].startswith("最长3天，自收到预警起算")
    assert any("目标（只统计，不作为审批条件）" in name for name in parts)
    english = handbook(Apart("en", date(2024, 8, 1), "500230"), FENGDU, RULES)
    said = {row[0]: row[3] for part in english["more"] if "Other work" in part["heading"] for row in part["rows"]}
    assert said["Resident team's time in the village"] == "at least 2/3 of the time every month"
    assert said["Visits of March"] == "each year from 3-01 to 3-31"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_clause_list_and_comparison_have_words_for_them(lang: str) -> None:
    words = Apart(lang, date(2024, 8, 1), "430527")
    listed = clauses(words, SUINING, RULES)
    links = [link for item in listed["items"] for link in item["rules"]]
    found = [link for link in links if link["anchor"] in ("rule-duty-data_copy", "rule-target-job_scale")]
    assert len(found) == 2
    assert all(link["value"] for link in found)
    without = replace(SUINING, duties=(), targets=(), digest="0" * 64)  # another text, so another machine
    lines = differences(words, without, SUINING, RULES)
    assert all(line["text"] for line in lines)
    assert {line["part"] for line in lines} == {"duties", "targets"}


def test_what_only_duties_carry_out_stands_as_partly() -> None:
    kinds = ("duty ", "target ")
    items = [item for one in RULES.clauses.values() for item in one.items if any(r.startswith(kinds) for r in item.by)]
    assert len(items) >= 50
    assert {item.state for item in items} == {"partly"}


def test_a_day_of_the_month() -> None:
    fifth = parse_duration({"unit": "recurring", "every": "month", "by_day": 5})
    assert fifth == Recurring("month", 1, 5)
    assert parse_duration(duration_table(fifth)) == fifth
    assert "by_day" not in duration_table(Recurring("month"))
    calendar = Calendar(frozenset(), frozenset(), 2024, 2025, "test")
    for start, last in (
        ((2024, 8, 5), date(2024, 8, 5)),
        ((2024, 8, 6), date(2024, 9, 5)),
        ((2024, 12, 31), date(2025, 1, 5)),
    ):
        moment = datetime(*start, 4, tzinfo=UTC)
        assert due(fifth, moment, calendar=calendar).last_day == last
        assert explain(fifth, moment, calendar=calendar)[-1].date == last
