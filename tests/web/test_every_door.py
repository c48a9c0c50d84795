"""Every page and every form, for every role, on things of here, of the next village and of another county."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from app.access import ANYBODY, PAGES, PUBLIC
from app.services import calendars, duty_reports, rule_runs, tokens
from app.store.transaction import reading
from app.tables import db
from tests.api.test_rights import absence_of, closing_of
from tests.factories import XIUSHAN
from tests.web.site import Browser, browser
from tests.web.test_rights import OTHER_COUNTY, PLACES, ROLES, print_plain, sees
from tests.world import World
from workflows.clock import local_date

SHUT = {(404, "not_found"), (403, "wrong_office"), (403, "not_allowed"), (422, "bad_value"), (422, "missing_field")}
# These end the session or belong to it; they name nobody's things.
OWN = {"session.log_out", "session.password", "session.language_switch", "home.index"}
# The rules are for everybody who is logged in and name nobody (tests/web/test_rules.py).
RULES = {"rules.packs", "rules.pack", "rules.drawing", "rules.svg", "rules.sheet", "rules.pdf"}
COUNTYS = {
    "accounts",
    "hand-over",
    "substitutes",
    "tokens",
    "changes",
    "calendar",
    "simulations",
}  # what belongs to the county and not to a village
QUIET = {"login_sessions", "ledger_heads", "access_ledger"}


@pytest.fixture
def filled(world: World) -> World:
    """Three households under public notice: here, in the next village, in another county."""
    for area, serial in PLACES.values():
        walker = world.walker(serial, area).clue().walk("publicizing")
        world.now = max(world.now, walker.now)
    return world


def things_of(world: World, place: str) -> dict[str, str]:
    """What the addresses and forms of a place can name."""
    area, serial = PLACES[place]
    cadre, helper = world.person("village_cadre", area), world.person("helper", area)
    name = next(known for known, who in world.accounts.items() if who.id == cadre.id)
    line, _ = tokens.make(cadre, name="x", scopes=["cases:read"], area=area, days=3)
    household = f"{area[:6]}H{serial:07}"
    today = local_date(world.now)
    duty_reports.register_warning(world.person("township_officer", area), area, today, key=uuid.uuid4().hex)
    run = rule_runs.ask_rehearsal(world.person("county_lead", area), area[:6])
    return {
        "run": str(run.id),
        "year": "2026",
        "paper": "public_notice",
        "name": "night",
        "level": "township",
        "serial": "1",
        "document": str(calendars.propose(world.person("county_lead", area), closing_of(area)).id),
        "household": household,
        "case": f"{household}-C1",
        "token": str(line.id),
        "absence": str(absence_of(world, cadre, area)),
        "village": area,
        "county": area[:6],
        "sha256": "0" * 64,
        "username": name,
        "account": helper.id,
        "simulation": str(rule_runs.ask_simulation(world.person("county_lead", area), area[:6], {}).id),
        "period": f"warn_verify~{today}T04:00:00Z~{area}",
        "action": "add_evidence",
        "kind": "csv",
        "purpose": "include",
    }


def doors(world: World) -> Iterator[tuple[str, str, str]]:
    """Every (method, rule, endpoint) of the pages that needs a log-in."""
    for rule in world.app.url_map.iter_rules():
        if not rule.endpoint.startswith("api") and rule.endpoint not in PUBLIC | OWN | RULES:
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield method, rule.rule, rule.endpoint


def filled_in(rule: str, things: dict[str, str]) -> str:
    """An address with the things of a place."""
    kind = {"cases": "case", "households": "household", "tokens": "token", "substitutes": "absence"}.get(
        rule.split("/")[1], ""
    )
    known = {**things, "number": things.get(kind, "")}
    if rule.startswith("/simulations"):
        known["run"] = things["simulation"]
    return re.sub(r"<(?:[a-z]+(?:\([^)]*\))?:)?([a-z0-9]+)>", lambda found: known[found[1]], rule)


def form_of(things: dict[str, str]) -> dict[str, Any]:
    """Fields that name the things of a place wherever a form asks for one."""
    return {
        "version": "1",
        "key": "k",
        "username": things["username"],
        "account": things["account"],
        "to": things["account"],
        "case": things["case"],
        "household": things["household"],
        "village": things["village"],
        "area": things["village"],
        "number": things["token"],
        "role": "auditor",
        "grid": "",
        "name": "x",
        "reason": "x",
        "on": "2026-03-02",
    }


def content_of(county: str) -> dict[str, list[tuple[object, ...]]]:
    """All that the database holds of a county, but who looked."""
    with reading():
        return {
            name: sorted(map(tuple, db.session.execute(select(table).where(table.c.county == county))), key=repr)
            for name, table in db.metadata.tables.items()
            if name not in QUIET and "county" in table.c
        }


@pytest.mark.timeout(600)
def test_every_door_for_every_role_and_place(filled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever may not is refused by a code; nothing of another place is shown, nothing of another county changes."""
    print_plain(monkeypatch)
    places = {place: things_of(filled, place) for place in PLACES}
    people = {role: filled.person(role, XIUSHAN) for role in ROLES}
    foreign = places[OTHER_COUNTY]["county"]
    before = content_of(foreign)
    for role, who in people.items():
        one = browser(filled, who).get("/reminders")
        assert one.last is not None
        form = one.last  # its token is good for every form of this session
        for method, rule, endpoint in doors(filled):
            is_open = "<" in rule and role in PAGES.get(endpoint, ROLES)
            for place in PLACES if is_open else (OTHER_COUNTY,):
                one.last = form
                ensure_shut(one, (role, method, rule, endpoint), place, places[place])
    assert content_of(foreign) == before


def ensure_shut(one: Browser, door: tuple[str, str, str, str], place: str, things: dict[str, str]) -> None:
    """Try one door with the things of a place."""
    role, method, rule, endpoint = door
    path = filled_in(rule, things)
    if method == "GET":
        one.get(path)
    else:
        one.post(path, form_of(things), follow=False)
    assert one.last is not None
    text = one.last.get_data().decode(errors="replace")  # some doors answer with a workbook
    where = (role, method, path, one.status, one.code)
    assert one.status < 500, where
    if endpoint not in ANYBODY and role not in PAGES[endpoint]:
        assert (one.status, one.code) == (403, "not_allowed"), where
        return
    names = set(re.findall(r"<(?:[^:>]*:)?([a-z0-9]+)>", rule)) - {"action", "purpose", "kind", "name"}
    if not sees(role, place) and names:
        assert "张三" not in text, where
    if not sees(role, place) and method == "GET" and not names and rule != "/audit/ledger":
        assert things["household"] not in text, where
    is_own_countys = rule.split("/")[1] in COUNTYS and place != OTHER_COUNTY
    if names and not sees(role, place) and not is_own_countys:
        assert (one.status, one.code) in SHUT, where
