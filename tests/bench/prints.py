"""Trails in bulk: set plainly, by one and by two warm processes, merged from what is kept; one very long trail."""

import resource
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from tempfile import TemporaryFile
from typing import BinaryIO, cast

import weasyprint

from app.services import print_store
from reports import bundle, render
from reports.bundle_index import pages_of, render_index
from reports.pool import Order, Pool
from reports.trail import read_trail
from reports.view import view_of
from tests.bench.trails import trail_of
from tests.factories import included
from tests.world import KEYS

ENTRIES = 15
COLUMNS = ("", "", "", "", "", "")


@dataclass(frozen=True)
class Rate:
    """How many trails and pages took how long, and what a process held at most (bytes)."""

    name: str
    trails: int
    pages: int
    seconds: float
    peak: int


def measure(count: int, merged: int, long: int) -> Iterator[Rate]:
    """Yield the rates: ``count`` trails set in each way, ``merged`` merged, one trail of ``long`` entries."""
    text = trail_of(ENTRIES, included())
    yield apart(timed, "WeasyPrint as it comes, fonts loaded for each document", text, count, _plain)
    yield apart(timed, "one process, fonts loaded once", text, count, render.render_trail)
    pdf = b""
    for workers in (1, 2):
        found, peak, seconds = _pooled([text] * count, workers)
        pdf = found[0]
        yield Rate(f"{workers} warm processes with limits", count, _pages(found), seconds, peak)
    yield apart(_merged, pdf, merged)
    found, peak, seconds = _pooled([trail_of(long, included())], 1)
    yield Rate(f"one trail of {long} entries, alone", 1, _pages(found), seconds, peak)


def apart(measured: Callable[..., Rate], *values: object) -> Rate:
    """Measure in a process of its own, so that its memory is its own too."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(measured, *values).result()


def timed(name: str, text: str, count: int, make: Callable[[str], bytes]) -> Rate:
    make(text)
    begun = time.perf_counter()
    found = [make(text) for _ in range(count)]
    return Rate(name, count, _pages(found), time.perf_counter() - begun, peak())


def _plain(text: str) -> bytes:
    """The same document as whoever follows the library's manual sets it: everything read anew each time."""
    trail = read_trail(text)
    html = render._template().render(**view_of(trail, None), stamp="", until_w3c="")
    fonts = render.BUNDLED
    configuration = render.BundledFonts()
    css = "".join(render._face(family) for family in fonts.files)
    css += (render.DOCUMENTS / "trail.css").read_text(encoding="utf-8")
    sheet = weasyprint.CSS(string=css, font_config=configuration, url_fetcher=render.FontsFetched(fonts))
    document = weasyprint.HTML(string=html, url_fetcher=render.NothingFetched())
    return bytes(document.write_pdf(stylesheets=[sheet], font_config=configuration, **render.VARIANT))


def _pooled(texts: Sequence[str], workers: int) -> tuple[list[bytes], int, float]:
    with Pool(workers) as pool:
        list(pool.run(_order(texts[0][:1]) for _ in range(workers)))  # warm: their failure is quick
        begun = time.perf_counter()
        found = list(pool.run(_order(text) for text in texts))
        seconds = time.perf_counter() - begun
    if any(one.reason for one in found):
        raise RuntimeError(f"not set: {[one.reason for one in found]}")
    return [one.pdf for one in found], max(one.peak for one in found), seconds


def _order(text: str) -> Order:
    return Order("trail", {"trail_text": text, "signed": False}, seconds=600)


def _merged(pdf: bytes, count: int) -> Rate:
    """All that a bundle of kept trails costs: each decrypted, its pages, index and bookmarks put into one file."""
    key, each = "0" * 64, bundle.pages_in(pdf)
    kept = KEYS.seal(pdf, place=f"{print_store.PRINTS}:{key}")
    begun = time.perf_counter()
    rows = ([str(n), "500241H0000001-C1", "张三", "平所村", "15", str(n * each)] for n in range(count))
    index = {"title": "x", "lines": [], "columns": COLUMNS, "pages": pages_of(rows)}
    marks = [bundle.Mark("村", "户", n * each) for n in range(count)]
    prints = (KEYS.unseal(kept, place=f"{print_store.PRINTS}:{key}") for _ in range(count))
    with TemporaryFile() as out:
        pages = bundle.merge(prints, lambda: [render_index(index)], marks, cast("BinaryIO", out))
    return Rate("merged from what is kept, with index", count, pages, time.perf_counter() - begun, peak())


def _pages(found: Sequence[bytes]) -> int:
    return sum(map(bundle.pages_in, found))


def peak() -> int:
    """Return the most memory that this process has held (bytes)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
