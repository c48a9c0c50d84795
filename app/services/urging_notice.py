"""The monthly urging notice (月度催办通报): what fell late in a month in a county or township, to be printed and sent.

Of people it holds no more than the number of the household; reasons are told of as given or not, never in words.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.services import late, lists
from app.services.late import Asked, LateLine
from app.store import late as store
from app.store import ledger
from app.store.transaction import reading, writing
from workflows.errors import BadValue, WrongOffice
from workflows.model import Actor, Office

URGERS = ("county_lead", "township_leader", "township_officer")
MOST = 1_000  # lines of the list on paper; the totals always count all


@dataclass(frozen=True)
class Notice:
    """What a notice says: totals by area and column (a gate, a kind of case, or "done"), and the periods themselves."""

    area: str
    name: str
    issuer: Office
    month: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[int]]]
    lines: Sequence[LateLine]
    total: int
    now: datetime

    @property
    def is_county(self) -> bool:
        """Tell whether it goes to a whole county."""
        return not self.area[6:].strip("0")


DONE = "done"


def areas(actor: Actor) -> list[tuple[str, str]]:
    """Return (code, name) of the counties and townships to which a person may address a notice."""
    offices = [o for o in actor.offices if o.role in URGERS]
    with reading():
        found = {o.area: o.name for o in offices}
        scope = lists.scope_of(actor)
        for office in offices:
            if office.level == "county":
                found |= {one.code: one.name for one in lists.areas_inside(scope, office.area)}
    return list(found.items())


def make(actor: Actor, *, area: str, month: str) -> Notice:
    """Return the notice of a month to a county or township; one line of the access ledger tells of it.

    Raises BadValue (area, month) or WrongOffice.
    """
    issuer = next((o for o in actor.offices if o.role in URGERS and o.covers(area)), None)
    if issuer is None:
        raise WrongOffice(roles=list(URGERS))
    if len(area) != 12 or area[9:] != "000":
        raise BadValue(field="notice_area", value=area[:12])
    if not late.is_month(month):
        raise BadValue(field="notice_month", value=month[:7])
    lines = late.everything(actor, Asked(area=area, month=month))
    with writing() as now:
        detail = {"month": month, "rows": len(lines)}
        ledger.append(area[:6], user=actor.id, kind="urging_print", subject=area, now=now, detail=detail)
    return _notice(issuer, area, month, lines, now)


def _notice(issuer: Office, area: str, month: str, lines: Sequence[LateLine], now: datetime) -> Notice:
    is_county = not area[6:].strip("0")
    counts = Counter((_place(line, is_county=is_county), _column(line)) for line in lines)
    places = sorted({place for place, _ in counts})
    columns = [c for c in (*late.all_columns(), DONE) if any(column == c for _, column in counts)]
    with reading():
        names = store.area_names([*places, area])
    rows = [(names.get(place, place), [counts[place, column] for column in columns]) for place in places]
    return Notice(area, names.get(area, area), issuer, month, columns, rows, lines[:MOST], len(lines), now)


def _place(line: LateLine, *, is_county: bool) -> str:
    return line.house.township if is_county else line.house.village


def _column(line: LateLine) -> str:
    """Where a period that still runs stands; what was done late stands by itself."""
    return DONE if line.ended else late.column_of(line.case)
