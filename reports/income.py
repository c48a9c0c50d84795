"""The income sheet on paper: its rules with their clauses, its figures, and that the line is a reference only."""

from collections.abc import Iterator, Mapping
from typing import Any

from reports.labels import Labels, plain, word, yuan
from workflows.income import MEMBERS, PER_HEAD, SHEET
from workflows.income_words import Row, Words, sheet_rows

PARTS = ("adds", "takes", "beside")


def sheet_lines(labels: Labels, sheet: object) -> Iterator[str]:
    """Yield a sealed sheet line by line; one of a shape that this release does not know as it lies."""
    try:
        rows = list(sheet_rows(sheet, _words(labels))) if isinstance(sheet, Mapping) else []
    except (KeyError, TypeError, ValueError, AttributeError):
        rows = []
    if not rows:
        yield plain(sheet, labels.lang)
        return
    yield from (_rule(row, labels) for row in rows if row.kind == "rule")
    for kind in ("figure", "sum", "beside"):
        found = [f"{row.label} {row.value}" for row in rows if row.kind == kind]
        if found:
            yield word(f"income.{kind}", labels.lang, items=word("value.separator", labels.lang).join(found))
    yield _say(labels, "income.only_reference")


def is_in_sheet(changes: Mapping[str, Any], name: str) -> bool:
    """Tell whether a change needs no line of its own: it stands in the entry's sheet, and replaces nothing."""
    sheet = changes[SHEET]["after"] if SHEET in changes else None
    if not isinstance(sheet, Mapping):
        return False
    parts = {key for part in PARTS if isinstance(sheet.get(part), Mapping) for key in sheet[part]}
    return name in (SHEET, PER_HEAD) or (name in (MEMBERS, *parts) and changes[name]["before"] is None)


def _words(labels: Labels) -> Words:
    def say(key: str, **params: object) -> str:
        return _say(labels, key, **params)

    return Words(say, lambda name: _bare(labels.field(name)), lambda name: labels.value("category", name), yuan)


def _say(labels: Labels, key: str, **params: object) -> str:
    return labels.term(key, key).format_map(params)


def _bare(label: str) -> str:
    return label.split("（", maxsplit=1)[0].split(" (", maxsplit=1)[0]


def _rule(row: Row, labels: Labels) -> str:
    clause = labels.clause(row.clause) if row.clause else word("clause.own", labels.lang) if row.own else ""
    tail = word("value.in_brackets", labels.lang, text=clause) if clause else ""
    return word("income.rule", labels.lang, label=row.label, value=row.value) + tail
