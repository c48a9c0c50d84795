"""``fangpin office-seal``: from init to a signed trail that a stranger checks with the root certificate."""

import shutil
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from app import office_ca
from reports.signed_base import base_of
from tests.attacks import ATTACKS
from tests.cli.conftest import Machine
from tests.cli.test_cases import CASE, clue

NAME = "秀山县农业农村委员会"


@pytest.fixture
def printed(machine: Machine, tmp_path: Path) -> Path:
    """A trail printed where there is an office's seal."""
    clue(machine)
    machine.run("office-seal", "init", "--name", NAME)
    return _print(machine, tmp_path / "trail.pdf")


def _print(machine: Machine, target: Path) -> Path:
    machine.run("trail", CASE, "-o", target, "--as", "shen")
    return target


def _folder(machine: Machine) -> Path:
    return Path(machine.environ["FANGPIN_DATA"]) / "office-seal"


def test_a_signed_trail_is_checked_by_its_root(machine: Machine, printed: Path, tmp_path: Path) -> None:
    root = tmp_path / "root.pem"
    root.write_text(machine.run("office-seal", "root").output)
    said = machine.run("verify", printed, "--database", "--root", root).output
    assert "完好" in said
    assert f"电子印章有效，盖章后没有改动：{NAME}, 2026-03-0" in said
    assert "electronic seal holds" in machine.run("verify", printed, "--root", root, lang="en", code=3).output
    # Without a root elsewhere, nobody knows whose it is, and no anchor makes it intact.
    shutil.move(_folder(machine), tmp_path / "elsewhere")
    assert "不知是谁的印章" in machine.run("verify", printed, "--database", code=3).output


def test_the_same_print_is_signed_once(machine: Machine, printed: Path, tmp_path: Path) -> None:
    machine.now += timedelta(days=1)
    assert _print(machine, tmp_path / "again.pdf").read_bytes() == printed.read_bytes()
    kept = [path for path in (_folder(machine).parent / "signed").rglob("*") if path.is_file()]
    assert len(kept) == 1
    assert not kept[0].read_bytes().startswith(b"%PDF")
    kept[0].write_bytes(b"damaged")
    again = _print(machine, tmp_path / "third.pdf").read_bytes()
    assert (base_of(again), again) != (base_of(printed.read_bytes()), printed.read_bytes())
    assert base_of(again) == base_of(printed.read_bytes())


def test_without_a_seal_nothing_is_signed(machine: Machine, tmp_path: Path) -> None:
    clue(machine)
    assert b"/ByteRange" not in _print(machine, tmp_path / "trail.pdf").read_bytes()
    assert "还没有机关电子印章" in machine.fails("office-seal", "show", reason="office_seal_none")
    machine.fails("office-seal", "root", reason="office_seal_none")


@pytest.mark.parametrize("attack", ["other_content", "another_end", "an_empty_update", "wrapped", "more_evidence"])
def test_attacks_are_altered_prints(machine: Machine, printed: Path, tmp_path: Path, attack: str) -> None:
    """Also beside the database, with which the print below agrees."""
    edited = tmp_path / "edited.pdf"
    edited.write_bytes(ATTACKS[attack](printed.read_bytes()))
    assert "有改动" in machine.run("verify", edited, "--database", code=2).output


def test_keys_are_for_their_owner_only(machine: Machine, printed: Path) -> None:
    folder = _folder(machine)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert {modes[name] for name in ("root.key", "office.key", "clock.key")} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert "已经存在" in machine.fails("office-seal", "init", "--name", NAME, reason="office_seal_there")


def test_a_seal_is_renewed_and_the_old_one_revoked(machine: Machine, printed: Path, tmp_path: Path) -> None:
    """What the old one was set on before stays good; the key of the root may lie elsewhere."""
    machine.now += timedelta(days=400)
    outside = tmp_path / "root.key"
    shutil.move(_folder(machine) / "root.key", outside)
    machine.fails("office-seal", "renew", reason="office_seal_no_root_key")
    wrong = tmp_path / "wrong.key"
    wrong.write_bytes(office_ca.pem_of(office_ca.make_key("p256")))
    machine.fails("office-seal", "renew", "--root-key", wrong, reason="office_seal_wrong_root_key")
    assert "已撤销 2 个" in machine.run("office-seal", "renew", "--revoke", "--root-key", outside).output
    assert "完好" in machine.run("verify", printed, "--database").output
    fresh = _print(machine, tmp_path / "fresh.pdf")
    assert "完好" in machine.run("verify", fresh, "--database").output
    assert fresh.read_bytes() != printed.read_bytes()


def test_nothing_is_printed_by_a_seal_that_has_ended(machine: Machine, printed: Path, tmp_path: Path) -> None:
    shutil.rmtree(_folder(machine).parent / "signed")
    machine.now += timedelta(days=office_ca.OFFICE_DAYS + 30)
    refused = machine.run("trail", CASE, "-o", tmp_path / "x", "--as", "shen", code=1)
    assert "[not_signed]" in refused.stderr
    assert not (tmp_path / "x").exists()
    assert "已过期" in machine.run("office-seal", "show").output


def test_a_broken_seal_is_named(machine: Machine, printed: Path, tmp_path: Path) -> None:
    (_folder(machine) / "clock.pem").unlink()
    refused = machine.run("trail", CASE, "-o", tmp_path / "x", "--as", "shen", code=1)
    assert "clock.pem" in refused.stderr


def test_a_device_that_is_not_there_is_named(machine: Machine, tmp_path: Path) -> None:
    """The certificate is for the device's public key; no private key of the seal lies here."""
    clue(machine)
    public = tmp_path / "device.pem"
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    public.write_bytes(office_ca.make_key("p256").public_key().public_bytes(*form))
    assert "密码设备" in machine.run("office-seal", "init", "--name", NAME, "--public-key", public).output
    assert not (_folder(machine) / "office.key").exists()
    pin = tmp_path / "pin"
    pin.write_text("1234\n")
    machine.environ["FANGPIN_SEAL_DEVICE"] = f"pkcs11:/nowhere/lib.so?token=county&label=seal&pin={pin}"
    refused = machine.run("trail", CASE, "-o", tmp_path / "x", "--as", "shen", code=1)
    assert "/nowhere/lib.so" in refused.stderr
    machine.environ["FANGPIN_SEAL_DEVICE"] = "lib.so"
    assert "FANGPIN_SEAL_DEVICE" in machine.run("trail", CASE, "-o", tmp_path / "x", "--as", "shen", code=1).stderr


def test_papers_are_signed_by_a_setting(machine: Machine, printed: Path, tmp_path: Path) -> None:
    target = tmp_path / "paper.pdf"
    machine.run("paper", "print", "leaflet", "-o", target, "--as", "xian")
    assert b"/ByteRange" not in target.read_bytes()
    machine.environ["FANGPIN_SIGN_PAPERS"] = "1"
    machine.run("paper", "print", "leaflet", "-o", target, "--as", "xian")
    assert b"/ByteRange" in target.read_bytes()


def test_other_files_are_no_certificates(machine: Machine, printed: Path) -> None:
    machine.fails("verify", printed, "--root", printed, reason="no_certificate")
