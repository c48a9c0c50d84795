"""Positions of photos: what a phone writes is read, and nothing that a file says ever does harm."""

import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from app.positions import Position, position_of
from tests.factories import exif_of, photo_at


def read(data: bytes) -> Position | None:
    """What is read from a file's bytes."""
    with Image.open(io.BytesIO(data)) as opened:
        return position_of(opened)


def of(gps: dict[int, Any], photo: dict[int, Any] | None = None) -> Position | None:
    """What is read of a photo with such lines in its EXIF."""
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG", exif=exif_of(gps, photo or {}))
    return read(out.getvalue())


GOOD = {1: "N", 2: (28.0, 26.0, 51.5), 3: "E", 4: (108.0, 59.0, 24.25)}
HERE = (28_447_639, 108_990_069)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_position_is_read_from_each_kind_of_picture(kind: str) -> None:
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, kind, exif=exif_of(GOOD, {0x9003: "2026:03:02 10:15:00"}).tobytes())
    assert read(out.getvalue()) == Position(*HERE, "2026-03-02T02:15:00Z")


def test_hemispheres_and_offsets() -> None:
    photo = {0x9003: "2026:03:02 10:15:00", 0x9011: "-05:30"}
    assert of({**GOOD, 1: "S", 3: "W"}, photo) == Position(-HERE[0], -HERE[1], "2026-03-02T15:45:00Z")
    assert read(photo_at(*HERE)) == Position(*HERE, "")


@pytest.mark.parametrize(
    "change",
    [
        {1: "X"}, {1: ""}, {3: "N"}, {2: (91.0, 0.0, 0.0)}, {4: (180.0, 0.0, 1.0)}, {2: (28.0, 60.0, 0.0)},
        {2: (28.0, 0.0, 60.0)}, {2: (28.0, 26.0)}, {2: (0.0, 0.0, 0.0), 4: (0.0, 0.0, 0.0)},
        {2: (IFDRational(28, 0), IFDRational(0, 1), IFDRational(0, 1))},
        {4: (IFDRational(108, 1), IFDRational(0, 0), IFDRational(0, 1))},
    ],
)  # fmt: skip
def test_what_is_no_place_is_no_position(change: dict[int, Any]) -> None:
    assert of({**GOOD, **change}) is None


@pytest.mark.parametrize("missing", [1, 2, 3, 4])
def test_half_a_place_is_none(missing: int) -> None:
    assert of({key: value for key, value in GOOD.items() if key != missing}) is None
    assert of({}) is None


@pytest.mark.parametrize("taken", ["0000:00:00 00:00:00", "2026:13:01 00:00:00", "yesterday", "1970:01:01 00:00:00"])
def test_a_time_that_is_none_leaves_the_place(taken: str) -> None:
    assert of(GOOD, {0x9003: taken}) == Position(*HERE, "")
    assert of(GOOD, {0x9003: "9999:12:31 23:59:59", 0x9011: "-23:00"}) == Position(*HERE, "")


@settings(deadline=None)
@given(st.integers(-90_000_000, 90_000_000), st.integers(-180_000_000, 180_000_000))
def test_each_place_on_earth_is_read_as_it_was_written(north: int, east: int) -> None:
    found = read(photo_at(north, east))
    assert found == (None if (north, east) == (0, 0) else Position(north, east, ""))


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow tells of damage in its own way
@settings(deadline=None, max_examples=300)
@given(st.data())
def test_no_damage_to_the_lines_of_a_photo_does_harm(data: st.DataObject) -> None:
    """Bytes of the EXIF block are changed one by one; the picture behind them stays readable."""
    photo = bytearray(photo_at(*HERE, "2026:03:02 10:15:00"))
    begin = photo.index(b"Exif\0\0") + 6
    for _ in range(data.draw(st.integers(1, 12))):
        photo[data.draw(st.integers(begin, begin + 260))] = data.draw(st.integers(0, 255))
    try:
        found = read(bytes(photo))
    except (OSError, SyntaxError):  # no picture any more: refused as one before anything is kept of it
        return
    assert found is None or (abs(found.latitude) <= 90_000_000 and abs(found.longitude) <= 180_000_000)
