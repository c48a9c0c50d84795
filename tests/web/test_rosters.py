"""Rosters on pages: sent, checked in the background, confirmed household by household, wrong rows back, export."""

import io
import re
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import func, select

from app.services import accounts, areas, export, households, roster_jobs
from app.services.isolated import held
from app.services.roster_jobs import BEGUN, LOCK, MOST_OPEN, ROSTERS
from app.services.steady import ClockWatch
from app.services.uploads import HOUR, Shelf
from app.store.transaction import reading
from app.tables import Household, db
from scheduler.jobs import JOBS, run_job
from tests.store.test_import_households import LONER
from tests.store.test_openings import MONITORED
from tests.unit.roster_books import HEAD, WIFE, book
from tests.web.site import Browser, browser
from tests.world import World
from workflows.errors import NotFound
from workflows.model import Actor

VILLAGE = "500241103204"
BAD = {**HEAD, "姓名": ""}


@pytest.fixture
def clerk(world: World) -> Actor:
    """A county clerk in a county with its villages."""
    areas.import_shipped("500241")
    return world.person("county_lead", VILLAGE)


@pytest.fixture
def site(world: World, clerk: Actor) -> Browser:
    """The clerk's browser."""
    return browser(world, clerk)


def sent(one: Browser, *rows: dict[str, Any], data: bytes | None = None, **form: str) -> str:
    """Send a roster and return where its page is."""
    content = book(rows) if data is None else data
    file = (io.BytesIO(content), "名册.xlsx")
    one.get("/households/rosters").post("/households/rosters", {"file": file, **form}, follow=False)
    assert one.last is not None
    return one.last.headers.get("Location", "")


def worked(one: Browser, place: str) -> Browser:
    """Let the scheduler work, then look."""
    with one.app.app_context():
        roster_jobs.work()
    return one.get(place)


def count() -> int:
    """Households in the database."""
    with reading():
        return int(db.session.scalar(select(func.count()).select_from(Household)) or 0)


def code_of(one: Browser) -> str:
    """The code of the differences in the form."""
    found = re.search(r'name="code" value="(\w*)"', one.text)
    return found[1] if found else ""


def test_a_roster_is_checked_then_confirmed_then_taken_in(world: World, site: Browser) -> None:
    place = sent(site, HEAD, WIFE, LONER)
    waiting = site.get(place)
    assert "正在检查" in waiting.text
    assert waiting.last is not None
    assert waiting.last.headers["Refresh"] == "2"
    checked = worked(site, place)
    assert "2 户 3 人" in checked.text
    assert count() == 0
    checked.post(f"{place}/take", {"code": code_of(checked)})
    assert "正在导入" in site.get(place).text
    assert "新增 2 户 3 人" in worked(site, place).text
    assert count() == 2
    assert "名册.xlsx" in site.get("/households/rosters").text


