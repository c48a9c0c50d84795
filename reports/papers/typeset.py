"""Papers become one PDF/A: the grid of GB/T 9704-2012, page numbers of their own, a bookmark each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from html import escape
from typing import Any

import pydyf
import weasyprint
from weasyprint.urls import FatalURLFetchingError, URLFetcherResponse

from reports import render
from reports.papers.fonts import PaperFonts
from reports.papers.sheets import SHIPPED
from reports.qr import symbol
from reports.render import VARIANT, BundledFonts, NothingFetched, RenderError
from workflows import journal

SCHEME = "paper-picture:"
ROOM = '<span class="symbol"></span>'  # of the QR symbol in a template
DATES = ("created", "modified")


@dataclass(frozen=True)
class Sheet:
    """One paper to be typeset: HTML of ``filled``, its bookmark, its day (ISO), its pictures by SHA-256.

    ``check``: the check code of an official paper and what its QR symbol says; empty for others.
    """

    html: str
    title: str
    day: str = ""
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    check: tuple[str, str] = ("", "")


class OwnPictures(NothingFetched):
    """Gives the pictures that a paper brought along, by digest, and nothing else."""

    def __init__(self, pictures: Mapping[str, bytes]) -> None:
        super().__init__()
        self._known = pictures

    def fetch(self, url: str, headers: Any = None) -> Any:
        """Return a picture's bytes, refuse every other address."""
        digest = url.removeprefix(SCHEME)
        if not url.startswith(SCHEME) or digest not in self._known:
            return super().fetch(url, headers)
        return URLFetcherResponse(url, self._known[digest], headers={"Content-Type": "image/jpeg"})


class FontFiles(NothingFetched):
    """Gives the fonts of papers and nothing else."""

    def __init__(self, fonts: PaperFonts) -> None:
        super().__init__()
        self._known = {f"fangpin-font:{family}": path for family, path in fonts.files}

    def fetch(self, url: str, headers: Any = None) -> Any:
        """Return a font's bytes, refuse every other address."""
        if url not in self._known:
            return super().fetch(url, headers)
        return URLFetcherResponse(url, self._known[url].read_bytes())


def typeset(
    sheets: Sequence[Sheet], *, fonts: PaperFonts, title: str = "", front: Callable[[list[int]], Sheet] | None = None
) -> bytes:
    """Return one PDF of some papers, in their order; the same papers and fonts give the same bytes.

    ``front`` makes what stands before them (a catalogue) when it is known how many pages each takes.
    Raises RenderError when a font is missing or a paper asks for something from outside.
    """
    with render._one_at_a_time:
        try:
            laid = [_laid(one, fonts) for one in sheets]
            first = [front([len(document.pages) for document in laid])] if front else []
            laid = [*(_laid(one, fonts) for one in first), *laid]
            return _written([*first, *sheets], laid, title)
        except FatalURLFetchingError as error:
            raise RenderError(str(error)) from error


def _written(sheets: Sequence[Sheet], laid: Sequence[Any], title: str) -> bytes:
    whole = laid[0].copy([page for document in laid for page in document.pages])
    whole.metadata.title = title or sheets[0].title
    whole.metadata.keywords = [one.check[0] for one in sheets if one.check[0]]
    identifier = journal.digest(journal.canonical([[one.html, one.title, one.day, *one.check] for one in sheets]))
    return bytes(whole.write_pdf(finisher=_open_metadata, pdf_identifier=identifier.encode(), **VARIANT))


def _open_metadata(document: Any, pdf: Any) -> None:
    """Keep the metadata plain, so that the check codes are found in a file without unpacking a stranger's streams."""
    for item in pdf.objects:
        if isinstance(item, pydyf.Stream) and str(item.extra.get("Type")) == "/Metadata":
            item.compress = False


def _laid(sheet: Sheet, fonts: PaperFonts) -> Any:
    configuration, style = _style(fonts)
    document = weasyprint.HTML(string=_document(sheet), url_fetcher=OwnPictures(sheet.pictures))
    return document.render(stylesheets=[style], font_config=configuration, presentational_hints=False, **VARIANT)


def _document(sheet: Sheet) -> str:
    dates = "".join(f'<meta name="dcterms.{what}" content="{escape(sheet.day)}">' for what in DATES if sheet.day)
    head = f'<meta charset="utf-8"><title>{escape(sheet.title)}</title><meta name="generator" content="fangpin">{dates}'
    body = f'<body data-title="{escape(sheet.title)}">{_checked(sheet)}</body>'
    return f'<!DOCTYPE html><html lang="zh-CN"><head>{head}</head>{body}</html>'


def _checked(sheet: Sheet) -> str:
    """Put the symbol where the template has room for it; one that has none gets it with the code at its end."""
    code, text = sheet.check
    if not code:
        return sheet.html
    drawn = symbol(text)
    box = f'viewBox="0 0 {drawn.side} {drawn.side}"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {box}><path d="{drawn.path}"/></svg>'
    if ROOM in sheet.html and code in sheet.html:
        return sheet.html.replace(ROOM, svg, 1)
    return f'{sheet.html}<div class="ending">{svg}<p class="checked">核验码：{escape(code)}</p></div>'


@cache
def _style(fonts: PaperFonts) -> tuple[Any, Any]:
    for family, path in fonts.files:
        if not path.is_file():
            raise RenderError(f"font missing: {family} ({path.name})")
    configuration = BundledFonts()
    faces = "".join(
        f'@font-face {{ font-family: {name}; src: url("fangpin-font:{name}") }}\n' for name, _ in fonts.files
    )
    css = faces + (SHIPPED / "paper.css").read_text(encoding="utf-8")
    return configuration, weasyprint.CSS(string=css, font_config=configuration, url_fetcher=FontFiles(fonts))
