"""The discrete-event run by itself: days counted by hand, nothing lost, more people never slower, the same again."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from app.services.simulation.engine import run
from app.services.simulation.office import Change, Duty, Item, Office, Outcome, Release, Route, Stop, Task, Team, Work

MONDAY = 738_521  # 2023-01-02
DAYS = 60
PLACE = "500241001000"
LIMITS = {"whole": 15, "notice": 5, "audit": 2}
ROUTE = Route(
    "gates",
    "include",
    (
        Stop("verifying", (Task("verify", ("village",), 2, is_visit=True),), begins=("whole",), fails=4),
        Stop(
            "publicizing", (Task("close", ("team",)), Task("compare", ("county",))), begins=("notice",), waits="notice"
        ),
        Stop("audit", (Task("audit", ("township",)),), begins=("audit",), ends=("audit",), back=1),
        Stop("approving", (Task("approve", ("lead",), ends=("whole",)),), decides=True, last=True),
        Stop("refused", (Task("tell", ("clerk",)),), last=True),
    ),
)
ROLES = ("village", "team", "county", "township", "lead", "clerk")
VISIT = Duty(PLACE, "help.visit", "month", 1, ("village",))


def ends(timer: str, _: Item, day: int) -> int | None:
    """Calendar days."""
    return day + LIMITS[timer] if timer in LIMITS else None


def office(**people: int) -> Office:
    """An office that works from Monday to Friday, with one person of each role unless told otherwise."""
    teams = [Team(role, PLACE, people.get(role, 1), people.get("visits", 0)) for role in ROLES]
    working = [MONDAY + n for n in range(DAYS) if n % 7 < 5]
    return Office(MONDAY, MONDAY + DAYS, working, teams, ends, lambda _: [(MONDAY + 30, MONDAY + 40)])


def item(number: int, day: int = 0, *, refused: bool = False, returned: bool = False) -> Item:
    """A case that comes on a day."""
    rank = (MONDAY + day, number)
    return Item(rank, PLACE, ROUTE, arrives=rank[0], household=number, refused=refused, returned=returned)


def test_one_case_day_by_day() -> None:
    found = run(office(), Work([item(1)]))
    # Verified on Monday; the notice hangs from Tuesday, five days to Sunday, and is closed on Monday; audited on
    # Tuesday, approved on Wednesday.
    assert found.ended == {1: MONDAY + 9}
    assert found.finished == {"include": 1}
    assert found.acts["village"].total() == 2
    assert found.visits["village"].total() == 1
    assert not found.broken
    assert found.waiting == 0


def test_a_queue_breaks_limits_and_is_told() -> None:
    found = run(office(), Work([item(n) for n in range(20)]))
    assert found.finished["include"] == 20
    assert found.broken["gates.whole"].total() == 15  # one a working day: those after the fifth are too late
    assert found.longest[PLACE, ("village",)][0] == 19
    assert found.broken["gates.whole"].keys() == {"2023-01"}


def test_refused_and_returned_cases_come_to_their_end() -> None:
    found = run(office(), Work([item(1, refused=True), item(2, day=1, returned=True)]))
    assert found.finished == {"refused": 1, "include": 1}
    assert found.acts["clerk"].total() == 1
    assert found.acts["township"].total() == 2
    assert found.ended[2] > MONDAY + 16  # the notice hung twice


def test_visits_are_asked_made_and_missed() -> None:
    releases = [Release(VISIT, MONDAY, MONDAY + 4, 30)]
    found = run(
        office(visits=3), Work((), {VISIT: 10}, releases, [Change(MONDAY + 20, VISIT, replace(VISIT, times=2))])
    )
    assert found.visits_asked == 30 + 9 * 1 + 1 * 2
    assert found.visits_made == found.visits_asked
    assert found.broken["help.visit"].total() == 15  # three a day, so fifteen of the first thirty in the first week


ARRIVALS = st.lists(st.tuples(st.integers(0, 40), st.booleans(), st.booleans()), min_size=1, max_size=30)
PEOPLE = st.fixed_dictionaries(dict.fromkeys(ROLES, st.integers(0, 4)))


def outcome(arrivals: Sequence[tuple[int, bool, bool]], people: dict[str, int], *, returns: bool = True) -> Outcome:
    """Run some arrivals past some people."""
    items = [item(n, d, refused=r, returned=b and returns) for n, (d, r, b) in enumerate(arrivals)]
    return run(office(**people, visits=1), Work(items, {VISIT: 5}))


@given(ARRIVALS, PEOPLE)
def test_no_case_is_lost_and_the_same_comes_again(
    arrivals: list[tuple[int, bool, bool]], people: dict[str, int]
) -> None:
    found = outcome(arrivals, people)
    assert found.arrived == len(arrivals) == found.finished.total() + found.waiting
    assert found.visits_asked == found.visits_made + found.visits_left
    assert found.used.total() <= found.room.total() + len(arrivals)
    assert found == outcome(arrivals, people)


@given(ARRIVALS, PEOPLE, st.sampled_from(ROLES), st.integers(1, 3))
def test_more_people_never_make_a_case_later_nor_break_more_of_the_whole(
    arrivals: list[tuple[int, bool, bool]], people: dict[str, int], role: str, more: int
) -> None:
    """With equal draws, oldest first, and each role at one stop: where people serve two stops, haste at one may cost

    at the other, and a limit that begins with a step may be broken because the steps before it became quicker.
    """
    few = outcome(arrivals, people, returns=False)
    many = outcome(arrivals, {**people, role: people[role] + more}, returns=False)
    assert many.broken["gates.whole"].total() <= few.broken["gates.whole"].total()
    assert many.waiting <= few.waiting
    for number, day in few.ended.items():
        assert many.ended[number] <= day
