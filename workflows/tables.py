"""Reading TOML tables into frozen dataclasses: unknown, missing or ill-typed keys are named with their place."""

import dataclasses
import re
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any, TypeVar

T = TypeVar("T")
RENAMED = {"from": "sources", "to": "target"}


class BadTable(ValueError):
    """A definition or pack holds a mistake; the text says where and what."""


class Mistakes:
    """Mistakes found so far, so that a file is refused with all of them at once."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def note(self, text: str) -> None:
        """Add one, or several on lines of their own; what was said before is not said again."""
        self.found += [line for line in text.splitlines() if line not in self.found]

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Note a mistake instead of stopping at it."""
        try:
            yield
        except BadTable as mistake:
            self.note(str(mistake))

    def each(self, read: Callable[[Any], T], rows: Iterable[Any]) -> tuple[T, ...]:
        """Read row after row; those with a mistake are noted and left out."""
        done: list[T] = []
        for row in rows:
            with self.noting():
                done.append(read(row))
        return tuple(done)

    def ensure_none(self) -> None:
        """Raise BadTable with every mistake noted, one a line."""
        if self.found:
            raise BadTable("\n".join(self.found))


# What a message calls a row, and how the row's first line looks in the file.
NAMED_ROW = re.compile(
    r"\b(limit|parameter|condition|source|signature|omitted|aside|duty|target|term|step|field|evidence|options|asks|"
    r"requirements)s? '?([A-Za-z0-9_.]+)"
)
ROW_LINES = {
    "field": r"\[fields\.{0}\]", "evidence": "{0} *=", "options": "{0} *=", "asks": "{0} *=", "requirements": "{0} *=",
    "term": r'(\[\[terms\.)?"{0}"',
}  # fmt: skip
ROW_LINE = '(timer|id|step|action|signed) *= *"{0}"'


def line_of(text: str, reason: str) -> str:
    """Return "line 12: " where a mistake names a row that stands in a file's text, else an empty text.

    Of several rows of one name it is the first that holds a word quoted in the reason.
    """
    quoted = re.findall("'([^']+)'", reason)
    for kind, name in NAMED_ROW.findall(reason):
        starts = list(re.finditer(f"(?m)^{ROW_LINES.get(kind, ROW_LINE).format(re.escape(name.rstrip('.')))}", text))
        wrong = (row for row in starts if any(word in _row_from(text, row.start()) for word in quoted))
        if starts:
            return f"line {text.count(chr(10), 0, next(wrong, starts[0]).start()) + 1}: "
    return ""


def _row_from(text: str, start: int) -> str:
    return re.split(r"(?m)^\[", text[start:], maxsplit=1)[0]


def freeze(value: Any) -> Any:
    """Return lists as tuples, all the way down, so that a loaded file can't be changed."""
    if isinstance(value, list):
        return tuple(freeze(item) for item in value)
    if isinstance(value, dict):
        return {key: freeze(item) for key, item in value.items()}
    return value


def build(cls: type[T], table: Mapping[str, Any], where: str) -> T:
    """Build a dataclass from a table; raise BadTable naming ``where`` for each kind of mistake."""
    fields = {f.name: f for f in dataclasses.fields(typing.cast("Any", cls))}
    values = {RENAMED.get(key, key): freeze(value) for key, value in table.items()}
    for key in values.keys() - fields.keys():
        raise BadTable(f"{where}: unknown key {key!r}; known are {', '.join(sorted(fields))}")
    for name, spec in fields.items():
        if name not in values and spec.default is dataclasses.MISSING and spec.default_factory is dataclasses.MISSING:
            raise BadTable(f"{where}: key {name!r} is missing")
    hints = typing.get_type_hints(cls)
    for name, value in values.items():
        _ensure_type(hints[name], value, f"{where}.{name}")
    return cls(**values)


def _ensure_type(hint: Any, value: Any, where: str) -> None:
    origin = typing.get_origin(hint)
    if origin is tuple and not isinstance(value, tuple):
        raise BadTable(f"{where}: a list is needed, not {value!r}")
    if origin in (Mapping, typing.get_origin(Mapping[str, str])) and not isinstance(value, Mapping):
        raise BadTable(f"{where}: a table is needed, not {value!r}")
    if hint in (str, int, bool) and type(value) is not hint:
        raise BadTable(f"{where}: {hint.__name__} is needed, not {value!r}")


def build_all(cls: type[T], tables: Sequence[Mapping[str, Any]], where: str) -> dict[str, T]:
    """Build a list of tables with ``id`` into a mapping by id; a repeated id is a mistake."""
    result: dict[str, T] = {}
    for table in tables:
        name = str(table.get("id", ""))
        if not name or name in result:
            raise BadTable(f"{where}: id {name!r} is missing or stands twice")
        result[name] = build(cls, table, f"{where} {name}")
    return result


def ensure_label(label: Mapping[str, str], where: str) -> None:
    """Raise BadTable unless a label stands in both languages."""
    if not label.get("zh") or not label.get("en"):
        raise BadTable(f"{where}: label needs zh and en")


def day_of(text: object, where: str) -> date:
    """Return a day that a file writes as 2026-01-31; raise BadTable."""
    try:
        return date.fromisoformat(str(text))
    except ValueError as error:
        raise BadTable(f"{where}: {text!r} is no day like 2026-01-31") from error


def dates_of(row: Mapping[str, Any], where: str) -> tuple[date, date]:
    """Return from when to when (exclusive) a row holds; raise BadTable."""
    begins = day_of(row["from"], f"{where}, from") if "from" in row else date.min
    ends = day_of(row["to"], f"{where}, to") if "to" in row else date.max
    if begins >= ends:
        raise BadTable(f"{where}: from must lie before to")
    return begins, ends


VERSION = re.compile(r"[0-9A-Za-z.-]{1,20}")


def ensure_version(tables: Mapping[str, Any]) -> None:
    """Raise BadTable unless a file's version, where it names one, is a short word such as "2026-11" or "3"."""
    version = tables.get("version", "1")
    if not isinstance(version, str) or not VERSION.fullmatch(version):
        raise BadTable(f"version {version!r} must be 1 to 20 letters, digits, . or - in quotes")
