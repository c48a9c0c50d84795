"""A pack with a mistake is refused with file, place and reason: one mutation of the seven-step pack for each kind."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.factories import PACKS
from workflows import registry
from workflows.definition import read_definition
from workflows.registry import DEFINITIONS, load_rules
from workflows.tables import BadTable

TEXT = (PACKS / "seven-steps.toml").read_text(encoding="utf-8")
SHIPPED = {
    "national", "500000-chongqing", "500230-fengdu", "500241-xiushan", "430527-suining", "460000-hainan",
    "620000-gansu", "621000-qingyang", "621000-qingyang-2023", "410000-henan", "360000-jiangxi", "530000-yunnan",
}  # fmt: skip
MUTATIONS = [
    pytest.param('effective = "2024-01-01"', 'effective = "2024-01-01"\ncolour = "red"', "colour", id="unknown key"),
    pytest.param("fp-pack-v1", "fp-pack-v9", "fp-pack-v1", id="format"),
    pytest.param("[[sources]]", "[[sources", "line 9", id="no toml"),
    pytest.param(
        '"review", "post", "publicize", "township_stations", "township_audit", "study"',
        '"post", "publicize", "township_stations", "township_audit", "study"',
        "'review' is missing",
        id="missing gate step",
    ),
    pytest.param(
        '"nominate", "apply", "verify", "compare", "hear_group"',
        '"apply", "nominate", "verify", "compare", "hear_group"',
        "gates must stand in the order",
        id="wrong gate order",
    ),
    pytest.param(
        '"post", "publicize", "township_stations", "township_audit", "study"',
        '"publicize", "post", "township_stations", "township_audit", "study"',
        "publicize must come after post",
        id="wrong place",
    ),
    pytest.param(
        '"nominate", "apply", "verify", "compare"',
        '"nominate", "compare", "apply", "verify"',
        "apply must come before compare",
        id="compare before auth",
    ),
    pytest.param(
        '"study", "county_approve", "announce"',
        '"study", "study", "county_approve", "announce"',
        "stands twice",
        id="twice",
    ),
    pytest.param(
        '"study", "county_approve", "announce"]',
        '"dance", "county_approve", "announce"]',
        "step 'dance' is not defined",
        id="unknown step",
    ),
    pytest.param(
        'clause = "T7 二"',
        'clause = "T7 二"\nalongside = {dance = "review"}',
        "step 'dance' is not defined",
        id="unknown alongside",
    ),
    pytest.param(
        'clause = "T7 二"',
        'clause = "T7 二"\nalongside = {register = "authorize"}',
        "not in the order",
        id="alongside nowhere",
    ),
    pytest.param('purposes = ["include"]', 'purposes = ["profit"]', "purpose 'profit'", id="unknown purpose"),
    pytest.param(
        'definition = "household_case"\npurposes = ["include"]',
        'definition = "wedding"\npurposes = ["include"]',
        "definition 'wedding'",
        id="unknown definition seq",
    ),
    pytest.param(
        'unit = "hours"\namount = 36',
        'unit = "hours"\namount = 36\nevery = "month"',
        "unknown beside unit",
        id="mixed units",
    ),
    pytest.param('unit = "hours"\namount = 36', 'unit = "P1D"\namount = 36', "'P1D'", id="P1D"),
    pytest.param("amount = 36", "amount = -3", "amount = -3", id="amount neg"),
    pytest.param('start = "03-20"', 'start = "02-30"', "no such day", id="window bad day"),
    pytest.param(
        'amount = 30\nbound = "max"', 'amount = 30\nbound = "about"', "bound must be max or min", id="bad bound"
    ),
    pytest.param(
        'amount = 30\nbound = "max"', 'amount = 30\nbound = "max"\npause = true', "pause", id="limit unknown key"
    ),
    pytest.param('timer = "household_case.id_total"\n', "", "'timer' is missing", id="limit no timer"),
    pytest.param("household_case.id_total", "household_case.tea_break", "tea_break", id="limit unknown timer"),
    pytest.param("household_case.id_total", "wedding.id_total", "wedding.id_total", id="limit unknown def"),
    pytest.param(
        'amount = 7\nbound = "min"', 'amount = 7\nbound = "max"', "bound must be min", id="limit publicity max"
    ),
    pytest.param(
        'clause = "T7 四"\n[[limits]]\ntimer = "household_case.clue_accept"',
        'clause = "T9 四"\n[[limits]]\ntimer = "household_case.clue_accept"',
        "'T9 四' names no source",
        id="clause no source",
    ),
    pytest.param(
        'clause = "T7 四"\n[[limits]]\ntimer = "household_case.clue_accept"',
        '[[limits]]\ntimer = "household_case.clue_accept"',
        "own = true",
        id="limit no clause",
    ),
    pytest.param('clause = "T7 二"', 'clause = "T9 二"', "'T9 二' names no source", id="sequence clause no source"),
    pytest.param('extends = "national"', 'extends = "520999-seven-steps"', "extends itself", id="cycle"),
    pytest.param('extends = "national"', 'extends = "province"', "extends 'province'", id="parent missing"),
    pytest.param(
        'fields = ["applied_on", "applied_by"]',
        'fields = ["applied_on", "applied_moon"]',
        "applied_moon",
        id="unknown field",
    ),
    pytest.param('evidence = ["group_sheet"]', 'evidence = ["cake"]', "'cake'", id="unknown evidence"),
    pytest.param(
        'fields = ["group_name", "group_opinion"]',
        'fields = ["group_name"]\noptional = ["group_opinion"]',
        "group_opinion",
        id="optional not in fields",
    ),
    pytest.param('effect = "bar"', 'effect = "perhaps"', "bar or warn", id="effect"),
    pytest.param('test = "included_for"', 'test = "is_nice"', "is_nice", id="unknown test"),
    pytest.param(
        'needs = {unit = "months", amount = 6}', 'needs = {unit = "moons", amount = 6}', "moons", id="condition needs"
    ),
    pytest.param(
        'before = ["review"]', 'before = ["review"]\nguards = [{guard = "is_nice"}]', "is_nice", id="unknown guard"
    ),
    pytest.param(
        'before = ["review"]', 'before = ["review"]\nguards = [{timer = "x"}]', "guard None", id="guard no name"
    ),
    pytest.param(
        'before = ["review"]',
        'before = ["review"]\nguards = [{guard = "minimum_elapsed", timer = "x"}]',
        "timer 'x'",
        id="guard unknown timer",
    ),
    pytest.param('roles = ["village_cadre"]', 'roles = ["king"]', "king", id="unknown role"),
    pytest.param('roles = ["village_cadre"]', "roles = []", "roles are missing", id="no roles"),
    pytest.param('sign = {mode = "all"}', 'sign = {mode = "most"}', "sign mode", id="sign mode"),
    pytest.param('sign = {mode = "all"}', 'sign = {mode = "any", count = "two"}', "'two'", id="sign count"),
    pytest.param('sign = {mode = "all"}', 'sign = {mode = "any"}', "needs a count", id="sign any without count"),
    pytest.param('sign = {mode = "all"}', 'sign = {mode = "all", colour = 1}', "sign knows", id="sign unknown key"),
    pytest.param('sign = {mode = "all"}', 'sign = {mode = "vote"}', "a vote needs", id="vote w/o fields"),
    pytest.param('timer = "township_audit"\n', 'timer = "tea"\n', "timer 'tea'", id="step timer unknown"),
    pytest.param('gate = "township_audit"', 'gate = "heaven"', "heaven", id="step gate unknown"),
    pytest.param('state = "hearing_group"', 'state = "reviewing"', "stands elsewhere", id="step state taken"),
    pytest.param('action = "hear_group"', 'action = "withdraw"', "stands elsewhere", id="step action taken"),
    pytest.param(
        'label = {zh = "村民小组核议", en = "Hear the villagers\' group"}\n',
        "",
        "'label' is missing",
        id="step no label",
    ),
    pytest.param(
        'label = {zh = "村民小组核议", en = "Hear the villagers\' group"}',
        'label = {zh = "村民小组核议"}',
        "zh and en",
        id="label one lang",
    ),
    pytest.param(
        'state_label = {zh = "待村民小组核议", en = "Awaiting the villagers\' group"}',
        'state_label = {zh = "待村民小组核议"}',
        "zh and en",
        id="state label one lang",
    ),
    pytest.param(
        'group_sheet = {zh = "小组核议表", en = "Group sheet"}',
        'group_sheet = {zh = "小组核议表"}',
        "zh and en",
        id="evidence label",
    ),
    pytest.param('before = ["review"]', 'before = ["dance"]', "dance", id="after unknown"),
    pytest.param(
        'label = {zh = "村民小组", en = "Villagers\' group"}\ntype = "text"',
        'label = {zh = "村民小组", en = "Villagers\' group"}\ntype = "song"',
        "type must be one of",
        id="field type",
    ),
    pytest.param(
        'options = [{id = "oral", zh = "口头", en = "Orally"}, {id = "paper", zh = "书面", en = "On paper"}]\n',
        "",
        "needs options",
        id="choice without options",
    ),
    pytest.param("[fields.group_name]", "[fields.income_per_head]", "stands in definition", id="field shadows"),
    pytest.param('county_approve = ["audit_sheet"]', 'dance = ["audit_sheet"]', "dance", id="requirement unknown step"),
    pytest.param(
        'county_approve = ["audit_sheet"]', 'county_approve = ["cake"]', "cake", id="requirement unknown evidence"
    ),
    pytest.param('value = "3/4"', 'value = "most"', "share", id="quorum"),
    pytest.param('value = "3/4"', 'value = "4/3"', "share", id="quorum >1"),
    pytest.param('value = ["verify", "review"]', 'value = ["dance"]', "list of steps", id="steps aside unknown"),
    pytest.param('id = "review_present"', 'id = "review_absent"', "review_absent", id="parameter unknown"),
    pytest.param('value = "3/4"\n', "", "needs id and value", id="parameter no value"),
    pytest.param('effective = "2024-01-01"', 'effective = "2024-13-01"', "effective", id="effective bad"),
    pytest.param(
        'amount = 30\nbound = "max"',
        'amount = 30\nbound = "max"\nfrom = "2025-01-01"\nto = "2024-01-01"',
        "before to",
        id="from after to",
    ),
    pytest.param('amount = 30\nbound = "max"', 'amount = 30\nbound = "max"\nfrom = "soon"', "soon", id="from bad date"),
    pytest.param(
        '"level.village" = [{zh = "社区", en = "community", area = "520999"}]',
        '"level.village" = [{zh = "社区"}]',
        "en is missing",
        id="terms bad",
    ),
    pytest.param(
        '"level.village" = [{zh = "社区", en = "community", area = "520999"}]',
        '"level.village" = "x"',
        "list of wordings",
        id="terms str",
    ),
    pytest.param('area = "520999"\nextends', 'area = "52x"\nextends', "52x", id="area bad"),
    pytest.param('id = "520999-seven-steps"\n', "", "'id'", id="id missing"),
    pytest.param('[[sources]]\nid = "T7"\n', "[[sources]]\n", "'id' is missing", id="source id missing"),
    pytest.param("amount = 30", "amount = 30.5", "float", id="float"),
    pytest.param(
        'amount = 7\nbound = "min"',
        'amount = 7\nbound = "min"\nfrom = "2030-01-01"',
        "no minimum",
        id="publicity missing",
    ),
]


@pytest.fixture(autouse=True)
def _read_definitions_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The definitions are the same in every test here."""
    monkeypatch.setattr(registry, "read_definition", cached)


