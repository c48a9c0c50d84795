"""The catalogue of exception lists (``templates/audit/exceptions.toml``): sources, thresholds, words."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from templates import PATH as TEMPLATES
from workflows.errors import BadValue
from workflows.tables import BadTable

FILE = Path(TEMPLATES) / "audit" / "exceptions.toml"
FORMAT = "fp-exceptions-v1"
WORDS = ("title", "about", "fact")


@dataclass(frozen=True)
class Threshold:
    """A number that a list is cut by: what holds unless asked otherwise, and between which ends it may be asked."""

    default: int
    least: int
    most: int


@dataclass(frozen=True)
class ExceptionList:
    """One list: its source's name, words by language, thresholds, and what else the source is told."""

    id: str
    source: str
    words: Mapping[str, Mapping[str, str]]
    thresholds: Mapping[str, Threshold]
    options: Mapping[str, tuple[str, ...]]

    def cut(self, asked: Mapping[str, str]) -> dict[str, int]:
        """Return the thresholds in force, those asked for (as texts; empty: the default) before the defaults."""
        return {name: _number(name, asked.get(name, ""), known) for name, known in self.thresholds.items()}

    def text(self, word: str, lang: str, **values: object) -> str:
        """Return a word of the list with its values."""
        return self.words[word][lang].format(**values)


def _number(name: str, text: str, known: Threshold) -> int:
    if not text:
        return known.default
    if not (text.isascii() and text.isdigit() and len(text) < 8) or not known.least <= int(text) <= known.most:
        raise BadValue(field=name, value=text[:10])
    return int(text)


@cache
def exception_lists() -> Mapping[str, ExceptionList]:
    """Return the lists by name, in the order of the file; raises BadTable."""
    found = tomllib.loads(FILE.read_text(encoding="utf-8"))
    if found.get("format") != FORMAT:
        raise BadTable(f"{FILE.name}: not of format {FORMAT}")
    return {name: _list(name, row) for name, row in found["lists"].items()}


def _list(name: str, row: Mapping[str, Any]) -> ExceptionList:
    for word in WORDS:
        if set(row.get(word, {})) != {"zh", "en"}:
            raise BadTable(f"{FILE.name}: {name}: {word} needs zh and en")
    options = {key: tuple(value) for key, value in row.items() if key not in (*WORDS, "source", "thresholds")}
    thresholds = {key: Threshold(*numbers) for key, numbers in row["thresholds"].items()}
    return ExceptionList(name, row["source"], {word: row[word] for word in WORDS}, thresholds, options)
