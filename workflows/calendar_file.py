"""Files of the format fp-calendar-v1: calendars, notices of one year, amendments and a county's own closing days."""

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

FORMAT = "fp-calendar-v1"
FESTIVALS = Path(__file__).parent / "policies" / "calendars" / "festivals.toml"
Kind = Literal["notice", "amendment", "closing"]
Words = Mapping[str, str]

_SATURDAY = 5
_LONGEST_STRETCH = 60  # days; longer is a slip of the pen
_LONGEST_TEXT = 200
_RANGE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.\.(\d{4}-\d{2}-\d{2}))?")
_KEYS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "calendar": (frozenset({"version", "years"}), frozenset({"names", "changes"})),
    "notice": (frozenset({"year", "title", "number", "date", "days"}), frozenset({"names"})),
    "amendment": (frozenset({"title", "number", "date", "days"}), frozenset({"names", "area"})),
    "closing": (frozenset({"area", "title", "number", "date", "reason", "days"}), frozenset()),
    "year": (frozenset({"year", "days"}), frozenset({"title", "number", "date"})),
}
_ROW_KEYS = {"name", "zh", "en", "off", "worked", "plain"}


@dataclass(frozen=True)
class Fault:
    """One mistake: where it stands (line 0: unknown), a stable code and what it is about (words in terms)."""

    where: str
    code: str
    value: str = ""
    line: int = 0
    more: str = ""

    def __str__(self) -> str:
        said = " ".join(part for part in (self.code.replace("_", " "), self.value, self.more) if part)
        place = f"line {self.line}: " if self.line else ""
        return f"{place}{self.where}: {said}"


class BadCalendar(ValueError):
    """A calendar file holds mistakes; `faults` names each, `file` where it was read from."""

    def __init__(self, faults: Sequence[Fault], file: str = "") -> None:
        self.faults, self.file = tuple(faults), file
        lead = f"{file}: " if file else ""
        super().__init__("\n".join(f"{lead}{fault}" for fault in self.faults))


@dataclass(frozen=True)
class Stretch:
    """A festival or another reason with its days: off, worked on a weekend day (调休), or as the weekday says again."""

    names: tuple[str, ...]
    words: Words = field(hash=False)
    off: tuple[date, ...] = ()
    worked: tuple[date, ...] = ()
    plain: tuple[date, ...] = ()

    @property
    def all_days(self) -> tuple[date, ...]:
        """Every day that it names."""
        return (*self.off, *self.worked, *self.plain)

    def as_table(self) -> dict[str, Any]:
        """Return the row as the format has it; stretches of days are written short."""
        named: dict[str, Any] = {"name": "+".join(self.names)} if self.names else dict(self.words)
        days = {"off": ranges(self.off), "worked": ranges(self.worked), "plain": ranges(self.plain)}
        return {**named, **{key: texts for key, texts in days.items() if texts}}


@dataclass(frozen=True)
class Document:
    """What one document of an authority says: a notice of a year, an amendment, or a county's own closing days.

    `area` are the leading digits of the place it is for, empty for the nation; `year` is 0 but for a notice.
    """

    kind: Kind
    days: tuple[Stretch, ...]
    year: int = 0
    area: str = ""
    title: str = ""
    number: str = ""
    date: str = ""
    reason: str = ""

    def as_table(self) -> dict[str, Any]:
        """Return the document as the format has it."""
        told = {name: getattr(self, name) for name in ("year", "area", "title", "number", "date", "reason")}
        said = {name: value for name, value in told.items() if value}
        return {"format": FORMAT, "kind": self.kind, **said, "days": [row.as_table() for row in self.days],
                **({"names": own} if (own := self.own_names()) else {})}  # fmt: skip

    def own_names(self) -> dict[str, dict[str, str]]:
        """Names that it uses and the catalogue does not have."""
        rows = (row for row in self.days if len(row.names) == 1)
        return {row.names[0]: dict(row.words) for row in rows if row.names[0] not in festivals()}