cached = cache(read_definition)


@pytest.mark.parametrize(("right", "wrong", "reason"), MUTATIONS)
def test_a_mistake_is_refused(right: str, wrong: str, reason: str, tmp_path: Path) -> None:
    assert right in TEXT
    (tmp_path / "520999-site.toml").write_text(TEXT.replace(right, wrong, 1), encoding="utf-8")
    with pytest.raises(BadTable, match=re.escape(reason)) as mistake:
        load_rules(tmp_path)
    assert str(mistake.value).startswith("520999-site.toml: ")


def test_the_pack_itself_is_taken(tmp_path: Path) -> None:
    (tmp_path / "520999-site.toml").write_text(TEXT, encoding="utf-8")
    assert load_rules(tmp_path).packs.keys() == {*SHIPPED, "520999-seven-steps"}


def test_the_shipped_packs_are_those() -> None:
    assert load_rules().packs.keys() == SHIPPED


def test_a_circle_of_two_is_found(tmp_path: Path) -> None:
    head = 'format = "fp-pack-v1"\narea = "520998"\nlabel = {zh = "甲", en = "A"}\neffective = "2024-01-01"\n'
    for name, parent in (("a", "b"), ("b", "a")):
        text = f'{head}id = "{name}"\nextends = "{parent}"\n'
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    with pytest.raises(BadTable, match=r"a\.toml: pack a: extends itself"):
        load_rules(tmp_path)


