"""A sample of cases that an auditor draws by a seed, so that anybody can draw it again; the draw is written down."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app import sampling
from app.runtime import runtime
from app.services.boards import audited_counties
from app.services.lists import CaseLine, case_lines, note_look, scope_of
from app.store import audit_lists as store
from app.store.audit_lists import Population
from app.store.transaction import reading
from workflows.clock import local_midnight, utc_text
from workflows.errors import BadValue
from workflows.model import Actor

AREA_DIGITS = 12


@dataclass(frozen=True)
class Asked:
    """What a sample is drawn from. ``begins`` and ``ends`` are ISO days, both inside; empty texts ask for everything.

    With a gate: cases in which something was signed at that gate in this time; without: in which anything was done.
    """

    seed: str
    size: int = 20
    definition: str = "household_case"
    area: str = ""
    gate: str = ""
    begins: str = ""
    ends: str = ""


@dataclass(frozen=True)
class Drawn:
    """One case of a sample: its place from 1, its rank (64 hex digits), and the case."""

    place: int
    rank: str
    line: CaseLine


@dataclass(frozen=True)
class Sample:
    """A sample with all that drawing it again needs: what was asked, how many cases there were, their digest."""

    asked: Asked
    rows: Sequence[Drawn]
    population: int
    digest: str
    now: datetime


def draw(actor: Actor, asked: Asked) -> Sample:
    """Draw a sample from the auditor's counties; raises BadValue, or NotAllowed for others. The draw is noted."""
    counties = audited_counties(actor)
    wanted = population_of(asked)
    if not asked.area.startswith(tuple(counties)) and asked.area:
        raise BadValue(field="area", value=asked.area[:AREA_DIGITS])
    with reading() as now:
        numbers = store.population(scope_of(actor), wanted)
    chosen = sampling.drawn(asked.seed, asked.size, numbers)
    lines = case_lines(actor, [number for _, number in chosen])
    rows = [Drawn(place, rank, lines[n]) for place, (rank, n) in enumerate(chosen, 1) if n in lines]
    found = Sample(asked, rows, len(numbers), sampling.population_digest(numbers), now)
    note_look(actor, "sample", rows=len(rows), seed=asked.seed, population=found.population, digest=found.digest)
    return found


def population_of(asked: Asked) -> Population:
    """Return which cases a sample is drawn from; raise BadValue naming what is wrong."""
    if not sampling.is_seed(asked.seed):
        raise BadValue(field="seed", value=asked.seed[:20])
    if not 1 <= asked.size <= sampling.MOST:
        raise BadValue(field="size", value=str(asked.size)[:10])
    definition = runtime().rules.definitions.get(asked.definition)
    if definition is None:
        raise BadValue(field="definition", value=asked.definition[:40])
    if asked.gate and asked.gate not in definition.gates:
        raise BadValue(field="gate", value=asked.gate[:40])
    since, until = span_of(asked.begins, asked.ends)
    return Population(asked.definition, area_of(asked.area), asked.gate, since, until)


def area_of(code: str) -> str:
    """Return an area's code of 12 digits, or an empty text; raise BadValue for another text."""
    if not code:
        return ""
    if not (code.isascii() and code.isdigit() and 6 <= len(code) <= AREA_DIGITS):
        raise BadValue(field="area", value=code[:AREA_DIGITS])
    return code.ljust(AREA_DIGITS, "0")


def span_of(begins: str, ends: str) -> tuple[str, str]:
    """Return the UTC texts between which two days of China lie (the second exclusive), empty for none; or BadValue."""
    since = utc_text(local_midnight(_day(begins, "begins"))) if begins else ""
    until = utc_text(local_midnight(_day(ends, "ends") + timedelta(days=1))) if ends else ""
    if since and until and until <= since:
        raise BadValue(field="ends", value=ends)
    return since, until


def _day(text: str, field: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise BadValue(field=field, value=text[:10]) from error
    if not 1950 <= found.year <= 9000:
        raise BadValue(field=field, value=text[:10])
    return found
