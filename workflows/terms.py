"""The words of the policy, once: English key, Chinese and English label, by date and place."""

import functools
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from workflows.model import area_root

LANGUAGES = ("zh", "en")
TERMS_FILE = Path(__file__).with_name("terms.toml")
FORMAT = "fp-terms-v1"
ROW_KEYS = {*LANGUAGES, "from", "to", "area", "clause", "own"}
REFERENCE = re.compile(r"\{@([a-z0-9_.]+)\}")
LATEST = date.max.replace(day=30)  # a day on which every open end still holds
MOST_KEPT = 50_000  # labels kept at a time
DEEPEST, MOST_REFERENCES, LONGEST = 2, 8, 2_000  # of references within references, in one wording, and characters


@dataclass(frozen=True)
class Variant:
    """One wording of a term: labels, the dates between which it holds (end exclusive) and the area it holds for.

    A pack's wording names its clause, or says openly that it is our own.
    """

    labels: Mapping[str, str]
    begins: date = date.min
    ends: date = date.max
    area: str = ""
    clause: str = ""
    own: bool = False

    def holds(self, on: date, area: str) -> bool:
        """Tell whether this wording holds on a day in an area (an area holds for all areas inside it)."""
        return self.begins <= on < self.ends and area.startswith(self.area)


Wordings = Mapping[str, tuple[Variant, ...]]


class Terms:
    """Words by key, day and place: the wordings of a pack first, where it has any, then those of the catalogue.

    Of each, the smallest place that fits wins, then the latest day of beginning. A wording may name another term as
    ``{@household.monitored}``, which is then looked up for the same day and place.
    """

    def __init__(self, variants: Wordings, *, own: Wordings | None = None) -> None:
        self._variants = variants
        self._own = own or {}
        self._found: dict[tuple[str, str, date, str], str] = {}
        self._called: dict[str, set[str]] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._variants or key in self._own

    def __iter__(self) -> Iterator[str]:
        return iter({**self._variants, **self._own})

    def variants(self, key: str) -> tuple[Variant, ...]:
        """All wordings of a key, a pack's before the catalogue's."""
        return (*self._own.get(key, ()), *self._variants.get(key, ()))

    def wording(self, key: str, *, on: date | None = None, area: str = "") -> Variant | None:
        """Return the wording that holds on a day (none given: the latest of all) in an area, None where none does."""
        day = on or LATEST
        for layer in (self._own, self._variants):
            fitting = [one for one in layer.get(key, ()) if one.holds(day, area)]
            if fitting:
                return max(fitting, key=lambda one: (len(one.area), one.begins))
        return None

    def text(
        self,
        key: str,
        lang: str = "zh",
        /,
        *,
        on: date | None = None,
        area: str = "",
        **params: object,
    ) -> str:
        """Return the label for ``key``; raise KeyError when nobody has one, so that a gap is found by tests."""
        label = self.find(key, lang, on=on, area=area)
        if label is None:
            raise KeyError(key)
        return label.format_map(params) if params else label

    def find(self, key: str, lang: str = "zh", *, on: date | None = None, area: str = "", depth: int = 0) -> str | None:
        """Return the label for ``key``, None where neither pack nor catalogue has one that holds."""
        asked = (key, lang, on or LATEST, area)
        known = self._found.get(asked)
        if known is not None:
            return known
        best = self.wording(key, on=on, area=area)
        if best is None:
            return None
        label = best.labels[lang]
        said = self._referred(label, lang, on=on, area=area, depth=depth) if "{@" in label else label
        if depth == 0:
            if len(self._found) >= MOST_KEPT:
                self._found.clear()
            self._found[asked] = said
        return said

    def named(
        self, key: str, label: Mapping[str, str] | None, lang: str, *, on: date | None = None, area: str = ""
    ) -> str | None:
        """Return what a label of a definition or pack is called on the day in an area.

        A pack's wording always counts; the catalogue's only where the label itself is one of its wordings, so that
        what the author of a definition calls differently stays as it stands.
        """
        own = label.get(lang) if label else None
        if key not in self:
            return own
        is_packs = any(one.holds(on or LATEST, area) for one in self._own.get(key, ()))
        if label and not is_packs and label.get("zh") not in self._wordings_of(key):
            return own
        return self.find(key, lang, on=on, area=area) or own

    def _wordings_of(self, key: str) -> set[str]:
        if key not in self._called:
            self._called[key] = Terms(self._variants).texts(key, "zh")
        return self._called[key]

    def _referred(self, label: str, lang: str, *, on: date | None, area: str, depth: int) -> str:
        """Put in the terms that a wording names. A stranger's trail brings its own pack: it may not make words without
        end, so what goes too deep stands as it is."""
        if depth >= DEEPEST or len(label) > LONGEST:
            return label

        def told(found: re.Match[str]) -> str:
            return self.find(found[1], lang, on=on, area=area, depth=depth + 1) or found[0]

        return REFERENCE.sub(told, label, count=MOST_REFERENCES)

    def texts(self, key: str, lang: str) -> set[str]:
        """Return all that a key was ever called, in whichever place that has words of its own."""
        named = {name for one in self.variants(key) for name in REFERENCE.findall(one.labels[lang])}
        rows = [one for name in (key, *sorted(named)) for one in self.variants(name)]
        places = {row.area for row in rows} | {""}
        days = {row.begins for row in rows} | {LATEST}
        return {text for day in days for area in places if (text := self.find(key, lang, on=day, area=area))}

    def merged(self, additions: Wordings) -> "Terms":
        """Return a catalogue in which each added variant stands beside (and wins over) the old ones of its key."""
        joined = {key: (*value, *self._variants.get(key, ())) for key, value in additions.items()}
        return Terms({**self._variants, **joined}, own=self._own)

    def under(self, own: Wordings) -> "Terms":
        """Return the words under a pack: its own wordings, each on its days, before the catalogue's."""
        return Terms(self._variants, own=own) if own else self


