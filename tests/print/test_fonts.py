"""The shipped fonts hold what a county writes, and a PDF embeds them and nothing else."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pikepdf
import pytest
from fontTools.ttLib import TTFont
from weasyprint import CSS, HTML, Attachment
from weasyprint.text.fonts import FontConfiguration

from app.services.story import FONT
from reports.glyphs import uncovered
from workflows.registry import load_rules

ROOT = Path(__file__).parents[2]
FONTS = ROOT / "reports" / "fonts"
MAIN = ("FangpinSong-Regular", "FangpinHei-Bold")
RARE = "FangpinRare-Regular"
THEN = datetime(2026, 1, 1, tzinfo=UTC)
TEXT = "防止返贫致贫对象：李镕、王㛃 䲟；☑ ☐ ☒ ✓ ✗ ● → ①《通知》〔2022〕17号 １２ 1,234.00"


def _cmap(name: str) -> set[int]:
    with TTFont(FONTS / f"{name}.ttf", lazy=True) as font:
        return set(font.getBestCmap())


@pytest.mark.parametrize("name", MAIN)
def test_the_main_fonts_hold_every_place_name_and_extra_character(name: str) -> None:
    texts = [*ROOT.glob("app/data/divisions/*.csv"), FONTS / "extra.txt"]
    wanted = {ord(char) for path in texts for char in path.read_text(encoding="utf-8")}
    missing = wanted - _cmap(name) - set(map(ord, "\r\n"))
    assert not missing, "".join(map(chr, sorted(missing)))


def test_the_rare_font_holds_the_other_hanzi_and_spaces() -> None:
    everything = _cmap(RARE) | _cmap(MAIN[0])
    assert everything >= set(range(0x4E00, 0x9FE0))
    # The text engine draws a space in the font of the character before it.
    assert {0x20, 0xA0, 0x3000} <= _cmap(RARE)
    assert len(_cmap(RARE)) > 22_000


def _pdf() -> bytes:
    faces = "".join(
        f"@font-face {{ font-family: {name.partition('-')[0]}; src: url({(FONTS / name).as_uri()}.ttf) }}"
        for name in (*MAIN, RARE)
    )
    rules = (
        "p { font-family: FangpinSong, FangpinRare }h1 { font-family: FangpinHei, FangpinRare; font-weight: normal }"
    )
    config = FontConfiguration()
    trail = Attachment(string="{}", name="trail.json", created=THEN, modified=THEN)
    document = HTML(string=f"<html lang=zh><title>t</title><h1>{TEXT}</h1><p>{TEXT}")
    result = document.write_pdf(
        stylesheets=[CSS(string=faces + rules, font_config=config)],
        font_config=config,
        pdf_variant="pdf/a-3u",
        pdf_identifier=b"fangpin",
        attachments=[trail],
    )
    return bytes(result)


def _embedded_fonts(pdf: bytes) -> set[str]:
    """Return the names, less the subset tag, of the fonts with a TrueType file inside."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        return {
            str(item["/FontName"]).partition("+")[2]
            for item in document.objects
            if isinstance(item, pikepdf.Dictionary) and "/FontFile2" in item
        }


def test_a_pdf_embeds_the_shipped_fonts_only_and_repeats() -> None:
    pdf = _pdf()
    assert _embedded_fonts(pdf) == {"FangpinSong", "FangpinHei-Bold", "FangpinRare"}
    assert _pdf() == pdf


def test_the_demos_pictures_can_name_every_kind_of_evidence() -> None:
    rules = load_rules()
    kinds = [d.evidence for d in rules.definitions.values()] + [p.evidence for p in rules.packs.values()]
    names = "".join(label["zh"] for evidence in kinds for label in evidence.values())
    assert uncovered(names, (FONT,)) == []