def ranges(days: Iterable[date]) -> list[str]:
    """Write days as texts: 2026-01-01..2026-01-03 for those that follow each other."""
    runs: list[list[date]] = []
    for day in sorted(days):
        if runs and day - runs[-1][1] == timedelta(days=1):
            runs[-1][1] = day
        else:
            runs.append([day, day])
    return [first.isoformat() if first == last else f"{first}..{last}" for first, last in runs]


@cache
def festivals() -> Mapping[str, Words]:
    """Return the names of the festivals by key."""
    return {key: {"zh": row["zh"], "en": row["en"]} for key, row in _catalogue().items()}


@cache
def spellings() -> Mapping[str, str]:
    """Return the keys of the festivals by each way in which notices write them."""
    rows = _catalogue().items()
    return {text: key for key, row in rows for text in (row["zh"], *row.get("also", ()))}


def _catalogue() -> dict[str, Any]:
    return tomllib.loads(FESTIVALS.read_text(encoding="utf-8"))


def is_weekend(day: date) -> bool:
    """Tell whether a day is a Saturday or a Sunday."""
    return day.weekday() >= _SATURDAY


# --- reading ---------------------------------------------------------------------------------------------------------
class Reader:
    """Reads the tables of a file and keeps every mistake that it meets."""

    def __init__(self, text: str = "") -> None:
        self.text, self.faults = text, list[Fault]()

    def fault(self, where: str, code: str, value: object = "", *, more: str = "") -> None:
        """Note a mistake, with the line of its value where the text shows it."""
        self.faults.append(Fault(where, code, str(value)[:_LONGEST_TEXT], self._line_of(where, str(value)), more))

    def _line_of(self, where: str, value: str) -> int:
        needles = [value, where.rpartition(".")[2].partition("[")[0]]
        for needle in needles:
            found = self.text.find(needle) if needle else -1
            if found >= 0:
                return self.text.count("\n", 0, found) + 1
        return 0

    def ensure_sound(self, file: str = "") -> None:
        """Raise BadCalendar with every mistake."""
        if self.faults:
            raise BadCalendar(self.faults, file)

    def has_keys(self, kind: str, table: Mapping[str, Any], where: str, *extra: str) -> bool:
        """Note keys that are missing or unknown; tell whether there was none."""
        needed, optional = _KEYS[kind]
        missing, unknown = needed - table.keys(), table.keys() - needed - optional - set(extra)
        for key in sorted(missing):
            self.fault(where, "missing", key)
        for key in sorted(unknown):
            self.fault(where, "unknown_key", key)
        return not missing and not unknown

    def texts(self, table: Mapping[str, Any], where: str, *keys: str) -> dict[str, str]:
        """Return texts of a table; one that is no text or far too long is a mistake."""
        found = {}
        for key in keys:
            value = table.get(key, "")
            if not isinstance(value, str) or len(value) > _LONGEST_TEXT or (key in table and not value.strip()):
                self.fault(f"{where}.{key}", "no_text", value)
            else:
                found[key] = value.strip()
        if found.get("date") and not _is_day(found["date"]):
            self.fault(f"{where}.date", "no_day", found["date"])
        return found

    def names(self, table: Mapping[str, Any]) -> dict[str, Words]:
        """Return the names that a file may use: those of the catalogue, and its own."""
        own = table.get("names", {})
        found = dict(festivals())
        if not isinstance(own, dict):
            self.fault("names", "no_table", own)
            return found
        for key, words in own.items():
            if not isinstance(words, dict) or not all(isinstance(words.get(lang), str) for lang in ("zh", "en")):
                self.fault(f"names.{key}", "no_words", key)
            else:
                found[key] = {"zh": words["zh"], "en": words["en"]}
        return found

    def stretches(self, rows: object, names: Mapping[str, Words], where: str) -> tuple[Stretch, ...]:
        """Return the rows `days` of a table."""
        if not isinstance(rows, list) or not rows:
            self.fault(where, "no_rows", rows)
            return ()
        read = [self._stretch(row, names, f"{where}[{place}]") for place, row in enumerate(rows, 1)]
        return tuple(stretch for stretch in read if stretch)

    def _stretch(self, row: object, names: Mapping[str, Words], where: str) -> Stretch | None:
        if not isinstance(row, dict):
            self.fault(where, "no_table", row)
            return None
        for key in sorted(row.keys() - _ROW_KEYS):
            self.fault(where, "unknown_key", key)
        keys, words = self._named(row, names, where)
        off, worked, plain = (self._days(row.get(key, []), f"{where}.{key}") for key in ("off", "worked", "plain"))
        if not (off or worked or plain):
            self.fault(where, "no_days", "+".join(keys))
        return Stretch(keys, words, off, worked, plain)

    def _named(self, row: Mapping[str, Any], names: Mapping[str, Words], where: str) -> tuple[tuple[str, ...], Words]:
        if "name" not in row:
            words = self.texts(row, where, "zh", "en")
            if not words.get("zh") or not words.get("en"):
                self.fault(where, "no_words", "zh, en")
            return (), words
        keys = tuple(str(row["name"]).split("+"))
        for key in keys:
            if key not in names:
                self.fault(f"{where}.name", "unknown_festival", key)
        known = [names[key] for key in keys if key in names]
        return keys, {"zh": "、".join(w["zh"] for w in known), "en": " and ".join(w["en"] for w in known)}

    def _days(self, texts: object, where: str) -> tuple[date, ...]:
        if not isinstance(texts, list):
            self.fault(where, "no_list", texts)
            return ()
        return tuple(day for text in texts for day in self._stretch_days(text, where))

    def _stretch_days(self, text: object, where: str) -> Iterator[date]:
        found = _RANGE.fullmatch(text) if isinstance(text, str) else None
        if found is None or not all(_is_day(part) for part in found.groups() if part):
            self.fault(where, "no_day", text)
            return
        first = date.fromisoformat(found[1])
        last = date.fromisoformat(found[2]) if found[2] else first
        if last < first:
            self.fault(where, "ends_before", text)
        elif (last - first).days >= _LONGEST_STRETCH:
            self.fault(where, "too_long", text)
        else:
            yield from (first + timedelta(days=step) for step in range((last - first).days + 1))

    def year(self, value: object, where: str) -> int:
        """Return a year of four digits, or 0 where it is none."""
        if type(value) is not int or not 1000 <= value <= 9999:
            self.fault(f"{where}.year" if where else "year", "no_year", value)
            return 0
        return value


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def read_table(text: str, *, file: str = "") -> dict[str, Any]:
    """Return the table of a file in TOML; raise BadCalendar with the line of what TOML does not allow."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        raise BadCalendar([Fault("toml", "no_toml", str(error), int(line[1]) if line else 0)], file) from error
    reader = Reader(text)
    if table.get("format") != FORMAT:
        reader.fault("format", "no_format", table.get("format", ""), more=FORMAT)
    if table.get("kind") not in ("calendar", "notice", "amendment", "closing"):
        reader.fault("kind", "no_kind", table.get("kind", ""))
    reader.ensure_sound(file)
    return table


def read_document(text: str, *, file: str = "") -> Document:
    """Return the notice, amendment or closing days of a file in TOML; raise BadCalendar with every mistake."""
    table = read_table(text, file=file)
    reader = Reader(text)
    if table["kind"] == "calendar":
        reader.fault("kind", "no_document", "calendar")
        reader.ensure_sound(file)
    document = document_of(table, reader)
    reader.ensure_sound(file)
    return document


def kept_document(text: str) -> Document:
    """Return a document from its kept text (canonical JSON of `Document.as_table`)."""
    reader = Reader()
    document = document_of(json.loads(text), reader)
    reader.ensure_sound()
    return document


def document_of(table: Mapping[str, Any], reader: Reader) -> Document:
    """Read a document's table; mistakes stand in the reader."""
    kind: Kind = table["kind"]
    where = kind
    if not reader.has_keys(kind, table, where, "format", "kind"):
        return Document(kind, ())
    told = reader.texts(table, where, *(k for k in ("area", "title", "number", "date", "reason") if k in table))
    if "area" in told and not re.fullmatch(r"\d{2}|\d{4}|\d{6}", told["area"]):
        reader.fault(f"{where}.area", "no_area", told["area"])
    year = reader.year(table["year"], where) if kind == "notice" else 0
    rows = reader.stretches(table["days"], reader.names(table), "days")
    document = Document(kind, rows, year, **told)
    check_days(document, reader)
    return document


