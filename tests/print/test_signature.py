"""The office's seal on a print: valid in each algorithm and for years, and every attack on it refused."""

import asyncio
import random
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from pyhanko.sign.signers import Signer

from app import office_ca as ca
from reports.hardware import DeviceHand
from reports.signature import Authority, NotSealed, sealed
from reports.signature_check import checked
from reports.signed_base import GRAVE, Checked, base_of
from tests.attacks import ATTACKS, Attack
from tests.offices import DAY, DER, office

NAME = "测试县农业农村委员会"


@pytest.fixture(scope="module")
def signed(printed: bytes) -> bytes:
    return office().sealed(printed)


def test_signed_is_the_print_and_one_update(printed: bytes, signed: bytes) -> None:
    assert signed.startswith(printed)
    assert base_of(signed) == printed
    assert signed.count(b"%%EOF") == printed.count(b"%%EOF") + 1
    assert len(signed) - len(printed) < 32_000
    assert checked(signed, office().roots) == Checked("good", NAME, "2026-11-23T01:02:03Z")


def test_signing_changes_neither_metadata_nor_version(printed: bytes, signed: bytes) -> None:
    update = signed[len(printed) :]
    assert b"/Version" not in update
    assert b"/ModDate" not in update
    assert b"/Metadata" in update  # the catalogue's own, as it was
    assert b"<x:xmpmeta" not in update


@pytest.mark.parametrize("algorithm", sorted(ca.MAKERS))
def test_each_algorithm(printed: bytes, algorithm: str) -> None:
    one = office(NAME, algorithm)
    assert checked(one.sealed(printed), one.roots).code == "good"


def test_a_print_without_a_seal_says_so(printed: bytes) -> None:
    assert checked(printed, office().roots).code == "none"
    assert base_of(printed) == printed


def test_without_the_root_nobody_knows_whose_it_is(signed: bytes) -> None:
    assert checked(signed) == Checked("no_root", NAME, "2026-11-23T01:02:03Z")


def test_a_seal_of_the_same_name_by_another_root_is_foreign(printed: bytes) -> None:
    forged = office(NAME, "rsa3072").sealed(printed)
    assert checked(forged, office().roots).code == "foreign"


def test_a_signature_outlives_its_certificate(printed: bytes) -> None:
    """It is judged at the moment of its stamp, by the list that came along: no clock of the reader is asked."""
    long_ago = DAY - timedelta(days=12 * 365)
    one = office("旧章", "p256", long_ago)
    assert checked(one.sealed(printed, now=long_ago), one.roots).code == "good"


def test_nothing_is_sealed_after_the_certificate_has_ended(printed: bytes) -> None:
    with pytest.raises(NotSealed):
        office().sealed(printed, now=DAY + timedelta(days=ca.OFFICE_DAYS + 1))


@pytest.mark.parametrize("days", [-1, 1])
def test_a_revoked_certificate(printed: bytes, days: int) -> None:
    """The newest list of the office is asked beside the one in the file: what was signed before stays good."""
    key = ca.make_key("p256")
    root = ca.make_root(key, "根", now=DAY)
    serial = x509.load_der_x509_certificate(office().authority.office).serial_number
    newer = ca.make_list(root, key, [(serial, DAY + timedelta(days=days))], now=DAY + timedelta(days=9), number=2)
    found = checked(office().sealed(printed), office().roots, [newer.public_bytes(DER)])
    assert found.code == ("revoked" if days < 0 else "good")


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_every_attack_is_refused(signed: bytes, attack: Attack) -> None:
    """Also by who has no root: whatever was done after signing is seen without one."""
    edited = attack(signed)
    assert edited != signed
    for roots in (office().roots, ()):
        found = checked(edited, roots)
        assert found.code in GRAVE
        assert found.remark.is_grave


def test_there_are_twenty_attacks() -> None:
    assert len(ATTACKS) >= 20


def test_one_bit_is_found_anywhere(printed: bytes, signed: bytes) -> None:
    """The digits of the signature hold copies of certificates, which nobody reads; all else is signed or nought."""
    begins = signed.rindex(b"/Contents <") + len(b"/Contents <")
    ends = signed.index(b">", begins)
    chance = random.Random(6)
    places = [chance.choice((chance.randrange(begins), chance.randrange(ends - 200, len(signed)))) for _ in range(40)]
    for place in (*places, len(printed), ends - 1, ends, len(signed) - 1):
        edited = bytearray(signed)
        edited[place] ^= 1 << chance.randrange(3)
        assert checked(bytes(edited), office().roots).is_grave, place


def test_a_device_signs_through_its_own_signer(printed: bytes, tmp_path: Path) -> None:
    """Opened with library, token and PIN; a stand-in for the device's signer, the rest is real."""
    one, asked = office("设备"), []
    pin, library = tmp_path / "pin", tmp_path / "lib.so"
    pin.write_text("1234\n")

    def opened(*told: str) -> str:
        asked.append(told)
        return "session"

    def made(session: str, authority: Authority, label: str) -> Signer:
        asked.append((session, label))
        return one.hand.signer(authority)

    hand = DeviceHand(str(library), "county", "seal", str(pin), opened, made)
    assert checked(sealed(printed, one.authority, hand, now=DAY), one.roots).code == "good"
    assert asked == [(str(library), "county", "1234"), ("session", "seal")]


def test_a_device_names_what_is_missing(tmp_path: Path) -> None:
    library, pin = tmp_path / "lib.so", tmp_path / "pin"
    authority = office().authority
    with pytest.raises(NotSealed, match="PIN"):
        DeviceHand(str(library), "county", "seal", str(pin)).signer(authority)
    pin.write_text("1234")
    with pytest.raises(NotSealed, match="no such library"):
        DeviceHand(str(library), "county", "seal", str(pin)).signer(authority)
    library.write_bytes(b"")
    with pytest.raises(NotSealed, match="python-pkcs11"):
        DeviceHand(str(library), "county", "seal", str(pin)).signer(authority)


def test_it_is_set_and_checked_inside_a_running_event_loop(printed: bytes) -> None:
    """As in a server, or in a test of another kind, that runs one in its thread."""

    async def both() -> Checked:
        return checked(office().sealed(printed), office().roots)

    assert asyncio.run(both()).code == "good"
