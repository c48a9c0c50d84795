"""The other resources: what the pages show and do, by the API."""

import pytest

from app.services.deliver import deliver
from app.services.tokens import SCOPES
from tests.api.site import Caller, caller
from tests.factories import XIUSHAN
from tests.world import World, id_number, picture
from workflows.errors import BadValue

NUMBER = "500241H0000001"


@pytest.fixture
def filled(world: World) -> World:
    """Three households under public notice in one village."""
    for serial in (1, 2, 3):
        walker = world.walker(serial).clue().walk("publicizing")
        world.now = max(world.now, walker.now)
    deliver()
    return world


def test_me(world: World) -> None:
    world.household()
    who = world.person("county_lead")
    one = caller(world, who, scopes=["cases:read"], area="500241001000")
    body = one.get("/me")
    assert body["offices"][0]["within"] == "500241001"
    assert body["scopes"] == ["cases:read"]
    assert one.send("PUT", "/me/language", {"lang": "en"}) == {"lang": "en", "repeated": False}
    assert one.get("/me")["lang"] == "en"
    assert one.get("/cases/x")["title"] == "no such record"
    assert one.send("PUT", "/me/language", {"lang": "fr"})["params"] == {"field": "lang"}


def test_lists(filled: World) -> None:
    cadre = caller(filled, filled.person("village_cadre"))
    desk = cadre.get("/desk")
    assert cadre.status == 200, desk
    assert sum(desk["counts"].values()) == len(desk["rows"])
    assert cadre.get("/desk?band=nonsense")["code"] == "bad_value"
    houses = cadre.get("/households?q=张三")["rows"]
    assert {house["number"] for house in houses} == {f"500241H000000{n}" for n in (1, 2, 3)}
    assert {house["status"]["id"] for house in houses} == {"candidate"}
    one = cadre.get(f"/households/{NUMBER}")
    assert [member["name"] for member in one["members"]] == ["张三", "李四"]
    assert "13900000000" not in str(one)
    notices = cadre.get(f"/notices?village={XIUSHAN}")["rows"]
    assert len(notices[0]["rows"]) == 3
    assert set(notices[0]["rows"][0]) == {
        "case", "purpose", "group", "head_name", "member_count", "category", "begins", "ends",
    }  # fmt: skip
    assert cadre.get("/overdue")["total"] == 0
    assert cadre.get("/totals")["code"] == "not_allowed"


def test_overdue_and_totals(filled: World) -> None:
    filled.now = filled.now.replace(year=filled.now.year + 1)
    lead = caller(filled, filled.person("county_lead"))
    board = lead.get("/overdue")
    assert board["total"] == len(board["rows"]) > 0
    assert board["rows"][0]["timer_label"]
    part = caller(filled, filled.person("county_lead"), area="500241002000").get("/overdue")
    assert (part["total"], part["rows"]) == (0, [])
    above = caller(filled, filled.person("upper_level"))
    assert next(row for row in above.get("/totals")["rows"] if row["is_county"])["open_cases"] == 3
    with pytest.raises(BadValue):  # nothing of that office is left in a part of its area
        caller(filled, filled.person("upper_level"), area="500241000000")


def test_evidence(world: World) -> None:
    world.household()
    cadre = caller(world, world.person("village_cadre"))
    taken = cadre.post("/evidence/500241", raw=picture("x"))
    assert (cadre.status, taken["mime"], taken["bytes"]) == (201, "image/jpeg", len(picture("x")))
    assert cadre.get(f"/evidence/500241/{taken['sha256']}").startswith(b"\xff\xd8")
    assert caller(world, world.person("county_lead")).get(f"/evidence/500241/{taken['sha256']}")["code"] == "not_found"
    assert cadre.post("/evidence/500241", raw=b"no picture")["code"] == "bad_file"
    assert cadre.post("/evidence/500230", raw=picture("x"))["code"] == "not_found"
    assert cadre.post("/evidence/500241", raw=picture("x"), headers={"Idempotency-Key": ""})["code"] == "key_missing"


