"""What people type becomes typed values: full-width digits, yuan and fen, days, boxes; labels and sentences for all."""

from datetime import UTC, date, datetime

import pytest

from app.labels import Labels, Speech, masked_phone, money, refusal_sentence, short_area
from app.schemas import count, day, read_form, yuan
from tests.factories import XIUSHAN, rules
from tests.world import World
from workflows.definition import Field
from workflows.errors import MissingEvidence, NoQuorum, Refused, SameHand, TooEarly, WrongOffice, WrongState

LABEL = {"zh": "字段", "en": "field"}


@pytest.mark.parametrize(
    ("typed", "fen"),
    [
        ("8300", 830_000),
        ("8,300.5", 830_050),
        ("８，３００．０５", 830_005),
        ("¥12 元", 1200),
        ("-3.10", -310),
        ("0.07", 7),
    ],
)
def test_yuan_become_fen(typed: str, fen: int) -> None:
    assert yuan(typed) == fen


@pytest.mark.parametrize("typed", ["", "八千", "1e3", "1.234", "nan", "12345678901", "--1", "1.2.3", "０x1"])
def test_what_is_no_amount(typed: str) -> None:
    assert yuan(typed) is None


def test_counts_and_days() -> None:
    assert (count("１２"), count("-1"), count("1.5"), count("")) == (12, None, None, None)
    assert day("2026年3月2日") == day("2026/3/2") == day("２０２６－０３－０２") == "2026-03-02"
    assert day("2026-02-30") is day("yesterday") is None


def test_a_form_says_what_is_missing_and_what_is_wrong() -> None:
    specs = [
        Field("a", LABEL, "text"),
        Field("b", LABEL, "money"),
        Field("c", LABEL, "choices"),
        Field("d", LABEL, "bool"),
    ]
    read = read_form(specs, ("d",), {"a": " ", "b": "x", "c": ["1", "2"], "d": ""})
    assert read.errors == {"a": "missing_field", "b": "bad_value"}
    assert read.values == {"c": ["1", "2"]}
    assert read_form(specs, (), {"a": "x\r\ny ", "b": "1", "c": ["1"], "d": "no"}).values == {
        "a": "x\ny", "b": 100, "c": ["1"], "d": False,
    }  # fmt: skip


def test_plain_shapes() -> None:
    assert (money(830_000), money(830_050), money(-7)) == ("8,300", "8,300.50", "-0.07")
    assert (masked_phone("13912345678"), masked_phone("123"), masked_phone("")) == ("139****5678", "****", "")
    assert short_area("平所村村民委员会") == "平所村"
    assert short_area("城北社区居民委员会") == "城北社区"


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(
    "refused",
    [
        SameHand(gate="verify"),
        WrongOffice(roles=["village_cadre", "township_leader"]),
        TooEarly(timer="publicity_min", until="2026-03-07T16:00:00Z"),
        MissingEvidence(kind="visit_photo"),
        WrongState(action="nominate", state="monitor_status.active"),
        NoQuorum(due=12, present=5, cast=5, share="2/3"),
    ],
)
def test_sentences_hold_labels_and_no_identifiers(world: World, refused: Refused, lang: str) -> None:
    with world.app.test_request_context():
        compiled = rules().current("household_case", XIUSHAN, "include", date(2026, 3, 2))
        speech = Speech(lang, date(2026, 3, 2), XIUSHAN)
        sentence = refusal_sentence(speech, refused, Labels(speech, compiled))
    assert "{" not in sentence
    assert "_" not in sentence
    assert "monitor_status" not in sentence
    assert sentence.isascii() is False or lang == "en"


def test_terms_follow_the_day(world: World) -> None:
    with world.app.test_request_context():
        assert Speech("zh", date(2025, 12, 31), XIUSHAN).say("household.monitored") == "监测对象"
        assert Speech("zh", date(2026, 1, 1), XIUSHAN).say("household.monitored") == "防止返贫致贫对象"
        now = datetime(2026, 3, 2, 2, tzinfo=UTC)
        words = Speech("zh", date(2026, 3, 2))
        assert words.left("2026-03-05T16:00:00Z", now) == "剩3天"
        assert words.left("2026-03-02T16:00:00Z", now) == "今天到期"
        assert words.left("2026-02-28T16:00:00Z", now) == "超期2天"
