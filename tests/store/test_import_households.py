"""A roster in the database: all or nothing, repeatable, with differences told and identity numbers sealed."""

import logging
from typing import Any

import pytest
from sqlalchemy import func, select, text

from app.idnumber import make_synthetic
from app.services import areas, cases
from app.services.check import check
from app.services.households import Imported, import_households
from app.services.prepared import id_place
from app.store.transaction import reading
from app.tables import AccessRow, CaseRow, Household, Member, db
from tests.factories import VALUES
from tests.unit.roster_books import BIRTH, HEAD, SON, WIFE, book
from tests.world import KEYS, World
from workflows.errors import WrongOffice
from workflows.model import Actor

LONER: dict[str, Any] = {**HEAD, "户编号": "H2", "姓名": "测试丁", "证件号码": make_synthetic(BIRTH, 4, sex="male")}
AREA = "500241103204"


@pytest.fixture
def clerk(world: World) -> Actor:
    """A county clerk in a county with its villages."""
    areas.import_shipped("500241")
    return world.person("county_lead", AREA)


def take(clerk: Actor, *rows: dict[str, Any], dry_run: bool = False) -> Imported:
    """Import rows."""
    return import_households(clerk, data=book(rows), dry_run=dry_run)


def counts() -> tuple[int, int]:
    """Households and members in the database."""
    with reading():
        return tuple(int(db.session.scalar(select(func.count()).select_from(t)) or 0) for t in (Household, Member))  # type: ignore[return-value]


def test_households_come_in_with_numbers_and_sealed_identities(world: World, clerk: Actor) -> None:
    done = take(clerk, HEAD, WIFE, SON, LONER)
    assert (done.added, done.people, done.is_applied) == (2, 4, True)
    with reading():
        first = db.session.get(Household, ("500241", "500241H0000001"))
        assert first is not None
        assert (first.village, first.township, first.national_number) == (AREA, "500241103000", "H1")
        assert (first.head_name, first.member_count) == ("测试甲", 3)
        member = db.session.get(Member, ("500241", "500241H0000001", 1))
        assert member is not None
        number = str(HEAD["证件号码"])
        assert member.id_key == KEYS.person_key(number) == first.head_key
        assert KEYS.decrypt(member.id_cipher, place=id_place("500241", member.id_key)) == number
        assert number not in member.id_masked
        assert db.session.get(Household, ("500241", "500241H0000002")) is not None


