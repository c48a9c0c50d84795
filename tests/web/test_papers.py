"""Papers of a case and a place: what can be printed when, by whom, what stands on them, and the line it leaves."""

from io import BytesIO
from pathlib import Path

import pikepdf
import pypdf
import pytest
from sqlalchemy import select, update

from app.store.transaction import writing
from app.tables import AccessRow, CaseRow, db
from tests.factories import XIUSHAN
from tests.web.site import Browser, browser
from tests.web.test_boards import CANARIES, with_canaries
from tests.world import World

CASE = f"{XIUSHAN[:6]}H0000001-C1"
COUNTY = f"{XIUSHAN[:6]}000000"


def text_of(data: bytes) -> str:
    """All text without blanks or line ends."""
    return "".join("".join(page.extract_text().split()) for page in pypdf.PdfReader(BytesIO(data)).pages)


def prints(world: World) -> list[str]:
    """The lines that prints of papers left."""
    query = select(AccessRow.text).where(AccessRow.text.contains('"kind":"paper_print"'))
    return list(db.session.scalars(query.order_by(AccessRow.seq)))


def test_a_case_lists_what_can_be_printed_and_why_not(world: World) -> None:
    walker = world.walker().clue().walk("reviewing")
    world.now = walker.now
    one = browser(world, world.person("village_cadre")).get(f"/cases/{CASE}/papers")
    assert "“村级民主评议（通过）”或“村级民主评议（未通过）”办理后可打印" in one.text
    assert one.get(f"/cases/{CASE}/papers/review_minutes").code == "paper_not_ready"
    assert one.get(f"/cases/{CASE}/papers/review_minutes?blank=1").status == 200
    assert "张三" in one.get(f"/cases/{CASE}/papers/application").text
    assert one.get(f"/cases/{CASE}/papers/township_form").code == "not_allowed"
    assert one.get(f"/cases/{CASE}/papers/no_such").status == 404


def test_a_print_is_a_pdf_and_stands_in_the_ledger(world: World) -> None:
    walker = world.walker().clue().walk("posting")
    world.now = walker.now
    one = browser(world, world.person("village_cadre"))
    one.get(f"/cases/{CASE}/papers/review_minutes").post(f"/cases/{CASE}/papers/review_minutes", {})
    assert one.last is not None
    assert one.last.headers["Content-Disposition"] == f'attachment; filename="review_minutes-{CASE}.pdf"'
    text = text_of(one.last.data)
    for said in ("村级民主评议会议记录", "张三", "赞成", "应到人数", "参会人员签到"):
        assert said in text, said
    assert len(prints(world)) == 1
    assert '"paper":"review_minutes"' in prints(world)[0]
    assert f'"subject":"{CASE}"' in prints(world)[0]


def test_all_papers_of_a_case_are_one_pdf_with_bookmarks(world: World) -> None:
    walker = world.walker().clue().walk("county_review")
    world.now = walker.now
    one = browser(world, world.person("township_officer"))
    one.get(f"/cases/{CASE}/papers").post(f"/cases/{CASE}/papers", {})
    assert one.last is not None
    with pikepdf.open(BytesIO(one.last.data)) as pdf, pdf.open_outline() as outline:
        titles = [item.title for item in outline.root]
    assert titles[0].startswith("防止返贫致贫对象申请书及承诺授权书　张三")
    assert len(titles) == len(prints(world)) >= 3


def everything_in(one: Browser) -> str:
    """All that an answer tells: text, metadata, every stream unpacked, names, headers."""
    assert one.last is not None
    with pikepdf.open(BytesIO(one.last.data)) as pdf:
        streams = b"".join(item.read_bytes() for item in pdf.objects if isinstance(item, pikepdf.Stream))
        assert "/EmbeddedFiles" not in pdf.Root.get("/Names", {})
        told = str(pdf.docinfo) + str(one.last.headers)
    return told + text_of(one.last.data) + streams.decode("utf-8", "replace") + streams.decode("utf-16-be", "replace")


