"""The office's electronic seal on disk: made, renewed, shown, read. Keys stay in the folder of the installation's keys.

An installation without the folder prints without a seal. What is here is an organisation's seal held by a server,
not any person's signature.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import Encoding

from app import office_ca as ca
from app.disk import settle
from app.keys import write_keys

FOLDER = "office-seal"
ROOT, OFFICE, CLOCK, LIST = "root.pem", "office.pem", "clock.pem", "revoked.pem"
ROOT_KEY, OFFICE_KEY, CLOCK_KEY = "root.key", "office.key", "clock.key"
DEVICE = re.compile(r"pkcs11:(?P<library>/[^?]+)\?token=(?P<token>[^&]+)&label=(?P<label>[^&]+)&pin=(?P<pin>/[^&]+)")


class NoOfficeSeal(ValueError):
    """There is none, or what there is can't be used; ``code`` is a word of ``cli.fault``."""

    def __init__(self, code: str, place: Path | None = None) -> None:
        super().__init__(code)
        self.code, self.place = code, place


@dataclass(frozen=True)
class OfficeSeal:
    """What signs and what is enclosed, as DER; ``office_key`` is empty where a device holds it."""

    root: bytes
    office: bytes
    clock: bytes
    revoked: bytes
    clock_key: bytes = field(repr=False)
    office_key: bytes = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """What tells this seal from an earlier one of the same office: SHA-256 of its certificate."""
        return fingerprint(x509.load_der_x509_certificate(self.office))


@dataclass(frozen=True)
class Shown:
    """What people are told of a seal; times in UTC."""

    name: str
    algorithm: str
    serial: str
    until: datetime
    list_until: datetime
    revoked: int
    root: str
    has_root_key: bool
    has_key: bool


def fingerprint(certificate: x509.Certificate) -> str:
    """Return the SHA-256 of a certificate, in hex."""
    return certificate.fingerprint(ca.SHA256).hex()


