"""The verifier that is given away and a second one, written apart, agree: on edits and on clean files."""

import random

from tests.prove import agreeing


def test_two_verifiers_agree() -> None:
    """Some edits of every kind; ``make prove`` makes ten thousand, and judges as many clean trails."""
    assert "none intact to either" in agreeing.prove(edits=112, clean=40, chance=random.Random(17))
