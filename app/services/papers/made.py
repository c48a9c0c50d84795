"""What all papers share: who may print one, what is made, the words that stand on each."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.labels import Speech
from app.paper_list import Paper, only, papers
from app.store import issued, ledger
from app.store.transaction import writing
from workflows.clock import local_date
from workflows.errors import NotAllowed, NotFound
from workflows.model import Actor

# Papers are in Chinese whoever prints them: official documents are written in the national language.
LANGUAGE = "zh"


@dataclass(frozen=True)
class Made:
    """A paper with its values, ready to be shown or printed; ``subject`` is the case or area that it is about.

    ``issuer``: the area (12 digits) whose office issues an official one; ``line`` of the ledger that issued it, or 0.
    """

    paper: Paper
    county: str
    subject: str
    values: Mapping[str, Any]
    now: datetime
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    issuer: str = ""
    line: int = 0

    @property
    def is_blank(self) -> bool:
        """Tell whether it is to be filled in by hand."""
        return bool(self.values["blank"])

    @property
    def title(self) -> str:
        """The title on the paper."""
        return str(self.values["title"])

    @property
    def bookmark(self) -> str:
        """The title in a batch; of what is hung up it names the place alone, of a case the household."""
        head = "" if self.paper.is_public else str(self.values.get("head") or "")
        return f"{self.title}　{head}" if head else self.title

    @property
    def file_name(self) -> str:
        """A file name in which nothing of a household stands but its number."""
        return f"{self.paper.id}-{self.subject}.pdf"


@dataclass(frozen=True)
class Option:
    """A paper on a list: can be printed filled, or what must come first (``after``), or who prints it."""

    paper: Paper
    is_ready: bool = True
    after: Sequence[str] = ()
    is_mine: bool = True


def paper_named(name: str) -> Paper:
    """Return a paper of the catalogue; NotFound for none."""
    found = papers().get(name)
    if found is None:
        raise NotFound(paper=name[:40])
    return found


def is_of_case(name: str) -> bool:
    """Tell whether a paper is about one case, and not about an area; raises NotFound for none."""
    return paper_named(name).of == "case"


def may(actor: Actor, paper: Paper) -> bool:
    """Tell whether a person holds one of the offices that print a paper."""
    return any(office.role in paper.roles for office in actor.offices)


def ensure_may(actor: Actor, paper: Paper) -> None:
    """Raise NotAllowed unless the person may print the paper."""
    if not may(actor, paper):
        raise NotAllowed(reason="print")


def words_of(area: str, now: datetime) -> Speech:
    """Return the words of a place on a day, in the language of papers."""
    return Speech(LANGUAGE, local_date(now), area)


def made(
    paper: Paper,
    words: Speech,
    values: Mapping[str, Any],
    *,
    subject: str,
    now: datetime,
    office: str = "",
    blank: bool = False,
    issuer: str = "",
    pictures: Mapping[str, bytes] | None = None,
) -> Made:
    """Return a paper with its values and what stands on each; raises NotOnList for a value that it may not show."""
    today = local_date(now)
    standing = {
        "kind": paper.kind,
        "title": words.say(f"paper.{paper.id}"),
        "blank": blank,
        "office": office,
        "docnumber": "",
        "check": {"code": "", "text": ""},
        "year": str(today.year),
        "day": "　　年　　月　　日" if blank else words.date(today),
        "words": {
            "monitored": words.say("household.monitored"),
            "monitoring": words.say("household.monitoring"),
        },
    }
    return Made(paper, subject[:6], subject, only(paper, {**standing, **values}), now, pictures or {}, issuer)


def note_prints(actor: Actor, found: Sequence[tuple[Made, str]], *, pdf: bytes) -> None:
    """Write one line a paper to the access ledger, with the digest of a county's own template where one was used.

    A file with an issued paper is found again by its digest, so that anybody may hold it against ours.
    """
    file, issues = hashlib.sha256(pdf).hexdigest(), sum(1 for one, _ in found if one.line)
    with writing() as now:
        for one, template in found:
            detail: dict[str, Any] = {
                "paper": one.paper.id,
                "variant": "blank" if one.is_blank else "filled",
                "bytes": len(pdf),
            }
            own: dict[str, Any] = {"template": template} if template else {}
            own |= {"line": one.line, "file": file, "papers": issues} if one.line else {}
            line = ledger.append(
                one.county, user=actor.id, kind="paper_print", subject=one.subject, now=now, detail={**detail, **own}
            )
            if one.line:
                issued.point(issued.FILE, file, one.county, line)
