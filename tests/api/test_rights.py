"""Who may ask what: every route for every role, with objects of one's own place, of the next village, of elsewhere."""

import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from app.access import ANYBODY, PAGES
from app.api.auth import RIGHTS
from app.outward import Allowed
from app.runtime import runtime
from app.services import calendars, duty_reports, rule_runs, substitutes, tokens, webhooks
from app.services.substitutes import Asked
from app.services.tokens import SCOPES
from tests.api.site import BASE, Caller, caller
from tests.factories import FENGDU, XIUSHAN
from tests.web.test_rights import PLACES, ROLES, print_plain, sees
from tests.world import World
from workflows.calendar_file import Document
from workflows.clock import local_date
from workflows.model import Actor

VILLAGES = {place: area for place, (area, _) in PLACES.items()}
# What a foreign object answers: like none at all, or refused before anybody looked whether it is there.
SHUT = {("not_found", 404), ("wrong_office", 403), ("not_allowed", 403), ("bad_value", 422)}


@pytest.fixture
def filled(world: World) -> World:
    """Three households under public notice, each county with an account, a token and a webhook."""
    for area, serial in PLACES.values():
        walker = world.walker(serial, area).clue().walk("publicizing")
        world.now = max(world.now, walker.now)
    runtime().settings = runtime().settings.__class__(
        **{**vars(runtime().settings), "webhook_allowed": Allowed(hosts=frozenset({"receiver.example"}))}
    )
    return world


def closing_of(area: str) -> Document:
    """A closing day that is for the county of an area only."""
    told = {"zh": "县庆日", "en": "County Day", "title": "县庆放假通知", "number": "府办〔2026〕3号"}
    return calendars.closing(area[:6], ["2026-12-30"], dated="2026-11-01", reason="县庆", **told)