@pytest.mark.parametrize(
    ("paper", "until", "area"),
    [("public_notice", "publicizing", XIUSHAN), ("announcement", "announcing", f"{XIUSHAN[:9]}000")],
)
def test_public_papers_hold_the_whitelist_and_nothing_else(world: World, paper: str, until: str, area: str) -> None:
    walker = with_canaries(world)
    walker.walk(until)
    world.now = walker.now
    one = browser(world, world.person("township_officer"))
    shown = one.get(f"/papers/{paper}?area={area}").text.partition("<article")[2]
    one.post(f"/papers/{paper}", {"area": area})
    text = everything_in(one)
    assert "张三" in text
    assert "脱贫不稳定户" in text
    for canary in (*CANARIES, "李四"):
        assert canary not in shown, canary
        assert canary not in text, canary


def test_the_county_list_replies_to_its_townships(world: World) -> None:
    walker = world.walker().clue().walk("announcing")
    world.now = walker.now
    one = browser(world, world.person("county_lead")).get(f"/papers/county_reply?area={COUNTY}")
    assert one.status == 200, one.code
    assert "张三" in one.text
    one.post("/papers/county_reply", {"area": COUNTY})
    assert one.last is not None
    assert "附件" in text_of(one.last.data)
    assert one.get("/papers/county_reply?area=500230000000").status == 404
    assert (
        browser(world, world.person("village_cadre")).get(f"/papers/county_reply?area={COUNTY}").code == "not_allowed"
    )


def test_the_overview_offers_the_areas_of_each_list(world: World) -> None:
    walker = world.walker().clue().walk("publicizing")
    world.now = walker.now
    text = browser(world, world.person("county_lead")).get("/papers").text
    for code in (XIUSHAN, f"{XIUSHAN[:9]}000", COUNTY):
        assert f'<option value="{code}">' in text, code
    text = browser(world, world.person("village_cadre")).get("/papers").text
    assert f'<option value="{XIUSHAN}">' in text
    assert f'<option value="{COUNTY}">' not in text


def test_blank_forms_need_no_case(world: World) -> None:
    one = browser(world, world.person("village_cadre")).get("/papers")
    assert "空白表和明白纸" in one.text
    for name in ("application", "review_minutes"):
        assert one.get(f"/papers/{name}").status == 200
        one.post(f"/papers/{name}", {})
        assert one.last is not None
        assert one.last.data.startswith(b"%PDF")
    assert one.get("/papers/county_reply").code == "not_allowed"
    assert '"variant":"blank"' in prints(world)[-1]


def test_what_waits_for_the_county_is_reported_by_the_township(world: World) -> None:
    walker = world.walker().clue().walk("county_review")
    world.now = walker.now
    one = browser(world, world.person("township_officer"))
    text = one.get(f"/papers/township_report?area={XIUSHAN[:9]}000").text
    assert "妥否，请审定" in text
    assert "张三" in text
    assert one.get("/papers/township_report?area=500241002000").status == 404
    assert one.get(f"/papers/township_report?area={XIUSHAN}").status == 422
    assert one.get("/papers/township_report?area=x").status == 422


def test_a_refusal_letter_tells_the_reason_and_the_way_to_appeal(world: World) -> None:
    walker = world.walker().clue().walk("verifying")
    walker.act("refuse", "village_cadre", reason="收入稳定，不符合条件")
    world.now = walker.now
    one = browser(world, world.person("village_cadre")).get(f"/cases/{CASE}/papers/refusal_letter")
    for said in ("收入稳定，不符合条件", "申请复核", "没有办理过本案的人员", "12317", "不予认定告知书"):
        assert said in one.text, said
    assert (
        browser(world, world.person("township_officer")).get(f"/cases/{CASE}/papers/appeal_decision").code
        == "paper_not_ready"
    )


def test_the_result_of_the_notice_shows_the_photos(world: World) -> None:
    walker = world.walker().clue().walk("township_audit")
    world.now = walker.now
    one = browser(world, world.person("village_cadre")).get(f"/cases/{CASE}/papers/notice_result")
    assert one.text.count(f'src="/files/{XIUSHAN[:6]}/') == 2
    one.post(f"/cases/{CASE}/papers/notice_result", {})
    assert one.last is not None
    with pikepdf.open(BytesIO(one.last.data)) as pdf:
        assert sum(len(page.get_images()) for page in pdf.pages) == 2


