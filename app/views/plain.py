"""Rows of lists as plain texts for templates."""

from datetime import datetime
from typing import Any

from flask import url_for

from app.labels import Labels, Speech, short_area
from app.services.lists import CaseLine
from app.views.shown import labels_for
from workflows.clock import local_date, parse_utc, time_left
from workflows.model import Case, Clock
from workflows.periods import is_over
from workflows.registry import Rules

ONE_DAY_LEFT = 1


def more_url(endpoint: str, following: str, **kept: str) -> str:
    """Return the address of a list's next page, or an empty text at its end."""
    values: dict[str, Any] = {name: value for name, value in kept.items() if value}
    return url_for(endpoint, after=following, **values) if following else ""


def case_row(line: CaseLine, words: Speech, now: datetime, rules: Rules) -> dict[str, Any]:
    """Return a case as a list shows it: household, village, plain state, time left, purpose."""
    case, house = line.case, line.house
    labels = labels_for(rules.machine_of(case), words)
    clock = next((c for c in case.clocks.values() if c.due == line.due_at), None)
    return {
        "url": url_for("cases.case", number=case.number),
        "number": case.number,
        "head": house.head_name,
        "village": short_area(house.village_name),
        "group": house.group,
        "behalf": line.behalf,
        "members": house.member_count,
        "state": plain_state(labels, case, now),
        "purpose": purpose(labels, case),
        "closed": case.closed,
        "timer": labels.timer(clock.kind) if clock else "",
        **time_cell(words, line.due_at, now, provisional=bool(clock and clock.provisional)),
    }


def time_cell(words: Speech, due: str, now: datetime, *, provisional: bool) -> dict[str, Any]:
    """Return the time left in words, how near it is (late, near, calm) and the last day."""
    if not due:
        return {"left": words.left("", now), "nearness": "none", "due": "", "provisional": False}
    left = time_left(now, parse_utc(due))
    nearness = "late" if left.is_late else "near" if left.days <= ONE_DAY_LEFT else "calm"
    return {"left": words.left(due, now), "nearness": nearness, "due": words.last_day(due), "provisional": provisional}


def purpose(labels: Labels, case: Case) -> str:
    """Return what a case is for: its purpose, or the kind of case where it knows only one."""
    several = len(labels.compiled.definition.purposes) > 1
    return labels.purpose(case.purpose) if several else labels.definition()


def plain_state(labels: Labels, case: Case, now: datetime) -> str:
    """Return the state in plain words, with the day of a minimum period that runs: 村内公示中 第3天/共5天."""
    minimum = next((c for c in case.clocks.values() if c.bound == "min"), None)
    text = labels.state(case.state)
    return f"{text} {day_of(labels.speech, minimum, now)}" if minimum and not case.closed else text


def day_of(words: Speech, clock: Clock, now: datetime) -> str:
    """Return how far a minimum period has run: day 3 of 5, or that it has ended."""
    if clock.is_paused:
        return words.say("ui.paused")
    start, due = parse_utc(clock.start), parse_utc(clock.due)
    if is_over(clock, now):
        return words.say("ui.period_over")
    total = (local_date(due) - local_date(start)).days - 1
    day = (local_date(now) - local_date(start)).days
    return words.say("ui.day_of", day=day, total=total) if day > 0 else words.say("ui.day_first", total=total)
