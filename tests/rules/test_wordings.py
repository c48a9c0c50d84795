"""Words of a pack: nearest first along the inheritance, then the catalogue; and mistakes named with file, line, key."""

from datetime import date
from functools import cache
from pathlib import Path

import pytest

from tests.factories import PACKS, XIUSHAN, rules
from workflows.inherit import merge
from workflows.journal import canonical
from workflows.policy import Pack, parse_pack, read_tables
from workflows.registry import POLICIES, load_rules
from workflows.tables import BadTable
from workflows.terms import LANGUAGES, Terms, Variant, load_terms, parse_terms, parse_variant
from workflows.wordings import Lexicon, label_keys

TEXT = (PACKS / "seven-steps.toml").read_text(encoding="utf-8")
WORD = '"level.village" = [{zh = "社区", en = "community", area = "520999"}]'
LEAD = '"office.lead" = '
MUTATIONS = [
    pytest.param('"ofice.lead" = [{zh = "局", en = "bureau"}]', "term ofice.lead: no such key", id="unknown kind"),
    pytest.param('"office.leed" = [{zh = "局", en = "bureau"}]', "known are office.agriculture", id="unknown key"),
    pytest.param(LEAD + '[{zh = "局"}]', "term office.lead: en is missing in '局'", id="no English"),
    pytest.param(LEAD + '[{en = "bureau"}]', "zh is missing in 'bureau'", id="no Chinese"),
    pytest.param(LEAD + '[{zh = "局", en = "b", form = "x"}]', "unknown key 'form' in '局'", id="key of a row"),
    pytest.param(LEAD + '[{zh = "局", en = "b", from = "2024"}]', "from '2024' in '局' is no day", id="no day"),
    pytest.param(
        LEAD + '[{zh = "局", en = "b", from = "2024-01-01", to = "2024-01-01"}]',
        "from 2024-01-01 must lie before to 2024-01-01",
        id="empty time",
    ),
    pytest.param(
        LEAD + '[{zh = "甲", en = "a", to = "2025-01-01"}, {zh = "乙", en = "b", from = "2024-06-01"}]',
        "'甲' and '乙' both hold on 2024-06-01",
        id="overlap",
    ),
    pytest.param(LEAD + '[{zh = "甲", en = "a"}, {zh = "乙", en = "b"}]', "both hold on every day", id="twice"),
    pytest.param(LEAD + '[{zh = "局", en = "b", area = "52"}]', "area '52' must be a code", id="area"),
    pytest.param(LEAD + '[{zh = "局", en = "b", clause = "Z9 1"}]', "clause 'Z9 1' of '局' names no", id="clause"),
    pytest.param(LEAD + '[{zh = "{name}局", en = "b"}]', "names {name}, which nothing fills in", id="blank"),
    pytest.param(LEAD + '[{zh = "{@office.x}", en = "b"}]', "refers to 'office.x', which is no term", id="reference"),
    pytest.param(LEAD + '[{zh = "{@role.county_lead}", en = "b"}]', "refers to itself by way of", id="circle"),
]


def with_words(folder: Path, words: str) -> Path:
    text = TEXT.replace('id = "520999-seven-steps"', 'id = "520997-words"').replace("520999", "520997")
    path = folder / "520997-words.toml"
    path.write_text(text.replace(WORD.replace("520999", "520997"), words), encoding="utf-8")
    return path


@pytest.mark.parametrize(("words", "reason"), MUTATIONS)
def test_a_mistake_is_refused(tmp_path: Path, words: str, reason: str) -> None:
    path = with_words(tmp_path, words)
    line = path.read_text(encoding="utf-8").partition(words)[0].count("\n") + 1
    with pytest.raises(BadTable) as mistake:
        load_rules(tmp_path)
    assert reason in str(mistake.value)
    assert f"520997-words.toml: line {line}: " in str(mistake.value)


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    with_words(tmp_path, LEAD + '[{zh = "局"}, {en = "b"}]\n"level.village" = [{zh = "社", en = "c", to = "no"}]')
    with pytest.raises(BadTable) as mistake:
        load_rules(tmp_path)
    assert [part in str(mistake.value) for part in ("en is missing", "zh is missing", "to 'no' in '社'")] == [True] * 3


def test_an_open_end_gives_way_to_a_later_day(tmp_path: Path) -> None:
    with_words(tmp_path, LEAD + '[{zh = "甲", en = "a"}, {zh = "乙", en = "b", from = "2024-06-01"}]')
    pack = load_rules(tmp_path).packs["520997-words"]
    terms = load_terms().under(pack.terms)
    assert terms.text("office.lead", on=date(2024, 5, 31), area="520997001") == "甲"
    assert terms.text("office.lead", on=date(2024, 6, 1), area="520997001") == "乙"


# --- inheritance ---
def chained(*words: tuple[str, list[dict[str, str]]]) -> Pack:
    """A pack that inherits: (area, wordings of the lead office) from the nation down."""
    merged = read_tables(POLICIES / "national.toml")
    for area, rows in words:
        merged = merge(merged, {"id": area, "area": area, "terms": {"office.lead": rows}})
    return parse_pack(canonical(merged))


