"""Staff from a sheet, on both engines: all rows or none, repeatable, nothing changed that nobody confirmed."""

import io
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import func, select

from app.services import areas, people, staff
from app.services.staff import FirstPassword, Imported, export_staff, import_staff
from app.services.staff_sheet import book_of
from app.store.transaction import reading
from app.tables import AccessRow, Appointment, User, db
from tests.unit.roster_books import book
from tests.world import PASSWORD, World, id_number
from workflows.errors import NotAllowed
from workflows.model import Actor

COUNTY, VILLAGE, TOWNSHIP = "500241000000", "500241103204", "500241103000"


def row(username: str, role: str = "村干部", place: str = "隘口镇/平所村", **more: Any) -> dict[str, Any]:
    """A row that can be taken as it is."""
    return {
        "姓名": f"测试{username}", "登录账号": username, "身份证号码": id_number(username), "职务": role,
        "任职区域": place, **more,
    }  # fmt: skip


@pytest.fixture
def admin(world: World) -> Actor:
    """The administrator of Xiushan with all its divisions."""
    areas.import_shipped("500241")
    return world.person("admin", VILLAGE)


def take(admin: Actor, rows: Sequence[dict[str, Any]], **more: Any) -> tuple[Imported, list[FirstPassword]]:
    """Import rows; return what was done and the passwords handed out."""
    handed: list[FirstPassword] = []
    return import_staff(admin, data=book(rows), hand_out=handed.extend, **more), handed


def offices(username: str) -> list[tuple[str, str]]:
    """What somebody holds today."""
    return [(o.role, o.area) for o in people.actor_named(username).offices]


def wrong(done: Imported) -> list[tuple[int, str, str]]:
    """Row, column and code of each error."""
    return [(error.row, error.column, error.code) for error in done.errors]


def counted() -> tuple[int, int]:
    """How many accounts and offices there are."""
    with reading():
        return tuple(int(db.session.scalar(select(func.count()).select_from(t)) or 0) for t in (User, Appointment))  # type: ignore[return-value]


def test_new_people_get_accounts_offices_and_a_password_each(world: World, admin: Actor) -> None:
    rows = [
        row("cun"),
        row("bang", "帮扶干部", ""),
        row("wang", "乡镇经办人员", "隘口镇"),
        row("shen", "督查审计人员", COUNTY, 身份证号码=""),
    ]
    done, handed = take(admin, rows)
    assert done.errors == ()
    assert done.is_applied
    assert [one.username for one in done.added] == [one.username for one in handed] == ["cun", "bang", "wang", "shen"]
    assert offices("cun") == [("village_cadre", VILLAGE)]
    assert offices("bang") == [("helper", COUNTY)]
    assert offices("wang") == [("township_officer", TOWNSHIP)]
    for one in handed:
        assert people.log_in(one.username, one.password, source="x")
    assert people.actor_named("cun").person == world.app.extensions["fangpin"].keys.person_key(id_number("cun"))


