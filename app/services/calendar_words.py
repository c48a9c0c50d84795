"""What people read of the calendar: on what a year rests, and what a document says."""

from collections.abc import Iterable, Iterator
from datetime import date

from app.labels import Speech
from workflows.calendar_file import Document, festivals, ranges
from workflows.calendars import Calendar


def source_lines(words: Speech, found: Calendar, year: int) -> list[str]:
    """Return what a year rests on: its notice, or that there is none yet."""
    notice = next((one for one in found.years if one.year == year), None)
    if notice is None:
        return [words.say("calendar.provisional", year=year)]
    key = "calendar.by_notice" if notice.date else "calendar.by_notice_undated"
    day = words.date(date.fromisoformat(notice.date)) if notice.date else ""
    told = {"title": notice.title, "number": notice.number, "day": day}
    lines = [words.say(key, **told) if notice.number else words.say("calendar.by_shipped")]
    return [*lines, words.say("calendar.provisional_end", year=year)] if year == found.last_year else lines


def rows_said(words: Speech, document: Document) -> Iterator[tuple[str, str]]:
    """Yield the name and the days of each row of a document."""
    for row in document.days:
        days = {"off": row.off, "worked": row.worked, "plain": row.plain}
        said = (f"{words.say(f'calendar.row.{key}')} {_days(found)}" for key, found in days.items() if found)
        yield (
            words.pick(row.words) or words.listed([words.pick(festivals().get(n), n) for n in row.names]),
            "  ".join(said),
        )


def _days(days: Iterable[date]) -> str:
    return ", ".join(ranges(days))
