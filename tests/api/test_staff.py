"""Staff by sheet and mail settings by the API."""

import io
from typing import Any

from openpyxl import load_workbook

from app.services import areas, letters, people
from app.store import mails
from app.store.transaction import reading
from tests.api.site import caller
from tests.unit.roster_books import book
from tests.world import World, id_number

VILLAGE = "500241103204"


def row(username: str, **more: Any) -> dict[str, Any]:
    """A row that can be taken."""
    named = {"姓名": f"测试{username}", "登录账号": username, "身份证号码": id_number(username)}
    return {**named, "职务": "帮扶责任人", **more}


def test_staff_comes_in_and_goes_out(world: World) -> None:
    areas.import_shipped("500241")
    one = caller(world, world.person("admin", VILLAGE))
    wrong = one.post("/accounts/staff", raw=book([row("bang", 职务="皇帝")]))
    assert (one.status, wrong["applied"]) == (200, False)
    assert [(e["row"], e["column"], e["code"]) for e in wrong["errors"]] == [(2, "职务", "role_unknown")]
    assert one.post("/accounts/staff?dry_run=true", raw=book([row("bang")]))["applied"] is False
    done = one.post("/accounts/staff", raw=book([row("bang")]), key="k1")
    assert (done["applied"], done["added"]) == (True, ["bang"])
    assert people.log_in("bang", done["secret"][0]["password"], source="x")
    again = one.post("/accounts/staff", raw=book([row("bang")]), key="k2")
    assert (again["unchanged"], "secret" in again) == (1, False)
    differing = one.post("/accounts/staff", raw=book([row("bang", 姓名="新名")]))
    assert differing["differences"][0]["changes"] == [{"column": "name", "before": "测试bang", "after": "新名"}]
    path = f"/accounts/staff?confirm={differing['confirmation']}"
    assert one.post(path, raw=book([row("bang", 姓名="新名")]))["changed"] == 1
    sheet = load_workbook(io.BytesIO(one.post("/accounts/staff/export"))).worksheets[0]
    assert "bang" in [cell.value for cell in sheet["B"]]


def test_the_answer_that_is_kept_holds_no_password(world: World) -> None:
    areas.import_shipped("500241")
    one, data = caller(world, world.person("admin", VILLAGE)), book([row("bang")])
    assert one.post("/accounts/staff", raw=data, key="same")["secret"]
    again = one.post("/accounts/staff", raw=data, key="same")
    assert (again["repeated"], again["added"], "secret" in again) == (True, ["bang"], False)


def test_mail_settings(world: World) -> None:
    world.household()
    who = world.person("village_cadre")
    one, user = caller(world, who), int(who.id[1:])
    assert one.get("/me/mail") == {"address": "", "state": "absent", "choice": "each", "bounce": "", "enabled": False}
    asked = one.send("PUT", "/me/mail", {"address": "zhao@village.example", "choice": "digest"})
    assert (asked["address"], asked["state"], asked["choice"]) == ("z***@village.example", "asked", "digest")
    assert one.post("/me/mail/confirm", {"code": "x"})["params"] == {"field": "code", "value": ""}
    with reading():
        row = mails.address_of(user)
        code = letters.code_of(user, row.address, str(row.asked_at)) if row else ""
    assert one.post("/me/mail/confirm", {"code": code})["state"] == "confirmed"
    assert one.send("PUT", "/me/mail", {"choice": "none"})["choice"] == "none"
    assert one.post("/me/mail/remove")["state"] == "absent"
    assert one.send("PUT", "/me/mail", {"address": "no address", "choice": "each"})["params"]["field"] == "address"


def test_an_administrator_sets_addresses(world: World) -> None:
    world.household()
    cadre, admin = world.person("village_cadre"), caller(world, world.person("admin"))
    name = next(known for known, who in world.accounts.items() if who.id == cadre.id)
    assert admin.send("PUT", f"/accounts/{name}/mail", {"address": "zhao@village.example"})["username"] == name
    listed = {account["username"]: account for account in admin.get("/accounts")["rows"]}
    assert (listed[name]["mail"], listed[name]["mail_state"]) == ("z***@village.example", "asked")
    admin.send("PUT", "/accounts/nobody/mail", {"address": "zhao@village.example"})
    assert admin.status == 404
