"""Households that were monitored or eliminated before: opening entries from a roster, with clocks from their dates."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from app.idnumber import make_synthetic
from app.roster import codes
from app.services import areas, boards, cases, evidence, people, sweep
from app.services.check import check
from app.services.households import Imported, import_households
from app.services.openings import day_of
from app.store import cases as case_store
from app.store.transaction import reading
from app.tables import AccessRow, Household, db
from tests.factories import VALUES
from tests.unit.roster_books import BIRTH, HEAD, WIFE, book
from tests.world import PASSWORD, World, id_number, picture
from workflows.clock import local_date
from workflows.errors import UnknownAction
from workflows.model import Actor, Case, Command, Dossier

AREA = "500241103204"
NUMBER = "500241H0000001"
MONITORED: dict[str, Any] = {
    **HEAD,
    "监测对象类别": "脱贫不稳定户",
    "识别监测时间": "202401",
    "致贫/返贫风险1": "因病",
    "致贫/返贫风险2": "因残",
}


@pytest.fixture
def clerk(world: World) -> Actor:
    """A county clerk in a county with its villages."""
    areas.import_shipped("500241")
    return world.person("county_lead", AREA)


def take(clerk: Actor, *rows: dict[str, Any], **asked: Any) -> Imported:
    """Import rows, openings asked for."""
    return import_households(clerk, data=book(rows), openings=True, **asked)


def dossier(number: str = NUMBER) -> Dossier:
    """All cases of a household."""
    with reading():
        return case_store.read_dossier(number[:6], number)


def latest(definition: str, number: str = NUMBER) -> Case:
    """A household's case of a definition."""
    case = dossier(number).latest(definition)
    assert case is not None
    return case


def is_whole() -> bool:
    """Whether the great check finds nothing."""
    found: list[object] = []
    check(["500241"], report=found.append)
    assert found == []
    return not found


def test_a_monitored_household_opens_with_the_dates_of_then(world: World, clerk: Actor) -> None:
    done = take(clerk, {**MONITORED, "已落实帮扶措施": "产业帮扶、健康帮扶"}, WIFE)
    assert (done.added, done.opened, done.errors) == (1, 1, ())
    status, help_ = latest("monitor_status"), latest("assist")
    assert (status.state, status.seq) == ("active", 1)
    assert (status.fields["included_on"], status.fields["category"]) == ("2024-01-31", "unstable_alleviated")
    assert len(status.fields["imported_file"]) == 64
    assert (help_.state, help_.fields["measures_delivered"]) == ("assigning", 2)
    assert help_.fields["developmental_measures"] == 1
    with reading():
        [entry] = case_store.entries_of("500241", status.number)
        values = case_store.disclosures_of("500241", [status.number])
    assert (entry.body["action"], entry.body["actor"]["id"]) == ("open_active", clerk.id)
    assert '["illness","disability"]' in [v.value for v in values if v.field == "risks"]
    assert is_whole()


def test_without_being_asked_a_roster_opens_nothing(world: World, clerk: Actor) -> None:
    done = import_households(clerk, data=book([MONITORED]))
    assert (done.added, done.opened) == (1, 0)
    assert dossier().cases == ()


def test_a_safety_net_household_opens_as_such(world: World, clerk: Actor) -> None:
    take(clerk, {**MONITORED, "整户无劳动能力兜底保障户": "是"})
    assert latest("monitor_status").state == "active_safety_net"


def test_the_watch_after_elimination_counts_from_the_date_of_elimination(world: World, clerk: Actor) -> None:
    today = local_date(world.now)
    recent = f"{today.year}{today.month:02}01"
    take(clerk, {**MONITORED, "消除监测时间": recent})
    status = latest("monitor_status")
    assert status.state == "eliminated_observing"
    assert status.fields["eliminated_on"] == f"{today:%Y-%m}-01"
    assert status.clocks["observe"].start[:10] == f"{today:%Y-%m}-01"
    assert latest("assist").state == "watching"
    assert is_whole()


def test_a_watch_that_ended_long_ago_ends_at_the_first_sweep(world: World, clerk: Actor) -> None:
    take(clerk, {**MONITORED, "消除监测时间": "202404"})
    sweep.sweep()
    assert latest("monitor_status").state == "eliminated_stable"
    assert latest("assist").state == "stable"
    assert is_whole()


def add_helper(world: World, name: str, username: str) -> None:
    """A helper of the village."""
    people.add_user(
        username=username,
        name=name,
        password=PASSWORD,
        county="500241",
        offices=[("helper", AREA)],
        id_number=id_number(username),
    )


def test_a_helper_is_found_by_name_or_log_in_name(world: World, clerk: Actor) -> None:
    add_helper(world, "测试帮", "bang1")
    assert take(clerk, {**MONITORED, "帮扶责任人": "测试帮"}).opened == 1
    help_ = latest("assist")
    assert (help_.state, help_.fields["helper"]["name"]) == ("assisting", "测试帮")
    add_helper(world, "测试帮", "bang2")
    other = {**MONITORED, "户编号": "H2", "证件号码": make_synthetic(BIRTH, 7, sex="male")}
    assert [e.code for e in take(clerk, {**other, "帮扶责任人": "测试帮"}).errors] == ["helper_ambiguous"]
    assert [e.code for e in take(clerk, {**other, "帮扶责任人": "没有人"}).errors] == ["helper_unknown"]
    assert take(clerk, {**other, "帮扶责任人": "bang2"}).opened == 1
    assert latest("assist", "500241H0000002").fields["helper"]["name"] == "测试帮"


