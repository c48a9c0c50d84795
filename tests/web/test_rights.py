"""Who may open what: every route for every role, with objects of one's own area and of another one."""

import re

import pytest
from sqlalchemy import select

from app import printing
from app.access import ANYBODY, PAGES, PUBLIC, READERS, WORKERS
from app.tables import APPEND_ONLY, db
from tests.factories import FENGDU, XIUSHAN
from tests.web.site import Browser, browser
from tests.world import World
from workflows.journal import canonical

NEIGHBOUR = "500241001202"
ROLES = (
    "grid_member", "village_cadre", "resident_team", "township_officer", "township_leader", "county_lead",
    "sector_dept", "helper", "auditor", "upper_level", "admin",
)  # fmt: skip
HERE, NEXT_VILLAGE, OTHER_COUNTY = "here", "next village", "other county"
PLACES = {HERE: (XIUSHAN, 1), NEXT_VILLAGE: (NEIGHBOUR, 2), OTHER_COUNTY: (FENGDU, 3)}
WIDE = {"township_officer", "township_leader", "county_lead", "sector_dept", "auditor"}


def print_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let documents be handed out as the text that they are set from: a name in it is found, and it takes no second."""

    def trail(text: str, *, seal_text: str, annex_text: str, seal: object) -> bytes:
        return f"{text}{seal_text}{annex_text}".encode()

    monkeypatch.setattr(printing, "render_trail", trail)
    monkeypatch.setattr(printing, "render_sheet", lambda kind, values: canonical(values).encode())
    monkeypatch.setattr(printing, "_printed", lambda kind, text: text.encode())


def sees(role: str, place: str) -> bool:
    """The oracle: whose area holds the household."""
    if role in ("upper_level", "admin", "helper") or place == OTHER_COUNTY:
        return False
    return place == HERE or role in WIDE


@pytest.fixture
def filled(world: World) -> World:
    """Three households under public notice: here, in the next village, in another county."""
    for area, serial in PLACES.values():
        walker = world.walker(serial, area).clue().walk("publicizing")
        world.now = max(world.now, walker.now)
    return world


def paths(place: str) -> dict[str, str]:
    """Addresses of one household's things, by endpoint."""
    area, serial = PLACES[place]
    number = f"{area[:6]}H{serial:07}"
    return {
        "cases.case": f"/cases/{number}-C1",
        "cases.form": f"/cases/{number}-C1/acts/add_evidence",
        "households.household": f"/households/{number}",
        "households.clue": f"/households/{number}/clues/include",
        "boards.notice": f"/notices/{area}",
    }


def test_objects_of_other_areas_answer_like_none_at_all(filled: World) -> None:
    for role in ROLES:
        ensure_objects(filled, role)


def ensure_objects(filled: World, role: str) -> None:
    """Open every object of every place in one role."""
    one = browser(filled, filled.person(role, XIUSHAN))
    for place in PLACES:
        for endpoint, path in paths(place).items():
            one.get(path)
            if role not in PAGES[endpoint]:
                assert (one.status, one.code) == (403, "not_allowed"), (role, path)
            elif not sees(role, place):
                assert (one.status, one.code) == (404, "not_found"), (role, path)
                assert "张三" not in one.text
            else:
                assert one.status in (200, 403, 409), (role, path, one.status)
    outside = one.get(f"/cases/{FENGDU[:6]}H0000003-C1")
    lines = [line for line in outside.text.splitlines() if "back" not in line and "csrf" not in line]
    missing = one.get(f"/cases/{FENGDU[:6]}H0009999-C1")
    assert lines == [line for line in missing.text.splitlines() if "back" not in line and "csrf" not in line]


def test_pages_are_for_their_roles(filled: World) -> None:
    for role in ROLES:
        ensure_pages(filled, role)


def ensure_pages(filled: World, role: str) -> None:
    """Open every list in one role."""
    one = browser(filled, filled.person(role, XIUSHAN))
    lists = (
        "/desk",
        "/households",
        "/overdue",
        "/notices",
        "/audit",
        "/audit/ledger",
        "/totals",
        "/accounts",
        "/reminders",
    )
    adapter = filled.app.url_map.bind("localhost")
    for path in lists:
        endpoint = adapter.match(path)[0]
        allowed = endpoint in ANYBODY or role in PAGES[endpoint]
        assert one.get(path).status == (200 if allowed else 403), (role, path)
        for place, (area, serial) in PLACES.items():
            shown = f"{area[:6]}H{serial:07}" in one.text
            assert not shown or sees(role, place), (role, path, place)


def test_lists_hold_nothing_of_other_areas(filled: World) -> None:
    for role in ROLES:
        ensure_lists(filled, role)


