"""The proofs in a size of seconds, so that each of them also runs with every `make test`."""

import random

import pytest

from tests.prove import killed_database, races, same_bytes, scanned_codes, writers
from tests.prove.__main__ import PROOFS, SIZES, chosen, sizes_of
from tests.prove.worlds import ENGINES, world

PAIRS = 40


@pytest.mark.parametrize("engine", ENGINES)
def test_raced_pairs(engine: str) -> None:
    with world(engine) as one:
        assert f"{PAIRS} moves" in races.prove(one, pairs=PAIRS, chance=random.Random(engine))


@pytest.mark.timeout(300)
def test_a_database_that_is_killed_and_restarted_under_load() -> None:
    assert "none lost" in killed_database.prove(rounds=1, households=600, seconds=2)


def test_writers_at_once() -> None:
    with world("sqlite") as one:
        assert "never locked" in writers.prove(one, writers=4, seconds=3)


def test_the_same_journal_gives_the_same_bytes() -> None:
    assert "3 renders" in same_bytes.prove(renders=3, entries=8)


def test_qr_symbols_from_bad_scans() -> None:
    assert "12 of 12" in scanned_codes.prove(scans=12, chance=random.Random(3))


def test_proofs_are_chosen_by_words_and_sizes_by_name() -> None:
    assert chosen([]) == PROOFS
    assert set(chosen(["raced"])) == {"raced pairs, sqlite", "raced pairs, postgresql"}
    assert sizes_of(["pairs=7"]) == {**SIZES, "pairs": 7}
    for words in (lambda: chosen(["nothing"]), lambda: sizes_of(["none=1"])):
        with pytest.raises(SystemExit):
            words()