def test_a_helper_is_never_of_the_household(world: World, clerk: Actor) -> None:
    add_helper(world, "测试帮", "bang1")
    own = {**MONITORED, "证件号码": id_number("bang1"), "性别": "男", "帮扶责任人": "bang1"}
    assert [e.code for e in take(clerk, own).errors] == ["helper_own"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"识别监测时间": ""}, "opening_undated"),
        ({"监测对象类别": ""}, "opening_uncategorised"),
        ({"消除监测时间": "202301"}, "status_order"),
        ({"识别监测时间": "203001"}, "status_future"),
        ({"识别监测时间": "", "消除监测时间": "202404"}, "identified_missing"),
        ({"识别监测时间": "201001"}, "bad_value"),
    ],
)
def test_what_can_t_be_opened_is_a_row_error_and_nothing_comes_in(
    world: World, clerk: Actor, change: dict[str, str], code: str
) -> None:
    done = take(clerk, {**MONITORED, **change})
    assert [(e.row, e.code) for e in done.errors] == [(2, code)]
    with reading():
        assert db.session.scalar(select(Household.number)) is None


def test_nobody_opens_the_own_household(world: World, clerk: Actor) -> None:
    own = {**MONITORED, "证件号码": id_number("county_lead-500241000000")}
    assert [e.code for e in take(clerk, {**own, "性别": "男"}).errors] == ["own_household"]


def test_an_opening_is_only_for_an_import(world: World, clerk: Actor) -> None:
    take(clerk, HEAD)
    data = {"included_on": "2024-01-31", "category": "unstable_alleviated", "imported_file": "a" * 64}
    for action in ("open_active", "open_safety_net", "open_eliminated"):
        command = Command(action=action, key="k", salt_seed=b"s" * 32, definition="monitor_status", data=data)
        with pytest.raises(UnknownAction):
            cases.perform(clerk, NUMBER, command)
    assert dossier().cases == ()


def test_a_registered_household_without_status_opens_when_confirmed(world: World, clerk: Actor) -> None:
    import_households(clerk, data=book([HEAD]))
    done = take(clerk, MONITORED)
    assert (done.opened, [d.columns for d in done.differences]) == (0, [("details", "status")])
    assert dossier().cases == ()
    done = take(clerk, MONITORED, confirm=done.confirmation)
    assert (done.opened, done.changed) == (1, 1)
    assert latest("monitor_status").state == "active"
    again = take(clerk, MONITORED)
    assert (again.opened, again.unchanged, again.difference_count) == (0, 1, 0)


def test_a_roster_changes_no_status_that_the_gates_made(world: World, clerk: Actor) -> None:
    take(clerk, MONITORED)
    done = take(clerk, {**MONITORED, "消除监测时间": "202404", "监测对象类别": "突发严重困难户"})
    assert (done.unchanged, done.difference_count, done.opened) == (1, 0, 0)
    assert latest("monitor_status").state == "active"


def test_an_opening_stands_in_the_access_ledger(world: World, clerk: Actor) -> None:
    take(clerk, MONITORED)
    with reading():
        lines = list(db.session.scalars(select(AccessRow.text).order_by(AccessRow.seq)))
    assert '"opened":1' in lines[-1]


def test_a_month_counts_as_its_last_day_but_not_after_today() -> None:
    today = datetime(2026, 11, 23).date()  # noqa: DTZ001 - a day in China
    assert day_of("202402", today) == "2024-02-29"
    assert day_of("202611", today) == "2026-11-23"
    assert day_of("20240215", today) == "2024-02-15"


def test_elimination_by_the_gates_goes_on_from_an_opening(world: World, clerk: Actor) -> None:
    take(clerk, MONITORED)
    cadre = world.person("village_cadre", AREA)
    clue = {"clue_source": VALUES["clue_source"], "clue_note": VALUES["clue_note"]}
    done = cases.register_clue(cadre, household=NUMBER, purpose="eliminate", data=clue, key="k")
    assert dossier().by_number(done.case).state == "clue_open"  # type: ignore[union-attr]


def test_a_rosters_measures_are_those_of_the_definition(world: World) -> None:
    options = cases.loaded_rules().definitions["assist"].fields["measure_kind"].options
    assert {option.id for option in options} == set(codes.MEASURE.values())
    assert all(codes.label(codes.MEASURE, option.id) == option.zh for option in options)


def test_a_household_that_is_gone_counts_in_the_totals_until_it_comes_back(world: World, clerk: Actor) -> None:
    take(clerk, MONITORED)
    leader = world.person("township_leader", AREA)
    proof = evidence.take_in(leader, county="500241", kind="closing_proof", data=picture("closing_proof"))
    case = latest("monitor_status").number
    done = cases.act(leader, case=case, action="close_natural", data={"reason": "迁出"}, key="k", evidence=[proof])
    assert done.case.endswith("-S1")
    above = world.person("upper_level", AREA)
    assert [t.states for t in boards.totals(above) if not t.is_county] == [{"closed_natural": 1}]