def ensure_lists(filled: World, role: str) -> None:
    """Search for everything in one role."""
    one = browser(filled, filled.person(role, XIUSHAN))
    for query in ("张三", f"{FENGDU[:6]}H", f"{XIUSHAN[:6]}H"):
        page = one.get(f"/households?q={query}")
        found = set(re.findall(r"/households/(\d{6}H\d{7})", page.text))
        own = {f"{a[:6]}H{n:07}" for place, (a, n) in PLACES.items() if sees(role, place)}
        assert found <= own
        # A list that is always empty would pass the line above: by name everybody finds all of the own.
        assert query != "张三" or page.status != 200 or found == own, role


def test_files_of_other_areas_are_not_found(filled: World) -> None:
    case = browser(filled, filled.person("village_cadre", XIUSHAN)).get(paths(HERE)["cases.case"])
    address = re.search(r'href="(/files/[^"]+)"', case.text)
    assert address
    assert case.get(address[1]).status == 200
    for role, area in (("village_cadre", FENGDU), ("county_lead", FENGDU), ("grid_member", FENGDU)):
        other = browser(filled, filled.person(role, area)).get(address[1])
        # The same picture serves as evidence over there too; its address here must not.
        assert other.status == 404, role


def test_an_auditor_only_looks_and_each_look_is_written_down(filled: World) -> None:
    one = browser(filled, filled.person("auditor", XIUSHAN))
    page = one.get(paths(HERE)["cases.case"])
    buttons = set(re.findall(r'href="/cases/[^"]+/acts/([a-z_]+)"', page.text))
    assert buttons <= {"object"}
    one.get("/audit/ledger")
    assert "查看案件" in one.text
    assert f"{XIUSHAN[:6]}H0000001-C1" in one.text


def test_every_route_has_its_rights(world: World) -> None:
    routes = {rule.endpoint for rule in world.app.url_map.iter_rules() if not rule.endpoint.startswith("api")}
    assert routes == set(PAGES) | PUBLIC | ANYBODY
    assert WORKERS < READERS


def test_no_state_changes_by_get(filled: World) -> None:

    quiet = {"login_sessions", "ledger_heads", "access_ledger"}

    def content() -> dict[str, list[tuple[object, ...]]]:
        db.session.rollback()
        found = {
            name: sorted(map(tuple, db.session.execute(select(table))), key=repr)
            for name, table in db.metadata.tables.items()
            if name not in quiet
        }
        db.session.rollback()
        return found

    assert "access_ledger" in APPEND_ONLY
    browsers = [browser(filled, filled.person(role, XIUSHAN)) for role in ("village_cadre", "auditor", "admin")]
    before = content()
    for one in browsers:
        for path in get_paths(filled):
            one.get(path)
    assert content() == before


def get_paths(world: World) -> list[str]:
    """Every address that answers GET, with things that exist filled in."""
    known = {"number": f"{XIUSHAN[:6]}H0000001-C1", "action": "nominate", "purpose": "include", "village": XIUSHAN,
             "county": XIUSHAN[:6], "sha256": "0" * 64, "token": "0" * 32, "filename": "app.css", "account": "u1",
             "username": "nobody", "pack": "500241-xiushan", "definition": "household_case",
             "sheet": "matrix", "run": "1", "document": "1", "kind": "csv", "year": "2026", "serial": "1",
             "paper": "application", "name": "night", "level": "township",
             "period": f"survey_monthly~2026-02-28T16:00:00Z~{XIUSHAN}"}  # fmt: skip
    found = []
    for rule in world.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint.startswith("api"):
            continue
        path = rule.rule
        for name in rule.arguments:
            path = re.sub(rf"<(?:[a-z]+[^:>]*:)?{name}>", known[name], path)
        found.append(path if "households" not in path else path.replace("-C1", ""))
    return found


def test_posts_are_refused_without_the_right(filled: World) -> None:
    case = f"{XIUSHAN[:6]}H0000001-C1"
    posts = {
        "upper_level": (f"/cases/{case}/acts/nominate", f"/cases/{case}/trail", "/accounts"),
        "village_cadre": ("/accounts", "/accounts/nobody/disable"),
        "auditor": ("/accounts", f"/households/{case[:-3]}/clues/include"),
    }
    for role, addresses in posts.items():
        one = browser(filled, filled.person(role, XIUSHAN))
        for path in addresses:
            assert (one.get("/reminders").post(path, {}).status, one.code) == (403, "not_allowed"), (role, path)


def test_strangers_are_sent_to_the_log_in(filled: World) -> None:
    one = Browser(filled.app, filled.app.test_client())
    for path in get_paths(filled):
        endpoint = filled.app.url_map.bind("localhost").match(path)[0]
        one.get(path)
        assert endpoint in PUBLIC or one.status == 302, path


def test_prefecture_sees_numbers_and_no_household(filled: World) -> None:
    one = browser(filled, filled.person("upper_level", XIUSHAN)).get("/totals")
    assert "张三" not in one.text
    assert "500241H" not in one.text
    assert "测试county500241" in one.text
