"""Bundles on pages: asked for, made in the background, fetched by their owner, each print in the ledger."""

import json
import zipfile
from io import BytesIO

import pikepdf
import pytest
from sqlalchemy import select

from app import bundling
from app.services import bundles
from app.services.isolated import held
from app.store.transaction import reading
from app.tables import AccessRow, db
from tests.factories import XIUSHAN
from tests.web.site import Browser, browser
from tests.world import World

pytestmark = pytest.mark.timeout(300)
CASE = "500241H0000001-C1"


@pytest.fixture
def site(world: World) -> Browser:
    """A village cadre's browser, where two households have a case each."""
    for serial in (1, 2):
        walker = world.walker(serial).clue()
    world.now = walker.now
    return browser(world, world.person("village_cadre"))


def asked(one: Browser, **form: str) -> str:
    """Ask for a bundle of the village and return where its page is."""
    one.get("/bundles").post("/bundles", {"area": XIUSHAN, "kind": "pdf", **form}, follow=False)
    assert one.last is not None
    return one.last.headers.get("Location", "")


def worked(one: Browser, place: str) -> Browser:
    """Let the scheduler work, then look."""
    with one.app.app_context():
        bundling.work()
    return one.get(place)


def lines(kind: str) -> list[dict[str, object]]:
    with reading():
        texts = db.session.scalars(select(AccessRow.text).order_by(AccessRow.seq)).all()
    return [body for body in map(json.loads, texts) if body["kind"] == kind]


def test_a_bundle_is_made_in_the_background_and_fetched(world: World, site: Browser) -> None:
    place = asked(site)
    waiting = site.get(place)
    assert "正在制作" in waiting.text
    assert "0 / 2 份" in waiting.text
    assert waiting.last is not None
    assert waiting.last.headers["Refresh"] == "2"
    assert site.get(place).post(f"{place}/file", {}).status == 404
    assert "已做好：2 份台账" in worked(site, place).text
    assert [line["subject"] for line in lines("trail_print")] == [CASE, CASE.replace("1-C1", "2-C1")]
    assert lines("bundle_print") == []
    site.post(f"{place}/file", {})
    assert site.last is not None
    assert site.last.headers["Content-Disposition"] == f'attachment; filename="trails-{XIUSHAN}.pdf"'
    data = site.last.data
    assert int(site.last.headers["Content-Length"]) == len(data)
    with pikepdf.open(BytesIO(data)) as pdf:
        assert len(pdf.pages) > 2
    assert len(lines("bundle_print")) == 1
    assert XIUSHAN in site.get("/bundles").text
    site.get(place).post(f"{place}/drop", {})
    assert site.get(place).status == 404
    assert not list((world.folder / "bundles").iterdir())
    assert not list((world.folder / "bundle-items").iterdir())


def test_a_zip_is_fetched_whole(site: Browser) -> None:
    place = asked(site, kind="zip")
    worked(site, place).post(f"{place}/file", {})
    assert site.last is not None
    with zipfile.ZipFile(BytesIO(site.last.data)) as found:
        assert f"trails/{CASE}.pdf" in found.namelist()
        assert found.testzip() is None


def test_a_public_bundle_is_named_so_and_noted_so(world: World, site: Browser) -> None:
    place = asked(site, kind="zip", variant="public")
    worked(site, place).post(f"{place}/file", {})
    assert site.last is not None
    assert f"trails-{XIUSHAN}-public.zip" in site.last.headers["Content-Disposition"]
    told = [json.dumps(line["detail"]) for kind in ("trail_print", "bundle_print") for line in lines(kind)]
    assert len(told) == 3
    assert all('"variant": "public"' in detail for detail in told)


def test_a_bundle_is_its_owners(world: World, site: Browser) -> None:
    place = asked(site)
    worked(site, place)
    other = browser(world, world.person("township_officer"))
    assert other.get(place).status == 404
    assert other.get("/bundles").post(f"{place}/file", {}).status == 404
    assert other.get("/bundles").post(f"{place}/drop", {}).status == 404
    assert browser(world, world.person("grid_member")).get("/bundles").status == 403


def test_what_is_wrong_with_a_wish_is_said(site: Browser) -> None:
    for form, said in (
        ({"since": "gestern"}, "“自”不是日期"),
        ({"gate": "x"}, "没有这个环节"),
        ({"since": "2030-01-01"}, "没有符合条件的农户"),
        ({"area": ""}, "请选择一个区域"),
        ({"kind": "x"}, "请选择文件种类"),
        ({"variant": "x"}, "没有这种样式"),
    ):
        asked(site, **form)
        assert site.status == 422, form
        assert said in site.text
    for _ in range(bundles.MOST_OPEN):
        asked(site)
    asked(site)
    assert "您已有几份文件在制作" in site.text


def test_a_bundle_dropped_while_it_is_made_is_left(site: Browser) -> None:
    place = asked(site)
    token = place.rpartition("/")[2]
    with site.app.app_context(), held(bundles.BUNDLES.path(token, bundles.LOCK)):
        assert bundling.work()["made"] == 0
    site.get(place).post(f"{place}/drop", {})
    with site.app.app_context():
        assert bundling.work() == {"made": 0, "failed": 0, "removed": 0}


def test_whoever_lost_the_office_gets_nothing(world: World, site: Browser) -> None:
    from app.services import accounts

    place = asked(site)
    worked(site, place)
    cadre = world.person("village_cadre")
    admin = world.person("admin")
    name = next(known for known, who in world.accounts.items() if who.id == cadre.id)
    accounts.end_office(admin, username=name, role="village_cadre", area=XIUSHAN)
    assert site.get(place).status in (403, 404)
