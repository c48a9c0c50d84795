"""What is printed of the rules themselves: handbook, permission matrix, clause list, as PDF/A; values in, bytes out.

The same values give the same bytes in any process: no clock is read, no font of the machine is used.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, cast

import weasyprint
from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup
from weasyprint.urls import FatalURLFetchingError

from reports import render
from reports.diagram import draw
from reports.glyphs import written_out
from reports.render import BUNDLED, DOCUMENTS, VARIANT, BundledFonts, Fonts, FontsFetched, NothingFetched, RenderError
from workflows import journal

KINDS = ("handbook", "matrix", "clauses", "urging")
TEXT, HEAD = "FangpinSong, FangpinRare", "FangpinHei, FangpinSong, FangpinRare"


def render_sheet(kind: str, values: Mapping[str, Any], *, fonts: Fonts = BUNDLED) -> bytes:
    """Return the PDF of a handbook, matrix or clause list; a character that no font covers prints as its number.

    Raises RenderError when a font is missing or the document asks for something from outside.
    """
    safe = cast("dict[str, Any]", written_out(dict(values), fonts.text))
    html = _template(kind).render(v=safe, draw=_drawn)
    # One lock for all typesetting: the libraries beneath are not safe to be used by two threads.
    with render._one_at_a_time:
        return _typeset(html, journal.digest(journal.canonical(safe)), fonts)


def _drawn(values: Mapping[str, Any], name: str) -> Markup:
    """The diagram without the lists beneath, which stand as text; our own template escapes all that is in it."""
    return Markup(draw(values, name=name, family=TEXT, head=HEAD, notes=False))  # noqa: S704


def _typeset(html: str, identifier: str, fonts: Fonts) -> bytes:
    configuration, sheet = _style(fonts)
    try:
        document = weasyprint.HTML(string=html, url_fetcher=NothingFetched())
        pdf = document.render(stylesheets=[sheet], font_config=configuration, presentational_hints=False, **VARIANT)
        return bytes(pdf.write_pdf(pdf_identifier=identifier.encode(), **VARIANT))
    except FatalURLFetchingError as error:
        raise RenderError(str(error)) from error


@cache
def _style(fonts: Fonts) -> tuple[Any, Any]:
    for path in fonts.files.values():
        if not path.is_file():
            raise RenderError(f"font missing: {path.name}")
    configuration = BundledFonts()
    css = "".join(render._face(family) for family in fonts.files)
    css += (DOCUMENTS / "sheet.css").read_text(encoding="utf-8")
    return configuration, weasyprint.CSS(string=css, font_config=configuration, url_fetcher=FontsFetched(fonts))


@cache
def _template(kind: str) -> Any:
    if kind not in KINDS:
        raise ValueError(f"no such sheet: {kind}")
    environment = SandboxedEnvironment(
        autoescape=True, undefined=StrictUndefined, loader=FileSystemLoader(DOCUMENTS), trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template(f"{kind}.html")
