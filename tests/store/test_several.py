"""One action on several cases: the same as one by one, each judged by itself, no deadlock, on both engines."""

import re
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select

from app.services import cases, several
from app.services.several import Answer, Wanted
from app.store.statements import table
from app.store.transaction import reading, writing
from app.tables import (
    AccessRow,
    CaseRow,
    CommandRow,
    DeadlineRow,
    DisclosureRow,
    EvidenceUse,
    JournalRow,
    OutboxRow,
    Wait,
    Webhook,
    db,
)
from tests.factories import VALUES, XIUSHAN
from tests.world import StoredWalker, World
from workflows.errors import BadValue
from workflows.model import Actor

OPINION = {"opinion": VALUES["opinion"]}
HEX = re.compile("[0-9a-f]{64}|[0-9a-f]{32}")  # salts, keys, commitments, hashes


def before_approval(world: World, serials: Sequence[int]) -> list[StoredWalker]:
    """Households that wait for the county."""
    walkers = [world.walker(serial) for serial in serials]
    for walker in walkers:
        walker.clue().walk("county_review")
    world.now = max(walker.now for walker in walkers)
    return walkers


def approve(who: Actor, wanted: Sequence[Wanted], key: str = "", **more: Any) -> list[Answer]:
    """The county's approval of several."""
    key = key or uuid.uuid4().hex
    return several.act_on_several(who, action="county_approve", wanted=wanted, data={**OPINION, **more}, key=key)


def seen(walkers: Sequence[StoredWalker]) -> list[Wanted]:
    """The cases as a page shows them now."""
    return [Wanted(walker.case.number, walker.case.seq) for walker in walkers]


def codes(answers: Sequence[Answer]) -> list[str]:
    """What became of each."""
    return [
        one.refusal.code if one.refusal else "repeated" if one.done and one.done.repeated else "done" for one in answers
    ]


def rows_of(household: str) -> list[str]:
    """Every row that moves of a household write, as text, but for salts, keys and what is hashed from them."""
    found = []
    with reading():
        for model in (CaseRow, Wait, JournalRow, CommandRow, DeadlineRow, DisclosureRow, EvidenceUse, OutboxRow):
            columns = [column for column in table(model).columns if column.name != "id"]
            rows = db.session.execute(select(*columns)).mappings()
            found += [f"{model.__tablename__} {dict(row)}" for row in rows]
    return sorted(HEX.sub("#", row).replace(household, "H") for row in found if household in row)


@pytest.mark.parametrize("listens", [False, True])
def test_several_do_what_one_by_one_does(world: World, listens: bool) -> None:
    """The same rows, apart from salts and keys; chains, periods and replay hold (the walker checks them)."""
    if listens:
        listen(active=True)
    walkers = before_approval(world, range(1, 7))
    together, alone = walkers[:3], walkers[3:]
    lead = world.person("county_lead")
    assert codes(approve(lead, seen(together))) == ["done"] * 3
    for walker in alone:
        cases.act(lead, case=walker.case.number, action="county_approve", data=OPINION, key=uuid.uuid4().hex)
    for one, other in zip(together, alone, strict=True):
        one.refresh()
        other.refresh()
        assert rows_of(one.household.number) == rows_of(other.household.number)
        assert one.case.state == "announcing"


def listen(*, active: bool) -> None:
    """A webhook of the county."""
    made = {"url": "https://example.org", "events": "moved", "secret_cipher": "", "created_at": "", "created_by": ""}
    with writing():
        db.session.add(Webhook(county=XIUSHAN[:6], area=XIUSHAN, active=active, **made))


@pytest.mark.parametrize(("hooks", "told"), [([], 0), ([False], 0), ([False, True], 3)])
def test_moves_are_told_where_a_webhook_listens(world: World, hooks: list[bool], told: int) -> None:
    """One by one and together: a message for each move if there is an active webhook, else none."""
    for active in hooks:
        listen(active=active)
    walkers = before_approval(world, [1, 2, 3])

    def moved() -> int:
        with reading():
            bodies = [row.body for row in db.session.scalars(select(OutboxRow))]
        return sum(one["word"] == "moved" and one["params"]["action"] == "county_approve" for one in bodies)

    lead, wanted = world.person("county_lead"), seen(walkers)
    cases.act(lead, case=wanted[0].case, action="county_approve", data=OPINION, key=uuid.uuid4().hex)
    assert codes(approve(lead, wanted[1:])) == ["done"] * 2
    assert moved() == told


