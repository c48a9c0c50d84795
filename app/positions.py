"""Where and when a photo was taken, as the phone wrote it into the file (EXIF): read once, when it is taken in.

Whatever is missing, malformed or impossible is no position: a photo is never refused for what its phone wrote.
"""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from PIL import Image

from workflows.clock import CHINA, utc_text

MICRO = 1_000_000
GPS, PHOTO = 0x8825, 0x8769  # numbers of EXIF's own tables, and of their lines (CIPA DC-008, 4.6)
LATITUDE, LONGITUDE = (1, 2, "NS", 90), (3, 4, "EW", 180)
TAKEN, OFFSET = 0x9003, 0x9011
FIRST_YEAR = 2000  # before it no phone took a photo: a clock that was never set
NO_EXIF = (
    OSError, EOFError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, struct.error,
)  # fmt: skip


@dataclass(frozen=True)
class Position:
    """A place in micro-degrees north and east, and the moment as UTC text (empty: the phone wrote none)."""

    latitude: int
    longitude: int
    taken_at: str


def position_of(image: Image.Image) -> Position | None:
    """Return where a picture was taken; None where its file does not say so in earnest."""
    try:
        where = image.getexif().get_ifd(GPS)
        north, east = _degrees(where, *LATITUDE), _degrees(where, *LONGITUDE)
    except NO_EXIF:
        return None
    # Phones without a fix write 0, 0: a place in the sea off Africa.
    return None if (north, east) == (0, 0) else Position(north, east, _taken_at(image))


def _taken_at(image: Image.Image) -> str:
    try:
        return _moment(image.getexif().get_ifd(PHOTO))
    except NO_EXIF:
        return ""


def _degrees(where: Mapping[int, Any], side: int, number: int, sides: str, most: int) -> int:
    """Return micro-degrees of degrees, minutes, seconds and hemisphere; raises ValueError and its like."""
    degrees, minutes, seconds = (float(part) for part in where[number])
    is_number = all(math.isfinite(part) and part >= 0 for part in (degrees, minutes, seconds))
    whole = degrees + minutes / 60 + seconds / 3600
    if not is_number or minutes >= 60 or seconds >= 60 or whole > most:
        raise ValueError(number)
    sign = {sides[0]: 1, sides[1]: -1}[_text(where[side])]
    return sign * round(whole * MICRO)


def _moment(photo: Mapping[int, Any]) -> str:
    """Return the moment of taking; a phone that names no offset runs on China's clock."""
    offset = _text(photo.get(OFFSET, ""))
    zone = datetime.strptime(offset, "%z").tzinfo if offset else CHINA
    moment = datetime.strptime(_text(photo[TAKEN]), "%Y:%m:%d %H:%M:%S").replace(tzinfo=zone)
    if moment.year < FIRST_YEAR:
        raise ValueError(moment.year)
    return utc_text(moment)


def _text(value: Any) -> str:
    text = value.decode("ascii") if isinstance(value, bytes) else str(value)
    return text.strip("\0 ")
