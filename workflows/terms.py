"""The words of the policy, once: English key, Chinese and English label, by date and place."""

import functools
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from workflows.model import area_root

LANGUAGES = ("zh", "en")
TERMS_FILE = Path(__file__).with_name("terms.toml")
FORMAT = "fp-terms-v1"


@dataclass(frozen=True)
class Variant:
    """One wording of a term: labels, the dates between which it holds (end exclusive) and the area it holds for."""

    labels: Mapping[str, str]
    begins: date = date.min
    ends: date = date.max
    area: str = ""

    def holds(self, on: date, area: str) -> bool:
        """Tell whether this wording holds on a day in an area (an area holds for all areas inside it)."""
        return self.begins <= on < self.ends and area.startswith(self.area)


class Terms:
    """A catalogue of terms; later additions and more exact places win over general ones."""

    def __init__(self, variants: Mapping[str, tuple[Variant, ...]]) -> None:
        self._variants = variants

    def __contains__(self, key: str) -> bool:
        return key in self._variants

    def __iter__(self) -> Iterator[str]:
        return iter(self._variants)

    def variants(self, key: str) -> tuple[Variant, ...]:
        """All wordings of a key."""
        return self._variants[key]

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
        """Return the label for ``key``; raise KeyError when the catalogue has none, so that a gap is found by tests."""
        day = on or date.max.replace(day=30)
        fitting = [v for v in self._variants[key] if v.holds(day, area)]
        best = max(fitting, key=lambda v: (len(v.area), v.begins))
        label = best.labels[lang]
        return label.format_map(params) if params else label

    def merged(self, additions: Mapping[str, tuple[Variant, ...]]) -> "Terms":
        """Return a catalogue in which each added variant stands beside (and wins over) the old ones of its key."""
        joined = {key: (*self._variants.get(key, ()), *value) for key, value in additions.items()}
        return Terms({**self._variants, **joined})


def parse_variant(table: Mapping[str, Any]) -> Variant:
    """Read one wording from a TOML table with zh, en and optional from, to (ISO dates), area."""
    missing = [lang for lang in LANGUAGES if not table.get(lang)]
    if missing:
        raise ValueError(f"term without {', '.join(missing)}: {dict(table)}")
    return Variant(
        labels={lang: str(table[lang]) for lang in LANGUAGES},
        begins=_date(table.get("from"), date.min),
        ends=_date(table.get("to"), date.max),
        area=area_root(str(table.get("area", ""))),
    )


def _date(value: object, default: date) -> date:
    return date.fromisoformat(str(value)) if value else default


def parse_terms(tables: Mapping[str, Any], prefix: str = "") -> dict[str, tuple[Variant, ...]]:
    """Flatten nested TOML tables into dotted keys; a table with ``zh`` is a term, a list its variants."""
    result: dict[str, tuple[Variant, ...]] = {}
    for name, value in tables.items():
        key = f"{prefix}{name}"
        if isinstance(value, list):
            result[key] = tuple(parse_variant(item) for item in value)
        elif "zh" in value:
            result[key] = (parse_variant(value),)
        else:
            result.update(parse_terms(value, f"{key}."))
    return result


@functools.cache
def load_terms(path: Path = TERMS_FILE) -> Terms:
    """Load a catalogue file once; raise ValueError naming the file when it is no terms file."""
    with path.open("rb") as file:
        tables = tomllib.load(file)
    if tables.pop("format", None) != FORMAT:
        raise ValueError(f"{path}: format must be {FORMAT}")
    return Terms(parse_terms(tables))
