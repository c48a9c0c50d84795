"""Limits: how long a timer runs, and for whom. Of the rows that fit a household the most specific one counts."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import combinations

from workflows.clock import Duration

# The keys of a row by which it holds for some cases only, and the fact that each is compared with.
SELECTORS = {"purposes": "purpose", "kinds": "kind", "statuses": "status", "sources": "source"}


@dataclass(frozen=True)
class Facts:
    """What a limit may depend on: purpose of the case, kind and status of the household, source of the clue.

    A fact that nobody knows is empty: rows that ask for it do not fit then.
    """

    purpose: str = ""
    kind: str = ""
    status: str = ""
    source: str = ""


@dataclass(frozen=True)
class Limit:
    """How long a timer runs, from a date on; ``own`` marks a default of ours that no source states.

    ``warn`` are percents at which its owner is reminded instead of at the early steps of the pack's ladder.
    The selectors (``purposes`` … ``sources``) are empty where the row holds for all. ``roles`` and ``modes`` say whose
    visit and in which way satisfies a duty of each period; empty: the pack's ``visit_roles`` and ``visit_modes``.
    """

    timer: str
    duration: Duration
    bound: str
    clause: str
    begins: date
    ends: date
    own: bool
    warn: tuple[int, ...] | None
    purposes: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()

    @property
    def selectors(self) -> Mapping[str, tuple[str, ...]]:
        """The selectors that are set."""
        return {key: getattr(self, key) for key in SELECTORS if getattr(self, key)}

    def fits(self, on: date, facts: Facts) -> bool:
        """Tell whether this row holds on a day for these facts."""
        known = self.begins <= on < self.ends
        return known and all(getattr(facts, SELECTORS[key]) in values for key, values in self.selectors.items())


def most_specific(rows: Iterable[Limit], on: date, facts: Facts) -> Limit | None:
    """Return the row that counts: the one with the most selectors, of equals the latest ``from``; or None."""
    fitting = [row for row in rows if row.fits(on, facts)]
    return max(fitting, key=lambda row: (len(row.selectors), row.begins), default=None)


def since(day: date) -> str:
    """Say from when rows clash: on a day, or always where neither names one."""
    return "always: give one of them from or to" if day == date.min else f"on {day}"


def clashes(rows: Collection[Limit]) -> Iterator[str]:
    """Say which rows of one timer leave open which of them counts: the same validity, or neither more specific."""
    for one, other in combinations(sorted(rows, key=lambda row: row.begins), 2):
        if one.ends <= other.begins or len(one.selectors) != len(other.selectors) or not _meet(one, other):
            continue
        if one.selectors != other.selectors:
            yield f"rows for {_said(one)} and for {_said(other)} may both hold and neither is more specific"
        elif one.begins == other.begins or one.ends != date.max:
            yield f"two rows hold {since(max(other.begins, one.begins))}"


def _meet(one: Limit, other: Limit) -> bool:
    """Tell whether some household fits both rows."""
    mine, theirs = one.selectors, other.selectors
    return all(set(mine[key]) & set(theirs[key]) for key in mine.keys() & theirs.keys())


def _said(row: Limit) -> str:
    return ", ".join(f"{key} {'/'.join(values)}" for key, values in row.selectors.items())