def test_what_waits_for_a_person_is_not_opened_again(
    world: World, site: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked(site, sent(site, HEAD))
    opened: list[str] = []
    kept = Shelf.kept

    def counted(shelf: Shelf, who: Actor, token: str, part: str = "") -> bytes:
        opened.append(part)
        return kept(shelf, who, token, part)

    monkeypatch.setattr(Shelf, "kept", counted)
    roster_jobs.work()
    assert opened == ["job"]


def test_wrong_rows_come_back_and_nothing_is_taken(world: World, site: Browser) -> None:
    place = sent(site, BAD, LONER)
    page = worked(site, place)
    assert "有 1 处错误" in page.text
    page.post(f"{place}/errors", {})
    assert page.last is not None
    marked = load_workbook(io.BytesIO(page.last.get_data()))
    assert [row[0] for row in marked["错误清单"].iter_rows(min_row=2, values_only=True)] == ["2"]
    site.get(place).post(f"{place}/take", {"code": ""})
    assert (site.status, site.code) == (422, "bad_value")
    worked(site, place)
    assert count() == 0


def test_only_ticked_differences_are_changed(world: World, site: Browser, clerk: Actor) -> None:
    households.import_households(clerk, data=book([HEAD, LONER]))
    place = sent(site, {**HEAD, "组": "九组"}, {**LONER, "组": "八组"})
    page = worked(site, place)
    assert "九组" in page.text
    page.post(f"{place}/take", {"code": code_of(page), "only": "500241H0000002"})
    assert "更改 1 户" in worked(site, place).text
    with reading():
        groups = [r.group_name for r in db.session.execute(select(Household.group_name).order_by(Household.number))]
    assert groups == ["", "八组"]


def test_all_differences_at_once_and_none(world: World, site: Browser, clerk: Actor) -> None:
    households.import_households(clerk, data=book([HEAD]))
    place = sent(site, {**HEAD, "组": "九组"})
    page = worked(site, place)
    page.post(f"{place}/take", {"code": code_of(page)})
    assert "更改 0 户" in worked(site, place).text
    place = sent(site, {**HEAD, "组": "九组"})
    page = worked(site, place)
    page.post(f"{place}/take", {"code": code_of(page), "every": "1"})
    assert "更改 1 户" in worked(site, place).text


def test_openings_by_page(world: World, site: Browser) -> None:
    place = sent(site, MONITORED, openings="1")
    page = worked(site, place)
    page.post(f"{place}/take", {"code": code_of(page)})
    assert "已登记期初状态 1 户" in worked(site, place).text


def test_the_file_lies_encrypted_and_goes_after_a_day(
    world: World, site: Browser, clerk: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = sent(site, HEAD)
    token = place.rpartition("/")[2]
    for path in ROSTERS.folder().glob(f"{token}*"):
        content = path.read_bytes()
        assert b"PK\x03\x04" not in content
        assert "测试甲".encode() not in content
        assert path.stat().st_mode & 0o077 == 0 or path.name.endswith(("owner", "rows"))
    with pytest.raises(NotFound):
        roster_jobs.job_of(world.person("township_officer", VILLAGE), token)
    later = 25 * HOUR
    real = __import__("time").time
    monkeypatch.setattr("app.services.uploads.time.time", lambda: real() + later)
    roster_jobs.work()
    assert list(ROSTERS.folder().glob(f"{token}*")) == []
    assert site.get(place).status == 404


def test_a_roster_can_be_thrown_away(world: World, site: Browser) -> None:
    place = sent(site, HEAD)
    site.get(place)
    worked(site, place).post(f"{place}/drop", {})
    assert site.get(place).status == 404


def test_so_many_may_wait(world: World, site: Browser) -> None:
    for _ in range(MOST_OPEN):
        assert sent(site, HEAD)
    assert sent(site, HEAD) == ""
    assert "排队" in site.text
    assert site.status == 422


def test_no_file_is_said(world: World, site: Browser) -> None:
    assert sent(site, data=b"") == ""
    assert "请选择文件" in site.text


def test_a_fault_is_told_and_the_roster_can_be_checked_again(
    world: World, site: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("down")

    place = sent(site, HEAD)
    with monkeypatch.context() as patched:
        patched.setattr("app.services.roster_jobs.import_households", broken)
        page = worked(site, place)
    assert "系统故障" in page.text
    page.post(f"{place}/check", {})
    assert "1 户 1 人" in worked(site, place).text


def test_whoever_is_killed_over_a_roster_is_followed_by_another(world: World, site: Browser, clerk: Actor) -> None:
    """Killed after the commit and before the note of it: it is found to be done, not done twice and not refused."""
    place = sent(site, HEAD, WIFE)
    token = place.rpartition("/")[2]
    page = worked(site, place)
    page.post(f"{place}/take", {"code": code_of(page)})
    ROSTERS.path(token, BEGUN).touch()
    households.import_households(clerk, data=ROSTERS.kept(clerk, token))
    assert "已导入" in worked(site, place).text
    assert count() == 1


def test_two_schedulers_never_work_on_one_roster(world: World, site: Browser) -> None:
    place = sent(site, HEAD)
    token = place.rpartition("/")[2]
    with held(ROSTERS.path(token, LOCK)) as is_mine:
        assert is_mine
        assert roster_jobs.work() == {"checked": 0, "taken": 0, "failed": 0, "removed": 0}
    assert ROSTERS.path(token, LOCK).exists()
    assert roster_jobs.work()["checked"] == 1


def test_an_office_that_has_ended_takes_nothing_in(world: World, site: Browser, clerk: Actor) -> None:
    place = sent(site, HEAD)
    page = worked(site, place)
    page.post(f"{place}/take", {"code": ""}, follow=False)
    admin = world.person("admin", VILLAGE)
    name = next(known for known, who in world.accounts.items() if who.id == clerk.id)
    accounts.end_office(admin, name, role="county_lead", area="500241000000")
    roster_jobs.work()
    assert count() == 0


def test_the_scheduler_has_the_job(world: World, site: Browser) -> None:
    place = sent(site, HEAD)
    job = next(job for job in JOBS if job.name == "rosters")
    assert run_job(world.app, job, lambda: False, ClockWatch())
    assert "1 户 1 人" in site.get(place).text


def test_an_export_by_page(world: World, site: Browser, clerk: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    households.import_households(clerk, data=book([HEAD, WIFE, LONER]))
    page = site.get("/households/rosters")
    assert 'value="500241103000"' in page.text
    page.post("/households/rosters/export", {"area": "500241103000", "purpose": ""})
    assert page.last is not None
    sheet = load_workbook(io.BytesIO(page.last.get_data())).worksheets[0]
    rows = list(sheet.iter_rows(values_only=True))
    assert len(rows) == 4
    assert str(HEAD["证件号码"]) not in str(rows)
    monkeypatch.setattr(export, "MOST_ON_A_PAGE", 1)
    site.get("/households/rosters").post("/households/rosters/export", {"area": "500241103000", "purpose": ""})
    assert "超过 2 万户" in site.text


def test_in_english(world: World, site: Browser) -> None:
    site.get("/households/rosters")
    site.post("/language", {"lang": "en"})
    place = sent(site, BAD)
    assert "1 errors; no household was taken" in worked(site, place).text
