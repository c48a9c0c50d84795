"""The verifier of one file on prints that bear the office's electronic seal: one is taken, no attack on it is."""

import json

import pytest

from reports import fangpin_verify as alone
from reports.render import render_trail
from tests.attacks import ATTACKS
from tests.offices import office
from tests.prove.edited_prints import PUBLIC, note_of
from tests.prove.sealed_prints import files_of, seal_of, zipped


@pytest.fixture(scope="module")
def base(honest: str) -> bytes:
    return render_trail(honest, seal_text=seal_of(honest), seal=note_of)


@pytest.fixture(scope="module")
def signed(base: bytes) -> bytes:
    return office().sealed(base)


@pytest.mark.parametrize("algorithm", ["p256", "rsa3072", "ed25519"])
def test_one_seal_is_taken_and_said_not_to_be_checked(base: bytes, algorithm: str) -> None:
    signed = office(algorithm=algorithm).sealed(base)
    status, said, head = alone.verify(signed, key=PUBLIC.text)
    assert (status, [code for code, _ in said]) == (0, ["by_key", "by_log", "left_seal", "left_latest"])
    assert head == alone.verify(base, key=PUBLIC.text)[2]
    assert alone.verify(signed)[0] == 3


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("key", [PUBLIC.text, ""])
def test_no_attack_is_taken(signed: bytes, name: str, key: str) -> None:
    attacked = ATTACKS[name](signed)
    assert alone.verify(attacked, key=key)[0] in (alone.ALTERED, alone.MALFORMED)


def test_two_seals_are_one_too_many(base: bytes, signed: bytes) -> None:
    assert alone.verify(signed + signed[len(base) :], key=PUBLIC.text)[0] == alone.ALTERED


def test_a_bundle_of_signed_prints_is_intact(base: bytes, signed: bytes, honest: str) -> None:
    files = files_of({json.loads(honest)["case"]: base})
    name = next(path for path in files if path.endswith(".pdf"))
    data = zipped({**files, name: signed})
    assert alone.verify(data, key=PUBLIC.text)[0] == 0