def parse_variant(table: Mapping[str, Any]) -> Variant:
    """Read one wording from a TOML table with zh, en and optional from, to (ISO dates), area, clause, own."""
    missing = [lang for lang in LANGUAGES if not table.get(lang)]
    if missing:
        raise ValueError(f"term without {', '.join(missing)}: {dict(table)}")
    return Variant(
        labels={lang: str(table[lang]) for lang in LANGUAGES},
        begins=_date(table.get("from"), date.min),
        ends=_date(table.get("to"), date.max),
        area=area_root(str(table.get("area", ""))),
        clause=str(table.get("clause", "")),
        own=bool(table.get("own")),
    )


def _date(value: object, default: date) -> date:
    return date.fromisoformat(str(value)) if value else default


def faults_of(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what is wrong with the wordings of one key as a file holds them.

    Two wordings for one place may not hold on the same day; an open end gives way to a later ``from``.
    """
    faults = [fault for row in rows for fault in _faults(row)]
    return faults or list(_overlaps(rows))


def _faults(row: Mapping[str, Any]) -> Iterator[str]:
    said = str(row.get("zh") or row.get("en") or "")
    for key in sorted(row.keys() - ROW_KEYS):
        yield f"unknown key {key!r} in {said!r}; known are {', '.join(sorted(ROW_KEYS))}"
    for lang in LANGUAGES:
        if not row.get(lang) or not isinstance(row[lang], str):
            yield f"{lang} is missing in {said!r}"
    if not re.fullmatch(r"([0-9]{6}|[0-9]{9}|[0-9]{12})?", str(row.get("area", ""))):
        yield f"area {row['area']!r} must be a code of 6, 9 or 12 digits"
    days = [key for key in ("from", "to") if key in row and not _is_day(row[key])]
    for key in days:
        yield f"{key} {row[key]!r} in {said!r} is no day like 2026-01-31"
    if not days and "from" in row and "to" in row and str(row["from"]) >= str(row["to"]):
        yield f"from {row['from']} must lie before to {row['to']} in {said!r}"


def _is_day(value: object) -> bool:
    try:
        return bool(date.fromisoformat(str(value)))
    except ValueError:
        return False


def _overlaps(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    places = {area_root(str(row.get("area", ""))) for row in rows}
    for place in sorted(places):
        here = [row for row in rows if area_root(str(row.get("area", ""))) == place]
        ordered = sorted(here, key=lambda row: str(row.get("from", "")))
        for one, other in pairwise(ordered):
            begins, end = str(other.get("from", "")), str(one.get("to", ""))
            if begins == str(one.get("from", "")) or begins < end:
                yield f"{one['zh']!r} and {other['zh']!r} both hold on {begins or 'every day'}"


def parse_terms(tables: Mapping[str, Any]) -> dict[str, tuple[Variant, ...]]:
    """Flatten nested TOML tables into dotted keys; a table with ``zh`` is a term, a list its variants.

    Raises ValueError with every mistake, one a line, each with its key.
    """
    rows = dict(_flat(tables, ""))
    faults = [f"term {key}: {fault}" for key, found in rows.items() for fault in faults_of(found)]
    if faults:
        raise ValueError("\n".join(faults))
    return {key: tuple(parse_variant(row) for row in found) for key, found in rows.items()}


def _flat(tables: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    for name, value in tables.items():
        if isinstance(value, list):
            yield f"{prefix}{name}", value
        elif value.keys() & ROW_KEYS and not any(isinstance(item, dict) for item in value.values()):
            yield f"{prefix}{name}", [value]
        else:
            yield from _flat(value, f"{prefix}{name}.")


@functools.cache
def load_terms(path: Path = TERMS_FILE) -> Terms:
    """Load a catalogue file once; raise ValueError naming file, line and key of each mistake."""
    text = path.read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    if tables.pop("format", None) != FORMAT:
        raise ValueError(f"{path}: format must be {FORMAT}")
    try:
        return Terms(parse_terms(tables))
    except ValueError as error:
        said = (f"{path.name}: {_line_of(text, fault)}{fault}" for fault in str(error).splitlines())
        raise ValueError("\n".join(said)) from error


def _line_of(text: str, fault: str) -> str:
    """Return "line 12: " for the term that a mistake names: the last part of its key below the table of the first."""
    table, _, name = fault.removeprefix("term ").partition(":")[0].rpartition(".")
    start = text.find(f"[{table}]") if table else 0
    found = re.compile(f"(?m)^{re.escape(name)} *=").search(text, max(start, 0))
    return f"line {text.count(chr(10), 0, found.start()) + 1}: " if found else ""
