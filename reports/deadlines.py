"""Deadlines of a chain against what was done: one row for each period that its entries started."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.entries import Entry
from reports.labels import last_day, word
from workflows.clock import local_date, parse_utc

# How a period may end otherwise than by being met or late; what is not known here was called off.
NAMED_ENDS = ("cancelled", "fired", "paused", "resumed", "extended", "recounted")


@dataclass(frozen=True)
class Period:
    """One period: the started part of the entry that began it, and how it ended, if it did."""

    started: Mapping[str, Any]
    begun_by: Entry
    ended: Mapping[str, Any] | None = None
    ended_by: Entry | None = None
    lapsed_by: Entry | None = None

    @property
    def key(self) -> tuple[str, int]:
        """Kind and generation, unique within a chain."""
        return str(self.started["kind"]), int(self.started["generation"])


def periods_of(entries: Sequence[Entry]) -> list[Period]:
    """Return the periods of a chain in the order in which they were started."""
    ends = {_key(item): (item, entry) for entry in entries for item in entry.body["deadlines"]["ended"]}
    lapses = {_key(found): entry for entry in entries if (found := lapsed_part(entry)) is not None}
    periods = []
    for entry in entries:
        for item in entry.body["deadlines"]["started"]:
            ended, by = ends.get(_key(item), (None, None))
            periods.append(Period(item, entry, ended, by, lapses.get(_key(item))))
    return periods


def lapsed_part(entry: Entry) -> Mapping[str, Any] | None:
    """Return which period a lapse entry notes, or None for other entries."""
    change = entry.body["changes"].get("lapsed")
    value = change["after"] if entry.is_lapse and change else None
    fits = isinstance(value, dict) and "kind" in value and type(value.get("generation")) is int
    return value if fits else None


def days_late(due: str, at: str) -> int:
    """Return by how many local days a moment lies after the last day of a period."""
    return (local_date(parse_utc(at)) - last_day(due)).days


def result_of(period: Period, lang: str, until: str) -> str:
    """Say how a period ended, or how it stands at ``until`` (the time of the trail's last
    entry)."""
    if period.ended is None or period.ended_by is None:
        return _standing(period, lang, until)
    how = str(period.ended["how"])
    return word(
        f"deadline.{_outcome(how, period.started['bound'], period.ended_by)}",
        lang,
        seq=period.ended_by.seq,
        day=local_date(parse_utc(period.ended_by.body["at"])).isoformat(),
        days=max(days_late(period.started["due"], period.ended_by.body["at"]), 0),
    )


def ended_text(item: Mapping[str, Any], entry: Entry, lang: str) -> str:
    """Say in one line which period an entry ended, and whether in time."""
    bound = "min" if item["how"] == "met" and days_late(item["due"], entry.body["at"]) > 0 else "max"
    return word(
        f"deadline.ended_{_outcome(str(item['how']), bound, entry)}",
        lang,
        timer=entry.labels.of("timers", item["kind"]),
        day=last_day(item["due"]).isoformat(),
        days=max(days_late(item["due"], entry.body["at"]), 0),
    )


def _outcome(how: str, bound: str, entry: Entry) -> str:
    """A period met after its due date was a minimum; one that the system ends late was never
    fulfilled."""
    if how == "met":
        return "elapsed" if bound == "min" else "met"
    if how == "late":
        return "missed" if entry.is_system else "late"
    return how if how in NAMED_ENDS else "cancelled"


def is_paused(started: Mapping[str, Any]) -> bool:
    """Tell whether a period began as a pause of the one before."""
    pauses = started.get("pauses", [])
    return bool(pauses and not pauses[-1][1])


def _standing(period: Period, lang: str, until: str) -> str:
    if is_paused(period.started):
        return word("deadline.still_paused", lang)
    days = days_late(period.started["due"], until)
    if days <= 0:
        return word("deadline.running", lang)
    if period.started["bound"] == "min":
        return word("deadline.reached", lang)
    return word("deadline.overdue", lang, days=days)


def _key(item: Mapping[str, Any]) -> tuple[str, int]:
    return str(item["kind"]), int(item["generation"])
