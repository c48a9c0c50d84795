"""Forms: marshmallow schemas built from a definition's fields turn what was typed into typed command data."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from marshmallow import Schema, ValidationError, fields

from workflows.definition import Field

YUAN = re.compile(r"-?[0-9]{1,10}(\.[0-9]{1,2})?")
COUNT = re.compile(r"[0-9]{1,9}")
DAY = re.compile(r"([0-9]{4})[-年/.]([0-9]{1,2})[-月/.]([0-9]{1,2})日?")
MISSING, WRONG = "missing_field", "bad_value"
TRUTH = {"yes": True, "no": False}


def narrow(text: str) -> str:
    """Return text with full-width digits, signs and blanks made narrow: １２３，４５６。５ → 123,456.5."""
    return unicodedata.normalize("NFKC", text).replace("。", ".").strip()


class Typed(fields.Field[Any]):
    """A field of a form: an empty text is missing, anything that ``parse`` cannot read is wrong."""

    def __init__(self, parse: Callable[[str], Any], *, required: bool) -> None:
        super().__init__(required=required, error_messages={"required": MISSING})
        self.parse = parse

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        parsed = self.parse(value) if isinstance(value, str) else None
        if parsed is None:
            raise ValidationError(WRONG)
        return parsed


class Several(fields.Field[list[str]]):
    """Boxes that were ticked."""

    def __init__(self, *, required: bool) -> None:
        super().__init__(required=required, error_messages={"required": MISSING})

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> list[str]:
        return [str(item) for item in value]


def yuan(text: str) -> int | None:
    """Read yuan as fen: "９，０００.5元" → 900050; None when it is no amount."""
    plain = narrow(text).replace(",", "").removesuffix("元").removeprefix("¥").strip()
    if not YUAN.fullmatch(plain):
        return None
    whole, _, part = plain.partition(".")
    fen = abs(int(whole)) * 100 + int(part.ljust(2, "0") or 0)
    return -fen if plain.startswith("-") else fen


def count(text: str) -> int | None:
    """Read a whole number."""
    plain = narrow(text).replace(",", "")
    return int(plain) if COUNT.fullmatch(plain) else None


def whole(text: str, most: int = 12) -> int | None:
    """Read a number of ours that came back in an address or a hidden field: ASCII digits, at most so many."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= most else None


def person(text: str) -> str | None:
    """Read the id of an account as forms offer it: u7."""
    return text if text[:1] == "u" and whole(text[1:]) is not None else None


def day(text: str) -> str | None:
    """Read a day as ISO text; 2026年3月2日 and 2026/3/2 are days too."""
    match = DAY.fullmatch(narrow(text).replace(" ", ""))
    try:
        return date(*(int(part) for part in match.groups())).isoformat() if match else None
    except ValueError:
        return None


def text(value: str) -> str | None:
    """Read a text: line ends as one sign, no blanks around it."""
    return value.replace("\r\n", "\n").strip() or None


PARSERS: Mapping[str, Callable[[str], Any]] = {
    "text": text,
    "choice": text,
    "money": yuan,
    "count": count,
    "date": day,
    "bool": TRUTH.get,
    "person": person,
    "case": text,
    "evidence_kind": text,
    "correctable_field": text,
    "corrected_value": text,
    "period": text,
    "duration": text,
}


def schema_for(specs: Iterable[Field], optional: Iterable[str]) -> Schema:
    """Return the schema of a form; fields named in ``optional`` may stay empty."""
    free = set(optional)
    made: dict[str, fields.Field[Any]] = {
        spec.id: Several(required=spec.id not in free)
        if spec.type == "choices"
        else Typed(PARSERS[spec.type], required=spec.id not in free)
        for spec in specs
    }
    return Schema.from_dict(made, name="Form")()


@dataclass(frozen=True)
class Read:
    """What a form held: typed values, and for each field that is not usable the code of the reason."""

    values: Mapping[str, Any]
    errors: Mapping[str, str]


def read_form(specs: Iterable[Field], optional: Iterable[str], typed: Mapping[str, Any]) -> Read:
    """Read typed strings (lists for choices) by their fields; empty ones count as left out."""
    given = {name: value for name, value in typed.items() if value and (isinstance(value, list) or value.strip())}
    try:
        return Read(schema_for(specs, optional).load(given), {})
    except ValidationError as error:
        messages = dict(error.messages_dict)
        return Read(dict(error.valid_data or {}), {name: str(codes[0]) for name, codes in messages.items()})
