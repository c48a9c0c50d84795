"""Perceptual hashes: the same photo stays near whatever a phone does to it, another one does not."""

import io
import random
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageEnhance

from app.pictures import difference_hash, hash_of_file, is_empty, near_pairs, note, noted


def scene(seed: int) -> Image.Image:
    """An invented photo: ground, sky and some things."""
    chance = random.Random(seed)
    picture = Image.new("RGB", (640, 480), tuple(chance.randrange(256) for _ in range(3)))
    draw = ImageDraw.Draw(picture)
    for _ in range(14):
        x, y = chance.randrange(600), chance.randrange(440)
        colour = tuple(chance.randrange(256) for _ in range(3))
        draw.ellipse((x, y, x + chance.randrange(40, 260), y + chance.randrange(40, 260)), fill=colour)
    return picture


def saved(picture: Image.Image, quality: int) -> bytes:
    """The bytes of a picture as a phone would send it."""
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()


def apart(one: int, other: int) -> int:
    return (one ^ other).bit_count()


@pytest.mark.parametrize("seed", range(12))
def test_a_photo_sent_again_smaller_and_brighter_is_near(seed: int) -> None:
    picture = scene(seed)
    again = ImageEnhance.Brightness(picture.resize((320, 240))).enhance(1.08)
    assert apart(hash_of_file(saved(picture, 90)), hash_of_file(saved(again, 45))) <= 3


def test_other_photos_are_far() -> None:
    hashes = [difference_hash(scene(seed)) for seed in range(40)]
    assert min(apart(a, b) for a, b in combinations(hashes, 2)) > 3


def test_an_empty_picture_is_like_nothing() -> None:
    assert is_empty(difference_hash(Image.new("RGB", (64, 64), "white")))
    assert list(near_pairs({"a": 0, "b": 0}, 3)) == []


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=8), st.integers(0, 3), st.randoms())
def test_pairs_are_those_of_the_plain_comparison(some: list[int], most: int, chance: random.Random) -> None:
    near = [bits ^ sum(1 << place for place in chance.sample(range(64), chance.randrange(5))) for bits in some]
    hashes = {str(place): bits for place, bits in enumerate([*some, *near]) if not is_empty(bits)}
    plain = {
        tuple(sorted((a, b))): apart(hashes[a], hashes[b])
        for a, b in combinations(hashes, 2)
        if apart(hashes[a], hashes[b]) <= most
    }
    assert {(a, b): bits for a, b, bits in near_pairs(hashes, most)} == plain


def test_the_file_of_hashes_survives_a_cut_line(tmp_path: Path) -> None:
    file = tmp_path / "pictures" / "500241.txt"
    assert noted(file) == {}
    note(file, "a" * 64, 7)
    note(file, "b" * 64, 2**64 - 1)
    with file.open("a") as opened:
        opened.write("c" * 64 + " 00")
    assert noted(file) == {"a" * 64: 7, "b" * 64: 2**64 - 1}