def objects(world: World, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """For each place what its addresses name: numbers, accounts, tokens and webhooks that exist there."""
    monkeypatch.setattr("app.outward.addresses", lambda host, port: ["93.184.216.34"])
    found: dict[str, dict[str, Any]] = {}
    for place, (area, serial) in PLACES.items():
        admin, cadre = world.person("admin", area), world.person("village_cadre", area)
        hook, _ = webhooks.add(admin, url="https://receiver.example/", area=f"{area[:6]}000000", events=["moved"])
        line, _ = tokens.make(cadre, name="x", scopes=["cases:read"], area=area, days=3)
        name = next(known for known, who in world.accounts.items() if who.id == cadre.id)
        today = local_date(world.now)
        duty_reports.register_warning(world.person("township_officer", area), area, today, key=uuid.uuid4().hex)
        found[place] = {
            "period": f"warn_verify~{today}T04:00:00Z~{area}",
            "household": f"{area[:6]}H{serial:07}",
            "village": area,
            "county": area[:6],
            "username": name,
            "tokens": line.id,
            "webhooks": hook.id,
            "year": 2026,
            "serial": 1,
            "paper": "public_notice",
            "calendar": calendars.propose(world.person("county_lead", area), closing_of(area)).id,
            "substitutions": absence_of(world, cadre, area),
            "rule-runs": rule_runs.ask_rehearsal(world.person("county_lead", area), area[:6]).id,
        }
    return found


def absence_of(world: World, cadre: Actor, area: str) -> int:
    """The number of a vacation of a village's cadre."""
    today = local_date(world.now)
    days = {"begins": today.isoformat(), "ends": (today + timedelta(days=3)).isoformat()}
    return substitutes.add(cadre, Asked("village_cadre", area, reason="休假", **days))


def routes(world: World) -> Iterator[tuple[str, str, str]]:
    """Every (method, address, endpoint) of the API."""
    for rule in world.app.url_map.iter_rules():
        if rule.endpoint.startswith("api_"):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield method, rule.rule.removeprefix(BASE), rule.endpoint


def filled_in(path: str, things: dict[str, Any]) -> str:
    """An address with the things of a place."""
    kind = path.split("/")[1]
    number = things["household"] + ("-C1" if kind == "cases" else "")
    known = {**things, "number": str(things.get(kind, number)), "action": "nominate", "purpose": "include"}
    known["sha256"] = "0" * 64
    known["token"] = "0" * 32
    known["timer"] = "publicity_min"
    known["name"], known["level"] = "night", "township"
    return re.sub(r"<(?:int[^:>]*:)?([a-z0-9]+)>", lambda m: str(known[m[1]]), path)


BODIES: dict[str, Any] = {
    "api_calendar.propose": {"text": "国务院办公厅关于2027年部分节假日安排的通知"},
    "api_calendar.close": {
        "county": "500241",
        "days": ["2026-12-30"],
        "zh": "县庆日",
        "en": "County Day",
        "title": "县庆放假通知",
        "number": "府办〔2026〕3号",
        "date": "2026-11-01",
        "reason": "县庆",
    },
    "api_calendar.decide": {"code": "00000000"},
    "api_rule_runs.rehearse": {"county": "500241"},
    "api_rule_runs.simulate": {"county": "500241", "inputs": {}},
    "api_rule_runs.apply": {"reason": "新办法施行"},
    "api_rule_runs.revert": {"reason": "暂缓施行"},
    "api_cases.act": {"version": 1},
    # The answer names each case that was asked for, so it asks for none that exists; foreign ones: test_several.
    "api_cases.act_on_several": {"action": "nominate", "cases": [{"case": "500241H0009999-C1", "version": 1}]},
    "api_duties.report": {"on": "2026-03-02"},
    "api_duties.warn": {"area": "500230001201", "on": "2026-03-02"},
    "api_grids.add": {"name": "网格"},
    "api_grids.assign": {"grid": ""},
    "api_accounts.add": {"username": "x", "name": "x", "password": "x", "role": "auditor", "area": "1"},
    "api_accounts.appoint": {"role": "auditor", "area": "1"},
    "api_accounts.end_office": {"role": "grid_member", "area": "1"},
    "api_me.language": {"lang": "zh"},
    "api_handover.hand_over": {"from": "u1", "to": "u2", "reason": "x", "note": "0" * 64},
    "api_substitutes.add": {"role": "village_cadre", "area": "1", "from": "x", "to": "x", "reason": "x"},
    "api_late.answer": {"kind": "verify", "generation": 1, "text": "x"},
    "api_late.erase": {"kind": "verify", "generation": 1},
    "api_papers.print_paper": {"area": "500230001201"},
    "api_papers.print_case_paper": {"blank": False},
    "api_late.notice": {"area": "500241001000", "month": "2026-03"},
    "api_mail.keep": {"choice": "none"},
    "api_mail.confirm": {"code": "x"},
    "api_mail.assign": {"address": "x"},
    "api_tokens.add": {"name": "x", "scopes": ["cases:read"], "area": "1", "days": 1},
    "api_webhooks.add": {"url": "x", "area": "1", "events": ["moved"]},
    "api_webhooks.switch": {"active": True},
    "api_webhooks.replay": {"since": "2026-01-01T00:00:00Z"},
}


@pytest.mark.timeout(300)  # some thousand requests
def test_every_route_for_every_role_and_place(filled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    print_plain(monkeypatch)
    things = objects(filled, monkeypatch)
    for role in ROLES:
        one = caller(filled, filled.person(role, XIUSHAN))
        for method, path, endpoint in routes(filled):
            roles = RIGHTS[endpoint].roles
            for place, known in things.items():
                if "<" not in path and place != "here":
                    continue
                body = one.send(method, filled_in(path, known), BODIES.get(endpoint, {}) if method != "GET" else None)
                where = (role, method, path, place, one.status, body)
                assert one.status < 500, where
                if roles and role not in roles:
                    assert (one.status, one.code) == (403, "not_allowed"), where
                else:
                    ensure_no_leak(where, things, role, place, one)


def ensure_no_leak(where: tuple[Any, ...], things: dict[str, Any], role: str, place: str, one: Caller) -> None:
    """Nothing of a place that the role does not see stands in any answer; a foreign object is none."""
    # The ledger names what people of the county asked for, whether there is such a thing or not.
    text = "" if where[2] == "/audit/ledger" else str(where[-1])
    for other, known in things.items():
        if not sees(role, other) and not (other == place and known["household"] in where[2]):
            assert f"{known['household']}-" not in text or one.status >= 400, where
            assert f"'number': '{known['household']}" not in text, where
    is_countys = role == "admin" or "/evidence/" in where[2]  # what belongs to the county, not to a village
    of_county = is_countys and place != "other county"
    # A list of the catalogue is nobody's thing: what stands in it is asked above.
    is_thing = "<" in where[2] and "/exceptions/" not in where[2]
    if is_thing and not sees(role, place) and not of_county:
        assert (one.code, one.status) in SHUT, where
        assert "张三" not in text, where


def test_a_foreign_object_answers_exactly_like_none(filled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    print_plain(monkeypatch)
    things = objects(filled, monkeypatch)
    missing = {
        **things["other county"],
        "household": f"{FENGDU[:6]}H0009999",
        "username": "nobody-at-all",
        "tokens": 999_999,
        "webhooks": 999_999,
        "calendar": 999_999,
    }
    for role in ("village_cadre", "county_lead", "auditor", "admin"):
        one = caller(filled, filled.person(role, XIUSHAN))
        for method, path, endpoint in routes(filled):
            if "<" in path:
                sent = BODIES.get(endpoint, {}) if method != "GET" else None
                first = one.send(method, filled_in(path, things["other county"]), sent)
                assert first == one.send(method, filled_in(path, missing), sent), (role, method, path)


def test_no_route_without_token_or_scope(filled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    known = objects(filled, monkeypatch)["here"]
    who = filled.person("admin", XIUSHAN)
    without = {scope: caller(filled, who, scopes=[s for s in SCOPES if s != scope]) for scope in SCOPES}
    nobody = Caller(filled.app, filled.app.test_client(), "")
    for method, path, endpoint in routes(filled):
        sent = BODIES.get(endpoint, {}) if method != "GET" else None
        nobody.send(method, filled_in(path, known), sent)
        assert (nobody.status, nobody.code) == (401, "bad_token"), path
        scope = RIGHTS[endpoint].scope
        if scope:
            narrow = without[scope]
            assert narrow.send(method, filled_in(path, known), sent)["params"] == {"scope": scope}, path
            assert (narrow.status, narrow.code) == (403, "out_of_scope"), path


def test_a_token_of_another_village_sees_nothing_here(filled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    print_plain(monkeypatch)
    things = objects(filled, monkeypatch)
    for role in ("county_lead", "township_officer", "sector_dept", "auditor"):
        one = caller(filled, filled.person(role, XIUSHAN), area=VILLAGES["next village"])
        for method, path, endpoint in routes(filled):
            sent = BODIES.get(endpoint, {}) if method != "GET" else None
            body = one.send(method, filled_in(path, things["here"]), sent)
            assert things["here"]["household"] not in str(body) or one.status >= 400, (role, path, body)
            is_object = "<number>" in path or "<village>" in path
            assert not is_object or one.status in (403, 404), (role, method, path, body)


# What only a person before a screen does, or what has an address of its own for machines (/healthz, /metrics).
PAGES_ONLY = {
    "session.log_out", "session.password", "home.index", "health.page",
    # The rules as people read them; machines read the packs' own files.
    "rules.packs", "rules.pack", "rules.drawing", "rules.svg", "rules.sheet", "rules.pdf",
    # A simulation decides nothing; its figures have a JSON of their own beside the page.
}  # fmt: skip
SAME_AS = {
    "bundles.overview": "api_bundles.mine",
    "bundles.submit": "api_bundles.submit",
    "bundles.bundle": "api_bundles.bundle",
    "bundles.fetch": "api_bundles.fetch",
    "bundles.drop": "api_bundles.drop",
    "findings.items": "api_kit.open_items",
    "findings.items_table": "api_kit.open_items",
    "findings.form": "api_kit.find",
    "findings.find": "api_kit.find",
    "kit.sample": "api_kit.sample",
    "kit.sample_table": "api_kit.sample",
    "kit.lists": "api_kit.lists",
    "kit.exception": "api_kit.exception",
    "kit.exception_table": "api_kit.exception",
    "papers.of_case": "api_papers.of_case",
    "papers.case_paper": "api_papers.print_case_paper",
    "papers.print_case_paper": "api_papers.print_case_paper",
    "papers.print_case": "api_papers.print_case",
    "papers.print_file": "api_papers.print_file",
    "papers.overview": "api_papers.overview",
    "papers.place_paper": "api_papers.print_paper",
    "papers.print_paper": "api_papers.print_paper",
    "seals.seals": "api_seals.seals",
    "seals.checkpoint": "api_seals.checkpoint",
    "seals.leaf": "api_seals.leaf",
    "desk.desk": "api_desk.desk",
    "several.form": "api_cases.act_on_several",
    "several.act": "api_cases.act_on_several",
    "cases.case": "api_cases.case",
    "cases.form": "api_cases.form",
    "cases.act": "api_cases.act",
    "cases.file": "api_evidence.download",
    "households.clue": "api_cases.clue_form",
    "households.register": "api_cases.clue",
    "households.search": "api_households.search",
    "households.household": "api_households.household",
    "rosters.rosters": "api_rosters.rosters",
    "rosters.submit": "api_rosters.submit",
    "rosters.roster": "api_rosters.roster",
    "rosters.take": "api_rosters.take",
    "rosters.check_again": "api_rosters.check_again",
    "rosters.drop": "api_rosters.drop",
    "rosters.errors": "api_rosters.errors",
    "rosters.export_page": "api_rosters.export_households",
    "simulate.simulations": "api_rule_runs.runs",
    "simulate.ask": "api_rule_runs.simulate",
    "simulate.result": "api_rule_runs.run",
    "simulate.as_csv": "api_rule_runs.run",
    "simulate.as_json": "api_rule_runs.run",
    "calendar.year": "api_calendar.year",
    "calendar.propose": "api_calendar.propose",
    "calendar.close": "api_calendar.close",
    "calendar.document": "api_calendar.document",
    "calendar.decide": "api_calendar.decide",
    "calendar.look": "api_calendar.look",
    "calendar.withdraw": "api_calendar.withdraw",
    "rule_runs.runs": "api_rule_runs.runs",
    "rule_runs.rehearse": "api_rule_runs.rehearse",
    "rule_runs.run": "api_rule_runs.run",
    "rule_runs.apply": "api_rule_runs.apply",
    "rule_runs.revert": "api_rule_runs.revert",
    "grids.grids": "api_grids.grids",
    "grids.add": "api_grids.add",
    "grids.assign": "api_grids.assign",
    "grids.move": "api_grids.assign",
    "receipts.receipts": "api_receipts.receipts",
    "receipts.nudge": "api_receipts.nudge",
    "urgings.urgings": "api_urgings.urgings",
    "urgings.urging": "api_urgings.urging",
    "urgings.issue": "api_urgings.issue",
    "urgings.answer": "api_urgings.answer",
    "urgings.pdf": "api_urgings.pdf",
    "boards.overdue": "api_desk.overdue",
    "late.board": "api_late.board",
    "late.part": "api_late.board",
    "late.rows": "api_late.rows",
    "late.table": "api_late.rows",
    "late.heat": "api_late.months",
    "late.answer": "api_late.answer",
    "late.erase": "api_late.erase",
    "urging.form": "api_late.notice",
    "urging.print_notice": "api_late.notice",
    "duties.duties": "api_duties.duties",
    "duties.duty": "api_duties.duty",
    "duties.report": "api_duties.report",
    "duties.warn": "api_duties.warn",
    "boards.notices": "api_desk.notices",
    "boards.notice": "api_desk.notices",
    "boards.reminders": "api_reminders.reminders",
    "boards.read_reminder": "api_reminders.read",
    "audit.cases": "api_audit.cases",
    "audit.ledger": "api_audit.ledger",
    "audit.pauses": "api_audit.pauses",
    "audit.trail": "api_trails.trail",
    "audit.totals": "api_desk.totals",
    "accounts.accounts": "api_accounts.accounts",
    "accounts.add": "api_accounts.add",
    "accounts.disable": "api_accounts.disable",
    "accounts.enable": "api_accounts.enable",
    "accounts.appoint": "api_accounts.appoint",
    "accounts.end_office": "api_accounts.end_office",
    "handover.givers": "api_handover.givers",
    "handover.form": "api_handover.givers",
    "handover.hand_over": "api_handover.hand_over",
    "substitutes.mine": "api_substitutes.substitutions",
    "substitutes.governed": "api_substitutes.governed",
    "substitutes.add": "api_substitutes.add",
    "substitutes.end": "api_substitutes.end",
    "staff.form": "api_staff.export",
    "staff.judge": "api_staff.take",
    "staff.take": "api_staff.take",
    "staff.errors": "api_staff.take",
    "staff.export": "api_staff.export",
    "mail.keep": "api_mail.keep",
    "mail.confirm": "api_mail.confirm",
    "mail.remove": "api_mail.remove",
    "mail.assign": "api_mail.assign",
    "tokens.tokens": "api_tokens.tokens",
    "tokens.add": "api_tokens.add",
    "tokens.revoke": "api_tokens.revoke",
}


def test_what_pages_do_the_api_does_for_the_same_roles() -> None:
    assert (set(PAGES) | ANYBODY) - PAGES_ONLY == set(SAME_AS)
    for page, route in SAME_AS.items():
        assert RIGHTS[route].roles == PAGES.get(page, frozenset()), page


def test_every_route_has_its_scope(world: World) -> None:
    assert {endpoint for _, _, endpoint in routes(world)} == set(RIGHTS)
    assert {right.scope for right in RIGHTS.values()} - {""} == set(SCOPES)
