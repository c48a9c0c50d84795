"""Typesetting: a trail becomes PDF/A-3u bytes with WeasyPrint, the same bytes for the same
trail."""

import hashlib
import os
import re
import threading
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, cast

import fontTools
import pydyf
import segno
from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

import reports
import templates
from reports.annex import read_annex
from reports.annex_view import words_digest
from reports.fangpin_verify import NOTE, NOTE_FORMAT, Pdf, note_body
from reports.glyphs import written_out
from reports.seal import read_seal
from reports.trail import Trail, read_trail
from reports.view import view_of
from workflows import journal, terms
from workflows.annexes import FORMAT
from workflows.clock import parse_utc

with warnings.catch_warnings():
    # On a machine without any font WeasyPrint warns at import; ours come with the package.
    warnings.simplefilter("ignore")
    import weasyprint
    from weasyprint.text.ffi import pango
    from weasyprint.text.fonts import FontConfiguration
    from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

FONT_FOLDER = Path(reports.__file__).parent / "fonts"
DOCUMENTS = templates.PATH / "documents"
ATTACHMENT, SEAL, ANNEX = "trail.json", "seal.json", "annex.json"
FORMS = {SEAL: "fp-seal-v1", ANNEX: FORMAT, NOTE: NOTE_FORMAT}
#: (what is to be signed) → the same as a signed note
Seal = Callable[[str], str]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STAMP = re.compile(r"fp-render-v1(?: [a-z]+/[0-9a-z.]{1,32}){1,12}")
NO_SYSTEM_FONTS = "<?xml version='1.0'?><!DOCTYPE fontconfig SYSTEM 'fonts.dtd'><fontconfig/>"
VARIANT = {"pdf_variant": "pdf/a-3u", "output_intent": "srgb"}
_one_at_a_time = threading.RLock()


class RenderError(RuntimeError):
    """A document asked for something from outside, or a font is missing; nothing was printed."""


@dataclass(frozen=True)
class Fonts:
    """The three font files: text, headings, and rare characters that the others lack."""

    song: Path = FONT_FOLDER / "FangpinSong-Regular.ttf"
    hei: Path = FONT_FOLDER / "FangpinHei-Bold.ttf"
    rare: Path = FONT_FOLDER / "FangpinRare-Regular.ttf"

    @property
    def files(self) -> dict[str, Path]:
        """The files by family name."""
        return {"FangpinSong": self.song, "FangpinHei": self.hei, "FangpinRare": self.rare}

    @property
    def text(self) -> tuple[Path, ...]:
        """The files that together must cover every character (Hei falls back to them)."""
        return (self.song, self.rare)


BUNDLED = Fonts()


class NothingFetched(URLFetcher):  # type: ignore[misc]
    """A document brings all it needs along; a wish for anything else stops the print."""

    def fetch(self, url: str, headers: Any = None) -> Any:
        """Refuse every address."""
        raise FatalURLFetchingError(f"a printed document may not fetch: {url[:80]}")


class FontsFetched(NothingFetched):
    """Gives the bundled font files and nothing else, by addresses such as
    ``fangpin-font:FangpinSong``."""

    def __init__(self, fonts: Fonts) -> None:
        super().__init__()
        self._known = {f"fangpin-font:{family}": path for family, path in fonts.files.items()}

    def fetch(self, url: str, headers: Any = None) -> Any:
        """Return a font's bytes, refuse every other address."""
        if url not in self._known:
            return super().fetch(url, headers)
        return URLFetcherResponse(url, self._known[url].read_bytes())


class BundledFonts(FontConfiguration):  # type: ignore[misc]
    """A font configuration that knows no font of the machine, so that a print looks the same
    everywhere."""

    def __init__(self) -> None:
        with _fontconfig_without_system():
            super().__init__()


def render_trail(
    trail_text: str,
    *,
    seal_text: str = "",
    annex_text: str = "",
    fonts: Fonts = BUNDLED,
    stamp: str = "",
    seal: Seal | None = None,
) -> bytes:
    """Return the PDF/A-3u of a trail.json text and, beside it, of its seal.json and annex.json; the same texts
    give the same bytes in any process, on any day.

    ``seal`` gets the list of digests of all that is in the file and returns it signed (``print.note``).

    Raises MalformedTrail or RenderError. A character that no font covers is printed as its number. ``stamp`` is for
    the check alone: it repeats what another file says of the versions that made it.
    """
    trail = read_trail(trail_text)
    sealed = read_seal(seal_text) if seal_text else None
    annex = read_annex(annex_text) if annex_text else None
    view = cast("dict[str, Any]", written_out(view_of(trail, sealed, annex), fonts.text))
    html = _template().render(**view, stamp=stamp or stamp_of(fonts), until_w3c=_last_moment(trail))
    with _one_at_a_time:
        document = _laid_out(html, fonts)
        beside = {name: text for name, text in ((SEAL, seal_text), (ANNEX, annex_text)) if text}
        if seal is None:
            return _written(document, trail, beside)
        # What is listed stands in the file before it is signed: only the list's own text changes after.
        listed = note_body(Pdf(_written(document, trail, {**beside, NOTE: ""})), trail.text)
        return _written(document, trail, {**beside, NOTE: seal(listed)})


