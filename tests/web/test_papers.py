"""Papers of a case and a place: what can be printed when, by whom, what stands on them, and the line it leaves."""

from io import BytesIO

import pikepdf
import pypdf
import pytest
from sqlalchemy import select

from app.tables import AccessRow, db
from tests.factories import XIUSHAN
from tests.web.site import browser
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


@pytest.mark.parametrize("role", ["village_cadre", "auditor"])
def test_the_notice_on_paper_holds_the_whitelist_and_nothing_else(world: World, role: str) -> None:
    with_canaries(world)
    one = browser(world, world.person(role))
    one.get(f"/papers/public_notice?area={XIUSHAN}")
    assert one.status == 200
    one.post("/papers/public_notice", {"area": XIUSHAN})
    assert one.last is not None
    text = text_of(one.last.data)
    assert "张三" in text
    assert "脱贫不稳定户" in text
    hidden = one.last.data.decode("latin-1") + text + str(one.last.headers)
    with pikepdf.open(BytesIO(one.last.data)) as pdf:
        hidden += str(pdf.docinfo) + str(pdf.Root.Metadata.read_bytes())
    for canary in CANARIES:
        assert canary not in hidden, canary


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
