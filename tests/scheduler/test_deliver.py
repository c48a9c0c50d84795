"""Delivery and the list of reminders: to the right people only, once, and counts that equal the rows."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.services import people, reminders
from app.services.deliver import NOBODY, deliver
from app.services.sweep import sweep
from app.store.outbox import add_messages
from app.store.transaction import reading, writing
from app.tables import Appointment, Household, OutboxRow, db
from tests.factories import XIUSHAN, helper_value
from tests.scheduler.seen import included, lists, opened
from tests.world import PASSWORD, World, id_number
from workflows.clock import utc_text
from workflows.model import Actor, Message

NEXT_VILLAGE, NEXT_TOWN, FENGDU = "500241001202", "500241100201", "500230001201"
HOUSEHOLD = "500241H0000001"


def number(actor: Actor) -> int:
    """The account number of a person."""
    return int(actor.id[1:])


def leave(world: World, *messages: Message, key: str = "m") -> None:
    """Put messages into the outbox."""
    with writing() as now:
        add_messages("500241", messages, key, now)


def case_of(world: World, serial: int = 1) -> str:
    """Open a case and deliver what that leaves, so that lists hold what comes after only."""
    case = opened(world, serial).case.number
    deliver()
    return case


def told(word: str) -> set[int]:
    """The accounts that have a reminder with a word."""
    return {account for account, items in lists().items() if word in {w for w, _ in items}}


def account(world: World, role: str, area: str, name: str) -> Actor:
    """An account with an office exactly in an area (15 digits for a grid)."""
    people.add_user(
        username=name,
        name=name,
        password=PASSWORD,
        county=area[:6],
        offices=[(role, area)],
        id_number=id_number(name),
    )
    return people.actor_named(name)


def test_each_role_is_told_over_the_household_and_nobody_beside(world: World) -> None:
    """Village, township and county above the household; not the next village, town or county."""
    case = case_of(world)
    for area in (NEXT_VILLAGE, NEXT_TOWN, FENGDU):
        for role in ("village_cadre", "township_leader", "county_lead"):
            if not (area == NEXT_VILLAGE and role != "village_cadre") and not (
                area == NEXT_TOWN and role == "county_lead"
            ):
                world.person(role, area)
    world.person("auditor")
    right = {number(world.person(role)) for role in ("village_cadre", "township_leader", "county_lead")}
    leave(world, Message(case, "test", roles=("village_cadre", "township_leader", "county_lead")))
    deliver()
    assert told("test") == right


def test_a_grid_member_is_told_of_the_own_grid(world: World) -> None:
    """A household filed under a grid: its grid member and one of the whole village, not the next grid's."""
    own = account(world, "grid_member", f"{XIUSHAN}001", "grid-own")
    whole = account(world, "grid_member", XIUSHAN, "grid-whole")
    account(world, "grid_member", f"{XIUSHAN}002", "grid-next")
    account(world, "grid_member", f"{NEXT_VILLAGE}001", "grid-other")
    case = case_of(world)
    with writing():
        db.session.execute(update(Household).values(area=f"{XIUSHAN}001"))
    leave(world, Message(case, "test", roles=("grid_member",)))
    deliver()
    assert told("test") == {number(own), number(whole), number(world.person("grid_member"))}


def test_only_the_households_own_helper_is_told(world: World) -> None:
    walker = included(world)
    mine, other = world.person("helper", name="mine"), world.person("helper", name="other")
    assist = walker.latest("assist").number
    leave(world, Message(assist, "before", roles=("helper",)), key="a")
    deliver()
    walker.act("assign_helper", helper=helper_value(mine))
    leave(world, Message(assist, "after", roles=("helper",)), key="b")
    deliver()
    assert (told("before"), told("after")) == (set(), {number(mine)})
    assert number(other) not in lists()


def test_offices_that_ended_and_accounts_that_were_disabled_are_told_nothing(world: World) -> None:
    case = case_of(world)
    gone = world.person("village_cadre", name="gone")
    off = world.person("village_cadre", name="off")
    people.disable_user("off-500241001201", by="u0")
    with writing() as now:
        ended = update(Appointment).where(Appointment.user_id == number(gone))
        db.session.execute(ended.values(ends=utc_text(now)[:10]))
    leave(world, Message(case, "test", roles=("village_cadre",)), Message(case, "test", person=off.id))
    deliver()
    assert told("test") == set()
    with reading():
        rows = db.session.scalars(select(OutboxRow).where(OutboxRow.key.contains("m:"))).all()
        assert {(row.trouble, row.delivered_at is not None) for row in rows} == {(NOBODY, True)}


