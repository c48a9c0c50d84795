"""Many hands at once: one move, clean answers for all the others, on both engines."""

import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from app.services import cases
from app.store import cases as store
from app.store.transaction import reading
from tests.factories import VALUES
from tests.world import StoredWalker, World
from workflows.errors import Refused
from workflows.model import Actor, Evidence

CLERKS = 200
THREADS = 24


def at_once(world: World, work: list[Callable[[], str]]) -> Counter[str]:
    """Run all jobs on many threads, each with its own connection; count the answers."""

    def run(job: Callable[[], str]) -> str:
        with world.app.app_context():
            try:
                return job()
            except Refused as refusal:
                return refusal.code

    with ThreadPoolExecutor(THREADS) as pool:
        return Counter(pool.map(run, work))


def approval(walker: StoredWalker, who: Actor, *, key: str = "", version: int | None = None) -> Callable[[], str]:
    """One click on the county's approval."""

    def job() -> str:
        done = cases.act(
            who,
            case=walker.case.number,
            action="county_approve",
            data={"opinion": VALUES["opinion"]},
            key=key or uuid.uuid4().hex,
            version=version,
        )
        return "repeated" if done.repeated else "moved"

    return job


def entries_at(world: World, case: str) -> int:
    with world.app.app_context(), reading():
        return sum(e.body["action"] == "county_approve" for e in store.entries_of(case[:6], case))


def race_of_approvals(world: World, clerks: int) -> Counter[str]:
    """Same page, same person, many clicks with keys of their own; afterwards the rows equal their replay."""
    walker = world.walker()
    walker.clue().walk("county_review")
    lead, seen = world.person("county_lead"), walker.case.seq
    answers = at_once(world, [approval(walker, lead, version=seen) for _ in range(clerks)])
    assert entries_at(world, walker.case.number) == 1
    walker.refresh()
    return answers


def test_two_hundred_identical_approvals_make_one_move(world: World) -> None:
    """One move and 199 clean refusals."""
    assert race_of_approvals(world, CLERKS) == {"moved": 1, "stale": CLERKS - 1}


def test_two_hundred_times_the_same_click_gets_one_move_and_the_same_answer(world: World) -> None:
    """One key: whoever comes later is told what the first one did."""
    walker = world.walker()
    walker.clue().walk("county_review")
    lead = world.person("county_lead")
    answers = at_once(world, [approval(walker, lead, key="click") for _ in range(CLERKS)])
    assert answers == {"moved": 1, "repeated": CLERKS - 1}
    walker.refresh()


def test_separate_hands_hold_under_races(world: World) -> None:
    """One person with two offices tries both gates at the same time, again and again: never both."""
    for serial in range(1, 9):
        walker = world.walker(serial)
        walker.clue().walk("township_audit")
        officer = world.person("township_officer")
        both = Actor(officer.id, officer.name, officer.person, (*officer.offices, *world.person("county_lead").offices))
        handed = walker.files(both, ["audit_sheet"])

        def audit(walker: StoredWalker = walker, both: Actor = both, handed: list[Evidence] = handed) -> str:
            data = {"sample_checked": True, "opinion": "同意"}
            cases.act(
                both, case=walker.case.number, action="township_audit", data=data, evidence=handed, key=uuid.uuid4().hex
            )
            return "audited"

        answers = at_once(world, [audit, approval(walker, both)] * 6)
        assert answers["audited"] == 1
        assert answers["moved"] == 0
        walker.refresh()


def test_parallel_clues_open_one_case(world: World) -> None:
    """Many people report the same household at the same moment."""
    number = world.household()
    reporters = [world.person(role) for role in ("grid_member", "village_cadre", "resident_team", "township_officer")]

    def clue(who: Actor) -> Callable[[], str]:
        data = {"clue_source": "self_report", "clue_note": "因病"}
        return lambda: (
            cases.register_clue(who, household=number, purpose="include", data=data, key=uuid.uuid4().hex).case
        )

    answers = at_once(world, [clue(who) for who in reporters * 12])
    assert answers == {f"{number}-C1": 1, "already_open": 47}
