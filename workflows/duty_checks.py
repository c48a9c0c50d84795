"""Checks of what the ledger of duties asks of a pack's rows: for whom, by which acts, what begins them."""

from collections.abc import Iterable, Mapping

from workflows.definition import Definition
from workflows.duties import REPORT, SUBJECTS, WARNING, Duty, check_duty
from workflows.model import HOUSEHOLD_KINDS, ROLE_LEVELS
from workflows.policy import Pack
from workflows.tables import BadTable

# They look on: what they would report of themselves nobody could answer for.
REPORT_NOTHING = frozenset({"auditor", "admin", "system", "upper_level"})


def check_duty_row(row: Duty, pack: Pack, definitions: Mapping[str, Definition], where: str) -> None:
    """Check a row of ``[[duties]]`` with all that it names; raise BadTable."""
    check_duty(row, where)
    if row.is_run:
        where = f"{where}, duty {row.id}"
        _check_names(row, pack, definitions, where)
        _check_run(row, where)


def _check_names(row: Duty, pack: Pack, definitions: Mapping[str, Definition], where: str) -> None:
    states = definitions["monitor_status"].states if "monitor_status" in definitions else ()
    acts = {f"{d.id}.{a}" for d in definitions.values() for a in (*d.actions, *d.steps, *pack.steps)}
    _ensure_among([row.subject], SUBJECTS, where, "subject")
    _ensure_among(row.reported_by, ROLE_LEVELS, where, "reported_by")
    _ensure_among((name for one in row.households for name in one.statuses), states, where, "statuses")
    _ensure_among((name for one in row.households for name in one.kinds), HOUSEHOLD_KINDS, where, "kinds")
    _ensure_among(row.modes, _options(pack, definitions, "assist", "visit_mode"), where, "modes")
    _ensure_among(row.sources, _options(pack, definitions, "household_case", "clue_source"), where, "sources")
    _ensure_among(row.acts, {*acts, REPORT}, where, "acts")
    _ensure_among(row.events, {*acts, WARNING}, where, "events")


def _check_run(row: Duty, where: str) -> None:
    if row.subject != "household" and (row.households or row.acts != (REPORT,)):
        raise BadTable(f"{where}: only a duty for households says which, and is fulfilled by acts of their cases")
    if row.is_recurring == bool(row.events):
        raise BadTable(f"{where}: a duty of no period needs events, and no other has them")
    if WARNING in row.events and (len(row.events) > 1 or row.subject == "household"):
        raise BadTable(f"{where}: a warning is registered for an area, and nothing else begins the duty then")
    if row.sources and not row.events:
        raise BadTable(f"{where}: sources are those of the clue behind an event")
    idle = sorted(REPORT_NOTHING.intersection(row.reporters))
    if idle:
        raise BadTable(f"{where}: {', '.join(idle)} can report nothing; say who does in reported_by")


def _options(pack: Pack, definitions: Mapping[str, Definition], definition: str, field: str) -> tuple[str, ...]:
    """The values of a choice, those that the pack adds with them."""
    home = definitions.get(definition)
    own = home.fields[field].option_ids if home and field in home.fields else ()
    return (*own, *(option.id for option in pack.options.get(field, ())))


def _ensure_among(names: Iterable[str], known: Iterable[str], where: str, what: str) -> None:
    for name in names:
        if name not in known:
            raise BadTable(f"{where}: {what} {name!r} is not known; known are {', '.join(sorted(known))}")
