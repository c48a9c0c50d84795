"""Duties: work with a limit that no timer runs yet; targets: figures that are counted and shown, and decide nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any, TypeVar

from workflows.clock import Duration, Recurring, parse_duration
from workflows.definition import Label
from workflows.model import ROLE_LEVELS
from workflows.tables import BadTable, dates_of, ensure_label
from workflows.terms import load_terms

BOUNDS = ("max", "min")
COUNTS = ("", "calendar_days", "working_days")
OFFICE = "office."
DUTY_KEYS = {
    "id", "label", "by", "who", "bound", "clause", "own", "from", "to", "for", "counted_from", "counts", "share",
}  # fmt: skip
TARGET_KEYS = {"id", "label", "value", "clause", "own", "from", "to"}


@dataclass(frozen=True)
class Duty:
    """Work that somebody has to do in time; ``by`` names roles and offices, ``who`` those who are neither.

    A duty of each period is due so many times, or on so many days where ``counts`` names their kind, or for a ``share``
    of the period; ``bound`` min says "at least". Any other begins as ``counted_from`` says.
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
        share=_text(row, "share", where),
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
    names = row.get("by", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadTable(f"{where}: by must be a list of roles and offices, not {names!r}")
    return tuple(names)


def _text(row: Mapping[str, Any], key: str, where: str) -> str:
    value = row.get(key, "")
    if not isinstance(value, str):
        raise BadTable(f"{where}: {key} must be a text, not {value!r}")
    return value


def _own(row: Mapping[str, Any], where: str) -> bool:
    value = row.get("own", False)
    if not isinstance(value, bool):
        raise BadTable(f"{where}: own must be true or false, not {value!r}")
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
