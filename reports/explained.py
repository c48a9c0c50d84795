"""Deadlines told day by day on paper: from the entries and the calendars that the trail itself brings along."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from reports.deadlines import Period, is_paused
from reports.entries import Entry
from reports.labels import Labels, word
from reports.trail import Trail
from workflows.calendars import Calendar, kept_calendar
from workflows.clock import local_date, parse_duration_text, parse_utc
from workflows.explain import Explanation, explain_clock
from workflows.explain_words import (
    Words,
    end_text,
    length_text,
    link_title,
    pause_texts,
    rule_lines,
    run_text,
    runs,
    stretch_texts,
)
from workflows.model import Clock
from workflows.policy import Pack, parse_pack

GONE_ON = ("paused", "resumed", "extended", "recounted")
LONGEST = timedelta(days=3 * 366)  # what no county's rule reaches is not told day by day

Told = dict[str, Any]


def explained(periods: Sequence[Period], entries: Sequence[Entry], trail: Trail) -> list[Told]:
    """Return the deadlines of a chain that can be told: those that did not go on under another number.

    A period of before the way of counting was noted, and one whose calendar the trail does not hold, is left out.
    """
    standing = [p for p in periods if not (p.ended and p.ended["how"] in GONE_ON)]
    found = (_explained(period, entries, trail) for period in standing)
    return [told for told in found if told]


def _explained(period: Period, entries: Sequence[Entry], trail: Trail) -> Told | None:
    labels, text = period.begun_by.labels, trail.texts.get(str(period.started.get("calendar", "")))
    if text is None or not period.started.get("limit"):
        return None
    try:
        clock = Clock.read(period.started)
        found = _explanation(clock, kept_calendar(text), period)
        if found is None:
            return None
        lines = list(_lines(found, _pack(period, trail), entries, labels))
    except (ValueError, TypeError, KeyError, OverflowError):
        # Entries that other hands made may hold anything; what can't be counted is not told.
        return None
    return {"timer": labels.of("timers", clock.kind), "lines": lines}


def _explanation(clock: Clock, calendar: Calendar, period: Period) -> Explanation | None:
    if is_paused(period.started):
        return None
    if parse_utc(clock.due) - parse_utc(clock.start) > LONGEST:
        return None
    found = explain_clock(clock, calendar, parse_utc(clock.due))
    return found if found.agrees else None


def _pack(period: Period, trail: Trail) -> Pack:
    return parse_pack(trail.texts[str(period.begun_by.body["policy"]).rpartition(":")[2]])


def _lines(found: Explanation, pack: Pack, entries: Sequence[Entry], labels: Labels) -> Iterator[str]:
    words = Words(partial(_say, labels), labels.lang, labels.clause)
    on, clock = local_date(parse_utc(found.clock.start)), found.clock
    limit = length_text(parse_duration_text(clock.limit), clock.bound, words.say)
    gap = "；" if labels.lang == "zh" else "; "
    yield gap.join([end_text(found, words), limit, *rule_lines(found, pack, on, words)])
    yield from pause_texts(found, lambda at: _ground(at, clock.kind, entries, labels), words)
    number = 0
    for place, link in enumerate(found.links):
        title = f"{link_title(found, place, words)}{gap}" if place else ""
        told = stretch_texts(link.stretches, words) or [run_text(run, words) for run in runs(link, words, number)]
        yield title + gap.join(told)
        number += link.counted
    calendar = found.calendar
    yield words.say("explain.calendar", version=calendar.version, digest=calendar.digest[:12])


def _ground(at: str, kind: str, entries: Sequence[Entry], labels: Labels) -> str:
    """The entry that began a pause, with its documents."""
    for entry in entries:
        ended = entry.body["deadlines"]["ended"]
        if entry.body["at"] == at and any(e["kind"] == kind and e["how"] == "paused" for e in ended):
            kinds = dict.fromkeys(entry.labels.evidence(item["kind"]) for item in entry.body["evidence"])
            named = word("value.separator", labels.lang).join(kinds) or entry.labels.action(entry.body["action"])
            return _say(labels, "explain.ground", seq=entry.seq, kinds=named)
    return ""


def _say(labels: Labels, key: str, **params: object) -> str:
    return labels.term(key, key).format_map(params)
