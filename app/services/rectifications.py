"""Open rectification items: where, until when, late or not, and who answers for each (整改台账)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.runtime import runtime
from app.services import lists
from app.services.lists import CaseLine, Found, case_of, following_key, house_of, page_of, paged, scope_of
from app.store import people
from app.store import rectifications as store
from app.store.lists import area_names
from app.store.transaction import reading
from workflows.clock import utc_text
from workflows.errors import BadValue
from workflows.model import LEVEL_DIGITS, ROLE_LEVELS, Actor

SHOWN = 3  # names of one office
MOST_ROWS = 5_000  # of a table


@dataclass(frozen=True)
class Asked:
    """What is wanted: an area (12 digits, or empty), a state (or empty), only what is late."""

    area: str = ""
    state: str = ""
    late: bool = False


@dataclass(frozen=True)
class Answerer:
    """Whom an item waits for: roles, the area (12 digits) of their office, and the names of up to three holders."""

    roles: Sequence[str]
    area: str
    names: Sequence[str]
    more: int = 0


@dataclass(frozen=True)
class Item:
    """An open item with its household and who answers for it now."""

    line: CaseLine
    answerer: Answerer


@dataclass(frozen=True)
class Township:
    """How many items are open in a township, and how many of them are late."""

    code: str
    name: str
    open: int
    late: int


@dataclass(frozen=True)
class Listed:
    """One page of the items, and the townships that have any."""

    found: Found[Item]
    townships: Sequence[Township]
    names: Mapping[str, str]


def listed(actor: Actor, asked: Asked, *, after: str = "", size: int = lists.SIZE) -> Listed:
    """Return open items that the person may see, soonest due first; raises BadValue. An auditor's look is noted."""
    if asked.area and (len(asked.area) != 12 or not asked.area.isdigit()):
        raise BadValue(field="area", value=asked.area)
    states = runtime().rules.definitions[store.DEFINITION].states
    if asked.state and asked.state not in states:
        raise BadValue(field="state", value=asked.state[:40])
    scope = scope_of(actor)
    with reading() as now:
        before = utc_text(now) if asked.late else ""
        rows, more = paged(store.rows(scope, asked.area, asked.state, before, page_of(after, size)), size)
        lines = [
            CaseLine(case_of(r.CaseRow), house_of(r.Household, r.village_name), r.CaseRow.due_at or "") for r in rows
        ]
        lists.load_texts(line.case for line in lines)
        following = following_key(more, rows[-1].due, rows[-1].CaseRow.number) if rows else ""
        townships = [
            Township(r.code, r.name or r.code, r.open, r.late) for r in store.by_township(scope, utc_text(now))
        ]
        offices = _Offices(now)
        items = [Item(line, offices.answerer(line)) for line in lines]
        names = area_names({one.answerer.area for one in items} | {line.house.township for line in lines})
    lists.note_look(actor, "rectifications", rows=len(items), township=asked.area, state=asked.state, late=asked.late)
    return Listed(Found(items, following, now), townships, names)


class _Offices:
    """Who holds the offices that items wait for; each role of a county is read once. A transaction is open."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._known: dict[tuple[str, str], Sequence[tuple[str, str]]] = {}

    def answerer(self, line: CaseLine) -> Answerer:
        case = line.case
        roles = runtime().rules.machine_of(case).definition.states[case.state].roles
        digits = max(LEVEL_DIGITS[ROLE_LEVELS[role]] for role in roles)
        area = line.house.area[:digits].ljust(12, "0")
        names = [name for role in roles for name, held in self._holders(role, case.county) if held == area]
        unique = list(dict.fromkeys(names))
        return Answerer(roles, area, unique[:SHOWN], max(0, len(unique) - SHOWN))

    def _holders(self, role: str, county: str) -> Sequence[tuple[str, str]]:
        if (role, county) not in self._known:
            found = people.holders_within(role, county, self._now)
            self._known[role, county] = [(row.name, row.area) for row in found]
        return self._known[role, county]