def test_a_person_of_two_roles_gets_one_reminder_and_no_second_delivery(world: World) -> None:
    case = case_of(world)
    people.add_user(
        username="both",
        name="both",
        password=PASSWORD,
        county="500241",
        offices=[("village_cadre", XIUSHAN), ("resident_team", XIUSHAN)],
        id_number=id_number("both"),
    )
    both = people.actor_named("both")
    leave(world, Message(case, "test", roles=("village_cadre", "resident_team")))
    deliver()
    with writing():
        db.session.execute(update(OutboxRow).values(delivered_at=None))
    deliver()
    assert [word for word, _ in lists()[number(both)]].count("test") == 1


def test_a_broken_message_stops_none_and_is_tried_again_ever_more_rarely(world: World) -> None:
    case = case_of(world)
    cadre = world.person("village_cadre")
    deliver()
    leave(world, Message("500241H0000009-C1", "broken", roles=("village_cadre",)), key="a")
    leave(world, Message(case, "test", roles=("village_cadre",)), key="b")
    assert deliver() == {"failed": 1, "delivered": 1}
    assert told("test") == {number(cadre)}
    delays = []
    for _ in range(4):
        with reading():
            row = db.session.scalars(select(OutboxRow).where(OutboxRow.key.endswith(":a:0"))).one()
            assert row.trouble is not None
            retry_at, _, what = row.trouble.partition(" ")
        assert what.startswith("NotFound not_found at ")
        before = world.now
        while utc_text(world.now) < retry_at:
            assert deliver() == {}
            world.now += timedelta(seconds=30)
        delays.append((world.now - before).total_seconds())
        assert deliver() == {"failed": 1}
    assert delays == [30, 60, 120, 240]


def test_the_escalation_reaches_the_county(world: World) -> None:
    """From clue to the county's list without anybody's help: due soon, overdue, to the superior, the county, urging."""
    walker = opened(world)
    cadre, leader, county = (world.person(role) for role in ("village_cadre", "township_leader", "county_lead"))
    start = walker.now
    for half_day in range(80):
        world.now = start + timedelta(hours=12 * half_day)
        sweep()
        deliver()
    words = {who: [word for word, _ in lists().get(number(who), [])] for who in (cadre, leader, county)}
    assert (words[cadre].count("due_soon"), words[cadre].count("overdue")) == (3, 2)  # id_total twice, clue_accept
    assert words[leader] == ["raised", "raised"]
    assert sorted(words[county]) == ["escalated", "escalated", "to_urge", "to_urge"]


# --- the list ----------------------------------------
@pytest.fixture
def full(world: World) -> Actor:
    """A person with twenty-five reminders, one a minute."""
    case = case_of(world)
    cadre = world.person("village_cadre")
    for index in range(25):
        leave(world, Message(case, "test", person=cadre.id, params={"n": index}), key=f"m{index}")
        deliver()
        world.now += timedelta(minutes=1)
    return cadre


def test_pages_hold_each_reminder_once_newest_first(full: Actor) -> None:
    first = reminders.list_reminders(full, size=10)
    assert (first.total, first.unread) == (25, 25)
    seen, page = list(first.items), first
    while page.before:
        page = reminders.list_reminders(full, before=page.before, size=10)
        seen += page.items
    assert [item.params["n"] for item in seen] == list(range(24, -1, -1))
    assert reminders.list_reminders(full, size=25).before is None


def test_reading_marks_what_was_seen_and_nothing_of_others(world: World, full: Actor) -> None:
    other = world.person("township_leader")
    page = reminders.list_reminders(full, size=5)
    assert reminders.mark_read(other, reminder=page.items[0].id) == 0
    assert reminders.mark_read(full, reminder=page.items[0].id) == 1
    assert reminders.mark_read(full, reminder=page.items[0].id) == 0
    assert reminders.unread_count(full) == 24
    assert reminders.mark_all_read(full, newest=page.items[4].id) == 21
    left = reminders.list_reminders(full, unread=True)
    assert [item.params["n"] for item in left.items] == [23, 22, 21]
    assert (left.total, left.unread, len(left.items)) == (3, 3, 3)
    assert reminders.list_reminders(full, size=1).items[0].is_read
