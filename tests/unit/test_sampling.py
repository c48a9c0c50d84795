"""The draw of a sample: the same for everybody, in any order, and as the documentation says."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from app.sampling import drawn, fresh_seed, is_seed, population_digest, rank_of

NUMBERS = st.lists(st.from_regex(r"500241H[0-9]{7}-C[1-9]", fullmatch=True), unique=True, max_size=60)


def test_the_rank_is_what_the_documentation_says() -> None:
    text = b"2026-11-23 08 11 19\n500241H0000001-C1"
    assert rank_of("2026-11-23 08 11 19", "500241H0000001-C1") == hashlib.sha256(text).hexdigest()
    assert population_digest(["b", "a"]) == hashlib.sha256(b"a\nb\n").hexdigest()


@given(NUMBERS, st.integers(1, 70), st.randoms())
def test_order_does_not_matter_and_larger_samples_begin_with_smaller_ones(
    numbers: list[str], size: int, chance: object
) -> None:
    mixed = list(numbers)
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    found = drawn("seed", size, numbers)
    assert found == drawn("seed", size, mixed)
    assert len(found) == min(size, len(numbers))
    assert drawn("seed", size + 5, numbers)[: len(found)] == found
    assert population_digest(numbers) == population_digest(mixed)


@given(NUMBERS.filter(lambda found: len(found) > 3), st.integers(1, 3))
def test_who_is_drawn_does_not_depend_on_who_is_not(numbers: list[str], size: int) -> None:
    found = drawn("seed", size, numbers)
    kept = {number for _, number in found}
    left = [number for number in numbers if number in kept or number < numbers[0]]
    assert drawn("seed", size, left) == found or not kept <= set(left)


def test_every_case_is_drawn_as_often_as_any_other() -> None:
    """600 draws of 5 from 50 cases: each is expected 60 times; six standard deviations are 44."""
    numbers = [f"500241H{serial:07}-C1" for serial in range(50)]
    counts = dict.fromkeys(numbers, 0)
    for seed in range(600):
        for _, number in drawn(str(seed), 5, numbers):
            counts[number] += 1
    assert all(abs(count - 60) < 44 for count in counts.values()), counts


def test_seeds() -> None:
    assert is_seed(fresh_seed())
    assert is_seed("第26137期 08 11 19")
    for text in ("", " x", "x ", "a\nb", "x" * 65, "a\u200bb"):
        assert not is_seed(text), text
