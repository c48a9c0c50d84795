"""Staff by sheet on pages: judged first, confirmed then, first passwords once, wrong rows back."""

import base64
import io
import re
import time
from typing import Any

import pytest
from openpyxl import load_workbook

from app.services import areas, people
from app.services.uploads import HOUR, STAFF
from tests.unit.roster_books import book
from tests.web.site import Browser, browser
from tests.world import World, id_number
from workflows.errors import NotFound

VILLAGE = "500241103204"
TOKEN = re.compile(r'name="token" value="([0-9a-f]{32})"')


def row(username: str, **more: Any) -> dict[str, Any]:
    """A row that can be taken."""
    return {
        "姓名": f"测试{username}", "登录账号": username, "身份证号码": id_number(username), "职务": "帮扶责任人",
        **more,
    }  # fmt: skip


def sent(one: Browser, *rows: dict[str, Any], data: bytes | None = None) -> Browser:
    """Send a sheet to be checked."""
    content = book(rows) if data is None else data
    return one.get("/accounts/staff").post("/accounts/staff", {"file": (io.BytesIO(content), "staff.xlsx")})


def hidden(one: Browser) -> dict[str, str]:
    """What the form of confirmation sends."""
    code = re.search(r'name="code" value="([0-9a-f]*)"', one.text)
    token = TOKEN.search(one.text)
    return {"token": token[1] if token else "", "code": code[1] if code else ""}


@pytest.fixture
def admin(world: World) -> Browser:
    """The browser of Xiushan's administrator."""
    areas.import_shipped("500241")
    return browser(world, world.person("admin", VILLAGE))


def test_people_are_shown_confirmed_and_get_passwords_once(world: World, admin: Browser) -> None:
    one = sent(admin, row("bang"))
    assert "将新开账号 1 个" in one.text
    assert "测试bang" in one.text
    assert not people_has("bang")
    asked = hidden(one)
    one.post("/accounts/staff/take", asked)
    assert (one.status, "只显示这一次" in one.text) == (200, True)
    assert one.last is not None
    assert one.last.headers["Cache-Control"] == "no-store"
    password = re.findall(r'<code class="mono">([^<]+)</code>', one.text)[0]
    packed = re.findall(r"base64,([^\"]+)", one.text)[0]
    assert load_workbook(io.BytesIO(base64.b64decode(packed))).worksheets[0]["C2"].value == password
    assert people.log_in("bang", password, source="x")
    assert id_number("bang") not in one.text
    again = one.post("/accounts/staff/take", asked)
    assert (again.status, "请重新上传" in again.text, password in again.text) == (404, True, False)
    assert "都与登记一致" in sent(one, row("bang")).text


def people_has(username: str) -> bool:
    """Whether there is such an account."""
    try:
        return bool(people.actor_named(username))
    except NotFound:
        return False


def test_known_accounts_change_as_shown(world: World, admin: Browser) -> None:
    people.add_user(
        username="zhao", name="赵旧", password="correct horse battery", county="500241",
        offices=[("county_lead", "500241000000")], id_number=id_number("zhao"),
    )  # fmt: skip
    one = sent(admin, row("zhao"))
    assert "将改动账号 1 个" in one.text
    assert "<del>赵旧</del> → <strong>测试zhao</strong>" in one.text
    assert "帮扶责任人（秀山土家族苗族自治县）" in one.text
    one.post("/accounts/staff/take", {**hidden(one), "code": "00000000"})
    assert (one.status, people.actor_named("zhao").name) == (422, "赵旧")
    one = sent(one, row("zhao"))
    assert "改动 1 个" in one.post("/accounts/staff/take", hidden(one)).text
    assert people.actor_named("zhao").name == "测试zhao"


def test_wrong_rows_are_named_and_come_back(world: World, admin: Browser) -> None:
    one = sent(admin, row("bang"), row("cun", 职务="皇帝"))
    assert (one.status, "一行也没有导入" in one.text, "没有这种职务" in one.text) == (422, True, True)
    one.post("/accounts/staff/errors", hidden(one))
    assert one.last is not None
    found = load_workbook(io.BytesIO(one.last.get_data())).worksheets[1]
    assert [cell.value for cell in found[2]][:2] == ["测试cun", "cun"]
    assert not people_has("bang")


@pytest.mark.parametrize("data", [b"", b"nothing of the kind", b"PK\x03\x04"])
def test_what_is_no_sheet_is_refused(world: World, admin: Browser, data: bytes) -> None:
    assert sent(admin, data=data).status == 422


def test_a_checked_sheet_is_its_owners_for_an_hour_and_unreadable_on_the_disk(
    world: World, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = sent(admin, row("bang"))
    (kept,) = (world.folder / "uploads").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert b"PK\x03\x04" not in kept.read_bytes()
    asked = hidden(one)
    people.add_user(
        username="other", name="x", password="correct horse battery", county="500241",
        offices=[("admin", "500241000000")],
    )  # fmt: skip
    other = Browser(world.app, world.app.test_client())
    other.get("/login").post("/login", {"username": "other", "password": "correct horse battery"})
    assert other.post("/accounts/staff/take", asked).status == 404
    later = time.time() + HOUR + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert one.post("/accounts/staff/take", asked).status == 404
    STAFF.keep(people.actor_named("other"), b"x")
    assert not kept.exists()


def test_the_present_staff_is_downloaded_and_noted(world: World, admin: Browser) -> None:
    one = admin.get("/accounts")
    assert "/accounts/staff" in one.text
    one.post("/accounts/staff/export", {})
    assert one.last is not None
    found = load_workbook(io.BytesIO(one.last.get_data())).worksheets[0]
    assert [cell.value for cell in found[1]][:3] == ["姓名", "登录账号", "身份证号码"]
    assert "导出人员表" in browser(world, world.person("auditor", VILLAGE)).get("/audit/ledger").text


def test_the_page_speaks_english(world: World, admin: Browser) -> None:
    admin.get("/accounts/staff").post("/language", {"lang": "en", "back": "/accounts/staff"})
    assert "Staff by sheet" in admin.text
    assert "There is no such role" in sent(admin, row("cun", 职务="皇帝")).text
