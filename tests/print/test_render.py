"""The printed trail: equal bytes, PDF/A-3u, what stands on the pages, hostile text, missing glyphs."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pypdf
import pytest
from weasyprint.urls import FatalURLFetchingError

from app.labels import money
from reports import render
from reports.glyphs import uncovered, visible
from reports.labels import Labels, yuan
from reports.render import BUNDLED, FontsFetched, NothingFetched, RenderError, render_trail
from reports.trail import read_trail
from reports.view import view_of
from tests.print import trails
from tests.print.trails import CASE, STATUS, change
from workflows.clock import utc_text
from workflows.journal import short

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src='http://127.0.0.1:9/x.png'><link rel=attachment href='file:///etc/passwd'>",
    "</p><style>@import url(http://127.0.0.1:9/a.css); * { color: red }</style>",
    "{{ 7 * 7 }} {% include '/etc/passwd' %} ${x} #{y}",
    "url(file:///etc/passwd) expression(1) &lt;b&gt; \" ' `",
    "]]> <!-- --> <svg onload=x><object data='file:///etc/passwd'></object>",
)


def text_of(data: bytes) -> str:
    """All text of a PDF without any spaces or line ends, as extracted by an independent reader."""
    reader = pypdf.PdfReader(BytesIO(data))
    return "".join("".join(page.extract_text().split()) for page in reader.pages)


def pages_of(data: bytes) -> list[str]:
    """The text of each page without any spaces or line ends."""
    return [squeezed(page.extract_text()) for page in pypdf.PdfReader(BytesIO(data)).pages]


def squeezed(text: str) -> str:
    return "".join(text.split())


def in_new_process(file: Path, environment: Mapping[str, str]) -> str:
    program = (
        "import hashlib, pathlib, sys; from reports.render import render_trail;"
        "print(hashlib.sha256(render_trail(pathlib.Path(sys.argv[1]).read_text('utf-8'))).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(file)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "1", "TZ": "America/New_York", "LANG": "C"},
        {"PYTHONHASHSEED": "4242", "SOURCE_DATE_EPOCH": "1", "FONTCONFIG_FILE": "/dev/null"},
    ],
)
def test_the_same_trail_gives_the_same_bytes_in_any_process(
    tmp_path: Path, honest: str, printed: bytes, environment: dict[str, str]
) -> None:
    file = tmp_path / "trail.json"
    file.write_text(honest, encoding="utf-8")
    assert in_new_process(file, environment) == hashlib.sha256(printed).hexdigest()


def test_the_same_bytes_after_another_print(honest: str, printed: bytes) -> None:
    render_trail(trails.honest(lang="en"))
    assert render_trail(honest) == printed


def test_it_is_pdf_a_3u_with_the_trail_attached_once(honest: str, printed: bytes) -> None:
    with pikepdf.open(BytesIO(printed)) as pdf:
        assert pdf.check_pdf_syntax() == []
        metadata = pdf.open_metadata()
        assert metadata.pdfa_status == "3U"
        intent = pdf.Root.OutputIntents[0]
        assert intent.S == pikepdf.Name.GTS_PDFA1
        assert "/DestOutputProfile" in intent
        assert len(pdf.Root.AF) == 1
        assert pdf.Root.AF[0].AFRelationship == pikepdf.Name.Data
        assert list(pdf.attachments) == ["trail.json"]
        assert pdf.attachments["trail.json"].get_file().read_bytes().decode() == honest
        assert "/JavaScript" not in pdf.Root.get("/Names", {})
        assert bytes(pdf.trailer.ID[0]) == read_trail(honest).head.encode()
        assert not any("/Annots" in page.obj for page in pdf.pages)


def test_all_fonts_are_ours_and_embedded(printed: bytes) -> None:
    names = set()
    with pikepdf.open(BytesIO(printed)) as pdf:
        fonts = [o for o in pdf.objects if isinstance(o, pikepdf.Dictionary) and o.get("/Type") == "/Font"]
        for font in fonts:
            names.add(str(font.BaseFont).partition("+")[2].partition("-")[0])
            if font.Subtype == "/Type0":
                assert "/ToUnicode" in font
                assert "/FontFile2" in font.DescendantFonts[0].FontDescriptor
    assert names
    assert names <= {"FangpinSong", "FangpinHei", "FangpinRare"}


def test_every_page_is_a4_and_carries_case_head_and_number(honest: str, printed: bytes) -> None:
    reader = pypdf.PdfReader(BytesIO(printed))
    total = len(reader.pages)
    for number, page in enumerate(reader.pages, start=1):
        text = page.extract_text()
        assert CASE in text
        assert short(read_trail(honest).head) in text
        assert f"—{number}/{total}—" in squeezed(text)
        assert [round(float(x)) for x in page.mediabox] == [0, 0, 595, 842]


@pytest.mark.parametrize(
    "text",
    [
        "秀山土家族苗族自治县", "常态化防止返贫致贫审计留痕", trails.HOUSEHOLD, "张镕堃", "已纳入",
        "《坚决防止规模性返贫的具体措施》", "秀委农组〔2022〕5号", "第17条",
        "李明（村干部，隘口镇平所村村民委员会）", "，代 王强", "王芳（乡镇经办人员，500241001000）",
        "人均纯收入：6,500 元 → 6,123.45 元", "住房安全：是", "风险类型：因病、因学", "监测类型：突发严重困难户",
        "线索待提名 → 待入户核实", "家中突发大病，建议提名。", "入户照片（摘要 abab abab abab abab，348,211 字节）",
        "隘口镇平所村村民委员会（代码 500241001201）", "所在村（网格）：隘口镇平所村村民委员会",
        "认定总时限，末日 2026-03-17（暂定）", "入户核实：末日 2026-03-05，逾期 3 日",
        "逾期 3 日办结（第 4 条，2026-03-08）",
        "按期（第 6 条，2026-03-10）", "系统（时钟或导入，不作认定）", "到期", "2026-03-08 05:00", "四、核验方法",
    ],
)  # fmt: skip
def test_what_an_auditor_looks_for_is_on_the_pages(printed: bytes, text: str) -> None:
    assert squeezed(text) in text_of(printed)


def test_all_heads_and_entry_hashes_are_on_the_pages(honest: str, printed: bytes) -> None:
    text, trail = text_of(printed), read_trail(honest)
    for value in (trail.head, *(chain.head for chain in trail.chains)):
        assert value in text
    for section in view_of(trail)["sections"]:
        for entry in section["entries"]:
            assert squeezed(entry["hash"]) in text


def test_what_the_machine_keeps_for_itself_is_not_printed(printed: bytes) -> None:
    assert "_hands" not in text_of(printed)


def test_english_is_complete() -> None:
    text = text_of(render_trail(trails.honest(lang="en")))
    for part in (
        "Audit trail: routine prevention of return to and fall into poverty",
        "late by 3 day(s)",
        "Income per head: 6,500 yuan",
        "on behalf of 王强",
    ):
        assert squeezed(part) in text
    own = {"办理", "流转", "变更", "依据", "起算", "办结", "链首", "末日"}
    assert not [word for word in own if word in text]


def test_an_erased_value_says_so(honest: str) -> None:
    erased = trails.altered(honest, lambda body: body.update(disclosures=[]))
    text = text_of(render_trail(erased))
    assert text.count("［已依法删除］") >= 5
    assert "张镕堃" not in text


def test_the_code_of_the_village_stands_on_the_cover_alone(printed: bytes) -> None:
    assert text_of(printed).count("500241001201") == 1


@pytest.mark.parametrize("fen", [0, 5, 100, 12_345, 720_000, 100_000_050, -650_000, -1])
def test_print_and_page_write_money_alike(fen: int) -> None:
    assert yuan(fen) == money(fen)


def test_the_unit_of_money_is_said_once() -> None:
    label = {"zh": "人均纯收入（元/年）", "en": "Net income (yuan a year)"}
    fields = {"fields": {"income": {"type": "money", "label": label}}}
    for lang in ("zh", "en"):
        assert Labels(lang, fields, {}).value("income", 1_280_000) == "12,800"


def test_a_minimum_that_ran_its_time_is_not_marked_as_late() -> None:
    due = trails.START + timedelta(days=5)
    builder = trails.Builder()
    builder.add("report_clue", deadlines={"started": [trails.started("verify", due, bound="min")], "ended": []})
    lapsed = {"kind": "verify", "generation": 1, "due": utc_text(due)}
    builder.add("lapse", actor="system", hours=150, changes={"lapsed": change(lapsed)})
    builder.add("verify", gate="verify", deadlines={"started": [], "ended": [trails.ended("verify", due, "met")]})
    row = view_of(read_trail(trails.trail(builder)))["summaries"][0]["deadlines"][0]
    assert (row["result"][:4], row["late"]) == ("已满期（", False)


@pytest.mark.parametrize("before", range(0, 24, 3))
def test_a_table_torn_by_a_page_keeps_three_rows_and_its_heading(before: int) -> None:
    builder = trails.Builder()
    for n in range(before + 12):
        builder.add("verify", gate="verify" if n < before else None, deadlines={"started": [
            {**trails.started("id_total", trails.START + timedelta(days=9)), "generation": n + 1}
        ] if n >= before else [], "ended": []})  # fmt: skip
    pages = [
        squeezed(page.extract_text()) for page in pypdf.PdfReader(BytesIO(render_trail(trails.trail(builder)))).pages
    ]
    torn = [page.split("期限与实际（")[1].split("三、全部记录")[0] for page in pages if "期限与实际（" in page]
    rows = [part.count("认定总时限") for part in torn]
    assert sum(rows) == 12
    assert min(rows) >= 3


def test_periods_still_running_late_and_reached() -> None:
    builder = trails.Builder()
    builder.add("report_clue", deadlines={"started": [
        trails.started("id_total", trails.START + timedelta(days=1)),
        trails.started("verify", trails.START + timedelta(days=90)),
        trails.started("publicity", trails.START + timedelta(days=1), bound="min"),
    ], "ended": []})  # fmt: skip
    builder.add("add_evidence", hours=100)
    rows = view_of(read_trail(trails.trail(builder)))["summaries"][0]["deadlines"]
    assert [row["result"] for row in rows] == [
        "截至末条记录逾期 4 日未办结", "截至末条记录仍在计时", "截至末条记录已满期",
    ]  # fmt: skip


def test_empty_chains_are_printed() -> None:
    text = text_of(render_trail(trails.trail(trails.Builder(), trails.Builder(STATUS))))
    assert "本案件尚无记录。" in text


@pytest.mark.parametrize("name", ["张镕堃", "李喆玥", "龑", "𠮷田", "㐂", "䶮", "王𬱟", "·买买提·阿卜杜拉"])
def test_rare_names_are_printed(name: str) -> None:
    builder = trails.Builder()
    trails.opened(builder, head_name=name)
    assert name in text_of(render_trail(trails.trail(builder)))


def test_a_character_without_a_glyph_is_printed_as_its_number() -> None:
    builder = trails.Builder()
    trails.opened(builder, opinion="同意\U0001f600")
    assert "同意［U+1F600］" in text_of(render_trail(trails.trail(builder)))
    assert uncovered("同意\U0001f600", BUNDLED.text) == ["\U0001f600"]


def test_characters_that_hide_or_reorder_text_are_written_out() -> None:
    assert visible("甲\u202e乙\u200b\x00丙\ufe0f\t丁\n戊") == "甲［U+202E］乙［U+200B］［U+0000］丙［U+FE0F］ 丁\n戊"
    builder = trails.Builder()
    trails.opened(builder, opinion="同意\u202e意同\n另起一行")
    text = text_of(render_trail(trails.trail(builder)))
    assert "同意［U+202E］意同" in text
    assert "另起一行" in text


def test_hostile_text_is_only_text(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def fetch(self: NothingFetched, url: str, headers: Any = None) -> Any:
        asked.append(url)
        raise FatalURLFetchingError(url)

    monkeypatch.setattr(NothingFetched, "fetch", fetch)
    builder = trails.Builder()
    trails.opened(builder, head_name=HOSTILE[0], opinion="\n".join(HOSTILE))
    builder.add("<b>act</b>", gate="<i>", target="}; @page { size: A5 }", clauses=["<u> 17"],
                actor="village", behalf="<a href='http://127.0.0.1:9'>x</a>",
                changes={"<field>": change({"a": ["<b>"]})})  # fmt: skip
    data = render_trail(trails.trail(builder, case=CASE))
    text = text_of(data)
    assert asked == []
    for line in (*HOSTILE, "<b>act</b>", "<ahref='http://127.0.0.1:9'>x</a>", "};@page{size:A5}"):
        assert squeezed(line) in text
    with pikepdf.open(BytesIO(data)) as pdf:
        assert list(pdf.attachments) == ["trail.json"]
        assert not any("/Annots" in page.obj for page in pdf.pages)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/", "file:///etc/passwd", "data:text/css,x", "fangpin-font:../x", "ftp://x/"]
)
def test_nothing_is_fetched_but_the_three_fonts(url: str) -> None:
    for fetcher in (NothingFetched(), FontsFetched(BUNDLED)):
        with pytest.raises(FatalURLFetchingError):
            fetcher.fetch(url)
    assert FontsFetched(BUNDLED).fetch("fangpin-font:FangpinHei").read(4) == b"\x00\x01\x00\x00"


def test_a_template_that_asks_for_an_address_prints_nothing() -> None:
    with pytest.raises(RenderError, match="may not fetch"):
        render._laid_out("<img src='file:///etc/passwd'>", BUNDLED)


def test_a_missing_font_is_named(tmp_path: Path, honest: str) -> None:
    fonts = render.Fonts(hei=tmp_path / "absent.ttf")
    with pytest.raises((RenderError, OSError), match=r"absent\.ttf"):
        render_trail(honest, fonts=fonts)


def test_a_very_long_opinion_is_printed_whole() -> None:
    opinion = "经入户核实情况属实，" * 2000 + "全文完。"
    builder = trails.Builder()
    trails.opened(builder, opinion=opinion)
    text = text_of(render_trail(trails.trail(builder)))
    assert text.count("属") >= 2000
    assert "全文完。" in text


def test_sixty_entries_are_all_printed_and_each_page_says_with_which_it_begins() -> None:
    pages = pages_of(render_trail(trails.long(60)))
    for n in range(54):
        assert any(f"{n}：经入户核实" in page for page in pages)
    first = max(n for n, page in enumerate(pages) if "三、全部记录" in page)
    assert not any("条起" in page for page in pages[:first])
    assert all("条起" in page for page in pages[first + 1 : -1])
