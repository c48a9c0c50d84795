"""The index before many trails: fixed columns of fixed lines, so that its pages are counted before they are set."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, cast

import weasyprint
from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from weasyprint.urls import FatalURLFetchingError

from reports import render
from reports.glyphs import written_out
from reports.render import BUNDLED, DOCUMENTS, VARIANT, BundledFonts, FontsFetched, NothingFetched, RenderError
from workflows import journal

# Columns: number, case, household, place, entries, page. Characters that fit, a Chinese one counted as one.
WIDTHS = (3.5, 12.5, 9.0, 15.5, 3.5, 4.5)
LINES = 48  # of a page
FIRST = 34  # of the first page, which has a title and what the bundle is
NARROW = 0.56  # how wide a Latin letter or digit of the font is at most, for a Chinese one
WIDE = 0x1100

Row = Sequence[str]
Page = list[Row]


def wrapped(text: str, width: float) -> list[str]:
    """Return a text as lines of a width; nothing is cut off."""
    lines, used = [""], 0.0
    for sign in text:
        size = 1.0 if ord(sign) >= WIDE else NARROW
        if used + size > width and lines[-1]:
            lines.append("")
            used = 0.0
        lines[-1] += sign
        used += size
    return lines


def pages_of(rows: Iterable[Row]) -> list[Page]:
    """Return the lines of each page; a row stays together."""
    pages: list[Page] = [[]]
    for row in rows:
        cells = [wrapped(text, width) for text, width in zip(row, WIDTHS, strict=True)]
        height = max(map(len, cells))
        if len(pages[-1]) + height > (FIRST if len(pages) == 1 else LINES):
            pages.append([])
        pages[-1] += [[cell[n] if n < len(cell) else "" for cell in cells] for n in range(height)]
    return pages


def render_index(values: Mapping[str, Any]) -> bytes:
    """Return the PDF/A-3u of some pages of an index: ``title`` and ``lines`` (first part only), ``columns``, ``pages``.

    ``first`` is the number of its first page. Raises RenderError when a page came out as more than one.
    """
    safe = cast("dict[str, Any]", written_out(dict(values), BUNDLED.text))
    pages = [["\n".join(column) for column in zip(*page, strict=True)] if page else [] for page in safe["pages"]]
    html = _template().render(v={"title": "", "lines": [], "first": 1, **safe, "pages": pages})
    with render._one_at_a_time:
        configuration, sheet = _style()
        try:
            document = weasyprint.HTML(string=html, url_fetcher=NothingFetched())
            laid = document.render(stylesheets=[sheet], font_config=configuration, **VARIANT)
        except FatalURLFetchingError as error:
            raise RenderError(str(error)) from error
        if len(laid.pages) != len(pages):
            raise RenderError(f"index: {len(laid.pages)} pages instead of {len(pages)}")
        return bytes(laid.write_pdf(pdf_identifier=journal.digest(html).encode(), **VARIANT))


@cache
def _style() -> tuple[Any, Any]:
    configuration = BundledFonts()
    css = "".join(render._face(family) for family in BUNDLED.files)
    css += (DOCUMENTS / "bundle.css").read_text(encoding="utf-8")
    return configuration, weasyprint.CSS(string=css, font_config=configuration, url_fetcher=FontsFetched(BUNDLED))


@cache
def _template() -> Any:
    environment = SandboxedEnvironment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=FileSystemLoader(DOCUMENTS),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("bundle.html")
