"""Prints for the archive: PDF/A by our own rules, syntax by qpdf, every name back as text."""

import unicodedata
from collections.abc import Callable
from io import BytesIO

import pikepdf
import pypdf
import pytest
from fontTools.ttLib import TTFont
from pikepdf import Array, Dictionary, Name

from app.paper_list import papers
from app.paper_samples import samples_of
from reports.render import BUNDLED, render_trail
from tests.offices import office
from tests.print import trails
from tests.print.archival import faults
from tests.print.test_papers import printed, sheet_of
from tests.prove.edited_prints import note_of
from tests.prove.sealed_prints import seal_of


@pytest.fixture(scope="module")
def sealed(honest: str) -> bytes:
    return render_trail(honest, seal_text=seal_of(honest), seal=note_of)


def test_a_trail_is_pdf_a_3u(sealed: bytes) -> None:
    assert faults(sealed, 3) == []


def test_the_electronic_seal_leaves_it_pdf_a_3u(sealed: bytes) -> None:
    assert faults(office().sealed(sealed), 3) == []


@pytest.mark.parametrize("name", list(papers()))
def test_every_paper_is_pdf_a_3u_without_attachments(name: str) -> None:
    """So that all but the number of its claim is PDF/A-2u too."""
    for number in range(len(samples_of(papers()[name]))):
        data = printed(sheet_of(papers()[name], number))
        assert faults(data, 3) == []
        with pikepdf.open(BytesIO(data)) as pdf:
            assert not pdf.attachments


def without_unicode(pdf: pikepdf.Pdf) -> None:
    for held in pdf.objects:
        if isinstance(held, Dictionary) and "/ToUnicode" in held:
            del held.ToUnicode


def without_font_file(pdf: pikepdf.Pdf) -> None:
    for held in pdf.objects:
        if isinstance(held, Dictionary) and "/FontFile2" in held:
            del held.FontFile2


def with_javascript(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = Dictionary(S=Name.JavaScript, JS="x")


def without_intent(pdf: pikepdf.Pdf) -> None:
    del pdf.Root.OutputIntents


def with_blend(pdf: pikepdf.Pdf) -> None:
    pdf.make_indirect(Dictionary(Type=Name.ExtGState, BM=Name.Multiply))
    pdf.Root.X = pdf.make_indirect(Dictionary(Type=Name.ExtGState, BM=Name.Multiply))


def not_associated(pdf: pikepdf.Pdf) -> None:
    pdf.Root.AF = Array()


def another_claim(pdf: pikepdf.Pdf) -> None:
    raw = pdf.Root.Metadata.read_bytes()
    pdf.Root.Metadata.write(raw.replace(b"3", b"1"))


BROKEN: dict[Callable[[pikepdf.Pdf], None], str] = {
    without_unicode: "6.2.11.7",
    without_font_file: "6.2.11.4",
    with_javascript: "6.5",
    without_intent: "6.2.3",
    with_blend: "6.2.10",
    not_associated: "6.8",
    another_claim: "6.6",
}


@pytest.mark.parametrize("way", BROKEN)
def test_the_rules_find_what_is_broken(sealed: bytes, way: Callable[[pikepdf.Pdf], None]) -> None:
    with pikepdf.open(BytesIO(sealed)) as pdf:
        way(pdf)
        out = BytesIO()
        pdf.save(out)
    assert [fault for fault in faults(out.getvalue(), 3) if BROKEN[way] in fault]


def test_an_encrypted_file_is_none(sealed: bytes) -> None:
    out = BytesIO()
    with pikepdf.open(BytesIO(sealed)) as pdf:
        pdf.save(out, encryption=pikepdf.Encryption(owner="x", user=""))
    assert [fault for fault in faults(out.getvalue(), 3) if "encrypted" in fault]


def test_every_rare_character_comes_back_as_text() -> None:
    """400 hanzi of GB 18030 spread over all that our fonts have beyond the common ones, in names: each once."""
    known = sorted({code for font in BUNDLED.files.values() for code in TTFont(font).getBestCmap()})
    rare = [chr(code) for code in known if 0x3400 <= code < 0x4DC0 or code >= 0x20000]
    rare = [one for one in rare if unicodedata.is_normalized("NFC", one)]  # what is entered is kept in that form
    chosen = [rare[n * len(rare) // 400] for n in range(400)]
    builder = trails.Builder()
    trails.opened(builder, opinion="、".join(f"王{one}明" for one in chosen))
    reader = pypdf.PdfReader(BytesIO(render_trail(trails.trail(builder))))
    text = "".join("".join(page.extract_text().split()) for page in reader.pages)
    assert [one for one in chosen if text.count(one) != 1] == []
    # A name may stand on both sides of a page's end.
    assert sum(f"王{one}明" in text for one in chosen) >= len(chosen) - len(reader.pages)
