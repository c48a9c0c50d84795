"""Absences in the database: who may record and end them, what is refused, and what a substitute sees and signs."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.services import deliver, lists, people, substitutes, tokens
from app.services.rights import can_see
from app.services.substitutes import Asked
from app.store import outbox
from app.store.transaction import reading, writing
from app.tables import AccessRow, Reminder, db
from tests.factories import FENGDU, XIUSHAN, helper_value
from tests.world import PASSWORD, World, id_number
from workflows.clock import local_date
from workflows.errors import (
    BadValue,
    ChainedSubstitute,
    NotAllowed,
    NotFound,
    OverlappingAbsence,
    Refused,
    UnfitSubstitute,
)
from workflows.model import Actor

TOWNSHIP = f"{XIUSHAN[:9]}000"


def day(world: World, offset: int = 0) -> str:
    return (local_date(world.now) + timedelta(days=offset)).isoformat()


def account(world: World, role: str, name: str, area: str = XIUSHAN) -> tuple[Actor, str]:
    """Somebody with his log-in name."""
    with writing():
        world.add_area(area)
    who = world.person(role, area, name)
    return who, next(key for key, one in world.accounts.items() if one == who)


def asked(world: World, substitute: str, **changes: str) -> Asked:
    values = {
        "role": "township_leader", "area": TOWNSHIP, "begins": day(world), "ends": day(world, 7), "reason": "年休假",
        "substitute": substitute,
    }  # fmt: skip
    return Asked(**{**values, **changes})


def fresh(who: Actor) -> Actor:
    return people.actor_of_account(who.id)


def ledger() -> list[dict[str, object]]:
    with reading():
        return [json.loads(text) for text in db.session.scalars(select(AccessRow.text).order_by(AccessRow.seq))]


def test_a_substitute_holds_the_office_on_those_days_and_no_longer(world: World) -> None:
    leader, _ = account(world, "township_leader", "leader")
    officer, name = account(world, "township_officer", "officer")
    substitutes.add(leader, asked(world, name, begins=day(world, 1), ends=day(world, 3)))
    held = [len(fresh(officer).offices)]
    for _ in range(3):
        world.now += timedelta(days=1)
        held.append(len(fresh(officer).offices))
    assert held == [1, 2, 2, 1]
    assert len(fresh(leader).offices) == 1


def test_the_ledger_tells_of_it_without_the_reason(world: World) -> None:
    leader, _ = account(world, "township_leader", "leader")
    officer, name = account(world, "township_officer", "officer")
    number = substitutes.add(leader, asked(world, name, reason="住院"))
    substitutes.end(officer, number)
    lines = [line for line in ledger() if str(line["kind"]).startswith("absence")]
    assert [line["kind"] for line in lines] == ["absence_added", "absence_ended"]
    assert "住院" not in json.dumps(lines, ensure_ascii=False)
    assert [o for o in fresh(officer).offices if o.behalf] == []
    seen = {who.id: substitutes.mine(who).lines[0].reason for who in (leader, officer)}
    assert seen == {leader.id: "住院", officer.id: ""}


def test_whoever_is_not_concerned_may_neither_record_nor_end(world: World) -> None:
    leader, absent = account(world, "township_leader", "leader")
    _, name = account(world, "township_officer", "officer")
    cadre, _ = account(world, "village_cadre", "cadre")
    other, _ = account(world, "county_lead", "other", FENGDU)
    for stranger in (cadre, other):
        with pytest.raises(NotFound):
            substitutes.add(stranger, asked(world, name, username=absent))
    number = substitutes.add(leader, asked(world, name))
    for stranger in (cadre, other):
        with pytest.raises(NotFound):
            substitutes.end(stranger, number)
    with pytest.raises(NotAllowed):
        substitutes.governed(account(world, "helper", "helper")[0])


@pytest.mark.parametrize("role", ["county_lead", "admin"])
def test_superior_and_administrator_record_and_end_it_and_see_the_list(world: World, role: str) -> None:
    _, absent = account(world, "township_leader", "leader")
    officer, name = account(world, "township_officer", "officer")
    chief, _ = account(world, role, "chief")
    number = substitutes.add(chief, asked(world, name, username=absent))
    assert [line.id for line in substitutes.governed(chief).lines] == [number]
    assert len(fresh(officer).offices) == 2
    substitutes.end(chief, number)
    assert [line.state for line in substitutes.governed(chief).lines] == ["ended"]
    assert len(fresh(officer).offices) == 1


def test_what_is_refused(world: World) -> None:
    leader, _ = account(world, "township_leader", "leader")
    _, name = account(world, "township_officer", "officer")
    _, cadre = account(world, "village_cadre", "cadre")
    _, county = account(world, "county_lead", "county")
    _, abroad = account(world, "township_officer", "abroad", FENGDU)
    for wrong, refused in (
        (asked(world, cadre), UnfitSubstitute),
        (asked(world, county), UnfitSubstitute),
        (asked(world, abroad), UnfitSubstitute),
        (asked(world, "township_leader-" + TOWNSHIP), BadValue),
        (asked(world, "nobody"), BadValue),
        (asked(world, name, role="county_lead", area=f"{XIUSHAN[:6]}000000"), BadValue),
        (asked(world, name, part=FENGDU), BadValue),
        (asked(world, name, begins=day(world, -1)), BadValue),
        (asked(world, name, ends=day(world)), BadValue),
        (asked(world, name, ends=day(world, 400)), BadValue),
        (asked(world, name, begins="2026-3-2"), BadValue),
        (asked(world, name, reason=" "), BadValue),
    ):
        with pytest.raises((refused, BadValue)):
            substitutes.add(leader, wrong)
    assert substitutes.mine(leader).lines == []


def test_nobody_gives_himself_an_office_by_somebody_s_vacation(world: World) -> None:
    _, absent = account(world, "township_leader", "leader")
    chief, name = account(world, "township_officer", "officer")
    people.add_user(
        username="chief", name="同一人", password=PASSWORD, county=XIUSHAN[:6],
        offices=[("county_lead", f"{XIUSHAN[:6]}000000")], id_number=id_number(name),
    )  # fmt: skip
    with pytest.raises(NotAllowed):
        substitutes.add(people.actor_named("chief"), asked(world, name, username=absent))
    assert chief.offices


def test_no_chain_and_no_overlap(world: World) -> None:
    leader, leaders = account(world, "township_leader", "leader")
    officer, name = account(world, "township_officer", "officer")
    third, other = account(world, "township_officer", "third")
    first = substitutes.add(leader, asked(world, name))
    with pytest.raises(OverlappingAbsence):
        substitutes.add(leader, asked(world, other, begins=day(world, 6), ends=day(world, 9)))
    for row in (asked(world, other, role="township_officer"), asked(world, "", role="township_officer")):
        with pytest.raises(ChainedSubstitute):
            substitutes.add(officer, row)
    with pytest.raises(ChainedSubstitute):  # who is absent stands in for nobody
        substitutes.add(third, asked(world, leaders, role="township_officer"))
    substitutes.end(officer, first)
    substitutes.add(officer, asked(world, other, role="township_officer"))
    with pytest.raises(ChainedSubstitute):
        substitutes.add(leader, asked(world, name))


def test_two_parts_of_one_office_go_to_two_people(world: World) -> None:
    other_village = f"{XIUSHAN[:9]}202"
    with writing():
        world.add_area(other_village)
    leader, _ = account(world, "township_leader", "leader")
    officer, name = account(world, "township_officer", "officer")
    _, other = account(world, "township_leader", "third")
    substitutes.add(leader, asked(world, name, part=XIUSHAN))
    substitutes.add(leader, asked(world, other, part=other_village))
    held = [o for o in fresh(officer).offices if o.behalf]
    assert [o.covers(XIUSHAN) for o in held] == [True]
    assert [o.covers(other_village) for o in held] == [False]
    with pytest.raises(OverlappingAbsence):
        substitutes.add(leader, asked(world, name))


def test_it_ends_with_the_office_of_either_and_with_a_closed_account(world: World) -> None:
    leader, absent = account(world, "township_leader", "leader")
    officer, name = account(world, "township_officer", "officer")
    substitutes.add(leader, asked(world, name))
    assert len(fresh(officer).offices) == 2
    people.disable_user(absent, by="cli")
    assert len(fresh(officer).offices) == 1
    people.enable_user(absent, by="cli")
    assert len(fresh(officer).offices) == 2
    people.end_office(absent, "township_leader", TOWNSHIP, by="cli")
    assert len(fresh(officer).offices) == 1


def test_a_substitute_without_an_own_office_of_the_level_holds_nothing(world: World) -> None:
    leader, _ = account(world, "township_leader", "leader")
    officer, name = account(world, "township_officer", "officer")
    substitutes.add(leader, asked(world, name))
    people.appoint(name, "county_lead", f"{XIUSHAN[:6]}000000", by="cli")
    people.end_office(name, "township_officer", TOWNSHIP, by="cli")
    assert [o for o in fresh(officer).offices if o.behalf] == []


def test_the_desk_shows_the_absent_person_s_work_and_the_signature_names_both(world: World) -> None:
    here = f"{XIUSHAN[:9]}203"
    away, _ = account(world, "village_cadre", "away")
    neighbour, name = account(world, "village_cadre", "neighbour", here)
    w = world.walker()
    w.clue()
    assert lists.desk(fresh(neighbour)).total == 0
    substitutes.add(away, asked(world, name, role="village_cadre", area=XIUSHAN))
    found = lists.desk(fresh(neighbour)).found.rows
    assert [line.behalf for line in found] == [away.name]
    assert [line.behalf for line in lists.desk(fresh(away)).found.rows] == [""]
    assert can_see(fresh(neighbour), XIUSHAN)
    w.walk("verifying")
    w.act("verify", fresh(neighbour))
    body = json.loads(w.chains[w.case.number][-1])
    assert body["actor"]["id"] == neighbour.id
    assert body["behalf"] == {"id": away.id, "name": away.name, "person": away.person}
    with pytest.raises(Refused):
        w.act("verify", fresh(away))


def test_a_helper_s_substitute_sees_the_households_of_the_helper_only(world: World) -> None:
    helper, _ = account(world, "helper", "helper")
    other, name = account(world, "helper", "other")
    w = world.walker()
    w.include()
    w.act("assign_helper", helper=helper_value(helper))
    with pytest.raises(NotFound):
        lists.household_page(fresh(other), w.household.number)
    substitutes.add(helper, asked(world, name, role="helper", area=f"{XIUSHAN[:6]}000000"))
    page = lists.household_page(fresh(other), w.household.number)
    assert page.house.number == w.household.number
    assert [line.behalf for line in lists.desk(fresh(other)).found.rows] == [helper.name]
    w.act("record_plan", fresh(other))
    assert other.person in w.latest("assist").fields["_helpers"]


def test_reminders_go_to_the_substitute_too(world: World) -> None:
    away, _ = account(world, "village_cadre", "away")
    neighbour, name = account(world, "village_cadre", "neighbour", f"{XIUSHAN[:9]}203")
    substitutes.add(away, asked(world, name, role="village_cadre", area=XIUSHAN))
    world.walker().clue()
    deliver.deliver()
    with reading():
        told = set(db.session.scalars(select(Reminder.user_id)))
    assert {int(away.id[1:]), int(neighbour.id[1:])} <= told
    assert outbox.undelivered() == 0


def test_a_token_narrows_what_is_held_for_somebody_else_too(world: World) -> None:
    leader, _ = account(world, "township_leader", "leader")
    officer, name = account(world, "township_officer", "officer")
    substitutes.add(leader, asked(world, name, part=XIUSHAN))
    for area, count in ((XIUSHAN, 2), (f"{XIUSHAN[:9]}202", 1), (FENGDU, 0)):
        assert len(tokens.narrowed(fresh(officer), area).offices) == count


def test_where_the_own_office_would_do_nobody_is_stood_in_for(world: World) -> None:
    leader, _ = account(world, "township_leader", "leader")
    officer, name = account(world, "township_officer", "officer")
    substitutes.add(leader, asked(world, name))
    w = world.walker()
    w.clue().walk("township_audit")
    w.act("township_audit", fresh(officer))
    assert json.loads(w.chains[w.case.number][-1])["behalf"] is None