def test_the_same_sheet_again_changes_nothing(world: World, admin: Actor) -> None:
    rows = [row("cun"), row("cun", "驻村工作队员", "隘口镇/新院村"), row("bang", "帮扶责任人", "")]
    take(admin, rows)
    before = counted()
    done, handed = take(admin, rows)
    assert (done.unchanged, done.added, done.differences, done.confirmation, handed) == (2, (), (), "", [])
    world.now += timedelta(days=3)
    assert take(admin, [{**one, "任职起始日期": "2026-01-01"} for one in rows])[0].unchanged == 2
    assert counted() == before


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([row("a", "皇帝")], (2, "职务", "role_unknown")),
        ([row("a", "上级部门人员")], (2, "职务", "role_not_given")),
        ([row("a", "系统")], (2, "职务", "role_not_given")),
        ([row("a", place="无此村")], (2, "任职区域", "area_unknown")),
        ([row("a", place="隘口镇")], (2, "任职区域", "area_level")),
        ([row("a", place="500230001201")], (2, "任职区域", "area_unknown")),
        ([row("a", place="")], (2, "任职区域", "area_missing")),
        ([row("a", 任职区划代码="500230001201")], (2, "任职区划代码", "area_unknown")),
        ([row("a", 任职区划代码="12")], (2, "任职区划代码", "area_code")),
        ([row("a", 身份证号码="")], (2, "身份证号码", "id_needed")),
        ([row("a", 身份证号码="123")], (2, "身份证号码", "id_length")),
        ([row("a", 姓名="")], (2, "姓名", "required")),
        ([row("")], (2, "登录账号", "username_missing")),
        ([row("a", 任职截止日期="2020-01-01")], (2, "任职截止日期", "period_past")),
        (
            [row("a", 任职起始日期="2027-05-01", 任职截止日期="2027-04-01")],
            (2, "任职截止日期", "period_order"),
        ),
        ([row("a", 任职截止日期="明天")], (2, "任职截止日期", "bad_date")),
        ([row("a"), row("a")], (3, "职务", "office_twice")),
        ([row("a"), row("a", "帮扶责任人", "", 姓名="别人")], (3, "姓名", "account_conflict")),
        ([row("a"), row("b", 身份证号码=id_number("a"))], (3, "身份证号码", "id_twice")),
        ([row("a"), row("b", 身份证号码=id_number("zhao"))], (3, "身份证号码", "person_known")),
        ([row("zhao", 姓名="测试zhao", 身份证号码=id_number("q"))], (2, "身份证号码", "id_other")),
        ([row("fern")], (2, "登录账号", "username_taken")),
        ([row("weg")], (2, "登录账号", "account_disabled")),
        ([row("x", 身份证号码=id_number("admin-500241000000"))], (2, "身份证号码", "person_known")),
    ],
)  # fmt: skip
def test_a_wrong_row_is_named_and_nothing_is_done(
    world: World, admin: Actor, rows: list[dict[str, Any]], expected: tuple[int, str, str]
) -> None:
    account("zhao")
    account("fern", area="500230000000")
    account("weg")
    people.disable_user("weg", by=admin.id)
    before = counted()
    done, handed = take(admin, [*rows, row("gut")])
    assert wrong(done) == [expected]
    assert (done.is_applied, handed, counted()) == (False, [], before)
    assert all(error.message_zh and error.message_en for error in done.errors)


def account(username: str, role: str = "county_lead", area: str = COUNTY) -> None:
    """An account as the page makes it."""
    people.add_user(
        username=username, name=f"测试{username}", password=PASSWORD, county=area[:6], offices=[(role, area)],
        id_number=id_number(username),
    )  # fmt: skip


def test_nobody_gives_himself_an_office_or_ends_his_own_as_administrator(world: World, admin: Actor) -> None:
    mine = next(name for name, known in world.accounts.items() if known.id == admin.id)
    own = {"姓名": admin.name, "登录账号": mine, "身份证号码": ""}
    done, _ = take(admin, [row(mine, "帮扶责任人", "", **own)])
    assert wrong(done) == [(2, "职务", "oneself")]
    done, _ = take(admin, [row(mine, "系统管理员", "", **own, 任职截止日期="2020-01-01")])
    assert wrong(done) == [(2, "任职截止日期", "oneself")]


def test_known_accounts_change_only_by_the_code_of_just_these_differences(world: World, admin: Actor) -> None:
    account("zhao")
    rows = [row("zhao", "县级主管部门人员", "", 姓名="赵新"), row("neu")]
    done, handed = take(admin, rows)
    assert [one.username for one in handed] == ["neu"]
    assert [(d.username, [c.column for c in d.changes]) for d in done.differences] == [("zhao", ["name"])]
    assert people.actor_named("zhao").name == "测试zhao"
    assert wrong(take(admin, rows, confirm="00000000")[0]) == [(0, "", "differences_changed")]
    assert take(admin, rows, confirm=done.confirmation)[0].changed == 1
    assert people.actor_named("zhao").name == "赵新"
    assert take(admin, rows)[0].unchanged == 2


