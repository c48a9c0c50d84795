"""Tokens: scope, area and expiry; they die with the account; a session is none; failed tries are slowed down."""

from datetime import timedelta
from typing import Any

import pytest

from app.services import people, tokens
from app.services.tokens import PREFIX
from app.tables import AccessRow, ApiToken, db
from tests.api.site import Caller, caller
from tests.factories import FENGDU, XIUSHAN
from tests.web.site import browser
from tests.world import World
from workflows.errors import BadValue, NotAllowed, NotFound, OutOfScope

CASE = "/cases/500241H0000001-C1"


def test_only_a_hash_is_kept_and_the_ledger_knows(world: World) -> None:
    one = caller(world, world.person("village_cadre"))
    db.session.rollback()
    row = db.session.query(ApiToken).one()
    assert one.token.startswith(PREFIX)
    assert one.token not in str(vars(row))
    assert any('"token_made"' in line.text for line in db.session.query(AccessRow))


def test_scope_area_and_expiry(world: World) -> None:
    world.walker().clue()
    who = world.person("county_lead")
    narrow = caller(world, who, scopes=["cases:read"], area="500241001000")
    assert narrow.get(CASE)["version"] == 1
    refused = narrow.post(f"{CASE}/acts/nominate", {"version": 1})
    assert (narrow.status, refused["code"], refused["params"]) == (403, "out_of_scope", {"scope": "cases:act"})
    assert caller(world, who, area="500241002000").get(CASE)["code"] == "not_found"
    world.now += timedelta(days=31)
    assert narrow.get(CASE)["code"] == "bad_token"
    assert narrow.status == 401


@pytest.mark.parametrize("days", [0, 366, -1])
def test_a_token_lives_a_year_at_most(world: World, days: int) -> None:
    with pytest.raises(BadValue):
        caller(world, world.person("village_cadre"), days=days)


def test_tokens_die_with_the_account_and_by_revoking(world: World) -> None:
    who, admin = world.person("village_cadre"), world.person("admin")
    world.household()
    first, second = caller(world, who), caller(world, who)
    number = tokens.own(who).lines[0].id
    for stranger in (world.person("resident_team"), world.person("admin", FENGDU)):
        with pytest.raises(NotFound):
            tokens.revoke(stranger, number)
    tokens.revoke(who, number)
    assert second.get("/cases/x")["code"] == "bad_token"
    assert first.get("/cases/x")["code"] == "not_found"
    username = next(name for name, known in world.accounts.items() if known.id == who.id)
    people.disable_user(username, by=admin.id)
    assert first.get("/cases/x")["code"] == "bad_token"


def test_an_office_that_ends_is_gone_from_the_token(world: World) -> None:
    world.walker().clue()
    who, admin = world.person("village_cadre"), world.person("admin")
    one = caller(world, who)
    assert one.get(CASE)["version"] == 1
    username = next(name for name, known in world.accounts.items() if known.id == who.id)
    people.end_office(username, "village_cadre", XIUSHAN, by=admin.id)
    assert one.get(CASE)["code"] == "not_allowed"


def test_nobody_makes_a_token_that_signs_for_somebody_else(world: World) -> None:
    admin = world.person("admin")
    names = {known.id: name for name, known in world.accounts.items()}
    cadre, auditor = world.person("village_cadre"), world.person("auditor")
    names |= {known.id: name for name, known in world.accounts.items()}
    sent: dict[str, Any] = {"name": "x", "scopes": ["cases:read"], "area": "500241000000", "days": 5}
    with pytest.raises(NotAllowed):
        tokens.make(admin, username=names[cadre.id], **sent)
    line, _ = tokens.make(admin, username=names[auditor.id], **sent)
    assert line.username == names[auditor.id]
    with pytest.raises(NotFound):
        tokens.make(cadre, username=names[auditor.id], **sent)


def test_a_token_makes_none_that_is_wider(world: World) -> None:
    who = world.person("county_lead")
    _, token = tokens.make(who, name="x", scopes=["tokens:manage", "cases:read"], area="500241001000", days=5)
    line = tokens.bearer(token, source="test").token
    for change in ({"scopes": ["cases:act"]}, {"area": "500241000000"}, {"days": 6}):
        sent: dict[str, Any] = {"name": "y", "scopes": ["cases:read"], "area": "500241001201", "days": 5, **change}
        with pytest.raises(OutOfScope):
            tokens.make(who, by_token=line, **sent)


def test_a_session_opens_nothing_and_needs_no_csrf(world: World) -> None:
    world.walker().clue()
    one = browser(world, world.person("village_cadre"))
    answer = one.client.get(f"/api/v1{CASE}")
    assert (answer.status_code, answer.headers["X-Fangpin-Code"]) == (401, "bad_token")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_wrong_tokens_are_slowed_down_and_lock_nobody_out(world: World) -> None:
    good = caller(world, world.person("village_cadre"))
    bad = Caller(world.app, world.app.test_client(), "fangpin_wrong")
    codes = [bad.get("/cases/x")["code"] for _ in range(8)]
    assert codes == ["bad_token"] * 5 + ["throttled"] * 3
    assert bad.status == 429
    assert good.get("/cases/x")["code"] == "not_found"
    assert "logout" in browser(world, world.person("village_cadre")).text