def test_each_is_judged_by_itself(world: World) -> None:
    """Stale, elsewhere, out of the area, unknown: refused with its code and in the ledger; the others are done."""
    walkers = before_approval(world, [1, 2, 3])
    elsewhere = world.walker(7).clue()
    foreign = world.walker(8, "500230001201").clue().walk("county_review")
    world.now = max(world.now, foreign.now)
    good, stale, last = seen(walkers)
    wanted = [
        good,
        Wanted(stale.case, stale.version - 1 if stale.version else 0),
        *seen([elsewhere, foreign]),
        Wanted(f"{XIUSHAN[:6]}H0009999-C1", 1),
        last,
    ]
    lead = world.person("county_lead")
    expected = ["done", "stale", "wrong_state", "not_found", "not_found", "done"]
    assert codes(approve(lead, wanted)) == expected
    with reading():
        noted = [row.text for row in db.session.scalars(select(AccessRow)) if '"county_approve"' in row.text]
    assert len(noted) == 4
    walkers[1].refresh()
    assert walkers[1].case.state == "county_review"


def test_the_same_request_again_gets_the_same_answers(world: World) -> None:
    walkers = before_approval(world, [1, 2])
    lead, wanted = world.person("county_lead"), seen(walkers)
    assert codes(approve(lead, wanted[:1], key="again")) == ["done"]
    assert codes(approve(lead, wanted, key="again")) == ["repeated", "done"]
    first, second = approve(lead, wanted, key="again"), approve(lead, wanted, key="again")
    assert first == second
    assert codes(approve(lead, wanted, key="again", opinion="另一意见")) == ["key_reused"] * 2


def test_separate_hands_hold_for_several(world: World) -> None:
    """Whoever audited one of the cases approves the others, and never that one."""
    walkers = before_approval(world, [1, 2])
    lead = world.person("county_lead")
    third = world.walker(3).clue().walk("township_audit")
    officer = world.person("township_officer")
    both = Actor(officer.id, officer.name, lead.person, (*officer.offices, *lead.offices))
    third.act("township_audit", both)
    assert codes(approve(lead, seen([*walkers, third]))) == ["done", "done", "same_hand"]


def test_a_field_that_the_form_does_not_have_is_refused(world: World) -> None:
    walkers = before_approval(world, [1])
    assert codes(approve(world.person("county_lead"), seen(walkers), opinoin="x")) == ["bad_value"]


@pytest.mark.parametrize("wanted", [[], ["500241H0000001-C1"] * 2, ["x"], [f"500241H{n:07}-C1" for n in range(501)]])
def test_none_too_many_or_twice_the_same_is_no_request(world: World, wanted: list[str]) -> None:
    with pytest.raises(BadValue):
        approve(world.person("county_lead"), [Wanted(number, 1) for number in wanted])


def test_of_one_household_one_case_a_transaction() -> None:
    found = list(several.batches(["500241H0000002-C1", "500241H0000001-C1", "500241H0000001-A1", "500230H0000001-C1"]))
    assert found == [
        ["500230H0000001-C1"],
        ["500241H0000001-A1", "500241H0000002-C1"],
        ["500241H0000001-C1"],
    ]
    many = list(several.batches(f"500241H{n:07}-C1" for n in range(450)))
    assert [len(batch) for batch in many] == [200, 200, 50]


def test_opposed_requests_never_wait_for_each_other(world: World) -> None:
    """Many at once, each in another order, beside single moves: each case moves once, nobody is stuck."""
    walkers = before_approval(world, range(1, 13))
    lead, wanted = world.person("county_lead"), seen(walkers)

    def together(turn: int) -> list[str]:
        order = wanted if turn % 2 else wanted[::-1]
        with world.app.app_context():
            return codes(approve(lead, order[turn:] + order[:turn]))

    def alone(turn: int) -> list[str]:
        with world.app.app_context():
            return codes(approve(lead, [wanted[turn]]))

    with ThreadPoolExecutor(16) as pool:
        found = [pool.submit(together, turn) for turn in range(8)] + [pool.submit(alone, turn) for turn in range(8)]
        answers = [code for one in found for code in one.result()]
    assert answers.count("done") == len(walkers)
    assert set(answers) == {"done", "stale"}
    for walker in walkers:
        walker.refresh()
