"""Duties: work that recurs or is due after an event; targets: figures that are shown and decide nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any, TypeVar

from workflows.clock import Duration, Recurring, Window, parse_duration
from workflows.definition import Label
from workflows.model import ROLE_LEVELS
from workflows.tables import BadTable, dates_of, ensure_label
from workflows.terms import load_terms

BOUNDS = ("max", "min")
COUNTS = ("", "calendar_days", "working_days")
OFFICE = "office."
LEAD_OFFICE = "office.lead"
SUBJECTS = ("household", "village", "township", "county")
REPORT = "report"
GONE = "closed_natural"  # a household that is no more comes under no duty
WARNING = "warning"  # an event that a person registers: a warning was received
DUTY_KEYS = {
    "id", "label", "by", "who", "bound", "clause", "own", "from", "to", "for", "counted_from", "counts", "share",
    "subject", "households", "acts", "modes", "reported_by", "events", "sources", "coverage",
}  # fmt: skip
# Who keeps the record for those who are neither role nor office: the office that leads at the subject's level.
KEEPERS = {
    "household": ("village_cadre",), "village": ("village_cadre",), "township": ("township_officer",),
    "county": ("county_lead",),
}  # fmt: skip
TARGET_KEYS = {"id", "label", "value", "clause", "own", "from", "to"}


@dataclass(frozen=True)
class Whom:
    """Households that stand in one of some states of monitoring and are of one of some kinds; empty: whichever."""

    statuses: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()

    def fits(self, status: str, kind: str) -> bool:
        """Tell whether a household in a state (``none`` where it was never watched) and of a kind is among them."""
        return (not self.statuses or status in self.statuses) and (not self.kinds or kind in self.kinds)


@dataclass(frozen=True)
class Duty:
    """Work that somebody has to do in time; ``by`` names roles and offices, ``who`` those who are neither.

    A duty of each period is due so many times, or on so many days where ``counts`` names their kind, or for a ``share``
    of the period; ``bound`` min says "at least". Any other begins as ``counted_from`` says.

    What a machine needs: ``subject`` (without it the row is only listed), ``households`` (any of them), ``acts`` that
    fulfil it (an action of a household's case, or a report), ``modes`` of visits and reports, ``reported_by`` (roles;
    for offices and others the role that keeps the record), ``events`` that begin a duty of no period (acts, or a
    warning that a person registers) with ``sources`` of the clue, ``coverage`` when it is told as so many of so many.
    """

    id: str
    label: Label
    by: tuple[str, ...]
    duration: Duration
    bound: str
    clause: str
    begins: date
    ends: date
    own: bool
    who: Label = field(default_factory=dict)
    whom: Label = field(default_factory=dict)
    counted_from: Label = field(default_factory=dict)
    counts: str = ""
    share: str = ""
    subject: str = ""
    households: tuple[Whom, ...] = ()
    acts: tuple[str, ...] = (REPORT,)
    modes: tuple[str, ...] = ()
    reported_by: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    coverage: bool = False

    @property
    def is_run(self) -> bool:
        """Tell whether the ledger of duties keeps it."""
        return bool(self.subject)

    @property
    def is_recurring(self) -> bool:
        """Tell whether it is due in each period or window of the calendar."""
        return isinstance(self.duration, Recurring | Window)

    @property
    def reporters(self) -> tuple[str, ...]:
        """Return the roles whose acts and reports fulfil it."""
        if self.reported_by:
            return self.reported_by
        offices = {"county_lead"} if self.by == (LEAD_OFFICE,) else {"county_lead", "sector_dept"}
        named = [role for name in self.by for role in (sorted(offices) if name.startswith(OFFICE) else [name])]
        return tuple(dict.fromkeys(named)) or KEEPERS[self.subject or "county"]

    def concerns(self, status: str, kind: str) -> bool:
        """Tell whether a household in a state of monitoring and of a kind comes under it."""
        if status == GONE:
            return False
        return not self.households or any(one.fits(status, kind) for one in self.households)


@dataclass(frozen=True)
class Target:
    """A figure to be reached. It is shown; no guard, condition or proof may read it."""

    id: str
    label: Label
    value: str | int | Label
    clause: str
    begins: date
    ends: date
    own: bool


Row = TypeVar("Row", Duty, Target)


def in_force(rows: Iterable[Row], on: date) -> list[Row]:
    """Return the rows that hold on a day, of each id the one with the latest ``from``, in the order of the pack."""
    found: dict[str, Row] = {}
    for row in rows:
        known = found.get(row.id)
        if row.begins <= on < row.ends and (known is None or known.begins <= row.begins):
            found[row.id] = row
    return list(found.values())


def read_duty(row: Mapping[str, Any]) -> Duty:
    """Read one row of ``[[duties]]``; raise BadTable."""
    where = f"duty {row['id']}"
    if row.get("bound") not in BOUNDS:
        raise BadTable(f"{where}: bound must be max or min")
    try:
        duration = parse_duration({key: value for key, value in row.items() if key not in DUTY_KEYS})
    except ValueError as error:
        raise BadTable(f"{where}: {error}") from error
    begins, ends = dates_of(row, where)
    return Duty(
        row["id"], _label(row, "label", where), _by(row, where), duration, row["bound"], _text(row, "clause", where),
        begins, ends, own=_own(row, where), who=_label(row, "who", where), whom=_label(row, "for", where),
        counted_from=_label(row, "counted_from", where), counts=_text(row, "counts", where),
        share=_text(row, "share", where), subject=_text(row, "subject", where),
        households=_households(row, where), acts=_names(row, "acts", where) or (REPORT,),
        modes=_names(row, "modes", where), reported_by=_names(row, "reported_by", where),
        events=_names(row, "events", where), sources=_names(row, "sources", where),
        coverage=_flag(row, "coverage", where),
    )  # fmt: skip


def read_target(row: Mapping[str, Any]) -> Target:
    """Read one row of ``[[targets]]``; raise BadTable."""
    where = f"target {row['id']}"
    for key in row.keys() - TARGET_KEYS:
        raise BadTable(f"{where}: unknown key {key!r}; known are {', '.join(sorted(TARGET_KEYS))}")
    value = _label(row, "value", where) if isinstance(row.get("value"), dict) else row.get("value")
    if type(value) not in (str, int, dict) or not value:
        raise BadTable(f"{where}: value {value!r} must be a text, a whole number or {{zh, en}}")
    begins, ends = dates_of(row, where)
    label, clause = _label(row, "label", where), _text(row, "clause", where)
    return Target(row["id"], label, value, clause, begins, ends, _own(row, where))


def _label(row: Mapping[str, Any], key: str, where: str) -> Label:
    """A text in both languages; only ``label`` itself must be there."""
    value = row.get(key, {})
    if not isinstance(value, dict) or value.keys() - {"zh", "en"}:
        raise BadTable(f"{where}: {key} needs zh and en")
    if value or key == "label":
        ensure_label(value, f"{where}, {key}")
    return value


def _by(row: Mapping[str, Any], where: str) -> tuple[str, ...]:
    return _names(row, "by", where, "roles and offices")


def _names(row: Mapping[str, Any], key: str, where: str, what: str = "names") -> tuple[str, ...]:
    names = row.get(key, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadTable(f"{where}: {key} must be a list of {what}, not {names!r}")
    return tuple(names)


def _households(row: Mapping[str, Any], where: str) -> tuple[Whom, ...]:
    rows = row.get("households", [])
    if not isinstance(rows, list) or not all(isinstance(one, dict) for one in rows):
        raise BadTable(f"{where}: households must be a list of tables, not {rows!r}")
    for one in rows:
        if not one or one.keys() - {"statuses", "kinds"}:
            raise BadTable(f"{where}: each of households has statuses, kinds or both, not {one!r}")
    inner = f"{where}, households"
    return tuple(Whom(_names(one, "statuses", inner), _names(one, "kinds", inner)) for one in rows)


def _text(row: Mapping[str, Any], key: str, where: str) -> str:
    value = row.get(key, "")
    if not isinstance(value, str):
        raise BadTable(f"{where}: {key} must be a text, not {value!r}")
    return value


def _own(row: Mapping[str, Any], where: str) -> bool:
    return _flag(row, "own", where)


def _flag(row: Mapping[str, Any], key: str, where: str) -> bool:
    value = row.get(key, False)
    if not isinstance(value, bool):
        raise BadTable(f"{where}: {key} must be true or false, not {value!r}")
    return value


def check_duty(row: Duty, where: str) -> None:
    """Check that whom a duty names exists, and that days and shares are those of a period; raise BadTable."""
    where = f"{where}, duty {row.id}"
    if not row.by and not row.who:
        raise BadTable(f"{where}: by names nobody; name a role or an office, or say who")
    offices = [key for key in load_terms() if key.startswith(OFFICE)]
    for name in row.by:
        what, known = ("office", offices) if name.startswith(OFFICE) else ("role", list(ROLE_LEVELS))
        if name not in known:
            raise BadTable(f"{where}, by: {what} {name!r} is not known; known are {', '.join(sorted(known))}")
    if row.counts not in COUNTS:
        raise BadTable(f"{where}: counts {row.counts!r} must be {' or '.join(COUNTS[1:])}")
    if (row.counts or row.share) and not isinstance(row.duration, Recurring):
        raise BadTable(f"{where}: only a duty of each period has counts or share")
    if row.counts and row.share:
        raise BadTable(f"{where}: counts or share, not both")
    if row.share and not _is_share(row.share):
        raise BadTable(f'{where}: share {row.share!r} must be a part such as "2/3"')


def _is_share(text: str) -> bool:
    try:
        return 0 < Fraction(text) <= 1
    except (ValueError, ZeroDivisionError):
        return False