def test_offices_are_given_ended_and_limited_in_time(world: World, admin: Actor) -> None:
    account("zhao")
    yesterday, later = world.now - timedelta(days=1), world.now + timedelta(days=30)
    rows = [
        row("zhao", "县级主管部门人员", "", 任职截止日期=f"{yesterday:%Y-%m-%d}"),
        row("zhao", "乡镇分管领导", "隘口镇", 任职截止日期=f"{later:%Y年%m月%d日}"),
    ]
    done, _ = take(admin, rows)
    assert [(c.before, c.after) for c in done.differences[0].changes] == [
        ("county_lead@500241000000", ""),
        ("", "township_leader@500241103000"),
    ]
    assert offices("zhao") == [("county_lead", COUNTY)]
    take(admin, rows, confirm=done.confirmation)
    assert offices("zhao") == [("township_leader", TOWNSHIP)]
    assert take(admin, rows)[0].unchanged == 1
    longer = [rows[0], {**rows[1], "任职截止日期": ""}]
    done, _ = take(admin, longer)
    assert [c.column for c in done.differences[0].changes] == ["period"]
    world.now = later + timedelta(hours=1)
    assert offices("zhao") == [("township_leader", TOWNSHIP)]
    world.now = later + timedelta(days=1)
    assert offices("zhao") == []


def test_an_office_may_begin_later(world: World, admin: Actor) -> None:
    begins = world.now + timedelta(days=10)
    rows = [row("neu", 任职起始日期=f"{begins:%Y-%m-%d}")]
    take(admin, rows)
    assert offices("neu") == []
    assert take(admin, rows)[0].unchanged == 1
    done, _ = take(admin, [row("neu", 任职起始日期=f"{begins + timedelta(days=1):%Y-%m-%d}")])
    assert [c.column for c in done.differences[0].changes] == ["period"]
    world.now = begins
    assert offices("neu") == [("village_cadre", VILLAGE)]


def test_places_are_found_by_code_by_columns_and_by_name(world: World, admin: Actor) -> None:
    places: list[dict[str, Any]] = [
        {"任职区划代码": VILLAGE},
        {"任职区划代码": int(VILLAGE)},
        {"任职区域": "隘口镇平所村"},
        {"任职区域": "重庆市 > 秀山土家族苗族自治县 > 隘口镇 > 平所村村民委员会"},
        {"乡镇": "隘口镇", "村": "平所村"},
    ]
    rows = [{**row(f"cun{n}", place=""), **place} for n, place in enumerate(places)]
    done, _ = take(admin, rows)
    assert done.errors == ()
    assert {offices(f"cun{n}")[0][1] for n in range(len(places))} == {VILLAGE}


def test_a_person_is_known_by_the_number_where_the_log_in_name_is_left_out(world: World, admin: Actor) -> None:
    account("zhao")
    given = {**row("zhao", "乡镇经办人员", "隘口镇"), "登录账号": ""}
    done, _ = take(admin, [given])
    assert [d.username for d in done.differences] == ["zhao"]


def test_titles_marks_merged_cells_and_footers_do_not_matter(world: World, admin: Actor) -> None:
    one = row("cun")
    headed = [{f"*{name}（必填）" if name == "姓名" else name: value for name, value in one.items()}]
    data = book([*headed, {"*姓名（必填）": "合计：1人"}], above=[["秀山县人员表"], []])
    done = import_staff(admin, data=data, hand_out=lambda told: None)
    assert (done.errors, len(done.added)) == ((), 1)


@pytest.mark.parametrize(
    ("data", "code"), [(b"", "file_empty"), (b"PK", "file_not_xlsx"), (b"\0" * 99, "file_not_xlsx")]
)
def test_a_file_that_is_no_sheet_of_staff_says_why(world: World, admin: Actor, data: bytes, code: str) -> None:
    done = import_staff(admin, data=data, hand_out=lambda told: None)
    assert wrong(done) == [(0, "", code)]
    assert wrong(take(admin, [{"甲": 1, "乙": 2}])[0]) == [(0, "", "no_staff_header")]