# --- what every document must keep to -----------------------------------------------------------------------------
def check_days(document: Document, reader: Reader) -> None:
    """Note a day that stands twice, a make-up day that is none, and days that such a document can't name."""
    seen: dict[date, str] = {}
    for place, row in enumerate(document.days, 1):
        for key, days in (("off", row.off), ("worked", row.worked), ("plain", row.plain)):
            for day in days:
                where = f"days[{place}].{key}"
                if day in seen:
                    reader.fault(where, "twice", day, more=seen[day])
                seen.setdefault(day, where)
                if key == "worked" and not is_weekend(day):
                    reader.fault(where, "weekday_worked", day)
                _check_place(document, key, day, where, reader)
    if document.kind == "notice" and document.year:
        _check_year(document, reader)


def _check_place(document: Document, key: str, day: date, where: str, reader: Reader) -> None:
    if document.kind == "notice":
        if key == "plain":
            reader.fault(where, "not_in_notice", day)
        is_before = day.year == document.year - 1 and day.month == 12
        if document.year and day.year != document.year and not is_before:
            reader.fault(where, "other_year", day, more=str(document.year))
    if document.kind == "closing" and key != "off":
        reader.fault(where, "only_closed", day)


# Days of the sun calendar that a festival always holds; and what a notice of a year has named since 2008.
_FIXED = {"new_year": (1, 1), "labour_day": (5, 1), "national_day": (10, 1)}
_ALL_YEARLY = (
    "new_year", "spring_festival", "qingming", "labour_day", "dragon_boat", "mid_autumn", "national_day",
)  # fmt: skip


