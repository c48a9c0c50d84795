"""The catalogue of papers (templates/papers/papers.toml): what each is made of, who may print it, what it may show."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from app.services.rights import SEES_HOUSEHOLDS
from templates import PATH as TEMPLATES

FILE = TEMPLATES / "papers" / "papers.toml"
OF = ("case", "village", "township", "county", "place", "archive")
KINDS = ("official", "form", "leaflet", "public")
# All that a paper which is hung up may show. Never more: no identity, telephone or bank number, no health, no kind of
# risk, no member but the head, so that no child's name can stand there (domain notes, section 9).
PUBLIC_SHOWS = frozenset({"village", "committee", "township", "county", "groups"})
PUBLIC_COLUMNS = frozenset({"head", "village", "township", "group", "members", "category", "begins", "ends"})
# The periods of which papers tell the household.
TIMERS = ("id_total", "verify", "publicity_min", "refusal_notice", "appeal_window", "appeal_check")
# What every paper is given, beside what its row names.
ALWAYS = frozenset({"kind", "title", "blank", "office", "docnumber", "year", "day", "words", "check"})


class BadCatalogue(ValueError):
    """A row of the catalogue is wrong; the text names it and says what is needed."""


class NotOnList(LookupError):
    """A value that the paper's row does not name was about to reach its template."""


@dataclass(frozen=True)
class Paper:
    """One row; see the head of the file for what each field says."""

    id: str
    of: str
    kind: str
    roles: tuple[str, ...]
    source: str = ""
    definition: str = ""
    purposes: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    blank: bool = False
    shows: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    acts: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    photos: tuple[str, ...] = ()

    @property
    def is_public(self) -> bool:
        """Tell whether it is hung up for everybody to read."""
        return self.kind == "public"


NAMES = {field.name for field in fields(Paper)} - {"id"}


@cache
def papers() -> Mapping[str, Paper]:
    """Return the papers by id, in the order of the file; raise BadCatalogue."""
    return read(tomllib.loads(FILE.read_text(encoding="utf-8")))


def read(table: Mapping[str, Any]) -> Mapping[str, Paper]:
    """Return the papers of a parsed catalogue; raise BadCatalogue."""
    if table.get("format") != "fp-papers-v1":
        raise BadCatalogue("format: must be fp-papers-v1")
    return {name: _paper(name, row) for name, row in table["papers"].items()}


def _paper(name: str, row: Mapping[str, Any]) -> Paper:
    unknown = sorted(set(row) - NAMES)
    if unknown:
        raise BadCatalogue(f"{name}: there is no {unknown[0]}")
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    paper = Paper(id=name, **values)
    _ensure_known(paper, "of", [paper.of], OF)
    _ensure_known(paper, "kind", [paper.kind], KINDS)
    _ensure_known(paper, "roles", paper.roles, SEES_HOUSEHOLDS)
    if paper.is_public:
        _ensure_known(paper, "shows", paper.shows, PUBLIC_SHOWS)
        _ensure_known(paper, "columns", paper.columns, PUBLIC_COLUMNS)
        _ensure_known(paper, "fields", [*paper.fields, *paper.acts], ())
    return paper


def _ensure_known(paper: Paper, what: str, given: Any, known: Any) -> None:
    strange = [name for name in given if name not in known]
    if strange:
        raise BadCatalogue(f"{paper.id}: {what}: {strange[0]} is not among {', '.join(sorted(known)) or 'none'}")


def only(paper: Paper, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values unchanged; raise NotOnList when one of them is not named by the paper's row.

    The one place through which everything passes that reaches a template, filled or blank, of ours or a county's.
    """
    _ensure_listed(paper, values, ALWAYS | set(paper.shows) | {"field", "acts"})
    _ensure_listed(paper, values.get("field", {}), set(paper.fields))
    _ensure_listed(paper, values.get("acts", {}), set(paper.acts))
    for act in (act for acts in values.get("acts", {}).values() for act in acts):
        _ensure_listed(paper, act["value"], set(paper.fields))
    for group in values.get("groups", ()):
        _ensure_listed(paper, group, {"purpose", "rows"})
        for row in group["rows"]:
            _ensure_listed(paper, row, set(paper.columns))
    return dict(values)


def _ensure_listed(paper: Paper, values: Mapping[str, Any], allowed: Any) -> None:
    for name in values:
        if name not in allowed:
            raise NotOnList(f"{paper.id}: {name} is not on its list")
