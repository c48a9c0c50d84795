"""一户一档: all papers and photos of a household in order, behind a cover and a catalogue with page numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.services import cases, lists
from app.services.cases import CaseView
from app.services.papers.case import Facts, paper_of, ready_of
from app.services.papers.made import Made, ensure_may, made, paper_named, words_of
from workflows.errors import NotFound
from workflows.model import Actor

COVER, PHOTOS = "archive_cover", "archive_photos"


@dataclass(frozen=True)
class Archive:
    """A household's file before it is typeset: its papers in order, and what the cover says."""

    parts: Sequence[Made]
    views: Sequence[CaseView]

    def cover(self, pages: Sequence[int]) -> Made:
        """Return cover and catalogue, given how many pages each part takes."""
        last = self.views[-1]
        row, words = paper_named(COVER), words_of(last.household.village, last.now)
        facts = Facts(last, words, row)
        firsts = [sum(pages[:number]) + 1 for number in range(len(pages))]
        contents = [
            {"title": part.title, "first": str(first), "pages": str(count)}
            for part, first, count in zip(self.parts, firsts, pages, strict=True)
        ]
        known = {
            "contents": contents,
            "pages": str(sum(pages)),
            "begun": words.date(min(view.case.opened_at for view in self.views)),
            "until": words.date(max(view.entries[-1]["at"] for view in self.views)),
        }
        values = {name: known[name] if name in known else getattr(facts, name)() for name in row.shows}
        office = facts.areas.get(last.household.village, "")
        return made(row, words, values, subject=last.household.number, now=last.now, office=office)


def archive_of(actor: Actor, *, household: str) -> Archive:
    """Return a household's file; raises NotFound (no such household for the person, or no case of it yet)."""
    ensure_may(actor, paper_named(COVER))
    page = lists.household_page(actor, household)
    views = [cases.case_view(actor, case=case.number) for case in page.cases]
    parts = [part for view in views for part in _parts(actor, view)]
    if not parts or not page.is_whole:
        raise NotFound(household=household)
    return Archive(parts, views)


def _parts(actor: Actor, view: CaseView) -> list[Made]:
    photos = paper_of(actor, paper_named(PHOTOS), view)
    return [*ready_of(actor, view), *([photos] if photos.values["photos"] else [])]
