"""What a sheet of staff changes, and first passwords, in words: for pages and the command line."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from app.labels import Speech, short_area
from app.services.differences import Change
from app.services.lists import area_names
from app.services.staff import FirstPassword, Imported
from app.services.staff_sheet import FIELDS, book_of

OFFICE = re.compile(r"[a-z_]+@(\d{12,15})")


def names_in(done: Imported) -> Mapping[str, str]:
    """Return the names of all areas that an import speaks of, by code; one query."""
    texts = [text for one in done.differences for change in one.changes for text in (change.before, change.after)]
    codes = {found[1] for text in texts if (found := OFFICE.match(text))}
    return area_names(codes | {term.area for fresh in done.added for term in fresh.terms})


def change_words(words: Speech, change: Change, names: Mapping[str, str]) -> tuple[str, str, str]:
    """Return what a change is called, and its value before and after."""
    label = words.say(f"staff.col_{change.column}")
    if change.column not in ("office", "period"):
        return label, change.before, change.after
    return label, _office(words, change.before, names), _office(words, change.after, names)


def _office(words: Speech, text: str, names: Mapping[str, str]) -> str:
    """role@area, perhaps with first/last day."""
    if not text:
        return words.say("staff.not_held")
    office, _, period = text.partition(" ")
    role, _, area = office.partition("@")
    shown = office_words(words, role, area, names)
    begins, _, ends = period.partition("/")
    last = words.date(date.fromisoformat(ends)) if ends else words.say("staff.open_end")
    return f"{shown} {words.date(date.fromisoformat(begins))}–{last}" if period else shown


def office_words(words: Speech, role: str, area: str, names: Mapping[str, str]) -> str:
    """Return an office as people read it."""
    return words.role(role) + words.aside(short_area(names.get(area, area)))


def password_book(words: Speech, told: Iterable[FirstPassword]) -> bytes:
    """Return first passwords as a workbook."""
    heads: Sequence[str] = (FIELDS["name"][0], FIELDS["username"][0], words.say("staff.password"))
    return book_of([heads, *((one.name, one.username, one.password) for one in told)])
