"""Lines of the access ledger in words: what was looked at, by which page, how many rows; unknown keys as they stand."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import url_for

from app.labels import Speech, action_of, short_area, state_of
from app.runtime import runtime
from app.services.boards import LedgerLine
from app.services.lists import area_names
from app.views.errors import NUMBER

AREA = re.compile(r"[0-9]{6}|[0-9]{12}([0-9]{3})?")  # a county is named by six digits too
AREA_IN = re.compile(r"(?<![0-9A-Za-z])(?:[0-9]{15}|[0-9]{12})(?![0-9A-Za-z])")
ACCOUNT = re.compile(r"u[0-9]+")
DIGEST = re.compile(r"[0-9a-f]{64}")
SHOWN_OF_DIGEST, COUNTY_DIGITS = 12, 6


def ledger_rows(lines: Iterable[LedgerLine], words: Speech) -> list[dict[str, Any]]:
    """Return the lines of a page of the ledger."""
    kept = list(lines)
    codes = {code for line in kept for code in AREA_IN.findall(f"{full(line.subject)} {line.detail}")}
    places = {code: short_area(name) for code, name in area_names(codes).items()} if codes else {}
    told = Told(words, places)
    return [
        {
            "seq": line.seq,
            "at": words.time(line.at),
            "user": line.user,
            "kind": told.word("access", line.kind),
            "subject": told.subject(line.subject),
            "url": subject_url(line.subject),
            "detail": [told.pair(key, value) for key, value in line.detail.items()],
            "hash": line.hash[:16],
        }
        for line in kept
    ]


def full(code: str) -> str:
    """Return a county's code in twelve digits, and anything else as it is."""
    return code.ljust(12, "0") if len(code) == COUNTY_DIGITS and code.isdigit() else code


def subject_url(subject: str) -> str:
    """Return the page of the case or household that a line is about, or an empty text."""
    if not NUMBER.fullmatch(subject):
        return ""
    endpoint = "cases.case" if "-" in subject else "households.household"
    return url_for(endpoint, number=subject)


@dataclass(frozen=True)
class Told:
    """The words of one reader for what the ledger holds, with the names of the areas that stand in it."""

    words: Speech
    places: Mapping[str, str]

    def word(self, table: str, name: str) -> str:
        """Return a word, or the name as it stands when there is none."""
        key = f"{table}.{name}"
        return self.words.say(key) if self.words.knows(key) else name

    def subject(self, subject: str) -> str:
        """Return what a line is about: an area, account, file or page in words; numbers of cases as they stand."""
        if DIGEST.fullmatch(subject):
            return self.words.say("ui.ledger_file", digest=subject[:SHOWN_OF_DIGEST])
        if ACCOUNT.fullmatch(subject):
            return self.words.say("ui.ledger_account", number=subject[1:])
        return self.place(subject) if AREA.fullmatch(subject) else self.page(subject)

    def pair(self, key: str, value: str) -> tuple[str, str]:
        """Return a key of a detail and its value in words."""
        tell = getattr(self, TELLERS.get(key, "plain"))
        return self.word("detail", key), tell(value)

    def plain(self, value: str) -> str:
        """Return a number, a list or a yes."""
        if value == "True":
            return self.words.say("ui.yes")
        return value or self.words.say("ui.nothing")

    def page(self, name: str) -> str:
        """Return a page by the name of its address."""
        return self.word("page", name.replace(".", "_"))

    def place(self, code: str) -> str:
        """Return an area's name."""
        return self.places.get(full(code), code)

    def role(self, name: str) -> str:
        """Return a role's label."""
        return self.words.role(name)

    def offices(self, value: str) -> str:
        """Return offices: "village_cadre@500241103204 …"."""
        held = (office.partition("@") for office in value.split(" "))
        return self.words.listed([f"{self.role(role)}{self.words.aside(self.place(area))}" for role, _, area in held])

    def code(self, value: str) -> str:
        """Return why something was refused, in a few words."""
        return self.word("why", value)

    def action(self, name: str) -> str:
        """Return an action's label, of whichever definition knows it."""
        found = (action_of(self.words, known, name) for known in runtime().rules.definitions.values())
        return next(filter(None, found), "") or self.page(name)

    def state(self, name: str) -> str:
        """Return a state's label, of whichever definition knows it."""
        labels = (state_of(self.words, known, name) for known in runtime().rules.definitions)
        return next((label for label in labels if label != name), name)

    def digest(self, value: str) -> str:
        """Return the beginning of a file's digest."""
        return f"{value[:SHOWN_OF_DIGEST]}…"

    def paper(self, name: str) -> str:
        """Return the title of a paper."""
        return self.word("paper", name)

    def variant(self, name: str) -> str:
        """Return whether a paper was printed filled or blank."""
        return self.word("papers", name)

    def size(self, value: str) -> str:
        """Return a number of bytes as kB."""
        return f"{-(-int(value) // 1000):,} kB" if value.isdecimal() else value


TELLERS = {
    "action": "action",
    "code": "code",
    "page": "page",
    "role": "role",
    "area": "place",
    "township": "place",
    "offices": "offices",
    "state": "state",
    "file": "digest",
    "bytes": "size",
    "paper": "paper",
    "variant": "variant",
    "template": "digest",
}