def test_reminders(filled: World) -> None:
    cadre = caller(filled, filled.person("village_cadre"))
    found = cadre.get("/reminders")
    assert found["rows"]
    assert found["unread"] == len(found["rows"])
    assert "张三" in found["rows"][0]["title"]
    lead = filled.person("village_cadre")
    part = caller(filled, lead, area=f"{XIUSHAN}001").get("/reminders")
    assert part["rows"] == []
    assert cadre.post("/reminders/read", {"id": found["rows"][0]["id"]})["marked"] == 1
    assert cadre.post("/reminders/read", {"newest": found["rows"][0]["id"]})["marked"] == len(found["rows"]) - 1
    assert cadre.get("/reminders")["unread"] == 0


def test_grids(filled: World) -> None:
    cadre = caller(filled, filled.person("village_cadre"))
    made = cadre.post(f"/villages/{XIUSHAN}/grids", {"name": "第一网格"})
    assert made == {"code": f"{XIUSHAN}001", "repeated": False}
    assert cadre.post(f"/villages/{XIUSHAN}/grids", {"name": "第一网格"})["code"] == "bad_value"
    sent = {"grid": made["code"], "groups": ["第一组"]}
    assert cadre.post(f"/villages/{XIUSHAN}/grids/assign", sent, key="g")["changed"] == 3
    assert cadre.post(f"/villages/{XIUSHAN}/grids/assign", sent, key="g") == {"changed": 3, "repeated": True}
    body = cadre.get(f"/villages/{XIUSHAN}/grids")
    assert body["groups"] == [{"group": "第一组", "grid": made["code"], "households": 3}]
    assert caller(filled, filled.person("grid_member")).get(f"/villages/{XIUSHAN}/grids")["code"] == "not_allowed"


def test_papers_of_a_case_and_a_place(filled: World) -> None:
    one = caller(filled, filled.person("village_cadre"))
    rows = {row["id"]: row for row in one.get(f"/cases/{NUMBER}-C1/papers")["papers"]}
    assert rows["application"]["ready"]
    assert rows["notice_result"]["after"] == ["close_publicity"]
    assert not rows["township_form"]["mine"]
    assert one.post(f"/cases/{NUMBER}-C1/papers").startswith(b"%PDF-")
    assert one.post(f"/cases/{NUMBER}-C1/papers/review_minutes", {"blank": True}).startswith(b"%PDF-")
    assert one.post(f"/cases/{NUMBER}-C1/papers/notice_result", {})["code"] == "paper_not_ready"
    assert one.post(f"/households/{NUMBER}/papers").startswith(b"%PDF-")
    assert {"public_notice", "leaflet"} <= {row["id"] for row in one.get("/papers")["papers"]}
    assert one.post("/papers/public_notice", {"area": XIUSHAN}).startswith(b"%PDF-")
    assert one.post("/papers/leaflet", {}).startswith(b"%PDF-")
    assert one.post("/papers/application", {"cases": [f"{NUMBER}-C1"]}).startswith(b"%PDF-")
    assert one.post("/papers/application", {"cases": ["500241H0009999-C1"]})["code"] == "not_found"


def test_trail_and_ledger(filled: World) -> None:
    audit = caller(filled, filled.person("auditor"))
    assert audit.post(f"/cases/{NUMBER}-C1/trail").startswith(b"%PDF-")
    assert audit.get("/audit/cases?late=false")["total"] == 3
    assert audit.get("/audit/cases?definition=nonsense")["code"] == "bad_value"
    kinds = {line["kind"] for line in audit.get("/audit/ledger")["rows"]}
    assert {"trail_print", "list_read", "token_made"} <= kinds
    part = caller(filled, filled.person("auditor"), area="500241001000")
    assert part.get("/audit/cases")["total"] == 3
    assert part.get("/audit/ledger")["code"] == "out_of_scope"
    assert caller(filled, filled.person("grid_member")).post(f"/cases/{NUMBER}-C1/trail")["code"] == "not_allowed"


