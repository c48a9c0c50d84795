"""QR symbols of real prints, scanned badly at 200 dpi, and read back."""

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from random import Random
from typing import Any

import cv2
import numpy as np
import pypdfium2
import zxingcpp

from reports.render import render_trail
from reports.trail import read_trail
from tests.bench.trails import trail_of
from tests.factories import included
from workflows.checkcode import qr_text

DPI = 200
Image = Any  # a grey picture as OpenCV has it
Harm = Callable[[Image, Random], Image]


def first_page(pdf: bytes) -> Image:
    """The first page as a scanner sees it, in grey."""
    with closing(pypdfium2.PdfDocument(pdf)) as document, closing(document[0]) as page:
        return np.ascontiguousarray(page.render(scale=DPI / 72, grayscale=True).to_numpy())


def blurred(page: Image, chance: Random) -> Image:
    return cv2.GaussianBlur(page, (0, 0), chance.uniform(0.8, 1.6))


def turned(page: Image, chance: Random) -> Image:
    high, wide = page.shape
    turn = cv2.getRotationMatrix2D((wide / 2, high / 2), chance.uniform(-3, 3), chance.uniform(0.98, 1.02))
    return cv2.warpAffine(page, turn, (wide, high), borderValue=255)


def noisy(page: Image, chance: Random) -> Image:
    spread = chance.uniform(10, 25)
    noise = np.random.default_rng(chance.randrange(2**32)).normal(0, spread, page.shape)
    return np.clip(page + noise, 0, 255).astype(np.uint8)


def pale(page: Image, chance: Random) -> Image:
    """Grey toner on grey paper."""
    low = chance.uniform(70, 110)
    return (low + page * ((chance.uniform(170, 210) - low) / 255)).astype(np.uint8)


def packed(page: Image, _: Random) -> Image:
    return cv2.imdecode(cv2.imencode(".jpg", page, [cv2.IMWRITE_JPEG_QUALITY, 40])[1], cv2.IMREAD_GRAYSCALE)


HARMS: tuple[Harm, ...] = (turned, blurred, pale, noisy, packed)


def scanned(page: Image, chance: Random) -> Image:
    """All of it at once: turned, blurred, low in contrast, noisy, JPEG of quality 40."""
    for harm in HARMS:
        page = harm(page, chance)
    return page


def read(scan: Image) -> str:
    """What a reader makes of the corner in which the symbol stands, its grain smoothed as scanning programs do."""
    high, wide = scan.shape
    corner = scan[: high // 2, wide // 2 :]
    for picture in (cv2.GaussianBlur(corner, (0, 0), 1.0), corner, scan):
        found = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
        if found:
            return str(found[0].text)
    return ""


def prove(*, scans: int, chance: Random) -> str:
    """Scan prints again and again; raises AssertionError when fewer than 99 of 100 are read, or one is read wrongly."""
    found: Counter[str] = Counter()
    for nth in range(scans):
        if nth % 20 == 0:
            walker = included()
            text = trail_of(15 + nth // 20, walker)
            page, said = first_page(render_trail(text)), _told(text)
        got = read(scanned(page, chance))
        found["read" if got == said else "wrong" if got else "not read"] += 1
    if found["wrong"] or found["read"] < scans * 99 / 100:
        raise AssertionError(dict(found))
    return f"{found['read']} of {scans} bad scans at {DPI} dpi read"


def _told(text: str) -> str:
    trail = read_trail(text)
    return qr_text(trail.case, trail.length, trail.head)
