"""What a roster would change, in words: the one place for command line and pages."""

from collections.abc import Mapping
from typing import Any

from app.labels import Speech, state_of


def change_words(words: Speech, change: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return column, before and after of one change (`Change` as a mapping)."""
    column = change["column"]
    before, after = (_value(words, column, change[side]) for side in ("before", "after"))
    return words.say(f"rosters.col_{column}"), before, after


def _value(words: Speech, column: str, value: str) -> str:
    if column == "status" and value:
        return state_of(words, "monitor_status", value)
    return words.say(f"kind.{value}") if column == "kind" and value else value