def test_accounts(world: World) -> None:
    world.household()
    admin = caller(world, world.person("admin"))
    sent = {
        "username": "new1",
        "name": "新人",
        "password": "a long passphrase",
        "role": "village_cadre",
        "area": XIUSHAN,
        "id_number": id_number("new1"),
    }
    assert admin.post("/accounts", {**sent, "area": "500230001201"})["code"] == "bad_value"
    assert admin.post("/accounts", sent) == {"username": "new1", "repeated": False}
    assert admin.post("/accounts", sent)["params"]["field"] == "username"
    assert "new1" in {row["username"] for row in admin.get("/accounts")["rows"]}
    office = {"role": "auditor", "area": "500241000000"}
    assert admin.post("/accounts/new1/offices", office)["username"] == "new1"
    assert admin.post("/accounts/new1/offices/end", office)["username"] == "new1"
    assert admin.post("/accounts/new1/disable")["username"] == "new1"
    assert admin.post("/accounts/new1/enable")["username"] == "new1"
    assert admin.post("/accounts/nobody/disable")["code"] == "not_found"
    part = caller(world, world.person("admin"), area="500241000000", scopes=["cases:read"])
    assert part.get("/accounts")["code"] == "out_of_scope"


def test_tokens(world: World) -> None:
    world.household()
    lead = caller(world, world.person("county_lead"))
    sent = {"name": "x", "scopes": ["cases:read"], "area": "500241001000", "days": 5}
    made = lead.post("/tokens", sent, key="t")
    assert Caller(world.app, world.app.test_client(), made["secret"]).get("/me")["area"] == "500241001000"
    again = lead.post("/tokens", sent, key="t")
    assert ("secret" in again, again["repeated"], again["id"]) == (False, True, made["id"])
    assert lead.get("/tokens")["rows"][0]["id"] == made["id"]
    assert lead.post("/tokens", {**sent, "scopes": ["nonsense"]})["code"] == "bad_value"
    assert lead.post("/tokens", {**sent, "days": 400})["code"] == "bad_value"
    assert lead.get("/tokens?county=true")["code"] == "not_allowed"
    admin = caller(world, world.person("admin"))
    assert made["id"] in {row["id"] for row in admin.get("/tokens?county=true")["rows"]}
    assert admin.post(f"/tokens/{made['id']}/revoke")["id"] == made["id"]
    assert Caller(world.app, world.app.test_client(), made["secret"]).get("/me")["code"] == "bad_token"


def test_the_document_has_all_routes_scopes_and_examples(world: World) -> None:
    document = Caller(world.app, world.app.test_client(), "").get("/openapi.json")
    routes = {rule.rule for rule in world.app.url_map.iter_rules() if rule.endpoint.startswith("api_")}
    assert len(document["paths"]) == len(routes)
    bodies = [op["requestBody"] for ops in document["paths"].values() for op in ops.values() if "requestBody" in op]
    assert all(
        {"example", "examples"} & content.keys()
        for body in bodies
        for content in body["content"].values()
        if "$ref" in str(content)
    )
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert len(SCOPES) == len(set(SCOPES))


def test_every_wrong_address_is_a_problem(world: World) -> None:
    one = Caller(world.app, world.app.test_client(), "")
    assert one.get("/nothing")["code"] == "not_found"
    assert one.send("DELETE", "/me")["status"] == 405
    assert one.last is not None
    assert one.last.headers["Content-Type"] == "application/problem+json"
    world.household()
    named = caller(world, world.person("admin"))
    assert named.send("PUT", "/me/language", raw=b"{not json")["code"] == "bad_request"
    assert named.send("PUT", "/me/language", raw=b"[]")["code"] == "bad_request"
    assert named.get("/desk?after=%00")["status"] == 400
    for path in ("/tokens/99999999999999999999/revoke", "/webhooks/99999999999999999999/replay"):
        assert named.post(path, {"since": "2026-01-01T00:00:00Z"})["code"] == "not_found"