def test_nothing_is_done_when_the_passwords_cannot_be_handed_out(world: World, admin: Actor) -> None:
    def full(told: Sequence[FirstPassword]) -> None:
        raise OSError("no space left")

    before = counted()
    with pytest.raises(OSError, match="no space"):
        import_staff(admin, data=book([row("cun")]), hand_out=full)
    assert counted() == before


def test_somebody_faster_undoes_it_all(world: World, admin: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    account("zhao")
    rows = [row("neu"), row("zhao", "县级主管部门人员", "", 任职截止日期="2020-01-01")]
    code = take(admin, rows, dry_run=True)[0].confirmation
    before, slow = counted(), staff.new_password

    def meanwhile() -> str:
        people.end_office("zhao", "county_lead", COUNTY, by=admin.id)
        return slow()

    monkeypatch.setattr(staff, "new_password", meanwhile)
    done, handed = take(admin, rows, confirm=code)
    assert (wrong(done), handed, counted()) == ([(0, "", "staff_raced")], [], before)


def test_only_an_administrator_imports_or_exports(world: World, admin: Actor) -> None:
    for role in ("county_lead", "auditor", "township_officer"):
        with pytest.raises(NotAllowed):
            take(world.person(role, VILLAGE), [row("cun")])
        with pytest.raises(NotAllowed):
            export_staff(world.person(role, VILLAGE))


def test_the_export_comes_back_unchanged(world: World, admin: Actor) -> None:
    account("weg")
    people.disable_user("weg", by=admin.id)
    account("fern", area="500230000000")
    account("=1+1", "auditor")
    rows = [row("cun"), row("cun", "帮扶责任人", ""), row("shen", "督查审计人员", COUNTY, 任职截止日期="2027-01-31")]
    take(admin, rows)
    lines = list(export_staff(admin))
    assert [line[1] for line in lines] == ["登录账号", "=1+1", "admin-500241000000", "cun", "cun", "shen"]
    assert ["测试cun", "cun", "", "村干部", VILLAGE, "隘口镇/平所村", f"{world.now:%Y-%m-%d}", "", ""] in lines
    data = book_of(lines)
    sheet = load_workbook(io.BytesIO(data)).worksheets[0]
    assert {cell.data_type for cells in sheet.iter_rows() for cell in cells} <= {"s", "inlineStr", "n"}
    done = import_staff(admin, data=data, hand_out=lambda told: None)
    assert (done.errors, done.unchanged, done.differences, done.added) == ((), 4, (), ())


def test_the_ledger_names_file_accounts_and_changes_but_no_number(world: World, admin: Actor) -> None:
    account("zhao", "auditor")
    rows = [row("neu"), row("zhao", "县级主管部门人员", "", 姓名="赵新")]
    take(admin, rows, confirm=take(admin, rows, dry_run=True)[0].confirmation)
    list(export_staff(admin))
    with reading():
        told = [json.loads(text) for text in db.session.scalars(select(AccessRow.text).order_by(AccessRow.seq))]
    told = told[1:]  # the divisions
    kinds = [line["kind"] for line in told]
    assert kinds == ["user_added", "user_changed", "office_given", "staff_imported", "staff_exported"]
    assert (told[3]["detail"]["added"], told[3]["detail"]["changed"]) == (1, 1)
    assert id_number("neu") not in json.dumps(told)


def test_a_page_opens_only_so_many_accounts_at_once(world: World, admin: Actor) -> None:
    rows = [row("a"), row("b"), row("c")]
    done, handed = take(admin, rows, most=2)
    assert (wrong(done), handed) == ([(0, "", "too_many_new")], [])
    assert len(take(admin, rows, most=3)[1]) == 3
    assert take(admin, rows, most=2)[0].unchanged == 3
