"""What a county department sees of a household, and that another office beside it widens that again."""

import pytest

from app.services import cases, lists, people
from app.services.evidence import open_file
from tests.factories import XIUSHAN, office
from tests.world import PASSWORD, StoredWalker, World, id_number
from workflows.errors import NotFound
from workflows.model import Actor


@pytest.fixture
def walker(world: World) -> StoredWalker:
    """A case up to the township's audit: comparison done by the department, the rest by others."""
    one = world.walker()
    one.clue().walk("township_audit")
    return one


def shown(who: Actor, walker: StoredWalker) -> str:
    """Everything that the case page is given of people and values."""
    view = cases.case_view(who, case=walker.case.number)
    return repr([view.household.phone, [m.name for m in view.members], view.values, view.entries])


def test_a_department_sees_what_concerns_it_and_no_more(world: World, walker: StoredWalker) -> None:
    who = world.person("sector_dept")
    view = cases.case_view(who, case=walker.case.number)
    assert (view.is_whole, view.members, view.household.phone, view.household.details) == (False, (), "", {})
    assert (view.household.head_name, view.household.number) == ("张三", walker.household.number)
    fields = {field for _, _, field in view.values} | {name for e in view.entries for name in e["changes"]}
    assert {"risks", "comparison_note"} <= fields
    assert not {"income_per_head", "selfpaid_expense", "opinion"} & fields
    assert "13900000000" not in shown(who, walker)
    assert [e["seq"] for e in view.entries] == list(range(1, walker.case.seq + 1)), "every entry stands"
    page = lists.household_page(who, walker.household.number)
    assert (page.is_whole, page.phone, page.members, page.house.head_name) == (False, "", [], "张三")


def test_a_department_opens_its_own_files_only(world: World, walker: StoredWalker) -> None:
    who, county = world.person("sector_dept"), walker.household.county
    files = {i["kind"]: i for e in cases.case_view(world.person("county_lead"), case=walker.case.number).entries
             for i in e["evidence"]}  # fmt: skip
    assert {"comparison_sheet", "visit_photo"} <= set(files)
    assert open_file(who, county=county, sha256=files["comparison_sheet"]["sha256"])[0]
    with pytest.raises(NotFound):
        open_file(who, county=county, sha256=files["visit_photo"]["sha256"])
    seen = {i["kind"] for e in cases.case_view(who, case=walker.case.number).entries for i in e["evidence"]}
    assert seen == {"comparison_sheet"}


def test_another_office_widens_it_again(world: World, walker: StoredWalker) -> None:
    held = [office("sector_dept"), office("township_officer")]
    people.add_user(
        username="zwei",
        name="两职",
        password=PASSWORD,
        county=XIUSHAN[:6],
        offices=[(o.role, o.area) for o in held],
        id_number=id_number("zwei"),
    )
    who = people.actor_named("zwei")
    assert cases.case_view(who, case=walker.case.number).is_whole
    assert lists.household_page(who, walker.household.number).phone == "13900000000"


@pytest.mark.parametrize("role", ["village_cadre", "township_officer", "county_lead", "auditor"])
def test_others_see_it_whole_with_masked_numbers(world: World, walker: StoredWalker, role: str) -> None:
    who = world.person(role)
    view = cases.case_view(who, case=walker.case.number)
    assert view.is_whole
    assert {m.id_masked for m in lists.household_page(who, walker.household.number).members} == {"999999********0018"}
    assert "income_per_head" in {name for entry in view.entries for name in entry["changes"]}
