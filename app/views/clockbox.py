"""A deadline explained, as plain values for the case page: the rule, its grounds, and a strip of weeks."""

from collections.abc import Mapping
from typing import Any

from app.labels import Labels
from app.services import explained
from app.services.cases import CaseView
from app.services.explained import Told
from workflows.explain_words import (
    Cell,
    Words,
    end_text,
    link_title,
    pause_texts,
    rule_lines,
    run_text,
    runs,
    stretch_texts,
    weeks,
)
from workflows.model import Clock


def explained_box(labels: Labels, clock: Clock, view: CaseView) -> dict[str, Any] | None:
    """Return the explanation of a running period, or None where its way of counting is not known."""
    told = explained.explain_case(view, clock.kind)
    if told is None:
        return None
    return box_of(told, labels, explained.words_of(labels), explained.grounds(view, labels, clock.kind))


def box_of(told: Told, labels: Labels, words: Words, grounds: Mapping[str, str]) -> dict[str, Any]:
    """Return an explanation as the template shows it."""
    found = told.found
    return {
        "end": end_text(found, words),
        "rule": rule_lines(found, told.pack, told.on, words),
        "pauses": pause_texts(found, lambda at: grounds.get(at, ""), words),
        "pack": explained.pack_text(told, labels.speech),
        "calendar": explained.calendar_text(told, labels.speech),
        "other_calendar": not told.is_own_calendar,
        "weekdays": [words.say(f"explain.weekday_{n}") for n in range(1, 8)],
        "parts": _parts(told, words),
    }


def _parts(told: Told, words: Words) -> list[dict[str, Any]]:
    found, number = [], 0
    for place, link in enumerate(told.found.links):
        found.append(
            {
                "title": link_title(told.found, place, words) if place else "",
                "hours": stretch_texts(link.stretches, words),
                "weeks": [] if link.stretches else [_week(row) for row in weeks(link, words, number)],
                "runs": [] if link.stretches else [run_text(run, words) for run in runs(link, words, number)],
            }
        )
        number += link.counted
    return found


def _week(row: list[Cell | None] | None) -> list[dict[str, Any] | None] | None:
    return None if row is None else [dict(vars(cell)) if cell else None for cell in row]
