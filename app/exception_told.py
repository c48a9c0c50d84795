"""Rows of exception lists in words, the same on pages, in tables, by API and command line."""

from math import isqrt
from typing import Any

from app.exception_catalogue import ExceptionList
from app.labels import Labels, Speech
from app.runtime import runtime
from app.services.exceptions import Hit
from workflows.clock import CHINA, parse_utc

SHOWN_OF_SENTENCE = 60


def about(one: ExceptionList, numbers: dict[str, int], words: Speech) -> str:
    """Return what a list holds, with the thresholds in force."""
    return one.text("about", words.lang, **numbers)


def told(hit: Hit, one: ExceptionList, words: Speech) -> dict[str, Any]:
    """Return what was done, why it is listed, by whom and when."""
    labels = Labels(words, runtime().rules.machine_of(hit.line.case))
    behalf = hit.entry.get("behalf") or {}
    facts = {
        **hit.facts,
        "metres": isqrt(int(hit.facts.get("square", 0))),
        "clock": parse_utc(hit.at).astimezone(CHINA).strftime("%H:%M"),
        "absent": behalf.get("name", ""),
        "timer": labels.timer(str(hit.facts.get("timer", ""))),
        "sentence": str(hit.facts.get("sentence", ""))[:SHOWN_OF_SENTENCE],
    }
    actor = hit.entry.get("actor", {})
    return {
        "what": labels.of_act(hit.entry).action(hit.entry["action"]) if hit.entry else facts["timer"],
        "why": one.text("fact", words.lang, **facts),
        "who": str(actor.get("name", "")),
        "role": words.role(actor["role"]) if actor.get("role") else "",
        "when": words.last_day(hit.at) if one.source == "late" else words.time(hit.at),
    }