def test_no_identity_number_stands_anywhere_in_clear(
    world: World, clerk: Actor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    take(clerk, HEAD, WIFE)
    take(clerk, {**HEAD, "性别": "女"})
    with reading():
        tables = [t.name for t in db.metadata.sorted_tables]
        everything = "".join(
            str(row)
            for name in tables
            for row in db.session.execute(text(f'SELECT * FROM "{name}"'))  # noqa: S608
        )
    for row in (HEAD, WIFE):
        assert str(row["证件号码"]) not in everything
        assert str(row["证件号码"]) not in caplog.text


def test_a_bank_account_is_sealed_and_compared(world: World, clerk: Actor) -> None:
    row = {**HEAD, "银行卡号": "6222000011112222"}
    assert take(clerk, row).added == 1
    with reading():
        details = db.session.scalars(select(Household)).one().details
        assert "6222000011112222" not in str(details)
    assert take(clerk, row).unchanged == 1
    assert take(clerk, {**HEAD, "银行卡号": "6222000011113333"}).differences[0].columns == ("details",)


def test_a_dry_run_changes_nothing(world: World, clerk: Actor) -> None:
    done = take(clerk, HEAD, LONER, dry_run=True)
    assert (done.added, done.people, done.is_applied) == (2, 2, False)
    assert counts() == (0, 0)


def test_one_bad_row_stops_every_household(world: World, clerk: Actor) -> None:
    done = take(clerk, HEAD, {**LONER, "证件号码": "999999197005060000"})
    assert (done.error_count, done.added, done.is_applied) == (1, 0, False)
    assert done.errors[0].row == 3
    assert counts() == (0, 0)


def test_the_same_file_again_makes_no_doubles(world: World, clerk: Actor) -> None:
    take(clerk, HEAD, WIFE, LONER)
    again = take(clerk, HEAD, WIFE, LONER)
    assert (again.added, again.unchanged, again.differences) == (0, 2, ())
    assert counts() == (2, 3)


def test_a_household_is_known_by_its_head_without_a_number(world: World, clerk: Actor) -> None:
    take(clerk, HEAD, WIFE)
    again = take(clerk, {**HEAD, "户编号": ""}, {**WIFE, "户编号": ""})
    assert again.added == 0
    assert again.differences[0].columns == ("national_number",)


@pytest.mark.parametrize(
    ("change", "columns"),
    [
        ({"户联系电话": "13900000000"}, ("phone",)),
        ({"户类型": "脱贫户"}, ("kind",)),
        ({"村": "新院村"}, ("area",)),
        ({"姓名": "测试改"}, ("head_name", "members")),
        ({"组": "三组"}, ("group_name",)),
        ({"人均纯收入": "9000"}, ("details",)),
        ({"民族": "苗族"}, ("members",)),
    ],
)
def test_changed_rows_are_told_and_not_applied(
    world: World, clerk: Actor, change: dict[str, str], columns: tuple[str, ...]
) -> None:
    take(clerk, HEAD)
    again = take(clerk, {**HEAD, **change})
    assert (again.added, again.unchanged) == (0, 0)
    assert [(d.row, d.household, d.columns) for d in again.differences] == [(2, "500241H0000001", columns)]
    assert take(clerk, HEAD).unchanged == 1


def test_a_new_member_is_a_difference(world: World, clerk: Actor) -> None:
    take(clerk, HEAD)
    assert take(clerk, HEAD, WIFE).differences[0].columns == ("member_count", "members")


def test_a_person_belongs_to_one_household(world: World, clerk: Actor) -> None:
    take(clerk, HEAD, WIFE)
    other = {**LONER, "户编号": "H9"}
    done = take(clerk, other, {**WIFE, "户编号": "H9"})
    assert [(e.row, e.code) for e in done.errors] == [(3, "person_elsewhere")]
    assert "500241H0000001" in done.errors[0].message_zh
    assert str(WIFE["证件号码"]) not in str(done.errors)
    assert counts() == (1, 2)


def test_a_number_may_not_change_its_household(world: World, clerk: Actor) -> None:
    take(clerk, HEAD, LONER)
    done = take(clerk, {**LONER, "户编号": "H1"})
    assert [e.code for e in done.errors] == ["number_elsewhere"]


def test_one_household_under_two_numbers_in_a_file(world: World, clerk: Actor) -> None:
    take(clerk, HEAD, WIFE)
    # The wife heads a household of her own in the file; by its number it is the one registered.
    own = {**WIFE, "户编号": "", "与户主关系": "户主"}
    done = take(clerk, HEAD, {**own, "户编号": "H3"})
    assert [e.code for e in done.errors] == ["person_elsewhere"]


def test_the_numbers_go_on_where_they_were(world: World, clerk: Actor) -> None:
    take(clerk, HEAD)
    take(clerk, LONER)
    with reading():
        numbers = list(db.session.scalars(select(Household.number).order_by(Household.number)))
    assert numbers == ["500241H0000001", "500241H0000002"]


def noted() -> list[str]:
    """The lines of the access ledger behind the one of the divisions."""
    with reading():
        lines = list(db.session.scalars(select(AccessRow.text).order_by(AccessRow.seq)))
    assert '"kind":"areas_imported"' in lines[0]
    return lines[1:]


def test_only_some_offices_import_and_refusals_are_noted(world: World, clerk: Actor) -> None:
    cadre = world.person("village_cadre", AREA)
    with pytest.raises(WrongOffice):
        take(cadre, HEAD)
    [line] = noted()
    assert '"kind":"refused"' in line
    assert counts() == (0, 0)


def test_nobody_imports_into_a_foreign_area(world: World, clerk: Actor) -> None:
    officer = world.person("township_officer", "500241111200")
    done = take(officer, HEAD)
    assert [e.code for e in done.errors] == ["village_unknown"]
    assert take(world.person("township_officer", AREA), HEAD).added == 1


def test_an_import_stands_in_the_access_ledger(world: World, clerk: Actor) -> None:
    take(clerk, HEAD)
    [line] = noted()
    assert '"kind":"households_imported"' in line
    assert '"added":1' in line


def test_what_the_tables_have_no_room_for_is_a_row_error(world: World, clerk: Actor) -> None:
    done = take(clerk, {**HEAD, "姓名": "测" * 61, "组": "组" * 61, "户编号": "H" * 41})
    assert sorted(e.column for e in done.errors) == ["姓名", "户编号", "组"]
    assert {e.code for e in done.errors} == {"text_too_long"}
    assert counts() == (0, 0)


def test_somebody_moves_from_one_household_to_another_when_both_are_confirmed(world: World, clerk: Actor) -> None:
    take(clerk, HEAD, WIFE, SON, LONER)
    rows = (HEAD, WIFE, LONER, {**SON, "户编号": "H2"})
    told = take(clerk, *rows)
    assert [d.columns for d in told.differences] == [("member_count", "members")] * 2
    half = import_households(clerk, data=book(rows), confirm=told.confirmation, only=["500241H0000002"])
    assert [e.code for e in half.errors] == ["person_elsewhere"]
    done = import_households(clerk, data=book(rows), confirm=told.confirmation)
    assert done.changed == 2
    with reading():
        place = select(Member.household).where(Member.name == "测试丙")
        assert list(db.session.scalars(place)) == ["500241H0000002"]
    assert take(clerk, *rows).unchanged == 2


def test_somebody_moves_into_a_new_household(world: World, clerk: Actor) -> None:
    take(clerk, HEAD, WIFE, SON)
    rows = (HEAD, WIFE, LONER, {**SON, "户编号": "H2"})
    assert [e.code for e in take(clerk, *rows).errors] == ["person_elsewhere"]
    told = take(clerk, *rows, dry_run=True)
    assert (told.added, told.difference_count, told.errors) == (1, 1, ())
    done = import_households(clerk, data=book(rows), confirm=told.confirmation)
    assert (done.added, done.changed) == (1, 1)
    assert counts() == (2, 4)


def test_single_differences_can_be_chosen(world: World, clerk: Actor) -> None:
    take(clerk, HEAD, LONER)
    rows = ({**HEAD, "组": "九组"}, {**LONER, "组": "九组"})
    told = take(clerk, *rows)
    done = import_households(clerk, data=book(rows), confirm=told.confirmation, only=["500241H0000002"])
    assert done.changed == 1
    with reading():
        groups = {r.number: r.group_name for r in db.session.execute(select(Household.number, Household.group_name))}
    assert groups == {"500241H0000001": "", "500241H0000002": "九组"}
    assert [d.household for d in take(clerk, *rows).differences] == ["500241H0000001"]


def test_the_open_work_of_a_household_follows_it_to_another_village(world: World, clerk: Actor) -> None:
    take(clerk, HEAD)
    cadre = world.person("village_cadre", AREA)
    clue = {"clue_source": VALUES["clue_source"], "clue_note": VALUES["clue_note"]}
    cases.register_clue(cadre, household="500241H0000001", purpose="include", data=clue, key="k1")
    rows = ({**HEAD, "村": "新院村"},)
    import_households(clerk, data=book(rows), confirm=take(clerk, *rows).confirmation)
    found: list[object] = []
    check(["500241"], report=found.append)
    assert found == []
    with reading():
        assert db.session.scalars(select(CaseRow.village)).first() == "500241103205"