def _check_year(document: Document, reader: Reader) -> None:
    """A notice that leaves a festival out would make the whole year pass for settled."""
    named = {key for row in document.days for key in row.names}
    for key in _ALL_YEARLY:
        if key not in named:
            reader.fault("days", "festival_missing", key)
    for place, row in enumerate(document.days, 1):
        for key in row.names:
            if key in _FIXED and date(document.year, *_FIXED[key]) not in row.off:
                reader.fault(
                    f"days[{place}].off", "festival_elsewhere", key, more=f"{date(document.year, *_FIXED[key])}"
                )


def read_years(table: Mapping[str, Any], reader: Reader) -> tuple[Document, ...]:
    """Return the years of a calendar's table as notices, in their order; a gap between them is a mistake."""
    names = reader.names(table)
    rows = table["years"]
    if not isinstance(rows, list) or not rows:
        reader.fault("years", "no_rows", rows)
        return ()
    found = []
    for place, row in enumerate(rows, 1):
        where = f"years[{place}]"
        if not isinstance(row, dict) or not reader.has_keys("year", row, where):
            continue
        year = reader.year(row["year"], where)
        told = reader.texts(row, where, *(k for k in ("title", "number", "date") if k in row))
        found.append(Document("notice", reader.stretches(row["days"], names, f"{year}.days"), year, **told))
    check_order([document.year for document in found], reader)
    return tuple(found)


def check_order(years: Sequence[int], reader: Reader) -> None:
    """Years stand one after the other, each once."""
    for before, year in pairwise(years):
        if year == before:
            reader.fault("years", "year_twice", year)
        elif year != before + 1:
            reader.fault("years", "gap", year, more=str(before + 1))
