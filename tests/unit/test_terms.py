"""The words of the policy: complete in both languages, with parameters that the raise sites really give."""

import ast
import re
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path

import pytest

import workflows
from app.runtime import all_terms
from workflows import errors
from workflows.definition import SIGN_MODES
from workflows.errors import Refused
from workflows.model import LEVEL_DIGITS, ROLE_LEVELS, area_root
from workflows.registry import load_rules
from workflows.terms import LANGUAGES, Terms, load_terms, parse_terms, parse_variant

TERMS = load_terms()
ROOT = Path(workflows.__file__).parents[1]
KINDS = {c.__name__: c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, Refused)}
MESSAGES = (
    "waiting",
    "overdue",
    "period_ended",
    "substitute",
    "helper",
    "due_soon",
    "raised",
    "escalated",
    "to_urge",
    "nudged",
    "urged",
)
MESSAGE_PARAMETERS = {
    "waiting": {"case", "household", "state"},
    "nudged": {"case", "household", "state"},
    "substitute": {"case", "household", "state"},
    "helper": {"case", "household"},
}
BUILT_IN_FIELDS = (
    "head_name", "area", "household_kind", "warnings", "lapsed", "measures_delivered", "developmental_measures",
    "visits_made", "included_on", "eliminated_on", "emergency_assisted",
)  # fmt: skip


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)(?::\w+)?\}", text))


def wanted_keys() -> Iterator[str]:
    yield from (f"refused.{kind.code}" for kind in KINDS.values())
    yield from (f"role.{role}" for role in ROLE_LEVELS)
    yield from (f"level.{level}" for level in LEVEL_DIGITS)
    yield from (f"kind.{kind}" for kind in ("ordinary", "former_poor", "five_noes", "low_income"))
    yield from (f"field.{name}" for name in BUILT_IN_FIELDS)
    yield from (f"bound.{bound}" for bound in ("max", "min"))
    yield from (f"how.{how}" for how in ("met", "late", "cancelled", "fired"))
    yield from (f"mode.{mode}" for mode in ("lapse", "reached", "right", "fires", "recurring"))
    yield from (f"sign.{mode}" for mode in SIGN_MODES)
    yield from (f"message.{name}.{part}" for name in MESSAGES for part in ("title", "body"))
    yield from ("household.monitored", "office.lead")


@pytest.mark.parametrize("key", sorted(wanted_keys()))
def test_has_a_word_in_both_languages(key: str) -> None:
    assert all(TERMS.text(key, lang) for lang in LANGUAGES)


@pytest.mark.parametrize("key", sorted(TERMS))
def test_both_languages_hold_the_same_placeholders(key: str) -> None:
    assert placeholders(TERMS.text(key, "zh")) == placeholders(TERMS.text(key, "en"))


@pytest.mark.parametrize("key", sorted(TERMS))
def test_chinese_is_chinese_and_english_is_ascii_or_quoted(key: str) -> None:
    """A wording that only puts others together, with no letter of its own, needs no Chinese."""
    has_letters = re.search(r"\w", re.sub(r"\{[^}]*\}", "", TERMS.text(key, "en")))
    assert not has_letters or re.search(r"[\u4e00-\u9fff]", TERMS.text(key, "zh"))
    assert not re.search(r"[\u4e00-\u9fff]", TERMS.text(key, "en"))


@cache
def raised_parameters() -> dict[str, list[set[str]]]:
    """For each refusal code, the names of the parameters at each place that raises it."""
    found: dict[str, list[set[str]]] = {}
    for folder in ("workflows", "app", "scheduler"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KINDS:
                    names = {str(keyword.arg) for keyword in node.keywords}
                    found.setdefault(KINDS[node.func.id].code, []).append(names)
    return found


@pytest.mark.parametrize("code", sorted(kind.code for kind in KINDS.values()))
def test_refusals_name_only_what_every_raise_site_gives(code: str) -> None:
    named = placeholders(TERMS.text(f"refused.{code}"))
    sites = raised_parameters().get(code, [])
    assert all(named <= given for given in sites), (named, sites)
    assert sites or not named


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("part", ["title", "body"])
def test_messages_name_only_what_messages_give(name: str, part: str) -> None:
    given = MESSAGE_PARAMETERS.get(name, {"case", "household", "timer", "due"})
    assert placeholders(TERMS.text(f"message.{name}.{part}")) <= given


def test_the_group_has_a_new_name_from_2026() -> None:
    assert TERMS.text("household.monitored", on=date(2025, 12, 31)) == "监测对象"
    assert TERMS.text("household.monitored", on=date(2026, 1, 1)) == "防止返贫致贫对象"


@pytest.mark.parametrize(
    ("area", "on", "name"),
    [
        ("500230001001", date(2020, 6, 1), "县扶贫开发办公室"),
        ("500230001001", date(2024, 4, 10), "县乡村振兴局"),  # S0
        ("430527001001", date(2024, 6, 1), "县农业农村局"),  # S3
        ("500241001201", date(2026, 11, 22), "县农业农村委"),
        (
            "510100001001",
            date(2026, 11, 22),
            "县农业农村局",
        ),  # Sichuan begins with 5 too, and is not Chongqing
    ],
)
def test_the_lead_office_by_place_and_date(area: str, on: date, name: str) -> None:
    assert TERMS.text("office.lead", on=on, area=area) == name


@pytest.mark.parametrize(
    ("code", "root"),
    [("", ""), ("500000", "50"), ("500100", "5001"), ("500230", "500230"), ("500230000000", "500230"),
     ("500230100000", "500230100"), ("500230100200", "500230100200"), ("500241001201005", "500241001201005")],
)  # fmt: skip
def test_the_root_of_an_area_ends_at_a_level(code: str, root: str) -> None:
    assert area_root(code) == root


def test_a_county_pack_does_not_hold_the_neighbour() -> None:
    """Fengdu's code ends in a zero; Dianjiang (500231) is another county."""
    rules, day = load_rules(), date(2026, 3, 2)
    assert rules.pack_for("500230001001", day).id == "500230-fengdu"
    assert rules.pack_for("500231001001", day).id == "500000-chongqing"


def test_a_missing_word_is_found() -> None:
    with pytest.raises(KeyError):
        TERMS.text("refused.no_such_code")


def test_a_term_needs_both_languages() -> None:
    with pytest.raises(ValueError, match="en"):
        parse_variant({"zh": "村"})


def test_a_file_needs_its_format(tmp_path: Path) -> None:
    path = tmp_path / "words.toml"
    path.write_text('format = "other"\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"words\.toml"):
        load_terms(path)


def test_later_additions_win_for_their_place() -> None:
    added = parse_terms({"level": {"village": [{"zh": "社区", "en": "community", "area": "500241000000"}]}})
    merged = TERMS.merged(added)
    assert isinstance(merged, Terms)
    assert merged.text("level.village", area="500241001201") == "社区"
    assert merged.text("level.village", area="500230001201") == "村级"


@pytest.mark.parametrize("day", [date(2020, 6, 1), date(2025, 12, 31), date(2026, 1, 1)])
def test_every_reference_of_every_catalogue_leads_to_words(day: date) -> None:
    terms = all_terms()
    said = (terms.text(key, lang, on=day) for key in terms for lang in LANGUAGES)
    assert [text for text in said if "{@" in text] == []
