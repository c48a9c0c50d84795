"""Papers on paper: the grid of GB/T 9704-2012 measured, equal bytes, fonts, a county's own templates."""

import hashlib
import subprocess
import sys
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pikepdf
import pypdf
import pytest
from PIL import Image

from app.paper_list import BadCatalogue, NotOnList, Paper, only, papers, read
from app.paper_samples import samples_of
from app.printing import faults_of_papers
from reports.papers.fonts import paper_fonts
from reports.papers.gate import BadPaper
from reports.papers.sheets import filled, own_digest
from reports.papers.typeset import Sheet, typeset
from reports.render import RenderError
from tests.print.grid import Glyph, glyphs_of, lines_of

FONTS = paper_fonts()
PROGRAM = """
import hashlib
from app.paper_list import papers
from app.paper_samples import samples_of
from reports.papers.fonts import paper_fonts
from reports.papers.sheets import filled
from reports.papers.typeset import Sheet, typeset
fonts = paper_fonts()
paper = papers()["county_reply"]
html = filled(paper.id, samples_of(paper)[0], fonts=fonts)
print(hashlib.sha256(typeset([Sheet(html, "批复")], fonts=fonts)).hexdigest())
"""


def sheet_of(paper: Paper, number: int = 0, folder: Path | None = None) -> Sheet:
    """A paper with its samples."""
    html = filled(paper.id, samples_of(paper)[number], fonts=FONTS, folder=folder)
    return Sheet(html, paper.id, pictures={"0" * 64: jpeg()})


def jpeg() -> bytes:
    out = BytesIO()
    Image.new("RGB", (80, 60), (200, 180, 120)).save(out, "JPEG")
    return out.getvalue()


def printed(*sheets: Sheet) -> bytes:
    return typeset(sheets, fonts=FONTS)


def text_of(data: bytes) -> str:
    return "".join("".join(page.extract_text().split()) for page in pypdf.PdfReader(BytesIO(data)).pages)


@pytest.fixture(scope="module")
def full() -> bytes:
    """Two sheets and a bit of nothing but one hanzi."""
    text = "防" * (28 * 50)
    return printed(Sheet(f'<article class="paper leaflet"><p>{text}</p></article>', "满"))


def test_a_sheet_holds_22_lines_of_28_characters(full: bytes) -> None:
    body = [glyph for glyph in glyphs_of(full, 0) if glyph.family == "fangsong"]
    lines = lines_of(body)
    assert len(lines) == 22
    assert {len(line) for line in lines} == {28}
    assert {round(glyph.size, 2) for glyph in body} == {16.0}


def test_the_type_area_is_156_by_225_mm_where_the_standard_has_it(full: bytes) -> None:
    lines = lines_of([glyph for glyph in glyphs_of(full, 0) if glyph.family == "fangsong"])
    for line in lines:
        assert line[0].x == pytest.approx(28, abs=0.1)
        assert line[-1].x + line[-1].width == pytest.approx(28 + 156, abs=0.5)
    steps = [below[0].y - above[0].y for above, below in pairwise(lines)]
    assert all(step == pytest.approx(225 / 22, abs=0.02) for step in steps)
    # A line's room is 10.227 mm around type of 5.64 mm: the first baseline and the last lie inside the area.
    assert 37 < lines[0][0].y < 37 + 225 / 22
    assert 37 + 21 * 225 / 22 < lines[-1][0].y < 37 + 225


def test_page_numbers_stand_outside_odd_right_and_even_left(full: bytes) -> None:
    for page, right in ((0, True), (1, False)):
        marks = [glyph for glyph in glyphs_of(full, page) if glyph.family == "song"]
        assert {round(glyph.size, 2) for glyph in marks} == {14.0}
        assert all(37 + 225 + 7 < glyph.y < 37 + 225 + 7 + 14 * 25.4 / 72 + 1 for glyph in marks)
        em = 14 * 25.4 / 72
        if right:
            assert max(glyph.x + glyph.width for glyph in marks) == pytest.approx(28 + 156 - em, abs=1)
        else:
            assert min(glyph.x for glyph in marks) == pytest.approx(28 + em, abs=1)
    assert "—1—" in text_of(full)


