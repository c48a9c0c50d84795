"""A simulated office as it is before and after a run: cases with their stops, visits, people, and what came of it.

Only values: days are ordinals (``date.toordinal``).
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

Roles = tuple[str, ...]
Ends = Callable[[str, "Item", int], int | None]  # last day of a timer that begins; None: no limit
Queue = tuple[str, Roles]


@dataclass(frozen=True)
class Task:
    """An act that a stop needs: who may do it, how many sign, and which periods end with it."""

    step: str
    roles: Roles
    signatures: int = 1
    ends: tuple[str, ...] = ()
    is_visit: bool = False


@dataclass(frozen=True)
class Stop:
    """A state in which a case waits for all tasks; ``waits`` names the minimum period before ``tasks[0]``.

    ``back`` is the stop to which a case may be returned from here, ``fails`` the one to which it goes when refused.
    """

    state: str
    tasks: tuple[Task, ...]
    begins: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    waits: str = ""
    back: int = -1
    fails: int = -1
    decides: bool = False
    last: bool = False


@dataclass(frozen=True)
class Route:
    """The way of a case through its stops; ``kind`` names what its timers and figures are counted under."""

    kind: str
    purpose: str
    stops: tuple[Stop, ...]


@dataclass
class Item:
    """A case in the run. ``rank`` is its age: the lower, the sooner it is served."""

    rank: tuple[int, int]
    place: str
    route: Route
    at: int = 0
    arrives: int = 0
    household: int = 0
    kind: str = ""
    status: str = ""
    due: dict[str, int] = field(default_factory=dict)
    done: tuple[str, ...] = ()
    refused: bool = False
    returned: bool = False
    was_refused: bool = False
    is_running: bool = False
    left: int = 0


@dataclass(frozen=True)
class Duty:
    """Visits of each period: which timer, how often in which period, by whom, in which place."""

    place: str
    timer: str
    every: str
    times: int
    roles: Roles


@dataclass(frozen=True)
class Release:
    """Visits that fall due: how many, from which day on, until which."""

    duty: Duty
    day: int
    due: int
    visits: int


@dataclass(frozen=True)
class Change:
    """From a day on a household has another duty than before."""

    day: int
    before: Duty
    after: Duty


@dataclass(frozen=True)
class Team:
    """The people of a role in a place: acts and visits that they manage together on a working day."""

    role: str
    place: str
    acts: int
    visits: int


@dataclass(frozen=True)
class Office:
    """All that stays the same in a run: days (start included, end excluded), working days, teams and periods.

    ``periods`` gives first and last days of the periods of a duty that begin inside the run.
    """

    start: int
    end: int
    working: Sequence[int]
    teams: Sequence[Team]
    ends: Ends
    periods: Callable[[str], Sequence[tuple[int, int]]]
    included: Callable[[Item], tuple[Item | None, Duty | None]] = lambda _: (None, None)
    stable: Callable[[Item, int], Change | None] = lambda _, __: None
    shared: Mapping[str, str] = field(default_factory=dict)  # where the people of a role are who serve all places

    def queue(self, place: str, roles: Roles) -> Queue:
        """The queue for some roles in a place: that of the county where its people serve all places."""
        return self.shared.get(roles[0], place) if roles else place, roles


@dataclass
class Outcome:
    """What came of a run, counted by month (``2026-11``) where a month is named."""

    arrived: int = 0
    finished: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    late_before: int = 0
    acts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    visits: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    broken: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    longest: dict[Queue, tuple[int, int]] = field(default_factory=dict)
    left: dict[Queue, int] = field(default_factory=dict)
    weeks: list[int] = field(default_factory=list)
    room: Counter[str] = field(default_factory=Counter)
    used: Counter[str] = field(default_factory=Counter)
    visits_asked: int = 0
    visits_made: int = 0
    visits_left: int = 0
    ended: dict[int, int] = field(default_factory=dict)  # day on which a household's case ended


@dataclass(frozen=True)
class Work:
    """All that is known at the start: cases that come, who has which duty of visits, and what changes by itself."""

    items: Sequence[Item] = ()
    duties: Mapping[Duty, int] = field(default_factory=dict)
    releases: Sequence[Release] = ()
    changes: Sequence[Change] = ()
