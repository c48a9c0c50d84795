"""Handbook, permissions and clauses on paper: equal bytes, what stands on the pages, nothing from outside."""

import hashlib
import os
import subprocess
import sys
from datetime import date
from io import BytesIO
from pathlib import Path

import pikepdf
import pypdf
import pytest

from app.labels import Speech
from app.services.clause_list import clauses
from app.services.guide import Apart
from app.services.handbook import handbook
from app.services.matrix import matrix
from reports.render import Fonts, RenderError
from reports.sheet import render_sheet
from workflows.registry import load_rules

RULES = load_rules()
PACK = RULES.packs["500241-xiushan"]
PROGRAM = """
import hashlib
from datetime import date
from app.services.guide import Apart
from app.services.matrix import matrix
from reports.sheet import render_sheet
from workflows.registry import load_rules
rules = load_rules()
pack = rules.packs["500241-xiushan"]
words = Apart("zh", date(2026, 11, 23), pack.area)
print(hashlib.sha256(render_sheet("matrix", matrix(words, pack, rules))).hexdigest())
"""


def words(lang: str) -> Speech:
    return Apart(lang, date(2026, 11, 23), PACK.area)


def text_of(data: bytes) -> str:
    """All text without blanks or line ends."""
    return "".join("".join(page.extract_text().split()) for page in pypdf.PdfReader(BytesIO(data)).pages)


@pytest.fixture(scope="module")
def book() -> bytes:
    return render_sheet("handbook", handbook(words("zh"), PACK, RULES))


def test_the_handbook_names_pack_digest_and_date_and_tells_every_gate(book: bytes) -> None:
    text = text_of(book)
    for said in (
        PACK.id,
        PACK.digest[:12],
        "2022年5月20日",
        "秀委农组〔2022〕5号",
        "第1关村提名",
        "第5关县审定",
        "须2人共同签署",
        "不少于5天（S4第17条）",
        "最长15天",
        "签署过本案入户核实、乡镇联合审核的人",
    ):
        assert said in text, said
    assert "［U+" not in text  # every character has a glyph


def test_the_handbook_has_a_diagram_and_bookmarks(book: bytes) -> None:
    with pikepdf.open(BytesIO(book)) as pdf, pdf.open_outline() as outline:
        titles = [item.title for item in outline.root]
        assert titles[0] == "一、识别纳入"
        assert titles[-1] == "十、不可以做的"
        assert pdf.docinfo["/Title"] == "重庆市秀山土家族苗族自治县监测帮扶办事手册"
    pages = [page.extract_text() for page in pypdf.PdfReader(BytesIO(book)).pages]
    assert any("起点：登记线索" in page and "已办结" in page for page in pages)  # one diagram, one page


def test_the_same_rules_give_the_same_bytes_in_another_process() -> None:
    here = hashlib.sha256(render_sheet("matrix", matrix(words("zh"), PACK, RULES))).hexdigest()
    environment = {**os.environ, "PYTHONHASHSEED": "77", "TZ": "America/New_York", "FONTCONFIG_FILE": "/dev/null"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == here


def test_permissions_and_clauses_speak_english_too() -> None:
    table = text_of(render_sheet("matrix", matrix(words("en"), PACK, RULES)))
    assert "Permissions:XiushanCounty" in table
    assert "whosignedVerificationathome,Countyapproval" in table
    listed = text_of(render_sheet("clauses", clauses(words("en"), PACK, RULES)))
    assert "S4item17" in listed
    assert "Identificationin15days,5daysofnotice" in listed


def test_a_missing_font_stops_the_print(tmp_path: Path) -> None:
    fonts = Fonts()
    broken = Fonts(song=fonts.song, hei=tmp_path / "none.ttf", rare=fonts.rare)
    with pytest.raises(RenderError):
        render_sheet("matrix", matrix(words("zh"), PACK, RULES), fonts=broken)
