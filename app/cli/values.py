"""What is typed behind --data: text turned into the value that the field's type asks for."""

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import click

from app import schemas
from app.services.operators import account_id
from workflows.definition import Field
from workflows.errors import BadValue

YES = frozenset({"是", "有", "yes", "y", "true", "1"})
NO = frozenset({"否", "无", "no", "n", "false", "0"})


def read_data(pairs: Iterable[str], fields: Mapping[str, Field]) -> dict[str, Any]:
    """Return typed command data from KEY=VALUE texts; raises BadValue, or a usage error for a text without "=".

    Names that are no field (such as ``target``) stay texts: the core knows them or refuses them.
    """
    texts = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{pair}: KEY=VALUE", param_hint="--data")
        texts[name] = text
    return {name: _value(name, text, texts, fields) for name, text in texts.items()}


def _value(name: str, text: str, texts: Mapping[str, str], fields: Mapping[str, Field]) -> Any:
    spec = fields.get(name)
    kind = spec.type if spec else "text"
    if kind == "corrected_value":
        corrected = fields.get(texts.get("corrected_field", ""))
        kind = corrected.type if corrected else "text"
    value = READERS[kind](text) if text.strip() else ""
    if value is None:
        raise BadValue(field=name, value="" if spec and spec.personal else text[:60])
    return value


def _bool(text: str) -> bool | None:
    plain = unicodedata.normalize("NFKC", text).strip().lower()
    return plain in YES if plain in YES | NO else None


def _choices(text: str) -> list[str]:
    return [part for part in text.replace("，", ",").replace("、", ",").replace(" ", "").split(",") if part]


READERS: Mapping[str, Callable[[str], Any]] = {
    **schemas.PARSERS,
    "bool": _bool,
    "choices": _choices,
    "person": lambda text: account_id(text.strip()),
}