def test_titles_and_headings_have_their_own_faces() -> None:
    html = '<article class="paper leaflet"><h1>标题</h1><p>正文</p><h2>一、大项</h2><h3>（一）小项</h3></article>'
    found = {
        (glyph.family.removesuffix("-Bold"), round(glyph.size)) for glyph in glyphs_of(printed(Sheet(html, "层次")), 0)
    }
    assert {("xiaobiaosong", 22), ("fangsong", 16), ("heiti", 16), ("kaiti", 16)} <= found


@pytest.mark.parametrize("name", list(papers()))
def test_every_paper_prints_filled_and_blank_with_every_character(name: str) -> None:
    paper = papers()[name]
    for number in range(len(samples_of(paper))):
        data = printed(sheet_of(paper, number))
        text = text_of(data)
        assert "文书" in text
        assert "［U+" not in text
        pages = len(pypdf.PdfReader(BytesIO(data)).pages)
        assert all(inside(glyph) for page in range(pages) for glyph in glyphs_of(data, page))


def inside(glyph: Glyph) -> bool:
    return glyph.x > 20 and glyph.x + glyph.width < 190 and 20 < glyph.y < 290


def test_several_papers_are_one_file_with_a_bookmark_and_page_numbers_each() -> None:
    found = [papers()["county_reply"], papers()["application"]]
    data = printed(*(sheet_of(paper) for paper in found))
    with pikepdf.open(BytesIO(data)) as pdf, pdf.open_outline() as outline:
        assert [item.title for item in outline.root] == ["county_reply", "application"]
        assert all(font.FontDescriptor.get("/FontFile2") for font in descendants(pdf))
    pages = [page.extract_text() for page in pypdf.PdfReader(BytesIO(data)).pages]
    assert sum("— 1 —" in page for page in pages) == 2


def descendants(pdf: pikepdf.Pdf) -> list[pikepdf.Object]:
    return [font.DescendantFonts[0] for page in pdf.pages for font in page.Resources.Font.values()]


def test_the_same_values_give_the_same_bytes_in_another_process() -> None:
    html = filled("county_reply", samples_of(papers()["county_reply"])[0], fonts=FONTS)
    here = hashlib.sha256(printed(Sheet(html, "批复"))).hexdigest()
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == here


def test_a_rare_name_is_printed_and_what_no_font_has_is_written_as_its_number() -> None:
    values = samples_of(papers()["application"])[0] | {"head": "㐱𠅤龑😀\u202e"}
    text = text_of(printed(Sheet(filled("application", values, fonts=FONTS), "生僻")))
    assert "㐱" in text
    assert "龑" in text
    assert "［U+1F600］" in text
    assert "［U+202E］" in text


def test_the_offices_own_fonts_take_the_place_of_ours(tmp_path: Path) -> None:
    with pytest.raises(RenderError):
        paper_fonts(tmp_path)
    (tmp_path / "fangsong.ttf").write_bytes(dict(FONTS.files)["song"].read_bytes())
    own = paper_fonts(tmp_path)
    assert dict(own.files)["fangsong"] == tmp_path / "fangsong.ttf"
    assert dict(own.files)["kaiti"] == dict(FONTS.files)["kaiti"]


# --- the catalogue ---
def row(**more: object) -> dict[str, object]:
    table: dict[str, object] = {"of": "village", "kind": "public", "roles": ["village_cadre"], "columns": ["head"]}
    return {"format": "fp-papers-v1", "papers": {"x": {**table, **more}}}


@pytest.mark.parametrize(
    "more",
    [
        {"columns": ["head", "risks"]},
        {"columns": ["phone"]},
        {"shows": ["members"]},
        {"shows": ["number"]},
        {"fields": ["opinion"]},
        {"acts": ["verify"]},
        {"roles": ["nobody"]},
        {"kind": "secret"},
        {"of": "moon"},
        {"typo": 1},
    ],
)
def test_a_public_paper_cannot_name_what_is_nobodys_business(more: dict[str, object]) -> None:
    assert read(row())["x"].is_public
    with pytest.raises(BadCatalogue):
        read(row(**more))


