"""Papers of the process: what can be printed now and why not, and the values of each."""

from app.services.papers.archive import Archive, archive_of
from app.services.papers.areas import of_area, places_of
from app.services.papers.case import cases_of_area, of_case, of_cases, options_of, ready_of
from app.services.papers.made import Made, Option, ensure_may, is_of_case
from app.services.papers.places import blank_of, printable

__all__ = [
    "Archive", "Made", "Option", "archive_of", "blank_of", "cases_of_area", "ensure_may", "is_of_case", "of_area",
    "of_case", "of_cases", "options_of", "places_of", "printable", "ready_of",
]  # fmt: skip
