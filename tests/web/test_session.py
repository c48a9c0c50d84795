"""Log-in, log-out, language, password, and what every answer carries."""

from datetime import timedelta

import pytest

from app.services import people
from app.views.paths import safe_path
from tests.web.site import browser
from tests.world import PASSWORD, World


def test_log_in_and_out(world: World) -> None:
    who = world.person("village_cadre")
    one = browser(world, who).get("/desk")
    assert one.status == 200
    assert "我的工作台" in one.text
    one.post("/logout", {})
    assert one.get("/desk").status == 302
    assert 'name="password"' in one.get("/login").text


def test_wrong_password_and_throttle(world: World) -> None:
    world.person("village_cadre")
    name = next(iter(world.accounts))
    one = browser(world).get("/login")
    for _ in range(5):
        one.post("/login", {"username": name, "password": "wrong password"})
        assert (one.status, one.code) == (403, "bad_login")
        assert name in one.text
    one.post("/login", {"username": name, "password": PASSWORD})
    assert (one.status, one.code) == (429, "throttled")
    assert "尝试次数过多" in one.text


def test_disabled_account_is_out_at_once(world: World) -> None:
    one = browser(world, world.person("village_cadre"))
    people.disable_user(next(iter(world.accounts)), by="u0")
    assert one.get("/desk").status == 302


def test_language_is_kept_for_the_account(world: World) -> None:
    who = world.person("village_cadre")
    one = browser(world, who).get("/desk")
    one.post("/language", {"lang": "en", "back": "/desk"})
    assert "My desk" in one.text
    assert "我的工作台" not in one.text
    assert "My desk" in browser(world, who).get("/desk").text


def test_password_change_ends_other_log_ins(world: World) -> None:
    who = world.person("village_cadre")
    one, other = browser(world, who), browser(world, who)
    new = "a longer sentence here"
    sent = {"old": PASSWORD, "new": new, "again": "something else"}
    assert one.get("/password").post("/password", sent).status == 422
    assert one.post("/password", {**sent, "new": "short", "again": "short"}).status == 422
    assert one.post("/password", {**sent, "old": "not it at all", "again": new}).status == 422
    assert one.post("/password", {**sent, "again": new}).status == 200
    assert one.get("/desk").status == 200
    assert other.get("/desk").status == 302


def test_idle_session_ends(world: World) -> None:
    one = browser(world, world.person("village_cadre"))
    world.now += timedelta(minutes=31)
    assert one.get("/desk").status == 302


def test_forms_need_their_token(world: World) -> None:
    one = browser(world, world.person("village_cadre")).get("/desk")
    one.post("/language", {"lang": "en"}, token=False)
    assert (one.status, one.code) == (400, "csrf")


def test_headers_and_cookie(world: World) -> None:
    one = browser(world)
    answer = one.get("/login").last
    assert answer is not None
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "<style" not in one.get("/login").text
    assert "style=" not in one.text


@pytest.mark.parametrize("path", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:1", "/a\nb"])
def test_no_way_to_another_host(path: str) -> None:
    assert safe_path(path) == "/"
    assert safe_path("/cases/1?x=2") == "/cases/1?x=2"
