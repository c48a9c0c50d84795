"""Papers of the process: each kind set as the library is commonly set up, as here, and all of them in one file."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import weasyprint

from app.paper_list import papers
from app.paper_samples import samples_of
from reports.bundle import pages_in
from reports.papers import typeset
from reports.papers.fonts import paper_fonts
from reports.papers.sheets import SHIPPED, filled
from tests.bench.prints import Rate, apart, peak

NOTO = Path("/usr/share/fonts/opentype/noto/NotoSerifCJK-Regular.ttc")  # of Debian's fonts-noto-cjk
OURS = re.compile(r"(?:\b(?:fangsong|kaiti|heiti|xiaobiaosong), )?\bsong\b(?:, rare)?")


def measure(rounds: int) -> Iterator[Rate]:
    """Yield the rates of all kinds of paper without pictures, so often; the common way only where its fonts are."""
    if NOTO.exists():
        yield apart(timed, "as commonly set up: whole fonts of the system, tables by content", rounds, commonly)
    yield apart(timed, "as here: fonts cut beforehand and loaded once, PDF/A", rounds, one_by_one)
    yield apart(timed, "as here, all in one file", rounds, together)


def timed(name: str, rounds: int, make: Callable[[Sequence[str]], list[bytes]]) -> Rate:
    """Set all kinds of paper once to be warm, then so often, and return how long that took."""
    texts = [filled(one.id, samples_of(one)[0], fonts=paper_fonts()) for one in papers().values()]
    texts = [text for text in texts if typeset.SCHEME not in text]
    pages = sum(map(pages_in, make(texts)))
    begun = time.perf_counter()
    for _ in range(rounds):
        make(texts)
    return Rate(name, rounds * len(texts), rounds * pages, time.perf_counter() - begun, peak())


def commonly(texts: Sequence[str]) -> list[bytes]:
    """Set papers with the whole Noto fonts and tables laid out by their content, as the manual's examples do."""
    css = OURS.sub("'Noto Serif CJK SC'", (SHIPPED / "paper.css").read_text(encoding="utf-8"))
    sheet = weasyprint.CSS(string=css.replace("table-layout: fixed", "table-layout: auto"))
    pages = [typeset._document(typeset.Sheet(text, "x")) for text in texts]
    return [bytes(weasyprint.HTML(string=page).write_pdf(stylesheets=[sheet])) for page in pages]


def one_by_one(texts: Sequence[str]) -> list[bytes]:
    """Set each paper as the program does when one is asked for."""
    return [typeset.typeset([typeset.Sheet(text, "x")], fonts=paper_fonts()) for text in texts]


def together(texts: Sequence[str]) -> list[bytes]:
    """Set them as the program does when an area's are asked for."""
    return [typeset.typeset([typeset.Sheet(text, "x") for text in texts], fonts=paper_fonts())]
