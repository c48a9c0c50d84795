"""A reminder in words: the one place for its list, its mail and whoever else tells of it."""

from collections.abc import Mapping
from typing import Any

from app.labels import Labels, Speech


def reminder_words(
    words: Speech, labels: Labels | None, *, word: str, case: str, household: str, params: Mapping[str, Any]
) -> tuple[str, str]:
    """Return title and sentence of a reminder; ``household`` is what the reader may know it by."""
    told = {"case": case, "household": household, "state": "", "timer": "", "due": ""}
    told |= {name: _param(labels, words, name, value) for name, value in params.items()}
    if words.lang in params:
        told["duty"] = str(params[words.lang])  # the label that the duty had when people were reminded of it
    key = f"message.{word}"
    if not words.knows(f"{key}.title"):
        return words.say("ui.reminder"), case
    return words.say(f"{key}.title", **told), words.say(f"{key}.body", **told)


def _param(labels: Labels | None, words: Speech, name: str, given: Any) -> str:
    if name == "failing":
        return words.listed([words.say(f"ui.duty_{duty}") for duty in given])
    value = str(given)
    if name == "due" and value.endswith("Z"):
        return words.last_day(value)
    if labels and name in ("state", "timer"):
        return labels.state(value) if name == "state" else labels.timer(value)
    return value
