"""Marks of offices: what may stand in a pack, the one that fits best, and the number as it is written."""

import pytest

from app.paper_list import papers
from tests.factories import rules
from workflows.document_numbers import ROW, document_number, is_marks, mark_of

MARKS = ["county 秀防贫发", "county:county_reply 秀防贫函", "500241102 溶溪府发"]


@pytest.mark.parametrize(
    ("issuer", "paper", "mark"),
    [
        ("500241000000", "county_reply", "秀防贫函"),
        ("500241000000", "other", "秀防贫发"),
        ("500241102000", "refusal_letter", "溶溪府发"),
        ("500241103000", "refusal_letter", ""),
    ],
)
def test_the_mark_that_fits_best(issuer: str, paper: str, mark: str) -> None:
    assert mark_of(MARKS, issuer, paper) == mark


@pytest.mark.parametrize(
    "value",
    [
        "county 秀防贫发",
        ["秀防贫发"],
        ["county"],
        ["county 秀 防"],
        ["county 秀〔防"],
        ["township 秀防贫发"],
        ["county 秀防贫发", "county 秀发"],
        ["county 秀防2026发"],
        [1],
    ],
)
def test_what_is_no_list_of_marks(value: object) -> None:
    assert is_marks(MARKS)
    assert is_marks([])
    assert not is_marks(value)


def test_a_number_as_it_is_written() -> None:
    assert document_number("秀防贫发", 2026, 3) == "秀防贫发〔2026〕3号"


def test_the_marks_of_shipped_packs_name_papers_that_exist() -> None:
    rows = [row for pack in rules().packs.values() for row in pack.parameters if row.id == "document_marks"]
    named = {found[2] for row in rows for text in row.value if (found := ROW.fullmatch(text)) and found[2]}
    assert rows
    assert named <= set(papers())