def test_the_whole_file_has_a_cover_a_catalogue_and_everything_in_order(world: World) -> None:
    walker = world.walker().clue().walk("county_review")
    world.now = walker.now
    one = browser(world, world.person("village_cadre")).get(f"/households/{CASE[:14]}")
    one.post(f"/households/{CASE[:14]}/papers", {})
    assert one.last is not None
    assert one.last.headers["Content-Disposition"] == f'attachment; filename="archive-{CASE[:14]}.pdf"'
    with pikepdf.open(BytesIO(one.last.data)) as pdf, pdf.open_outline() as outline:
        titles = [item.title.partition("　")[0] for item in outline.root]
        pages = len(pdf.pages)
    assert titles[0] == "一户一档"
    assert titles[1] == "防止返贫致贫对象申请书及承诺授权书"
    assert titles[-1] == "影像资料"
    catalogue = pypdf.PdfReader(BytesIO(one.last.data)).pages[1].extract_text()
    assert all(title in catalogue for title in titles[1:])
    assert f"{pages - 2}" in pypdf.PdfReader(BytesIO(one.last.data)).pages[0].extract_text()
    assert len(prints(world)) == len(titles)


def test_a_paper_of_several_cases_is_one_file(world: World) -> None:
    for serial in (1, 2):
        walker = world.walker(serial).clue().walk("reviewing")
    world.now = walker.now
    other = CASE.replace("0000001", "0000002")
    one = browser(world, world.person("village_cadre")).get("/papers")
    one.post("/papers/application", {"cases": f"{CASE}\n{other.lower()} {CASE}"})
    assert one.last is not None
    with pikepdf.open(BytesIO(one.last.data)) as pdf, pdf.open_outline() as outline:
        assert len(list(outline.root)) == 2
    assert one.get("/papers").post("/papers/application", {"cases": "500241H0009999-C1"}).status == 404
    assert one.get("/papers").post("/papers/application", {"cases": " ".join(["x"] * 201)}).status == 422


def test_a_chain_that_does_not_verify_prints_nothing(world: World) -> None:
    walker = world.walker().clue().walk("reviewing")
    world.now = walker.now
    with writing():
        db.session.execute(update(CaseRow).values(head="0" * 64))
    one = browser(world, world.person("village_cadre"))
    one.get("/papers").post(f"/cases/{CASE}/papers/application", {})
    assert (one.status, one.code) == (409, "broken_chain")
    assert prints(world) == []


def test_a_photo_that_was_changed_prints_nothing(world: World) -> None:
    walker = world.walker().clue().walk("township_audit")
    world.now = walker.now
    folder = world.folder / "evidence" / XIUSHAN[:6] / "shown"
    for path in filter(Path.is_file, folder.rglob("*")):
        path.write_bytes(b"other")
    one = browser(world, world.person("village_cadre"))
    one.get("/papers").post(f"/cases/{CASE}/papers/notice_result", {})
    assert (one.status, one.code) == (409, "file_altered")


def test_the_papers_of_elimination_list_the_conditions_of_the_place(world: World) -> None:
    one = browser(world, world.person("village_cadre"))
    assert "□ 是　□ 否" in one.get("/papers/elimination_evaluation").text
    assert "最长15天" in one.get("/papers/leaflet").text
    assert "送达回执" in one.text


def test_a_character_without_a_glyph_is_told_before_the_print(world: World) -> None:
    walker = world.walker().clue(clue_note="患病🙂😀").walk("reviewing")
    world.now = walker.now
    one = browser(world, world.person("village_cadre")).get(f"/cases/{CASE}/papers/application")
    assert "［U+1F600］、［U+1F642］" in one.text
    assert "请先更正记录" in one.text
    assert "请先更正记录" not in one.get("/papers/application").text


def test_a_look_at_a_list_by_an_auditor_is_noted(world: World) -> None:
    walker = world.walker().clue().walk("announcing")
    world.now = walker.now
    assert browser(world, world.person("auditor")).get(f"/papers/county_reply?area={COUNTY}").status == 200
    query = select(AccessRow.text).where(AccessRow.text.contains('"kind":"list_read"'))
    assert '"paper":"county_reply"' in db.session.scalars(query).all()[-1]


def test_prints_are_told_in_words_to_the_auditor(world: World) -> None:
    browser(world, world.person("village_cadre")).get("/papers").post("/papers/review_minutes", {})
    text = browser(world, world.person("auditor")).get("/audit/ledger?kind=paper_print").text
    for said in ("打印文书", "村级民主评议会议记录", "空白表"):
        assert said in text, said