def make(folder: Path, name: str, *, algorithm: str, now: datetime, public: bytes = b"") -> None:
    """Make root, seal, clock and an empty revocation list; raises NoOfficeSeal when there is one.

    ``public``: the public key (PEM) of a device that holds the seal's own key; else the key is made here.
    """
    if (folder / ROOT).exists():
        raise NoOfficeSeal("office_seal_there", place=folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    root_key = ca.make_key(algorithm)
    root = ca.make_root(root_key, f"{name} 根证书", now=now)
    write_keys(folder / ROOT_KEY, ca.pem_of(root_key))
    _issue(folder, root, root_key, name, now=now, algorithm=algorithm, public=public)
    _put(folder / LIST, ca.make_list(root, root_key, [], now=now, number=1).public_bytes(Encoding.PEM))
    _put(folder / ROOT, root.public_bytes(Encoding.PEM))  # the last: with it the seal is there


def renew(folder: Path, *, now: datetime, revoke: bool, root_key: Path | None = None, public: bytes = b"") -> None:
    """Make a new seal and clock under the same root, and a new list, on which the old ones stand if ``revoke``.

    The earlier certificates stay beside, named by their serial numbers. Raises NoOfficeSeal.
    """
    root, old = _certificate(folder, ROOT), [_certificate(folder, name) for name in (OFFICE, CLOCK)]
    key = _root_key(folder, root, root_key)
    known = x509.load_pem_x509_crl((folder / LIST).read_bytes())
    gone = [(row.serial_number, row.revocation_date_utc) for row in known]
    gone += [(one.serial_number, now) for one in old] if revoke else []
    made = ca.make_list(root, key, gone, now=now, number=_number(known) + 1)
    name = _name(old[0])
    for one, kind in zip(old, (OFFICE, CLOCK), strict=True):
        _put(folder / f"{one.serial_number:x}-{kind}", one.public_bytes(Encoding.PEM))
    _issue(folder, root, key, name, now=now, algorithm=algorithm_of(old[0]), public=public)
    _put(folder / LIST, made.public_bytes(Encoding.PEM))


def _issue(
    folder: Path, root: x509.Certificate, root_key: ca.Key, name: str, *, now: datetime, algorithm: str, public: bytes
) -> None:
    clock_key = ca.make_key("p256")
    _put(folder / CLOCK_KEY, ca.pem_of(clock_key), secret=True)
    if public:
        office_public = serialization.load_pem_public_key(public)
        (folder / OFFICE_KEY).unlink(missing_ok=True)
    else:
        office_key = ca.make_key(algorithm)
        office_public = office_key.public_key()
        _put(folder / OFFICE_KEY, ca.pem_of(office_key), secret=True)
    office = ca.make_leaf(root, root_key, office_public, name, now=now)
    clock = ca.make_leaf(root, root_key, clock_key.public_key(), f"{name} 时钟", now=now, is_clock=True)
    _put(folder / CLOCK, clock.public_bytes(Encoding.PEM))
    _put(folder / OFFICE, office.public_bytes(Encoding.PEM))


def read(folder: Path) -> OfficeSeal | None:
    """Return the seal, None where the office has none; raises NoOfficeSeal when a part is missing or broken."""
    if not (folder / ROOT).exists():
        return None
    root, office, clock = (_certificate(folder, name).public_bytes(Encoding.DER) for name in (ROOT, OFFICE, CLOCK))
    revoked = x509.load_pem_x509_crl((folder / LIST).read_bytes()).public_bytes(Encoding.DER)
    key = _pkcs8(folder / OFFICE_KEY) if (folder / OFFICE_KEY).exists() else b""
    return OfficeSeal(root, office, clock, revoked, _pkcs8(folder / CLOCK_KEY), key)


def roots(folder: Path) -> tuple[bytes, ...]:
    """Return the office's root certificate (DER) to check with; nothing where it has none."""
    return (_certificate(folder, ROOT).public_bytes(Encoding.DER),) if (folder / ROOT).exists() else ()


def lists(folder: Path) -> tuple[bytes, ...]:
    """Return the office's newest revocation list (DER); nothing where it has none."""
    path = folder / LIST
    return (x509.load_pem_x509_crl(path.read_bytes()).public_bytes(Encoding.DER),) if path.exists() else ()


def show(folder: Path) -> Shown:
    """Return what people are told of the seal; raises NoOfficeSeal."""
    if not (folder / ROOT).exists():
        raise NoOfficeSeal("office_seal_none", place=folder)
    office, root = _certificate(folder, OFFICE), _certificate(folder, ROOT)
    known = x509.load_pem_x509_crl((folder / LIST).read_bytes())
    until = known.next_update_utc or office.not_valid_after_utc
    return Shown(
        _name(office), algorithm_of(office), f"{office.serial_number:x}", office.not_valid_after_utc, until,
        len(known), fingerprint(root), (folder / ROOT_KEY).exists(), (folder / OFFICE_KEY).exists(),
    )  # fmt: skip


def ends(folder: Path) -> datetime | None:
    """Return when the first of root, seal, clock and revocation list ends (UTC), None where the office has no seal.

    Raises NoOfficeSeal when a part is missing or broken.
    """
    if not (folder / ROOT).exists():
        return None
    held = [_certificate(folder, name).not_valid_after_utc for name in (ROOT, OFFICE, CLOCK)]
    return min(filter(None, (*held, _list(folder).next_update_utc)))


def _list(folder: Path) -> x509.CertificateRevocationList:
    try:
        return x509.load_pem_x509_crl((folder / LIST).read_bytes())
    except (OSError, ValueError) as error:
        raise NoOfficeSeal("office_seal_broken", place=folder / LIST) from error


def root_pem(folder: Path) -> str:
    """Return the root certificate as it is given to whoever checks; raises NoOfficeSeal."""
    show(folder)
    return (folder / ROOT).read_text("ascii")


def certificate_of(text: bytes) -> bytes:
    """Return a certificate file (PEM or DER) as DER; raises NoOfficeSeal for anything else."""
    try:
        load = x509.load_pem_x509_certificate if b"-----BEGIN" in text else x509.load_der_x509_certificate
        return load(text).public_bytes(Encoding.DER)
    except ValueError as error:
        raise NoOfficeSeal("no_certificate") from error


def algorithm_of(certificate: x509.Certificate) -> str:
    """Return the name of a certificate's algorithm as ``--algorithm`` takes it."""
    return ca.name_of(certificate.public_key())


def device_of(text: str) -> Mapping[str, str]:
    """Return the parts of FANGPIN_SEAL_DEVICE; raises ValueError."""
    found = DEVICE.fullmatch(text)
    if not found:
        raise ValueError("must be pkcs11:/path/to/library.so?token=NAME&label=NAME&pin=/path/to/file")
    return found.groupdict()


def _root_key(folder: Path, root: x509.Certificate, given: Path | None) -> Any:
    path = given or folder / ROOT_KEY
    if not path.exists():
        raise NoOfficeSeal("office_seal_no_root_key", place=path)
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise NoOfficeSeal("office_seal_wrong_root_key", place=path) from error
    if key.public_key() != root.public_key():
        raise NoOfficeSeal("office_seal_wrong_root_key", place=path)
    return key


def _certificate(folder: Path, name: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate((folder / name).read_bytes())
    except (OSError, ValueError) as error:
        raise NoOfficeSeal("office_seal_broken", place=folder / name) from error


def _pkcs8(path: Path) -> bytes:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise NoOfficeSeal("office_seal_broken", place=path) from error
    return key.private_bytes(Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _name(certificate: x509.Certificate) -> str:
    return str(certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)


def _number(known: x509.CertificateRevocationList) -> int:
    return known.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def _put(path: Path, text: bytes, *, secret: bool = False) -> None:
    """Write a file whole or not at all; a key is readable by its owner only from the first byte on."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if secret else 0o644)
    with os.fdopen(handle, "wb") as file:
        file.write(text)
        settle(file)
    fresh.replace(path)