def test_a_parent_s_mistake_is_reported_with_the_parent_s_file(tmp_path: Path) -> None:
    (tmp_path / "520999-site.toml").write_text(TEXT.replace("T7 四", "T9 四"), encoding="utf-8")
    child = 'format = "fp-pack-v1"\nid = "520999-0"\narea = "520999"\nextends = "520999-seven-steps"\n'
    child += 'label = {zh = "子", en = "Child"}\neffective = "2025-01-01"\n'
    (tmp_path / "000-child.toml").write_text(child, encoding="utf-8")
    with pytest.raises(BadTable, match=r"^520999-site\.toml"):
        load_rules(tmp_path)


def test_a_site_s_pack_wins_over_the_shipped_one(tmp_path: Path) -> None:
    shipped = (DEFINITIONS.parent / "policies" / "500241-xiushan.toml").read_text(encoding="utf-8")
    text = shipped.replace("amount = 15", "amount = 12")
    (tmp_path / "500241-xiushan.toml").write_text(text, encoding="utf-8")
    pack = load_rules(tmp_path).packs["500241-xiushan"]
    limit = next(x for x in pack.limits if x.timer == "household_case.id_total")
    assert getattr(limit.duration, "amount", None) == 12


DEFINITION_MUTATIONS = [
    pytest.param('roles = ["grid_member", ', 'roles = ["king", ', "king", id="role"),
    pytest.param('guard = "still_running"', 'guard = "asleep"', "asleep", id="guard"),
    pytest.param('to = "appealing"', 'to = "heaven"', "heaven", id="target"),
    pytest.param('from = ["closed_ineligible"]', 'from = ["hell"]', "hell", id="source"),
    pytest.param('gate = "nominate"\nrequired', 'gate = "gate9"\nrequired', "gate9", id="gate"),
    pytest.param('mode = "any", count = 2', 'mode = "any"', "count", id="count"),
    pytest.param("one_open = true", "one_open = true\ncolour = 1", "colour", id="key"),
    pytest.param('type = "money"', 'type = "gold"', "type", id="type"),
    pytest.param('correctable = true\npurposes = ["eliminate"]', 'purposes = ["joy"]', "joy", id="purpose"),
]


