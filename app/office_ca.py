"""The office's own certificates: a root, an office seal, a clock, and the list of what was revoked."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = Any  # a private key of any of these kinds
MAKERS: Mapping[str, Callable[[], Key]] = {
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "rsa3072": lambda: rsa.generate_private_key(65537, 3072),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}
SHA256 = hashes.SHA256()
ROOT_DAYS, OFFICE_DAYS = 30 * 365, 5 * 365
# A signature is judged at the moment of its stamp; the list that goes along must not have ended by then.
LIST_DAYS = OFFICE_DAYS
EARLIER = timedelta(minutes=5)  # clocks of one house differ a little


def make_key(algorithm: str) -> Key:
    """Return a new private key; raises KeyError for an algorithm that is none of ours."""
    return MAKERS[algorithm]()


def make_root(key: Key, name: str, *, now: datetime) -> x509.Certificate:
    """Return the certificate that all others are signed by; it signs nothing else."""
    own = _named(name)
    made = _builder(own, own, key.public_key(), now=now, days=ROOT_DAYS)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    made = made.add_extension(_usage(crl_sign=True, key_cert_sign=True), critical=True)
    made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    return made.sign(key, _digest(key))


def make_leaf(
    root: x509.Certificate, root_key: Key, public: Any, name: str, *, now: datetime, is_clock: bool = False
) -> x509.Certificate:
    """Return the certificate of the office's seal, or of its clock, which signs time stamps and nothing else."""
    made = _builder(_named(name), root.subject, public, now=now, days=OFFICE_DAYS)
    made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    made = made.add_extension(_usage(content_commitment=not is_clock, digital_signature=True), critical=True)
    if is_clock:
        made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    made = made.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
    return made.sign(root_key, _digest(root_key))


def make_list(
    root: x509.Certificate, root_key: Key, revoked: Sequence[tuple[int, datetime]], *, now: datetime, number: int
) -> x509.CertificateRevocationList:
    """Return the list of revoked certificates (serial number, moment), with a number that only grows."""
    made = x509.CertificateRevocationListBuilder().issuer_name(root.subject)
    made = made.last_update(now - EARLIER).next_update(now + timedelta(days=LIST_DAYS))
    made = made.add_extension(x509.CRLNumber(number), critical=False)
    made = made.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
    for serial, at in revoked:
        one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at).build()
        made = made.add_revoked_certificate(one)
    return made.sign(root_key, _digest(root_key))


def pem_of(key: Key) -> bytes:
    """Return a private key as it is kept in a file."""
    plain = serialization.NoEncryption()
    return bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))


def _builder(name: x509.Name, issuer: x509.Name, public: Any, *, now: datetime, days: int) -> x509.CertificateBuilder:
    made = x509.CertificateBuilder().subject_name(name).issuer_name(issuer).public_key(public)
    made = made.serial_number(x509.random_serial_number())
    return made.not_valid_before(now - EARLIER).not_valid_after(now + timedelta(days=days))


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"), x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(**wanted: bool) -> x509.KeyUsage:
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: wanted.get(name, False) for name in names})


def _digest(key: Key) -> hashes.SHA256 | None:
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()


def name_of(public: Any) -> str:
    """Return the name of a public key's algorithm, or of its kind where it is none of ours."""
    if isinstance(public, rsa.RSAPublicKey):
        return f"rsa{public.key_size}"
    kinds = ((ec.EllipticCurvePublicKey, "p256"), (ed25519.Ed25519PublicKey, "ed25519"))
    return next((name for kind, name in kinds if isinstance(public, kind)), type(public).__name__)
