"""Blank forms and leaflets of a place, and what a person may print at all."""

from collections.abc import Callable

from app.labels import Labels
from app.paper_list import Paper, papers
from app.runtime import runtime
from app.services import lists
from app.services.papers import conditions
from app.services.papers.case import field_values, limits_of
from app.services.papers.made import Made, ensure_may, made, may, paper_named, words_of
from app.store.transaction import reading
from workflows.clock import local_date
from workflows.errors import NotFound
from workflows.model import Actor

EMPTY_LISTS = ("members", "groups", "recipients", "photos", "support")


def printable(actor: Actor) -> list[Paper]:
    """Return the papers that a person may print, in the order of the catalogue."""
    return [paper for paper in papers().values() if may(actor, paper)]


def blank_of(actor: Actor, *, paper: str) -> Made:
    """Return a blank form, or a leaflet, of the person's own place; NotFound for a paper that is never blank."""
    row = paper_named(paper)
    ensure_may(actor, row)
    if not row.blank and row.of != "place":
        raise NotFound(paper=paper)
    area = next(office.area for office in actor.offices if office.role in row.roles)
    with reading() as now:
        pass
    words = words_of(area, now)
    compiled = runtime().rules.current(row.definition or "household_case", area, "", local_date(now))
    known: dict[str, Callable[[], object]] = {
        "limits": lambda: limits_of(compiled, words),
        "county": lambda: _county(area),
    }
    if "eliminate" in row.purposes:
        compiled = runtime().rules.current(row.definition, area, "eliminate", local_date(now))
        known["conditions"] = lambda: conditions.of_place(compiled, words)
    shown = {name: known[name]() if name in known else [] if name in EMPTY_LISTS else "" for name in row.shows}
    values = {**shown, "field": field_values(row, Labels(words, compiled), {}), "acts": {name: [] for name in row.acts}}
    office = lists.area_names([area]).get(area, "")
    return made(row, words, values, subject=area, now=now, office=office, blank=row.blank)


def _county(area: str) -> str:
    code = f"{area[:6]:0<12}"
    return lists.area_names([code]).get(code, "")