@pytest.mark.parametrize(("right", "wrong", "reason"), DEFINITION_MUTATIONS)
def test_a_definition_with_a_mistake_is_refused(right: str, wrong: str, reason: str, tmp_path: Path) -> None:
    for path in DEFINITIONS.glob("*.toml"):
        text = path.read_text(encoding="utf-8")
        if path.name == "household_case.toml":
            assert right in text
            text = text.replace(right, wrong, 1)
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    with pytest.raises(BadTable, match=re.escape(reason)) as mistake:
        load_rules(definitions=tmp_path)
    assert str(mistake.value).startswith("household_case.toml: ")


def test_version_names_a_text_and_is_not_inherited(tmp_path: Path) -> None:
    """A parent's version says nothing of its child; a version that is no short word is refused with the line."""
    child = 'format = "fp-pack-v1"\nid = "x"\narea = "520999"\nextends = "national"\neffective = "2026-01-01"\n'
    child += 'label = {zh = "某县", en = "Some county"}\n'
    path = tmp_path / "x.toml"
    path.write_text(child, encoding="utf-8")
    pack = load_rules(tmp_path).packs["x"]
    assert (pack.version, pack.edition) == ("", "2026-01-01")
    path.write_text(f'version = "3"\n{child}', encoding="utf-8")
    assert load_rules(tmp_path).packs["x"].edition == "3"
    path.write_text(f"version = 3\n{child}", encoding="utf-8")
    with pytest.raises(BadTable, match=r"x\.toml: .*version 3 must be"):
        load_rules(tmp_path)
