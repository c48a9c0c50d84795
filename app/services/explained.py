"""Deadlines explained: of a case as it stands, and hypothetical ones by the rules of a place and day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from app.labels import Labels, Speech
from app.services.cases import CaseView, loaded_rules
from app.store import cases as store
from app.store.transaction import reading
from workflows.calendars import Calendar, kept_calendar
from workflows.clock import CHINA, local_date, parse_duration_text, parse_utc, utc_text
from workflows.durations import FORMS
from workflows.errors import BadDuration, BadStart, BadValue, NotFound
from workflows.explain import Explanation, explain_clock
from workflows.explain_words import Words
from workflows.limits import Limit
from workflows.model import Clock
from workflows.pauses import HOW, PAUSE
from workflows.periods import new_clock, with_limit
from workflows.policy import Pack

AREA_LENGTHS = (6, 9, 12)
FURTHEST = (2004, 2100)


@dataclass(frozen=True)
class Told:
    """An explanation with the pack that it follows; ``is_own_calendar``: the calendar is the one it was counted by."""

    found: Explanation
    pack: Pack
    on: date
    is_own_calendar: bool


def explain_case(view: CaseView, kind: str) -> Told | None:
    """Explain a running period of a case; None where it began before its way of counting was noted.

    Raises NotFound where no such period runs.
    """
    if kind not in view.case.clocks:
        raise NotFound(timer=kind)
    present = loaded_rules().calendar_for(view.case.county)
    clock = with_limit(view.compiled, view.case.clocks[kind], present)
    if not clock.limit:
        return None
    calendar = _calendar_of(clock, present)
    found = explain_clock(clock, calendar, view.now)
    on = local_date(parse_utc(clock.start))
    return Told(found, view.compiled.pack, on, not clock.calendar or calendar.digest == clock.calendar)


def _calendar_of(clock: Clock, present: Calendar) -> Calendar:
    """The calendar that a period was counted by, as it was kept; else the present one."""
    if clock.calendar in ("", present.digest):
        return present
    with reading():
        kept = store.kept_texts([clock.calendar])
    return kept_calendar(kept[0].text) if kept else present


def explain_question(
    area: str, start: str, limit: str, *, bound: Literal["max", "min"] = "max", now: datetime | None = None
) -> Told:
    """Explain a period that does not exist: by the rules of an area on the day of its start.

    ``area`` has 6, 9 or 12 digits; ``start`` is a local time such as 2026-09-25T10:00; ``limit`` a duration's text.
    Raises BadValue, BadStart or BadDuration.
    """
    if len(area) not in AREA_LENGTHS or not (area.isascii() and area.isdigit()):
        raise BadValue(field="area", value=area[:20])
    begin = _start(start)
    try:
        duration = parse_duration_text(limit)
    except ValueError as error:
        raise BadDuration(given=limit[:60], forms=list(FORMS)) from error
    on, rules = local_date(begin), loaded_rules()
    pack, calendar = rules.pack_for(area.ljust(12, "0"), on), rules.calendar_for(area[:6])
    row = Limit("", duration, bound, "", date.min, date.max, own=False, warn=())
    clock = new_clock("", 1, row, begin, pack=pack, calendar=calendar, on=on)
    return Told(explain_clock(clock, calendar, now or begin), pack, on, is_own_calendar=True)


def _start(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise BadStart(given=text[:40]) from error
    if not FURTHEST[0] <= found.year < FURTHEST[1]:
        raise BadStart(given=text[:40])
    return found if found.tzinfo else found.replace(tzinfo=CHINA)


def words_of(labels: Labels) -> Words:
    """Return where an explanation's words come from for a reader of a case."""
    return Words(labels.speech.say, labels.speech.lang, labels.clause)


def words_in(speech: Speech, pack: Pack) -> Words:
    """Return where they come from without a case; clauses are cited by the pack's sources."""

    def cite(text: str) -> str:
        source, _, item = text.partition(" ")
        found = pack.sources.get(source)
        tail = speech.say("ui.clause_item", item=item) if item.isdigit() else item
        return f"《{found.title}》{tail}" if found else text

    return Words(speech.say, speech.lang, cite)


def grounds(view: CaseView, labels: Labels, kind: str) -> Mapping[str, str]:
    """Return what stands behind each pause of a period, by the time at which it began: the entry and its documents."""
    found = {}
    for entry in view.entries:
        paused = any(e["kind"] == kind and e["how"] == HOW[PAUSE] for e in entry["deadlines"]["ended"])
        if paused:
            found[entry["at"]] = _ground(entry, labels)
    return found


def _ground(entry: Mapping[str, Any], labels: Labels) -> str:
    kinds = list(dict.fromkeys(labels.evidence(item["kind"]) for item in entry["evidence"]))
    named = labels.speech.listed(kinds) if kinds else labels.action(entry["action"])
    return labels.speech.say("explain.ground", seq=entry["seq"], kinds=named)


def pack_text(told: Told, speech: Speech) -> str:
    """Name the pack, its version and the beginning of its digest."""
    label = speech.pick(told.pack.label)
    return speech.say("explain.pack", label=label, edition=told.pack.edition, digest=told.pack.digest[:12])


def calendar_text(told: Told, speech: Speech) -> str:
    """Name the calendar, its version and the beginning of its digest."""
    calendar = told.found.calendar
    return speech.say("explain.calendar", version=calendar.version, digest=calendar.digest[:12])


def body_of(told: Told) -> dict[str, Any]:
    """Return an explanation as the API gives it: every day, whether it counts, and why."""
    clock = told.found.clock
    return {
        "kind": clock.kind, "limit": clock.limit, "extended": list(clock.extended), "bound": clock.bound,
        "start": clock.start, "due": "" if clock.is_paused else clock.due, "paused": clock.is_paused,
        "pauses": [{"from": begin, "to": end} for begin, end in clock.pauses],
        "counting": clock.counting.split(), "clause": clock.clause, "provisional": clock.provisional,
        "pack": {"id": told.pack.id, "version": told.pack.edition, "digest": told.pack.digest},
        "calendar": {"version": told.found.calendar.version, "digest": told.found.calendar.digest},
        "own_calendar": told.is_own_calendar,
        "parts": [_part(link) for link in told.found.links],
    }  # fmt: skip


def _part(link: Any) -> dict[str, Any]:
    return {
        "limit": link.text,
        "start": utc_text(link.start),
        "end": utc_text(link.end.at) if link.end else "",
        "last_day": link.end.last_day.isoformat() if link.end else "",
        "counted": link.counted,
        "days": [
            {"date": s.date.isoformat(), "counted": s.counted, "why": s.why, "moved": s.moved, "pause": s.pause,
             "name": dict(s.name) if s.name else None}
            for s in link.steps
        ],
        "stretches": [{"from": utc_text(s.begin), "to": utc_text(s.end), "runs": s.runs} for s in link.stretches],
    }  # fmt: skip