def stamp_of(fonts: Fonts = BUNDLED) -> str:
    """Name all that decides the bytes besides the trail: versions of the libraries, digests of
    fonts and layout.

    It stands in the PDF's own metadata (Keywords), never in a chain.
    """
    parts = {
        "weasyprint": weasyprint.VERSION,
        "pydyf": pydyf.__version__,
        "fonttools": fontTools.version,
        "pango": str(pango.pango_version()),
        "harfbuzz": _harfbuzz_version(),
        "segno": segno.__version__,
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
        "fonts": _digest_of(tuple(fonts.files.values())),
        "layout": _digest_of(_layout_files()),
        "words": words_digest(),
    }
    return " ".join(["fp-render-v1", *(f"{name}/{value}" for name, value in parts.items())])


def _laid_out(html: str, fonts: Fonts) -> Any:
    configuration, sheet = _style(fonts)
    try:
        document = weasyprint.HTML(string=html, url_fetcher=NothingFetched())
        return document.render(stylesheets=[sheet], font_config=configuration, presentational_hints=False, **VARIANT)
    except FatalURLFetchingError as error:
        raise RenderError(str(error)) from error


def _written(document: Any, trail: Trail, beside: Mapping[str, str]) -> bytes:
    """Write the pages with the trail and what stands beside it as attachments."""
    at = parse_utc(_last_moment(trail)) if _last_moment(trail) else EPOCH
    attached = {ATTACHMENT: (trail.text, "fp-trail-v1")} | {name: (text, FORMS[name]) for name, text in beside.items()}
    attachments = [
        weasyprint.Attachment(
            file_obj=BytesIO(text.encode()),
            name=name,
            description=form,
            created=at,
            modified=at,
            relationship="Data",
            url_fetcher=NothingFetched(),
        )
        for name, (text, form) in attached.items()
    ]
    return bytes(
        document.write_pdf(finisher=_finished, attachments=attachments, pdf_identifier=trail.head.encode(), **VARIANT)
    )


def _finished(_document: Any, pdf: Any) -> None:
    """WeasyPrint 70 lists an attachment twice under /AF: by the name tree and by its type.

    Each object is written by itself and found by a plain table, so that a small program can check every one of them.
    """
    pdf.catalog["AF"] = pydyf.Array(dict.fromkeys(pdf.catalog["AF"]))
    write = pdf.write
    pdf.write = lambda output, version, identifier, _compress: write(output, version, identifier)


@cache
def _style(fonts: Fonts) -> tuple[Any, Any]:
    """One font configuration and parsed style sheet for the whole process."""
    for path in fonts.files.values():
        if not path.is_file():
            raise RenderError(f"font missing: {path.name}")
    configuration = BundledFonts()
    faces = "".join(_face(family) for family in fonts.files)
    css = faces + (DOCUMENTS / "trail.css").read_text(encoding="utf-8")
    sheet = weasyprint.CSS(string=css, font_config=configuration, url_fetcher=FontsFetched(fonts))
    return configuration, sheet


def _face(family: str) -> str:
    weight = "bold" if family == "FangpinHei" else "normal"
    source = f'url("fangpin-font:{family}")'
    return f"@font-face {{ font-family: {family}; font-weight: {weight}; src: {source} }}\n"


@cache
def _template() -> Any:
    environment = SandboxedEnvironment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=FileSystemLoader(DOCUMENTS),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("trail.html")


def _last_moment(trail: Trail) -> str:
    """The time of the newest entry, as the PDF's own date; empty for a trail without entries."""
    times = (journal.parse_entry(text)["at"] for chain in trail.chains for text in chain.entries)
    return max(times, default="")


@contextmanager
def _fontconfig_without_system() -> Iterator[None]:
    before = os.environ.get("FONTCONFIG_FILE")
    with NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(NO_SYSTEM_FONTS)
        file.flush()
        os.environ["FONTCONFIG_FILE"] = file.name
        try:
            yield
        finally:
            os.environ.pop("FONTCONFIG_FILE")
            if before is not None:
                os.environ["FONTCONFIG_FILE"] = before


@cache
def _digest_of(paths: tuple[Path, ...]) -> str:
    total = hashlib.sha256()
    for path in paths:
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:16]


@cache
def _layout_files() -> tuple[Path, ...]:
    """Everything of ours that decides how a trail looks."""
    own = Path(reports.__file__).parent
    modules = (
        "trail",
        "seal",
        "annex",
        "annex_view",
        "entries",
        "deadlines",
        "labels",
        "explained",
        "view",
        "glyphs",
        "qr",
        "render",
    )
    code = [own / f"{name}.py" for name in modules]
    return (
        *code,
        *(DOCUMENTS / name for name in ("trail.html", "trail.css", "words.toml")),
        terms.TERMS_FILE,
        Path(terms.__file__),
    )


@cache
def _harfbuzz_version() -> str:
    """WeasyPrint only asks whether a version is reached; find the newest that is."""
    from weasyprint.text.ffi import harfbuzz

    reached = ((a, b) for a in range(20, 0, -1) for b in range(30, -1, -1) if harfbuzz.hb_version_atleast(a, b, 0))
    return ".".join(map(str, next(reached, (0, 0))))