def said(pack: Pack, on: str, area: str = XIUSHAN) -> str:
    return load_terms().under(pack.terms).text("office.lead", on=date.fromisoformat(on), area=area)


def row(zh: str, **rest: str) -> dict[str, str]:
    return {"zh": zh, "en": zh, **{key.rstrip("_"): value for key, value in rest.items()}}


def test_the_nearest_counts_on_its_days_and_the_wider_place_behind_it() -> None:
    province = row("省办", to="2024-01-01"), row("省局", from_="2024-01-01", to="2025-01-01")
    pack = chained(("500000", [*province]), ("500241", [row("县办", to="2022-01-01")]))
    assert said(pack, "2021-06-01") == "县办"
    assert said(pack, "2022-01-01") == "省办"
    assert said(pack, "2024-06-01") == "省局"
    assert said(pack, "2025-06-01") == "县农业农村委"  # the catalogue's, for Chongqing
    assert said(pack, "2025-06-01", "430527001201") == "县农业农村局"


def test_a_county_without_dates_covers_its_parents() -> None:
    pack = chained(("500000", [row("省局", from_="2024-01-01")]), ("500241", [row("县局")]))
    assert {said(pack, day) for day in ("2020-01-01", "2024-06-01", "2026-11-23")} == {"县局"}


def test_what_a_province_says_of_a_county_gives_way_to_the_county() -> None:
    pack = chained(("500000", [row("省说", area="500241")]), ("500241", [row("县说")]))
    assert said(pack, "2024-06-01") == "县说"


def test_a_later_pack_of_the_same_place_replaces_the_former_words() -> None:
    pack = chained(("500241", [row("旧", from_="2024-01-01")]), ("500241", [row("新", to="2025-01-01")]))
    assert said(pack, "2024-06-01") == "新"
    assert said(pack, "2025-06-01") == "县农业农村委"


def test_a_township_has_its_own_word() -> None:
    pack = chained(("500241", [row("县"), row("镇", area="500241001")]))
    assert (said(pack, "2026-01-01", "500241001201"), said(pack, "2026-01-01", "500241002201")) == ("镇", "县")


def test_packs_without_words_use_the_catalogue_itself() -> None:
    lexicon, national = Lexicon(load_terms()), rules().packs["national"]
    assert lexicon.under(national) is lexicon.under(None) is lexicon.catalogue
    xiushan = rules().packs["500241-xiushan"]
    assert lexicon.under(xiushan) is lexicon.under(xiushan)


def test_a_kept_text_without_the_new_keys_reads_as_before() -> None:
    assert parse_variant({"zh": "村", "en": "village"}) == Variant({"zh": "村", "en": "village"})


# --- labels of definitions ---
@cache
def wording_of(key: str) -> Terms:
    return load_terms().under(parse_terms({key: [{"zh": "新名", "en": "new name", "from": "2026-01-01"}]}))


def test_a_packs_word_takes_the_place_of_any_label() -> None:
    label = {"zh": "村提名", "en": "Village nomination"}
    terms = wording_of("gate.nominate")
    assert terms.named("gate.nominate", label, "zh", on=date(2025, 12, 31)) == "村提名"
    assert terms.named("gate.nominate", label, "en", on=date(2026, 1, 1)) == "new name"


def test_the_catalogue_words_anew_only_what_is_one_of_its_own_words() -> None:
    terms, day = load_terms(), date(2026, 6, 1)
    ours = {"zh": "监测对象类别", "en": "Category"}
    assert terms.named("field.category", ours, "zh", on=day) == "防止返贫致贫对象类别"
    assert terms.named("field.category", {"zh": "农户分类", "en": "Class"}, "zh", on=day) == "农户分类"


def test_every_label_of_a_definition_can_be_worded_anew() -> None:
    for definition in rules().definitions.values():
        keys = label_keys(definition)
        assert all(label.get(lang) for label in keys.values() for lang in LANGUAGES)
        assert {f"definition.{definition.id}", *(f"field.{name}" for name in definition.fields)} <= keys.keys()


# --- a wording that a stranger made ---
def test_references_end_whatever_a_kept_text_says() -> None:
    circle = Terms(parse_terms({"a": {"zh": "{@b}{@b}", "en": "x"}, "b": {"zh": "{@a}{@a}", "en": "x"}}))
    assert len(circle.text("a")) < 1_000
    assert Terms(parse_terms({"a": {"zh": "{@none}", "en": "x"}})).text("a") == "{@none}"


def test_a_catalogues_mistake_is_named_with_file_line_and_key(tmp_path: Path) -> None:
    path = tmp_path / "words.toml"
    path.write_text('format = "fp-terms-v1"\n[office]\nlead = {zh = "局"}\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"words\.toml: line 3: term office\.lead: en is missing in '局'"):
        load_terms(path)