@pytest.mark.parametrize("name", [name for name, paper in papers().items() if paper.is_public])
@pytest.mark.parametrize("stray", ["phone", "risks", "id", "bank", "members"])
def test_a_value_beside_the_list_stops_a_public_paper(name: str, stray: str) -> None:
    paper = papers()[name]
    values = samples_of(paper)[0]
    assert only(paper, values) == values
    with pytest.raises(NotOnList):
        only(paper, {**values, stray: "x"})
    with pytest.raises(NotOnList):
        only(paper, {**values, "field": {stray: {"label": "x", "value": "x"}}})
    stray_cell = "head_phone" if stray == "members" else stray
    with pytest.raises(NotOnList):
        only(paper, {**values, "groups": [{"purpose": "include", "rows": [{"head": "张三", stray_cell: "x"}]}]})


# --- a county's own templates ---
def test_a_countys_template_is_used_and_its_digest_known(tmp_path: Path) -> None:
    own = tmp_path / "review_minutes.html"
    own.write_text(
        '{% extends "base.html" %}{% block body %}<p>本县格式 {{ v.head }}</p>{% endblock %}', encoding="utf-8"
    )
    assert list(faults_of_papers(tmp_path)) == []
    assert "本县格式 样张" in sheet_of(papers()["review_minutes"], folder=tmp_path).html
    assert own_digest("review_minutes", tmp_path) == hashlib.sha256(own.read_bytes()).hexdigest()
    assert own_digest("application", tmp_path) == ""


HOSTILE_TEMPLATES = [
    "{{ v.__class__ }}",
    "{{ v._x }}",
    '{{ v|attr("__class__") }}',
    '{{ v["__class__"] }}',
    "{{ v.head.__init__ }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ lipsum.__globals__ }}",
    "{{ self._TemplateReference__context }}",
    '{{ "".__class__.__mro__ }}',
    "{{ v.head|safe }}",
    "{% autoescape false %}{{ v.head }}{% endautoescape %}",
    '{% include "/etc/passwd" %}',
    '{% include "../../../etc/passwd" %}',
    '{% import "os" as os %}',
    '{% include "out.html" %}',
    '<img src="file:///etc/passwd">',
    '<img src="https://example.com/x.png">',
    '<img src="data:image/png;base64,AAAA">',
    "<script>alert(1)</script>",
    "<style>p{background:url(file:///etc/passwd)}</style>",
    '<link rel="attachment" href="x">',
    '<p style="background:url(x)">x</p>',
    '<p onclick="x">x</p>',
    '<a href="https://example.com">x</a>',
    "<iframe></iframe>",
    '<object data="file:///etc/passwd"></object>',
    "<svg></svg>",
    "<form></form>",
    '<meta name="x">',
    '<base href="x">',
    "<!-- secret -->",
    "<!DOCTYPE x>",
    "<?xml version='1.0'?>",
    "<![CDATA[x]]>",
    "<p>",
    "</article>",
    '<p class="x{y}">x</p>',
    "{{ v.no_such_value }}",
    "{{ config }}",
    "{{ request }}",
    "{% if %}",
    '{{ "x" * 999999999 }}',
    "{{ 9 ** 999999999 }}",
    "{{ v.update({}) }}",
    "{{ 1 // 0 }}",
]


@pytest.mark.parametrize("text", HOSTILE_TEMPLATES)
def test_a_broken_or_hostile_template_is_named_and_never_replaced_by_ours(tmp_path: Path, text: str) -> None:
    (tmp_path / "out.html").symlink_to("/etc/passwd")
    own = tmp_path / "review_minutes.html"
    own.write_text(f'{{% extends "base.html" %}}{{% block body %}}{text}{{% endblock %}}', encoding="utf-8")
    with pytest.raises(BadPaper):
        sheet_of(papers()["review_minutes"], folder=tmp_path)
    assert any(
        "review_minutes.html" in fault or "out.html" in fault or "<" in fault for fault in faults_of_papers(tmp_path)
    )


def test_a_template_that_no_paper_has_is_named(tmp_path: Path) -> None:
    (tmp_path / "reveiw_minutes.html").write_text("x", encoding="utf-8")
    assert list(faults_of_papers(tmp_path)) == ["reveiw_minutes.html: no paper has this name"]
